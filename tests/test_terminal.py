"""What is printed fits the columns that there are, and no number is cut."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import certflow as cf
from certflow.terminal import columns, filled, table

HEAD = ("name", "what it is", "K", "error", "the other")
ROWS = [
    ("two-modes", "two modes of one variance on a line in the plane", "2", "1.2345e-07", "-3.00012345"),
    ("b", "a short one", "16", "12.5 ± 0.25", "1234567.125"),
]
#: Command lines that print tables, each with the words of its first column that stand in a terminal of 60 columns.
LINES = (
    "mixtures list",
    "claims",
    "claims L2",
    "bound two-modes --points 3",
    "grid two-modes --segments 4 --kind uniform",
    "doctor 80,20,5,1,0.2 --as k-diffusion",
    "verify two-modes --claims G3,M2,E5 --jobs 1",
)


def test_a_table_without_a_width_is_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert columns() is None
    assert table(("a", "b"), [("x", "1"), ("yy", "22")], left=1) == "a    b\n──  ──\nx    1\nyy  22"


@pytest.mark.parametrize("width", [32, 45, 60, 79, 200])
def test_a_table_fits_and_every_entry_is_whole(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = table(HEAD, ROWS, left=2)
    assert max(map(len, shown.splitlines())) <= width
    for row in ROWS:
        for number in row[2:]:
            assert re.search(rf"(?<!\S){re.escape(number)}(?!\S)", shown)
        for word in " ".join(row[:2]).split():
            assert word in shown


@given(
    st.lists(st.lists(st.integers(-(10**12), 10**12), min_size=6, max_size=6), min_size=1, max_size=4),
    st.integers(30, 120),
)
def test_columns_of_numbers_go_below_each_other(rows: list[list[int]], width: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        shown = table(list("abcdef"), [list(map(str, row)) for row in rows])
    assert max(map(len, shown.splitlines())) <= width
    told = [block.splitlines()[2:] for block in shown.split("\n\n")]
    for place, row in enumerate(rows):
        found = [int(entry) for block in told for entry in block[place].split()]
        firsts = len(told) - 1
        assert len(found) == len(row) + firsts
        assert [entry for entry in row if entry not in found] == []


def test_running_text_fits_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    shown = filled("words " * 20, "- ", "  ")
    assert max(map(len, shown.splitlines())) <= 30
    assert shown.startswith("- words")


def numbers(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w.])[-+]?\d+\.\d+(?:e[-+]\d+)?(?![\w.])", text))


@pytest.mark.parametrize("line", LINES)
def test_commands_at_60_columns(line: str, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """But for a word that is longer, such as a command to copy or an id of a test."""
    monkeypatch.delenv("COLUMNS", raising=False)
    wide = command(*line.split())
    monkeypatch.setenv("COLUMNS", "60")
    narrow = command(*line.split())
    assert narrow.code == wide.code
    assert numbers(narrow.out) == numbers(wide.out)
    for shown in narrow.out.splitlines():
        assert len(shown) <= 60 or max(map(len, shown.split())) > 40 or "mend:" in shown, shown


def test_the_comparison_of_fits_at_60_columns(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "data.npy", cf.load_mixture("two-modes").sample(60, seed=0))
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.chdir(tmp_path)
    ended = command("mixtures", "fit", "data.npy", "--components", "1,2", "--out", "m.json")
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= 60

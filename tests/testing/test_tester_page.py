"""The page `docs/tester.md`: its test fails on its code as it is shown, and passes on the mended one."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from depth import nightly
from documented import ROOT, blocks, without_numbers
from own_project import pytest_in, write

from certflow.testing.gathered import counts_told
from certflow.testing.hearing import listening
from certflow.testing.result import CheckFailed

BLOCKS = {block.note: block.text for block in blocks(ROOT / "docs" / "tester.md") if block.note}
FILES = {name: BLOCKS[f"file: {name}.py"] for name in ("my_score", "test_my_score")}
WRONG, RIGHT = "    v = 0.04 + 1 - m**2\n", BLOCKS["mended"]


def mended() -> str:
    assert FILES["my_score"].count(WRONG) == 1
    return FILES["my_score"].replace(WRONG, RIGHT)


def cases(code: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The cases that the test of the page makes of this code."""
    module = ModuleType("my_score")
    exec(code, vars(module))
    monkeypatch.setitem(sys.modules, "my_score", module)
    names: dict[str, Any] = {}
    exec(FILES["test_my_score"], names)
    (mark,) = names["test_my_score"].pytestmark
    return [(names["test_my_score"], value.values[0]) for value in mark.args[1]]


def test_the_first_code_fails_as_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    typical = next(case for case in cases(FILES["my_score"], monkeypatch) if case[1].part.name == "typical points")
    with pytest.raises(CheckFailed) as failed:
        typical[0](check=typical[1])
    assert without_numbers(str(failed.value)) == without_numbers(BLOCKS["failure"])


def test_the_mended_code_passes_as_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: Counter[str] = Counter()
    with listening(lambda result, _: counts.update(passed=int(result.passed), evaluations=result.evaluations)):
        for test, case in cases(mended(), monkeypatch):
            test(check=case)
    assert BLOCKS["success"].strip() == f"check_score: {counts_told(counts)}"


@nightly
def test_pytest_says_so(tmp_path: Path) -> None:
    folder = write(tmp_path, **FILES)
    ended = pytest_in(folder, "test_my_score.py")
    assert ended.code == 1
    write(folder, my_score=mended())
    ended = pytest_in(folder, "test_my_score.py")
    assert ended.code == 0, ended.out
    assert BLOCKS["success"].strip() in ended.out.splitlines()

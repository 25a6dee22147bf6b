"""What a shell offers after Tab, asked as bash, zsh and fish ask; nothing heavy is loaded for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import certflow as cf
from certflow.claims.registry import STATEMENTS
from certflow.commands.completion import claim_ids, mixtures
from certflow.law.library import builtin_mixtures


def offered(line: str, monkeypatch: pytest.MonkeyPatch, command: Callable[..., Any]) -> list[str]:
    """What bash is offered for the last word of a line."""
    monkeypatch.setenv("_CERTFLOW_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    ended = command()
    assert (ended.code, ended.err) == (0, "")
    return ended.out.split()


LINES = {
    "certflow ver": ["verify"],
    "certflow bound ir": ["iris", "iris-full"],
    "certflow verify two": ["two-modes", "two-modes-1d", "two-variances"],
    "certflow mixtures show rin": ["ring-8"],
    "certflow mixtures fit x.csv --covariance-type t": ["tied"],
    "certflow claims L": [f"L{k}" for k in range(1, 9)],
    "certflow verify iris --claims S1,m": ["S1,m1", "S1,m2", "S1,m3"],
    "certflow verify iris --profile f": ["full"],
    "certflow bound iris --format j": ["json"],
    "certflow grid iris --kind ka": ["karras"],
    "certflow grid iris --sampler dp": ["dpmpp-2m"],
    "certflow grid iris --export k": ["k-diffusion"],
    "certflow grid iris --rate sp": ["spectral"],
    "certflow grid iris --scheduler EulerD": ["EulerDiscreteScheduler"],
    "certflow distill iris --grids uniform,kar": ["uniform,karras"],
    "certflow doctor x --as k": ["k-diffusion"],
    "certflow audit a:b iris --predicts eps": ["epsilon"],
}


@pytest.mark.parametrize("line", LINES)
def test_words_for_bash(line: str, monkeypatch: pytest.MonkeyPatch, command: Callable[..., Any]) -> None:
    assert offered(line, monkeypatch, command) == LINES[line]


def test_names_are_those_that_there_are() -> None:
    assert sorted(claim_ids()) == sorted(STATEMENTS)
    assert [name for name in mixtures("") if "." not in name and "/" not in name] == sorted(builtin_mixtures())


def test_files_of_mixtures_are_offered_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cf.load_mixture("two-modes").save("mine.json")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "other.toml").write_text("")
    (tmp_path / "more" / "notes.md").write_text("")
    assert mixtures("m") == ["modes-16d", "mine.json", "more/"]
    assert mixtures("more/o") == ["more/other.toml"]
    assert mixtures("nowhere/x") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell(shell: str, monkeypatch: pytest.MonkeyPatch, command: Callable[..., Any]) -> None:
    monkeypatch.setenv("_CERTFLOW_COMPLETE", f"source_{shell}")
    ended = command()
    assert ended.code == 0
    assert "_CERTFLOW_COMPLETE" in ended.out
    assert "certflow" in ended.out


def test_the_options_of_completion_are_listed(command: Callable[..., Any]) -> None:
    told = command("--help").out
    assert "--install-completion" in told
    assert "--show-completion" in told


def test_nothing_heavy_is_loaded() -> None:
    heavy = ("torch", "sympy", "sklearn", "matplotlib", "pandas")
    code = (
        "import sys\nfrom certflow.cli import main\nassert main([]) == 0\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    asked = {"_CERTFLOW_COMPLETE": "complete_bash", "COMP_WORDS": "certflow verify iris --claims L", "COMP_CWORD": "4"}
    ended = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | asked, capture_output=True, text=True, timeout=300
    )
    assert (ended.returncode, ended.stderr.strip()) == (0, "[]")
    assert "L2" in ended.stdout.split()

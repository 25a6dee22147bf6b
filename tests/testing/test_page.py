"""The page `docs/test-your-score.md`: its files are a project, its commands run, and what it shows is printed."""

from __future__ import annotations

import re
import shlex
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from depth import nightly
from own_project import ROOT, pytest_in, write

import certflow as cf
from certflow.testing.gathered import counts_told
from certflow.testing.hearing import listening
from certflow.testing.options import PROFILES
from certflow.testing.parametrize import KINDS, check_cases
from certflow.testing.result import CheckFailed

pytest.importorskip("torch")

PAGE = (ROOT / "docs" / "test-your-score.md").read_text(encoding="utf-8")
NUMBER = r"-?\d[\d.,]*(?:e[+-]?\d+)?"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


def files() -> dict[str, str]:
    """The Python blocks by the names of their first lines."""
    named = {re.match(r"# (\w+)\.py\n", block): block for block in blocks("python")}
    assert None not in named
    return {match.group(1): block for match, block in named.items() if match}


def shape(text: str) -> list[str]:
    """Lines with their numbers left out."""
    return [re.sub(NUMBER, "#", line).rstrip() for line in text.splitlines()]


LAST = "return (shares[..., None] * pulls).sum(1) / v"


def project(folder: Path) -> Path:
    """The files of the page, and those that its command names."""
    write(folder, **files())
    score = "import certflow as cf\n\nscore = cf.OrnsteinUhlenbeck(cf.load_mixture('two-modes')).score\n"
    write(folder, my_scores=score)
    cf.load_mixture("two-modes").save(folder / "my-mixture.json")
    return folder


def run_ten_lines(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The ten lines as a module; the check of each case that they make."""
    network = ModuleType("my_network")
    exec(files()["my_network"], vars(network))
    monkeypatch.setitem(sys.modules, "my_network", network)
    names: dict[str, Any] = {}
    exec(files()["test_my_network"], names)
    (mark,) = names["test_my_network"].pytestmark
    for value in mark.args[1]:
        names["test_my_network"](**dict(zip(mark.args[0], value.values, strict=True)))
    return [value.values[1] for value in mark.args[1]]


def test_the_ten_lines_pass_and_end_as_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line for line in files()["test_my_network"].splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) <= 10
    counts: Counter[str] = Counter()
    with listening(lambda result, _: counts.update(passed=int(result.passed), evaluations=result.evaluations)):
        cases = run_ten_lines(monkeypatch)
    assert len(cases) == counts["passed"]
    (shown,) = [block for block in blocks("text") if "CheckFailed" not in block]
    assert shown.strip() == f"check_score: {counts_told(counts)}"


def test_the_turned_sign_fails_as_it_is_shown() -> None:
    (shown,) = [block for block in blocks("text") if "CheckFailed" in block]
    assert LAST in files()["my_network"]
    names: dict[str, Any] = {}
    exec(files()["my_network"].replace(LAST, LAST.replace("return (", "return -(")), names)
    mixture = cf.load_mixture("two-modes")
    network = names["ScoreNetwork"](mixture.weights, mixture.means, float(mixture.covariances))
    (typical,) = [case for case in check_cases("score", network, mixture) if case.part.name == "typical points"]
    with pytest.raises(CheckFailed) as failed:
        typical()
    printed = f"certflow.testing.result.CheckFailed: {failed.value}"
    assert shape(printed) == [line.removeprefix("E").removeprefix("       ") for line in shape(shown)]


@nightly
def test_the_other_tests_and_the_command_of_the_suite_run(tmp_path: Path) -> None:
    folder = project(tmp_path)
    ended = pytest_in(folder, "test_my_network.py")
    (shown,) = [block for block in blocks("text") if "CheckFailed" not in block]
    assert shown.strip() in ended.out.splitlines()
    ended = pytest_in(folder, "test_many.py", "test_my_mixture.py", "--strict-markers")
    assert ended.code == 0, ended.out
    (line,) = [line for block in blocks("sh") for line in block.splitlines()]
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "pytest"]
    ended = pytest_in(folder, *words[3:])
    assert ended.code == 0, ended.out + ended.err


def test_every_kind_and_option_has_its_place() -> None:
    table = PAGE.partition("## What can be checked")[2].partition("\n\nEach has")[0]
    table = "\n".join(row.split(" | ")[0] + " |" for row in table.splitlines())
    kinds = [
        kind for row in re.findall(r"^\| (.*?) \|", table, flags=re.MULTILINE) for kind in re.findall(r'"(\w+)"', row)
    ]
    assert sorted(kinds) == sorted(KINDS)
    plugin = (ROOT / "certflow" / "testing" / "plugin.py").read_text(encoding="utf-8")
    options = set(re.findall(r'^        \("(\w+)", ', plugin, flags=re.MULTILINE)) | {"mixture", "allow-inconclusive"}
    assert options == set(re.findall(r"--certflow-([a-z-]+)", PAGE))
    assert all(profile in PAGE for profile in PROFILES)
    for path in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / path).exists(), path

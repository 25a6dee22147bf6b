"""What README and the pages of `docs/` show is what happens: their Python and their commands print what is shown."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from depth import nightly
from documented import PAGES, ROOT, Block, blocks, is_shown, without_numbers

import certflow as cf
from certflow.claims.check import OutOfReach
from certflow.claims.model import Kind, Outcome
from certflow.claims.registry import CHECKS, STATEMENTS
from certflow.law.formats import to_mapping

#: Pages whose blocks have a test of their own, which says more than that they run.
ELSEWHERE = {
    "docs/adding-a-claim.md": "tests/claims/test_adding_a_claim.py",
    "docs/audit.md": "tests/auditing/test_page_of_docs.py",
    "docs/laboratory.md": "tests/commands/test_distill_command.py",
    "docs/networks.md": "tests/commands/test_network_page.py",
    "docs/practitioner.md": "tests/planning/test_practitioner_page.py",
    "docs/test-your-score.md": "tests/testing/test_page.py",
    "docs/tester.md": "tests/testing/test_tester_page.py",
    "docs/your-own-model.md": "tests/schedules/test_page.py",
}
HERE = [path for path in PAGES if str(path.relative_to(ROOT)) not in ELSEWHERE]
#: What the commands of a page use where it is installed, and what they print then.
USED = {"docs/sweep.md": "pyarrow"}
#: What makes the environment is run by `.ci/run`.
INSTALLED = ("python3 -m venv ", "pip install ")


class Folder:
    """The folder and the namespace in which the blocks of one page are run, one after the other."""

    def __init__(self, command: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
        self.command, self.capsys = command, capsys
        self.names: dict[str, Any] = {"cf": cf}
        Path("points.csv").write_text("".join(f"{i % 7},{i * i % 11}\n" for i in range(40)))
        cf.load_mixture("two-modes").save("m.json")

    def run(self, block: Block) -> str:
        """Run one block; what it printed."""
        if block.note.startswith("file: "):
            Path(block.note.removeprefix("file: ")).write_text(block.text, encoding="utf-8")
            return ""
        if block.language == "python":
            self.capsys.readouterr()
            exec(compile(block.text, str(block), "exec"), self.names)
            return str(self.capsys.readouterr().out)
        if block.language == "sh":
            return "".join(self.line(line, block) for line in block.text.splitlines())
        return ""

    def line(self, line: str, block: Block) -> str:
        if line.startswith(INSTALLED):
            return ""
        words, _, target = line.partition(" > ")
        name, *arguments = shlex.split(words)
        if name == "certflow":
            ended = self.command(*(path for word in arguments for path in expanded(word)))
            assert ended.code == 0 or (block.shown and ended.code == 1), f"{block}: {line}\n{ended.err}"
            printed = ended.out
            for written in re.findall(r"--(?:plot|out) (\S+)", words):
                assert Path(written).exists(), f"{block}: {line}"
        else:
            assert name == "python", f"{block}: {line}"
            paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
            surroundings = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
            done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=surroundings)
            assert done.returncode == 0, f"{block}: {line}\n{done.stderr}"
            printed = done.stdout
        if target:
            Path(target).write_text(printed, encoding="utf-8")
            return ""
        return str(printed)


def expanded(word: str) -> list[str]:
    """What the shell makes of a pattern."""
    return sorted(map(str, Path().glob(word))) if "*" in word else [word]


def run_page(path: Path, night: bool, command: Any, capsys: Any) -> int:
    """Run the blocks of a page, those of the night or those of every day; how many."""
    if str(path.relative_to(ROOT)) in USED:
        pytest.importorskip(USED[str(path.relative_to(ROOT))])
    folder = Folder(command, capsys)
    count = 0
    for block in blocks(path):
        if block.note != "nightly" or night:
            printed = folder.run(block)
            if block.shown is not None:
                if block.shown_note.startswith("numbers differ"):
                    assert without_numbers(printed) == without_numbers(block.shown), block
                else:
                    assert is_shown(block.shown, printed), f"{block}\n{printed}"
            count += 1
    return count


@pytest.mark.usefixtures("still_clock")  # a search ends by what it may count, on a slow machine too
@pytest.mark.parametrize("path", HERE, ids=lambda path: path.stem)
def test_what_a_page_shows_is_what_happens(
    path: Path, command: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    run_page(path, False, command, capsys)


@nightly
@pytest.mark.usefixtures("still_clock")
@pytest.mark.parametrize("path", HERE, ids=lambda path: path.stem)
def test_what_takes_long_on_a_page_is_what_happens(
    path: Path, command: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    run_page(path, True, command, capsys)


def test_a_page_that_shows_something_else_is_found_out(
    command: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    block = Block("page.md", 1, "", "python", "print(cf.load_mixture('two-modes').n_components)\n", "3\n")
    assert not is_shown(block.shown or "", Folder(command, capsys).run(block))
    assert is_shown("a\n...\nd\n", "a\nb\nc\nd\n")
    assert not is_shown("a\n...\nd\n", "a\nb\nc\n")


def test_the_other_pages_have_tests_that_name_them() -> None:
    for page, test in ELSEWHERE.items():
        assert (ROOT / page).exists(), page
        assert Path(page).name in (ROOT / test).read_text(encoding="utf-8"), test


def test_every_block_is_of_a_language_that_is_run_or_read() -> None:
    kinds = {block.language for path in PAGES for block in blocks(path)}
    assert kinds <= {"python", "sh", "json", "text", "markdown", "glossary", "toctree", ""}


def test_every_command_and_option_of_the_pages_exists(command: Callable[..., Any]) -> None:
    used: dict[str, set[str]] = {}
    for path in PAGES:
        source = path.read_text(encoding="utf-8")
        lines = [line for block in blocks(path) if block.language == "sh" for line in block.text.splitlines()]
        lines += re.findall(r"`(certflow [^`]+)`", source)
        for line in lines:
            found = re.match(r"certflow (mixtures [a-z]+|[a-z]+)(.*)", line)
            if found and found[1] not in ("mixtures", "cache"):
                used.setdefault(found[1], set()).update(re.findall(r"--[a-z][a-z-]+", found[2].partition(" > ")[0]))
    assert len(used) >= 12
    for name, options in used.items():
        ended = command(*name.split(), "--help")
        assert ended.code == 0, name
        assert [option for option in sorted(options) if f"{option} " not in ended.out] == [], name


def test_the_mixture_file_of_the_page_is_the_builtin_one(tmp_path: Path) -> None:
    (block,) = [block for block in blocks(ROOT / "docs" / "mixture-files.md") if block.language == "json"]
    path = tmp_path / "m.json"
    path.write_text(block.text, encoding="utf-8")
    shown, builtin = to_mapping(cf.load_mixture(path)), to_mapping(cf.load_mixture("two-modes"))
    assert shown == {key: value for key, value in builtin.items() if key != "origin"}


def test_every_kind_of_evidence_and_every_outcome_is_explained() -> None:
    page = (ROOT / "docs" / "verdicts.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w ]+)` \| .* \| .* \|$", page, flags=re.MULTILINE)
    assert rows == [*(kind.value for kind in Kind), *(outcome.value for outcome in Outcome)]


def test_what_each_kind_of_covariance_keeps_is_as_the_page_says() -> None:
    """The table of `docs/covariances.md` against what the hypotheses of the checks say of one mixture of each kind."""
    page = (ROOT / "docs" / "covariances.md").read_text(encoding="utf-8").partition("## What is kept")[2]
    head, _, *rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("|")]
    weights, means = ["1/4", "1/2", "1/4"], [["-2", "0"], ["0.3", "1"], ["2", "0"]]
    ordered = [[["0.04", "0"], ["0", "0.05"]], [["0.05", "0"], ["0", "0.06"]], [["0.09", "0"], ["0", "0.07"]]]
    crossed = [[["0.04", "0"], ["0", "0.09"]], [["0.09", "0"], ["0", "0.04"]], [["0.09", "0"], ["0", "0.07"]]]
    covariances = ["0.04", ["0.04", "0.05", "0.09"], [["0.04", "0.01"], ["0.01", "0.09"]], ordered, crossed]
    assert len(rows) == len(covariances)
    named: set[str] = set()
    for row, values in zip(rows, covariances, strict=True):
        mixture = cf.GaussianMixture(weights, means, values)
        assert row[0].split("`")[1] == mixture.kind
        for cell, column in zip(row[1:], head, strict=True):
            for claim in claims_of(column):
                assert excluded(claim, mixture) is cell.startswith("lost"), (row[0], claim)
                named.add(claim)
    everywhere = cf.GaussianMixture(weights, means, crossed)
    others = {"L6", "L7", "L8", "F3", "M2", "A8"}  # of one kind alone, or of two components
    assert {claim for claim in STATEMENTS if excluded(claim, everywhere)} <= named | others


def claims_of(column: str) -> list[str]:
    """`L1–L4` and `F2, F4` as ids."""
    found = []
    for part in column.split(", "):
        first, _, last = part.partition("–")
        found += [f"{first[0]}{n}" for n in range(int(first[1:]), int((last or first)[1:]) + 1)]
    return found


def excluded(claim: str, mixture: cf.GaussianMixture) -> bool:
    """Whether no check of the claim takes the mixture, and one says that the hypotheses exclude it."""
    reasons = [check.applies(mixture) for check in CHECKS if check.claim == claim]
    return bool(reasons) and all(reasons) and not all(isinstance(reason, OutOfReach) for reason in reasons)


def test_every_name_of_the_overview_exists() -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    (block,) = [block for block in blocks(ROOT / "docs" / "python.md") if block.language == "text"]
    methods = set(re.findall(r"\bp\.(\w+)\(", page))
    assert len(methods) > 15
    assert [name for name in methods if not hasattr(cf.OrnsteinUhlenbeck, name)] == []
    for name in set(re.findall(r"\bcf\.([\w.]+)\(", block.text)):
        found: Any = cf
        for part in name.split("."):
            found = getattr(found, part)


def test_every_path_of_the_map_exists() -> None:
    table = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").partition("## The repository")[2]
    names = [name for cell in re.findall(r"^\| (`.*?) \|", table, flags=re.MULTILINE) for name in cell.split("`")[1::2]]
    assert len(names) > 15
    for name in names:
        pattern = name.rstrip("/")
        assert [*ROOT.glob(pattern), *(ROOT / "certflow").glob(pattern)], name


def test_no_file_holds_what_an_unsolved_merge_leaves() -> None:
    folders = [ROOT / name for name in ("benchmarks", "certflow", "docs", "examples", "proofs", "tests", "tools")]
    found = [
        path for folder in folders for path in folder.rglob("*.*") if path.suffix in (".md", ".py", ".json", ".toml")
    ]
    marked = re.compile(r"^(<<<<<<< |>>>>>>> )", re.MULTILINE)
    left = [
        path
        for path in [*ROOT.glob("*.*"), *found]
        if path.is_file() and marked.search(path.read_text(errors="ignore"))
    ]
    assert len(found) > 500
    assert not left
    assert marked.search("a\n<<<<<<< HEAD\nb")

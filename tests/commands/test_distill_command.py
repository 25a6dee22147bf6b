"""`certflow distill` through the real command line: what it prints, what it writes, how it ends."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from documented import blocks, is_shown

from certflow.cli import main
from certflow.distill.growth import growth
from certflow.distill.results import Results
from certflow.distill.settings import Settings
from certflow.law.formats import to_mapping
from certflow.law.library import load_mixture

Command = Callable[..., Any]
PAGE = Path(__file__).parents[2] / "docs" / "laboratory.md"
TINY = Settings(steps=20, hidden=8, pool=512, test=128)
LINE = ["distill", "line-3", "--grids", "uniform,logsnr,stability-balanced", "--segments", "1,2", "--seeds", "2"]


def distill_module() -> Any:
    """The module: in its package, the command of the same name hides it."""
    return importlib.import_module("certflow.commands.distill")


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little training, however the command was called."""
    monkeypatch.setattr(distill_module(), "_settings", lambda *_: TINY)


@dataclass
class Run:
    """What one run wrote and printed."""

    folder: Path
    text: str


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder, printed = tmp_path_factory.mktemp("distill"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(distill_module(), "_settings", lambda *_: TINY)
        patch.setattr(distill_module(), "_growth", lambda process, *_: growth(process, 1, points=64))
        assert main([*LINE, "--out", str(folder)]) == 0
    return Run(folder, printed.getvalue())


def test_the_text_has_every_table(finished: Run) -> None:
    for words in (
        "Relative mean squared error, end to end",
        "Reduction of the error at K = 2 against uniform",
        "Ledger of the error at K = 2",
        "of means",
        "of pairs",
        "At K = 2 the lowest mean error is that of",
        "loses to",
        "empirical",
        "line-3: 3 components in R^1",
        "training steps each",
        f"Written: {finished.folder / 'distill.html'}",
    ):
        assert words in finished.text, words
    rows = [line for line in finished.text.splitlines() if line.startswith("stability-balanced ")]
    assert rows[0].count("±") == 2  # a mean and a spread for each K
    assert rows[-1].count("±") == 5  # the columns of the ledger


def test_it_writes_every_view(finished: Run) -> None:
    names = {str(path.relative_to(finished.folder)) for path in finished.folder.rglob("*") if path.is_file()}
    figures = {f"figures/distill-{name}.svg" for name in ("by-number", "nodes", "segments", "clouds", "growth")}
    assert {"distill.html", "distill.md", "distill.json", "distill.csv"} | figures <= names


def test_the_json_is_what_is_promised(finished: Run) -> None:
    found = json.loads((finished.folder / "distill.json").read_text(encoding="utf-8"))
    assert found["schema"] == "certflow/distill/1"
    keys = {(row["grid"], row["segments"], row["seed"]) for row in found["rows"]}
    assert keys == {(g, k, s) for g in ("uniform", "logsnr", "stability-balanced") for k in (1, 2) for s in (0, 1)}
    assert all(0 < row["relative_mse"] < 10 for row in found["rows"])
    assert len(found["samples"]["reference"]) == len(found["samples"]["grids"]["uniform"]) == TINY.test
    assert found["growth"]["one_sided"][0] > found["growth"]["typical"][0]
    assert found["environment"]["certflow"]


def test_json_and_csv_on_stdout(command: Command, tiny: None) -> None:
    few = ["distill", "line-3", "--grids", "uniform", "--segments", "2", "--seeds", "1", "--device", "cpu"]
    ended = command(*few, "--format", "json")
    assert (ended.code, ended.err) == (0, "")
    assert [(row["grid"], row["segments"], row["seed"]) for row in json.loads(ended.out)["rows"]] == [("uniform", 2, 0)]
    ended = command(*few, "--format", "csv")
    assert (ended.code, ended.err) == (0, "")
    assert [line.split(",")[:3] for line in ended.out.splitlines()] == [
        ["grid", "segments", "seed"],
        ["uniform", "2", "0"],
    ]


def test_the_lines_of_the_page_are_understood(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import certflow as cf

    text = PAGE.read_text(encoding="utf-8")
    lines = re.findall(r"^certflow distill (.*?)(?: > .*)?$", text, flags=re.MULTILINE)
    assert len(lines) == 3
    monkeypatch.chdir(tmp_path)
    cf.load_mixture("line-3").save("m.json")
    monkeypatch.setattr(distill_module(), "_growth", lambda process, *_: growth(process, 1, points=16))
    monkeypatch.setattr("certflow.distill.run", lambda *_, **__: results([row("uniform")]), raising=False)
    monkeypatch.setattr("certflow.distill.certify", lambda found, **_: found, raising=False)
    for line in lines:
        ended = command("distill", *line.split())
        assert (ended.code, ended.err) == (0, "")
    assert (tmp_path / "laboratory" / "distill.html").exists()


def test_the_python_of_the_page_prints_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    run = [block for block in blocks(PAGE) if block.language == "python"]
    assert run
    for block in run:
        exec(compile(block.text, str(block), "exec"), names)
        printed = capsys.readouterr().out
        assert is_shown(block.shown or "", printed), f"{block}\n{printed}"


def test_usual_grids_that_a_mixture_refuses_are_left_out(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def run(process: Any, grids: Any, *_: Any, **__: Any) -> Results:
        asked.extend(grids)
        return results([row(grid) for grid in grids])

    monkeypatch.setattr("certflow.distill.run", run, raising=False)
    ended = command("distill", "anisotropic-pair", "--segments", "2", "--seeds", "1")
    assert (ended.code, ended.err) == (0, "")
    assert "typical" in asked
    assert not any(grid.startswith("stability-balanced") for grid in asked)
    words = " ".join(ended.out.split())
    assert (
        "Left out: stability-balanced, stability-balanced:two-sided. Required: a mixture with a global bound" in words
    )


def test_divergence_is_told_and_is_inconclusive_if_total(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {"diverged": [2], "relative_mse": None}
    some = results([row("uniform"), row("typical") | broken])
    every = results([row("uniform") | broken, row("typical") | broken])
    for found, code in ((some, 0), (every, 3)):
        monkeypatch.setattr("certflow.distill.run", lambda *_, found=found, **__: found, raising=False)
        ended = command("distill", "line-3", "--grids", "uniform,typical", "--segments", "2", "--seeds", "1")
        assert (ended.code, ended.err) == (code, "")
        assert "typical, K = 2, seed 0: segment 2 diverged (not averaged in)" in ended.out
    assert "every run diverged" in ended.out


def test_certify_encloses_every_error(command: Command, tiny: None, tmp_path: Path) -> None:
    few = ["distill", "two-modes-1d", "--grids", "uniform,stability-balanced", "--segments", "1,2", "--seeds", "1"]
    ended = command(*few, "--device", "cpu", "--certify", "--format", "json")
    assert (ended.code, ended.err) == (0, "")
    found = json.loads(ended.out)
    assert len(found["rows"]) == 4
    for row in found["rows"]:
        low, high = row["relative_mse_enclosure"]
        assert 0 < low <= row["relative_mse"] <= high <= 1.03 * low
    assert found["enclosures"]["complete"] == 4
    ended = command(*few, "--device", "cpu", "--certify", "--certify-seconds", 30, "--out", tmp_path)
    assert ended.code == 0
    text = " ".join(ended.out.split())
    assert "Enclosure of the error, end to end" in text
    assert "proved for these very students" in text
    assert (tmp_path / "students.npz").is_file()
    for page in ("distill.html", "distill.md"):
        assert "Enclosure of the error" in (tmp_path / page).read_text(encoding="utf-8")
    plain = command(*few, "--device", "cpu", "--format", "json")
    assert "relative_mse_enclosure" not in json.loads(plain.out)["rows"][0]


def test_seconds_to_certify_are_for_certify(command: Command) -> None:
    ended = command("distill", "two-modes-1d", "--certify-seconds", 30)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "certflow: --certify-seconds: got 30; required: --certify too\n"


def test_an_interruption_is_one_line(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("certflow.distill.run", interrupt, raising=False)
    ended = command("distill", "line-3", "--grids", "uniform", "--out", tmp_path)
    assert (ended.code, ended.out) == (130, "")
    assert ended.err == f"certflow: interrupted; what was trained is kept in {tmp_path}, and the same command goes on\n"
    assert command("distill", "line-3", "--grids", "uniform").err == "certflow: interrupted\n"


def test_without_torch_it_is_one_line() -> None:
    code = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name="torch")

sys.meta_path.insert(0, Absent())
from certflow.cli import main
sys.exit(main(["distill", "line-3"]))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "certflow: torch: got 'not installed'; required: pip install 'certflow[torch]'\n"


def row(grid: str, error: float = 1e-3) -> dict[str, Any]:
    """A row with two segments, as an experiment makes them."""
    sums = {"incoherent": error, "first_order": error, "coherent": error, "bound_e2": 1.0}
    return {
        "grid": grid,
        "segments": 2,
        "seed": 0,
        "times": [3.0, 0.5, 0.01],
        "diverged": [],
        "relative_mse": error,
        "local": [error, error],
        "amplified": [error / 2, error / 2],
        **sums,
    }


def results(rows: list[dict[str, Any]]) -> Results:
    """Results with what the command prints of their setting."""
    setting = {
        "law": to_mapping(load_mixture("line-3")),
        "components": 3,
        "dimension": 1,
        "t_min": "0.01",
        "t_max": "3",
        "reference": {"method": "RK4"},
        "settings": TINY.mapping(),
        "maps": 2,
        "parameters_per_map": 10,
        "device": "CPU",
        "torch": "2",
        "seconds": {"training": 1.0},
    }
    return Results(tuple(rows), setting)

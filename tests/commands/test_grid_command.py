"""`certflow grid` through the real command line, against the library and against closed forms."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from depth import night

import certflow as cf
from certflow.grids import KINDS

Command = Callable[..., Any]


def numbers(line: str) -> list[float]:
    return [float(cell) for cell in line.split()]


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_is_the_grid(kind: str, command: Command) -> None:
    ended = command("grid", "two-modes", "--kind", kind, "--segments", 5)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    grid = cf.time_grid(cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3"), 5, kind)
    start = next(i for i, line in enumerate(lines) if line.startswith("─")) + 1
    rows = [numbers(line) for line in lines[start : start + 6]]
    assert [row[0] for row in rows] == list(range(6))
    assert [row[1] for row in rows] == pytest.approx(grid.times, rel=1e-5)
    assert [row[2] for row in rows] == pytest.approx(np.sqrt(np.expm1(2 * grid.times)), rel=1e-4)
    assert [row[3] for row in rows] == pytest.approx(-np.log(np.sqrt(np.expm1(2 * grid.times))), rel=1e-3, abs=1e-4)
    assert len(rows[0]) == 4
    v = 1 - 0.96 * np.exp(-2 * grid.times)
    primitive = -np.log(v) / 2 - 4 / (8 * 0.96 * v)  # F2
    assert [row[4] for row in rows[1:]] == pytest.approx(-np.diff(primitive), rel=1e-3, abs=1e-4)
    assert max(map(len, lines)) <= 96
    axis = next(line for line in lines if "└" in line)
    assert 2 <= axis.count("●") <= 6


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("two-modes --rate two-sided", "∫L"),
        ("line-3 --rate sharp", "∫λ*"),
        ("iris-full --kind typical", "∫‖∇u‖_F"),
        ("two-modes --kind typical --rate spectral", "∫‖∇u‖₂"),
        ("iris --kind entropic", "ΔH"),
    ],
)
def test_what_the_grid_makes_equal_is_shown(line: str, column: str, command: Command) -> None:
    ended = command("grid", *line.split(), "--segments", 3)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    start = next(i for i, text in enumerate(lines) if text.startswith("─"))
    assert lines[start - 1].split()[-1] == column
    values = [float(text.split()[-1]) for text in lines[start + 2 : start + 5]]
    assert values == pytest.approx([values[0]] * 3, rel=1e-3)
    assert f"{column} is what this grid makes equal" in " ".join(ended.out.split())


@pytest.mark.parametrize("rate", ["frobenius", "spectral"])
def test_each_norm_has_its_own_symbol(rate: str, command: Command) -> None:
    text = " ".join(command("grid", "two-modes", "--segments", 2, "--kind", "typical", "--rate", rate).out.split())
    symbols = {"frobenius": "‖∇u‖_F", "spectral": "‖∇u‖₂"}
    assert f"∫{symbols[rate]} is what this grid makes equal" in text
    assert "The typical ‖∇u‖_F of the plot is the root mean square of the Frobenius norm" in text
    assert "· typical ‖∇u‖_F" in text
    assert not re.search(r"‖∇u‖(?![_₂])", text)


def test_the_explanation_compares_with_uniform_nodes(command: Command) -> None:
    text = " ".join(command("grid", "two-modes", "--kind", "stability-balanced").out.split())
    assert "The largest is 0.8613, a factor 2.366 (with nodes uniform in t it is 6.7667, a factor 868.5)" in text
    assert "uniform in t it is" not in command("grid", "two-modes", "--kind", "uniform").out


def test_where_no_bound_exists_there_is_no_exponent(command: Command) -> None:
    ended = command("grid", "anisotropic-pair", "--kind", "karras", "--segments", 2)
    assert "∫λ" not in ended.out
    assert "no global bound" in ended.out
    found = json.loads(command("grid", "anisotropic-pair", "--kind", "karras", "--format", "json").out)
    assert all(set(row) == {"k", "t", "sigma", "half_log_snr"} for row in found["rows"])


def test_the_stretch_without_nodes_is_told(command: Command) -> None:
    text = " ".join(command("grid", "ordered-pair", "--kind", "stability-balanced").out.split())
    assert "Beyond t = 1.1833 the flow contracts: the first segment takes that in." in text


def test_json(command: Command) -> None:
    line = ("--segments", 3, "--kind", "stability-balanced", "--t-min", "1/64", "--format", "json")
    ended = command("grid", "iris", *line)
    assert (ended.code, ended.err) == (0, "")
    found = json.loads(ended.out)
    assert found["schema"] == "certflow/grid-table/1"
    assert (found["t_min"], found["t_max"], found["segments"]) == ("1/64", "3", 3)
    assert (found["kind"], found["options"]) == ("stability-balanced", {"rate": "one-sided"})
    assert (found["sampler"], found["evaluations"], found["predicted_relative_mse"]) == ("distilled", 3, None)
    assert "measured" not in found
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("iris"), "1/64", "3")
    assert [row["t"] for row in found["rows"]] == cf.time_grid(process, 3).times.tolist()
    assert found["rows"][0]["stability_one_sided"] is None
    total = sum(row["stability_one_sided"] for row in found["rows"][1:])
    assert total == pytest.approx(process.stability(1 / 64, 3.0))


def test_a_sigma_beyond_float64_is_null(command: Command) -> None:
    found = json.loads(command("grid", "iris", "--kind", "uniform", "--t-max", "500", "--format", "json").out)
    assert found["rows"][0]["sigma"] is None
    assert found["rows"][0]["half_log_snr"] == pytest.approx(-500)
    assert found["rows"][-1]["sigma"] == pytest.approx(math.sqrt(math.expm1(0.02)))


def test_the_seed_decides(command: Command) -> None:
    line = ("grid", "random-5", "--kind", "typical", "--format", "json")
    first, again, other = (command(*line, "--seed", seed).out for seed in (0, 0, 7))
    assert first == again == command(*line).out
    assert other != first
    assert json.loads(other)["options"]["seed"] == 7


def test_an_export_is_all_that_is_printed(command: Command) -> None:
    """Those for solvers are in `test_grid_solver.py`."""
    ended = command("grid", "two-modes", "--segments", 4, "--kind", "stability-balanced", "--export", "json")
    assert (ended.code, ended.err) == (0, "")
    grid = cf.time_grid(cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3"), 4)
    assert ended.out == grid.export("json").text()
    assert json.loads(ended.out)


@pytest.mark.parametrize(
    ("suffix", "name"),
    [
        *(("svg", name) for name in ("two-modes", "anisotropic-pair", "ordered-pair")),
        ("png", "two-modes"),
        *night(("png", "anisotropic-pair"), ("png", "ordered-pair")),
    ],
)
def test_a_picture(name: str, suffix: str, command: Command, tmp_path: Path) -> None:
    path = tmp_path / f"grid.{suffix}"
    ended = command("grid", name, "--kind", "typical", "--plot", path)
    assert (ended.code, ended.err) == (0, "")
    assert f"Written: {path}" in ended.out
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    if suffix == "svg":
        text = path.read_text(encoding="utf-8")
        ElementTree.fromstring(text)
        assert "typical" in text
    else:
        assert path.read_bytes().startswith(b"\x89PNG")


def test_a_picture_of_a_law_at_rest(command: Command, tmp_path: Path) -> None:
    """The standard normal law: every rate is zero, no typical grid exists to compare with."""
    cf.GaussianMixture([1], [[0, 0]], "1").save(tmp_path / "rest.json")
    ended = command("grid", tmp_path / "rest.json", "--kind", "uniform", "--plot", tmp_path / "rest.svg")
    assert (ended.code, ended.err) == (0, "")
    assert command("grid", tmp_path / "rest.json").code == 2


def test_many_segments(command: Command, tmp_path: Path) -> None:
    ended = command("grid", "iris", "--kind", "typical", "--segments", 200, "--plot", tmp_path / "many.svg")
    assert ended.code == 0
    assert sum(line.startswith("200  ") for line in ended.out.splitlines()) == 1


# -- from a pilot ----------------------------------------------------------------------------------------------


@pytest.fixture
def tiny_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little training, however the command was called."""
    pytest.importorskip("torch")
    from certflow.distill.settings import Settings
    from certflow.planning import pilot

    tiny = Settings(hidden=8, steps=60, batch=64, pool=512, test=128, warmup=10)
    monkeypatch.setattr(Settings, "usual", classmethod(lambda cls, dimension: tiny))
    monkeypatch.setattr(pilot, "PROBE_POINTS", 512)


def planner_kinds() -> tuple[str, ...]:
    from certflow.planning.planner import KINDS

    return KINDS


@pytest.mark.usefixtures("tiny_pilot")
def test_a_planned_grid_with_what_it_was_chosen_from(command: Command) -> None:
    ended = command("grid", "two-modes", "--segments", 3)  # the default
    assert ended.code == 0
    assert "For maps that are trained on the segments, one evaluation for each (3 in all)." in " ".join(
        ended.out.split()
    )
    assert max(map(len, ended.out.splitlines())) <= 96
    found = json.loads(command("grid", "two-modes", "--kind", "auto", "--segments", 3, "--format", "json").out)
    told = found["options"]
    assert (found["sampler"], found["evaluations"]) == ("distilled", 3)
    assert found["predicted_relative_mse"] == told["predicted_relative_mse"]
    assert (found["segments"], len(found["rows"])) == (3, 4)
    assert (found["rows"][0]["t"], found["rows"][-1]["t"]) == (3, 0.01)
    assert set(told) >= {"predicted_relative_mse", "within_factor", "reason"}
    table = ended.out[ended.out.index("predicted error") :]
    rows = re.findall(r"^(→ |  )([a-z-]+) +([0-9.e-]+) +([0-9.]+)$", table, re.MULTILINE)
    assert {kind for _, kind, _, _ in rows} == {*planner_kinds(), "planned"}
    errors = [float(error) for _, _, error, _ in rows]
    assert errors == sorted(errors)
    ((kind, error, factor),) = [row[1:] for row in rows if row[0] == "→ "]
    assert kind == found["kind"]
    assert float(error) == pytest.approx(told["predicted_relative_mse"], rel=5e-3)
    assert float(factor) == pytest.approx(told["within_factor"], abs=0.051)
    text = " ".join(table.split())
    assert told["reason"][1:] in text
    assert "Measured on networks, not proved (empirical)." in text
    assert "predicted relative mse" not in ended.out  # told once


@pytest.mark.usefixtures("tiny_pilot")
def test_a_tolerance_and_a_kind(command: Command) -> None:
    """The same, exported, is nothing but the nodes."""
    line = ("grid", "two-modes", "--segments", 2, "--tolerance", "0.9", "--kind", "logsnr")
    found = json.loads(command(*line, "--format", "json").out)
    assert (found["kind"], found["segments"]) == ("logsnr", 2)
    assert found["options"]["predicted_relative_mse"] <= 0.9
    exported = json.loads(command(*line, "--export", "json").out)
    assert exported["times"] == [row["t"] for row in found["rows"]]


@pytest.mark.usefixtures("tiny_pilot")
def test_the_fewest_segments_for_a_tolerance(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from certflow.planning import planner

    monkeypatch.setattr(planner, "KINDS", ("uniform", "typical"))
    found = json.loads(command("grid", "two-modes", "--tolerance", "0.99", "--format", "json").out)
    assert (found["kind"], found["segments"]) == ("typical", 1)


@pytest.mark.usefixtures("tiny_pilot")
def test_a_tolerance_out_of_reach(command: Command) -> None:
    ended = command("grid", "two-modes", "--segments", 2, "--tolerance", "1e-9")
    assert (ended.code, ended.out) == (2, "")
    assert re.fullmatch(
        r"certflow: --tolerance: got 1e-09; required: at least [0-9.e-]+, the smallest error predicted up to K = 2\n",
        ended.err,
    )


@pytest.mark.parametrize("searched", [True, False])
def test_a_tolerance_is_told_with_what_it_means(searched: bool) -> None:
    pytest.importorskip("torch")
    from certflow.commands.grid_plan import plan_text
    from certflow.planning.pilot import Prediction
    from certflow.planning.planner import Option, Recommendation

    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    option = Option(cf.time_grid(process, 3, "typical"), Prediction(8e-4, 0.5))
    found = Recommendation(option, (option,), "typical is the safer choice")
    text = " ".join(plan_text(found, 1e-3, searched).split())
    met = "a relative mean squared error of at most 0.001 is predicted; the true error may be above it, by as much as"
    first = "3 is the fewest segments, of the numbers 1, 2, 3, 4, 6, 8, 12, 16, with which"
    assert f"{first if searched else 'With 3 segments'} {met} the factor." in text
    assert "0.001" not in plan_text(found)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["--kind", "auto"], "--kind: got 'auto'"),
        (["--tolerance", "1e-3"], "--tolerance: got 0.001"),
        (["--tolerance", "1e-3", "--kind", "karras"], "--tolerance: got 0.001"),
    ],
)
def test_a_plan_without_torch(line: list[str], told: str) -> None:
    code = f"""
import sys
sys.modules["torch"] = None
from certflow.cli import main
sys.exit(main(["grid", "two-modes", *{line}]))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"certflow: {told}; required: torch for a plan: pip install")
    assert len(ended.stderr.splitlines()) == 1

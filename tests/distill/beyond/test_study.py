"""The study of grids on networks: tiny networks, every row, and a run that was interrupted."""

from __future__ import annotations

import copy
import importlib.util
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from depth import nightly

from certflow.errors import InputError
from certflow.grids import TimeGrid

torch = pytest.importorskip("torch")

from certflow.distill import Settings  # noqa: E402
from certflow.distill.beyond import study as module  # noqa: E402
from certflow.distill.beyond.data_sets import data_set  # noqa: E402
from certflow.distill.beyond.score_network import Denoiser, model_of  # noqa: E402
from certflow.distill.beyond.study import STUDENT_GRIDS, Cell, Design, Subject, student_rows, study  # noqa: E402
from certflow.distill.beyond.teacher import MEASURED, teacher  # noqa: E402
from certflow.samplers import run  # noqa: E402

TINY = Design(
    subjects=(Subject("two-moons", 16, 8), Subject("digits", 16, 8)),
    networks=1,
    students=2,
    segments=(1, 3),
    samplers=("euler", "heun"),
    points=200,
    score_steps=60,
    settings=Settings(steps=30, batch=64, pool=256, warmup=5),
)
USUAL, TABLE = ("uniform", "logsnr"), 9


def grids(model, segments, sampler, rows):
    """Two usual grids, and one that says what a search says."""
    ends, even = (model.t_max, model.t_min), np.arange(segments + 1) / segments
    logs = np.log(ends[0]) + even * np.log(ends[1] / ends[0])
    found = {
        "uniform": TimeGrid("uniform", ends[0] + even * (ends[1] - ends[0])),
        "logsnr": TimeGrid("logsnr", [ends[0], *np.exp(logs[1:-1]), ends[1]]),
    }
    told = {"predicted_relative_mse": 0.5, "within_factor": 2.0}
    return found | {"optimised": TimeGrid("logsnr", found["logsnr"].times, told, sampler)}


@pytest.fixture(scope="module", autouse=True)
def short_table():
    """A rate at few times: what a network's grid is made of is tested elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("certflow.distill.beyond.teacher.TABLE", TABLE)
        yield


@pytest.fixture(scope="module")
def outcome():
    kept: list[dict] = []
    content = study(TINY, grids, keep=lambda content: kept.append(copy.deepcopy(content)))
    return content, kept


def test_every_cell_has_every_grid_once(outcome):
    rows = outcome[0]["rows"]
    found = {(r["data_set"], r["network"], r["maps"], r["student"], r["segments"], r["grid"]) for r in rows}
    assert len(found) == len(rows)
    places = [("two-moons", 0), ("digits", 0)]
    labels = (*USUAL, "optimised", MEASURED)
    solvers = {(*p, s, None, k, g) for p in places for s in ("euler", "heun") for k in (1, 3) for g in labels}
    own = (*STUDENT_GRIDS, MEASURED)
    students = {(*p, "distilled", s, k, g) for p in places for s in (0, 1) for k in (1, 3) for g in own}
    assert found == solvers | students


def test_a_row_is_the_error_of_its_nodes_on_held_out_points(outcome):
    """Made anew from the row: the network by its seed, points from the held-out rows, a finer solve of its flow."""
    trained = teacher(data_set("two-moons"), 0, hidden=16, steps=60, points=200)
    (row,) = (
        r
        for r in outcome[0]["rows"]
        if (r["data_set"], r["network"], r["maps"], r["segments"], r["grid"]) == ("two-moons", 0, "heun", 3, MEASURED)
    )
    fine = np.exp(np.linspace(np.log(trained.model.t_max), np.log(trained.model.t_min), 401))
    fine[0], fine[-1] = trained.model.t_max, trained.model.t_min
    exact = run(trained.model, trained.points, fine, "heun")
    error = (run(trained.model, trained.points, row["times"], "heun") - exact).square().sum() / exact.square().sum()
    assert float(error) == pytest.approx(row["relative_mse"], rel=1e-2)
    assert row["low"] <= row["relative_mse"] <= row["high"]
    held_out = data_set("two-moons").held_out
    m = np.exp(-3.0)
    np.testing.assert_allclose(trained.points.mean(0), m * held_out.mean(0), atol=0.3)
    assert trained.told["flow_error"] < 1e-6


def test_with_one_segment_all_grids_are_one(outcome):
    for row in outcome[0]["rows"]:
        if row["segments"] == 1:
            assert row["ratio"] == pytest.approx(1)
            assert row["ratio_low"] == row["ratio_high"] == pytest.approx(1)


def test_the_best_usual_grid_has_the_ratio_1(outcome):
    key = lambda r: (r["data_set"], r["network"], r["maps"], str(r["student"]), r["segments"])  # noqa: E731
    for _, group in itertools.groupby(sorted(outcome[0]["rows"], key=key), key=key):
        rows = list(group)
        usual = [row for row in rows if row["usual"]]
        best = min(row["relative_mse"] for row in usual)
        assert min(row["ratio"] for row in usual) == 1
        for row in rows:
            assert row["ratio"] == pytest.approx(row["relative_mse"] / best, rel=1e-4)
            assert row["usual"] == (row["grid"] not in ("optimised", MEASURED))


def test_what_a_search_told_is_kept(outcome):
    for row in outcome[0]["rows"]:
        if row["grid"] == "optimised":
            assert (row["kind"], row["predicted_relative_mse"], row["within_factor"]) == ("logsnr", 0.5, 2.0)
        else:
            assert "predicted_relative_mse" not in row


def test_an_interrupted_run_goes_on_where_it_was(outcome, monkeypatch):
    content, kept = outcome
    assert len(kept) == len(list(TINY.cells()))
    part = json.loads(json.dumps(kept[-3]))  # one network lacks its last two cells
    trained = []
    whole = module.teacher

    def told(data, seed, **given):
        trained.append((data.name, seed))
        return whole(data, seed, **given)

    monkeypatch.setattr(module, "teacher", told)
    done: list[int] = []
    again = study(TINY, grids, part, progress=lambda *step: done.append(step[0]))
    assert trained == [("digits", 0)]
    assert done == [len(kept) - 2, len(kept) - 1]
    assert json.loads(json.dumps(again)) == json.loads(json.dumps(content))
    assert study(TINY, grids, again)["rows"] == content["rows"]
    assert trained == [("digits", 0)]


def test_a_content_of_another_design_is_refused(outcome):
    with pytest.raises(InputError, match="another design"):
        study(Design(), grids, outcome[0])


def test_students_depend_on_their_seed_and_diverged_ones_have_no_error(monkeypatch):
    trained = teacher(data_set("two-moons"), 0, hidden=8, steps=20, points=50)
    cells = [Cell("two-moons", 0, "distilled", None, student) for student in (0, 1)]
    first, second = (student_rows(trained, cell, TINY, TINY.subjects[0]) for cell in cells)
    assert [row["grid"] for row in first] == [row["grid"] for row in second]
    assert all(one["relative_mse"] != other["relative_mse"] for one, other in zip(first, second, strict=True))
    maps = module.Maps

    def broken(stacks):
        made = maps(stacks)
        made.broken = {(0, 0, 1)}  # the first step of the grid whose second node is the latest of all
        return made

    monkeypatch.setattr(module, "Maps", broken)
    rows = student_rows(trained, cells[0], TINY, TINY.subjects[0])
    lost = [row for row in rows if row["relative_mse"] is None]
    assert len(lost) == 1
    assert lost[0]["ratio"] is lost[0]["low"] is None


def test_every_data_set_comes_before_the_next_network():
    cells = list(Design().cells())
    assert len(cells) == len(set(cells)) == 3 * 3 * (3 * 3 + 2)
    order = list(dict.fromkeys((cell.network, cell.data_set) for cell in cells))
    assert order == list(itertools.product((0, 1, 2), ("two-moons", "digits", "patches")))


def test_networks_are_told(outcome):
    networks = outcome[0]["networks"]
    assert [(n["data_set"], n["network"]) for n in networks] == [("two-moons", 0), ("digits", 0)]
    for n in networks:
        assert n["rate_method"] == "forward mode"
        assert n["loss"] > 0
        assert n["held_out_loss"] > 0
        assert len(n["times"]) == len(n["rate"]) == TABLE


@pytest.fixture(scope="module")
def tool():
    path = Path(__file__).parents[3] / "tools" / "make_laboratory.py"
    spec = importlib.util.spec_from_file_location("make_laboratory", path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@nightly  # every day a search on a network has its tests in tests/planning
def test_the_command_tries_every_named_grid_and_the_searched_one(tool):
    data = data_set("two-moons")
    network = Denoiser(2, hidden=8, seed=1).double().requires_grad_(False)
    found = tool.solver_grids(model_of(network, 0.01, 3.0), 1, "heun", data.rows)
    assert list(found)[-1] == "optimised"
    assert found["optimised"].options["predicted_relative_mse"] > 0
    assert all((grid.times[0], grid.times[-1]) == (3.0, 0.01) for grid in found.values())
    assert all(grid.kind == label for label, grid in found.items() if label != "optimised")


def test_rows_are_written_one_a_line(tool, outcome):
    text = tool.json_lines(outcome[0])
    assert json.loads(text) == json.loads(json.dumps(outcome[0]))
    assert len(text.splitlines()) == len(outcome[0]["rows"]) + len(outcome[0]["networks"]) + 9

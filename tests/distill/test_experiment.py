"""A whole experiment, small: it learns, it comes out the same twice, and it says what is wrong in one line."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from depth import nightly

import certflow as cf
from certflow.distill import Settings, run
from certflow.distill.reference import ReferenceFlow
from certflow.distill.samples import TEST
from certflow.errors import InputError

LAW = cf.GaussianMixture([0.5, 0.5], [[-1.0], [1.0]], 0.09, name="two")
SMALL = Settings(hidden=16, steps=300, batch=64, pool=1024, test=512, warmup=10)
GRIDS, SEGMENTS = ("uniform", "stability-balanced"), (1, 3)


def small(**changed: Any) -> Any:
    given = {"grids": GRIDS, "segments": SEGMENTS, "seeds": 2, "device": "cpu", "settings": SMALL} | changed
    return run(LAW, **given)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def outcome() -> Any:
    return small()


def numbers(results: Any) -> list[Any]:
    return [results.rows, results.summary()]


def test_training_pays(outcome):
    untrained = small(settings=replace(SMALL, steps=1))
    for grid in GRIDS:
        for k in SEGMENTS:
            assert outcome.spread(grid, k).mean < 0.05
            assert outcome.spread(grid, k).mean < 0.2 * untrained.spread(grid, k).mean
    assert outcome.diverged() == []


def test_the_rows_are_all_there(outcome):
    assert [(r["grid"], r["segments"], r["seed"]) for r in outcome.rows] == [
        (g, k, s) for g in GRIDS for k in SEGMENTS for s in (0, 1)
    ]
    for row in outcome.rows:
        assert row["relative_mse"] <= row["bound_e2"] * (1 + 1e-6)
        assert row["excess_e1"] <= 1e-5
        assert row["largest"] <= row["bound_e3"] * (1 + 1e-5)
        assert row["learned_path"] >= row["relative_mse"] * (1 - 1e-12)
        if row["segments"] == 1:
            assert row["learned_path"] == pytest.approx(row["relative_mse"], rel=1e-9)
    setting = outcome.setting
    assert (setting["mixture"], setting["t_min"], setting["t_max"]) == ("two", "0.01", "3")
    assert setting["maps"] == 2 * (1 + 3 + 3)
    assert setting["reference"]["relative_mse"] <= SMALL.tolerance


def test_the_end_to_end_error_is_that_of_the_definition(outcome):
    """Untrained by anything of the package but its maps: the exact flow, fresh points of the seed, one composition."""
    process = cf.OrnsteinUhlenbeck(LAW, "0.01", "3")
    x = ReferenceFlow(process).draw(SMALL.test, 0, TEST)
    exact = process.flow(x, 3, 0.01)
    single = next(r for r in outcome.rows if r["segments"] == 1 and r["seed"] == 0)
    assert single["local"] == [single["relative_mse"]]
    shift = exact - x
    constant = float((shift - shift.mean(0)).square().sum() / exact.square().sum())
    assert single["relative_mse"] < 0.5 * constant


@nightly  # every day an interrupted run has the numbers of another
def test_twice_the_same():
    first, second = (small(grids=["uniform"], segments=(2,), seeds=1) for _ in range(2))
    assert numbers(first) == numbers(second)


def test_a_seed_is_the_same_whichever_others_run(outcome):
    alone = small(seeds=[1], grids=["uniform"])
    for row in alone.rows:
        other = next(r for r in outcome.of(row["grid"], row["segments"]) if r["seed"] == 1)
        assert row["relative_mse"] == pytest.approx(other["relative_mse"], rel=0.02)


def test_interrupted_and_taken_up(tmp_path, outcome):
    def stop(done: int, total: int, what: str) -> None:
        if what.endswith("maps") and done == 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small(out=tmp_path, progress=stop)
    assert not (tmp_path / "distill.json").exists()
    told: list[tuple[int, int, str]] = []
    again = small(out=tmp_path, progress=lambda *step: told.append(step))
    assert numbers(again) == numbers(outcome)
    assert next(done for done, _, what in told if what.endswith("maps")) == 200
    assert all(0 <= done <= total for done, total, _ in told)
    assert json.loads((tmp_path / "distill.json").read_text())["rows"] == json.loads(outcome.json())["rows"]


def test_a_device_that_is_absent_is_one_line():
    with pytest.raises(InputError) as caught:
        small(device="cuda:77")
    assert str(caught.value).startswith("device: got 'cuda:77'; required: one of auto, cpu")
    assert "\n" not in str(caught.value)


def test_a_flow_that_rk4_does_not_resolve_is_refused(monkeypatch):
    for error in (1e-3, float("nan")):
        monkeypatch.setattr(ReferenceFlow, "choose_steps", lambda *arguments, error=error: error)
        with pytest.raises(InputError, match=r"^mixture: got .*; required: one that RK4 resolves"):
            small()

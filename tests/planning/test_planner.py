"""The planner: shortest paths against brute force, what it recommends, what it refuses."""

from __future__ import annotations

import math
from itertools import combinations, pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import certflow as cf
from certflow.errors import InputError

torch = pytest.importorskip("torch")

from certflow.distill import Settings  # noqa: E402
from certflow.grids import TimeGrid  # noqa: E402
from certflow.grids.rates import RateCurve  # noqa: E402
from certflow.planning import pilot, planner  # noqa: E402
from certflow.planning.pilot import Prediction  # noqa: E402
from certflow.planning.planner import KINDS, Option, predicted, recommend  # noqa: E402

TINY = Settings(hidden=8, steps=60, batch=64, pool=512, test=128, warmup=10)
LAW = cf.GaussianMixture(["0.5", "0.5"], [[-1], [1]], "0.09", name="two")


def process(law: cf.GaussianMixture = LAW) -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(law, "0.01", "3")


class Guess:
    """A pilot that trains nothing: with nodes evenly in `log t` the error of a grid falls like `1/K^2`."""

    made: list[Guess]
    beta = 0.25

    def __init__(self, process: Any, times: Any, coordinate: Any, *rest: Any):
        self.places = {time: i for i, time in enumerate(times)}
        self.log_times = np.log(times)
        type(self).made.append(self)

    def local(self, pairs: Any) -> tuple[np.ndarray, np.ndarray]:
        widths = np.array([self.log_times[a] - self.log_times[b] for a, b in pairs])
        return np.log(1e-3 * widths**4), np.full(len(pairs), 0.1)

    def predict(self, times: np.ndarray) -> Prediction:
        pairs = list(pairwise(self.places[float(time)] for time in times))
        return Prediction(float(np.exp(self.local(pairs)[0] / 2).sum() ** 2), 0.2)


@pytest.fixture
def guess(monkeypatch):
    Guess.made = []
    monkeypatch.setattr(planner, "Pilot", Guess)


@pytest.fixture
def little_probes(monkeypatch):
    monkeypatch.setattr(pilot, "PROBE_POINTS", 512)


# -- the shortest path -----------------------------------------------------------------------------------------


def random_pilot(times: list[float], seed: int) -> Any:
    rng = np.random.default_rng(seed)
    size = len(times)
    logs, deviations = rng.normal(-3, 2, (size, size)), rng.uniform(0, 2, (size, size))
    return SimpleNamespace(
        places={time: i for i, time in enumerate(times)},
        local=lambda pairs: tuple(np.array([table[pair] for pair in pairs]) for table in (logs, deviations)),
        logs=logs,
        deviations=deviations,
    )


def rate(times: list[float]) -> RateCurve:
    """`1/t`: the integral of an interval is its width in `log t`."""
    return RateCurve(times[::-1], 1 / np.array(times[::-1]))


@pytest.mark.parametrize("longest", [1.2, 2.5, 99.0])
@pytest.mark.parametrize("seed", range(5))
def test_the_shortest_path_against_all_paths(seed, longest, monkeypatch):
    monkeypatch.setattr(planner, "LONGEST", longest)
    times = [3.0, 1.7, 1.0, 0.6, 0.3, 0.15, 0.05, 0.01]
    made = random_pilot(times, seed)
    grids = planner._shortest(made, times, rate(times), range(1, 8))
    if longest == 99:
        assert [grid.segments for grid in grids] == list(range(1, 8))
    cost = np.exp((made.logs + 0.5 * made.deviations) / 2)  # unsure segments are dearer
    logs = np.log(times)
    found = {grid.segments: grid for grid in grids}
    for k in range(1, 8):
        every = {
            path: sum(cost[a, b] for a, b in pairwise(path))
            for inner in combinations(range(1, 7), k - 1)
            for path in [(0, *inner, 7)]
            if max(logs[a] - logs[b] for a, b in pairwise(path)) <= longest / k * (logs[0] - logs[7]) * (1 + 1e-12)
        }
        assert (k in found) == bool(every)
        if not every:
            continue
        grid = found[k]
        assert grid.times.tolist() == [times[i] for i in min(every, key=every.__getitem__)]
        assert grid.kind == "planned"


def test_a_path_has_no_more_segments_than_there_are_steps(monkeypatch):
    monkeypatch.setattr(planner, "LONGEST", math.inf)
    times = [3.0, 1.0, 0.1, 0.01]
    grids = planner._shortest(random_pilot(times, 0), times, rate(times), [2, 3, 4, 9])
    assert [grid.segments for grid in grids] == [2, 3]


def test_the_candidates_may_be_some_of_the_times(monkeypatch):
    monkeypatch.setattr(planner, "LONGEST", math.inf)
    times = [3.0, 1.7, 1.0, 0.6, 0.3, 0.01]
    made = random_pilot(times, 3)
    (grid,) = planner._shortest(made, times[::5], rate(times), [1])
    assert grid.times.tolist() == [3.0, 0.01]
    few = [3.0, 1.0, 0.3, 0.01]
    cost = np.exp((made.logs + 0.5 * made.deviations) / 2)
    best = min((2, 4), key=lambda i: cost[0, i] + cost[i, 5])
    assert planner._shortest(made, few, rate(times), [2])[0].times.tolist() == [3.0, times[best], 0.01]


# -- the choice ------------------------------------------------------------------------------------------------


def options(errors: dict[str, float], segments: int = 2, spread: float = 0.4) -> list[Option]:
    times = np.linspace(3, 0.01, segments + 1)
    return [Option(TimeGrid(kind, times), Prediction(error, spread)) for kind, error in errors.items()]


def chosen(errors: dict[str, float], **given: Any) -> planner.Recommendation:
    told = {"numbers": [2], "tolerance": None, "kind": "auto"} | given
    return planner._choose(options(errors), **told)


def test_the_best_where_it_is_clearly_better():
    found = chosen({"uniform": 0.3, "logsnr": 0.2, "typical": 0.05, "planned": 0.1})
    assert found.chosen.grid.kind == "typical"
    assert found.reason == "typical has the smallest predicted error, 2.00 times below the next"


def test_the_safe_kind_within_two_spreads():
    """Two spreads, 0.8, are a factor 2.23."""
    found = chosen({"karras": 0.1, "typical": 0.222})
    assert found.chosen.grid.kind == "typical"
    assert "within a factor 2.22 of the best (karras)" in found.reason
    assert chosen({"karras": 0.1, "typical": 0.224}).chosen.grid.kind == "karras"


def test_a_shortest_path_must_be_ahead_by_two_spreads():
    """Two spreads, 0.8, are a factor 2.23."""
    found = chosen({"uniform": 0.5, "karras": 0.222, "typical": 0.3, "planned": 0.1})
    assert found.chosen.grid.kind == "karras"
    assert "within a factor 2.22 of the best (planned)" in found.reason
    assert chosen({"karras": 0.224, "typical": 0.3, "planned": 0.1}).chosen.grid.kind == "planned"
    assert chosen({"planned": 0.1}).reason == "planned has the smallest predicted error"


def test_it_says_where_a_grid_that_does_not_look_at_the_mixture_would_do():
    told = chosen({"uniform": 0.11, "logsnr": 0.5, "karras": 0.12, "typical": 0.1}).reason
    assert told.endswith("; uniform and karras, which need not know the mixture, are predicted to do as well")
    assert "need not know" not in chosen({"uniform": 0.13, "typical": 0.1}).reason


def test_a_safer_grid_that_misses_the_tolerance_is_not_chosen():
    errors = {"karras": 0.104, "typical": 0.12, "planned": 0.1}
    assert chosen(errors, tolerance=0.2).chosen.grid.kind == "typical"
    assert chosen(errors, tolerance=0.11).chosen.grid.kind == "karras"
    assert chosen(errors, tolerance=0.1).chosen.grid.kind == "planned"


def test_the_fewest_segments_that_meet_the_tolerance():
    table = [*options({"uniform": 0.5, "planned": 0.3}, 1), *options({"uniform": 0.2, "planned": 0.05}, 2)]
    table += options({"uniform": 0.05, "planned": 0.01}, 4)
    for tolerance, segments, kind in ((0.4, 1, "planned"), (0.1, 2, "planned"), (0.02, 4, "planned")):
        found = planner._choose(table, [1, 2, 4], tolerance, "auto")
        assert (found.chosen.grid.segments, found.chosen.grid.kind) == (segments, kind)
    confined = planner._choose(table, [1, 2, 4], 0.1, "uniform").chosen.grid
    assert (confined.segments, confined.kind) == (4, "uniform")


@pytest.mark.parametrize(("least", "told"), [(0.0241, "0.025"), (0.1, "0.1"), (3.301e-7, "3.4e-07"), (0.0996, "0.1")])
def test_an_unreachable_tolerance_is_told_what_can_be_reached(least, told):
    table = options({"uniform": 3 * least, "planned": least})
    with pytest.raises(InputError) as caught:
        planner._choose(table, [2], 1e-8, "auto")
    assert str(caught.value) == (
        f"tolerance: got 1e-08; required: at least {told}, the smallest error predicted up to K = 2"
    )
    planner._choose(table, [2], float(told), "auto")  # what the line asks for is granted


# -- the whole, without training -------------------------------------------------------------------------------


@pytest.mark.usefixtures("guess")
def test_every_kind_is_looked_at_and_the_plan_last():
    found = recommend(process(), 3)
    assert [option.grid.kind for option in found.options] == [*KINDS, "planned"]
    assert all(option.grid.segments == 3 for option in found.options)
    assert found.beta == Guess.beta
    for option in found.options[:-1]:
        assert option.grid.times.tolist() == cf.time_grid(process(), 3, option.grid.kind).times.tolist()
    best = min(found.options, key=lambda option: option.prediction.relative_mse)
    assert best.grid.kind == "planned"
    rows = predicted(found)
    assert [row["kind"] for row in rows if row["chosen"]] == [found.grid.kind]
    assert {row["segments"] for row in rows} == {3}
    assert rows[-1]["within_factor"] == pytest.approx(math.exp(1.645 * 0.2))


@pytest.mark.usefixtures("guess")
def test_a_tolerance_takes_the_fewest_segments(monkeypatch):
    """With nodes evenly in `log t`, all the error is `1e-3 (log 300)^4 / K^2`; the candidates come close to that."""
    monkeypatch.setattr(planner, "KINDS", ("uniform", "logsnr", "karras"))
    for tolerance in (0.5, 0.05, 0.02):
        found = recommend(process(), tolerance=tolerance)
        k = found.grid.segments
        assert found.chosen.prediction.relative_mse <= tolerance
        fewer = [o.prediction.relative_mse for o in found.options if o.grid.segments < k]
        assert min(fewer, default=math.inf) > tolerance
        assert k * k >= 1e-3 * math.log(300) ** 4 / tolerance
    assert len({option.grid.segments for option in found.options}) == len(planner.SEGMENTS)


@pytest.mark.usefixtures("guess")
def test_segments_and_a_tolerance(monkeypatch):
    monkeypatch.setattr(planner, "KINDS", ("uniform", "logsnr"))
    assert recommend(process(), 4, 0.9).grid.segments == 4
    with pytest.raises(InputError, match=r"^tolerance: got 1e-05; required: at least .* up to K = 4"):
        recommend(process(), 4, 1e-5)


@pytest.mark.usefixtures("guess")
def test_one_kind(monkeypatch):
    monkeypatch.setattr(planner, "KINDS", ("uniform", "karras"))
    found = recommend(process(), 3, kind="karras")
    assert found.grid.kind == "karras"
    assert found.grid.times.tolist() == cf.time_grid(process(), 3, "karras").times.tolist()
    assert "planned" not in [option.grid.kind for option in found.options]
    assert cf.time_grid(process(), None, "karras", tolerance=0.1).kind == "karras"


@pytest.mark.usefixtures("guess")
def test_candidates_and_their_coordinate():
    p = process()
    curve = RateCurve(np.geomspace(0.01, 3, 65), np.geomspace(5, 0.1, 65))
    candidates = planner._candidates(p, curve)
    assert (candidates[0], candidates[-1]) == (3.0, 0.01)
    assert (np.diff(candidates) < 0).all()
    assert len(candidates) == planner.CANDIDATES
    coordinate = planner._coordinate(np.array(candidates), curve)
    assert coordinate[[0, -1]] == pytest.approx([0, 1], abs=1e-12)
    assert (np.diff(coordinate) > 0).all()


REFUSED = {
    "nothing asked": ({}, "segments", "None", "a number of segments, or a tolerance"),
    "no segment": ({"segments": 0}, "segments", "0", "an int from 1 to 40"),
    "too many": ({"segments": 41}, "segments", "41", "an int from 1 to 40"),
    "a bool": ({"segments": True}, "segments", "True", "an int from 1 to 40"),
    "a fraction": ({"segments": 2.5}, "segments", "2.5", "an int from 1 to 40"),
    "tolerance 0": ({"tolerance": 0.0}, "tolerance", "0.0", "between 0 and 1"),
    "tolerance 1": ({"tolerance": 1}, "tolerance", "1", "between 0 and 1"),
    "tolerance NaN": ({"tolerance": math.nan}, "tolerance", "nan", "between 0 and 1"),
    "tolerance text": ({"tolerance": "small"}, "tolerance", "'small'", "between 0 and 1"),
    "no kind": ({"segments": 2, "kind": "sigmoid"}, "kind", "'sigmoid'", "auto, uniform, logsnr"),
    "a kind that is not planned": ({"tolerance": 0.1, "kind": "arctan"}, "kind", "'arctan'", "can tell the error of"),
}


@pytest.mark.usefixtures("guess")
@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    given, field, value, requirement = REFUSED[case]
    with pytest.raises(InputError) as caught:
        recommend(process(), **given)
    assert caught.value.field == field
    assert value in str(caught.value)
    assert requirement in str(caught.value).split("required: ")[1]
    assert Guess.made == []  # before anything is trained


@pytest.mark.usefixtures("guess")
@pytest.mark.parametrize(
    ("given", "field", "requirement"),
    [
        ({"rate": "sharp"}, "rate", "no rate for a plan"),
        ({"samples": 64}, "samples", "no samples for a plan"),
        ({"seed": 3}, "seed", "no seed for a plan"),
    ],
)
def test_what_a_plan_would_ignore_is_refused(given, field, requirement, monkeypatch):
    monkeypatch.setattr(planner, "KINDS", ("uniform", "logsnr"))
    for asked in ({"kind": "auto"}, {"kind": "typical", "tolerance": 0.5}):
        with pytest.raises(InputError) as caught:
            cf.time_grid(process(), 3, **asked, **given)
        assert caught.value.field == field
        assert requirement in str(caught.value)
    assert cf.time_grid(process(), 3, "auto", "one-sided").segments == 3  # the default, spelled out


@pytest.mark.usefixtures("guess")
def test_a_kind_without_a_grid_is_refused_before_anything_is_trained():
    law = cf.load_mixture("anisotropic-pair")
    with pytest.raises(InputError, match=r"^kind: got 'stability-balanced'; required: a kind that has a grid"):
        recommend(process(law), 2, kind="stability-balanced")
    assert Guess.made == []


def test_a_law_at_rest_and_a_time_beyond_sigma_are_refused():
    with pytest.raises(InputError, match=r"^mixture: got 'rest'; required: one whose flow moves points"):
        recommend(process(cf.GaussianMixture([1], [[0, 0]], "1", name="rest")), 2)
    with pytest.raises(InputError, match=r"^t_max: got 400.0; required: at most 300"):
        recommend(cf.OrnsteinUhlenbeck(LAW, "0.01", "400"), 2)


# -- the whole -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("little_probes")
def test_the_grid_of_a_plan():
    told: list[tuple[int, int]] = []
    given = {"settings": TINY, "progress": lambda *step: told.append(step)}
    grid = cf.time_grid(process(), 3, kind="auto", **given)
    assert grid.segments == 3
    assert (grid.times[0], grid.times[-1]) == (3.0, 0.01)
    assert set(grid.options) >= {"predicted_relative_mse", "within_factor", "reason"}
    assert 0 < grid.options["predicted_relative_mse"] < 10
    assert grid.options["within_factor"] > 1
    assert "predicted" in grid.options["reason"]
    assert told[0] == (0, TINY.steps)
    assert told[-1] == (TINY.steps, TINY.steps)
    again = cf.time_grid(process(), 3, kind="auto", settings=TINY)
    assert (again.kind, again.times.tolist(), again.options) == (grid.kind, grid.times.tolist(), grid.options)


@pytest.mark.usefixtures("little_probes")
def test_a_mixture_without_a_global_bound():
    law = cf.load_mixture("anisotropic-pair")
    found = recommend(process(law), 2, settings=TINY)
    kinds = [option.grid.kind for option in found.options]
    assert "stability-balanced" not in kinds
    assert kinds[-1] == "planned"
    assert np.isfinite([option.prediction.relative_mse for option in found.options]).all()

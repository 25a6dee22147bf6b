"""Grids of tabulated rates: equal integrals, by independent quadrature."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

import certflow as cf
from certflow.errors import InputError
from certflow.grids import RateCurve, entropy_rate, grid_from_rate, score_rate, sharp_rates, typical_rate


@pytest.fixture
def process() -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3")


@pytest.mark.parametrize("power", [-2.0, -1.0, 0.5])
def test_nodes_of_a_power(process: cf.OrnsteinUhlenbeck, power: float) -> None:
    """The integral of t^p has an elementary inverse."""
    times = np.geomspace(0.01, 3, 201)
    times[[0, -1]] = 0.01, 3.0
    grid = grid_from_rate(process, times, times**power, 5)
    shares = np.arange(5, -1, -1) / 5
    if power == -1:
        expected = 0.01 * 300**shares
    else:
        low, high = 0.01 ** (power + 1), 3 ** (power + 1)
        expected = (low + shares * (high - low)) ** (1 / (power + 1))
    assert grid.times == pytest.approx(expected, rel=1e-5)
    assert (grid.kind, dict(grid.options)) == ("custom", {})


def test_equal_integrals_of_the_curve_itself() -> None:
    rng = np.random.default_rng(3)
    times = np.sort(rng.uniform(0.01, 3, 30))
    curve = RateCurve(times, rng.uniform(0, 1, 30) ** 4)
    nodes = curve.time_at(np.linspace(0, 1, 12))
    parts = [
        quad(lambda t: float(curve(t)), a, b, points=[t for t in times if a < t < b] or None, limit=200)[0]
        for a, b in pairwise(nodes)
    ]
    assert parts == pytest.approx([float(curve.cumulative(times[-1])) / 11] * 11, rel=1e-7)
    assert (curve(np.linspace(times[0], times[-1], 999)) >= 0).all()


def test_a_rate_that_vanishes_on_a_stretch(process: cf.OrnsteinUhlenbeck) -> None:
    """The node is the earliest time that has its share."""
    times = np.array([0.01, 0.1, 0.2, 1.0, 2.0, 3.0])
    grid = grid_from_rate(process, times, [1.0, 1.0, 0.0, 0.0, 0.0, 0.0], 4)
    assert (grid.times[1:] <= 0.2).all()
    curve = RateCurve(times, [0.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    assert curve.time_at(0.0) <= 0.1
    assert curve.time_at(1e-9) >= 1.0


BAD = {
    "negative": ([0.01, 3.0], [-1.0, 1.0], "values", "a finite rate >= 0"),
    "nan": ([0.01, 3.0], [float("nan"), 1.0], "values", "a finite rate >= 0"),
    "zero": ([0.01, 3.0], [0.0, 0.0], "values", "positive somewhere"),
    "short": ([0.01, 3.0], [1.0], "values", "for each time"),
    "one": ([0.01], [1.0], "times", "two or more"),
    "order": ([3.0, 0.01], [1.0, 1.0], "times", "strictly increasing"),
    "ends": ([0.02, 3.0], [1.0, 1.0], "times", "from t_min = 0.01 to t_max = 3.0"),
    "text": (["a", "b"], [1.0, 1.0], "times", "numbers"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tables(process: cf.OrnsteinUhlenbeck, case: str) -> None:
    times, values, field, required = BAD[case]
    with pytest.raises(cf.InputError) as caught:
        grid_from_rate(process, times, values, 4)
    assert caught.value.field == field
    assert required in caught.value.requirement


def test_an_interval_stands_for_a_process(process: cf.OrnsteinUhlenbeck) -> None:
    """A rate of one's own network needs no mixture; ends of any kind of number, the exact ones of a text too."""
    times = np.geomspace(0.01, 3, 41)
    times[[0, -1]] = 0.01, 3.0
    expected = grid_from_rate(process, times, 1 / (1 + times), 5, "own", {"seed": 3})
    pairs = ((0.01, 3.0), [0.01, 3], ("0.01", "3"), ("1/100", 3), np.array([0.01, 3.0]), (np.float64(0.01), 3))
    for interval in pairs:
        grid = grid_from_rate(interval, times, 1 / (1 + times), 5, "own", {"seed": 3})
        assert grid.times.tobytes() == expected.times.tobytes()
        assert (grid.kind, dict(grid.options)) == ("own", {"seed": 3})


@pytest.mark.parametrize(
    ("interval", "field", "required"),
    [
        ((0.01,), "process", "the pair (t_min, t_max)"),
        ((0.01, 1.0, 3.0), "process", "the pair (t_min, t_max)"),
        ("0.01", "process", "the pair (t_min, t_max)"),
        (3.0, "process", "the pair (t_min, t_max)"),
        (None, "process", "the pair (t_min, t_max)"),
        ((0, 3.0), "t_min", "a time > 0"),
        ((3.0, 0.01), "t_max", "a time > t_min"),
        ((float("nan"), 3.0), "t_min", "number"),
        ((0.01, float("inf")), "t_max", "number"),
        (("a", 3.0), "t_min", "number"),
        ((0.01, 2.0), "times", "from t_min = 0.01 to t_max = 2.0"),
    ],
)
def test_what_is_no_interval(interval: object, field: str, required: str) -> None:
    with pytest.raises(cf.InputError) as caught:
        grid_from_rate(interval, [0.01, 3.0], [1.0, 1.0], 4)  # type: ignore[arg-type]
    assert caught.value.field == field
    assert required in caught.value.requirement
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rate", [entropy_rate, typical_rate, score_rate, sharp_rates])
@pytest.mark.parametrize(
    ("times", "line"),
    [
        (0.5, "times: got 'shape ()'; required: shape (T,), at least one time"),
        ([], "times: got 'shape (0,)'; required: shape (T,), at least one time"),
        ([[0.5, 1.0]], "times: got 'shape (1, 2)'; required: shape (T,), at least one time"),
        ([0.5, -1.0], "times: got -1.0; required: finite times > 0"),
        ([0.0], "times: got 0.0; required: finite times > 0"),
        ([math.nan], "times: got nan; required: finite times > 0"),
        ([math.inf], "times: got inf; required: finite times > 0"),
        (["a"], "times[0]: got 'a'; required: a finite number"),
    ],
)
def test_times_of_a_rate_are_refused_in_one_line(process: cf.OrnsteinUhlenbeck, rate, times, line) -> None:
    with pytest.raises(InputError) as refused:
        rate(process, times)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)

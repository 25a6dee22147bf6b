"""Grids of the sharp rate against closed forms of `V*` and against proved integrals."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from depth import night
from scipy.integrate import quad

import certflow as cf
from certflow.grids.kinds.sharp_table import sharp_curve, sharp_rates


def load(name: str) -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.load_mixture(name), "0.01", "3")


def rate(variance: float, spread: Callable[[float], float]) -> Callable[[float], float]:
    """`lambda*` of a common variance from `V*(r)`."""

    def sharp(t: float) -> float:
        m2 = math.exp(-2 * t)
        v = variance * m2 - math.expm1(-2 * t)
        return 1 - 1 / v + m2 / v**2 * spread(m2 / (2 * v))

    return sharp


def three_on_a_line(r: float) -> float:
    """`V*` of means -1, 0, 1 with equal weights."""
    q = math.exp(-r)
    return 2 * q / (1 + 2 * q) if q >= 0.25 else 1 / (4 * (1 - 4 * q * q))


CLOSED = {
    "line-3": rate(0.01, three_on_a_line),
    "ring-8": rate(0.01, lambda r: 0.5),  # a regular octagon of radius 1: R^2/2 for all r
    "two-modes": rate(0.04, lambda r: 1.0),
}


@pytest.mark.parametrize("name", ["line-3", *night("ring-8"), "two-modes"])
def test_equal_integrals_of_the_positive_part(name: str) -> None:
    process = load(name)
    grid = cf.time_grid(process, 6, rate="sharp")
    assert dict(grid.options) == {"rate": "sharp"}

    def positive(y: float) -> float:
        return max(0.0, CLOSED[name](math.exp(y))) * math.exp(y)

    parts = [
        quad(positive, *np.log([a, b]), limit=400)[0] for a, b in zip(grid.times[1:], grid.times[:-1], strict=True)
    ]
    assert parts == pytest.approx([sum(parts) / 6] * 6, rel=2e-4)
    curve = sharp_curve(process)
    assert curve.cumulative(3.0) == pytest.approx(sum(parts), rel=2e-4)
    for t in (0.0123, 0.077, 0.5):
        assert curve(t) == pytest.approx(max(0.0, CLOSED[name](t)), rel=2e-3, abs=1e-6)


@pytest.mark.parametrize("name", ["two-modes", *night("random-5")])
def test_the_integral_is_the_proved_one_where_the_rate_is_positive(name: str) -> None:
    process = load(name)
    proved = cf.enclosure.sharp_stability(process, "0.01", "3", gap="1e-3")
    assert sharp_curve(process).cumulative(3.0) == pytest.approx(float(proved.upper), rel=1.5e-3)


def test_a_second_grid_costs_nothing() -> None:
    process = load("two-modes")
    curve = sharp_curve(process)
    assert sharp_curve(process) is curve
    assert sharp_curve(cf.OrnsteinUhlenbeck(process.mixture, "0.02", "3")) is not curve


def test_where_there_is_no_sharp_rate() -> None:
    for name, field, required in (
        ("iris-full", "mixture", "covariances of kind"),
        ("digits", "rate", "whose sharp rate is found within"),
    ):
        with pytest.raises(cf.InputError) as caught:
            cf.time_grid(load(name), 4, rate="sharp")
        assert caught.value.field == field
        assert required in caught.value.requirement
    with pytest.raises(cf.InputError, match="positive somewhere"):
        cf.time_grid(cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0]], "0.25")), 4, rate="sharp")


def test_tabulated_rates_are_upper_ends() -> None:
    rates, spreads = sharp_rates(load("line-3"), [0.02, 0.3])
    for t, value, spread in zip([0.02, 0.3], rates, spreads, strict=True):
        exact = CLOSED["line-3"](t)
        assert exact * (1 - 1e-12) <= value <= exact + 2e-5 * abs(exact)
        assert spread == pytest.approx(
            three_on_a_line(math.exp(-2 * t) / (2 * (0.01 * math.exp(-2 * t) - math.expm1(-2 * t)))), rel=1e-4
        )

"""Rounding of networks whose rounding is known."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import certflow as cf
from certflow.networks.gadgets.exact import carry
from certflow.networks.graph import Network, rational

pytest.importorskip("torch")

from certflow.networks.conditioning import TIMES, rounding


def process(t_min: Any = "0.01", t_max: Any = "3") -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), t_min, t_max)


def scaled(factor: Fraction) -> Network:
    """`factor x_1` of `(x_1, x_2, t)`."""
    made = Network(3)
    return made.finish([carry(made, made.input(0)) * rational(factor)])


@pytest.mark.parametrize("arithmetic", ["float64", "float32"])
def test_nothing_is_lost_where_all_numbers_are_exact(arithmetic: str) -> None:
    found = rounding(scaled(Fraction(1, 4)), process(), arithmetic, samples=50)
    assert found.errors.tolist() == [0.0] * TIMES


@pytest.mark.parametrize(("arithmetic", "bits"), [("float64", 53), ("float32", 24)])
def test_a_weight_is_rounded_by_as_much_as_it_is(arithmetic: str, bits: int) -> None:
    """The weight `1 + u/2`, `u` half a unit of the last place, is rounded to 1: the error is `u/2` times `|x_1|`."""
    half = Fraction(1, 2 ** (bits + 1))
    found = rounding(scaled(1 + half), process(), arithmetic, samples=500, seed=3)
    times = found.times
    moments = np.sqrt(np.exp(-2 * times) * 1.04 - np.expm1(-2 * times))  # E x_1^2 = m^2 (1 + 0.04) + 1 - m^2
    np.testing.assert_allclose(found.errors, float(half) * moments, rtol=0.1)
    assert found.largest == found.errors.max()


def test_times_are_within_the_interval_in_every_arithmetic() -> None:
    low, high = Fraction(1, 3), Fraction(2, 3)
    for arithmetic in ("float64", "float32"):
        times = rounding(scaled(Fraction(1)), process(low, high), arithmetic, samples=1).times
        assert (times == times.astype(arithmetic)).all()
        assert Fraction(float(times[0])) >= low
        assert Fraction(float(times[-1])) <= high

"""exp, sigmoid and tanh of the package against mpmath; margins against exact rational arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from certflow.enclosure.students import rounding

MP = mpmath.MPContext()
MP.prec = 160


def arguments():
    rng = np.random.default_rng(0)
    ties = np.arange(-60, 60) * math.log(2) / 2
    return np.concatenate([rng.uniform(-700, 700, 400), rng.uniform(-1, 1, 300), ties, [0.0, 700.0, -700.0]])


@pytest.mark.parametrize(
    ("function", "truth", "relative", "error"),
    [
        (rounding.exponential, MP.exp, True, rounding.EXP_ERROR),
        (rounding.sigmoid, lambda x: 1 / (1 + MP.exp(-x)), True, rounding.SIGMOID_ERROR),
        (rounding.hyperbolic_tangent, MP.tanh, False, rounding.TANH_ERROR),
    ],
)
def test_the_functions_are_within_their_errors(function, truth, relative, error):
    x = arguments()
    for argument, value in zip(x, function(x), strict=True):
        exact = truth(MP.mpf(float(argument)))
        assert abs(MP.mpf(float(value)) - exact) <= error * (exact if relative else 1) + rounding.TINY


def test_the_exponential_at_the_ends():
    assert rounding.exponential(np.array([701.0, np.nan, np.inf])).tolist() == [np.inf] * 3
    assert 0 < rounding.exponential(np.array([-np.inf]))[0] < rounding.TINY


def test_the_constants_of_the_reduction():
    assert abs(MP.log(2) - MP.mpf(rounding._HIGH) - MP.mpf(rounding._LOW)) < MP.mpf(2) ** -86
    assert Fraction(rounding._HIGH) * 2**32 == int(Fraction(rounding._HIGH) * 2**32) < 2**32


@pytest.mark.parametrize("operations", [1, 4, 40])
def test_what_is_rounded_up_is_above_every_chain_of_so_many_roundings(operations):
    exact = Fraction(1, 3)
    lost = Fraction(float(exact * (1 - Fraction(rounding.UNIT)) ** operations))
    assert Fraction(float(rounding.up(np.array(float(lost)), operations))) >= exact
    assert rounding.gamma(operations) * (1 - operations * rounding.UNIT) >= operations * rounding.UNIT

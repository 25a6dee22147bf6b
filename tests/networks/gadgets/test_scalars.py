"""The exponential and the reciprocal against mpmath, by exact weights (A2, A3)."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import mpmath
import pytest
from flint import fmpq
from fractions_of import evaluated, fraction

from certflow.networks.gadgets.exponential import Exponential, exponential, plan_exponential
from certflow.networks.gadgets.reciprocal import plan_reciprocal, ratio_error, reciprocal
from certflow.numbers.precision import ball_precision

BITS = 150


def number(value: Fraction) -> mpmath.mpf:
    return mpmath.mpf(value.numerator) / value.denominator


def made(relative: float, absolute: float, level: int) -> Exponential:
    plan = plan_exponential(relative, absolute, level, 16)
    assert plan is not None
    with ball_precision(300):
        return exponential(plan, BITS)


@pytest.mark.parametrize(("relative", "absolute", "level"), [(1e-2, 1e-3, 2), (1e-6, 1e-7, 3), (1e-10, 1e-11, 4)])
def test_the_exponential_is_as_near_as_it_says_and_hardly_nearer(relative, absolute, level) -> None:
    found = made(relative, absolute, level)
    th, ph = float(found.relative.upper()), float(found.absolute.upper())
    assert (th <= relative, ph <= absolute) == (True, True)
    knots = [fraction(knot) for knot in found.gadget.knots]
    worst = 0.0
    with mpmath.workdps(40):
        for low, high in pairwise([knots[0] - 40, *knots]):
            for i in range(33):
                z = low + (high - low) * Fraction(i, 32)
                power = mpmath.exp(number(z))
                error = abs(number(evaluated(found.gadget.network, z)[0]) - power)
                worst = max(worst, float(error / (th * power + ph)))
        at_zero = abs(number(evaluated(found.gadget.network, Fraction(0))[0]) - 1)
    assert 0.5 < worst <= 1
    assert at_zero <= float(found.at_zero.upper())


def test_below_its_first_knot_the_exponential_is_constant_and_next_to_zero() -> None:
    found = made(1e-6, 1e-7, 3)
    low = fraction(found.gadget.knots[0])
    values = {evaluated(found.gadget.network, z)[0] for z in (low, low - 1, low - 10**9)}
    assert len(values) == 1
    assert abs(values.pop()) < Fraction(1, 2 ** (BITS - 10))


def test_more_pieces_than_allowed_are_no_plan() -> None:
    assert plan_exponential(1e-12, 1e-13, 2, 16) is None
    assert plan_reciprocal(1e-12, fmpq(1), 8.0, 2, 16) is None


@pytest.mark.parametrize(("relative", "level", "top"), [(1e-3, 2, 2.0), (1e-6, 3, 8.0), (1e-11, 4, 16.0)])
def test_the_reciprocal_is_as_near_as_it_says_and_hardly_nearer(relative, level, top) -> None:
    start = 1 - fmpq(1, 2**30)
    plan = plan_reciprocal(relative, start, top, level, 16)
    with ball_precision(300):
        found = reciprocal(plan, BITS)
    bound, at_start, slope = (float(ball.upper()) for ball in (found.relative, found.start, found.slope))
    assert bound <= relative * 1.001
    knots = [fraction(knot) for knot in found.gadget.knots]
    assert (knots[0], knots[-1] > Fraction(top)) == (fraction(start), True)
    worst = by_slope = 0.0
    for low, high in pairwise(knots):
        for i in range(65):
            s = low + (high - low) * Fraction(i, 64)
            error = abs(evaluated(found.gadget.network, s)[0] * s - 1)
            worst = max(worst, float(error) / bound)
            by_slope = max(by_slope, float(error) / (at_start + slope * float(s - knots[0]) + 1e-300))
    assert 0.9 < worst <= 1
    assert 0.3 < by_slope <= 1


@pytest.mark.parametrize(("degree", "ratio"), [(4, 2.0), (8, 1.5), (16, 3.0)])
def test_the_error_of_a_ratio_bounds_the_interpolant_of_the_inverse(degree: int, ratio: float) -> None:
    """Against Lagrange's interpolation at the nodes in mpmath: 1 / (sqrt(x^2 - 1) sinh(n acosh x)), nearly attained."""
    with mpmath.workdps(50):
        low, high = mpmath.mpf(1), mpmath.mpf(ratio)
        nodes = [(low + high) / 2 - (high - low) / 2 * mpmath.cos(mpmath.pi * i / degree) for i in range(degree + 1)]
        worst = mpmath.mpf(0)
        for i in range(257):
            s = low + (high - low) * i / 256
            nodal = mpmath.fprod((s - node) / node for node in nodes)  # W(S)/W(0): the relative error itself
            worst = max(worst, abs(nodal))
    assert 0.9 < float(worst) / ratio_error(degree, ratio) <= 1

"""Products along axes of the plane that are not the coordinate axes: the ring of four, rectangles and grids, turned."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from depth import night
from oracle_sharp import Times, line_spread, mpf, time_of

import certflow as cf
from certflow.enclosure.suprema.points import Points

#: (cos, sin) of an angle, rational.
TURNS = [(Fraction(3, 5), Fraction(4, 5)), (Fraction(-5, 13), Fraction(12, 13)), (Fraction(1), Fraction(0))]


def turned(rows, turn):
    c, s = turn
    return [(c * Fraction(x) - s * Fraction(y), s * Fraction(x) + c * Fraction(y)) for x, y in rows]


def process_of(rows, weights=None, variance="0.01"):
    weights = [Fraction(1, len(rows))] * len(rows) if weights is None else weights
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, [list(row) for row in rows], Fraction(variance)))


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("kind", ["one-sided", "two-sided"])
@pytest.mark.parametrize("r", ["0.3", "2"])
def test_a_grid_turned_keeps_its_value(turn, kind, r):
    """Three on a line of spacing 2 beside two at distance 1: the exact value of the line, scaled, or 1/4."""
    t = time_of(r, "0.01")
    times = Times("0.01", t)
    with mpmath.workdps(40):
        exact = max(4 * line_spread(4 * times.r), mpf("0.25"))
        rate = cf.enclosure.sharp_rate(
            process_of(turned([(2 * a, b) for a in (-1, 0, 1) for b in (0, 1)], turn)), t, kind
        )
        value = times.rate(kind, exact)
        assert mpf(rate.lower) * (1 - mpf("1e-30")) <= value <= mpf(rate.upper) * (1 + mpf("1e-30"))
        assert rate.complete
        assert rate.relative_gap <= 1e-9


@pytest.mark.parametrize("turn", TURNS[:2])
def test_the_witness_speaks_of_the_points_as_they_are(turn):
    weights = [Fraction(a, 6) * Fraction(b, 3) for a in (1, 2, 3) for b in (1, 2)]
    process = process_of(turned([(2 * a, b) for a in (-1, 0, 1) for b in (0, 1)], turn), weights)
    rate = cf.enclosure.sharp_rate(process, "0.2")
    assert rate.turn is not None
    x, e = (np.array([float(v) for v in vector]) for vector in (rate.witness.point, rate.vector))
    jacobian = process.jacobian(x, 0.2)
    assert -e @ jacobian @ e / (e @ e) == pytest.approx(float(rate.lower), rel=1e-9)


def test_the_ring_of_four_is_exact():
    rate = cf.enclosure.sharp_rate(process_of([(1, 0), (0, 1), (-1, 0), (0, -1)]), "0.1")
    assert rate.complete
    assert rate.leaves == 0  # two pairs at distance 2^{1/2}: V* = 1/2
    assert rate.spread[0] <= Fraction(1, 2) <= rate.spread[1]


def test_no_product_no_turn():
    """Four points of a ring, one weight or one coordinate changed by a little: not a product any more."""
    ring = [(1, 0), (0, 1), (-1, 0), (0, -1)]
    rows = tuple(tuple(map(Fraction, row)) for row in ring)
    equal = (Fraction(1, 4),) * 4
    assert Points.of(rows, equal).product_turn() is not None
    tiny = Fraction(1, 10**30)
    assert Points.of(rows, (equal[0] + tiny, equal[1] - tiny, *equal[2:])).product_turn() is None
    assert Points.of(((1 + tiny, Fraction(0)), *rows[1:]), equal).product_turn() is None
    assert Points.of(rows[:3], (Fraction(1, 3),) * 3).product_turn() is None


@pytest.mark.parametrize("turn", [TURNS[1], *night((TURNS[0],))])
def test_the_exponent_of_a_turned_grid_is_that_of_the_grid(turn):
    rows = [(2 * a, b) for a in (-1, 0, 1) for b in (0, 1)]
    found, plain = (
        cf.enclosure.sharp_stability(process_of(points, variance="0.04"), "0.05", "2", gap="1e-2")
        for points in (turned(rows, turn), rows)
    )
    assert found.complete
    assert max(found.lower, plain.lower) <= min(found.upper, plain.upper)

"""A9 and E4: the flows that blocks are compared with, where the answer is known, and where the checks say nothing."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from flint import arb

import certflow as cf
from certflow.claims.check import Context, OutOfReach
from certflow.claims.digits import mp
from certflow.claims.evidence import straight
from certflow.claims.networks import blocks
from certflow.claims.networks.twins import HalvedGrowth
from certflow.law.library import load_mixture
from certflow.networks.residual.coordinates import Coordinates
from certflow.numbers.precision import ball_precision


@pytest.fixture(scope="module")
def coordinates() -> Coordinates:
    return Coordinates.of(cf.OrnsteinUhlenbeck(load_mixture("two-modes"), "0.01", "3"))


def test_both_flows_are_that_of_one_equation(coordinates: Coordinates) -> None:
    """`dy/dK = tanh(K y)` by mpmath's Taylor method; what is orthogonal to the means stays."""
    with mpmath.workdps(30):
        right = mpmath.odefun(lambda K, y: mpmath.tanh(K * y), 1, mpmath.mpf("0.25"))(mpmath.mpf("1.0078125"))
    h = 2.0**-7
    with mp.workdps(40), ball_precision(128):
        start = np.array([mp.mpf("0.25"), mp.mpf(3)], dtype=object)
        found, doubt = straight.precise_flow(straight.precise_field(coordinates), start, mp.mpf(1), mp.mpf(h))
        ends = straight.ball_flow(coordinates, np.array([arb("0.25"), arb(3)], dtype=object), arb(1), arb(h))
        assert abs(found[0] - mp.mpf(mpmath.nstr(right, 28))) < 1e-20
        assert doubt < 1e-18
        assert found[1] == 3
        assert ends[0].contains(arb(mp.nstr(found[0], 35)))
        assert ends[0].rad() < 100 * h**9
        assert ends[1].contains(3)


def test_a_gain_of_nothing_is_on_the_separatrix() -> None:
    coordinates = Coordinates.of(cf.OrnsteinUhlenbeck(load_mixture("random-5"), "0.01", "3"))
    process = cf.OrnsteinUhlenbeck(load_mixture("random-5"), "0.01", "3")
    means, weights = process.mixture.means, process.mixture.weights
    for gain in (0.0, 2.0):
        (point,) = straight.across_ties(coordinates, 0.7, [gain], np.random.default_rng(2))
        logits = np.log(weights) + 0.7 * means @ np.array(point) - 0.49 / 2 * (means**2).sum(1)
        assert np.abs(np.abs(logits[:, None] - logits) - gain)[~np.eye(5, dtype=bool)].min() < 1e-12


def test_half_the_growth_is_seen_in_how_points_come_apart(coordinates: Coordinates) -> None:
    """And not only in the rate at one time."""
    process = HalvedGrowth(load_mixture("two-modes"), "0.01", "3")
    with ball_precision(128):
        points = [np.array([arb(0), arb(0)], dtype=object)]
        for law, above in ((coordinates, False), (process.straight, True)):
            cases = blocks._few_blocks(Context(process), law, points, 1.0, 0.005)
            (grown,) = [value for value, told in cases if "grown" in told]
            assert (grown > 1) is above
            assert grown == pytest.approx(np.exp((1.015**2 - 1) / 4) if above else 1, rel=1e-6)


def test_where_the_checks_say_nothing() -> None:
    assert straight.needs_straight_softmax(load_mixture("ring-8")) is None
    assert "isotropic" in str(straight.needs_straight_softmax(load_mixture("two-variances")))
    many = cf.GaussianMixture(["1/512"] * 512, [[k] for k in range(512)], 1)
    assert isinstance(straight.needs_straight_softmax(many), OutOfReach)
    one = cf.GaussianMixture([1], [[2, 1]], "0.3")
    assert "exactly" in str(straight.needs_straight_softmax(one))
    same = cf.GaussianMixture(["0.5", "0.5"], [[0], [1]], [1, 1])
    assert isinstance(straight.needs_straight_softmax(same), OutOfReach)


def test_balls_that_are_too_wide_say_nothing(coordinates: Coordinates) -> None:
    wide = np.array([arb(0, 1e6), arb(3)], dtype=object)
    end = straight.ball_flow(coordinates, wide, arb(1), arb(3))
    assert not any(ball.is_finite() and float(ball.rad()) < 1e6 for ball in end[:1])

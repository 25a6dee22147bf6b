"""Sizes of a law, errors of functions of time, and the proved error of networks, each against an oracle of its own
(A6).
"""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from depth import night
from flint import arb, fmpq

import certflow as cf
from certflow.networks.arithmetic import ExactNetwork
from certflow.networks.common.law import common_law, largest_varentropy
from certflow.networks.common.times import expected_errors, time_functions, time_gadget
from certflow.networks.constructed import ConstructedScore, constructed_score
from certflow.networks.gadgets.enclosure import pieces
from certflow.networks.times import boxes
from certflow.numbers.precision import ball_precision

LINE = cf.GaussianMixture(["0.5", "0.2", "0.3"], [["-1"], ["0.25"], ["1"]], "0.02")


@pytest.mark.parametrize("count", [2, 3, 8, 100])
def test_no_law_of_so_many_outcomes_has_a_larger_varentropy(count: int) -> None:
    bound = float(largest_varentropy(count))
    p = np.linspace(1e-6, 1 - 1e-6, 20001)
    best = (p * (1 - p) * np.log((count - 1) * p / (1 - p)) ** 2).max()  # one outcome apart, the others alike
    assert best <= bound < best * 1.03
    rng = np.random.default_rng(0)
    for concentration in (0.05, 0.3, 1.0):
        drawn = rng.dirichlet(np.full(count, concentration), 2000).clip(1e-300)
        logs = np.log(drawn)
        mean = (drawn * logs).sum(axis=1, keepdims=True)
        assert (drawn * (logs - mean) ** 2).sum(axis=1).max() <= bound


def test_sizes_of_a_law_are_those_of_numpy() -> None:
    mixture = cf.load_mixture("random-5")
    law = common_law(cf.OrnsteinUhlenbeck(mixture))
    means, weights = mixture.means, mixture.weights
    apart = np.linalg.norm(means[:, None] - means[None], axis=2)
    centre = np.array([float(arb(entry)) for entry in law.centre])
    expected = {
        "diameter": apart.max(),
        "spread": apart.sum(axis=1).max(),
        "radius": np.linalg.norm(means - centre, axis=1).max(),
        "largest_mean": np.linalg.norm(means, axis=1).max(),
        "weight_oscillation": np.log(weights.max() / weights.min()),
    }
    for name, value in expected.items():
        assert float(getattr(law, name)) == pytest.approx(value, rel=1e-12)
    assert float(arb(law.second_moment)) == pytest.approx((weights * (means**2).sum(axis=1)).sum(), rel=1e-12)
    # the smallest ball: no centre can do better than half the diameter, and this one does not waste much
    assert apart.max() / 2 <= expected["radius"] <= apart.max() / math.sqrt(3) * 1.001


def test_equal_means_are_one_component() -> None:
    twice = cf.GaussianMixture(["0.25", "0.5", "0.25"], [["1", "0"], ["-1", "0"], ["1", "0"]], "0.04")
    law = common_law(cf.OrnsteinUhlenbeck(twice))
    assert law.weights == (fmpq(1, 2), fmpq(1, 2))
    assert law.means == ((fmpq(1), fmpq(0)), (fmpq(-1), fmpq(0)))


@pytest.mark.parametrize("variance", ["0.04", "1", "3"])
def test_errors_of_functions_of_time_on_boxes_hold_those_at_points(variance: str) -> None:
    """Against `m/v` and `m^2/(2v)` by mpmath; and what the design expects is what comes out."""
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1/2", "1/2"], [["-1"], ["1"]], variance), "0.05", "1")
    law, low, high = common_law(process), fmpq(1, 20), fmpq(1)
    with ball_precision(200):
        gadget = time_gadget(law, (low, fmpq(3, 10), high), 3, 120)
        whole = pieces(gadget)
        found = list(boxes(whole, time_functions(law), 4, 100))
        assert len(found) == 8
        worst = [0.0, 0.0]
        with mpmath.workdps(45):
            for k, box in enumerate(found):
                piece = whole[k // 4]
                for c in (-1.0, -0.3, 0.5, 1.0):
                    inside = (2 * (k % 4) + 1 + c - 4) / 4
                    t = (mpmath.mpf(int(piece.lower.p)) / int(piece.lower.q)) * (1 - inside) / 2
                    t += (mpmath.mpf(int(piece.upper.p)) / int(piece.upper.q)) * (1 + inside) / 2
                    m = mpmath.exp(-t)
                    v = mpmath.mpf(variance) * m * m + 1 - m * m
                    for i, exact in enumerate((m / v, m * m / (2 * v))):
                        value = piece.outputs[i](arb(inside))
                        error = mpmath.mpf(str(value.mid().str(40, radius=False))) - exact
                        ball = box.errors[i](arb(c))
                        assert abs(float(ball.mid()) - float(error)) <= float(ball.rad()) + 1e-14 * abs(error)
                        worst[i] = max(worst[i], abs(float(error)))
    expected = expected_errors(1 - float(variance), 0.3, 1.0, 8), expected_errors(1 - float(variance), 0.05, 0.3, 8)
    assert worst[0] <= max(errors.a.max() for errors in expected) * 1.01
    assert worst[0] >= max(errors.a.max() for errors in expected) / 30


def error_by_quadrature(score: ConstructedScore, t: float) -> float:
    """`||N - s||_{L^2(p_t)}` in one dimension: the trapezoidal rule over 12 deviations, by formulas written out
    here.
    """
    mixture = score.process.mixture
    m = math.exp(-t)
    v = float(mixture.covariances) * m * m - math.expm1(-2 * t)
    reach = np.abs(mixture.means).max() * m + 12 * math.sqrt(v)
    x = np.linspace(-reach, reach, 6001)
    each = (
        mixture.weights * np.exp(-((x[:, None] - m * mixture.means[:, 0]) ** 2) / (2 * v)) / math.sqrt(2 * math.pi * v)
    )
    density = each.sum(axis=1)
    exact = (each * (m * mixture.means[:, 0] - x[:, None])).sum(axis=1) / (v * density.clip(1e-300))
    network = ExactNetwork(score.network)(x[:, None], t)[:, 0]
    return float(np.sqrt(((network - exact) ** 2 * density).sum() * (x[1] - x[0])))


@pytest.mark.parametrize("eps", ["1e-2", *night("1e-4", "1e-8"), "1e-6"])
def test_the_proved_error_is_above_the_mean_square_by_quadrature_and_not_far_above(eps: str) -> None:
    score = constructed_score(cf.OrnsteinUhlenbeck(LINE, "0.01", "3"), eps)
    worst = max(error_by_quadrature(score, t) for t in np.geomspace(0.0100001, 2.9999, 25))
    assert worst <= score.error_bound <= float(eps)
    assert score.error_bound <= 10 * worst


@pytest.mark.parametrize("eps", ["1e-2", "1e-6"])
def test_the_bound_for_every_x_holds_next_to_separatrices_and_far_away(eps: str) -> None:
    process = cf.OrnsteinUhlenbeck(LINE, "0.01", "3")
    score = constructed_score(process, eps)
    network = ExactNetwork(score.network)
    x = np.concatenate([np.linspace(-2, 2, 801), np.geomspace(2, 1e3, 60), -np.geomspace(2, 1e3, 60)])[:, None]
    share = 0.0
    for t in (0.010001, 0.03, 0.2, 1.0, 2.99):
        off = np.abs(network(x, t) - process.score(x, t))[:, 0]
        share = max(share, float((off / (score.pointwise_bound(x) + 1e-13 * (30 + 30 * np.abs(x[:, 0])))).max()))
    assert 0.1 < share <= 1

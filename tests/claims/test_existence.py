"""Checks of L8: growth is measured where it is, and no distance refutes that a supremum is infinite."""

from __future__ import annotations

import math

import pytest

import certflow as cf
from certflow.claims.check import Context
from certflow.claims.model import Outcome
from certflow.claims.registry import CHECKS
from certflow.claims.spatial.existence import ball, bound_exists, decision, no_bound_exists, unbounded_growth
from certflow.claims.spatial.twins import AlwaysBounded

NARROW, WIDE = [["1", "0"], ["0", "1"]], [["2", "0"], ["0", "1"]]
CROSSED = [["1", "0"], ["0", "2"]]


def near_range(height, covariances=(NARROW, WIDE)):
    return cf.GaussianMixture(["0.5", "0.5"], [["0", "1"], ["0", height]], list(covariances))


FIVE = cf.GaussianMixture(
    ["0.2"] * 5, [["0", "0"], ["0", "0"], ["5", "5"], ["-5", "-5"], ["5", "-5"]], [CROSSED, WIDE, *[CROSSED] * 3]
)


def product():
    covariances = [[[a, "0", "0"], ["0", b, "0"], ["0", "0", "1"]] for a, b in (("1", "2"), ("2", "1"), ("10", "10"))]
    return cf.GaussianMixture(
        ["0.2", "0.3", "0.5"], [["0", "0", "1"], ["1", "0.3", "1"], ["-1", "2", "1"]], covariances
    )


def context(mixture, formulas=cf.OrnsteinUhlenbeck):
    return Context(formulas(mixture, "0.01", "3"))


def constants():
    """`m` and `1 - 1/C`, `C = 2 m^2 + 1 - m^2`, at the geometric mean of the interval."""
    m2 = math.exp(-2 * math.sqrt(0.03))
    return math.sqrt(m2), m2 / (1 + m2)


def test_crossed_components_behind_others_of_their_covariance():
    """Along the diagonal, beyond all means: `|x|^2 |1 - 1/C|^2 / 4`, to a few per cent from 1e2 on."""
    found = unbounded_growth(context(FIVE), "L8.growth")
    assert found.outcome is Outcome.HOLDS
    _, delta = constants()
    for row in found.numbers["measured"]:
        assert float(row["norm"]) == pytest.approx((delta * float(row["size"])) ** 2 / 4, rel=0.15)


@pytest.mark.parametrize("height", ["1.1", "1.000000001", "1.00000000000001", "1.0000000000000000000000000000001"])
@pytest.mark.parametrize("order", [(NARROW, WIDE), (WIDE, NARROW)])
def test_nearly_in_the_range(height, order):
    """`||J|| = |h| (1 - 1/C) |x| / 2` far out, `h = m (mu_1 - mu_2)`: from where that exceeds 1."""
    found = unbounded_growth(context(near_range(height, order)), "L8.growth")
    assert found.outcome is Outcome.HOLDS
    m, delta = constants()
    last = found.numbers["measured"][-1]
    wanted = m * (float(height) - 1 or 1e-31) * delta * float(last["size"]) / 2
    assert float(last["norm"]) == pytest.approx(wanted, rel=0.05)


def test_growth_too_far_out_to_be_seen_is_not_refuted():
    found = unbounded_growth(context(near_range("1." + "0" * 70 + "1")), "L8.growth")
    assert found.outcome is Outcome.INCONCLUSIVE


def test_a_bound_that_is_claimed_is_refuted_by_a_norm_above_it():
    for mixture in (FIVE, near_range("1.000000001")):
        found = unbounded_growth(context(mixture, AlwaysBounded), "L8.growth")
        assert found.outcome is Outcome.VIOLATED
        assert found.witness is not None


def test_applicability_follows_the_decision():
    bounded = product()
    assert bound_exists(bounded) is None
    assert "a global bound exists" in no_bound_exists(bounded)
    excluded = [check.name for check in CHECKS if "no global" in (check.applies(bounded) or "")]
    assert excluded == []
    assert cf.OrnsteinUhlenbeck(bounded).lipschitz_bound(0.5) == pytest.approx(2.42, rel=0.01)
    assert no_bound_exists(FIVE) is None
    assert "no global bound exists" in bound_exists(FIVE)


def test_known_cases_are_decided_and_are_said_to_be_others():
    found = decision(context(FIVE), "L8.decision")
    assert found.outcome is Outcome.HOLDS
    assert found.summary.endswith("9 of 9 known cases, which are other mixtures")
    assert "not this mixture" in found.scope


@pytest.mark.parametrize(
    ("mixture", "power", "pair"), [(FIVE, "|x|^2", {0, 1}), (near_range("1.000000001"), "|x|", {0, 1})]
)
def test_a_mixture_without_a_bound_is_called_unbounded_where_the_ball_is_told(mixture, power, pair):
    """The weakest evidence, which a terminal shows, speaks of the ball alone."""
    found = ball(context(mixture), "L8.ball")
    assert found.outcome is Outcome.HOLDS
    start = f"unbounded, no L(t) holds for all x: ||J|| grows like {power} where components "
    assert found.summary.startswith(start)
    first, _, second = found.summary.removeprefix(start).split()[:3]
    assert {int(first), int(second)} <= pair | {2, 3, 4}
    assert "measured far out by L8.growth" in found.summary


def test_a_bounded_mixture_is_not():
    assert ball(context(product()), "L8.ball").summary.startswith("bound on the ball")

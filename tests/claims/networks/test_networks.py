"""A1, A2, A3, A4, A5, A6, A7, A8 and A9: their evidence where the answer is known, and where it says nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import arb, fmpq

import certflow as cf
from certflow.claims.check import PROFILES, Context, OutOfReach
from certflow.claims.model import Outcome
from certflow.claims.networks import blocks, gadgets, scores, sizes
from certflow.claims.networks.altered import judged, needs_common_softmax, needs_softmax
from certflow.claims.networks.twins import MissingKnot, MissingSquare, ShorterReciprocal
from certflow.claims.registry import checks_of
from certflow.law.library import load_mixture
from certflow.networks.constructed import COMMON, bound_of
from certflow.networks.floor import log_distance
from certflow.networks.graph import Network
from certflow.numbers.precision import ball_precision
from certflow.process import OrnsteinUhlenbeck

ERRORS = PROFILES["quick"].network_errors


def context(name="two-modes", formulas=OrnsteinUhlenbeck, **changes):
    return Context(formulas(load_mixture(name), "0.01", "3"), digits=30, seed=3, **changes)


def test_a_network_is_evaluated_exactly():
    """`max(0, 2 x - 1)^2 + 5 max(0, x)`, by hand."""
    network = Network(1)
    x = network.input(0)
    network.finish([network.requ(x * 2 - 1) + network.relu(x) * 5])
    assert gadgets.outputs_of(network, [fmpq(3, 4)]) == [fmpq(4)]
    assert gadgets.outputs_of(network, [fmpq(-2)]) == [fmpq(0)]


def test_what_is_built_is_what_the_report_tells():
    """A5: the depth of two modes from the degrees of the plan; nothing is more wrong than what is proved."""
    finding = scores.measured_error(context(), "A5.measured")
    network = judged(context(), ERRORS[0])
    plan = network.plan
    degrees = plan.time_level + plan.exponential.level + plan.reciprocal.level
    row = finding.numbers[f"eps = {ERRORS[0]}"]
    assert row["depth"] == degrees + 3 == network.score.network.depth
    assert float(row["measured"]) < float(row["proved"]) < 1e-8
    assert finding.outcome is Outcome.HOLDS


def test_what_float64_cannot_show_is_not_judged():
    """Means at 1e6: float64 rounds more than the bound that is proved, and the bound along the flow is infinite."""
    far = cf.GaussianMixture(["1/2", "1/2"], [["-1000000", "0"], ["1000000", "1"]], "0.04")
    found = Context(OrnsteinUhlenbeck(far, "0.01", "3"), digits=30, seed=3)
    finding = scores.measured_error(found, "A5.measured")
    assert (finding.outcome, "float64 rounds by about" in finding.summary) == (Outcome.INCONCLUSIVE, True)
    assert blocks.network_along_the_flow(found, "A9.composed").outcome is Outcome.INCONCLUSIVE


def test_the_recomputed_bound_is_the_stated_one():
    network = judged(context(), ERRORS[0])
    with ball_precision(network.score.bits):
        again = bound_of(COMMON, network.pieces, network.eps)
    assert float(again.l2) == pytest.approx(network.score.error_bound, rel=1e-6)
    assert [float(a) for a in again.everywhere] == pytest.approx(list(network.score.everywhere), rel=1e-6)


@pytest.mark.parametrize("formulas", [MissingSquare, ShorterReciprocal])
def test_a_changed_network_is_another_function(formulas):
    """And not only another bound: at some point of R its error is larger than what was proved."""
    right, wrong = judged(context(), ERRORS[0]), judged(context(formulas=formulas), ERRORS[0])
    rng = np.random.default_rng(5)
    worst = 0.0
    for share in rng.uniform(size=40):
        if formulas is ShorterReciprocal:
            gadget, stated = wrong.pieces.reciprocal.gadget, right.pieces.reciprocal.relative
            s = 1 + fmpq(int(share * 1000), 1000)
            (found,) = gadgets.outputs_of(gadget.network, [s])
            error = abs(float((found * s - 1).p) / float((found * s - 1).q))
        else:
            gadget, stated = wrong.pieces.exponential.gadget, right.pieces.exponential.relative
            z = -fmpq(int(share * 1000), 1000) * 5
            (found,) = gadgets.outputs_of(gadget.network, [z])
            error = abs(float(arb(found)) / math.exp(float(z.p) / float(z.q)) - 1)
        worst = max(worst, error / float(stated))
    assert worst > 2


def test_a_network_whose_neurons_change_sign_within_a_piece_is_refused():
    (check,) = [check for check in checks_of("A6") if check.name == "A6.enclosed"]
    evidence = check.run(context(formulas=MissingKnot))
    assert evidence.outcome is Outcome.VIOLATED
    assert "changes its sign" in evidence.summary


def test_the_distance_of_polynomials_from_the_logistic_is_enclosed():
    """A8: against the least squares fit of high degree on a fine grid, on one interval."""
    pieces, degree, place = 3, 4, 0.5
    h = math.pi / pieces
    y0 = place * (math.pi - h)
    c = np.cos(np.pi * (np.arange(2000) + 0.5) / 2000)
    f = 1 / (1 + np.exp(-(y0 + h * c)))
    series = np.polynomial.chebyshev.chebfit(c, f, 25)
    cut = float(np.abs(f - np.polynomial.chebyshev.chebval(c, series[: degree + 1])).max())
    with ball_precision(128):
        low, high = sizes._distances(pieces, degree, fmpq(1, 2), fmpq(1, 2))
        right = math.pi / 4 * max(abs(series[degree + 1 : degree + 3]))
        assert 0.999 * right < float(low) <= right  # it lacks the poles that were left out
        assert cut <= float(high) < 10 * cut
        assert float(log_distance(pieces, degree)) < math.log(float(low))


def test_other_covariances_have_networks_too():
    """A6 on different variances: proved, and what is out of reach is not yet checked rather than not applicable."""
    (result,) = cf.verify(load_mixture("two-variances"), ["A6"], digits=20).results
    assert result.outcome is Outcome.HOLDS
    assert [item.check for item in result.evidence] == ["A6.enclosed", "A6.everywhere"]
    assert "|x|^3" in result.evidence[0].summary
    assert needs_softmax(load_mixture("wine")) is None
    many = cf.GaussianMixture(["1/128"] * 128, [[k] for k in range(128)], [1 + k for k in range(128)])
    assert isinstance(needs_softmax(many), OutOfReach)
    assert isinstance(needs_common_softmax(load_mixture("wine")), OutOfReach)


def test_one_mean_has_no_softmax():
    mixture = cf.GaussianMixture([1], [[0.5]], 0.25)
    (result,) = cf.verify(mixture, ["A3"], digits=20).results
    assert [item.check for item in result.evidence] == ["A3.derivation"]
    assert needs_softmax(mixture) is not None
    assert not isinstance(needs_softmax(mixture), OutOfReach)


def test_the_floor_is_for_two_components_of_a_common_variance():
    assert sizes.two_components(load_mixture("two-modes")) is None
    assert "two components" in sizes.two_components(load_mixture("line-3"))
    assert "isotropic" in sizes.two_components(load_mixture("two-variances"))


def test_where_sigma_is_1_nothing_grows_with_x():
    """`q = 1` is exact then: `B = 0`, and the functions of time have no poles to sum over."""
    mixture = cf.GaussianMixture(["0.5", "0.5"], [["-1"], ["1"]], 1)
    process = OrnsteinUhlenbeck(mixture, "0.01", "3")
    finding = scores.recomputed_bound(Context(process), "A6.enclosed")
    assert finding.outcome is Outcome.HOLDS
    assert finding.numbers[f"eps = {ERRORS[0]}"]["everywhere"].endswith(" + 0 |x|")
    assert isinstance(gadgets.has_poles(mixture), OutOfReach)


def test_no_time_is_a_node_where_nothing_is_left_to_compare() -> None:
    """The seed once drew the middle of a piece, where interpolation is exact and a relative error means nothing."""
    mixture = cf.GaussianMixture(["0.3", "0.7"], [["-1", "0"], ["1", "0.5"]], "0.05")
    assert cf.verify(mixture, ["A4"], seed=14)

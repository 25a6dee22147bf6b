"""Evidence by enclosure on unusual mixtures, and the three outcomes of a comparison of balls."""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np
import pytest
from depth import night

import certflow as cf
from certflow.claims.check import Context, Profile
from certflow.claims.evidence.balls import ClosedRates, agreement, bound_at, bracket, precision, within
from certflow.claims.evidence.sharpness import covers, searchable, sharp_at, sharp_times
from certflow.claims.model import Evidence, Kind, Outcome
from certflow.claims.registry import CHECKS
from certflow.enclosure.expressions import ball

LIGHT = Profile("light", precise_points=6, sampled_points=500, flow_pairs=20, times=5)
#: Students that are trained and enclosed have tests of their own.
ENCLOSED = {check.claim: check for check in CHECKS if check.kind is Kind.ENCLOSURE and not check.trains}
arb = flint.arb


def context_of(weights, means, covariances, t_min="0.01", t_max="3") -> Context:
    return Context(cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, covariances), t_min, t_max), LIGHT)


def collect(context: Context) -> dict[str, Evidence]:
    fitting = {claim: check for claim, check in ENCLOSED.items() if check.applies(context.mixture) is None}
    return {claim: check.run(context) for claim, check in fitting.items()}


CASES = {
    "a single mean": (["1"], [["0.3", "1"]], "0.25"),
    "a standard normal law, J = 0": (["1"], [["0.3", "1"]], "1"),
    "unit variance, c = 0": (["0.5", "0.5"], [["0.3", "1"], ["1", "2"]], "1"),
    "wide, c < 0": (["0.2", "0.8"], [["0.3", "1"], ["1", "2"]], "4"),
    "equal means": (["0.2", "0.8"], [["1", "2"], ["1", "2"]], "0.1"),
    "two modes far from the origin": (["0.5", "0.5"], [["10.3", "1"], ["11.1", "2"]], "0.04"),
    "lambda < 0 throughout": (["0.5", "0.5"], [["0"], ["0.1"]], "0.5"),
    "lambda changes sign": (["0.5", "0.5"], [["0"], ["1"]], "0.2"),
    "three points on a line": (["0.2", "0.3", "0.5"], [["0"], ["1"], ["1.7"]], "0.05"),
    "a shared matrix, one mean": (["1"], [["0.3", "1"]], [["2", "0.5"], ["0.5", "1"]]),
    "a shared matrix": (["0.5", "0.5"], [["0.3", "1"], ["1", "2"]], [["2", "0.5"], ["0.5", "1"]]),
    "isotropic": (["0.3", "0.3", "0.4"], [["0.3", "1"], ["1", "1"], ["0", "0"]], ["0.3", "0.2", "0.01"]),
}


#: What they enclose is enclosed every day for means near the origin, and for two of them on a line; a rate that changes
#: its sign is that of test_verdicts.py.
LONG = ("wide, c < 0", "two modes far from the origin", "three points on a line", "lambda changes sign")


@pytest.mark.usefixtures("still_clock")
@pytest.mark.parametrize("name", [*(name for name in CASES if name not in LONG), *night(*LONG)])
def test_nothing_that_is_true_is_violated_or_open(name):
    found = collect(context_of(*CASES[name]))
    assert found
    outcomes = {claim: (item.outcome, item.summary) for claim, item in found.items()}
    assert {outcome for outcome, _ in outcomes.values()} <= {Outcome.HOLDS, Outcome.NOT_APPLICABLE}, outcomes
    kind = context_of(*CASES[name]).mixture.kind
    assert set(found) >= {"common-isotropic": {"L2", "L3", "L5", "F1"}, "shared": {"L6"}, "isotropic": {"L7"}}[kind]


@pytest.mark.usefixtures("still_clock")
@pytest.mark.parametrize("ends", [("0.1", "0.1000000001"), *night(((0.01, 3.0),), (("1/3", "1/2"),))])
def test_floats_and_fractions_and_a_short_interval(ends):
    found = collect(context_of([0.5, 0.5], [[0.1, 0.7], [1.9, 0.3]], 0.1, *ends))
    assert {item.outcome for item in found.values()} <= {Outcome.HOLDS, Outcome.NOT_APPLICABLE}, found


def test_hulls_that_the_search_does_not_cover_are_not_applicable():
    rng = np.random.default_rng(1)
    means = [[str(round(v, 3)) for v in row] for row in rng.standard_normal((12, 5))]
    matrix = np.where(np.eye(5) > 0, "1", "0.1").tolist()
    shared = cf.GaussianMixture(["1/12"] * 12, means, matrix)
    assert "hulls of at most 3 dimensions" in str(ENCLOSED["L6"].applies(shared))
    assert "8 coordinates" in str(ENCLOSED["L7"].applies(cf.load_mixture("digits")))
    assert searchable(cf.load_mixture("modes-16d")) is None  # a longest pair spans an exposed edge
    crowd = cf.GaussianMixture(["1/400"] * 400, [[str(k), str(k * k)] for k in range(400)], "1")
    assert searchable(crowd) is None or "means" in str(searchable(crowd)) or "K^2 d" in str(searchable(crowd))
    common = cf.GaussianMixture(["1/70"] * 70, [[str(k), "0"] for k in range(70)], "1")
    assert "70 means" in str(ENCLOSED["L5"].applies(common))
    context = Context(cf.OrnsteinUhlenbeck(common, "0.5", "3"), LIGHT)
    found = {claim: ENCLOSED[claim].run(context) for claim in ("L2", "L3", "F1")}
    assert found["L2"].outcome is found["L3"].outcome is found["F1"].outcome is Outcome.HOLDS
    assert "sharp_rates" not in found["L2"].numbers


def test_a_bound_that_is_not_finite_is_inconclusive():
    class Broken(cf.OrnsteinUhlenbeck):
        def lipschitz_bound(self, t):
            return super().lipschitz_bound(t) * arb.nan()

    item = ENCLOSED["L2"].run(Context(Broken(cf.load_mixture("two-modes"), "0.01", "3"), LIGHT))
    assert item.outcome is Outcome.INCONCLUSIVE


def test_the_witness_of_a_violation_can_be_replayed():
    from certflow.claims.spatial.twins import RadiusForDiameter

    item = ENCLOSED["L2"].run(Context(RadiusForDiameter(cf.load_mixture("ring-8"), "0.01", "3"), LIGHT))
    assert item.outcome is Outcome.VIOLATED
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("ring-8"), "0.01", "3")
    x = [float(Fraction(entry)) for entry in item.witness["x"]]
    norm = np.linalg.norm(process.jacobian(x, float(item.witness["t"])), 2)
    assert norm == pytest.approx(float(item.witness["sharp_rate_at_least"]), rel=1e-9)
    assert norm > float(arb(item.witness["bound"]))


@pytest.mark.parametrize("name", ["two-modes", "random-5", "ring-8"])
def test_closed_rates_are_those_of_the_process(name):
    context = Context(cf.OrnsteinUhlenbeck(cf.load_mixture(name), "0.01", "3"))
    with precision(context):
        for time in sharp_times(context):
            closed = ClosedRates(context.mixture, time)
            for kind in ("one-sided", "two-sided"):
                (bound,) = bound_at(context.process, [time], kind)
                assert agreement(bound, closed.rate(kind), closed.size) is Outcome.HOLDS
                found, _ = sharp_at(context, time, kind)
                assert covers(bound, found) is Outcome.HOLDS
                if found.lower > 0:
                    assert covers(ball(found.lower / 2), found) is Outcome.VIOLATED


def test_comparisons_have_three_outcomes():
    one, two = Fraction(1), Fraction(2)
    assert within(arb("1.5"), one, two, Fraction(0)) is Outcome.HOLDS
    assert within(arb("2.5"), one, two, Fraction(0)) is Outcome.VIOLATED
    assert within(arb("1.9", "0.2"), one, two, Fraction(0)) is Outcome.INCONCLUSIVE
    assert within(arb("1.9", "0.2"), one, two, Fraction(1, 2)) is Outcome.HOLDS
    assert within(arb.nan(), one, two, Fraction(0)) is Outcome.INCONCLUSIVE
    assert agreement(arb(1), arb(1), arb(1)) is Outcome.HOLDS
    assert agreement(arb(1), arb(2), arb(1)) is Outcome.VIOLATED
    assert agreement(arb(1, "1e-9"), arb(1), arb(1)) is Outcome.INCONCLUSIVE
    assert agreement(arb(1), arb.nan(), arb(1)) is Outcome.INCONCLUSIVE


def test_times_are_short_decimals_between_the_ends():
    assert sharp_times(context_of(*CASES["a single mean"])) == [Fraction(1, 100), Fraction(173, 1000), Fraction(3)]
    short = sharp_times(context_of(*CASES["a single mean"], "0.1", "0.1000000001"))
    assert short[0] < short[1] < short[2]


def test_brackets_are_rounded_outwards():
    assert bracket(Fraction(1, 3), Fraction(2, 3), 3) == "[0.333, 0.667]"

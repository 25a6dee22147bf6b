"""Verdicts of the mismatch claims on mixtures at the edge: gentle flows, one Gaussian, modes far apart, no floor."""

from __future__ import annotations

import math

import pytest
from depth import night, some

import certflow as cf
from certflow.claims.check import Context
from certflow.claims.model import Outcome
from certflow.claims.registry import CHECKS

HALF = ["1/2", "1/2"]
MIXTURES = {
    "wide modes": (HALF, [["-1"], ["1"]], "9"),
    "wide modes in the plane": (HALF, [["-1", "0"], ["1", "0"]], "9"),
    "wide and unequal": (["0.1", "0.9"], [["-1"], ["1"]], ["9", "16"]),
    "far modes": (HALF, [["-1000000"], ["1000000"]], "0.04"),
    "far and unequal": (["0.3", "0.7"], [["-1000000"], ["1000000"]], "0.04"),
    "standard normal": ([1], [["0"]], "1"),
    "one Gaussian": ([1], [["1", "2"]], [["2", "1"], ["1", "2"]]),
    "identical components": (["0.3", "0.7"], [["1", "2"], ["1", "2"]], "0.04"),
    "almost identical": (HALF, [["-1e-9"], ["1e-9"]], "0.04"),
}


def run(name, process):
    (check,) = [check for check in CHECKS if check.name == name]
    reason = check.applies(process.mixture)
    return reason or check.run(Context(process))


CLAIMS = ("M1.attained", "M2.attained", "M3.segments")


@pytest.mark.parametrize(("mixture", "name"), some(((mixture, name) for mixture in MIXTURES for name in CLAIMS), 2))
def test_true_statements_hold(mixture, name):
    evidence = run(name, cf.OrnsteinUhlenbeck(cf.GaussianMixture(*MIXTURES[mixture])))
    assert evidence.outcome is Outcome.HOLDS, evidence
    for ratio in evidence.numbers.get("error_over_floor", {}).values():
        assert 0.999 < float(ratio) < 1.001  # on a line the closest map attains the floor


@pytest.mark.parametrize("name", ["M1.attained", "M2.attained", "M3.segments"])
@pytest.mark.parametrize("distance", ["1e9", "1e12", *night("1e7", "1e8")])
def test_no_distance_makes_a_false_verdict(distance, name):
    """Between distant modes both distribution functions are flat in float64, and any root of their equation is one."""
    evidence = run(name, cf.OrnsteinUhlenbeck(cf.GaussianMixture(HALF, [[f"-{distance}"], [distance]], "0.04")))
    assert evidence.outcome in (Outcome.HOLDS, Outcome.INCONCLUSIVE), evidence


def test_the_floor_of_distant_modes_is_below_what_a_map_attains():
    """The flow takes the modes at `-+m_T D` to `-+m_delta D`; a map that stays in the middle is off by `m_delta D`."""
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture(HALF, [["-1e9"], ["1e9"]], "0.04"), "0.01", "3")
    floor = process.mismatch_floor(3.0, norm="sup") * math.exp(-0.01) * 1e9
    assert floor == pytest.approx((math.exp(-0.01) - 3 * math.exp(-3)) * 1e9, rel=1e-6)


class Broken(cf.OrnsteinUhlenbeck):
    """Floors that are no finite number."""

    value = math.nan

    def mismatch_floor(self, budget, norm="mean-square"):
        return self.value

    def stability(self, s, t, rate="one-sided"):
        return self.value


class Infinite(Broken):
    value = math.inf


@pytest.mark.parametrize("formulas", [Broken, Infinite])
@pytest.mark.parametrize("mixture", ["two-modes", "two-variances", *night("line-3")])
@pytest.mark.parametrize("name", ["M1.attained", "M2.attained", "M3.segments"])
def test_what_is_no_finite_number_is_no_evidence(name, mixture, formulas):
    evidence = run(name, formulas(cf.load_mixture(mixture)))
    if isinstance(evidence, str):
        assert (name, mixture) == ("M2.attained", "two-variances")
    elif name == "M1.attained" and formulas is Infinite and mixture != "two-variances":
        assert evidence.outcome is Outcome.HOLDS  # M1 on the nodes, where both sides are finite
    else:
        assert evidence.outcome is Outcome.INCONCLUSIVE


def slopes(variance):
    """`Phi' = sqrt(v_delta / v_T)` far out, from 3 to 0.01."""
    start, end = (math.exp(-2 * t) * variance + 1 - math.exp(-2 * t) for t in (3.0, 0.01))
    return math.sqrt(end / start)


@pytest.mark.parametrize(
    "mixture", [(HALF, [["-1"], ["1"]], "9"), (HALF, [["-1", "0"], ["1", "0"]], "9"), (HALF, [["-7"], ["7"]], "49")]
)
def test_an_infinite_floor_is_not_told_as_attained(mixture):
    """Far out the flow has slopes of nearly the standard deviation: no 2-Lipschitz map is within a finite distance."""
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture(*mixture))
    far = slopes(float(mixture[2]))
    assert process.mismatch_floor(2, norm="sup") == math.inf
    assert far > 2
    evidence = run("M1.attained", process)
    assert evidence.outcome is Outcome.HOLDS
    for name in evidence.numbers["error_over_floor"]:
        assert float(name.removeprefix("B = ")) > far
        assert process.mismatch_floor(float(name.removeprefix("B = ")), norm="sup") < math.inf
    assert float(evidence.summary.rpartition("B = ")[2]) > far
    assert "B = 2" in evidence.numbers["no_evidence_as_the_floor_is_infinite"]
    assert "B in {2" not in evidence.scope


def crossed_with(variance):
    """Two crossed Gaussians in the plane, and a Gaussian factor."""
    narrow, flat = [["0.1", "0.01", "0"], ["0.01", "0.02", "0"]], [["0.02", "0", "0"], ["0", "0.1", "0"]]
    matrices = [[*rows, ["0", "0", variance]] for rows in (narrow, flat)]
    return cf.GaussianMixture(HALF, [["-1", "0", "0"], ["1", "0.3", "0"]], matrices)


def test_a_wide_factor_makes_the_budget_larger_until_the_floor_is_finite():
    evidence = run("M1.attained", cf.OrnsteinUhlenbeck(crossed_with("25")))
    assert evidence.outcome is Outcome.HOLDS
    (budget,) = evidence.numbers["error_over_floor"]
    assert float(budget.removeprefix("B = ")) > slopes(25) * 0.999
    smallest = evidence.summary.split(" times")[0].split()[-1]
    assert float(evidence.numbers["error_over_floor"][budget]) == pytest.approx(float(smallest), abs=1e-4)


def test_where_every_floor_that_was_tried_is_infinite_the_reason_says_so():
    """The steepest pair of points is that of the factor."""
    evidence = run("M1.attained", cf.OrnsteinUhlenbeck(crossed_with("100")))
    assert evidence.outcome is Outcome.INCONCLUSIVE
    assert "infinite at B = " in evidence.summary
    assert evidence.summary.endswith(": no evidence)")


def test_floors_of_one_gaussian_are_zero_or_infinite_and_the_nodes_are_named():
    evidence = run("M1.attained", cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [["0"]], "9")))
    assert evidence.summary.startswith("the floor is infinite, no evidence; the closest map is off on nodes by ")
    assert "times what they demand, B = " in evidence.summary
    assert "error_over_floor" not in evidence.numbers
    assert "only the nodes of a quadrature" in evidence.scope


def test_m1_speaks_of_every_mixture_and_m2_says_what_it_needs():
    for name in ("two-variances", "anisotropic-pair", "iris"):
        process = cf.OrnsteinUhlenbeck(cf.load_mixture(name))
        (check,) = [check for check in CHECKS if check.name == "M1.attained"]
        assert check.applies(process.mixture) is None
        assert "needs one dimension or an involution that preserves p_T" in run("M2.attained", process)
    assert "no global growth rate" in run("M3.segments", cf.OrnsteinUhlenbeck(cf.load_mixture("anisotropic-pair")))


def test_slopes_that_one_segment_has_are_said_to_test_nothing():
    """Modes far apart, of one full matrix: no point that was looked at is near the steep stretch between them."""
    matrix = [["0.04", "0.01"], ["0.01", "0.09"]]
    mixture = cf.GaussianMixture(["0.01", "0.99"], [["-10", "0"], ["10", "0"]], [matrix, matrix])
    evidence = run("M3.segments", cf.OrnsteinUhlenbeck(mixture))
    assert evidence.outcome is Outcome.HOLDS
    measured = float(evidence.numbers["log_lipschitz_measured"])
    assert measured < math.log(2) < float(evidence.numbers["exponent"])
    assert evidence.summary.endswith("for which one segment is enough: they do not test this number")


def test_slopes_that_fewer_segments_have_say_how_many():
    evidence = run("M3.segments", cf.OrnsteinUhlenbeck(cf.load_mixture("line-3")))
    enough = math.ceil(float(evidence.numbers["log_lipschitz_measured"]) / math.log(2))
    assert enough < evidence.numbers["segments"]["B = 2"]
    assert evidence.summary.endswith(f"were measured, for which K = {enough} is enough")


def test_slopes_that_need_every_segment_say_no_more():
    evidence = run("M3.segments", cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes")))
    assert evidence.summary.endswith("were measured")

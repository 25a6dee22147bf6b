"""A verdict says no more than is known: failed computations, infinite bounds, figures that belong together."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import mpmath
import numpy as np
import pytest
from depth import cases, night

import certflow as cf
from certflow.claims.check import UNDECIDED, Check, Context, Finding, OutOfReach, Profile
from certflow.claims.composition import blocks
from certflow.claims.grids.lambert import lambert_inverse
from certflow.claims.model import Kind, Outcome
from certflow.claims.registry import CHECKS
from certflow.verification import verify

LIGHT = Profile(
    "light",
    precise_points=3,
    sampled_points=300,
    flow_pairs=min(12, cases(4)),
    times=3,
    sharp_times=2,
    search_seconds=1,
)
NAMED = {check.name: check for check in CHECKS}
HALVES, THIRDS = ["0.5", "0.5"], ["1/3", "1/3", "1/3"]

#: name -> weights, means, covariances, t_min, t_max
EXTREME = {
    "standard normal": (["1"], [["0"]], "1", "0.01", "3"),
    "standard normal, long": (["1"], [["0"]], "1", "1e-6", "30"),
    "one mean": (["1"], [["1", "2"]], "0.04", "0.01", "3"),
    "sign of lambda changes": (HALVES, [["0", "0"], ["1", "0"]], "0.04", "0.01", "3"),
    "equal means": (HALVES, [["1"], ["1"]], "0.04", "1e-6", "30"),
    "three narrow modes": (THIRDS, [["-1"], ["0"], ["1"]], "1e-4", "1e-6", "1"),
    "modes far apart": (HALVES, [["-1000000", "0"], ["1000000", "1"]], "0.04", "0.01", "3"),
    "two variances far apart": (HALVES, [["-1"], ["1"]], ["1e-6", "9"], "1e-6", "30"),
    "a shared matrix": (HALVES, [["-1", "0"], ["1", "1"]], [["1e-3", "0"], ["0", "9"]], "1e-3", "9"),
}


def context_of(weights, means, covariances, t_min="0.01", t_max="3", formulas=cf.OrnsteinUhlenbeck) -> Context:
    return Context(formulas(cf.GaussianMixture(weights, means, covariances), t_min, t_max), LIGHT, digits=20)


def texts(item) -> str:
    return f"{item.summary} {item.scope} {json.dumps(item.numbers, default=str)}"


# -- what no evidence says -------------------------------------------------------------------------------------

QUICK = [
    check
    for check in CHECKS
    if check.kind in (Kind.HIGH_PRECISION, Kind.SAMPLED)
    and check.claim[0] in "SLFG"
    and check.claim not in ("L8", "F3")
]


#: Their flows are the dearest; other infinite and vanishing bounds are met every day.
LONG = ("three narrow modes", "modes far apart", "a shared matrix")


@pytest.mark.parametrize("name", [*(name for name in EXTREME if name not in LONG), *night(*LONG)])
def test_nothing_holds_against_an_infinite_bound_or_reaches_nan_per_cent_of_one(name):
    context = context_of(*EXTREME[name])
    found = [check.run(context) for check in QUICK if check.applies(context.mixture) is None]
    assert len(found) >= 8
    for item in found:
        assert item.outcome is not Outcome.VIOLATED, (item.check, item.summary)
        if item.outcome is Outcome.HOLDS:
            assert not re.search(r"(?<![a-z])(inf|infinity|nan)(?![a-z])", texts(item), re.IGNORECASE), texts(item)
    undecided = [item.check for item in found if item.outcome is Outcome.INCONCLUSIVE]
    assert len(undecided) <= 1, undecided


@pytest.mark.parametrize("name", ["one mean", *night("three narrow modes")])
def test_a_composition_is_held_against_a_finite_bound(name):
    item = NAMED["E4.composition"].run(context_of(*EXTREME[name]))
    assert item.outcome is Outcome.HOLDS, item.summary
    assert "inf" not in texts(item)


def test_an_infinite_bound_of_a_composition_proves_nothing():
    class Endless(cf.OrnsteinUhlenbeck):
        def error_bound(self, times, errors, rate="one-sided"):
            return float("inf")

    process = Endless(cf.load_mixture("two-modes"), "0.01", "3")
    assert np.isnan(blocks._log_bound(process, [3.0, 1.0, 0.01], [0.1, 0.1]))
    plain = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3")
    found = blocks._log_bound(plain, [3.0, 1.0, 0.01], [0.1, 0.1])
    assert found == pytest.approx(np.log(plain.error_bound([3.0, 1.0, 0.01], [0.1, 0.1])))


# -- F1: growth and bound of the same interval, in logarithms ------------------------------------------------------


def exponent(variance, square, s, t):
    """`1/2 ln(v_s/v_t) + D^2 (m_s^2 - m_t^2)/(8 v_s v_t)`, apart from the package."""
    with mpmath.workdps(30):
        s, t, variance = mpmath.mpf(s), mpmath.mpf(t), mpmath.mpf(variance)
        a, b = (1 - (1 - variance) * mpmath.exp(-2 * y) for y in (s, t))
        drop = mpmath.exp(-2 * s) - mpmath.exp(-2 * t)
        return mpmath.log(a / b) / 2 + square * drop / (8 * a * b)


@pytest.mark.parametrize(
    ("name", "square"),
    [("sign of lambda changes", 1), ("one mean", 0), ("equal means", 0), *night(("three narrow modes", 4))],
)
def test_growth_stands_beside_the_bound_of_its_own_interval(name, square):
    weights, means, variance, t_min, t_max = EXTREME[name]
    item = NAMED["F1.pairs"].run(context_of(weights, means, variance, t_min, t_max))
    assert item.outcome is Outcome.HOLDS, item.summary
    late, early = item.numbers["from_t_to_t"]
    with mpmath.workdps(30):
        bound = mpmath.exp(exponent(variance, square, early, late))
        assert mpmath.almosteq(mpmath.mpf(item.numbers["its_bound_exp_int_lambda"]), bound, 1e-2)
        assert mpmath.mpf(item.numbers["largest_measured_growth"]) <= bound * (1 + mpmath.mpf("1e-3"))
    for figure in (item.numbers["largest_measured_growth"], item.numbers["its_bound_exp_int_lambda"]):
        assert figure in item.summary


def test_an_exponent_beyond_float64_that_is_too_small_is_violated():
    class Small(cf.OrnsteinUhlenbeck):
        def stability(self, s, t, rate="one-sided"):
            return super().stability(s, t, rate) * 1e-4

    item = NAMED["F1.pairs"].run(context_of(*EXTREME["three narrow modes"], formulas=Small))
    assert item.outcome is Outcome.VIOLATED


def test_an_infinite_exponent_proves_nothing():
    class Endless(cf.OrnsteinUhlenbeck):
        def stability(self, s, t, rate="one-sided"):
            return np.inf + super().stability(s, t, rate)

    item = NAMED["F1.pairs"].run(context_of(*EXTREME["one mean"], formulas=Endless))
    assert item.outcome is Outcome.INCONCLUSIVE


# -- shares of a bound ---------------------------------------------------------------------------------------------


def test_a_share_is_told_where_the_bound_is_positive_and_a_gap_where_none_is():
    changing = NAMED["L3.growth"].run(context_of(*EXTREME["sign of lambda changes"]))
    assert 0.5 < changing.numbers["largest_share_of_bound"] <= 1 + 1e-12
    assert "among points with a positive one" in changing.summary
    one = NAMED["L3.growth"].run(context_of(*EXTREME["one mean"]))
    assert "no bound is positive" in one.summary
    assert one.numbers["least_gap_to_the_bound"] == pytest.approx(0, abs=1e-12)
    still = NAMED["L2.bound"].run(context_of(*EXTREME["standard normal"]))
    assert "the nearest value is equal to its bound 0" in still.summary
    for item in (changing, one, still):
        assert item.numbers["worst_relative_excess"] == "none"


def test_a_bound_from_below_is_told_as_the_upper_one_that_is_compared():
    """`lambda_max(J) <= 1/v - 1`: that its values reach a share of the bound is true of an upper bound only."""
    item = NAMED["L3.contraction"].run(Context(cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))))
    assert item.summary.startswith("lambda_max(J) <= 1/v - 1, which is lambda_min(-J) >= 1 - 1/v: never exceeded")


def test_what_depends_on_time_alone_names_times():
    context = Context(cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes")))
    order, bound = (NAMED[name].run(context) for name in ("L3.order", "L2.bound"))
    assert order.scope == "this mixture, 4000 times in [0.01, 3]"
    assert order.numbers["times"] == 4000
    assert "points" not in order.numbers
    assert "4000 points (half near ties" in bound.scope


def test_that_a_bound_is_attained_names_the_bound():
    """Equal Gaussians: `lambda* = 1 - 1/v`, the closed form; of two modes `lambda*` is the closed form, too."""
    item = NAMED["L2.enclosed"].run(Context(cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))))
    assert item.summary.endswith("and 3: the supremum over x attains the bound at the times looked at")


def test_no_symbol_of_the_derivation_is_told():
    scope = NAMED["F2.derivation"].run(Context(cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes")))).scope
    assert "S00" not in scope
    assert "every sigma^2; " in scope


# -- computations that fail ----------------------------------------------------------------------------------------


def failing(error) -> Check:
    def procedure(context: Context, name: str) -> Finding:
        raise error

    return replace(NAMED["L3.order"], procedure=procedure)


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError("division by zero"),
        OverflowError("too large"),
        FloatingPointError(),
        np.linalg.LinAlgError("no convergence"),
        mpmath.mp.NoConvergence("no root"),
        cf.InputError("t", 3, "another time"),
        MemoryError(),
        *(kind.__new__(kind) for kind in UNDECIDED if kind is ArithmeticError),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_computation_that_fails_is_inconclusive_with_the_reason(error):
    item = failing(error).run(context_of(*EXTREME["one mean"]))
    assert item.outcome is Outcome.INCONCLUSIVE
    assert (str(error) or type(error).__name__) in item.summary


def test_an_inaccurate_flow_decides_nothing():
    import warnings

    from certflow.flow.reference import AccuracyWarning

    def procedure(context: Context, name: str) -> Finding:
        warnings.warn("two of three trajectories", AccuracyWarning, stacklevel=1)
        return Finding(Outcome.HOLDS, "fine", "here")

    item = replace(NAMED["L3.order"], procedure=procedure).run(context_of(*EXTREME["one mean"]))
    assert item.outcome is Outcome.INCONCLUSIVE
    assert "two of three" in item.summary


def test_a_mistake_in_the_code_is_raised_after_the_other_results_are_saved(tmp_path, monkeypatch, command):
    def checks_of(claim):
        return (failing(TypeError("a mistake")),) if claim == "L3" else (NAMED["L2.bound"],)

    monkeypatch.setattr("certflow.verification.run.checks_of", checks_of)
    with pytest.raises(TypeError, match="a mistake"):
        verify(cf.load_mixture("two-modes"), ["L2", "L3"], out=tmp_path)
    results = {result["id"]: result for result in json.loads((tmp_path / "report.json").read_text())["results"]}
    assert results["L2"]["outcome"] == "holds"
    assert results["L3"]["outcome"] == "inconclusive"
    assert "internal error: TypeError: a mistake" in results["L3"]["reason"]
    ended = command("verify", "two-modes", "--claims", "L3")
    assert ended.code == 4
    assert ended.err.startswith("certflow: internal error: TypeError: a mistake")


def test_one_failed_computation_costs_no_other_result(monkeypatch, command):
    def checks_of(claim):
        return (failing(ZeroDivisionError()),) if claim == "L3" else (NAMED["L2.bound"],)

    monkeypatch.setattr("certflow.verification.run.checks_of", checks_of)
    ended = command("verify", "two-modes", "--claims", "L2,L3", "--format", "json")
    assert ended.code == 3
    assert [result["outcome"] for result in json.loads(ended.out)["results"]] == ["holds", "inconclusive"]


# -- not applicable ------------------------------------------------------------------------------------------------


def excluded(claim, mixture) -> list[bool]:
    """For each check of a claim that cannot be run: whether hypotheses exclude the mixture."""
    reasons = [check.applies(mixture) for check in CHECKS if check.claim == claim]
    return [not isinstance(reason, OutOfReach) for reason in reasons if reason is not None]


def law(means, covariances):
    return cf.GaussianMixture([f"1/{len(means)}"] * len(means), means, covariances)


PLANE = [["0", "0"], ["1", "0"], ["0", "1"]]
DIAGONAL = [["0.04", "0"], ["0", "0.04"]]


@pytest.mark.parametrize(
    ("claim", "mixture"),
    [
        ("L2", law(PLANE, DIAGONAL)),
        ("L4", law(PLANE, ["0.04"] * 3)),
        ("F2", law(PLANE, [DIAGONAL] * 3)),
        ("F3", law(PLANE[:2], DIAGONAL)),
        ("F4", law(PLANE[:1], DIAGONAL)),
        ("L7", law(PLANE, [DIAGONAL, DIAGONAL, [["1", "0"], ["0", "1"]]])),
        ("G1", cf.load_mixture("wine")),
        ("G1", cf.load_mixture("two-variances")),
        ("G2", law([["0"], ["0.1"]], "0.5")),
        ("L5", cf.load_mixture("digits")),
        ("L5", cf.load_mixture("ordered-pair")),
    ],
)
def test_what_hypotheses_allow_is_not_yet_checked(claim, mixture):
    assert excluded(claim, mixture)
    assert not any(excluded(claim, mixture))


@pytest.mark.parametrize(
    ("claim", "mixture"),
    [
        ("L2", cf.load_mixture("wine")),
        ("L4", cf.load_mixture("line-3")),
        ("L4", cf.load_mixture("ring-8")),
        ("L4", law([["1"], ["1"]], "0.5")),
        ("F3", cf.load_mixture("iris")),
        ("G2", law([["1"], ["1"]], "0.5")),
        ("F1", cf.load_mixture("anisotropic-pair")),
        ("L5", cf.load_mixture("anisotropic-pair")),
        ("L6", cf.load_mixture("two-modes")),
        ("L7", cf.load_mixture("wine")),
    ],
)
def test_what_hypotheses_exclude_is_not_applicable(claim, mixture):
    assert any(excluded(claim, mixture))


def test_sharp_rates_are_claimed_for_a_shared_covariance():
    process = cf.OrnsteinUhlenbeck(law(PLANE, [["0.1", "0.02"], ["0.02", "0.3"]]), "0.1", "1")
    item = NAMED["L5.enclosed"].run(Context(process, replace(LIGHT, search_seconds=math.inf)))
    assert item.outcome is Outcome.HOLDS, item.summary
    assert item.summary.startswith("at t = 0.1 and 1 sharp rates are enclosed over all x")


@pytest.mark.parametrize("claim", ["L3", "F2"])
def test_reasons_name_the_kind_that_the_header_names(claim):
    """Equal matrices given as full: one report does not call them full here and shared there."""
    matrix = [["0.1", "0.02"], ["0.02", "0.3"]]
    report = verify(law(PLANE, [matrix] * 3), [claim])
    assert report.results[0].outcome is Outcome.NOT_APPLICABLE
    assert report.results[0].reason == "stated for common-isotropic covariances; this mixture has full ones"


def test_a_claim_out_of_reach_is_not_yet_checked():
    report = verify(law(PLANE, DIAGONAL), ["L2"])
    assert report.results[0].outcome is Outcome.NOT_CHECKED
    assert "given as shared" in report.results[0].reason
    late = lambert_inverse(context_of(HALVES, [["0"], ["1"]], "0.04", "0.5", "3"), "G2.inverse")
    assert late.outcome is Outcome.NOT_CHECKED


# -- L4 with components so narrow that the others are far ahead at the tie -----------------------------------------


def test_an_edge_whose_others_lead_near_its_middle_is_still_attained():
    context = context_of(THIRDS, [["0", "0"], ["1", "0"], ["0.5", "0.4"]], "1e-4", "1e-6", "1")
    item = NAMED["L4.attained"].run(replace(context, digits=50))
    assert item.outcome is Outcome.HOLDS, item.summary

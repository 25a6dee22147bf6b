"""`certflow.verify`: outcomes, resumption, and that nothing is said without evidence."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from depth import cases, nightly

import certflow as cf
from certflow.claims.check import PROFILES, Context
from certflow.claims.model import Kind, Outcome
from certflow.claims.registry import CHECKS, PENDING, STATEMENTS
from certflow.verification import overall

FAST = ["S1", "S2", "L2", "L6", "L7", "L8"]
#: The quick profile with few points every day; the night looks as deep as a user does.
QUICK = PROFILES["quick"]
LIGHT = replace(
    QUICK,
    precise_points=min(QUICK.precise_points, cases(3)),
    sampled_points=min(QUICK.sampled_points, cases(300)),
    flow_pairs=min(QUICK.flow_pairs, cases(10)),
    times=min(QUICK.times, cases(3)),
)


#: Of every kind of covariance but shared, which wine has in thirteen dimensions.
EVERY_DAY = ("iris", "two-variances", "ordered-pair")
PLANE = cf.GaussianMixture(["0.5", "0.5"], [["0.3", "1"], ["1", "2"]], [["2", "0.5"], ["0.5", "1"]], name="plane")
BUILTINS = [pytest.param(cf.load_mixture(n), id=n) for n in EVERY_DAY]
BUILTINS += [pytest.param(cf.load_mixture(n), id=n, marks=nightly) for n in cf.builtin_mixtures() if n not in EVERY_DAY]


@pytest.mark.usefixtures("still_clock")
@pytest.mark.parametrize("law", [*BUILTINS, pytest.param(PLANE, id="plane")])
def test_every_builtin_holds_on_the_spatial_claims(law):
    report = cf.verify(law, FAST, digits=30)
    assert report.outcome is Outcome.HOLDS, [r.reason for r in report.results]
    outcomes = {result.id: result.outcome for result in report.results}
    assert set(outcomes) == set(FAST)
    applicable = {"common-isotropic": "L2", "shared": "L6", "isotropic": "L7", "full": "L8"}[law.kind]
    for claim in ("L2", "L6", "L7", "L8"):
        assert outcomes[claim] is (Outcome.HOLDS if claim == applicable else Outcome.NOT_APPLICABLE)


@pytest.mark.usefixtures("still_clock")
def test_every_statement_is_listed_and_the_unchecked_ones_never_hold(monkeypatch):
    monkeypatch.setitem(PROFILES, "quick", LIGHT)
    law = cf.load_mixture("line-3")
    report = cf.verify(law, digits=20)
    results = {result.id: result for result in report.results}
    assert list(results) == list(STATEMENTS)
    checked = {check.claim for check in CHECKS if not check.trains}  # maps are trained by "full" only
    for claim, result in results.items():
        if claim in checked:
            assert result.outcome in (Outcome.HOLDS, Outcome.NOT_APPLICABLE), result
        else:
            applies = [check.applies(law) is None for check in CHECKS if check.claim == claim]
            inapplicable = applies != [] and not any(applies)
            assert result.outcome is (Outcome.NOT_APPLICABLE if inapplicable else Outcome.NOT_CHECKED)
            assert result.evidence == ()
            assert result.pending == PENDING.get(claim, ())
    assert report.outcome is Outcome.HOLDS
    assert report.exit_code == 0
    kinds = {item.kind for result in report.results for item in result.evidence}
    assert kinds == {Kind.SYMBOLIC, Kind.ENCLOSURE, Kind.HIGH_PRECISION, Kind.SAMPLED}


def test_a_repeated_run_reuses_what_is_kept_and_a_changed_problem_does_not(tmp_path):
    mixture = cf.load_mixture("two-modes")
    calls: list[str] = []
    first = cf.verify(mixture, ["S2"], digits=20, out=tmp_path, progress=lambda d, n, w: calls.append(w))
    kept = sorted((tmp_path / ".certflow").glob("*.json"))
    assert kept
    marked = json.loads(kept[0].read_text())
    marked["evidence"]["summary"] = "taken from the folder"
    kept[0].write_text(json.dumps(marked))
    kept[1].write_text(kept[1].read_text()[:40])  # as if the disk had been full
    kept[2].write_text("[" * 100_000)
    second = cf.verify(mixture, ["S2"], digits=20, out=tmp_path)
    summaries = [item.summary for result in second.results for item in result.evidence]
    assert "taken from the folder" in summaries
    assert [r.outcome for r in second.results] == [r.outcome for r in first.results]
    third = cf.verify(mixture, ["S2"], digits=21, out=tmp_path)
    assert "taken from the folder" not in [item.summary for result in third.results for item in result.evidence]


def test_the_report_survives_a_round_trip(tmp_path):
    from certflow.report import load_report

    report = cf.verify(cf.load_mixture("two-modes"), ["L4", "E1"], digits=20, out=tmp_path)
    assert load_report(tmp_path) == report
    for name in ("report.html", "report.md", "report.json", "junit.xml"):
        assert (tmp_path / name).stat().st_size > 500


def test_same_seed_same_numbers():
    mixture = cf.load_mixture("random-5")
    runs = [cf.verify(mixture, ["L3"], digits=20, seed=seed) for seed in (3, 3, 4)]
    numbers = [[item.numbers for result in run.results for item in result.evidence] for run in runs]
    assert numbers[0] == numbers[1] != numbers[2]


def test_a_claim_without_evidence_is_no_verdict():
    report = cf.verify(cf.load_mixture("two-modes"), ["E5"])
    assert report.outcome is Outcome.INCONCLUSIVE
    assert report.exit_code == 3


def test_overall_verdict():
    assert overall([Outcome.HOLDS, Outcome.VIOLATED, Outcome.INCONCLUSIVE]) is Outcome.VIOLATED
    assert overall([Outcome.HOLDS, Outcome.INCONCLUSIVE]) is Outcome.INCONCLUSIVE
    assert overall([Outcome.HOLDS, Outcome.NOT_APPLICABLE, Outcome.NOT_CHECKED]) is Outcome.HOLDS
    assert overall([Outcome.NOT_APPLICABLE]) is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"claims": ["L99"]}, "claims"),
        ({"claims": []}, "claims"),
        ({"profile": "deep"}, "profile"),
        ({"digits": 3}, "digits"),
        ({"digits": True}, "digits"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_arguments(arguments, field):
    with pytest.raises(cf.InputError) as caught:
        cf.verify(cf.load_mixture("two-modes"), **arguments)
    assert caught.value.field == field


def test_a_nan_is_inconclusive_not_passed():
    class Broken(cf.OrnsteinUhlenbeck):
        def lipschitz_bound(self, t):
            return np.nan * super().lipschitz_bound(t)

    report = cf.verify(Broken(cf.load_mixture("two-modes")), ["L2"], digits=20)
    assert report.outcome is not Outcome.HOLDS


def test_growth_that_is_not_a_number_never_holds():
    class Broken(cf.OrnsteinUhlenbeck):
        def stability(self, s, t, rate="one-sided"):
            return np.nan * super().stability(s, t, rate)

    (check,) = (check for check in CHECKS if check.name == "F1.growth")
    finding = check.run(Context(Broken(cf.load_mixture("line-3"), "0.01", "3"), LIGHT))
    assert finding.outcome is Outcome.INCONCLUSIVE


def test_growth_at_typical_points_and_on_the_separatrix():
    """Two modes at +-1, sigma 0.2: `int lambda` in closed form, e^1.5 at typical points."""
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3")
    typical, separatrix = (
        next(check for check in CHECKS if check.name == name).run(Context(process))
        for name in ("F1.growth", "F3.growth")
    )
    sigma2 = float(process.mixture.covariances)
    v = [1 - (1 - sigma2) * np.exp(-2 * t) for t in (0.01, 3)]
    squares = [np.exp(-2 * t) for t in (0.01, 3)]
    exponent = np.log(v[0] / v[1]) / 2 + 4 * (squares[0] - squares[1]) / (8 * v[0] * v[1])
    assert typical.kind is separatrix.kind is Kind.EMPIRICAL
    assert float(typical.numbers["int_lambda"]) == pytest.approx(exponent, rel=1e-3)
    assert float(typical.numbers["log_largest_growth"]) < exponent
    assert float(separatrix.numbers["largest"]) < 1e-5


def test_the_full_profile_trains_maps_and_reports_what_they_do(monkeypatch):
    pytest.importorskip("torch")
    shallow = replace(PROFILES["full"], training_steps=min(200, cases(50)), training_seeds=1, training_segments=(8,))
    monkeypatch.setitem(PROFILES, "full", shallow)
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("line-3"), "0.01", "3")
    report = cf.verify(process, ["E1", "E2", "E3", "E5", "M2"], profile="full", digits=20)
    outcomes = {result.id: result.outcome for result in report.results}
    assert outcomes == dict.fromkeys(("E1", "E2", "E3", "E5", "M2"), Outcome.HOLDS)
    for result in report.results[:4]:
        kinds = [piece.kind for piece in result.evidence]
        assert kinds == ([Kind.EMPIRICAL] if result.id == "E5" else [Kind.SYMBOLIC, Kind.EMPIRICAL])
        evidence = result.evidence[-1]
        assert f"{shallow.training_steps} steps" in evidence.scope
        assert evidence.numbers["rows"] == 5


def test_the_quick_profile_says_where_the_evidence_on_trained_maps_is():
    pytest.importorskip("torch")
    (result,) = cf.verify(cf.load_mixture("line-3"), ["G4"], digits=20).results
    assert (result.outcome, result.reason) == (Outcome.NOT_CHECKED, "its evidence comes with the full profile")


def test_a_claim_without_checks_is_not_checked(monkeypatch):
    monkeypatch.setattr("certflow.verification.run.checks_of", lambda claim: ())
    (result,) = cf.verify(cf.load_mixture("line-3"), ["A1"], digits=20).results
    assert (result.outcome, result.reason) == (Outcome.NOT_CHECKED, "this version has no check of it")


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        ("quick", "its evidence comes with the full profile, and needs torch: pip install 'certflow[torch]'"),
        ("full", "its evidence needs torch: pip install 'certflow[torch]'"),
    ],
)
def test_without_torch_a_claim_on_trained_maps_is_not_checked_rather_than_not_applicable(profile, reason, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # what an import finds where it is not installed
    report = cf.verify(cf.load_mixture("anisotropic-pair"), ["E1", "E5"], profile=profile, digits=20)
    unbounded, applicable = report.results
    assert unbounded.outcome is Outcome.NOT_APPLICABLE
    assert "torch" not in unbounded.reason
    assert (applicable.outcome, applicable.reason) == (Outcome.NOT_CHECKED, reason)


@pytest.mark.usefixtures("still_clock")
@pytest.mark.parametrize("end", ["30", "300"])
def test_a_late_end_of_the_interval_violates_nothing(end):
    """Rates of 1e-260 are below any tolerance of a root: the place where the terms of `L` cross was sought there."""
    report = cf.verify(cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", end), ["F2", "G2"])
    assert [result.outcome for result in report.results] == [Outcome.HOLDS] * 2


def test_an_end_with_nothing_left_to_check_is_refused():
    """Later rates are lost to float64; before, figures and quadratures failed on them with an internal error."""
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", 301)
    with pytest.raises(cf.InputError, match="t_max: got 301"):
        cf.verify(process, ["S1"])

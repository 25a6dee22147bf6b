"""Certified students as claims: C1 to C4 on interpolants, and M1, M2, M3 and G4 on trained maps and chords."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np
import pytest

import certflow as cf
from certflow.claims.check import PROFILES, Context, OutOfReach
from certflow.claims.grids import announced
from certflow.claims.mismatch import proved
from certflow.claims.model import Kind, Outcome
from certflow.claims.registry import CHECKS, STATEMENTS, checks_of
from certflow.claims.students.interpolants import Interpolant
from certflow.verification import verify

HALF = ["1/2", "1/2"]
LAWS = {
    "two modes": (HALF, [["-1"], ["1"]], "0.04"),
    "wide modes": (HALF, [["-1"], ["1"]], "9"),
    "unequal": (["0.1", "0.9"], [["-1"], ["1"]], ["0.09", "0.25"]),
    "full": (HALF, [["-1"], ["1"]], [[["0.04"]], [["0.25"]]]),
    "standard normal": ([1], [["0"]], "1"),
}
CHAPTER = ("C1.enclosed", "C2.enclosed", "C3.enclosed", "C4.enclosed")


def check_of(name: str) -> Any:
    return next(check for check in CHECKS if check.name == name)


def process(name: str) -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(*LAWS[name]), "0.01", "3")


@pytest.mark.parametrize("name", [*CHAPTER, "M3.enclosed"])
@pytest.mark.parametrize("law", LAWS)
def test_true_statements_hold(law, name):
    check, subject = check_of(name), process(law)
    reason = check.applies(subject.mixture)
    if reason is not None:
        assert (law, name) in {("unequal", "M3.enclosed"), ("full", "M3.enclosed")}
        assert isinstance(reason, OutOfReach)
        return
    evidence = check.run(Context(subject))
    straight = law == "standard normal" and name == "C4.enclosed"
    assert evidence.outcome is (Outcome.NOT_APPLICABLE if straight else Outcome.HOLDS), evidence
    assert evidence.kind is Kind.ENCLOSURE


@pytest.mark.parametrize("name", [*CHAPTER, "M3.enclosed", "G4.enclosed"])
@pytest.mark.parametrize("law", [(HALF, [["-1", "0"], ["1", "0"]], "0.04"), (HALF, [["-9"], ["9"]], "0.01")])
def test_what_is_out_of_reach_is_not_excluded(law, name):
    reason = check_of(name).applies(cf.GaussianMixture(*law))
    assert isinstance(reason, OutOfReach)
    assert "this version checks it" in reason


def test_an_interpolant_is_the_network_that_is_enclosed():
    """By its knots in mpmath, against the weights of the network."""
    student = Interpolant(process("two modes"), 9)
    z, x = (list(map(mpmath.mpf, part.tolist())) for part in student.graph)
    network = student.exact
    with mpmath.workdps(30):
        for point in np.linspace(float(z[0]) - 1, float(z[-1]) + 1, 40).tolist():
            i = min(max(sum(knot < point for knot in z) - 1, 0), 7)
            exact = x[i] + (x[i + 1] - x[i]) / (z[i + 1] - z[i]) * (point - z[i])
            assert float(network(np.array([point]))[0]) == pytest.approx(float(exact), rel=1e-12, abs=1e-12)
            assert float(student(np.array([point]))[0]) == pytest.approx(float(exact), rel=1e-12, abs=1e-12)


def test_the_chapter_is_checked_without_torch_in_the_quick_profile():
    assert [c.name for c in CHECKS if c.claim in ("C1", "C2", "C3", "C4") and not c.trains] == list(CHAPTER)
    report = verify(process("two modes"), ["C1", "C2", "C3", "C4"], digits=20)
    assert {result.id: result.outcome for result in report.results} == dict.fromkeys(
        ("C1", "C2", "C3", "C4"), Outcome.HOLDS
    )
    (plane,) = verify(cf.load_mixture("triangle"), ["C2"], digits=20).results
    assert plane.outcome is Outcome.NOT_CHECKED
    assert plane.reason == "this version checks it in one dimension, not in 2"


def test_what_trains_maps_waits_for_the_full_profile_whatever_its_kind():
    trained = [check.name for check in CHECKS if check.trains]
    assert {"M1.enclosed", "M2.enclosed", "G4.enclosed", "G4.reduction"} <= set(trained)
    assert all(check.trains for check in CHECKS if check.kind is Kind.EMPIRICAL)
    (result,) = verify(cf.load_mixture("two-modes-1d"), ["G4"], digits=20).results
    assert result.outcome is Outcome.NOT_CHECKED
    assert set(result.left_out) == {Kind.ENCLOSURE, Kind.EMPIRICAL}
    assert "full profile" in result.left_out[Kind.ENCLOSURE]
    assert checks_of("G4")[0].name == "G4.enclosed"
    assert STATEMENTS["C4"].depends_on == ("C2",)


# -- verdicts on trained students, from numbers made by hand ---------------------------------------------------------


def trained_students(errors: list[tuple[float, float]], monkeypatch: pytest.MonkeyPatch, norm: str) -> Any:
    """M1 or M2 of three students whose enclosures are given."""
    ends = iter(errors)
    rows = [{"budget": b, "seed": 0, "diverged": False, "over_budget": False} for b in (2.0, 3.0, 5.0)]
    found = SimpleNamespace(rows=rows, maps=[{}] * 3)
    monkeypatch.setattr(proved, "one_step_students", lambda *_: found)
    monkeypatch.setattr("certflow.enclosure.students.maps.ExactMap", lambda **_: None)

    def enclosed(*_: Any) -> Any:
        low, high = next(ends)
        return SimpleNamespace(lower=Fraction(low), upper=Fraction(high))

    monkeypatch.setattr("certflow.enclosure.student_error", enclosed, raising=False)
    monkeypatch.setattr("certflow.enclosure.student_distance", enclosed, raising=False)
    monkeypatch.setattr(cf.OrnsteinUhlenbeck, "mismatch_floor", lambda *_: 1.0)
    check = check_of("M1.enclosed" if norm == "sup" else "M2.enclosed")
    return check.run(Context(cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))))


@pytest.mark.parametrize("norm", ["sup", "mean-square"])
@pytest.mark.parametrize(
    ("errors", "outcome"),
    [
        ([(1.1, 1.2), (1.01, 1.02), (2.0, 2.1)], Outcome.HOLDS),
        ([(1.1, 1.2), (0.99, 1.02), (2.0, 2.1)], Outcome.INCONCLUSIVE),
        ([(1.1, 1.2), (1.01, 1.02), (0.5, 0.9)], Outcome.VIOLATED),
    ],
)
def test_students_against_their_floor(errors, outcome, norm, monkeypatch):
    evidence = trained_students(errors, monkeypatch, norm)
    assert evidence.outcome is outcome
    if outcome is Outcome.VIOLATED:
        assert evidence.witness["budget"] == 5.0
    elif outcome is Outcome.HOLDS:
        assert evidence.numbers["least_lower_end_over_floor"] == "1.01"


@pytest.mark.parametrize(
    ("balanced", "uniform", "outcome", "reduction"),
    [
        ([(1, 2), (3, 4)], [(9, 10), (3, 5)], Outcome.HOLDS, "[0.5, 0.733334]"),
        ([(1, 2), (9, 10)], [(2, 3), (3, 4)], Outcome.VIOLATED, "[-1.4, -0.428571]"),
        ([(1, 2), (3, 4)], [(1, 2), (4, 5)], Outcome.INCONCLUSIVE, "[-0.2, 0.428572]"),
    ],
)
def test_the_ratio_of_means_is_proved(balanced, uniform, outcome, reduction, monkeypatch):
    pytest.importorskip("torch")
    from certflow.distill.results import Results

    def rows(grid: str, ends: list[tuple[float, float]]) -> list[dict[str, Any]]:
        shared = {"grid": grid, "segments": 8, "diverged": [], "enclosure_complete": True}
        return [
            {**shared, "seed": seed, "relative_mse": sum(e) / 2, "relative_mse_enclosure": list(map(float, e))}
            for seed, e in enumerate(ends)
        ]

    listed = (*rows("stability-balanced", balanced), *rows("uniform", uniform))
    setting = {"maps": 2, "parameters_per_map": 1, "settings": {"steps": 1, "test": 1}}
    results = Results(listed, setting, kept={})
    monkeypatch.setattr(announced, "experiment", lambda _: results)
    monkeypatch.setattr("certflow.distill.certify", lambda found, **_: found, raising=False)
    evidence = check_of("G4.enclosed").run(Context(process("two modes"), replace(PROFILES["quick"])))
    assert evidence.outcome is outcome, evidence
    assert evidence.numbers["reduction_of_means"] == reduction
    assert (evidence.witness is not None) == (outcome is Outcome.VIOLATED)

"""A report in a test of one's own: true where it holds, short where an assertion fails, and an error that says why."""

from __future__ import annotations

import pytest

import certflow as cf
from certflow.claims.model import Outcome
from certflow.report import load_report
from certflow.report.report import Report


def only(report: Report, *outcomes: Outcome) -> Report:
    """The report with the results of these outcomes, the first of which is its own."""
    results = tuple(result for result in report.results if result.outcome in outcomes)
    return report.model_copy(update={"results": results, "outcome": outcomes[0]})


@pytest.fixture
def inconclusive(report: Report) -> Report:
    return only(report, Outcome.INCONCLUSIVE, Outcome.HOLDS)


def test_a_report_is_true_where_it_holds(report: Report, inconclusive: Report) -> None:
    assert only(report, Outcome.HOLDS)
    assert not report
    assert not inconclusive


def test_inconclusive_may_be_allowed_and_violated_may_not(report: Report, inconclusive: Report) -> None:
    assert inconclusive.allowing_inconclusive()
    assert not inconclusive, "the report itself is as it was"
    assert not report.allowing_inconclusive()
    inconclusive.raise_for_verdict(allow_inconclusive=True)
    inconclusive.allowing_inconclusive().raise_for_verdict()
    with pytest.raises(AssertionError, match="inconclusive"):
        inconclusive.raise_for_verdict()
    with pytest.raises(AssertionError, match="violated: at least one claim fails"):
        report.raise_for_verdict(allow_inconclusive=True)


def test_an_assertion_shows_a_short_verdict(report: Report, hostile_report: Report) -> None:
    assert repr(report) == f"<report of {report.mixture['name']}: F1 violated, L5 inconclusive>"
    assert repr(only(report, Outcome.HOLDS)).endswith(": holds: every claim that applies>")
    assert len(repr(hostile_report)) < 240, "pytest cuts longer ones"


def test_the_error_names_claims_with_their_witnesses(report: Report) -> None:
    with pytest.raises(AssertionError) as failed:
        report.raise_for_verdict()
    lines = str(failed.value).splitlines()
    assert lines[0].endswith("violated: at least one claim fails")
    start = next(place for place, line in enumerate(lines) if line.startswith("F1 violated: "))
    assert lines[start + 1].startswith("  F1.pairs: Pair 17 is stretched by 1.0034 times the bound.")
    assert '"x": ["0.125", "-1/3"]' in str(failed.value)
    assert any(line.startswith("L5 inconclusive: ") for line in lines)
    assert not any("S2" in line for line in lines[1:-1])
    assert lines[-1].startswith("again: certflow verify ")


def test_it_is_equal_to_what_is_read_back(report: Report, tmp_path) -> None:
    report.save(tmp_path, {})
    assert load_report(tmp_path) == report


def test_a_verified_mixture_may_be_asserted() -> None:
    report = cf.verify(cf.load_mixture("two-modes"), ["L6"])
    with pytest.raises(AssertionError, match="Nothing was checked, as no claim applies"):
        report.raise_for_verdict()

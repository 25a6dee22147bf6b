"""Numbers, durations, JSON and the sentences of the summary."""

from __future__ import annotations

import html
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from certflow.claims.model import KIND_MEANING, Kind, Outcome
from certflow.report import verdict
from certflow.report.again import again
from certflow.report.formatting import (
    abbreviate,
    clean,
    count_entries,
    duration,
    json_text,
    number,
    plain,
    rows_of,
    value_text,
)
from certflow.report.html import render_html
from certflow.report.junit import render_junit
from certflow.report.markdown import render_markdown, summary_markdown
from certflow.report.views import report_json


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.23456789, "1.2346"),
        (2.0, "2"),
        (-0.5, "−0.5"),
        (1.23456e-5, "1.2346 × 10⁻⁵"),
        (6.02e23, "6.02 × 10²³"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
        (float("nan"), "not a number"),
        (0.0, "0"),
    ],
)
def test_numbers_have_five_significant_digits(value, expected):
    assert number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0.10000000000000000000001", "0.10000000000000000000001"),
        (10_000, "10000"),
        (True, "yes"),
        (None, "–"),
        ([1.0, "1/3"], "(1, 1/3)"),
        ({"a": 1.5}, "a: 1.5"),
        (list(range(50)), "(" + ", ".join(map(str, range(40))) + ", … 10 more)"),
    ],
)
def test_values(value, expected):
    assert value_text(value) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.004, "0.00 s"),
        (0.42, "0.42 s"),
        (12.34, "12.3 s"),
        (59.96, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3725, "1 h 02 min"),
    ],
)
def test_durations(seconds, expected):
    assert duration(seconds) == expected


def test_a_list_of_like_mappings_is_a_table():
    rows = [{"t": "0.01", "bound_over_sharp": 1.23456789}, {"t": "3", "bound_over_sharp": None}]
    assert rows_of(rows) == (["t", "bound over sharp"], [["0.01", "1.2346"], ["3", "–"]])
    for other in ([], [1, 2], "text", {"a": 1}, None, [{"a": 1}, {"b": 1}], [{"a": 1}, 2]):
        assert rows_of(other) is None


def test_clean_shows_what_cannot_be_shown():
    assert clean("a\x00b\x1b\x7f\ud800\u202e\ufffe\n\t") == "a␀b␛␡���\n\t"


def test_plain_values_of_other_libraries():
    value = {
        "a": np.float64(1.5),
        "b": np.arange(3),
        "c": Fraction(1, 3),
        "d": Kind.SAMPLED,
        5: (np.int64(2),),
    }
    assert plain(value) == {"a": 1.5, "b": [0, 1, 2], "c": "1/3", "d": "sampled", "5": [2]}


def test_json_text_is_json_and_short():
    value = {"means": [["-1", "0"], ["1", "0 ]"]], "empty": [], "weights": list(range(200)), "x": {"y": None}}
    text = json_text(value)
    assert json.loads(text) == value
    assert max(map(len, text.splitlines())) <= 88
    assert '["-1", "0"]' in text


def test_abbreviation_says_what_it_leaves_out():
    value = {"weights": ["1"] * 300, "means": [["0", "1"]] * 300, "few": [1, 2]}
    short = abbreviate(value, 200)
    assert short["weights"][-1] == "… 100 more"
    assert short["means"][-1] == "… 200 more"
    assert short["few"] == [1, 2]
    assert count_entries(short["weights"]) == 201


def test_a_short_value_is_not_abbreviated():
    value = {"weights": ["1"] * 200}
    assert abbreviate(value, 200) == value


def test_summary_sentences(report):
    first, others, second, third = verdict.verdict_sentences(report)
    assert first == ("Of 5 claims checked, 3 hold, 1 is violated and 1 is inconclusive.")
    assert others == "Of the others, 1 is not applicable and 1 is not yet checked."
    assert second == (
        "Evidence for the 3 that hold: symbolic reduction for 1, enclosure for 1, "
        "high-precision points for 1, sampled cases for 1, empirical measurement for 1."
    )
    assert third.startswith("For E5 the support is only the points, cases or runs that were looked at")


def test_summary_of_one_claim_and_of_none(report):
    one = report.model_copy(update={"results": report.results[1:2]})
    assert verdict.verdict_sentences(one) == [
        "Of 1 claim checked, 1 holds.",
        "Evidence for the one that holds: enclosure for 1.",
    ]
    assert verdict.verdict_sentences(report.model_copy(update={"results": ()})) == ["No claim was looked at."]


def test_a_report_in_which_nothing_was_checked_says_why(report):
    """The outcome `inconclusive` has another reason there than a search without an end."""
    (absent,), (other,) = (
        [r for r in report.results if r.outcome is o] for o in (Outcome.NOT_CHECKED, Outcome.NOT_APPLICABLE)
    )
    update = {"results": (absent,), "outcome": Outcome.INCONCLUSIVE}
    nothing = report.model_copy(update=update)
    assert verdict.verdict_sentences(nothing) == [
        "1 is not yet checked.",
        f"Nothing was checked. {absent.id}: {absent.reason}.",
    ]
    assert verdict.headline(nothing) == "inconclusive: nothing was checked"
    excluded = report.model_copy(update=update | {"results": (other,)})
    assert verdict.verdict_sentences(excluded)[1:] == ["Nothing was checked, as no claim applies."]
    assert verdict.headline(excluded) == "inconclusive: nothing was checked"
    for outcome in (Outcome.HOLDS, Outcome.VIOLATED, Outcome.INCONCLUSIVE):
        decided = next(r for r in report.results if r.outcome is outcome)
        mixed = report.model_copy(update={"results": (absent, decided)})
        assert "Nothing" not in " ".join(verdict.verdict_sentences(mixed))


def test_what_reduced_is_named_as_in_the_page_on_verdicts():
    page = (Path(__file__).parents[2] / "docs" / "verdicts.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith("| `symbolic` |")]
    assert " and ".join(name for name in ("SymPy", "FLINT") if name in row.split("|")[2]) == "SymPy and FLINT"
    assert KIND_MEANING[Kind.SYMBOLIC][0].startswith("SymPy and FLINT reduced the difference to zero")


def test_headline_does_not_reach_past_what_was_checked(report):
    def headline(outcome: Outcome, *results: int) -> str:
        chosen = tuple(report.results[i] for i in results)
        return verdict.headline(report.model_copy(update={"outcome": outcome, "results": chosen}))

    assert headline(Outcome.HOLDS, 0, 1) == "holds: every claim that applies"
    assert headline(Outcome.HOLDS, 0, 6) == "holds: every claim that was checked"
    assert headline(Outcome.HOLDS, 6) == "holds, but only because no claim was checked"
    assert headline(Outcome.VIOLATED, 0, 4) == "violated: at least one claim fails"
    assert headline(Outcome.INCONCLUSIVE, 2) == "inconclusive"


def test_facts_leave_out_the_name_and_what_is_empty(report):
    assert verdict.facts(report) == [
        ("components", 2),
        ("dimension", 2),
        ("covariances", "common-isotropic"),
        ("diameter of means", 2.0),
        ("time interval", "0.01 ≤ t ≤ 3"),
        ("profile", "quick"),
    ]
    assert verdict.dimension(report) == 2


def test_worst_evidence_of_a_kind_decides_its_cell(report):
    score = report.results[0]
    sampled = score.evidence[2]
    mixed = score.model_copy(update={"evidence": (sampled, sampled.model_copy(update={"outcome": Outcome.VIOLATED}))})
    assert verdict.cell(mixed, Kind.SAMPLED).state == "violated"
    assert verdict.cell(score, Kind.FORMAL) == verdict.PENDING
    assert verdict.cell(score, Kind.EMPIRICAL) == verdict.NOTHING


def test_the_command_that_gives_it_again_quotes_what_a_shell_would_read(report):
    made = report.model_copy(update={"command": "", "profile": "a b; rm"})
    claims = ",".join(result.id for result in report.results)
    assert again(made) == (
        f"certflow verify report.mixture.json --claims {claims} --profile 'a b; rm' --digits 50 --seed 0"
        " --t-min 0.01 --t-max 3 --out again"
    )
    assert again(report) == report.command
    assert again(made.model_copy(update={"formulas": "a.module"})) == ""


TORCH = "its evidence needs torch: pip install 'certflow[torch]'"


def test_why_something_was_not_checked_stands_in_every_view(report):
    """Of a claim that was not checked, and of a kind of evidence that a claim which was has not."""
    results = [
        result.model_copy(update={"left_out": {Kind.EMPIRICAL: TORCH}}) if result.id == "F1" else result
        for result in report.results
    ]
    told = report.model_copy(update={"results": tuple(results)})
    (absent,) = (result for result in told.results if result.outcome is Outcome.NOT_CHECKED)
    assert verdict.left_out(told) == [
        f"not yet checked: {absent.id} ({absent.reason})",
        f"no empirical evidence for F1 ({TORCH})",
    ]
    assert verdict.verdict_sentences(told)[0] == verdict.verdict_sentences(report)[0]
    views = {
        "html": html.unescape(render_html(told, {})),
        "md": render_markdown(told).replace("\\", ""),
        "summary": summary_markdown(told).replace("\\", ""),
        "json": report_json(told),
        "junit": html.unescape(render_junit(told)),
    }
    for name, text in views.items():
        words = " ".join(text.replace("’", "'").split())
        assert TORCH in words, name
        assert absent.reason in words, name

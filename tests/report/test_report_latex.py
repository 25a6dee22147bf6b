"""Tables as LaTeX: nothing in a text is a command, numbers are those that were given, every claim has its row."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from latexes import balanced, ends, shown, tables, value

from certflow.claims.model import Evidence, Kind, Outcome
from certflow.report.claims_latex import report_latex
from certflow.report.latex import LatexTable, cell, enclosure, escaped, label_of, latex_text, numeral

SPECIAL = st.text(alphabet='\\{}$&#%_^~<>|"`[]*-ab1. ', max_size=12)


@settings(max_examples=200)
@given(SPECIAL)
def test_escaped_text_shows_what_it_was(text: str) -> None:
    assert shown(escaped(text)) == " ".join(text.split())


def test_control_characters_and_lines_are_none_to_latex() -> None:
    assert escaped("a\nb\x00") == "a b\u2400"


@pytest.mark.parametrize("text", ["0.5", "-3", "1.23e-05", "-7e+12", "1e-9", "1.971e+434", "+2", "-1e5"])
def test_a_numeral_is_the_number(text: str) -> None:
    assert value(numeral(text)) == Fraction(text)
    assert "e" not in numeral(text).replace("times", "")


def test_what_is_no_decimal() -> None:
    assert numeral("1/3") == r"\mathrm{1/3}"
    assert numeral("-∞") == r"-\infty"


@settings(max_examples=100)
@given(st.fractions(-(10**6), 10**6), st.fractions(0, 1))
def test_an_enclosure_is_rounded_outwards(lower: Fraction, width: Fraction) -> None:
    low, high = ends(enclosure(lower, lower + width))
    assert low <= lower <= lower + width <= high
    assert high - low <= width + Fraction(4, 10**5) * (abs(lower) + width)


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("3.4e-05 ± 0.6e-05", r"$3.4\times 10^{-5} \pm 0.6\times 10^{-5}$"),
        ("3.4e-05 ± 6e-06 (1 diverged)", r"$3.4\times 10^{-5} \pm 6\times 10^{-6}$ (1 diverged)"),
        ("91.2 ± 1.3 %", r"$91.2 \pm 1.3$ \%"),
        ("–", "--"),
        ("stability-balanced", "stability-balanced"),
        ("two_modes-2", r"two\_modes-2"),
        ("-2 and 4", "$-2$ and 4"),
        ("λ ≤ 1e-3", r"$\lambda $ $\le $ $10^{-3}$"),
    ],
)
def test_cells(text: str, latex: str) -> None:
    assert cell(text) == latex


def test_a_table_reads_back() -> None:
    made = LatexTable(escaped("50 % of a_b"), label_of("Errors", "two modes & more"), ("x", "$y$"), [("1", "$2$")] * 2)
    (read,) = tables(latex_text([made]))
    assert (shown(read.caption), read.label) == ("50 % of a_b", "tab:errors-two-modes-more")
    assert (read.columns, read.head, read.rows) == ("lr", ["x", "$y$"], [["1", "$2$"]] * 2)


def test_every_claim_has_its_row_and_no_other(report) -> None:
    found = tables(report_latex(report))
    open_ones = (Outcome.NOT_APPLICABLE, Outcome.NOT_CHECKED)
    rows = {row[0]: row for one in found if one.label.startswith("tab:claims") for row in one.rows}
    assert set(rows) == {result.id for result in report.results if result.outcome not in open_ones}
    for result in report.results:
        if result.outcome not in open_ones:
            assert rows[result.id][2] == result.outcome.value
            kinds = [item.kind.value.replace("_", " ") for item in result.evidence if item.outcome is result.outcome]
            assert set(rows[result.id][3].split(", ")) == set(kinds) or not kinds
    rest = [row for one in found if one.label.startswith("tab:rest") for row in one.rows]
    named = [name for row in rest for name in row[0].split(", ")]
    assert sorted(named) == sorted(result.id for result in report.results if result.outcome in open_ones)


def test_enclosed_rates_are_rounded_outwards(report) -> None:
    low, high = "2.76083879000000000001", "2.7608387900000000001"
    row = {"t": "1e-2", "rate": "one-sided", "lower": low, "upper": high}
    evidence = Evidence(
        check="L5.sharp",
        kind=Kind.ENCLOSURE,
        outcome=Outcome.HOLDS,
        summary="",
        scope="",
        numbers={"sharp_rates": [row]},
    )
    changed = report.results[0].model_copy(update={"evidence": (evidence,)})
    numbers = tables(report_latex(report.model_copy(update={"results": (changed, *report.results[1:])})))[0]
    (found,) = [row for row in numbers.rows if "lambda^*" in row[0]]
    assert found[0] == r"$\lambda^*(10^{-2})$"
    assert ends(found[1]) == (Fraction("2.76083"), Fraction("2.76084"))


def test_hostile_texts_are_no_commands(hostile_report) -> None:
    text = report_latex(hostile_report)
    balanced(text)
    tables(text)
    assert "\x00" not in text

"""Markdown that survives its renderers: escapes, formulas, tables, fences."""

from __future__ import annotations

import re

import pytest

from certflow.report.markdown import portable_latex, render_markdown, summary_markdown, text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a*b_c", r"a\*b\_c"),
        ("<script>", "&lt;script&gt;"),
        ("a | b", r"a \| b"),
        ("two\nlines", "two lines"),
        ("`code` $5", r"\`code\` \$5"),
        ("AT&T", "AT&amp;T"),
        ("nul\x00", "nul␀"),
    ],
)
def test_text_is_escaped(source, expected):
    assert text(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"\|J\|_2", r"\Vert J\Vert _2"),
        (r"a\,b\;c\!d", r"a\thinspace b\thickspace c\negthinspace d"),
        (r"\{x\}", r"\lbrace x\rbrace"),
        (r"a < b", r"a \lt b"),
        (r"\left|x\right|", r"\left\vert x\right\vert"),
        (r"\bigl|x\bigr|", r"\bigl\vert x\bigr\vert"),
        (r"|x-y|", r"\vert x-y\vert"),
        ("a\nb", "a b"),
    ],
)
def test_latex_has_no_backslash_before_punctuation(source, expected):
    assert portable_latex(source) == expected


def formulas(markdown: str) -> list[str]:
    return re.findall(r"^\$\$ (.*) \$\$$", markdown, re.MULTILINE)


def test_every_statement_is_a_displayed_formula(report):
    found = formulas(render_markdown(report))
    assert len(found) == len(report.results)
    assert all(not re.search(r"\\[!-/:-@\[-`{-~]", formula) for formula in found)


def tables(markdown: str) -> list[list[str]]:
    outside = re.sub(r"^(```+)\w*\n.*?^\1$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    return [block.splitlines() for block in re.findall(r"(?:^\|.*\n?)+", outside, re.MULTILINE)]


@pytest.mark.parametrize("which", ["report", "hostile_report"])
@pytest.mark.parametrize("render", [render_markdown, summary_markdown])
def test_rows_of_a_table_have_as_many_cells_as_its_head(request, which, render):
    found = tables(render(request.getfixturevalue(which)))
    assert found
    for rows in found:
        counts = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
        assert len(counts) == 1, rows


def test_figures_are_linked_where_they_lie(report, figures):
    markdown = render_markdown(report, figures)
    for name in figures:
        assert f"](figures/{name}.svg)" in markdown
    assert "## Figures" not in render_markdown(report)


def test_hostile_text_is_inert(hostile_report):
    markdown = render_markdown(hostile_report)
    outside = re.sub(r"^(```+)\w*\n.*?^\1$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    assert "<script" not in outside
    assert "<img" not in outside
    assert "\x00" not in markdown
    assert "\u202e" not in markdown
    markdown.encode("utf-8")


def test_a_fence_is_longer_than_any_inside(report):
    item = report.results[4].evidence[0].model_copy(update={"witness": {"x": "````"}})
    claim = report.results[4].model_copy(update={"evidence": (item,)})
    markdown = render_markdown(report.model_copy(update={"results": (claim,)}))
    assert '`````json\n{"x": "````"}\n`````' in markdown


def test_meaning_and_run_are_told(report):
    markdown = render_markdown(report)
    assert "## What each verdict means and does not mean" in markdown
    assert "it is not a certificate: a counterexample may exist elsewhere" in markdown
    assert "| platform | Linux x86-64 |" in markdown


def test_summary_says_what_needs_attention_first(report):
    summary = summary_markdown(report)
    assert summary.index("**F1**") < summary.index("**L5**") < summary.index("<details>")
    assert "Pair 17 is stretched" in summary
    assert len(summary) < 20_000


def test_tables_and_certificates_of_evidence_are_shown(report):
    item = report.results[1].evidence[0]
    numbers = {"sharp_rates": [{"t": "0.01", "a_b": "x|y"}], "single": 2}
    changed = item.model_copy(update={"numbers": numbers, "certificates": ("certificates/L2.json",)})
    claim = report.results[1].model_copy(update={"evidence": (changed,)})
    text = render_markdown(report.model_copy(update={"results": (claim,)}))
    assert "sharp rates:\n\n| t | a b |\n| --- | --- |\n| 0.01 | x\\|y |\n" in text
    assert "| single | 2 |" in text
    assert "Certificates: [L2.json](certificates/L2.json). The independent checker took 0.00 s." in text
    assert "certflow check certificates/*.json" in text

"""The page as text: well formed, whole, honest about strengths, and free of foreign markup."""

from __future__ import annotations

import base64
import hashlib
import re
from itertools import pairwise

import pytest
from pages import outline, targets

from certflow.claims.model import KIND_MEANING, Kind, Outcome
from certflow.report.html import render_html


@pytest.fixture(scope="module")
def page(report, figures) -> str:
    return render_html(report, figures)


def test_tags_nest_ids_are_distinct_and_links_lead_somewhere(page):
    parsed = outline(page)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert targets(parsed.links) <= set(parsed.ids)
    others = {link for link in parsed.links if not link.startswith(("#", "data:text/csv;charset=utf-8,"))}
    assert others == {"witnesses/F1.py"}


def test_headings_form_an_outline(page):
    levels = outline(page).headings
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_document_head(page):
    assert page.startswith("<!DOCTYPE html>")
    assert '<html lang="en">' in page
    assert "<title>two-modes · certflow verification report</title>" in page
    assert 'name="viewport" content="width=device-width, initial-scale=1"' in page
    digests = " ".join(map(policy, the_scripts(page)))
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src {digests}; img-src data:" in page


def test_nothing_is_referenced_outside_the_page(page):
    without_names = page.replace("http://www.w3.org/2000/svg", "").replace("http://www.w3.org/1999/xlink", "")
    assert "http" not in without_names.replace("http-equiv", "")
    assert "@import" not in page


def test_the_policy_names_the_only_scripts_that_run(page):
    found = re.findall(r"<script([^>]*)>", page)
    assert sorted(found) == ["", "", ' type="application/json" id="graph-data"']
    for script in the_scripts(page):
        assert "fetch" not in script
        assert "XMLHttpRequest" not in script


def policy(script: str) -> str:
    """What a policy says of a script that may run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def the_scripts(page: str) -> list[str]:
    """The scripts of the page that run."""
    return re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)


def test_figures_have_words(page, figures):
    assert set(figures) == {"density-flow", "rates", "stability", "amplification"}
    for name in figures:
        assert f'aria-labelledby="{name}-title"' in page
        assert f'<title id="{name}-title">' in page
    assert page.count("<figcaption>") == 4


def test_everything_of_a_claim_is_there(page):
    for expected in (
        "SymPy reduced",
        "all parameters of (K, d) = (2, 1), (2, 2), (3, 2)",
        "worst relative difference",
        "3.174 × 10⁻⁴⁸",
        "2.7183",
        "0." + 62 * "9" + "214",
        "proofs/S2.md; differentiation of S1",
        "proofs/S2.md",
        "S2.gradient-50-digits",
        "seed 11",
        "0.82 s",
        "(1.02, 1.07, 1.09, 1.14)",
        "certflow verify two-modes --profile quick --digits 50 --seed 0 --out report",
        "1 min 15 s",
        "Linux x86-64",
    ):
        assert expected in page, expected


def test_meaning_of_every_kind_and_outcome_is_told(page):
    for says, leaves_open in KIND_MEANING.values():
        assert says in page
        assert leaves_open in page
    for outcome in Outcome:
        assert outcome.value in page
    for kind in Kind:
        assert kind.value.replace("_", " ") in page


def test_cells_have_colour_symbol_and_word(page):
    for state, symbol, word in (
        ("holds", "✓", "holds"),
        ("violated", "✗", "violated"),
        ("inconclusive", r"\?", "inconclusive"),
        ("not-applicable", "∅", "not applicable"),
        ("not-yet-checked", "…", "not yet checked"),
        ("pending", "○", "pending"),
    ):
        assert re.search(rf'class="mark {state}"><span class="symbol"[^>]*>{symbol}</span> {word}<', page)


def test_weaker_evidence_is_never_called_by_a_stronger_name(page):
    assert "certified" not in page.lower()
    for section in re.findall(r'<section class="evidence">.*?</section>', page, re.DOTALL):
        if re.search(r'class="kind">(sampled|high precision|empirical)<', section):
            assert not re.search(r"certif|proved|proven", section.replace("certflow", ""), re.IGNORECASE)


def test_same_report_same_bytes(report, figures, page):
    assert render_html(report, figures) == page


def test_without_figures_the_page_says_so(report):
    page = render_html(report.model_copy(update={"curves": None}))
    outline(page)
    assert "Not drawn: density and probability flow" in page
    assert "<figure" not in page


def test_reason_for_missing_curves_is_told(report):
    curves = report.curves.model_copy(update={"lipschitz": None, "note": "No global bound exists (L8)."})
    assert "No global bound exists (L8)." in render_html(report.model_copy(update={"curves": curves}))


def test_an_empty_report_is_a_page(report):
    page = render_html(report.model_copy(update={"results": (), "outcome": Outcome.INCONCLUSIVE}))
    outline(page)
    assert "No claim was looked at." in page


def test_hostile_strings_are_escaped(hostile_report):
    page = render_html(hostile_report)
    parsed = outline(page)
    assert not parsed.tags & {"img", "iframe"}
    assert not any("alert" in script for script in the_scripts(page))
    assert "\x00" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; ]]&gt; ␀" in page
    page.encode("utf-8")


def test_claims_with_odd_or_similar_ids_have_anchors_of_their_own(report):
    odd = tuple(report.results[0].model_copy(update={"id": name}) for name in ("S 2", "S_2", "S/2", "é"))
    parsed = outline(render_html(report.model_copy(update={"results": odd})))
    anchors = [identifier for identifier in parsed.ids if identifier.startswith("claim-")]
    assert len(anchors) == len(set(anchors)) == 4


def test_formula_that_cannot_be_typeset_is_shown_as_source(report):
    broken = report.results[0].model_copy(update={"statement": r"\frac{1}{"})
    page = render_html(report.model_copy(update={"results": (broken,)}))
    assert r'<code class="tex">\frac{1}{</code>' in page


def test_a_figure_that_is_not_svg_is_refused(report):
    with pytest.raises(ValueError, match=r"figure 'rates': not well-formed XML .*required: an SVG document"):
        render_html(report, {"rates": "<svg"})
    with pytest.raises(ValueError, match="root element 'html'; required: an SVG document"):
        render_html(report, {"rates": "<html/>"})


def test_tables_and_certificates_of_evidence_are_shown(report):
    item = report.results[1].evidence[0]
    numbers = {"sharp_rates": [{"t": "0.01", "a_b": "<b>"}, {"t": "3", "a_b": 1.5}], "single": 2}
    path = "certificates/L5-t-0.01-one-sided.json"
    changed = item.model_copy(update={"numbers": numbers, "certificates": (path,), "checking_seconds": 0.25})
    claim = report.results[1].model_copy(update={"evidence": (changed,)})
    page = render_html(report.model_copy(update={"results": (claim,)}))
    parsed = outline(page)
    assert [link for link in parsed.links if not link.startswith("#")] == [path]
    assert "<caption>sharp rates</caption>" in page
    assert '<th scope="col">a b</th>' in page
    assert "<td>&lt;b&gt;</td>" in page
    assert "checker took 0.25 s" in page
    assert "certflow check certificates/*.json" in page

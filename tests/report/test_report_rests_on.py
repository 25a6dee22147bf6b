"""What a statement rests on, in every view: linked where the page has it, plain elsewhere; old reports have none."""

from __future__ import annotations

import json
import re

import certflow as cf
from certflow.claims.model import Outcome
from certflow.claims.registry import STATEMENTS
from certflow.report import load_report, render_html, render_markdown, write_views


def resting(report, *ids):
    """The report with its second claim resting on these."""
    first, second, *others = report.results
    return report.model_copy(update={"results": (first, second.model_copy(update={"rests_on": ids}), *others)})


def test_the_page_links_the_claims_that_it_has_and_names_the_others(report):
    page = render_html(resting(report, "S2", "S4"))
    (line,) = re.findall(r'<span class="label">Rests on</span> (.*?)</span>', page)
    assert line == '<a href="#claim-S2">S2</a> (holds), S4 (not in this run)'
    assert 'id="claim-S2"' in page
    assert '<span class="label">Rests on</span>' not in render_html(resting(report))


def test_markdown_names_them(report):
    lines = render_markdown(resting(report, "S2", "S4")).splitlines()
    assert [line.split(" · ")[-1] for line in lines if "Rests on" in line] == [
        "Rests on: S2 (holds), S4 (not in this run)"
    ]
    assert "Rests on" not in render_markdown(resting(report))


def test_a_claim_may_rest_on_one_that_does_not_hold_and_the_views_say_so(report):
    first, second, *others = report.results
    for outcome in Outcome:
        found = report.model_copy(update={"results": (first.model_copy(update={"outcome": outcome}), second, *others)})
        found = resting(found, first.id)
        assert f"Rests on: {first.id} ({outcome.value})" in render_markdown(found)
        assert f">{first.id}</a> ({outcome.value})</span>" in render_html(found)


def test_a_report_of_an_earlier_version_is_read(report, tmp_path):
    write_views(resting(report, "S2"), tmp_path, {})
    assert load_report(tmp_path).results[1].rests_on == ("S2",)
    content = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    for result in content["results"]:
        del result["rests_on"]
    (tmp_path / "report.json").write_text(json.dumps(content), encoding="utf-8")
    assert load_report(tmp_path) == report


def test_a_run_tells_what_its_claims_rest_on():
    report = cf.verify(cf.load_mixture("line-3"), ["A1", "G4", "E1"], digits=20)
    assert {result.id: result.rests_on for result in report.results} == {"E1": ("F1",), "G4": ("G1",), "A1": ()}
    assert report.results[0].rests_on == STATEMENTS["E1"].depends_on

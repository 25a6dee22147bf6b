"""The graph of statements as SVG, as Mermaid and as data of the page: well formed, whole, free of foreign markup."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from certflow.claims.model import Kind, Outcome
from certflow.claims.registry import STATEMENTS
from certflow.errors import InputError
from certflow.report.graph.drawing import draw_alone
from certflow.report.graph.mermaid import mermaid
from certflow.report.graph.nodes import report_nodes, theory_nodes
from certflow.report.html import render_html
from certflow.report.markdown import render_markdown
from certflow.report.views import load_figures, write_views

SVG = "{http://www.w3.org/2000/svg}"


def test_the_picture_has_every_claim_as_text_with_its_word_and_its_taint(linked_report):
    root = ElementTree.fromstring(draw_alone(report_nodes(linked_report), "two-modes: what rests on what"))
    assert root.find(f"{SVG}title").text == "two-modes: what rests on what"
    groups = [group for group in root.iter(f"{SVG}g") if group.find(f"{SVG}title") is not None]
    drawn = {texts[0]: texts for group in groups for texts in [[t.text for t in group.iter(f"{SVG}text")]]}
    assert set(drawn) == {result.id for result in linked_report.results} | {"L3"}
    assert drawn["F1"] == ["F1", "✗ violated", "Stability of the flow", "map", "▲ L3"]
    assert drawn["L2"] == ["L2", "✓ enclosure", "Two-sided bound of the", "Jacobian", "▽ S2"]
    assert drawn["E5"][-1] == "▲ F1, M1, L3"
    assert drawn["L3"] == ["L3", "– not in this run"]
    assert len([path for path in root.iter(f"{SVG}path") if path.get("class") == "edge"]) == 7
    assert draw_alone(report_nodes(linked_report), "x") == draw_alone(report_nodes(linked_report), "x")
    outer = [float(number) for number in root.get("viewBox").split()]
    for text in root.iter(f"{SVG}text"):
        if text.get("fill"):  # of the legend
            assert float(text.get("y")) < outer[1] + outer[3]


def test_squares_are_filled_where_evidence_was_collected(linked_report):
    root = ElementTree.fromstring(draw_alone(report_nodes(linked_report), "x"))
    for group in (group for group in root.iter(f"{SVG}g") if group.find(f"{SVG}title") is not None):
        found = [rect.get("class") for rect in group.iter(f"{SVG}rect") if "pip" in rect.get("class")]
        if group.find(f"{SVG}text").text == "S2":
            assert found == ["no-pip", "pip", "no-pip", "pip", "pip", "no-pip"]
        assert len(found) in (0, len(Kind))


def test_mermaid_names_every_node_and_edge(linked_report):
    lines = mermaid(report_nodes(linked_report)).splitlines()
    assert lines[0] == "flowchart TD"
    assert '  n1["L2 ✓ enclosure<br/>Two-sided bound of the Jacobian<br/>▽ S2"]' in lines
    assert len([line for line in lines if " --> " in line]) == 7
    assert "  n0 --> n1" in lines
    assert "  class n4 violated" in lines
    theory = mermaid(theory_nodes(STATEMENTS.values()))
    assert "class" not in theory
    assert theory.count("-->") == sum(len(row.depends_on) for row in STATEMENTS.values())


def test_hostile_texts_stay_texts(hostile_report):
    nodes = report_nodes(hostile_report)
    ElementTree.fromstring(draw_alone(nodes, hostile_report.mixture["name"]))
    labels = re.findall(r'^  n\d+\["(.*)"\]$', mermaid(nodes), re.MULTILINE)
    assert len(labels) == len(nodes)
    assert not any(re.search(r'["<>`&]', label.replace("<br/>", "")) for label in labels)
    page = render_html(hostile_report)
    assert len(data_of(page)) == len(nodes)


def data_of(page: str) -> list[dict]:
    (text,) = re.findall(r'<script type="application/json" id="graph-data">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def test_the_script_is_told_all(linked_report):
    nodes = {node["id"]: node for node in data_of(render_html(linked_report))}
    names = list(nodes)
    assert nodes["E5"]["rests"] == [names.index("F1"), names.index("M1")]
    assert nodes["E5"]["open"] == [[names.index(n) for n in way] for way in (["F1"], ["M1"], ["L3", "F1"])]
    assert nodes["E5"]["weaker"] == []
    assert nodes["L2"]["weaker"] == [[names.index("S2")]]
    assert nodes["L2"]["show"] == ["L", "holds", "enclosure", "weaker"]
    assert nodes["L2"]["href"] == "#claim-L2"
    assert nodes["L3"]["href"] == ""


def test_a_page_of_every_statement_stays_small(full_report):
    page = render_html(full_report)
    part = page[page.index('<section id="graph"') : page.index("</script>")]
    assert len(part.encode()) + len(page[page.rindex("<script>") :].encode()) < 150_000
    assert data_of(page)[0]["mark"] == "✓ without evidence"


def test_the_picture_is_written_and_is_no_figure_of_the_page(linked_report, tmp_path):
    figures = {"rates": '<svg xmlns="http://www.w3.org/2000/svg"/>'}
    write_views(linked_report, tmp_path, figures)
    assert "<svg" in (tmp_path / "figures" / "graph.svg").read_text(encoding="utf-8")
    assert set(load_figures(tmp_path)) == set(figures)
    assert "(figures/graph.svg)" in (tmp_path / "report.md").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="the graph of statements has it"):
        write_views(linked_report, tmp_path, {"graph": figures["rates"]})


def test_a_report_without_claims_has_no_graph(report):
    empty = report.model_copy(update={"results": (), "outcome": Outcome.INCONCLUSIVE})
    page = render_html(empty)
    assert 'id="graph' not in page
    assert "#graph" not in re.sub("<script>.*?</script>|<style>.*?</style>", "", page, flags=re.DOTALL)
    assert "mermaid" not in render_markdown(empty)

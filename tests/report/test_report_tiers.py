"""The formal tiers in every view: which claims have one, in words too, and that nothing is marked without one."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest
from pydantic import ValidationError

from certflow.claims.model import Evidence, Extent, Kind, MachineChecked, Outcome, Theorem
from certflow.claims.registry import STATEMENTS
from certflow.report import verdict
from certflow.report.again import verify_command
from certflow.report.graph.drawing import draw_alone
from certflow.report.graph.mermaid import mermaid
from certflow.report.graph.nodes import label, report_nodes, theory_nodes
from certflow.report.html import render_html
from certflow.report.junit import render_junit
from certflow.report.markdown import render_markdown
from certflow.report.report import Report
from certflow.report.tiers import GENERAL, IN_PART, INSTANCE, INSTANCE_IN_PART, TIERS, tiers
from certflow.report.views import report_json

THEOREM = Theorem(
    certificate="certificates/L2.json",
    text="Definition K : nat := 2%nat.\nTheorem asserted : 1 < 2 /\\ ```.\n",
    prover="Coq 8.16.1",
    axioms=("Classical_Prop.classic",),
)
MARKS = "".join(tier.mark for tier in TIERS)


def formal(outcome: Outcome) -> Evidence:
    return Evidence(
        check="L2.kernel", kind=Kind.FORMAL, outcome=outcome, summary="said <so>", scope="instance", theorem=THEOREM
    )


@pytest.fixture
def marked(linked_report: Report) -> Report:
    """L2 general and an instance, L5 in part, F1 with a theorem that was not accepted."""
    lemmas = {
        "L2": MachineChecked(extent=Extent.STATEMENT, says="the formula $x < 1$."),
        "L5": MachineChecked(extent=Extent.PART, says="a part."),
    }
    evidence = {"L2": formal(Outcome.HOLDS), "F1": formal(Outcome.INCONCLUSIVE)}
    results = [
        result.model_copy(
            update={
                "machine_checked": lemmas.get(result.id),
                "evidence": (*filter(None, [evidence.get(result.id)]), *result.evidence),
            }
        )
        for result in linked_report.results
    ]
    return linked_report.model_copy(update={"results": tuple(results)})


def test_which_claims_have_a_tier(marked):
    found = {result.id: tiers(result) for result in marked.results}
    assert {name: found[name] for name in found if found[name]} == {"L2": (GENERAL, INSTANCE), "L5": (IN_PART,)}


def test_a_theorem_of_a_part_is_told_apart(marked):
    part = THEOREM.model_copy(update={"part": "of the lower bound"})
    result = next(result for result in marked.results if result.id == "L2")
    first, *others = result.evidence
    weaker = (first.model_copy(update={"theorem": part}), *others)
    assert tiers(result.model_copy(update={"evidence": weaker})) == (GENERAL, INSTANCE_IN_PART)
    assert tiers(result.model_copy(update={"evidence": (first, *weaker)})) == (GENERAL, INSTANCE_IN_PART)


def test_the_summary_says_where_a_theorem_is_of_a_part(marked):
    said = "For L2 Coq accepted a part of what the certificate asserts, not the whole."
    assert said not in verdict.verdict_sentences(marked)
    part = THEOREM.model_copy(update={"part": "of the lower bound"})

    def of_part(evidence):
        return evidence.model_copy(update={"theorem": part}) if evidence.theorem else evidence

    weaker = [result.model_copy(update={"evidence": tuple(map(of_part, result.evidence))}) for result in marked.results]
    assert said in verdict.verdict_sentences(marked.model_copy(update={"results": tuple(weaker)}))


def test_the_table_tells_lemmas_apart_from_evidence(marked):
    results = {result.id: result for result in marked.results}
    assert [cell.text for cell in verdict.cells(results["L2"], Kind.FORMAL)] == ["holds", "general", "instance"]
    assert [cell.text for cell in verdict.cells(results["L5"], Kind.FORMAL)] == ["general, in part"]
    assert [cell.text for cell in verdict.cells(results["F1"], Kind.FORMAL)] == ["inconclusive"]
    assert verdict.cells(results["L5"], Kind.SYMBOLIC) == (verdict.NOTHING,)
    row = next(line for line in render_markdown(marked).splitlines() if line.startswith("| **L2** |"))
    assert "| ✓ holds ◆ general ● instance |" in row


def test_graph_and_legend_name_the_tiers(marked):
    nodes = {node.id: node for node in report_nodes(marked)}
    assert {name: node.marks for name, node in nodes.items() if node.marks} == {"L2": "◆●", "L5": "◇"}
    assert "formal, general: Coq's kernel accepted the formula" in label(nodes["L2"])
    assert "; instance: Coq's kernel accepted what a certificate of this run" in label(nodes["L2"])
    texts = [text.text for text in ElementTree.fromstring(draw_alone(report_nodes(marked), "x")).iter() if text.text]
    assert "◆●" in texts
    assert [text.split(":")[0] for text in texts if " formal, " in text and text[0] in MARKS] == [
        "◆ formal, general",
        "◇ formal, general, in part",
        "● formal, instance",
    ]
    assert 'n1["L2 ◆● ✓ enclosure<br/>' in mermaid(report_nodes(marked))
    page = render_html(marked)
    data = json.loads(re.findall(r'id="graph-data">(.*?)</script>', page, re.DOTALL)[0])
    shown = {node["id"]: node["show"] for node in data}
    assert shown["L2"][-2:] == ["general", "instance"]
    assert shown["L5"][-1] == "general-in-part"
    keys = dict(re.findall(r'data-show="(general[\w-]*|instance)">([^<]*)<', page))
    assert keys == {
        "general": "◆ general ",
        "general-in-part": "◇ general, in part ",
        "instance": "● instance ",
    }


def test_theory_without_evidence_has_lemmas_and_no_instance():
    nodes = {node.id: node for node in theory_nodes(STATEMENTS.values())}
    assert (nodes["L2"].tiers, nodes["E2"].tiers, nodes["A6"].tiers) == ((GENERAL,), (IN_PART,), ())
    assert INSTANCE not in {tier for node in nodes.values() for tier in node.tiers}


def test_the_theorem_is_folded_with_the_command_that_gives_it_again(marked):
    page, text = render_html(marked), render_markdown(marked)
    folded = re.findall(r'<details class="theorem">\n<summary>(.*?)</summary>(.*?)</details>', page, re.DOTALL)
    assert len(folded) == 2
    assert "Theorem asserted : 1 &lt; 2" in folded[0][1]
    assert "certflow check --kernel --keep theorems certificates/L2.json" in folded[0][1]
    assert "Classical_Prop.classic" in folded[0][1]
    assert "````coq\nDefinition K" in text
    assert "certflow check --kernel --keep theorems certificates/L2.json" in text
    assert verify_command(marked, "L2").endswith(" --kernel")


def test_a_report_without_tiers_has_no_mark_of_one(linked_report):
    for text in (
        re.sub("<(style|script)>.*?</(style|script)>", "", render_html(linked_report), flags=re.DOTALL),
        render_markdown(linked_report),
        draw_alone(report_nodes(linked_report), "x"),
        render_junit(linked_report),
    ):
        assert not set(MARKS) & set(text)
        assert "a certificate of this run asserts" not in text
    assert "--kernel" not in verify_command(linked_report, "L2")


def test_junit_tells_tiers_and_axioms(marked):
    suite = ElementTree.fromstring(render_junit(marked))
    facts = {entry.get("name"): entry.get("value") for entry in suite.iter("property")}
    assert {name for name in facts if ".formal." in name} == {
        "claim.L2.formal.general",
        "claim.L2.formal.instance",
        "claim.L5.formal.general-in-part",
    }
    case = next(case for case in suite.iter("testcase") if case.get("name") == "L2.kernel")
    assert "theorem of certificates/L2.json, given to Coq 8.16.1; axioms: Classical_Prop.classic" in "".join(
        case.itertext()
    )


def test_json_has_the_tiers_and_reads_what_came_before(marked, linked_report):
    data = json.loads(report_json(marked))
    assert Report.model_validate(data) == marked
    l2 = next(result for result in data["results"] if result["id"] == "L2")
    assert l2["machine_checked"] == {"extent": "statement", "says": "the formula $x < 1$."}
    assert set(l2["evidence"][0]["theorem"]) == {"certificate", "part", "text", "prover", "axioms"}
    before = json.loads(report_json(linked_report))
    for result in before["results"]:
        del result["machine_checked"]
        for item in result["evidence"]:
            del item["theorem"]
    assert Report.model_validate(before) == linked_report
    l2["machine_checked"]["extent"] = "all of it"
    with pytest.raises(ValidationError):
        Report.model_validate(data)
    l2["machine_checked"]["extent"] = "statement"
    l2["evidence"][0]["theorem"]["certificate"] = "../elsewhere.json"
    with pytest.raises(ValidationError):
        Report.model_validate(data)

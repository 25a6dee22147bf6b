"""JUnit XML: well formed whatever the text, counts right, one case for each piece of evidence."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from jenkins import faults

from certflow.claims.model import Outcome
from certflow.report.junit import render_junit


@pytest.fixture(scope="module")
def suite(report) -> ElementTree.Element:
    root = ElementTree.fromstring(render_junit(report))
    assert root.tag == "testsuites"
    (only,) = root
    return only


def case(suite: ElementTree.Element, name: str) -> ElementTree.Element:
    (found,) = [element for element in suite.iter("testcase") if element.get("name") == name]
    return found


def test_counts_are_those_of_the_cases(report, suite):
    pieces = sum(len(result.evidence) for result in report.results)
    without = sum(not result.evidence for result in report.results)
    assert int(suite.get("tests")) == len(suite.findall("testcase")) == pieces + without
    for counter, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.get(counter)) == len(suite.findall(f"testcase/{element}"))
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("1", "1", "2")


def test_violation_is_a_failure_with_its_witness(suite):
    failure = case(suite, "F1.pairs").find("failure")
    assert failure.get("message") == "Pair 17 is stretched by 1.0034 times the bound."
    assert '"x": ["0.125", "-1/3"]' in failure.text
    assert case(suite, "F1.pairs").get("classname") == "certflow.F1"


def test_inconclusive_is_an_error_not_a_pass(suite):
    assert case(suite, "L5.enclosure").find("error").get("type") == "inconclusive"


def test_what_was_not_looked_at_is_skipped_with_the_reason(suite):
    assert "equal" in case(suite, "L8 verdict").find("skipped").get("message")
    assert "quick profile" in case(suite, "M1 verdict").find("skipped").get("message")


def test_what_holds_passes_and_keeps_its_kind(suite):
    element = case(suite, "S2.property")
    assert not {"failure", "error", "skipped"} & {child.tag for child in element}
    lines = element.find("system-out").text.splitlines()
    assert {"kind of evidence: sampled", "outcome: holds", "seed: 0"} <= set(lines)


def test_the_schema_of_jenkins_accepts_it(report, hostile_report):
    for each in (report, hostile_report, report.model_copy(update={"results": (), "seconds": 123456.789})):
        assert faults(ElementTree.fromstring(render_junit(each))) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("<testsuites ", '<testsuites skipped="1" ', "testsuites: attribute skipped"),
        ("</testcase>", '<properties><property name="a" value="b"/></properties></testcase>', "child properties"),
        (' errors="1"', "", "testsuite: no attribute errors"),
        (' time="', ' time="-', "time -"),
        ("<properties>", "<properties>words", "properties: text"),
    ],
)
def test_the_schema_refuses_what_jenkins_refuses(report, old, new, fault):
    text = render_junit(report)
    assert old in text
    assert any(fault in each for each in faults(ElementTree.fromstring(text.replace(old, new))))


def test_suite_properties_tell_mixture_environment_and_claims(report, suite):
    properties = {p.get("name"): p.get("value") for p in suite.find("properties")}
    assert properties["mixture"] == "two-modes"
    assert properties["mixture.diameter_of_means"] == "2"
    assert properties["environment.numpy"] == "2.1.0"
    for result in report.results:
        assert properties[f"claim.{result.id}"] == result.outcome.value


def test_a_verdict_that_no_evidence_carries_has_a_case(report):
    claim = report.results[0].model_copy(update={"outcome": Outcome.INCONCLUSIVE, "reason": "out of time"})
    root = ElementTree.fromstring(render_junit(report.model_copy(update={"results": (claim,)})))
    assert root.get("tests") == "4"
    assert case(root, "S2 verdict").find("error").get("message") == "out of time"


def test_hostile_text_keeps_the_xml_well_formed(hostile_report):
    text = render_junit(hostile_report)
    text.encode("utf-8")
    root = ElementTree.fromstring(text)
    assert root.find("testsuite").get("name").startswith("certflow <script>alert(1)</script> ]]> ␀")
    assert not list(root.iter("script"))

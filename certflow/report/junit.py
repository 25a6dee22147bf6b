"""The report as JUnit XML, the form that CI systems read.

One suite; one test case for each piece of evidence, named by its check and classed by its claim. A violated
piece is a `failure` with the witness, an inconclusive one an `error`, anything that was not looked at is
`skipped` with the reason. A claim whose verdict no piece of evidence carries has a case of its own. The elements and
attributes are those of the strictest reader, the schema junit-10.xsd of Jenkins' xUnit plugin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from certflow.claims.model import ClaimResult, Evidence, Outcome
from certflow.report import verdict
from certflow.report.again import again
from certflow.report.document import Document
from certflow.report.formatting import abbreviate, clean, json_text, plain, value_text
from certflow.report.tiers import tiers

_ELEMENT = {
    Outcome.VIOLATED: "failure",
    Outcome.INCONCLUSIVE: "error",
    Outcome.NOT_APPLICABLE: "skipped",
    Outcome.NOT_CHECKED: "skipped",
}
_COUNTER = {"failure": "failures", "error": "errors", "skipped": "skipped"}


@dataclass
class Case:
    """A test case before it is written: what CI shows of one check."""

    claim: str  #: or what else cases are classed by
    name: str
    outcome: Outcome
    message: str = ""
    details: str = ""
    seconds: float = 0.0


def render_junit(report: Document) -> str:
    """JUnit XML text; `tests`, `failures`, `errors` and `skipped` count the cases that it holds."""
    cases = [case for result in report.results for case in _cases(result)]
    name = f"certflow {verdict.mixture_name(report)}"
    return render_suite(name, cases, _suite_properties(report), report.started, report.seconds)


def render_suite(name: str, cases: list[Case], properties: Mapping[str, str], started: str, seconds: float) -> str:
    """JUnit XML text of one suite of cases; `started` is a time in the form of ISO 8601."""
    suites = ElementTree.Element("testsuites", name="certflow")
    suite = ElementTree.SubElement(suites, "testsuite", name=clean(name))
    block = ElementTree.SubElement(suite, "properties")
    for key, value in properties.items():
        ElementTree.SubElement(block, "property", name=clean(key), value=clean(value))
    for case in cases:
        _write_case(suite, case)
    for element in (suites, suite):
        element.set("tests", str(len(cases)))
        for outcome_element, counter in _COUNTER.items():
            count = sum(_ELEMENT.get(case.outcome) == outcome_element for case in cases)
            if element is suite or counter != "skipped":
                element.set(counter, str(count))
        element.set("time", f"{seconds:.3f}")
    suite.set("timestamp", clean(started))
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _cases(result: ClaimResult) -> list[Case]:
    cases = [_evidence_case(result, item) for item in result.evidence]
    if all(case.outcome is not result.outcome for case in cases):
        message = result.reason or f"claim {result.id}: {result.outcome.value}"
        cases.append(Case(result.id, f"{result.id} verdict", result.outcome, message))
    return cases


def _evidence_case(result: ClaimResult, item: Evidence) -> Case:
    lines = [f"claim: {result.id}, {result.title}", f"kind of evidence: {verdict.KIND_LABEL[item.kind]}"]
    lines += [f"outcome: {item.outcome.value}", *([] if item.seed is None else [f"seed: {item.seed}"])]
    lines += [f"scope: {item.scope}", *(f"{key}: {value_text(value)}" for key, value in item.numbers.items())]
    lines += [f"certificates: {', '.join(item.certificates)}"] if item.certificates else []
    if item.witness is not None:
        lines += ["witness:", json_text(abbreviate(item.witness, 2000))]
    lines += [f"proved: {item.proved}"] if item.proved is not None else []
    if item.theorem is not None:
        axioms = ", ".join(item.theorem.axioms) or "none told"
        lines += [f"theorem of {item.theorem.certificate}, given to {item.theorem.prover}; axioms: {axioms}"]
    return Case(result.id, item.check, item.outcome, item.summary, "\n".join(lines), item.seconds)


def _suite_properties(report: Document) -> dict[str, str]:
    facts: dict[str, object] = {"outcome": report.outcome.value, "mixture": verdict.mixture_name(report)}
    facts |= {f"mixture.{key}": value for key, value in report.description.items()}
    facts |= {"t_min": report.t_min, "t_max": report.t_max, "profile": report.profile}
    facts |= {"digits": report.digits, "seed": report.seed, "command": again(report)}
    facts |= {f"environment.{key}": value for key, value in report.environment.items()}
    for result in report.results:
        facts[f"claim.{result.id}"] = result.outcome.value
        facts |= {f"claim.{result.id}.formal.{tier.token}": tier.says for tier in tiers(result)}
        facts |= {f"claim.{result.id}.no_{kind.value}": reason for kind, reason in result.left_out.items()}
    return {key: value if isinstance(value, str) else value_text(plain(value)) for key, value in facts.items()}


def _write_case(suite: ElementTree.Element, case: Case) -> None:
    element = ElementTree.SubElement(
        suite,
        "testcase",
        classname=clean(f"certflow.{case.claim}"),
        name=clean(case.name),
        time=f"{case.seconds:.3f}",
    )
    if case.outcome in _ELEMENT:
        result = ElementTree.SubElement(element, _ELEMENT[case.outcome], message=clean(case.message))
        if _ELEMENT[case.outcome] != "skipped":
            result.set("type", case.outcome.value)
        result.text = clean(case.details) or None
    elif case.message:
        ElementTree.SubElement(element, "system-out").text = clean(f"{case.message}\n{case.details}")

"""What a session of tests found, in files: results.json for programs, junit.xml for CI, summary.md for its readers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from certflow.atomic import write_text_atomic
from certflow.claims.model import Outcome
from certflow.report.junit import Case, render_suite
from certflow.testing.gathered import Gathered, Tested, counts_told, told, verdict_of

_OUTCOMES = {"passed": Outcome.HOLDS, "failed": Outcome.VIOLATED, "expected": Outcome.NOT_APPLICABLE}
_OUTCOMES |= {"skipped": Outcome.NOT_CHECKED}
_FAILING = (Outcome.VIOLATED, Outcome.INCONCLUSIVE)


def write_files(gathered: Gathered, folder: Path) -> list[Path]:
    """Write results.json, junit.xml and summary.md, each atomically; returns the paths.

    Raises `OSError` as the file system does.
    """
    contents = {
        "results.json": json.dumps(gathered.to_mapping(), ensure_ascii=True, indent=1) + "\n",
        "junit.xml": junit(gathered),
        "summary.md": markdown(gathered),
    }
    return [write_text_atomic(folder / name, content) for name, content in contents.items()]


def junit(gathered: Gathered) -> str:
    """JUnit XML: a case for each part of a check and for each claim of a report; a failure has the counterexample."""
    cases = [case for test in gathered.tests for case in _cases(test)]
    started = gathered.started.isoformat(timespec="seconds")
    return render_suite("certflow tests", cases, gathered.properties(), started, gathered.seconds)


def markdown(gathered: Gathered) -> str:
    """The summary for a page of CI: two tables, then what failed."""
    lines = ["## certflow", ""]
    checks, claims = gathered.by_check(), gathered.by_claim()
    if checks:
        lines += ["| check | found |", "|---|---|"]
        lines += [f"| `{check}` | {counts_told(counts)} |" for check, counts in checks.items()] + [""]
    if claims:
        lines += ["| claim | outcome |", "|---|---|"]
        lines += [f"| {claim} | {_cell(told(outcomes))} |" for claim, outcomes in claims.items()] + [""]
    shown = {""}  # parts of one check often find the same counterexample
    for test in gathered.tests:
        for case in _cases(test):
            if case.outcome in _FAILING:
                lines += [f"**{case.claim}, {case.name}**: {_cell(case.message)}", ""]
                lines += [] if case.details in shown else ["```text", case.details.replace("```", "'''"), "```", ""]
                shown.add(case.details)
    if not gathered.tests:
        lines += ["No test used certflow.", ""]
    elif not any(test.outcome == "failed" for test in gathered.tests):
        lines += ["No test that uses certflow failed.", ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _cases(test: Tested) -> Iterator[Case]:
    for part in test.checks():
        verdict = verdict_of(test, part)
        name = f"{part['check']} {part['subject']} {part['mixture']}".rstrip()
        reason = part["message"]
        if verdict == "expected":
            reason = f"expected: {test.expected or 'the test passed'}"
        details = "" if verdict == "passed" else _details(part)
        yield Case(name, part["part"] or part["check"], _OUTCOMES[verdict], reason, details, test.seconds)
    for report in test.reports():
        for claim in report["claims"]:
            decisive = [item for item in claim["evidence"] if item["outcome"] == claim["outcome"]]
            message = "; ".join([*filter(None, [claim["reason"]]), *(item["summary"] for item in decisive)])
            details = "\n".join(json.dumps(item, indent=1) for item in decisive if item["witness"] is not None)
            seconds = sum(item["seconds"] for item in claim["evidence"])
            yield Case(claim["id"], report["mixture"], Outcome(claim["outcome"]), message, details, seconds)
    if not test.found or (test.outcome == "failed" and not _tells_of_failure(test)):
        outcome = "expected" if test.expected is not None and test.outcome == "skipped" else test.outcome
        message = test.details.strip().splitlines()[-1] if test.details.strip() else test.expected or ""
        yield Case(
            ", ".join(test.claims) or "tests", test.name, _OUTCOMES[outcome], message, test.details, test.seconds
        )


def _tells_of_failure(test: Tested) -> bool:
    """Does what was found say why the test failed?"""
    outcomes = [claim["outcome"] for report in test.reports() for claim in report["claims"]]
    return any(not part["passed"] for part in test.checks()) or any(outcome in _FAILING for outcome in outcomes)


def _details(part: dict[str, object]) -> str:
    """The counterexample and its causes, as `Result` prints them."""
    found, causes = part["counterexample"], part["causes"]
    lines: list[str] = []
    if isinstance(found, dict):
        lines += [found["code"], *(f"{name} = {value}" for name, value in found["inputs"].items())]
        lines += [f"{name} {found[name]}" for name in ("got", "expected", "error", "tolerance")]
    if isinstance(causes, list):
        lines += [f"likely cause: {cause['sentence']} ({cause['name']})" for cause in causes]
    return "\n".join(lines)

"""What the tests of a session found: check by check, claim by claim.

It is made from plain mappings, which pass between processes, and of the standard library alone: the pytest plugin
imports it in every run.
"""

from __future__ import annotations

import datetime
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

#: Lines of a traceback that are kept of a test that failed.
_LINES_KEPT = 60
_TESTS = "tests "


@dataclass(frozen=True)
class Tested:
    """One test, with what its checks and reports found."""

    name: str  #: its node id
    outcome: str  #: "passed", "failed", "skipped"
    expected: str | None  #: the reason why it was expected to fail
    seconds: float
    claims: tuple[str, ...]  #: those that it is marked with
    found: tuple[dict[str, Any], ...]
    details: str = ""  #: of a failure: the end of what pytest shows

    def checks(self) -> Iterator[dict[str, Any]]:
        """The results of single parts of checks."""
        for record in self.found:
            if record["kind"] == "check":
                for part in record["parts"] or [record]:
                    subject = record["subject"] or self.name.rpartition("::")[2]
                    yield {**part, "subject": subject, "mixture": record["mixture"]}

    def reports(self) -> Iterator[dict[str, Any]]:
        """What `certify` reported."""
        yield from (record for record in self.found if record["kind"] == "report")


@dataclass
class Gathered:
    """Everything that was found, test by test, and when the session began."""

    tests: list[Tested] = field(default_factory=list)
    started: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))
    clock: float = field(default_factory=time.perf_counter)

    def add(self, report: Any, told: dict[str, Any]) -> None:
        """What came with one `pytest.TestReport`."""
        details = "\n".join(report.longreprtext.splitlines()[-_LINES_KEPT:]) if report.failed else ""
        expected = getattr(report, "wasxfail", None)
        claims, found = tuple(told["claims"]), tuple(told["found"])
        self.tests.append(Tested(report.nodeid, report.outcome, expected, report.duration, claims, found, details))

    @property
    def seconds(self) -> float:
        """How long the session has taken."""
        return round(time.perf_counter() - self.clock, 3)

    def by_check(self) -> dict[str, Counter[str]]:
        """Of each check: `passed`, `failed`, `expected` (failures), and the `evaluations` made."""
        found: dict[str, Counter[str]] = {}
        for test in self.tests:
            for part in test.checks():
                counts = found.setdefault(part["check"], Counter())
                counts[verdict_of(test, part)] += 1
                counts["evaluations"] += part["evaluations"]
        return found

    def by_claim(self) -> dict[str, dict[str, list[str]]]:
        """Of each claim: where it has which outcome, on what evidence, and the tests marked with it by theirs."""
        found: dict[str, dict[str, list[str]]] = {}
        for test in self.tests:
            for report in test.reports():
                for claim in report["claims"]:
                    kinds = ", ".join(dict.fromkeys(item["kind"] for item in claim["evidence"]))
                    told = kinds if claim["outcome"] != "not yet checked" else claim["reason"]
                    where = f"{report['mixture']} ({told})" if told else report["mixture"]
                    found.setdefault(claim["id"], {}).setdefault(claim["outcome"], []).append(where)
            for claim in () if any(test.reports()) else test.claims:
                found.setdefault(claim.upper(), {}).setdefault(f"{_TESTS}{test.outcome}", []).append(test.name)
        return {claim: found[claim] for claim in sorted(found)}

    def properties(self) -> dict[str, str]:
        """The counts by name, for the properties of a suite."""
        checks = {f"certflow.{check}": counts_told(counts) for check, counts in self.by_check().items()}
        claims = {f"certflow.claim.{claim}": told(outcomes) for claim, outcomes in self.by_claim().items()}
        return checks | claims

    def lines(self) -> list[str]:
        """The summary on a terminal: by check with what was found, then by claim."""
        lines = [f"{check}: {counts_told(counts)}" for check, counts in self.by_check().items()]
        for test in self.tests:
            for part in test.checks():
                if verdict_of(test, part) == "failed":
                    causes = "".join(
                        f"; likely {name}" for name in dict.fromkeys(each["name"] for each in part["causes"])
                    )
                    lines.append(f"  {about(part)}: {part['message']}{causes}")
        lines += [f"{claim}: {told(outcomes)}" for claim, outcomes in self.by_claim().items()]
        checks = self.by_check().values()
        return lines if len(checks) < 2 else [*lines, f"in all {counts_told(sum(checks, Counter()))}"]

    def to_mapping(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        return {
            "schema": "certflow/tests/1",
            "started": self.started.isoformat(timespec="seconds"),
            "seconds": self.seconds,
            "checks": {check: dict(counts) for check, counts in self.by_check().items()},
            "claims": self.by_claim(),
            "tests": [vars(test) for test in self.tests],
        }


def verdict_of(test: Tested, part: dict[str, Any]) -> str:
    """How one part of a check counts: `passed`, `failed`, `expected`, also by a test that passes all the same."""
    if part["passed"]:
        return "passed"
    return "expected" if test.expected is not None or test.outcome == "passed" else "failed"


def about(part: dict[str, Any]) -> str:
    """What a part of a check is about, in words."""
    where = " on ".join(filter(None, (part["subject"], part["mixture"])))
    return ", ".join(filter(None, (where, part["part"])))


def counts_told(counts: Counter[str]) -> str:
    """How many checks ran and what they found, in one sentence."""
    ran = counts["passed"] + counts["failed"] + counts["expected"]
    words = [f"{ran} {'check' if ran == 1 else 'checks'} ran, {counts['passed']} found no counterexample"]
    words += [f"{counts['failed']} found one"] if counts["failed"] else []
    words += [f"{counts['expected']} found the expected one"] if counts["expected"] else []
    return f"{', '.join(words)} ({counts['evaluations']:,} evaluations)"


def told(outcomes: dict[str, list[str]]) -> str:
    """What came out of a claim and where, in one sentence: reports first, then tests."""
    words = []
    for outcome, names in sorted(outcomes.items(), key=lambda item: item[0].startswith(_TESTS)):
        if outcome.startswith(_TESTS):
            words.append(f"{len(names)} {'test' if len(names) == 1 else 'tests'} {outcome.removeprefix(_TESTS)}")
        else:
            words.append(f"{outcome} on {', '.join(dict.fromkeys(names))}")
    return "; ".join(words)


def of_report(report: Any) -> dict[str, Any]:
    """What is kept of a report of `cf.verify`: claims with their evidence, figures left out."""
    return {
        "kind": "report",
        "mixture": str(report.mixture.get("name") or "unnamed mixture"),
        "t_min": report.t_min,
        "t_max": report.t_max,
        "profile": report.profile,
        "outcome": report.outcome.value,
        "seconds": report.seconds,
        "claims": [
            {
                "id": result.id,
                "title": result.title,
                "outcome": result.outcome.value,
                "reason": result.reason,
                "evidence": [
                    {
                        "check": item.check,
                        "kind": item.kind.value,
                        "outcome": item.outcome.value,
                        "summary": item.summary,
                        "scope": item.scope,
                        "seconds": item.seconds,
                        "witness": item.model_dump(mode="json")["witness"],
                    }
                    for item in result.evidence
                ],
            }
            for result in report.results
        ],
    }

"""The page of a sweep: its verdict, phase diagrams, what failed, what the columns mean. It loads nothing."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence

from certflow import __version__
from certflow.report.html import environment
from certflow.sweep.diagrams import LISTED, diagrams
from certflow.sweep.experiments.registry import EXPERIMENTS
from certflow.sweep.results import MEANING, Status
from certflow.sweep.rows import Row
from certflow.sweep.specification import Specification

#: Rows without an answer that the page lists.
_FAILURES = 50


def page(specification: Specification, rows: Sequence[Row], names: Mapping[str, str], command: str) -> str:
    """The page for these rows; the same input gives the same text."""
    drawn = diagrams(specification, rows)
    failures = [row for row in rows if row["status"] not in (Status.DONE, Status.REFUSED) or _bad(row)]
    return (
        environment()
        .get_template("sweep.html.j2")
        .render(
            name=specification.name,
            facts=_facts(specification, rows),
            head=["question", *Status, "outcomes"],
            questions=_questions(specification, rows),
            statuses=[(status.value, MEANING[status]) for status in Status],
            diagrams=drawn,
            listed=LISTED,
            failures=failures[:_FAILURES],
            more=max(len(failures) - _FAILURES, 0),
            columns=list(names.items()),
            specification=specification.text,
            command=command,
            run=[("certflow", __version__), ("python", platform.python_version())],
        )
    )


def _bad(row: Row) -> bool:
    return row["outcome"] in ("violated", "inconclusive")


def _facts(specification: Specification, rows: Sequence[Row]) -> list[tuple[str, str]]:
    seconds = sum(float(row["cpu_seconds"]) for row in {row["key"]: row for row in rows}.values())
    return [
        ("mixtures", f"{len(specification.members):,}"),
        ("rows", f"{len(rows):,}"),
        ("time interval", f"{specification.t_min} ≤ t ≤ {specification.t_max}"),
        ("processor time of the tasks", f"{seconds / 60:.1f} min" if seconds > 60 else f"{seconds:.1f} s"),
        ("violated", f"{sum(row['outcome'] == 'violated' for row in rows):,}"),
        ("without an answer", f"{sum(row['status'] not in (Status.DONE, Status.REFUSED) for row in rows):,}"),
    ]


def _questions(specification: Specification, rows: Sequence[Row]) -> list[list[str]]:
    """A line for each question: how many rows have each status, and the outcomes."""
    lines = []
    for question in specification.questions:
        mine = [row for row in rows if row["task"] == question.label]
        statuses = Counter(row["status"] for row in mine)
        outcomes = Counter(row["outcome"] for row in mine if row["outcome"])
        asked = EXPERIMENTS[question.name].question if question.kind == "experiment" else question.name
        told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
        label = question.label if asked == question.label else f"{question.label}: {asked}"
        lines.append([label, *(str(statuses.get(status, 0)) for status in Status), told])
    return lines

"""What came of a task, and results on disk: one file each, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from certflow.atomic import write_text_atomic
from certflow.sweep.tasks import Task

SCHEMA = "certflow/sweep-result/1"
#: Below the directory of a sweep.
FOLDER = "results"


class Status(StrEnum):
    """How a task ended."""

    DONE = "done"
    REFUSED = "refused"
    SPENT = "out of budget"
    ERROR = "error"
    CRASHED = "crashed"


#: What each status says.
MEANING: Mapping[Status, str] = {
    Status.DONE: "the question was answered",
    Status.REFUSED: "the question does not apply to the mixture, for the reason given",
    Status.SPENT: "the time or the search ended first; what was proved by then stands in the figures",
    Status.ERROR: "the computation raised an error that is no refusal",
    Status.CRASHED: "the process that computed it ended, twice, without an answer",
}


@dataclass(frozen=True)
class Result:
    """What came of a task.

    outcome : of a claim its outcome; of an experiment `measured`, or `violated` where its figures refute a statement,
        or `inconclusive`; empty where there is none
    figures : numbers, texts, booleans and None by their names
    seconds, cpu_seconds : of the task in the process that did it; limit : the seconds that it had
    """

    key: str
    status: Status
    outcome: str = ""
    reason: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    limit: float = 0.0

    @property
    def failed(self) -> bool:
        """Did the task end without an answer?"""
        return self.status in (Status.SPENT, Status.ERROR, Status.CRASHED)

    def mapping(self) -> dict[str, Any]:
        """As JSON values; an infinite figure is its name."""
        from certflow.report.formatting import plain

        found = asdict(self)
        found["figures"] = plain(found["figures"])
        return found

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Result:
        """The result that `mapping` gave; raises `ValueError`, `TypeError` or `KeyError` for anything else."""
        figures = {name: _number(value) for name, value in mapping["figures"].items()}
        return cls(**{**mapping, "status": Status(mapping["status"]), "figures": figures})


def _number(value: Any) -> Any:
    return float(value) if value in ("Infinity", "-Infinity", "NaN") else value


class Store:
    """The results below a directory, by the keys of their tasks."""

    def __init__(self, directory: Path):
        self.folder = directory / FOLDER

    def path(self, key: str) -> Path:
        """The file of a result."""
        return self.folder / f"{key}.json"

    def load(self, task: Task, failures: bool = True) -> Result | None:
        """The result of an earlier run, if there is one that counts.

        failures : whether one without an answer counts; one that was out of budget never counts for a task that has
            more time
        """
        try:
            content = json.loads(self.path(task.key).read_bytes())
            if content["schema"] != SCHEMA:
                return None
            found = Result.from_mapping(content["result"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None  # nothing, or nothing usable: the task is done again
        if found.key != task.key or (found.failed and not failures):
            return None
        return None if found.status is Status.SPENT and found.limit < task.seconds else found

    def save(self, task: Task, result: Result) -> None:
        """Write a result with its task, so that the file tells all by itself."""
        content = {"schema": SCHEMA, "task": task.mapping(), "result": result.mapping()}
        write_text_atomic(self.path(result.key), json.dumps(content, indent=1) + "\n")

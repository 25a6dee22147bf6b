"""Do one task: ask its question of its mixture, and tell refusals, spent budgets and errors apart."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from certflow.claims.check import UNDECIDED
from certflow.claims.model import Kind, Outcome
from certflow.errors import InputError, NoEnclosure, NoGlobalBound
from certflow.flow.reference import AccuracyWarning
from certflow.law.library import from_mapping
from certflow.process import OrnsteinUhlenbeck
from certflow.sweep.experiments.experiment import Measured
from certflow.sweep.experiments.registry import EXPERIMENTS, call_of, measured_by
from certflow.sweep.results import Result, Status
from certflow.sweep.tasks import Task


def perform(task: Task) -> Result:
    """The result of a task; of whatever the computation raises, too."""
    wall, cpu = time.perf_counter(), _cpu()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", AccuracyWarning)
            found = _claim(task) if task.question.kind == "claim" else _experiment(task)
    except (InputError, NoGlobalBound) as error:
        found = Result(task.key, Status.REFUSED, "", _line(error))
    except NoEnclosure as error:
        found = Result(task.key, Status.SPENT, "", _line(error))
    except UNDECIDED as error:
        found = Result(task.key, Status.DONE, Outcome.INCONCLUSIVE, f"the computation did not succeed: {_line(error)}")
    except Exception as error:  # a mistake in the code: the other tasks go on
        found = Result(task.key, Status.ERROR, "", f"{type(error).__name__}: {_line(error)}")
    return replace(
        found,
        seconds=round(time.perf_counter() - wall, 4),
        cpu_seconds=round(_cpu() - cpu, 4),
        limit=task.seconds,
    )


def _cpu() -> float:
    """Processor time of this process and of those that it had and that have ended (Coq), in seconds."""
    ended = os.times()
    return time.process_time() + ended.children_user + ended.children_system


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _process(task: Task) -> OrnsteinUhlenbeck:
    law = task.mixture
    return _last(_Hashed(law, task.t_min, task.t_max))


class _Hashed:
    """The law of a task as a key of the cache."""

    def __init__(self, law: Mapping[str, Any], t_min: str, t_max: str):
        self.law, self.t = law, (t_min, t_max)
        self.parts = law["weights"], law["means"], law["covariances"]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and (self.t, self.parts) == (other.t, other.parts)

    def __hash__(self) -> int:
        return hash((self.t, len(self.parts[0])))


@lru_cache(maxsize=1)
def _last(asked: _Hashed) -> OrnsteinUhlenbeck:
    """The process of the last mixture: what is kept with it serves all questions about it."""
    return OrnsteinUhlenbeck(from_mapping(asked.law), *asked.t)


def _claim(task: Task) -> Result:
    from certflow.verification import verify

    report = verify(_process(task), [task.question.name], **task.question.options)
    (result,) = report.results
    outcomes = [item.outcome for item in result.evidence]
    kinds = [item.kind for item in result.evidence if item.outcome is Outcome.HOLDS]
    figures = {
        "checks": len(outcomes),
        "weakest": max(kinds, key=list(Kind).index).value if kinds else None,
        "kinds": ", ".join(dict.fromkeys(kind.value for kind in kinds)) or None,
    }
    refused = result.outcome is Outcome.NOT_APPLICABLE
    return Result(task.key, Status.REFUSED if refused else Status.DONE, result.outcome.value, result.reason, figures)


def _experiment(task: Task) -> Result:
    asked = task.question
    if asked.kind == "call":
        folder = Path(asked.folder) if asked.folder and os.path.isdir(asked.folder) else None
        found = measured_by(call_of(asked.name, "call", folder), _process(task), asked.options)
    else:
        found = EXPERIMENTS[asked.name].measure(_process(task), **asked.options)
    return _judged(task, found)


def _judged(task: Task, found: Measured) -> Result:
    if found.violated:
        return Result(task.key, Status.DONE, Outcome.VIOLATED, found.violated, found.figures)
    if found.spent:
        return Result(task.key, Status.SPENT, "", found.spent, found.figures)
    return Result(task.key, Status.DONE, "measured", "", found.figures)

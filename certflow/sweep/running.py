"""Run a sweep: what is missing is computed, everything is kept, and the table and the page are written."""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certflow.atomic import write_text_atomic
from certflow.claims.model import Outcome
from certflow.errors import InputError
from certflow.numbers.inputs import file_path, whole_number
from certflow.sweep.results import Result, Status, Store
from certflow.sweep.rows import Row, columns, parameters, row, write_csv, write_parquet
from certflow.sweep.specification import UNNAMED, Specification
from certflow.sweep.tasks import Task
from certflow.verification import usual_jobs

#: Called with (done, total, what).
Progress = Callable[[int, int, str], None]
#: The files of a sweep, besides its results.
CSV, PARQUET, PAGE, SPECIFICATION = "sweep.csv", "sweep.parquet", "sweep.html", "sweep.toml"


@dataclass(frozen=True)
class Sweep:
    """A finished sweep.

    rows : one for each question about each mixture; columns : their names with what each means
    computed : how many tasks this run did itself
    """

    specification: Specification
    rows: tuple[Row, ...]
    columns: Mapping[str, str]
    computed: int
    written: tuple[Path, ...]

    @property
    def statuses(self) -> Mapping[str, int]:
        """How many rows have each status."""
        return Counter(each["status"] for each in self.rows)

    @property
    def outcomes(self) -> Mapping[str, int]:
        """How many rows have each outcome; those without one are not counted."""
        return Counter(each["outcome"] for each in self.rows if each["outcome"])

    @property
    def outcome(self) -> Outcome:
        """The verdict: violated beats inconclusive beats holds; a task without an answer is inconclusive."""
        if self.outcomes.get(Outcome.VIOLATED):
            return Outcome.VIOLATED
        unanswered = (Status.SPENT, Status.ERROR, Status.CRASHED)
        answered = self.outcomes.get(Outcome.HOLDS, 0) + self.outcomes.get("measured", 0)
        if not answered or self.outcomes.get(Outcome.INCONCLUSIVE) or any(self.statuses.get(s) for s in unanswered):
            return Outcome.INCONCLUSIVE
        return Outcome.HOLDS

    @property
    def exit_code(self) -> int:
        """0 all held or was measured, 1 something is violated, 3 something has no answer."""
        return {Outcome.HOLDS: 0, Outcome.VIOLATED: 1}.get(self.outcome, 3)


def run(
    specification: Specification,
    out: str | os.PathLike[str],
    *,
    workers: int | None = None,
    cluster: str | None = None,
    fresh: bool = False,
    retry: bool = False,
    progress: Progress | None = None,
    command: str = "",
) -> Sweep:
    """Ask every question of every mixture, here or on a cluster, and write the table and the page.

    Each result is a file below `out/results` as soon as there is one; a run that is interrupted, however, and repeated
    computes what is missing. Then `out` has `sweep.csv`, `sweep.parquet` (where pyarrow is installed), `sweep.html`
    and the specification.

    Parameters
    ----------
    out : a directory
    workers : processes here; one a core, at most four, unless given. They are not used with a cluster
    cluster : the address of a Dask scheduler, `tcp://HOST:8786`
    fresh : compute everything anew; retry : compute anew what has no answer
    progress : called with `(done, total, what)` of what this run computes
    command : the command line, shown on the page

    Raises
    ------
    InputError : a number out of range, no cluster at the address, or a directory with a sweep of another name.
    """
    folder = file_path(out, "out", "the name of a directory").absolute()
    number = usual_jobs() if workers is None else whole_number(workers, "workers", 1, 1024)
    if cluster is not None and workers is not None:
        raise InputError("workers", workers, "workers or a cluster, not both")
    told = progress or (lambda done, total, what: None)
    if not fresh:
        _same_sweep(specification.name, folder)
    store = Store(folder)
    pairs = list(specification.tasks())
    tasks = {task.key: task for _, task in pairs}
    if fresh:
        for key in tasks:
            store.path(key).unlink(missing_ok=True)
    found = {key: kept for key, task in tasks.items() if (kept := store.load(task, failures=not retry)) is not None}
    missing = [task for key, task in tasks.items() if key not in found]
    store.folder.mkdir(parents=True, exist_ok=True)
    write_text_atomic(folder / SPECIFICATION, specification.text)
    if missing:
        told(0, len(missing), f"{len(found)} kept of an earlier run" if found else "tasks")
        for done, (task, result) in enumerate(_results(missing, folder, number, cluster), 1):
            if result.status in (Status.SPENT, Status.CRASHED) or not store.path(task.key).exists():
                store.save(task, result)
            found[task.key] = result
            told(done, len(missing), f"{task.mixture['name']}: {task.question.label}")
    rows = _rows(specification, pairs, found)
    names = columns(specification.questions, rows)
    return Sweep(specification, rows, names, len(missing), tuple(_write(folder, specification, rows, names, command)))


def _results(missing: list[Task], folder: Path, workers: int, cluster: str | None) -> Iterable[tuple[Task, Result]]:
    if cluster is None:
        from certflow.sweep.crew import local_results

        return local_results(missing, folder, workers)
    from certflow.sweep.cluster import cluster_results

    return cluster_results(cluster, missing, folder)


def _rows(
    specification: Specification, pairs: Iterable[tuple[Any, Task]], found: Mapping[str, Result]
) -> tuple[Row, ...]:
    told = {id(member): parameters(member) for member in specification.members}
    return tuple(row(member, told[id(member)], task, found[task.key]) for member, task in pairs)


def _write(
    folder: Path, specification: Specification, rows: tuple[Row, ...], names: Mapping[str, str], command: str
) -> Iterable[Path]:
    from certflow.sweep.page import page

    yield write_csv(folder / CSV, names, rows)
    parquet = write_parquet(folder / PARQUET, names, rows)
    if parquet is not None:
        yield parquet
    yield write_text_atomic(folder / PAGE, page(specification, rows, names, command))


def _same_sweep(name: str, folder: Path) -> None:
    """Refuse a directory that holds the tables of a sweep of another name, which would be written over."""
    try:
        held = tomllib.loads((folder / SPECIFICATION).read_text(encoding="utf-8")).get("name", UNNAMED)
    except (OSError, ValueError):
        return
    if held != name:
        raise InputError("out", f"{folder}, which holds the sweep {held!r}", f"a directory for {name!r}, or --fresh")

"""Measured errors of trained students, and beside each the enclosure that is proved of it (proofs/C2.md, C4)."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from certflow.atomic import write_text_atomic
from certflow.distill.results import BASELINE, Results
from certflow.distill.settings import Progress
from certflow.enclosure.integrals import check_effort
from certflow.enclosure.students.error import student_error
from certflow.enclosure.students.maps import read_maps
from certflow.enclosure.students.results import StudentCells, StudentError
from certflow.errors import InputError, NoEnclosure
from certflow.law.formats import to_mapping
from certflow.law.library import from_mapping
from certflow.numbers.exact import float_below
from certflow.numbers.inputs import file_path
from certflow.process import OrnsteinUhlenbeck

#: Seconds for all students together, in one dimension and in more.
SECONDS = (60, 600)
#: Share of the seconds that the first student of a plane may take: it also makes what all of them use.
FIRST = 0.5
#: Cells that are kept of a student, at most: those in which most of the error may lie.
MOST_CELLS = 3000

#: Grid, number of segments, seed.
Name = tuple[str, int, int]


def certify(
    results: Results,
    rtol: Any = "0.02",
    seconds: float | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Results:
    """Enclose the relative mean squared error of every student that was kept, by `cf.enclosure.student_error` (C2).

    The rows get `relative_mse_enclosure`, `[lower, upper]`, rounded outwards to float64, or None with a line in
    `enclosure_reason`; `enclosure_complete` says whether `upper - lower <= rtol upper`. `setting["enclosures"]` tells
    how many are enclosed, and `setting["errs"]` of some students the cells that the proof is made of.

    Parameters
    ----------
    results : of `cf.distill.run(..., keep_maps=True)`
    rtol, seconds : relative width that is asked for; seconds for all students together, `SECONDS` unless given
    out : a directory where each enclosure is kept when it is done, and from which it is taken up
    progress : called with `(done, total, what)`

    Raises
    ------
    InputError : maps that were not kept, a bad rtol or number of seconds.
    """
    setting = results.setting
    process = OrnsteinUhlenbeck(from_mapping(setting["law"]), setting["t_min"], setting["t_max"])
    budget = float(SECONDS[process.mixture.dimension > 1] if seconds is None else seconds)
    check_effort(rtol, budget)
    students, started = results.students, time.perf_counter()
    folder = None if out is None else file_path(out, "out", "the name of a directory") / ".certflow"
    search = _Search(process, rtol, budget, _Kept(folder))
    shown = _shown(results)
    found: dict[Name, dict[str, Any]] = {}
    order = _order(students)
    for done, name in enumerate(order):
        if progress is not None:
            progress(done, len(order), f"enclosing {name[0]}, K = {name[1]}")
        found[name] = search.entry(students[name], len(order) - done)
    rows, errs = [], []
    for row in results.rows:
        name = (row["grid"], row["segments"], row["seed"])
        entry = dict(found.get(name, _none("a segment diverged")))
        cells = entry.pop("cells", None)
        if cells is not None and name in shown:
            errs.append({"grid": name[0], "segments": name[1], "seed": name[2], **cells})
        rows.append(row | entry)
    taken = setting.get("seconds", {}) | {"enclosing": round(time.perf_counter() - started, 3)}
    told = {
        "rtol": str(rtol),
        "enclosed": sum(row["relative_mse_enclosure"] is not None for row in rows),
        "complete": sum(row["enclosure_complete"] for row in rows),
        "students": len(rows),
    }
    return replace(results, rows=tuple(rows), setting={**setting, "seconds": taken, "enclosures": told, "errs": errs})


def _order(students: Mapping[Name, Any]) -> list[Name]:
    """Seed by seed, so that a short budget compares grids; the first with most segments last."""
    seeds = list(dict.fromkeys(seed for _, _, seed in students))
    return sorted(students, key=lambda name: (seeds.index(name[2]), name[1]))


def _shown(results: Results) -> set[Name]:
    """The students of which cells are shown: the first seed at the largest K, in more dimensions two grids."""
    largest, seed = results.segments()[-1], results.rows[0]["seed"]
    grids = results.grids()
    if results.setting["dimension"] > 1:
        ran = {grid: results.spread(grid, largest) for grid in grids}
        fine = {grid: spread.mean for grid, spread in ran.items() if spread is not None and spread.count}
        grids = [
            grid for grid in dict.fromkeys((BASELINE, min(fine, key=lambda g: fine[g], default=""))) if grid in fine
        ]
    return {(grid, largest, seed) for grid in grids}


class _Search:
    """Enclosures one after another, each different student once, within a number of seconds for all of them."""

    def __init__(self, process: OrnsteinUhlenbeck, rtol: Any, seconds: float, kept: _Kept):
        self.process, self.rtol, self.kept = process, rtol, kept
        self.until = time.monotonic() + seconds
        self.refused: str | None = None
        self.begun = False
        self.law = json.dumps(to_mapping(process.mixture), sort_keys=True)

    def entry(self, student: Any, left: int) -> dict[str, Any]:
        """What a row says of its student; `left` are still to come, this one included."""
        if self.refused is not None:
            return _none(self.refused)
        try:
            key = self._key(student)
        except InputError as refused:  # of this student's numbers: nothing is said of others
            return _none(f"not enclosed: {refused}")
        known = self.kept.get(key)
        if known is not None:
            return known
        seconds = self.until - time.monotonic()
        if not seconds > 0:
            return _none("the seconds for all students were spent before")
        share = FIRST if self.process.mixture.dimension > 1 and not self.begun else 1 / left
        self.begun = True
        try:
            error = student_error(self.process, student, student.times, self.rtol, max(seconds * share, 1e-3))
        except InputError as refused:
            self.refused = f"not enclosed: {refused}"  # of this law or this kind of map: true of the others too
            return _none(self.refused)
        except NoEnclosure as failed:
            return _none(f"not enclosed: {failed}")
        found = {
            "relative_mse_enclosure": [float_below(error.lower), -float_below(-error.upper)],
            "enclosure_complete": error.complete,
            "cells": _cells(error),
        }
        self.kept.put(key, found)
        return found

    def _key(self, student: Any) -> str:
        """A hash of everything that the enclosure depends on: the numbers of the maps, the law, the times, the code."""
        from certflow import __version__

        digest = hashlib.sha256(f"{__version__}\n{self.law}\n{student.times!r}\n{self.rtol}".encode())
        for one in read_maps(student):
            digest.update(f"{one.activation} {one.skip!r}".encode())
            for part in (*one.weights, *one.biases, one.input_mean, one.input_scale, one.output_mean, one.output_scale):
                digest.update(f"{part.shape}".encode() + np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()


class _Kept:
    """Enclosures by key, in memory and, with a folder, in files of their own."""

    def __init__(self, folder: Path | None):
        self.folder = folder
        self.known: dict[str, dict[str, Any]] = {}

    def _path(self, key: str) -> Path | None:
        return None if self.folder is None else self.folder / f"enclosure-{key[:24]}.json"

    def get(self, key: str) -> dict[str, Any] | None:
        path = self._path(key)
        if key not in self.known and path is not None and path.is_file():
            try:
                read = json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                return None
            if isinstance(read, dict) and read.get("key") == key:
                self.known[key] = read["found"]
        return self.known.get(key)

    def put(self, key: str, found: dict[str, Any]) -> None:
        self.known[key] = found
        path = self._path(key)
        if path is not None and found["enclosure_complete"]:  # what ran out of seconds may do better with more
            write_text_atomic(path, json.dumps({"key": key, "found": found}))


def _none(reason: str) -> dict[str, Any]:
    line = " ".join(reason.split())
    return {"relative_mse_enclosure": None, "enclosure_complete": False, "enclosure_reason": line}


def _cells(error: StudentError) -> dict[str, Any]:
    """The cells with the largest parts, to six digits, for a picture."""
    cells: StudentCells = error.cells
    order = np.sort(np.argsort(-cells.part_high, kind="stable")[:MOST_CELLS])
    names = ("low", "high", "bound", "part_low", "part_high")
    listed = {name: _rounded(getattr(cells, name)[order]) for name in names}
    return {"end": cells.end, "tail": float(f"{float(error.tail):.6g}"), "cells": len(cells.bound), **listed}


def _rounded(values: Any) -> Any:
    return [_rounded(one) for one in values] if np.ndim(values) else float(f"{float(values):.6g}")

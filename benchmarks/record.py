"""The record of performance: the hot paths measured, their history, and whether one has lost its speed.

    python benchmarks/record.py             measure all hot paths and append them to benchmarks/history.jsonl
    python benchmarks/record.py --check     measure, compare with this kind of machine's history, append nothing
    python benchmarks/record.py --draw      draw the history: docs/performance.svg

A figure is the CPU time of a path over that of fixed work beside it. The check ends with 0 where nothing was lost, with
1 and the names of the paths that lost at least 20 %, with 3 where the history has nothing of this kind of machine, and
with 2 on bad usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from recording.drawing import drawn
from recording.history import HISTORY, Row, Unreadable, append, comparable, machine, read, rows_of
from recording.losses import Measure, losses
from recording.measuring import measured
from recording.paths import PATHS

PICTURE = Path(__file__).parents[1] / "docs" / "performance.svg"


class OneLine(argparse.ArgumentParser):
    """Bad usage in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"record.py: {message}\n")


def main(arguments: Sequence[str] | None = None, measure: Measure = measured) -> int:
    """What the command line asks for; the exit code."""
    parser = OneLine(description="record of performance: measure the hot paths and append them to the history")
    task = parser.add_mutually_exclusive_group()
    task.add_argument("--check", action="store_true", help="compare with the history instead, and append nothing")
    task.add_argument("--draw", action="store_true", help="draw the history instead of measuring")
    parser.add_argument("--history", type=Path, default=HISTORY, help="another file")
    parser.add_argument("--picture", type=Path, default=PICTURE, help="another file for --draw")
    parser.add_argument("--only", default="", metavar="TEXT", help="the paths whose names have this text")
    asked = parser.parse_args(arguments)
    names = [path.name for path in PATHS if asked.only in path.name]
    if not names:
        every = "; ".join(path.name for path in PATHS)
        parser.error(f"--only: got {asked.only!r}; required: a part of the name of a hot path: {every}")
    try:
        rows = read(asked.history)
        if asked.draw:
            asked.picture.write_text(drawn(rows), encoding="utf-8")
            return 0
        if asked.check:
            known = {name: found for name, found in comparable(rows, machine()).items() if name in names}
            return check(known, names, measure)
        found = rows_of(measure(names))
        append(asked.history, found)
    except (OSError, Unreadable) as error:
        parser.error(str(error))
    for row in found:
        print(f"{row.path}: {row.ratio:.4g} of {row.peer}, spread {row.spread:.1%}, {row.milliseconds:.4g} ms")
    return 0


def check(known: dict[str, list[Row]], names: list[str], measure: Measure) -> int:
    """Print what was lost, and what has no history; the exit code."""
    if not known:
        print(f"no history of this kind of machine: {machine()}")
        return 3
    found = losses(known, measure)
    for loss in found:
        last = known[loss.path][-1]
        print(
            f"lost: {loss.path}: {loss.ratio:.4g} of {last.peer}, {loss.ratio / loss.best - 1:+.0%} on the best held, "
            f"{loss.best:.4g}; last recorded {last.ratio:.4g} of {last.commit}, {last.date}, {last.versions}"
        )
    for name in names:
        if name not in known:
            print(f"no history: {name}")
    print(f"{len(found)} of {len(known)} hot paths have lost their speed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

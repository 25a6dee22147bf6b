"""Which hot paths have lost their speed, compared with what they held; none is accused by one measurement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from recording.history import Row
from recording.measuring import Figure

#: A path is lost from so many times the best that it held: unchanged paths differ by up to 1.09 from record to record.
LIMIT = 1.2
#: How many records are looked back on, how many in a row a level must be held for, and measurements before a verdict.
LAST, HELD, MEASUREMENTS = 10, 3, 3

Measure = Callable[[Iterable[str]], Mapping[str, Figure]]


@dataclass(frozen=True)
class Loss:
    """A path, the least ratio of all measurements, and the best that it held."""

    path: str
    ratio: float
    best: float


def best_held(rows: Sequence[Row]) -> float:
    """The least median of `HELD` records in a row, of the last `LAST`: one lucky record sets no level, and a path that
    loses a little each time is held against what it was."""
    ratios = [row.ratio for row in rows[-LAST:]]
    return min(median(ratios[i : i + HELD]) for i in range(max(1, len(ratios) - HELD + 1)))


def losses(known: Mapping[str, Sequence[Row]], measure: Measure) -> list[Loss]:
    """The paths that took at least `LIMIT` times the best that they held in every one of `MEASUREMENTS` measurements.

    known : what was recorded of each path, oldest first; measure : figures of the paths named
    """
    best = {name: best_held(rows) for name, rows in known.items()}
    least = dict.fromkeys(best, float("inf"))
    suspects = list(best)
    for _ in range(MEASUREMENTS):
        if not suspects:
            break
        figures = measure(suspects)
        least |= {name: min(least[name], figures[name].ratio) for name in suspects}
        suspects = [name for name in suspects if least[name] >= LIMIT * best[name]]
    return [Loss(name, least[name], best[name]) for name in suspects]

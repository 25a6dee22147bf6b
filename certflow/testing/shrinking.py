"""The smallest counterexample: the simplest point and time at which the code is still wrong, by batched trials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from certflow.numbers.arrays import Floats, Points, Times
from certflow.testing.rows import Rows

#: Times that are good to read, best first: of the OU process, of sigma, of a share of a schedule, of 1,000 steps.
SIMPLE_TIMES = (1.0, 0.5, 2.0, 0.25, 3.0, 0.125, 0.0625, 0.03125, 4.0, 8.0, 0.75, 100.0, 500.0, 10.0, 900.0)

#: Simpler rows are taken where their error is at least so many times the tolerance, or that of the first row.
_PLAIN_ENOUGH = 10.0

#: Coordinates that are good to read, best first.
_SIMPLE = (1.0, -1.0, 0.5, -0.5, 2.0, 0.25, 3.0)

#: So many simple rows are tried at once; most often one of them will do.
_TRIED = 32

#: So many coordinates are tried one by one.
_AXES = 16


def smallest(row: Rows, target: Any, excess: Callable[[Rows], Floats]) -> Rows:
    """The simplest row found that is wrong, from one that is.

    `excess(rows)` is how many times the tolerance the errors are, 0 where a row is right. First rows of simple numbers
    are tried, all in one call; if none is wrong, the numbers of the given row become simpler one by one.
    """
    start = excess(row)[0]
    least = min(_PLAIN_ENOUGH, start) if start > 0 else np.inf

    def first(rows: Rows) -> Rows | None:
        for some in (rows[:_TRIED], rows[_TRIED:]):
            bad = excess(some) >= least if len(some) else np.array([False])
            if bad.any():
                return some[[int(np.argmax(bad))]]
        return None

    found = first(target.simple(row))
    if found is not None:
        return found
    for step in range(len(target.simpler(row))):
        row = first(target.simpler(row)[step]) or row
    return row


def simple_pairs(like: Points, times: list[float]) -> tuple[Points, Times]:
    """Points (n, d) with times (n,): the origin, multiples of a coordinate vector, of all ones; the simplest first."""
    d = len(like)
    axes = np.eye(d)[: min(d, _AXES)]
    points = [np.zeros(d), *(c * axis for c in _SIMPLE for axis in axes)]
    if d > 1:
        points += [c * np.ones(d) for c in _SIMPLE]
    ranked = sorted((i + 4 * j, i, j) for i in range(len(points)) for j in range(len(times)))
    x = np.array([points[i] for _, i, _ in ranked]).reshape(-1, d)
    return x, np.array([times[j] for _, _, j in ranked])


def simpler_pairs(x: Points, t: float) -> list[tuple[Points, Times]]:
    """For the time, then for all coordinates and for each of them: choices in which it has fewer digits."""
    times = [float(f"{t:.{digits}g}") for digits in (1, 2, 3)]
    steps = [(np.tile(x, (len(times), 1)), np.array(times))]
    eighths = np.round(8 * x) / 8
    steps.append((np.array([np.round(x), np.round(2 * x) / 2, eighths, np.round(x, 2)]), np.full(4, t)))
    for i in range(min(len(x), _AXES)):
        choices = np.tile(x, (4, 1))
        choices[:, i] = 0.0, np.round(x[i]), eighths[i], np.round(x[i], 2)
        steps.append((choices, np.full(4, t)))
    return steps

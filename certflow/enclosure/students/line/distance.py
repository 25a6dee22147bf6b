"""`sup |Psi - Phi|` over an interval of the noise end, in one dimension, by branch and bound (proofs/C1.md)."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from certflow.enclosure.students.line.error import FLOOR, MOST_CELLS, START, Local, degree_for, local_errors
from certflow.enclosure.students.line.flow import LineFlow, between
from certflow.enclosure.students.maps import ExactMap
from certflow.enclosure.students.rounding import UNIT
from certflow.errors import NoEnclosure
from certflow.numbers.arrays import Flags, Floats


@dataclass(frozen=True)
class Supremum:
    """`lower <= sup |Psi - Phi| <= upper`; the cells of the data end that were decided, and the last ones."""

    lower: float
    upper: float
    local: Local
    complete: bool


def supremum(
    flow: LineFlow, maps: list[ExactMap], interval: tuple[float, float], rtol: float, seconds: float
) -> Supremum:
    """The supremum over `x` of `interval` until `upper - lower <= rtol upper`, or for so many seconds.

    The cells cover `[Phi(low), Phi(high)]`, its ends rounded outwards. Those whose bound is at most
    `(1 + rtol / 2)` times the largest error proved at a centre are left; the others are halved.

    Raises
    ------
    NoEnclosure : no finite upper end within the budget.
    """
    until = time.monotonic() + seconds
    first, last = flow.image(interval[0]), flow.image(interval[1])
    within = first[1], last[0]
    degree = degree_for(rtol)
    local = local_errors(flow, maps, between(first[0], last[1], START), degree)
    best, work = 0.0, len(local.radius)
    floor = FLOOR * float(flow.data.second_moment.mid()) ** 0.5
    while True:
        inside = (local.cells.centre >= within[0]) & (local.cells.centre <= within[1])
        at_centre = np.abs(local.coefficients[0]) * (1 - 4 * UNIT) - local.radius
        best = max(best, float(np.where(inside, at_centre, 0.0).max(initial=0.0)))
        split = worth_halving(local.largest, best * (1 + rtol / 2)) & local.cells.divisible()
        told = float(local.largest.max()) > floor
        if not told or not split.any() or work >= MOST_CELLS or time.monotonic() >= until:
            break
        new = local_errors(flow, maps, local.cells.where(split).halves(), degree)
        local, work = Local.joined([local.where(~split), new]), work + len(new.radius)
        local = local.where((local.cells.high >= first[0]) & (local.cells.low <= last[1]))
    found = local.where(np.argsort(local.cells.centre))
    upper = float(found.largest.max())
    if not upper < math.inf:
        raise NoEnclosure("no finite bound of the student's distance within the budget")
    return Supremum(best, upper, found, upper - best <= rtol * upper)


def worth_halving(bounds: Floats, wanted: float) -> Flags:
    """Cells whose bound is above what is wanted and not much below the largest, which is halved first."""
    largest = float(bounds.max())
    found: Flags = (bounds > wanted) & (bounds >= largest / 4)
    return found

"""`Psi'` of a student in one dimension on cells of the noise end: its largest size, and where it may fall.

proofs/C3.md. Where maps have kinks `Psi'` is the derivative almost everywhere, whose essential supremum is the
Lipschitz constant all the same.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from certflow.enclosure.students.activations import SMOOTH
from certflow.enclosure.students.line.distance import worth_halving
from certflow.enclosure.students.line.error import BATCH, MOST_CELLS, START
from certflow.enclosure.students.line.flow import Cells, between
from certflow.enclosure.students.maps import ExactMap
from certflow.enclosure.students.push import push_derivatives
from certflow.enclosure.students.rounding import up
from certflow.enclosure.students.taylor import Basis, Models, constant
from certflow.errors import NoEnclosure
from certflow.numbers.arrays import Flags, Floats, Indices

DEGREE = 3


@dataclass(frozen=True)
class Slopes:
    """Models of `Psi` and `Psi'` on cells of the noise end: coefficients, shape (degree + 1, cells), and remainders."""

    cells: Cells
    values: Models
    slopes: Models

    @property
    def low(self) -> Floats:
        """At most `Psi'` on the cell."""
        return self.slopes.coefficients[0, :, 0] - self._spread

    @property
    def high(self) -> Floats:
        """At least `Psi'` on the cell."""
        return self.slopes.coefficients[0, :, 0] + self._spread

    @property
    def _spread(self) -> Floats:
        c, r = self.slopes
        size = np.abs(c[1:, :, 0]).sum(0) + r[:, 0]
        return up(size + 2.0**-50 * np.abs(c[0, :, 0]), len(c) + 4)

    @property
    def steepest(self) -> Floats:
        """At least `|Psi'|` on the cell."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    @property
    def at_centre(self) -> Floats:
        """At most `|Psi'|` somewhere on the cell: at its centre, or near it."""
        c, r = self.slopes
        return np.asarray(np.maximum(np.abs(c[0, :, 0]) * (1 - 2.0**-50) - r[:, 0], 0.0))

    def where(self, flags: Flags | Indices) -> Slopes:
        """Some of the cells."""
        some = [Models(m.coefficients[:, flags], m.remainder[flags]) for m in (self.values, self.slopes)]
        return Slopes(self.cells.where(flags), *some)

    @staticmethod
    def joined(parts: Sequence[Slopes]) -> Slopes:
        """Several, one after another."""

        def models(name: str) -> Models:
            found = [getattr(part, name) for part in parts]
            return Models(
                np.concatenate([m.coefficients for m in found], axis=1), np.concatenate([m.remainder for m in found])
            )

        centres, halves = (np.concatenate(ends) for ends in zip(*(part.cells for part in parts), strict=True))
        return Slopes(Cells(centres, halves), models("values"), models("slopes"))


def slopes_on(maps: Sequence[ExactMap], cells: Cells, degree: int = DEGREE) -> Slopes:
    """The models on cells."""
    kinks = any(one.activation not in SMOOTH for one in maps)
    basis = Basis(1, degree, 2 if kinks else 0)
    parts = []
    for first in range(0, len(cells.centre), BATCH):
        some = Cells(*(ends[first : first + BATCH] for ends in cells))
        c = np.zeros((basis.terms, len(some.centre), 1))
        c[0, :, 0], c[1, :, 0] = some.centre, some.half
        one = constant(basis, np.ones((len(some.centre), 1)))
        values, slopes = push_derivatives(basis, Models(c, np.zeros(c.shape[1:])), [one], maps, kinks)
        parts.append(Slopes(some, _plain(basis, values), _plain(basis, slopes[0])))
    return Slopes.joined(parts)


def _plain(basis: Basis, models: Models) -> Models:
    """The symbols in the remainder."""
    c, r = models
    return Models(c[: basis.size], up(r + basis.symbol_size(c)))


@dataclass(frozen=True)
class Steepest:
    """`lower <= Lip(Psi) <= upper` over an interval, and the cells of it."""

    lower: float
    upper: float
    found: Slopes
    complete: bool


def steepest(maps: list[ExactMap], interval: tuple[float, float], rtol: float, seconds: float) -> Steepest:
    """`sup |Psi'|` over the interval until `upper - lower <= rtol upper`, or for so many seconds.

    Cells whose bound is at most `(1 + rtol / 2)` times the steepest slope proved so far are left, others halved.

    Raises
    ------
    NoEnclosure : no finite upper end within the budget.
    """
    until = time.monotonic() + seconds
    outer = between(*interval, START)
    # a cell that reaches beyond the interval proves nothing of it from below
    found, best, work = slopes_on(maps, outer), 0.0, START
    while True:
        inside = (found.cells.low >= interval[0]) & (found.cells.high <= interval[1])
        best = max(best, float(np.where(inside, found.at_centre, 0.0).max(initial=0.0)))
        split = worth_halving(found.steepest, best * (1 + rtol / 2)) & found.cells.divisible()
        if not split.any() or work >= MOST_CELLS or time.monotonic() >= until:
            break
        new = slopes_on(maps, found.cells.where(split).halves())
        work += len(new.cells.centre)
        found = Slopes.joined([found.where(~split), new])
        found = found.where((found.cells.high >= interval[0]) & (found.cells.low <= interval[1]))
    whole = found.where(np.argsort(found.cells.centre))
    upper = float(whole.steepest.max())
    if not upper < math.inf:
        raise NoEnclosure("no finite bound of the student's slope within the budget")
    return Steepest(best, upper, whole, upper - best <= rtol * upper)

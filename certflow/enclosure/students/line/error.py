"""`E |Psi(X) - Phi(X)|^2`, `X ~ p_T`, in one dimension, from both sides (proofs/C2.md).

At the data end, with the flow backwards: `int |Psi(Phi^-1(y)) - y|^2 p_delta(y) dy`. On a cell the error is a
polynomial `C(eta)` within `r`; the moments of `p_delta` are exact, and

    ( ||C|| - r sqrt(mass) )_+^2  <=  the part of the cell  <=  ( ||C|| + r sqrt(mass) )^2 .

Cells with the widest parts are halved. The tails by `tail.py`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from certflow.enclosure.students.line.flow import Cells, LineFlow, between
from certflow.enclosure.students.line.tail import range_of, tail_square
from certflow.enclosure.students.maps import ExactMap, lipschitz_bound
from certflow.enclosure.students.push import push
from certflow.enclosure.students.rounding import UNIT, sums, up
from certflow.enclosure.students.taylor import Basis, Models
from certflow.errors import NoEnclosure
from certflow.numbers.arrays import Flags, Floats, Indices

#: Cells at the start, most cells of one evaluation, and most cells in all.
START, BATCH, MOST_CELLS = 40, 2048, 60_000
#: Errors of this size, relative to what is mapped, are not told from none: float64 has no more digits.
FLOOR = 1e-11
#: Degrees of the models, and below which relative width the higher one serves.
COARSE, FINE, FINE_BELOW = 3, 5, 3e-3


def degree_for(rtol: float) -> int:
    """The degree that needs the least work for a relative width."""
    return FINE if rtol < FINE_BELOW else COARSE


@dataclass(frozen=True)
class Local:
    """The error `Psi(Phi^-1(y)) - y` on cells: coefficients in `eta`, shape (degree + 1, cells), within `radius`."""

    cells: Cells
    coefficients: Floats
    radius: Floats
    preimages: Floats
    preimage_errors: Floats

    @property
    def largest(self) -> Floats:
        """At least the error anywhere on the cell."""
        return up(np.abs(self.coefficients).sum(0) + self.radius, len(self.coefficients) + 1)

    def where(self, flags: Flags | Indices) -> Local:
        """Some of the cells."""
        return Local(
            self.cells.where(flags),
            self.coefficients[:, flags],
            self.radius[flags],
            self.preimages[:, flags],
            self.preimage_errors[flags],
        )

    @staticmethod
    def joined(parts: Sequence[Local]) -> Local:
        """Several, one after another."""
        return Local(
            Cells(*(np.concatenate(ends) for ends in zip(*(part.cells for part in parts), strict=True))),
            np.concatenate([part.coefficients for part in parts], axis=1),
            np.concatenate([part.radius for part in parts]),
            np.concatenate([part.preimages for part in parts], axis=1),
            np.concatenate([part.preimage_errors for part in parts]),
        )


def local_errors(flow: LineFlow, maps: Sequence[ExactMap], cells: Cells, degree: int) -> Local:
    """The student's error on cells: the flow's error is a symbol of its models."""
    basis = Basis(1, degree, 1)
    parts = []
    for first in range(0, len(cells.centre), BATCH):
        some = Cells(*(ends[first : first + BATCH] for ends in cells))
        x, error = flow.preimages(some, degree)
        c = np.zeros((basis.terms, len(some.centre), 1))
        c[: degree + 1, :, 0], c[basis.size, :, 0] = x, error
        found = push(basis, Models(c, np.zeros((len(some.centre), 1))), maps)
        result = found.coefficients[:, :, 0].copy()
        result[0] -= some.centre
        result[1] -= some.half
        rounding = 2 * UNIT * np.abs(result[:2]).sum(0)
        radius = up(found.remainder[:, 0] + np.abs(result[basis.size]) + rounding)
        parts.append(Local(some, result[: basis.size], radius, x, error))
    return Local.joined(parts)


def parts_of(flow: LineFlow, local: Local) -> tuple[Floats, Floats]:
    """Below and above what each cell adds to the mean square."""
    c = local.coefficients
    most = 2 * (len(c) - 1)
    moments = np.empty((most + 1, c.shape[1]))
    errors = np.empty_like(moments)
    for i, (centre, half) in enumerate(zip(*local.cells, strict=True)):
        for k, ball in enumerate(flow.data.moments(float(centre), float(half), most)):
            moments[k, i] = float(ball.mid()) if ball.is_finite() else 0.0
            errors[k, i] = float(ball.rad()) if ball.is_finite() else math.inf
    mass = up(moments[0] * (1 + 2 * UNIT) + errors[0])
    square = np.zeros(c.shape[1])
    for i in range(len(c)):
        for j in range(len(c)):
            square += c[i] * c[j] * moments[i + j]
    sizes = np.abs(c).sum(0)
    slack = up(sizes * sizes * ((4 * len(c) ** 2 + 16) * UNIT * mass + up(errors.max(0))), 16)
    spread = up(local.radius * np.sqrt(mass))
    with np.errstate(invalid="ignore"):
        root_low = np.sqrt(np.maximum(square - slack, 0.0)) * (1 - 8 * UNIT) - spread * (1 + 8 * UNIT)
        low = np.maximum(root_low, 0.0) ** 2 * (1 - 8 * UNIT)
        root_high = up(np.sqrt(np.maximum(square, 0.0) + slack) + spread)
        high = up(root_high * root_high)
    return np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, np.inf)


@dataclass(frozen=True)
class MeanSquare:
    """`lower <= E |Psi - Phi|^2 <= upper`, and the cells: what each adds, and the tails, which the upper end has."""

    lower: float
    upper: float
    local: Local
    low: Floats
    high: Floats
    tail: float
    complete: bool


def mean_square(flow: LineFlow, maps: list[ExactMap], rtol: float, seconds: float) -> MeanSquare:
    """`E |Psi(X) - Phi(X)|^2` until `upper - lower <= rtol upper`, or for so many seconds.

    Raises
    ------
    NoEnclosure : no finite upper end within the budget.
    """
    until = time.monotonic() + seconds
    degree = degree_for(rtol)
    lipschitz = lipschitz_bound(maps)
    scale = float(flow.data.second_moment.mid())
    low_end, high_end = range_of(flow, lipschitz, FLOOR**2 * rtol * scale)
    local = local_errors(flow, maps, between(low_end, high_end, START), degree)
    low, high = parts_of(flow, local)
    while True:
        lower, upper, tail = _ends(flow, local, low, high, lipschitz)
        complete = upper - lower <= rtol * upper
        if complete or upper <= FLOOR**2 * scale or time.monotonic() >= until or len(low) >= MOST_CELLS:
            break
        split = _widest(high - low, rtol * upper) & local.cells.divisible()
        if not split.any():
            break
        new = local_errors(flow, maps, local.cells.where(split).halves(), degree)
        new_low, new_high = parts_of(flow, new)
        local = Local.joined([local.where(~split), new])
        low, high = np.concatenate([low[~split], new_low]), np.concatenate([high[~split], new_high])
    if not upper < math.inf:
        raise NoEnclosure("no finite bound of the student's error within the budget")
    order = np.argsort(local.cells.centre)
    return MeanSquare(lower, upper, local.where(order), low[order], high[order], tail, complete)


def _ends(flow: LineFlow, local: Local, low: Floats, high: Floats, lipschitz: float) -> tuple[float, float, float]:
    """The sums over the cells, the tails in the upper one, and the tails."""
    tail = 0.0
    for upper in (False, True):
        i = int(np.argmax(local.cells.high) if upper else np.argmin(local.cells.low))
        y = float(local.cells.high[i] if upper else local.cells.low[i])
        x = flow.preimage(y)[0 if upper else 1]  # no further out than the preimage of the end
        tail += tail_square(flow, y, x, upper, float(local.largest[i]), lipschitz)
    return *sums(low, high, tail), tail


def _widest(widths: Floats, allowed: float) -> Flags:
    """The fewest cells without which the widths sum to at most half of what is allowed."""
    order = np.argsort(widths)
    kept = np.cumsum(widths[order]) <= allowed / 2 if math.isfinite(allowed) else np.isfinite(widths[order])
    split = np.ones(len(widths), dtype=bool)
    split[order[kept]] = False
    return split

"""Where a student in one dimension keeps order, and where it folds (proofs/students.md, section 8).

On cells of the noise end, in order, with `low <= Psi'`: `forward` is at least `max_(x' <= x) Psi(x') - Psi(x)`,
`backward` at least `Psi(x) - min_(x' >= x) Psi(x')`. Cells on which both are zero and `Psi' >= 0` keep order with all
others; maximal runs of the others are folds: what lies in a fold, and nothing else, is mapped between the
images of its ends.
"""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.students.line.error import MOST_CELLS
from certflow.enclosure.students.line.flow import Cells, LineFlow, between
from certflow.enclosure.students.line.law import BITS, LineLaw, above
from certflow.enclosure.students.line.slopes import Slopes, slopes_on
from certflow.enclosure.students.line.tail import CUTS, ends_of
from certflow.enclosure.students.maps import ExactMap, lipschitz_bound
from certflow.enclosure.students.rounding import UNIT, up
from certflow.numbers.arrays import Flags, Floats
from certflow.numbers.precision import ball_precision

START = 64


@dataclass(frozen=True)
class Ranges:
    """Two ends, and whether they are as near as was asked for."""

    lower: float
    upper: float
    complete: bool


@dataclass(frozen=True)
class Order:
    """Cells in order with what they lose: shapes (cells,)."""

    slopes: Slopes
    forward: Floats
    backward: Floats
    forward_end: float
    backward_end: float

    @property
    def kept(self) -> Flags:
        """Cells that keep order with all others."""
        found: Flags = (self.forward == 0) & (self.backward == 0) & (self.slopes.low >= 0)
        return found

    @property
    def records(self) -> Flags:
        """Cells where `Psi` rises, from values that no cell before them exceeds: their images meet in ends only."""
        found: Flags = (self.forward == 0) & (self.slopes.low >= 0)
        return found

    @property
    def folds(self) -> list[tuple[int, int]]:
        """First and last cell of each fold."""
        edges = np.flatnonzero(np.diff(np.concatenate([[0], (~self.kept).astype(int), [0]])))
        return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def order_of(slopes: Slopes) -> Order:
    """What cells in order lose."""
    width = up(2 * slopes.cells.half)
    fall = np.where(slopes.low < 0, up(-width * slopes.low), 0.0)
    rise = np.where(slopes.low > 0, width * slopes.low * (1 - 2.0**-45), 0.0)
    forward, forward_end = _losses(fall, rise)
    backward, backward_end = _losses(fall[::-1], rise[::-1])
    return Order(slopes, forward, backward[::-1], forward_end, backward_end)


def _losses(fall: Floats, rise: Floats) -> tuple[Floats, float]:
    found, now = np.empty_like(fall), 0.0
    for i, (down, gain) in enumerate(zip(fall.tolist(), rise.tolist(), strict=True)):
        found[i] = most = (now + down) * (1 + 4 * UNIT)
        now = max(0.0, most - gain)
    return found, now


def masses(law: LineLaw, ends: Floats) -> tuple[Floats, Floats]:
    """Below and above the mass between neighbouring ends."""
    with ball_precision(BITS):
        points = [ball(Fraction(float(x))) for x in ends]
        tails = [(law.tails(x, False), law.tails(x, True)) for x in points]
        balls = [b[0] - a[0] if b[0] < 0.5 else a[1] - b[1] for a, b in itertools.pairwise(tails)]
        high = np.array([above(found) for found in balls])
        low = np.array([float(found.abs_lower()) * (1 - 4 * UNIT) for found in balls])
    return low, high


def start_of(flow: LineFlow, maps: list[ExactMap], rtol: float, until: float) -> Order:
    """The cells of the noise end, in order."""
    lipschitz = lipschitz_bound(maps)
    cut = next((cut for cut in CUTS if (1 + lipschitz) * math.exp(-cut * cut / 4) <= 1e-4 * rtol), CUTS[-1])
    return ordered(flow, maps, *ends_of(flow.noise, cut), rtol / 500, until)


def ordered(flow: LineFlow, maps: list[ExactMap], low: float, high: float, small: float, until: float) -> Order:
    """Cells over `[low, high]`, halved where a fold may begin or end and more than the mass `small` is at stake.

    A possible fall of at most 1e-6 of the law's width is left as it is.
    """
    shallow = 1e-6 * float(flow.data.widths.min())
    slopes = slopes_on(maps, between(low, high, START))
    while True:
        slopes = slopes.where(np.argsort(slopes.cells.centre))
        found = order_of(slopes)
        unsure = (slopes.low < 0) & (slopes.high > 0) & (-slopes.low * slopes.cells.half > shallow)
        fold = ~found.kept
        within = np.concatenate([[True], fold[:-1]]) & np.concatenate([fold[1:], [True]])
        edge = fold & (slopes.low >= 0) & ~within
        mass = flow.noise.largest() * 2 * slopes.cells.half
        split = (unsure | edge) & (mass > small) & slopes.cells.divisible()
        if not split.any() or time.monotonic() >= until or len(split) >= MOST_CELLS:
            return found
        slopes = Slopes.joined([slopes.where(~split), slopes_on(maps, slopes.cells.where(split).halves())])


def refined(order: Order, maps: list[ExactMap], parts: int) -> Order:
    """The cells of folds cut in so many parts, a power of two."""
    slopes = order.slopes
    fold = ~order.kept
    while parts > 1:
        cut = fold & slopes.cells.divisible()
        cells = slopes.cells.where(cut).halves()
        slopes = Slopes.joined([slopes.where(~cut), slopes_on(maps, cells)])
        order_now = np.argsort(slopes.cells.centre)
        slopes = slopes.where(order_now)
        fold = np.concatenate([np.zeros(int((~cut).sum()), dtype=bool), np.ones(len(cells.centre), dtype=bool)])[
            order_now
        ]
        parts //= 2
    return order_of(slopes)


def values_on(order: Order) -> tuple[Floats, Floats]:
    """The range of `Psi` on each cell, at most and at least."""
    c, r = order.slopes.values
    spread = up(np.abs(c[1:, :, 0]).sum(0) + r[:, 0] + 4 * UNIT * np.abs(c[0, :, 0]), len(c) + 1)
    return c[0, :, 0] - spread, c[0, :, 0] + spread


def value_at_end(order: Order, cell: int, right: bool) -> tuple[float, float]:
    """Two numbers between which `Psi` is at an end of a cell."""
    c, r = order.slopes.values
    signs = np.where(np.arange(len(c)) % 2 == 0, 1.0, 1.0 if right else -1.0)
    value = float((signs * c[:, cell, 0]).sum())
    error = float(up(r[cell, 0] + 16 * UNIT * np.abs(c[:, cell, 0]).sum(), 16))
    return value - error, value + error


def ends_of_cells(cells: Cells) -> Floats:
    """The ends of cells that follow each other."""
    return np.concatenate([cells.low, cells.high[-1:]])

"""Total variation between a student's output and `p_delta` in one dimension (proofs/students.md, section 8).

`1/2 int |p_T - p_delta(Psi) Psi'|` where the student keeps order; for folds from what they are mapped to.
"""

from __future__ import annotations

import math
import time
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.students.line.error import MOST_CELLS
from certflow.enclosure.students.line.flow import LineFlow
from certflow.enclosure.students.line.law import BITS, LineLaw, above
from certflow.enclosure.students.line.order import Order, Ranges, masses, order_of, value_at_end, values_on
from certflow.enclosure.students.line.slopes import Slopes, slopes_on
from certflow.enclosure.students.maps import ExactMap
from certflow.enclosure.students.rounding import UNIT, up
from certflow.enclosure.students.taylor import Basis, Models, product, total
from certflow.numbers.arrays import Flags, Floats, Indices
from certflow.numbers.precision import ball_precision

#: In units of the narrowest component, how wide the image of a cell of a fold may stay.
COARSEST = 1e-3


class Densities(NamedTuple):
    """On cells: below and above `int |p_T - p_delta(Psi) Psi'| dx`, and below `int p_T + p_delta(Psi) Psi' dx`."""

    low: Floats
    high: Floats
    sum_low: Floats

    def where(self, flags: Flags | Indices) -> Densities:
        """Some of the cells."""
        return Densities(*(part[flags] for part in self))


def total_variation(flow: LineFlow, maps: list[ExactMap], order: Order, rtol: float, until: float) -> Ranges:
    """Total variation, at most 1, between the law of the student's output and `p_delta`."""
    lost = _lost(flow, order)
    parts = _densities(flow, order.slopes)
    while True:
        kept, records = order.kept, order.records
        low, high = np.where(kept, parts.low, 0.0), np.where(kept, parts.high, 0.0)
        shared = np.where(records & ~kept, np.maximum(parts.sum_low - parts.high, 0.0), 0.0)
        folds = [_fold(flow, order, *fold, shared) for fold in order.folds] + _ends(flow, order)
        lower = (math.fsum(low) + math.fsum(f[0] for f in folds)) * (1 - 8 * UNIT) / 2 - lost
        upper = float(up(np.asarray((math.fsum(high) + math.fsum(f[1] for f in folds)) / 2 + lost), 16))
        lower, upper = max(lower, 0.0), min(upper, 1.0)
        complete = upper - lower <= rtol * upper
        if complete or time.monotonic() >= until or len(low) >= MOST_CELLS:
            return Ranges(lower, upper, complete)
        widths = np.where(records, np.minimum(parts.high, 4.0) - parts.low, 0.0)
        sequence = np.argsort(widths)
        split = np.ones(len(widths), dtype=bool)
        split[sequence[np.cumsum(widths[sequence]) <= rtol * upper / 2]] = False
        for (first, last), part in zip(order.folds, folds, strict=False):
            if part[1] - part[0] > rtol * upper / 4:
                split[first : last + 1] |= _wide(flow, order, first, last)
        split &= order.slopes.cells.divisible()
        if not split.any():
            return Ranges(lower, upper, complete)
        new = slopes_on(maps, order.slopes.cells.where(split).halves())
        joined = Slopes.joined([order.slopes.where(~split), new])
        sequence = np.argsort(joined.cells.centre)
        pairs = zip(parts.where(~split), _densities(flow, new), strict=True)
        parts = Densities(*(np.concatenate(pair) for pair in pairs)).where(sequence)
        order = order_of(joined.where(sequence))


def _wide(flow: LineFlow, order: Order, first: int, last: int) -> Flags:
    """The cells of a fold that blur its image most, if they blur it much."""
    low, high = values_on(order)
    found = (high - low)[first : last + 1]
    wide: Flags = (found > found.max() / 4) & (found > COARSEST * float(flow.data.widths.min()))
    return wide


def _densities(flow: LineFlow, slopes: Slopes) -> Densities:
    """The integrals on each cell; those with a sum are meant for cells with `Psi' >= 0`."""
    basis = Basis(1, len(slopes.values.coefficients) - 1)
    c = np.zeros_like(slopes.values.coefficients)
    c[0, :, 0], c[1, :, 0] = slopes.cells.centre, slopes.cells.half
    noise = flow.noise.density(basis, Models(c, np.zeros(c.shape[1:])))
    data = product(basis, flow.data.density(basis, slopes.values), slopes.slopes)
    difference = total(noise, data, -1.0)
    integral, slack, rest = _integral(slopes, difference)
    f = np.abs(difference.coefficients[0, :, 0])
    low = np.maximum(np.abs(integral) - slack, 0.0) * (1 - 8 * UNIT)
    high = np.where(f > rest, up(np.abs(integral) + slack), up(2 * slopes.cells.half * (f + rest)))
    both, slack, _ = _integral(slopes, total(noise, data))
    sums = (both - slack) * (1 - 8 * UNIT)
    known = [np.where(np.isfinite(part), part, 0.0) for part in (low, sums)]
    return Densities(known[0], np.where(np.isfinite(high), high, np.inf), known[1])


def _integral(slopes: Slopes, models: Models) -> tuple[Floats, Floats, Floats]:
    """The integral on each cell, how far it may be off, and what the integrand leaves its value at the centre by."""
    f, r = models.coefficients[:, :, 0], models.remainder[:, 0]
    width = 2 * slopes.cells.half
    even = np.arange(len(f)) % 2 == 0
    integral = (f[even] / (np.arange(len(f))[even] + 1)[:, None]).sum(0) * width
    slack = up(width * (r + 16 * UNIT * np.abs(f).sum(0)), len(f) + 4)
    return integral, slack, up(np.abs(f[1:]).sum(0) + r, len(f))


def _lost(flow: LineFlow, order: Order) -> float:
    """At least half of the mass of `p_T` beyond the cells."""
    cells = order.slopes.cells
    outer = _mass(flow.noise, -math.inf, float(cells.low[0])), _mass(flow.noise, float(cells.high[-1]), math.inf)
    return float(up(np.asarray((outer[0][1] + outer[1][1]) / 2)))


def _ends(flow: LineFlow, order: Order) -> list[tuple[float, float]]:
    """The mass of `p_delta` beyond the image of the first and of the last cell, where these keep order."""
    found = []
    if order.kept[0]:
        found.append(_between(flow.data, (-math.inf, -math.inf), value_at_end(order, 0, False)))
    if order.kept[-1]:
        found.append(_between(flow.data, value_at_end(order, len(order.kept) - 1, True), (math.inf, math.inf)))
    return found


def _fold(flow: LineFlow, order: Order, first: int, last: int, shared: Floats) -> tuple[float, float]:
    """Below and above what a fold adds to twice the total variation.

    Between the images `J` of its neighbours `p_delta` has the mass `n`, on the range `H` of its own values `h`; its own
    mass `m` lies on `H`. The part is at least `|m - h| + n - h >= n + max(m - 2 h, -m)`, and at most `m + n` less twice
    what both laws share on the images of cells that are apart (`shared`).
    """
    cells = order.slopes.cells
    m = _mass(flow.noise, float(cells.low[first]), float(cells.high[last]))
    low_values, high_values = values_on(order)
    h = _mass(flow.data, float(low_values[first : last + 1].min()), float(high_values[first : last + 1].max()))
    left = value_at_end(order, first - 1, True) if first else (-math.inf, -math.inf)
    right = value_at_end(order, last + 1, False) if last + 1 < len(order.kept) else (math.inf, math.inf)
    n = _between(flow.data, left, right)
    low = n[0] + max(m[0] - 2 * h[1], -m[1])
    common = math.fsum(shared[first : last + 1]) * (1 - 8 * UNIT)
    return max(low - 8 * UNIT * (n[0] + m[1] + h[1]), 0.0), float(up(np.asarray(m[1] + n[1] - common)))


def _between(law: LineLaw, left: tuple[float, float], right: tuple[float, float]) -> tuple[float, float]:
    """Below and above the mass between two points that are known between two numbers each."""
    return _mass(law, left[1], right[0])[0], _mass(law, left[0], right[1])[1]


def _mass(law: LineLaw, low: float, high: float) -> tuple[float, float]:
    """Below and above the mass of an interval, infinite ends included; zero where the ends are in the wrong order."""
    if not low < high:
        return 0.0, 0.0
    with ball_precision(BITS):
        if high == math.inf:
            found = ball(Fraction(1)) if low == -math.inf else law.tails(ball(Fraction(low)), True)
        elif low == -math.inf:
            found = law.tails(ball(Fraction(high)), False)
        else:
            least, most = masses(law, np.array([low, high]))
            return float(least[0]), float(most[0])
        return float(found.abs_lower()) * (1 - 4 * UNIT), above(found)

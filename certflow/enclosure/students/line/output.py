"""The law of a student's output in one dimension against `p_delta`: W2 and total variation, from both sides.

Where the student keeps order, its output's quantile function is `Psi o F_T^-1`, so that `W2` is the root mean square
error; a fold takes `2 int (Q - Psi) (Phi - c)` of its square away, `Q` the quantile function of what the fold is mapped
to. Total variation is `1/2 int |p_T - p_delta(Psi) Psi'|` where order is kept; a fold adds between `1/2 |mu - nu|` and
`1/2 (mu + nu)`, `mu` its mass and `nu` that of `p_delta` between the images of its ends. proofs/students.md, section 8.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.students.line.error import MOST_CELLS, MeanSquare
from certflow.enclosure.students.line.flow import LineFlow
from certflow.enclosure.students.line.law import BITS, LineLaw, above
from certflow.enclosure.students.line.order import (
    Order,
    ends_of_cells,
    masses,
    order_of,
    ordered,
    refined,
    value_at_end,
    values_on,
)
from certflow.enclosure.students.line.slopes import Slopes, slopes_on
from certflow.enclosure.students.line.tail import CUTS, ends_of
from certflow.enclosure.students.maps import ExactMap, lipschitz_bound
from certflow.enclosure.students.rounding import UNIT, up
from certflow.enclosure.students.taylor import Basis, Models, product, total
from certflow.numbers.arrays import Floats
from certflow.numbers.precision import ball_precision

#: The most parts of a cell of a fold.
FINEST = 256


@dataclass(frozen=True)
class Ranges:
    """Two ends, and whether they are as near as was asked for."""

    lower: float
    upper: float
    complete: bool


def start_of(flow: LineFlow, maps: list[ExactMap], rtol: float, until: float) -> Order:
    """The cells of the noise end, in order."""
    lipschitz = lipschitz_bound(maps)
    cut = next((cut for cut in CUTS if (1 + lipschitz) * math.exp(-cut * cut / 4) <= 1e-4 * rtol), CUTS[-1])
    return ordered(flow, maps, *ends_of(flow.noise, cut), rtol / 500, until)


def wasserstein(
    flow: LineFlow, maps: list[ExactMap], order: Order, error: MeanSquare, rtol: float, until: float
) -> Ranges:
    """`W2` of the student's output to `p_delta`."""
    lipschitz = lipschitz_bound(maps)
    cells = order.slopes.cells
    with ball_precision(BITS):
        left, right = (
            [above(part) for part in flow.noise.beyond(float(x), upper)]
            for x, upper in ((cells.low[0], False), (cells.high[-1], True))
        )
    tail = sum(
        (lipschitz + 1) * math.sqrt(square) + lost * math.sqrt(mass)
        for (mass, square), lost in ((left, order.backward_end), (right, order.forward_end))
    )
    tail = float(up(np.asarray(tail), 16))
    parts = 1
    while True:
        low_gain, high_gain = _gain(flow, order) if order.folds else (0.0, 0.0)
        root = math.sqrt(error.lower) * (1 - 4 * UNIT) - tail
        square = max(root, 0.0) ** 2 * (1 - 4 * UNIT) - high_gain
        lower = max(math.sqrt(max(square, 0.0)) * (1 - 8 * UNIT) - tail, 0.0)
        most = float(up(np.sqrt(np.asarray(error.upper))))
        top = float(up(np.asarray((most + tail) ** 2))) - low_gain
        upper = min(most, float(up(np.sqrt(np.asarray(max(top, 0.0) * (1 + 8 * UNIT))) + tail)))
        complete = upper - lower <= rtol * upper
        if complete or not order.folds or parts >= FINEST or time.monotonic() >= until:
            return Ranges(lower, upper, complete)
        if len(order.forward) >= MOST_CELLS:
            return Ranges(lower, upper, complete)
        order, parts = refined(order, maps, 4), 4 * parts


def _gain(flow: LineFlow, order: Order) -> tuple[float, float]:
    """Below and above `2 sum over folds int (Q - Psi) (Phi - c) du`."""
    low_values, high_values = values_on(order)
    low_sum = high_sum = 0.0
    for first, last in order.folds:
        some = slice(first, last + 1)
        ends = ends_of_cells(order.slopes.cells)[first : last + 2]
        least, most = masses(flow.noise, ends)
        phi = flow.images(ends)
        middle = float(phi[0][len(ends) // 2])
        below, above_ = low_values[some], high_values[some]
        q_low = _quantiles(below, least, most, False)
        q_high = _quantiles(above_, least, most, True)
        one = q_low - above_, q_high - below
        other = phi[0][:-1] - middle, phi[1][1:] - middle
        products = np.stack([a * b for a in one for b in other])
        slack = 8 * UNIT * np.abs(products).max(0) + 8 * UNIT * (np.abs(one[0]) + np.abs(one[1])) * (
            np.abs(phi[0][:-1]) + np.abs(phi[1][1:]) + abs(middle)
        )
        low, high = products.min(0) - slack, products.max(0) + slack
        low_sum += _sum(np.where(low < 0, low * most, low * least), -1)
        high_sum += _sum(np.where(high > 0, high * most, high * least), 1)
    return max(2 * low_sum, 0.0), max(2 * high_sum, 0.0)


def _sum(terms: Floats, sign: int) -> float:
    """The sum of computed products, rounded down or up."""
    return math.fsum(terms) + sign * 8 * UNIT * math.fsum(np.abs(terms))


def _quantiles(values: Floats, least: Floats, most: Floats, upper: bool) -> Floats:
    """Bounds of the quantile function of the fold's image on the part of each cell in its mass.

    They are quantiles of the law with the mass of each cell at `values`, which lie below (above) the student's on it.
    """
    order = np.argsort(values)
    up_to = np.cumsum(most[order]) * (1 + 1e-10)
    down_to = np.cumsum(least[order]) * (1 - 1e-10)
    if upper:
        level = np.cumsum(most) * (1 + 1e-10)  # the right end of each cell, at least
        place = np.searchsorted(down_to, level, side="left")
    else:
        level = np.concatenate([[0.0], np.cumsum(least)[:-1]]) * (1 - 1e-10)  # the left end of each cell, at most
        place = np.searchsorted(up_to, level, side="left")
    return values[order][np.minimum(place, len(values) - 1)]


def total_variation(flow: LineFlow, maps: list[ExactMap], order: Order, rtol: float, until: float) -> Ranges:
    """Total variation, at most 1, between the law of the student's output and `p_delta`."""
    parts = _densities(flow, order.slopes)
    while True:
        kept = order.kept
        inner = np.flatnonzero(kept)
        low, high = parts[0] * kept, parts[1] * kept
        outside = 2.0
        fold_low = fold_high = 0.0
        if len(inner):
            first, last = inner[0], inner[-1]
            outside = _outside(flow, order, int(first), int(last))
            for a, b in order.folds:
                if first < a and b < last:
                    below, top = _fold(flow, order, a, b)
                    fold_low, fold_high = fold_low + below, fold_high + top
        lower = (math.fsum(low) + fold_low) * (1 - 8 * UNIT) / 2 - outside
        upper = float(up(np.asarray((math.fsum(high) + fold_high) / 2 + outside), 16))
        lower, upper = max(lower, 0.0), min(upper, 1.0)
        complete = upper - lower <= rtol * upper
        if complete or time.monotonic() >= until or len(low) >= MOST_CELLS:
            return Ranges(lower, upper, complete)
        widths = (parts[1] - parts[0]) * kept
        widths = np.where(np.isfinite(widths), widths, 4.0)
        sequence = np.argsort(widths)
        split = np.ones(len(widths), dtype=bool)
        split[sequence[np.cumsum(widths[sequence]) <= rtol * upper / 2]] = False
        split &= order.slopes.cells.divisible()
        if not split.any():
            return Ranges(lower, upper, complete)
        new = slopes_on(maps, order.slopes.cells.where(split).halves())
        fresh = _densities(flow, new)
        joined = Slopes.joined([order.slopes.where(~split), new])
        sequence = np.argsort(joined.cells.centre)
        parts = tuple(np.concatenate([old[~split], one])[sequence] for old, one in zip(parts, fresh, strict=True))  # type: ignore[assignment]
        order = order_of(joined.where(sequence))


def _densities(flow: LineFlow, slopes: Slopes) -> tuple[Floats, Floats]:
    """Below and above `int |p_T - p_delta(Psi) Psi'| dx` on each cell."""
    basis = Basis(1, len(slopes.values.coefficients) - 1)
    c = np.zeros_like(slopes.values.coefficients)
    c[0, :, 0], c[1, :, 0] = slopes.cells.centre, slopes.cells.half
    noise = flow.noise.density(basis, Models(c, np.zeros(c.shape[1:])))
    data = product(basis, flow.data.density(basis, slopes.values), slopes.slopes)
    f, r = total(noise, data, -1.0)
    f, r = f[:, :, 0], r[:, 0]
    width = 2 * slopes.cells.half
    even = np.arange(len(f)) % 2 == 0
    integral = np.abs((f[even] / (np.arange(len(f))[even] + 1)[:, None]).sum(0)) * width
    rest = up(np.abs(f[1:]).sum(0) + r, len(f))
    slack = up(width * (r + 16 * UNIT * np.abs(f).sum(0)), len(f) + 4)
    low = np.maximum(integral - slack, 0.0) * (1 - 8 * UNIT)
    high = np.where(np.abs(f[0]) > rest, up(integral + slack), up(width * (np.abs(f[0]) + rest)))
    return np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, np.inf)


def _outside(flow: LineFlow, order: Order, first: int, last: int) -> float:
    """At least half of what both laws have outside of the cells that keep order and of what is between them."""
    cells = order.slopes.cells
    a, b = value_at_end(order, first, False)[1], value_at_end(order, last, True)[0]
    with ball_precision(BITS):
        parts = [
            flow.noise.tails(ball(Fraction(float(cells.low[first]))), False),
            flow.noise.tails(ball(Fraction(float(cells.high[last]))), True),
            flow.data.tails(ball(Fraction(a)), False),
            flow.data.tails(ball(Fraction(b)), True),
        ]
        return float(up(np.asarray(sum(above(part) for part in parts) / 2), 8))


def _fold(flow: LineFlow, order: Order, first: int, last: int) -> tuple[float, float]:
    """Below and above what a fold adds to twice the total variation."""
    cells = order.slopes.cells
    mu = masses(flow.noise, np.array([cells.low[first], cells.high[last]]))
    left, right = value_at_end(order, first - 1, True), value_at_end(order, last + 1, False)
    nu = _mass_between(flow.data, left, right)
    low = max(float(mu[0][0]) - nu[1], nu[0] - float(mu[1][0]), 0.0)
    return low * (1 - 4 * UNIT), float(up(mu[1][0] + nu[1]))


def _mass_between(law: LineLaw, left: tuple[float, float], right: tuple[float, float]) -> tuple[float, float]:
    outer = float(masses(law, np.array([left[0], right[1]]))[1][0])
    inner = float(masses(law, np.array([left[1], right[0]]))[0][0]) if left[1] < right[0] else 0.0
    return inner, outer

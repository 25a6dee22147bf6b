"""`W2` of a student's output to `p_delta` in one dimension, from both sides (proofs/students.md, section 8).

Where the student keeps order, its output's quantile function is `Psi o F_T^-1`, so that `W2` is the root mean square
error; a fold takes `2 int (Q - Psi) (Phi - c)` of its square away, `Q` the quantile function of its image.
"""

from __future__ import annotations

import math
import time

import numpy as np

from certflow.enclosure.students.line.error import MOST_CELLS, MeanSquare
from certflow.enclosure.students.line.flow import LineFlow
from certflow.enclosure.students.line.law import BITS, above
from certflow.enclosure.students.line.order import Order, Ranges, ends_of_cells, masses, refined, values_on
from certflow.enclosure.students.maps import ExactMap, lipschitz_bound
from certflow.enclosure.students.rounding import UNIT, up
from certflow.numbers.arrays import Floats
from certflow.numbers.precision import ball_precision

#: The most parts of a cell of a fold.
FINEST = 256


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
        root = max(root, 0.0)
        square = root * root * (1 - 4 * UNIT) - high_gain
        lower = max(math.sqrt(max(square, 0.0)) * (1 - 8 * UNIT) - tail, 0.0)
        most = float(up(np.sqrt(np.asarray(error.upper))))
        top = float(up(np.asarray((most + tail) * (most + tail)))) - low_gain
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

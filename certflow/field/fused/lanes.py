"""Blocks of points in lanes, compiled by Numba: what both kernels are made of.

A block holds `LANES` points, coordinate by coordinate: loops over the lanes are what the compiler vectorises, and every
point takes the same instructions wherever it stands. A matrix comes in tiles (`certflow.field.fused.tiles`), which BLAS
multiplies in the thread that asks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.field.fused.compiling import compiled, power_of_two, shifted_exponent
from certflow.field.rounding.scale import EPSILON, LEAST, LOGIT_LIMIT

#: Points of a block.
LANES = 64

#: What is asked for.
RESPONSIBILITIES, LOG_DENSITY, SCORE, VELOCITY, JACOBIAN = range(5)

#: Terms of a product from which on BLAS is faster than a loop.
LONG = 16

#: Dimension up to which covariances are summed over lanes of points, not of coordinates.
FLAT = 8

#: Coordinates below which lanes are filled and read one after the other.
_NARROW = 8

_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # the first has 21 zero bits at its end


@compiled
def exponential(a: float) -> float:
    """`e^a` for `a <= 0` to one unit in the last place, zero below `e^-708 < 4e-308`.

    `2^n e^r`, `|r| <= ln 2 / 2`, the second by Taylor's polynomial: what it leaves out is below `r^14/14! < 5e-18`.
    """
    whole, shifted = shifted_exponent(-708.0 if a < -708.0 else a)  # what is no number stays so
    r = (a - whole * _LN2_HIGH) - whole * _LN2_LOW
    s = 1 / 6227020800.0
    s = s * r + 1 / 479001600.0
    s = s * r + 1 / 39916800.0
    s = s * r + 1 / 3628800.0
    s = s * r + 1 / 362880.0
    s = s * r + 1 / 40320.0
    s = s * r + 1 / 5040.0
    s = s * r + 1 / 720.0
    s = s * r + 1 / 120.0
    s = s * r + 1 / 24.0
    s = s * r + 1 / 6.0
    s = s * r + 0.5
    s = s * r + 1.0
    s = s * r + 1.0
    power: float = s * power_of_two(shifted)
    return 0.0 if a < -708.0 else power


@compiled
def square_root(a: Any) -> None:
    """Numbers in lanes replaced by their roots."""
    for i in range(LANES):
        a[i] = np.sqrt(a[i])


@compiled
def sum_of(row: Any, lanes: Any, out: Any) -> None:
    """`sum_k a_k l_k` of numbers (t,) and lanes (>= t, LANES), two terms in one pass."""
    t = len(row)
    for i in range(LANES):
        out[i] = row[0] * lanes[0, i]
    for k in range(1, t - 1, 2):
        first, second = row[k], row[k + 1]
        for i in range(LANES):
            out[i] = out[i] + first * lanes[k, i] + second * lanes[k + 1, i]
    if t % 2 == 0:
        for i in range(LANES):
            out[i] += row[t - 1] * lanes[t - 1, i]


@compiled
def product(tiles: Any, lanes: Any, out: Any, scratch: Any) -> None:
    """`out = A lanes` of a matrix in tiles (R, T, r, t), `lanes` of shape (>= T t, LANES), `out` (>= R r, LANES)."""
    down, across, r, t = tiles.shape
    if t < LONG:  # and so one tile across
        for a in range(down):
            for row in range(r):
                sum_of(tiles[a, 0, row], lanes, out[a * r + row])
        return
    for a in range(down):
        part = out[a * r : (a + 1) * r]
        np.dot(tiles[a, 0], lanes[:t], part)
        for b in range(1, across):
            np.dot(tiles[a, b], lanes[b * t : (b + 1) * t], scratch[:r])
            for row in range(r):
                for i in range(LANES):
                    part[row, i] += scratch[row, i]


@compiled
def square(vectors: Any, count: int, out: Any) -> None:
    """The squares of vectors in lanes; none where they vanish and the vector does not, so that no bound is accepted."""
    for i in range(LANES):
        out[i] = 0.0
    for a in range(count):
        for i in range(LANES):
            out[i] += vectors[a, i] * vectors[a, i]
    for i in range(LANES):
        if out[i] < LEAST * LEAST:
            for a in range(count):
                out[i] = np.nan if vectors[a, i] != 0.0 else out[i]


@compiled
def load(x: Any, start: int, lanes: Any, squares: Any) -> None:
    """Points (N, d) from `start` on as columns, the last one repeated to the end of the block, and their `|x|^2`."""
    last = len(x) - 1
    if x.shape[1] < _NARROW and start + LANES <= len(x):
        for a in range(x.shape[1]):
            for i in range(LANES):
                lanes[a, i] = x[start + i, a]
        square(lanes, x.shape[1], squares)
        return
    for first in range(0, LANES, 8):  # a cache line of the lanes is filled at once
        for a in range(x.shape[1]):
            for i in range(first, first + 8):
                lanes[a, i] = x[min(start + i, last), a]
    square(lanes, x.shape[1], squares)


@compiled
def store(lanes: Any, start: int, out: Any) -> None:
    """The columns of lanes as rows of `out` (N, .) from `start` on."""
    count = min(LANES, len(out) - start)
    if out.shape[1] < _NARROW:
        for a in range(out.shape[1]):
            for i in range(count):
                out[start + i, a] = lanes[a, i]
    else:
        for i in range(count):
            for a in range(out.shape[1]):
                out[start + i, a] = lanes[a, i]


@compiled
def store_doubts(bounds: Any, worst: Any, squares: Any, unit: float, accepted: float, start: int, doubts: Any) -> None:
    """Where the bound exceeds the accepted part of the size of a result, says nothing, or is none.

    bounds, worst : of the result, and of the logits in units of rounding; squares : of the sizes
    """
    for i in range(LANES):
        worst[i] *= unit
        bounds[i] -= accepted * np.sqrt(squares[i])  # not their squares: those of small bounds underflow
    for i in range(min(LANES, len(doubts) - start)):
        doubts[start + i] = not ((bounds[i] <= 0.0) & (worst[i] <= LOGIT_LIMIT) & (squares[i] < np.inf))


@compiled
def raised(logits: Any, offsets: Any, top: Any) -> None:
    """`offsets`, shape (K,), added to the logits (>= K, LANES); the largest logit of each point."""
    for i in range(LANES):
        top[i] = -np.inf
    for k in range(len(offsets)):
        for i in range(LANES):
            logits[k, i] += offsets[k]
            top[i] = logits[k, i] if logits[k, i] > top[i] else top[i]


@compiled
def shares(logits: Any, count: int, top: Any, total: Any, inverse: Any) -> None:
    """`e^(l_k - top)` over the logits (>= count, LANES), their sum and its inverse."""
    for i in range(LANES):
        total[i] = 0.0
    for k in range(count):
        for i in range(LANES):
            logits[k, i] = exponential(logits[k, i] - top[i])
            total[i] += logits[k, i]
    for i in range(LANES):
        inverse[i] = 1.0 / total[i]


@compiled
def average(row: Any, weights: Any, inverse: Any, out: Any) -> None:
    """`sum_k gamma_k a_k` of numbers (K,), by the weights (>= K, LANES) and the inverse of their sum."""
    sum_of(row, weights, out)
    for i in range(LANES):
        out[i] *= inverse[i]


@compiled
def store_shares(weights: Any, count: int, inverse: Any, start: int, out: Any, other: Any) -> None:
    """The responsibilities as rows of `out` from `start` on, and the mass that is not the largest component's."""
    for i in range(LANES):
        other[i] = 0.0
    for k in range(count):
        for i in range(LANES):
            weights[k, i] *= inverse[i]
            other[i] = max(other[i], weights[k, i])
    for i in range(LANES):
        other[i] = max(1.0 - other[i], 0.0) + EPSILON
    store(weights, start, out)


@compiled
def add_outer(weights: Any, deviations: Any, doubts: Any, spread: Any, moved: Any) -> None:
    """`spread_ab += w e_a e_b` for `b <= a`, `moved += w delta |e|^2`, of deviations (d, LANES) and doubts `delta`.

    The doubts are written over.
    """
    for i in range(LANES):
        doubts[i] *= weights[i]
    for a in range(deviations.shape[0]):
        for i in range(LANES):
            moved[i] += doubts[i] * deviations[a, i] * deviations[a, i]
    pair = 0
    for a in range(deviations.shape[0]):
        for b in range(a + 1):
            for i in range(LANES):
                spread[pair, i] += weights[i] * deviations[a, i] * deviations[b, i]
            pair += 1


@compiled
def store_pairs(work: Any, inverse: Any, start: int, size: Any, moved: Any, out: Any) -> None:
    """Symmetric matrices `R - S / total` as rows of `out` from `start` on, and their squares; `moved / total`.

    Of both the lower halves, entry by entry, stand in `work` one after the other.
    """
    d = int(np.sqrt(out.shape[1]))
    pairs = d * (d + 1) // 2
    for i in range(LANES):
        size[i] = 0.0
        moved[i] *= inverse[i]
    pair = 0
    for a in range(d):
        for b in range(a + 1):
            twice = 1.0 if a == b else 2.0
            for i in range(LANES):
                work[pair, i] -= work[pairs + pair, i] * inverse[i]
                size[i] += twice * work[pair, i] * work[pair, i]
            for i in range(min(LANES, len(out) - start)):
                out[start + i, a * d + b] = work[pair, i]
                out[start + i, b * d + a] = work[pair, i]
            pair += 1


@compiled
def subtract_outer(weighted: Any, deviations: Any, doubts: Any, scratch: Any, out: Any) -> tuple[float, float]:
    """`out -= sum_k gamma_k e_k e_k^T` of one point, of `gamma_k e_k` and `e_k`, shapes (K, d).

    The square of `out` (d, d), and `sum_k gamma_k delta_k |e_k|^2` with the doubts `delta_k`, shape (K,).
    """
    moved = 0.0
    for k in range(len(deviations)):
        for a in range(len(out)):
            moved += doubts[k] * deviations[k, a] * weighted[k, a]
    for k in range(0, len(deviations), 64):
        np.dot(weighted[k : k + 64].T, deviations[k : k + 64], scratch)
        for a in range(len(out)):
            for b in range(len(out)):
                out[a, b] -= scratch[a, b]
    size = 0.0
    for a in range(len(out)):
        for b in range(len(out)):
            size += out[a, b] * out[a, b]
    return size, moved

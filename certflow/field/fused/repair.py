"""Scores and velocities of isotropic components in double-double, point by point, where the fast kernels are in doubt.

Both are `+- (sum_k gamma_k a_k - x sum_k gamma_k b_k)`: `a_k = m p_k mu_k`, and `b_k = p_k` of the score, `m^2 q_k` of
the velocity. The same formulas as the guard's (`certflow.field.guard`), in the thread that met the doubt and in one
pass, and a coarser bound; a row that stays in doubt is left to the guard.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types

from certflow.field.components import IsotropicComponents
from certflow.field.fused.compiling import Kernel, filled, kernel, known, power_of_two, rounded, shifted_exponent
from certflow.field.guard import DOUBLE_DOUBLE_UNIT, precise_components
from certflow.field.rounding import moments
from certflow.field.rounding.scale import LEAST, LOGIT_LIMIT, Scale, accepted_error, scale_of
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Flags, Floats, Indices, Points, Times
from certflow.numbers.dekker import exponential_of_rest, over, plus, times
from certflow.numbers.doubledouble import DoubleDouble

#: Computes rows of values again, and tells which are still in doubt.
Repair = Callable[[Points, Indices, Floats, Flags], None]

_OFFSETS, _HEIGHTS, _RATIOS = range(3)
_LEAST = -708.0

_alike_logits, _alike_vector = rounded(moments.alike_logits), rounded(moments.alike_vector)
_varied_logits, _varied_vector = rounded(moments.varied_logits), rounded(moments.varied_vector)


def repair_of(mixture: GaussianMixture, quantity: str, t: Times) -> Repair:
    """Of a score or a velocity at one time, shape (1,)."""
    components = precise_components(mixture, t)
    assert isinstance(components, IsotropicComponents)
    m, m2, n2 = (float(part.to_float()[0, 0]) for part in (components.m, components.m2, components.n2))
    scale: Scale = mixture.kept[scale_of]
    of_score, d = quantity == "score", mixture.dimension
    p, vectors = components.p, (components.m * components.p).T * components.means
    offsets = components.log_weights - p * components.m2 / 2 * components.parameters.square_norms
    heights = DoubleDouble(0.0)
    if not components.common:
        offsets, heights = offsets + components.arithmetic.log(p) * d / 2, p / 2
    ratios = p if of_score else components.m2 * components.q
    rows = np.empty((2, 3, mixture.n_components))
    for i, row in enumerate((offsets, heights, ratios)):
        rows[0, i], rows[1, i] = row.high, row.low
    columns = np.ascontiguousarray([vectors.high.T, vectors.low.T])
    numbers: Any
    if components.common:
        numbers = moments.alike(scale, d, m, m2, n2)
        task, size = _alike, numbers.precision if of_score else numbers.slope
    else:
        numbers = moments.varied(scale, d, m, m2, n2)
        task, size = _varied, numbers.most if of_score else numbers.steepest
    numbers = numbers._replace(unit=2 * DOUBLE_DOUBLE_UNIT * scale.growth)
    sign, accepted = 1.0 if of_score else -1.0, mixture.kept[accepted_error]

    def repair(x: Points, index: Indices, values: Floats, doubts: Flags) -> None:
        task(x, index, columns, rows, numbers, float(size), sign, accepted, values, doubts)

    return repair


@rounded
def _shares(logits: Any, lows: Any) -> tuple[float, float]:
    """The exponentials of the logits less the largest, in place, and their sum."""
    top = np.argmax(logits)
    high, low = logits[top], lows[top]
    for k in range(len(logits)):
        a, a_low = plus(logits[k], lows[k], -high, -low)
        a, a_low = max(a, _LEAST), a_low if a > _LEAST else 0.0
        n, shifted = shifted_exponent(a)
        e, e_low = exponential_of_rest(a, a_low, n)
        power = power_of_two(shifted)
        logits[k], lows[k] = e * power, e_low * power
    total, total_low = 0.0, 0.0
    for k in range(len(logits)):
        total, total_low = plus(total, total_low, logits[k], lows[k])
    return total, total_low


@rounded
def _mean(shares: Any, lows: Any, row: Any, row_low: Any, total: float, total_low: float) -> tuple[float, float]:
    s, s_low = 0.0, 0.0
    for k in range(len(row)):
        p, p_low = times(shares[k], lows[k], row[k], row_low[k])
        s, s_low = plus(s, s_low, p, p_low)
    return over(s, s_low, total, total_low)


@rounded
def _at(x: Any, columns: Any, rows: Any, sign: float, work: Any, out: Any) -> tuple[float, float]:
    """The result at one point, and the norms of the point and of the result."""
    logits, lows = work[0], work[1]
    square, square_low = 0.0, 0.0
    for a in range(len(x)):
        p, p_low = times(x[a], 0.0, x[a], 0.0)
        square, square_low = plus(square, square_low, p, p_low)
    for k in range(len(logits)):
        h, h_low = times(rows[0, _HEIGHTS, k], rows[1, _HEIGHTS, k], square, square_low)
        logits[k], lows[k] = plus(rows[0, _OFFSETS, k], rows[1, _OFFSETS, k], -h, -h_low)
    for a in range(len(x)):
        for k in range(len(logits)):
            p, p_low = times(columns[0, a, k], columns[1, a, k], x[a], 0.0)
            logits[k], lows[k] = plus(logits[k], lows[k], p, p_low)
    total, total_low = _shares(logits, lows)
    ratio, ratio_low = _mean(logits, lows, rows[0, _RATIOS], rows[1, _RATIOS], total, total_low)
    size = 0.0
    for a in range(len(x)):
        mean, mean_low = _mean(logits, lows, columns[0, a], columns[1, a], total, total_low)
        p, p_low = times(ratio, ratio_low, x[a], 0.0)
        mean, mean_low = plus(mean, mean_low, -p, -p_low)
        out[a] = sign * (mean + mean_low)
        size += out[a] * out[a]
    return np.sqrt(square), np.sqrt(size)


@rounded
def _in_doubt(bound: float, worst: float, norm_x: float, size: float, accepted: float) -> bool:
    """Where the bound exceeds the accepted part of the size, or says nothing; `worst` : the error of a logit."""
    return not (bound <= accepted * size and worst <= LOGIT_LIMIT and norm_x >= LEAST and size < np.inf)


def _kernel(moments_of: Any) -> Callable[[Kernel], Kernel]:
    index = types.Array(types.int64, 1, "C", readonly=True)
    numbers = types.NamedUniTuple(types.float64, len(moments_of._fields), moments_of)
    results = filled(2), types.Array(types.boolean, 1, "C")
    return kernel(known(2), index, known(3), known(3), numbers, *3 * [types.float64], *results, contracted=False)


@_kernel(moments.Alike)
def _alike(
    x: Any, index: Any, columns: Any, rows: Any, s: Any, of: Any, sign: Any, accepted: Any, values: Any, doubts: Any
) -> None:
    work, root = np.empty((2, rows.shape[2])), s.precision * s.distance
    for n in index:
        norm_x, size = _at(x[n], columns, rows, sign, work, values[n])
        delta, worst = _alike_logits(s, norm_x, s.distance, root, 0.0)
        bound = _alike_vector(s, of, delta, root, norm_x, s.distance, 0.0)
        doubts[n] = _in_doubt(bound, s.unit * worst, norm_x, size, accepted)


@_kernel(moments.Varied)
def _varied(
    x: Any, index: Any, columns: Any, rows: Any, s: Any, of: Any, sign: Any, accepted: Any, values: Any, doubts: Any
) -> None:
    work, pull = np.empty((2, rows.shape[2])), s.most * s.distance
    for n in index:
        norm_x, size = _at(x[n], columns, rows, sign, work, values[n])
        _, worst = _varied_logits(s, norm_x, s.most, pull)
        bound = _varied_vector(s, of, worst, s.steepest * norm_x + pull, norm_x, pull)
        doubts[n] = _in_doubt(bound, s.unit * worst, norm_x, size, accepted)

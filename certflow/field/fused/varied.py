"""The kernel of a variance for each component: `u_k = r_k x - a_k`, `r_k = m^2 q_k`, `a_k = m p_k mu_k`.

Logits are `a_k.x + c_k - p_k |x|^2 / 2`: a product of matrices, as for one variance, and one term more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from certflow.field.fused.compiling import compiled, filled, kernel, known
from certflow.field.fused.lanes import (
    FLAT,
    JACOBIAN,
    LANES,
    LOG_DENSITY,
    RESPONSIBILITIES,
    SCORE,
    VELOCITY,
    add_outer,
    average,
    load,
    product,
    raised,
    shares,
    store,
    store_doubts,
    store_pairs,
    store_shares,
    subtract_outer,
)
from certflow.field.rounding import moments

_logits = compiled(moments.varied_logits)
_vector = compiled(moments.varied_vector)
_jacobian = compiled(moments.varied_jacobian)
_spread = compiled(moments.spread_of)
_shares_error = compiled(moments.shares_error)

#: Rows of what means are taken of: `p_k`, `r_k`, `p_k^2`, `r_k^2`, `|a_k|^2`; and `m |mu_k|`.
PRECISION, SLOPE, PRECISIONS, SLOPES, PULLS, DISTANCE = range(6)


@compiled
def _doubt(rows: Any, k: int, norm_x: float, rest: float) -> float:
    """`delta_k` of a point."""
    reach = norm_x + rows[DISTANCE, k]
    error: float = 0.5 * rows[PRECISION, k] * reach * reach + rest
    return error


@compiled
def _flat(
    lanes: Any,
    weights: Any,
    mean: Any,
    own: Any,
    vectors: Any,
    rows: Any,
    rest: float,
    norm_x: Any,
    work: Any,
    moved: Any,
) -> None:
    """The two parts of `r I - Cov_gamma(u)` over lanes of points, as `store_pairs` takes them."""
    count, d = vectors.shape
    ratios = rows[SLOPE]
    pairs = d * (d + 1) // 2
    deviations, doubts = work[2 * pairs : 2 * pairs + d], work[2 * pairs + d]
    work[: 2 * pairs] = 0.0
    moved[:] = 0.0
    for a in range(d):
        work[(a + 1) * (a + 2) // 2 - 1] = own
    for k in range(count):
        for a in range(d):
            for i in range(LANES):
                deviations[a, i] = (ratios[k] - own[i]) * lanes[a, i] - (vectors[k, a] - mean[a, i])
        for i in range(LANES):
            doubts[i] = _doubt(rows, k, norm_x[i], rest)
        add_outer(weights[k], deviations, doubts, work[pairs : 2 * pairs], moved)


@compiled
def _deep(
    i: int,
    lanes: Any,
    weights: Any,
    inverse: Any,
    mean: Any,
    own: float,
    vectors: Any,
    ratios: Any,
    doubts: Any,
    work: Any,
    out: Any,
) -> tuple[float, float]:
    """`r I - Cov_gamma(u)` of the point in lane `i`; what `subtract_outer` returns."""
    count, d = vectors.shape
    deviations, weighted = work[:count], work[count : 2 * count]
    for k in range(count):
        share = weights[k, i] * inverse[i]
        for a in range(d):
            deviations[k, a] = (ratios[k] - own) * lanes[a, i] - (vectors[k, a] - mean[a, i])
            weighted[k, a] = share * deviations[k, a]
    out[:] = 0.0
    for a in range(d):
        out[a, a] = own
    return subtract_outer(weighted, deviations, doubts, work[2 * count :], out)


@kernel(
    *(known(2), types.int64),
    *(known(4), known(4), known(2), known(1), known(2)),
    types.float64,
    types.NamedUniTuple(types.float64, len(moments.Varied._fields), moments.Varied),
    *(types.float64, filled(2), types.Array(types.boolean, 1, "C")),
)
def varied(
    x: Any,
    code: int,
    lift: Any,
    drop: Any,
    vectors: Any,
    offsets: Any,
    rows: Any,
    constant: float,
    sizes: Any,
    accepted: float,
    values: Any,
    doubts: Any,
) -> None:
    """Values (N, .) at points (N, d), and whether each row is in doubt.

    lift, drop, vectors : `a_k` as tiles of a matrix (K, d), of (d, K), and as (K, d); offsets : `c_k`
    rows : PRECISION to DISTANCE, shape (6, K)
    constant : what is added to the log-density; accepted : relative error of a row that is in no doubt
    """
    count, d = vectors.shape
    of_velocity = code in (VELOCITY, JACOBIAN)
    heights, ratios = rows[PRECISION], rows[SLOPE]
    lanes = np.zeros((lift.shape[1] * lift.shape[3], LANES))
    logits = np.zeros((max(lift.shape[0] * lift.shape[2], drop.shape[1] * drop.shape[3]), LANES))
    crosses = np.empty((count if code >= SCORE else 0, LANES))
    mean = np.zeros((drop.shape[0] * drop.shape[2], LANES))
    scratch = np.empty((64, LANES))
    work = np.zeros((17, LANES))
    top, total, inverse, squares, norm_x, size = work[0], work[1], work[2], work[3], work[4], work[5]
    delta, worst, root, bound, moved, cross = work[6], work[7], work[8], work[9], work[10], work[11]
    averages = work[12:]
    own = averages[SLOPE if of_velocity else PRECISION]
    flat = np.empty((d * (d + 2) + 1 if code == JACOBIAN and d <= FLAT else 0, LANES))
    doubts_of_one = np.empty(count)
    single = np.empty((2 * count + d if code == JACOBIAN and d > FLAT else 0, d))
    for start in range(0, len(x), LANES):
        load(x, start, lanes, squares)
        product(lift, lanes, logits, scratch)
        for k in range(count):
            half = 0.5 * heights[k]
            if code >= SCORE:
                for i in range(LANES):
                    crosses[k, i] = ratios[k] * logits[k, i]
            for i in range(LANES):
                logits[k, i] -= half * squares[i]
        raised(logits, offsets, top)
        shares(logits, count, top, total, inverse)
        for row in range(5):
            average(rows[row], logits, inverse, averages[row])
        for i in range(LANES):
            norm_x[i] = np.sqrt(squares[i])
            precision, pull = np.sqrt(averages[PRECISIONS, i]), np.sqrt(averages[PULLS, i])
            delta[i], worst[i] = _logits(sizes, norm_x[i], precision, pull)
        if code == RESPONSIBILITIES:
            store_shares(logits, count, inverse, start, values, top)
            for i in range(LANES):
                bound[i] = _shares_error(sizes.unit, delta[i], worst[i], top[i])
                size[i] = total[i] * inverse[i]
        elif code == LOG_DENSITY:
            for i in range(LANES):
                top[i] += np.log(total[i]) + constant
                bound[i] = sizes.unit * (delta[i] + 1)
                size[i] = max(1.0, top[i] * top[i])
            store(top.reshape((1, LANES)), start, values)
        else:
            product(drop, logits, mean, scratch)
            cross[:] = 0.0
            for k in range(count):
                for i in range(LANES):
                    cross[i] += logits[k, i] * crosses[k, i]
            moved[:] = 0.0
            for a in range(d):
                for i in range(LANES):
                    mean[a, i] *= inverse[i]
                    entry = averages[SLOPE, i] * lanes[a, i] - mean[a, i]
                    moved[i] += entry * entry
            for i in range(LANES):
                square = averages[SLOPES, i] * squares[i] - 2 * cross[i] * inverse[i] + averages[PULLS, i]
                root[i] = np.sqrt(_spread(square, moved[i], sizes.unit))
        if code in (SCORE, VELOCITY):
            sign = -1.0 if of_velocity else 1.0
            size[:] = 0.0
            for a in range(d):
                for i in range(LANES):
                    mean[a, i] = sign * (mean[a, i] - own[i] * lanes[a, i])
                    size[i] += mean[a, i] * mean[a, i]
            store(mean, start, values)
            factors = averages[SLOPES if of_velocity else PRECISIONS]
            for i in range(LANES):
                pull, factor = np.sqrt(averages[PULLS, i]), np.sqrt(factors[i])
                bound[i] = _vector(sizes, factor, delta[i], root[i], norm_x[i], pull)
        elif code == JACOBIAN:
            if d <= FLAT:
                _flat(lanes, logits, mean, own, vectors, rows, sizes.rest, norm_x, flat, moved)
                store_pairs(flat, inverse, start, size, moved, values)
            else:
                for i in range(min(LANES, len(x) - start)):
                    out = values[start + i].reshape((d, d))
                    for k in range(count):
                        doubts_of_one[k] = _doubt(rows, k, norm_x[i], sizes.rest)
                    size[i], moved[i] = _deep(
                        i, lanes, logits, inverse, mean, own[i], vectors, ratios, doubts_of_one, single, out
                    )
            for i in range(LANES):
                moved[i] += delta[i] * root[i] * root[i]
                slope, pull = np.sqrt(averages[SLOPES, i]), np.sqrt(averages[PULLS, i])
                bound[i] = _jacobian(sizes, moved[i], delta[i], root[i], norm_x[i], slope, pull)
        store_doubts(bound, worst, size, sizes.unit, accepted, start, doubts)

"""The kernel of a matrix for each component: `b_k = -P_k (x - m mu_k)`, or `u_k = R_k x - a_k`, `a_k = m P_k mu_k`.

The vectors of all components of a block are kept, as their deviations from the mean are wanted; `P_k y_k`, of which the
logits are made, is `u_k + x` where velocities are.
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
    LONG,
    RESPONSIBILITIES,
    SCORE,
    VELOCITY,
    add_outer,
    average,
    load,
    shares,
    square,
    square_root,
    store,
    store_doubts,
    store_pairs,
    store_shares,
    subtract_outer,
)
from certflow.field.rounding import moments

_logit = compiled(moments.full_logit)
_rounding = compiled(moments.full_rounding)
_vector = compiled(moments.full_vector)
_jacobian = compiled(moments.full_jacobian)
_spread = compiled(moments.spread_of)
_shares_error = compiled(moments.shares_error)

#: Rows of what means are taken of: squares of `p_k`, of `m^2 q_k`, of `m p_k |mu_k|`; `m^2 c_k p_k^2`.
PRECISIONS, SLOPES, PULLS, SHARP = range(4)

#: Rows of the moments of a block: the largest `|b_k|^2`, `c_k |b_k|^2`, `p_k |y_k|^2`; means of `|b_k|^2`, of the
#: squares of the other two, of `(c_k p_k |b_k|)^2`.
TOP_SCORE, TOP_HEIGHT, TOP_REACH, SCORES, HEIGHTS, REACHES, CONDITIONS = range(7)


@compiled
def _apply(matrix: Any, lanes: Any, out: Any) -> None:
    """`out = A lanes` of one matrix (d, d)."""
    d = len(matrix)
    if d >= LONG:
        np.dot(matrix, lanes, out)
        return
    for a in range(d):
        for i in range(LANES):
            out[a, i] = matrix[a, 0] * lanes[0, i]
        for b in range(1, d):
            for i in range(LANES):
                out[a, i] += matrix[a, b] * lanes[b, i]


@compiled
def _logits(
    lanes: Any,
    added: float,
    means: Any,
    offsets: Any,
    matrices: Any,
    vectors: Any,
    offset: Any,
    pulled: Any,
    logits: Any,
    scores: Any,
    reaches: Any,
    top: Any,
) -> None:
    """Logits, the vectors `A_k z - a_k` of the components, `|b_k|^2`, `|y_k|^2`; the largest logit of each point."""
    count, d = means.shape
    for i in range(LANES):
        top[i] = -np.inf
    for k in range(count):
        for a in range(d):
            for i in range(LANES):
                offset[a, i] = lanes[a, i] - means[k, a]
        _apply(matrices[k], lanes if added else offset, pulled[k])
        for i in range(LANES):
            logits[k, i] = 0.0
            scores[k, i] = 0.0
            reaches[k, i] = 0.0
        for a in range(d):
            for i in range(LANES):
                pulled[k, a, i] -= vectors[k, a]
                pull = pulled[k, a, i] + added * lanes[a, i]
                logits[k, i] += offset[a, i] * pull
                scores[k, i] += pull * pull
                reaches[k, i] += offset[a, i] * offset[a, i]
        for i in range(LANES):
            logit = offsets[k] - 0.5 * logits[k, i]
            logits[k, i] = logit
            top[i] = logit if logit > top[i] else top[i]


@compiled
def _sizes(weights: Any, inverse: Any, scores: Any, reaches: Any, tops: Any, highs: Any, found: Any) -> None:
    """The moments TOP_SCORE to CONDITIONS."""
    found[:] = 0.0
    for k in range(len(tops)):
        condition = (tops[k] * highs[k]) ** 2
        for i in range(LANES):
            share, score = weights[k, i] * inverse[i], scores[k, i]
            height, reach = tops[k] * score, highs[k] * reaches[k, i]
            found[TOP_SCORE, i] = max(found[TOP_SCORE, i], score)
            found[TOP_HEIGHT, i] = max(found[TOP_HEIGHT, i], height)
            found[TOP_REACH, i] = max(found[TOP_REACH, i], reach)
            found[SCORES, i] += share * score
            found[HEIGHTS, i] += share * height * height
            found[REACHES, i] += share * reach * reach
            found[CONDITIONS, i] += share * condition * score


@compiled
def _means(pulled: Any, weights: Any, inverse: Any, mean: Any, squares: Any) -> None:
    """`sum_k gamma_k a_k` and `sum_k gamma_k |a_k|^2`."""
    mean[:] = 0.0
    squares[:] = 0.0
    for k in range(len(pulled)):
        for a in range(len(mean)):
            for i in range(LANES):
                weighted = weights[k, i] * pulled[k, a, i]
                mean[a, i] += weighted
                squares[i] += weighted * pulled[k, a, i]
    for i in range(LANES):
        squares[i] *= inverse[i]
    for a in range(len(mean)):
        for i in range(LANES):
            mean[a, i] *= inverse[i]


@compiled
def _average_slopes(weights: Any, slopes: Any, start: int, work: Any, values: Any) -> None:
    """`sum_k gamma_k R_k` of a block, of shares (LANES, K) and rows of all `R_k` (d, K, d), as rows of `values`."""
    d = len(slopes)
    for a in range(d):
        for first in range(0, weights.shape[1], 64):
            some = np.ascontiguousarray(weights[:, first : first + 64])
            np.dot(some, slopes[a, first : first + 64], work)
            for i in range(min(LANES, len(values) - start)):
                for b in range(d):
                    known = values[start + i, a * d + b] if first else 0.0
                    values[start + i, a * d + b] = known + work[i, b]


@compiled
def _deep(
    weights: Any, inverse: Any, pulled: Any, doubts: Any, slopes: Any, start: int, size: Any, moved: Any, values: Any
) -> None:
    """`sum_k gamma_k R_k - Cov_gamma(u)` of a block, of deviations (K, d, LANES); what `subtract_outer` returns."""
    count, d = pulled.shape[:2]
    weighted, deviations = np.empty((LANES, count)), np.empty((LANES, count, d))
    single, single_doubts, averages = np.empty((count + d, d)), np.empty(count), np.empty((LANES, d))
    for k in range(count):
        for i in range(LANES):
            weighted[i, k] = weights[k, i] * inverse[i]
            for a in range(d):
                deviations[i, k, a] = pulled[k, a, i]
    _average_slopes(weighted, slopes, start, averages, values)
    for i in range(min(LANES, len(values) - start)):
        for k in range(count):
            for a in range(d):
                single[k, a] = weighted[i, k] * deviations[i, k, a]
        out = values[start + i].reshape((d, d))
        single_doubts[:] = doubts[:count, i]
        size[i], moved[i] = subtract_outer(single[:count], deviations[i], single_doubts, single[count:], out)


@kernel(
    *(known(2), types.int64),
    *(known(2), known(1), known(3), known(2)),
    *(known(1), known(1), known(2), known(3), types.float64),
    types.NamedUniTuple(types.float64, len(moments.Full._fields), moments.Full),
    *(types.float64, filled(2), types.Array(types.boolean, 1, "C")),
)
def full(
    x: Any,
    code: int,
    means: Any,
    offsets: Any,
    matrices: Any,
    vectors: Any,
    tops: Any,
    highs: Any,
    rows: Any,
    slopes: Any,
    constant: float,
    sizes: Any,
    accepted: float,
    values: Any,
    doubts: Any,
) -> None:
    """Values (N, .) at points (N, d), and whether each row is in doubt.

    means, offsets : `m mu_k`, `log w_k + 1/2 log det P_k`; matrices : `P_k`, or `R_k` for velocity and Jacobian
    vectors : `a_k` there, else zeros; tops, highs : the largest eigenvalues `c_k` of `C_k`, `p_k` of `P_k`
    rows : PRECISIONS to SHARP, shape (4, K)
    slopes : `R_k` for the Jacobian: (1, pairs, K) up to dimension FLAT, beyond (d, K, d)
    constant : what is added to the log-density; accepted : relative error of a row that is in no doubt
    """
    count, d = means.shape
    added = 1.0 if code in (VELOCITY, JACOBIAN) else 0.0
    lanes, offset, mean = np.empty((d, LANES)), np.empty((d, LANES)), np.empty((d, LANES))
    pulled = np.empty((count, d, LANES))
    logits, scores, reaches = np.empty((count, LANES)), np.empty((count, LANES)), np.empty((count, LANES))
    work = np.zeros((22, LANES))
    top, total, inverse, norm_x, size, middle = work[0], work[1], work[2], work[3], work[4], work[5]
    delta, worst, root, bound, moved = work[6], work[7], work[8], work[9], work[10]
    found, averages = work[11:18], work[18:]
    pairs = d * (d + 1) // 2
    flat = np.empty((2 * pairs if code == JACOBIAN and d <= FLAT else 0, LANES))
    for start in range(0, len(x), LANES):
        load(x, start, lanes, norm_x)
        square_root(norm_x)
        _logits(lanes, added, means, offsets, matrices, vectors, offset, pulled, logits, scores, reaches, top)
        shares(logits, count, top, total, inverse)
        _sizes(logits, inverse, scores, reaches, tops, highs, found)
        for row in range(4):
            average(rows[row], logits, inverse, averages[row])
        for row in (TOP_SCORE, SCORES, HEIGHTS, REACHES, CONDITIONS):
            square_root(found[row])
        for row in (PRECISIONS, SLOPES, PULLS):
            square_root(averages[row])
        for i in range(LANES):
            height, reach = found[HEIGHTS, i], found[REACHES, i]
            delta[i] = _logit(sizes, norm_x[i], found[SCORES, i], height, reach, np.sqrt(reach))
            height, reach = found[TOP_HEIGHT, i], found[TOP_REACH, i]
            worst[i] = _logit(sizes, norm_x[i], found[TOP_SCORE, i], height, reach, np.sqrt(reach))
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
            _means(pulled, logits, inverse, mean, moved)
            square(mean, d, middle)
            for i in range(LANES):
                root[i] = np.sqrt(_spread(moved[i], middle[i], sizes.unit))
        if code in (SCORE, VELOCITY):
            for a in range(d):
                for i in range(LANES):
                    mean[a, i] = mean[a, i] if added else -mean[a, i]
            store(mean, start, values)
            for i in range(LANES):
                if added:
                    rounding = _rounding(
                        sizes, averages[SLOPES, i], norm_x[i], averages[PULLS, i], found[CONDITIONS, i]
                    )
                else:
                    far = norm_x[i] + sizes.distance
                    rounding = _rounding(sizes, averages[PRECISIONS, i], far, 0.0, found[CONDITIONS, i])
                bound[i] = _vector(sizes, delta[i], root[i], rounding)
                size[i] = middle[i]
        elif code == JACOBIAN:
            for k in range(count):
                for a in range(d):
                    for i in range(LANES):
                        pulled[k, a, i] -= mean[a, i]
                for i in range(LANES):  # from here on `reaches` are the errors of the logits
                    score, reach = scores[k, i], highs[k] * reaches[k, i]
                    first, second = np.sqrt(score), np.sqrt(reach)
                    reaches[k, i] = _logit(sizes, norm_x[i], first, tops[k] * score, reach, second)
            if d <= FLAT:
                for pair in range(pairs):
                    average(slopes[0, pair], logits, inverse, flat[pair])
                flat[pairs:] = 0.0
                moved[:] = 0.0
                for k in range(count):
                    add_outer(logits[k], pulled[k], reaches[k], flat[pairs:], moved)
                store_pairs(flat, inverse, start, size, moved, values)
            else:
                _deep(logits, inverse, pulled, reaches, slopes, start, size, moved, values)
            for i in range(LANES):
                slope = averages[SLOPES, i]
                rounding = _rounding(sizes, slope, norm_x[i], averages[PULLS, i], found[CONDITIONS, i])
                moved[i] += delta[i] * root[i] * root[i]
                sharp, highest = averages[SHARP, i], found[TOP_SCORE, i]
                bound[i] = _jacobian(sizes, moved[i], delta[i], root[i], rounding, slope, sharp, norm_x[i], highest)
        store_doubts(bound, worst, size, sizes.unit, accepted, start, doubts)

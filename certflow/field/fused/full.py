"""The kernel of a matrix for each component: `b_k = -P_k (x - m mu_k)`, or `u_k = R_k x - a_k`, `a_k = m P_k mu_k`.

The vectors of all components of a block are kept, as their deviations from the mean are wanted; `P_k y_k`, of which the
logits are made, is `u_k + x` where velocities are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from certflow.field.fused.lanes import (
    CONDITIONS,
    FLAT,
    FOURTH,
    HEIGHTS,
    JACOBIAN,
    LANES,
    LISTED_FULL,
    LOG_DENSITY,
    LONG,
    MEAN,
    REACHES,
    RESPONSIBILITIES,
    SCORE,
    SCORES,
    SIZE,
    SQUARE,
    TOP_HEIGHT,
    TOP_REACH,
    TOP_SCORE,
    VECTORS,
    VELOCITY,
    add_outer,
    compiled,
    filled,
    kernel,
    known,
    listed,
    load,
    shares,
    square,
    store,
    store_moments,
    store_pairs,
    subtract_outer,
)


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
def _sizes(weights: Any, total: Any, scores: Any, reaches: Any, tops: Any, highs: Any, moments: Any) -> None:
    """The moments of `|b_k|`, `c_k |b_k|^2`, `p_k |y_k|^2`."""
    moments[TOP_SCORE : LISTED_FULL] = 0.0
    for k in range(len(tops)):
        condition = (tops[k] * highs[k]) ** 2
        for i in range(LANES):
            share, score = weights[k, i] / total[i], scores[k, i]
            height, reach = tops[k] * score, highs[k] * reaches[k, i]
            moments[TOP_SCORE, i] = max(moments[TOP_SCORE, i], score)
            moments[TOP_HEIGHT, i] = max(moments[TOP_HEIGHT, i], height)
            moments[TOP_REACH, i] = max(moments[TOP_REACH, i], reach)
            moments[SCORES, i] += share * score
            moments[HEIGHTS, i] += share * height * height
            moments[REACHES, i] += share * reach * reach
            moments[CONDITIONS, i] += share * condition * score


@compiled
def _means(pulled: Any, weights: Any, total: Any, mean: Any, squares: Any) -> None:
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
        squares[i] /= total[i]
    for a in range(len(mean)):
        for i in range(LANES):
            mean[a, i] /= total[i]


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


@kernel(
    *(known(2), types.int64),
    *(known(2), known(1), known(3), known(2)),
    *(known(1), known(1), known(2), known(3)),
    *(types.float64, filled(2), filled(2)),
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
    values: Any,
    moments_out: Any,
) -> None:
    """Values (N, .) and moments (LISTED_FULL + L, N) at points (N, d).

    means, offsets : `m mu_k`, `log w_k + 1/2 log det P_k`; matrices : `P_k`, or `R_k` for velocity and Jacobian
    vectors : `a_k` there, else zeros; tops, highs : the largest eigenvalues of `C_k`, `P_k`
    rows : what means are wanted of, shape (L, K)
    slopes : `R_k` for the Jacobian: (1, pairs, K) up to dimension FLAT, beyond (d, K, d)
    constant : what is added to the log-density
    """
    count, d = means.shape
    jacobians = code == JACOBIAN
    added = 1.0 if code == VELOCITY or jacobians else 0.0
    lanes, offset, mean = np.empty((d, LANES)), np.empty((d, LANES)), np.empty((d, LANES))
    pulled = np.empty((count, d, LANES))
    logits, scores, reaches = np.empty((count, LANES)), np.empty((count, LANES)), np.empty((count, LANES))
    moments = np.zeros((len(moments_out), LANES))
    top, total = np.empty(LANES), np.empty(LANES)
    pairs = d * (d + 1) // 2
    flat = np.empty((2 * pairs if jacobians and d <= FLAT else 0, LANES))
    deep = LANES if jacobians and d > FLAT else 0
    deviations, weights = np.empty((deep, count, d)), np.empty((deep, count))
    single, averages = np.empty((count + d, d)), np.empty((LANES, d))
    for start in range(0, len(x), LANES):
        load(x, start, lanes, moments[SQUARE])
        _logits(lanes, added, means, offsets, matrices, vectors, offset, pulled, logits, scores, reaches, top)
        shares(logits, count, top, total)
        _sizes(logits, total, scores, reaches, tops, highs, moments)
        listed(rows, logits, total, moments[LISTED_FULL:])
        if code == RESPONSIBILITIES:
            for k in range(count):
                for i in range(LANES):
                    logits[k, i] /= total[i]
            store(logits, start, values)
        elif code == LOG_DENSITY:
            for i in range(LANES):
                top[i] += np.log(total[i]) + constant
            store(top.reshape((1, LANES)), start, values)
        else:
            _means(pulled, logits, total, mean, moments[VECTORS])
            square(mean, d, moments[MEAN])
        if code == SCORE or code == VELOCITY:
            sign = -1.0 if code == SCORE else 1.0
            for a in range(d):
                for i in range(LANES):
                    mean[a, i] *= sign
            moments[SIZE] = moments[MEAN]
            store(mean, start, values)
        elif jacobians:
            for k in range(count):
                for a in range(d):
                    for i in range(LANES):
                        pulled[k, a, i] -= mean[a, i]
        if jacobians and d <= FLAT:
            listed(slopes[0], logits, total, flat)
            flat[pairs:] = 0.0
            moments[FOURTH] = 0.0
            for k in range(count):
                add_outer(logits[k], pulled[k], flat[pairs:], moments[FOURTH])
            store_pairs(flat, total, start, moments[SIZE], moments[FOURTH], values)
        elif jacobians:
            for k in range(count):
                for i in range(LANES):
                    weights[i, k] = logits[k, i] / total[i]
                    for a in range(d):
                        deviations[i, k, a] = pulled[k, a, i]
            _average_slopes(weights, slopes, start, averages, values)
            for i in range(min(LANES, len(x) - start)):
                for k in range(count):
                    for a in range(d):
                        single[k, a] = weights[i, k] * deviations[i, k, a]
                out = values[start + i].reshape((d, d))
                moments[SIZE, i], moments[FOURTH, i] = subtract_outer(
                    single[:count], deviations[i], single[count:], out
                )
        store_moments(moments, start, moments_out)

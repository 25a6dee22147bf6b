"""The kernel where the component velocities are `u_k = R_k x - a_k`, `R_k` a number for each or one matrix for all.

Logits are `a_k.x + c_k - p_k |x|^2 / 2`, the last term where the variances differ: what is linear in `x` costs a product of
matrices, and so does `sum_k gamma_k a_k`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from certflow.field.fused.lanes import (
    CROSS,
    FLAT,
    FOURTH,
    JACOBIAN,
    LANES,
    LISTED,
    LOG_DENSITY,
    MEAN,
    PULLED,
    RESPONSIBILITIES,
    SCORE,
    SIZE,
    SQUARE,
    VECTOR,
    VELOCITY,
    add_outer,
    compiled,
    exponential,
    filled,
    kernel,
    known,
    listed,
    load,
    product,
    shares,
    square,
    store,
    store_moments,
    store_pairs,
    subtract_outer,
)


@compiled
def _heights(logits: Any, offsets: Any, heights: Any, squares: Any, top: Any) -> None:
    """`a_k.x` made logits, and the largest of each point; `heights` are empty where all variances are one."""
    for i in range(LANES):
        top[i] = -np.inf
    for k in range(len(offsets)):
        half = 0.5 * heights[k] if len(heights) else 0.0
        for i in range(LANES):
            logit = logits[k, i] + (offsets[k] - half * squares[i])
            logits[k, i] = logit
            top[i] = logit if logit > top[i] else top[i]


@compiled
def _shares_and_cross(
    logits: Any, offsets: Any, heights: Any, ratios: Any, squares: Any, top: Any, total: Any, cross: Any
) -> None:
    """What `shares` does, and `sum_k gamma_k r_k a_k.x`."""
    for i in range(LANES):
        cross[i] = 0.0
        total[i] = 0.0
    for k in range(len(offsets)):
        for i in range(LANES):
            logit = logits[k, i]
            share = exponential(logit - top[i])
            cross[i] += share * (ratios[k] * (logit - offsets[k] + 0.5 * heights[k] * squares[i]))
            total[i] += share
            logits[k, i] = share
    for i in range(LANES):
        cross[i] /= total[i]


@compiled
def _flat_jacobian(
    lanes: Any,
    weights: Any,
    total: Any,
    mean: Any,
    vectors: Any,
    ratios: Any,
    own: Any,
    plain: Any,
    work: Any,
    fourth: Any,
) -> None:
    """`R - Cov_gamma(u)` over lanes of points: the first part and the second times `total`, in two halves of `work`."""
    count, d = vectors.shape
    pairs = d * (d + 1) // 2
    deviations = work[2 * pairs :]
    work[pairs : 2 * pairs] = 0.0
    fourth[:] = 0.0
    pair = 0
    for a in range(d):
        for b in range(a + 1):
            for i in range(LANES):
                number = own[i] if a == b else 0.0
                work[pair, i] = plain[a, b] if len(plain) else number
            pair += 1
    for k in range(count):
        for a in range(d):
            for i in range(LANES):
                moved = (ratios[k] - own[i]) * lanes[a, i] if len(ratios) else 0.0
                deviations[a, i] = moved - (vectors[k, a] - mean[a, i])
        add_outer(weights[k], deviations, work[pairs : 2 * pairs], fourth)


@compiled
def _jacobian(
    i: int,
    lanes: Any,
    weights: Any,
    total: Any,
    mean: Any,
    vectors: Any,
    ratios: Any,
    own: float,
    plain: Any,
    work: Any,
    out: Any,
) -> tuple[float, float]:
    """`R - Cov_gamma(u)` of the point in lane `i` as `out` (d, d); what `subtract_outer` returns."""
    count, d = vectors.shape
    deviations, weighted, scratch = work[:count], work[count : 2 * count], work[2 * count :]
    for k in range(count):
        share = weights[k, i] / total[i]
        for a in range(d):
            moved = (ratios[k] - own) * lanes[a, i] if len(ratios) else 0.0
            deviations[k, a] = moved - (vectors[k, a] - mean[a, i])
            weighted[k, a] = share * deviations[k, a]
    for a in range(d):
        for b in range(d):
            number = own if a == b else 0.0
            out[a, b] = plain[a, b] if len(plain) else number
    return subtract_outer(weighted, deviations, scratch, out)


@kernel(
    *(known(2), types.int64),
    *(known(4), known(4), known(2), known(1)),
    *(known(1), known(1), known(2)),
    *(known(4), known(2), types.float64, types.float64),
    *(filled(2), filled(2)),
)
def linear(
    x: Any,
    code: int,
    lift: Any,
    drop: Any,
    vectors: Any,
    offsets: Any,
    heights: Any,
    ratios: Any,
    rows: Any,
    tiles: Any,
    plain: Any,
    factor: float,
    constant: float,
    values: Any,
    moments_out: Any,
) -> None:
    """Values (N, .) and moments (LISTED + L, N) at points (N, d).

    lift, drop, vectors : `a_k` as tiles of a matrix (K, d), of (d, K), and as (K, d); offsets : `c_k`
    heights, ratios : `p_k` and `r_k`, shape (K,), empty where all variances are one
    rows : what means are wanted of, shape (L, K); where variances differ the second and third are `p_k` and `r_k`
    tiles, plain : `P`, or `R` for velocity and Jacobian, as tiles and as (d, d); empty where `factor` is the number
    constant : what is added to the log-density
    """
    count, d = vectors.shape
    varied, matrix = len(heights) > 0, len(plain) > 0
    of_velocity = code == VELOCITY or code == JACOBIAN
    lanes = np.zeros((max(lift.shape[1] * lift.shape[3], tiles.shape[1] * tiles.shape[3]), LANES))
    logits = np.zeros((max(lift.shape[0] * lift.shape[2], drop.shape[1] * drop.shape[3]), LANES))
    mean = np.zeros((drop.shape[0] * drop.shape[2], LANES))
    pulled = np.zeros((max(d, tiles.shape[0] * tiles.shape[2]), LANES))
    scratch = np.empty((64, LANES))
    moments = np.zeros((len(moments_out), LANES))
    top, total, own = np.empty(LANES), np.empty(LANES), np.full(LANES, factor)
    jacobians = code == JACOBIAN
    flat = np.empty((d * (d + 2) if jacobians and d <= FLAT else 0, LANES))
    single = np.empty((2 * count + d if jacobians and d > FLAT else 0, d))
    for start in range(0, len(x), LANES):
        load(x, start, lanes, moments[SQUARE])
        product(lift, lanes, logits, scratch)
        _heights(logits, offsets, heights, moments[SQUARE], top)
        if varied:
            _shares_and_cross(logits, offsets, heights, ratios, moments[SQUARE], top, total, moments[CROSS])
        else:
            shares(logits, count, top, total)
        listed(rows, logits, total, moments[LISTED:])
        if varied:
            own[:] = moments[LISTED + (2 if of_velocity else 1)]
        if matrix:
            product(tiles, lanes, pulled, scratch)
        else:
            for a in range(d):
                for i in range(LANES):
                    pulled[a, i] = own[i] * lanes[a, i]
        added = 1.0 if of_velocity else 0.0  # `P x = R x + x`
        for i in range(LANES):
            moments[PULLED, i] = 0.0
        for a in range(d):
            for i in range(LANES):
                pull = pulled[a, i] + added * lanes[a, i]
                moments[PULLED, i] += pull * pull
        if code == RESPONSIBILITIES:
            for k in range(count):
                for i in range(LANES):
                    logits[k, i] /= total[i]
            store(logits, start, values)
        elif code == LOG_DENSITY:
            for i in range(LANES):
                top[i] += np.log(total[i]) + constant
            if not varied:
                for a in range(d):
                    for i in range(LANES):
                        top[i] -= 0.5 * pulled[a, i] * lanes[a, i]
            store(top.reshape((1, LANES)), start, values)
        else:
            product(drop, logits, mean, scratch)
            shift = 1.0 - added if varied else -added
            for i in range(LANES):
                moments[VECTOR, i] = 0.0
            for a in range(d):
                for i in range(LANES):
                    mean[a, i] /= total[i]
                    entry = mean[a, i] - pulled[a, i] + shift * lanes[a, i]
                    moments[VECTOR, i] += entry * entry
            square(mean, d, moments[MEAN])
        if code == SCORE or code == VELOCITY:
            sign = 1.0 if code == SCORE else -1.0
            for a in range(d):
                for i in range(LANES):
                    pulled[a, i] = sign * (mean[a, i] - pulled[a, i])
            square(pulled, d, moments[SIZE])
            store(pulled, start, values)
        elif jacobians and d <= FLAT:
            _flat_jacobian(lanes, logits, total, mean, vectors, ratios, own, plain, flat, moments[FOURTH])
            store_pairs(flat, total, start, moments[SIZE], moments[FOURTH], values)
        elif jacobians:
            for i in range(min(LANES, len(x) - start)):
                out = values[start + i].reshape((d, d))
                moments[SIZE, i], moments[FOURTH, i] = _jacobian(
                    i, lanes, logits, total, mean, vectors, ratios, own[i], plain, single, out
                )
        store_moments(moments, start, moments_out)

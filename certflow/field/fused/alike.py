"""The kernel of one covariance for all: `u_k = R x - a_k`, `a_k = m P mu_k`, logits `a_k.x + c_k`.

What is linear in `x` costs a product of matrices, and so does `sum_k gamma_k a_k`.
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
    square_root,
    store,
    store_doubts,
    store_pairs,
    store_shares,
    subtract_outer,
)
from certflow.field.rounding import moments

_logits = compiled(moments.alike_logits)
_log_density = compiled(moments.alike_log_density)
_vector = compiled(moments.alike_vector)
_jacobian = compiled(moments.alike_jacobian)
_spread = compiled(moments.spread_of)
_shares_error = compiled(moments.shares_error)


@compiled
def _doubt(errors: Any, k: int, norm_x: float, pulled: float, rest: float) -> float:
    """`delta_k` of a point: of `m |mu_k|` and `|a_k|`, times the largest eigenvalues of `P`, of `C`."""
    mean: float = errors[0, k] * (norm_x + errors[1, k]) + errors[2, k] * (pulled + errors[3, k]) + rest
    return mean


@compiled
def _flat(
    weights: Any,
    mean: Any,
    vectors: Any,
    base: Any,
    errors: Any,
    rest: float,
    norm_x: Any,
    pulled: Any,
    work: Any,
    moved: Any,
) -> None:
    """The two parts of `R - Cov_gamma(a)` over lanes of points, as `store_pairs` takes them."""
    count, d = vectors.shape
    pairs = d * (d + 1) // 2
    deviations, doubts = work[2 * pairs : 2 * pairs + d], work[2 * pairs + d]
    work[pairs : 2 * pairs] = 0.0
    moved[:] = 0.0
    pair = 0
    for a in range(d):
        for b in range(a + 1):
            work[pair] = base[a, b]
            pair += 1
    for k in range(count):
        for a in range(d):
            for i in range(LANES):
                deviations[a, i] = vectors[k, a] - mean[a, i]
        for i in range(LANES):
            doubts[i] = _doubt(errors, k, norm_x[i], pulled[i], rest)
        add_outer(weights[k], deviations, doubts, work[pairs : 2 * pairs], moved)


@compiled
def _deep(
    i: int, weights: Any, inverse: Any, mean: Any, vectors: Any, base: Any, doubts: Any, work: Any, out: Any
) -> tuple[float, float]:
    """`R - Cov_gamma(a)` of the point in lane `i`; what `subtract_outer` returns."""
    count, d = vectors.shape
    deviations, weighted = work[:count], work[count : 2 * count]
    for k in range(count):
        share = weights[k, i] * inverse[i]
        for a in range(d):
            deviations[k, a] = vectors[k, a] - mean[a, i]
            weighted[k, a] = share * deviations[k, a]
    out[:] = base
    return subtract_outer(weighted, deviations, doubts, work[2 * count :], out)


@kernel(
    *(known(2), types.int64),
    *(known(4), known(4), known(2), known(1), known(1), known(1), known(2)),
    *(known(4), known(2), types.float64),
    types.NamedUniTuple(types.float64, len(moments.Alike._fields), moments.Alike),
    *(types.float64, filled(2), types.Array(types.boolean, 1, "C")),
)
def alike(
    x: Any,
    code: int,
    lift: Any,
    drop: Any,
    vectors: Any,
    offsets: Any,
    means: Any,
    pulls: Any,
    errors: Any,
    tiles: Any,
    base: Any,
    constant: float,
    sizes: Any,
    accepted: float,
    values: Any,
    doubts: Any,
) -> None:
    """Values (N, .) at points (N, d), and whether each row is in doubt.

    lift, drop, vectors : `a_k` as tiles of a matrix (K, d), of (d, K), and as (K, d); offsets : `c_k`
    means, pulls : `m^2 |mu_k|^2`, `|a_k|^2`
    errors : `p m |mu_k|`, `m |mu_k|`, `c |a_k|`, `|a_k|` with the largest eigenvalues `p` of `P`, `c` of `C`; (4, K)
    base, tiles : `P`, or `R` for velocity and Jacobian, shape (d, d), and in tiles, none where it is a multiple of `I`
    constant : what is added to the log-density; accepted : relative error of a row that is in no doubt
    """
    count, d = vectors.shape
    matrix = tiles.shape[0] > 0
    of_velocity = code in (VELOCITY, JACOBIAN)
    lanes = np.zeros((max(lift.shape[1] * lift.shape[3], tiles.shape[1] * tiles.shape[3]), LANES))
    logits = np.zeros((max(lift.shape[0] * lift.shape[2], drop.shape[1] * drop.shape[3]), LANES))
    mean = np.zeros((drop.shape[0] * drop.shape[2], LANES))
    pulled = np.zeros((tiles.shape[0] * tiles.shape[2], LANES))
    scratch = np.empty((64, LANES))
    work = np.zeros((15, LANES))
    top, total, inverse, norm_x, size = work[0], work[1], work[2], work[3], work[4]
    delta, worst, root, bound, moved = work[5], work[6], work[7], work[8], work[9]
    mean_size, pull_size, middle, pulled_size, score_size = work[10], work[11], work[12], work[13], work[14]
    flat = np.empty((d * (d + 2) + 1 if code == JACOBIAN and d <= FLAT else 0, LANES))
    doubts_of_one = np.empty(count)
    single = np.empty((2 * count + d if code == JACOBIAN and d > FLAT else 0, d))
    for start in range(0, len(x), LANES):
        load(x, start, lanes, norm_x)
        square_root(norm_x)
        product(lift, lanes, logits, scratch)
        raised(logits, offsets, top)
        shares(logits, count, top, total, inverse)
        average(means, logits, inverse, mean_size)
        square_root(mean_size)
        if matrix:
            average(pulls, logits, inverse, pull_size)
            square_root(pull_size)
            product(tiles, lanes, pulled, scratch)
            pulled_size[:] = 0.0
            for a in range(d):
                for i in range(LANES):
                    pull = pulled[a, i] + (lanes[a, i] if of_velocity else 0.0)  # `P x = R x + x`
                    pulled_size[i] += pull * pull
            square_root(pulled_size)
        else:
            for i in range(LANES):
                pull_size[i] = sizes.precision * mean_size[i]
        for i in range(LANES):
            delta[i], worst[i] = _logits(sizes, norm_x[i], mean_size[i], pull_size[i], pulled_size[i])
        if code == RESPONSIBILITIES:
            store_shares(logits, count, inverse, start, values, top)
            for i in range(LANES):
                bound[i] = _shares_error(sizes.unit, delta[i], worst[i], top[i])
                size[i] = total[i] * inverse[i]
        elif code == LOG_DENSITY:
            for i in range(LANES):
                top[i] += np.log(total[i]) + constant
            for a in range(d):
                for i in range(LANES):
                    top[i] -= 0.5 * (pulled[a, i] if matrix else base[0, 0] * lanes[a, i]) * lanes[a, i]
            store(top.reshape((1, LANES)), start, values)
            for i in range(LANES):
                bound[i] = _log_density(sizes, delta[i], norm_x[i], pulled_size[i])
                size[i] = max(1.0, top[i] * top[i])
        else:
            product(drop, logits, mean, scratch)
            middle[:] = 0.0
            for a in range(d):
                for i in range(LANES):
                    mean[a, i] *= inverse[i]
                    middle[i] += mean[a, i] * mean[a, i]
            for i in range(LANES):
                root[i] = np.sqrt(_spread(pull_size[i] * pull_size[i], middle[i], sizes.unit))
        if code in (SCORE, VELOCITY):
            sign = -1.0 if of_velocity else 1.0
            size[:] = 0.0
            for a in range(d):
                for i in range(LANES):
                    pull = pulled[a, i] if matrix else base[0, 0] * lanes[a, i]
                    mean[a, i] = sign * (mean[a, i] - pull)
                    size[i] += mean[a, i] * mean[a, i]
            store(mean, start, values)
            if matrix:
                score_size[:] = 0.0
                for a in range(d):
                    for i in range(LANES):
                        entry = mean[a, i] + (lanes[a, i] if of_velocity else 0.0)  # `s = -x - u`
                        score_size[i] += entry * entry
                square_root(score_size)
            factor = sizes.slope if of_velocity else sizes.precision
            for i in range(LANES):
                bound[i] = _vector(sizes, factor, delta[i], root[i], norm_x[i], mean_size[i], score_size[i])
        elif code == JACOBIAN:
            if d <= FLAT:
                _flat(logits, mean, vectors, base, errors, sizes.rest, norm_x, pulled_size, flat, moved)
                store_pairs(flat, inverse, start, size, moved, values)
            else:
                for i in range(min(LANES, len(x) - start)):
                    out = values[start + i].reshape((d, d))
                    for k in range(count):
                        doubts_of_one[k] = _doubt(errors, k, norm_x[i], pulled_size[i], sizes.rest)
                    size[i], moved[i] = _deep(i, logits, inverse, mean, vectors, base, doubts_of_one, single, out)
            for i in range(LANES):
                moved[i] += delta[i] * root[i] * root[i]
                bound[i] = _jacobian(sizes, moved[i], root[i], norm_x[i], mean_size[i], pulled_size[i])
        store_doubts(bound, worst, size, sizes.unit, accepted, start, doubts)

"""The guard of float64 results: an error bound for every point, and a repair where it is too large.

Rounding of the logits is what spoils a mixture's score in float64: at `|x| = 1000` and `v = 0.01` they are of
size 1e5, so near a tie the responsibilities lose five digits. For each point a first-order bound of the
error is at hand for a few operations; where it exceeds `TOLERANCE` times the result, the point is computed
again by the same formulas in double-double arithmetic (about 31 digits), and where the same bound says that
this is not enough either (next to a point where the score vanishes, say), in balls of rising precision.
The constants of the bound are generous, not proved: rigorous bounds are the business of ball arithmetic.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.arithmetic import Arithmetic, FloatArithmetic
from certflow.components import Components, IsotropicComponents, SharedComponents, components_at
from certflow.errors import InputError
from certflow.mixture import GaussianMixture

#: Relative error in norm beyond which a float64 result is not accepted.
TOLERANCE = 5e-13

#: Errors of the logits beyond which the responsibilities say nothing about their own error.
_LOGIT_LIMIT = 1e-3

#: Up to this dimension the bound by moments costs no more than the coarse one.
_SMALL_DIMENSION = 8

_UNIT = 2.0**-52
_DOUBLE_DOUBLE_UNIT = 2.0**-100

#: Double-double inverts matrices up to this size; beyond, balls are faster.
_DOUBLE_DOUBLE_SIZE = 64

#: Precisions of the balls, in bits; the last resolves numbers down to the smallest float64 squared.
_BALL_BITS = (256, 512, 1024, 2400)


def precision_ceiling(mixture: GaussianMixture, t: np.ndarray) -> np.ndarray:
    """Largest eigenvalue of any `P_k` at times `t`, shape (T,)."""
    smallest = smallest_variance(mixture)
    return 1 / (smallest * np.exp(-2 * t) - np.expm1(-2 * t))


def smallest_variance(mixture: GaussianMixture) -> float:
    """Smallest eigenvalue of any covariance, float64."""
    return float(_extremes(mixture)[0].min())


def largest_variance(mixture: GaussianMixture) -> float:
    """Largest eigenvalue of any covariance, float64."""
    return float(_extremes(mixture)[1].max())


def _extremes(mixture: GaussianMixture) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest eigenvalue of each covariance, shapes (1,) or (K,)."""
    cached = mixture.__dict__.get("_variance_extremes")
    if cached is None:
        if mixture.kind in ("shared", "full"):
            from certflow.arithmetic.floats import spectrum

            values = np.atleast_2d(spectrum(mixture.exact_covariances)[0])
            low, high = values[:, 0], values[:, -1]
            # An eigenvalue is known to within the rounding of the largest one.
            cached = (np.maximum(low, 4 * _UNIT * high), high)
        else:
            values = np.atleast_1d(mixture.covariances)
            cached = (values, values)
        mixture.__dict__["_variance_extremes"] = cached
    return cached


def _constants(mixture: GaussianMixture) -> tuple[float, float, float]:
    """`max |mu_k|`, `max |log w_k|`, and the growth of rounding errors in sums over `d` and `K` terms."""
    cached = mixture.__dict__.get("_guard_constants")
    if cached is None:
        radius = float(np.sqrt((mixture.means**2).sum(axis=1).max()))
        smallest = max(float(mixture.weights.min()), 5e-324)
        growth = 1 + (mixture.dimension**0.5 + mixture.n_components**0.5) / 16
        cached = (radius, -float(np.log(smallest)), growth)
        mixture.__dict__["_guard_constants"] = cached
    return cached


def error_bound(
    mixture: GaussianMixture,
    quantity: str,
    x: np.ndarray,
    t: np.ndarray,
    gamma: np.ndarray,
    unit: float = _UNIT,
) -> np.ndarray:
    """First-order bound of the absolute error (in norm) of a result of unit roundoff `unit`, shape (N,)."""
    low, high = _extremes(mixture)
    radius, log_weight, growth = _constants(mixture)
    unit = unit * growth
    m, m2, n2 = np.exp(-t), np.exp(-2 * t), -np.expm1(-2 * t)
    time_m2, time_n2 = m2[:, None], n2[:, None]
    p = 1 / (_outer(time_m2, low) + time_n2)  # (T, 1 or K): the largest eigenvalue of P_k
    condition = 1 if mixture.kind.endswith("isotropic") else p * (_outer(time_m2, high) + time_n2)
    q = p * np.maximum(abs(1 - low), abs(1 - high)) * condition
    pc = p * condition
    norm_x = np.sqrt((x * x).sum(axis=1))
    reach = norm_x + m * radius
    other = np.maximum(1 - gamma.max(axis=1), 0) + _UNIT
    if mixture.kind in ("common-isotropic", "shared"):
        p_mean, q_mean = pc[:, 0], q[:, 0]
        spread = m * p_mean * 2 * radius
        error = 2 * unit * (p_mean * m * radius * reach + log_weight)
        worst, mixed, pull = error, error * other, np.zeros_like(q_mean)
    else:
        p_mean, q_mean = _mean(gamma, pc), _mean(gamma, q)
        spread = 2 * m2 * q.max(axis=1) * norm_x + m * pc.max(axis=1) * 2 * radius
        rest = log_weight + mixture.dimension * (1 + np.abs(np.log(p)).max(axis=1))
        worst = 2 * unit * (pc.max(axis=1) * reach**2 + rest)
        mixed = 2 * unit * (_mean(gamma * (1 - gamma), pc) * reach**2 + other * rest) + _UNIT * worst
        pull = m2 * q.max(axis=1)  # the responsibilities move the mean of m^2 Q_k as well
    certain = worst <= _LOGIT_LIMIT
    mixed = np.where(certain, mixed, np.inf)
    if quantity == "responsibilities":
        return 2 * mixed + unit
    if quantity == "log_density":
        return np.where(certain, 0, np.inf) + 2 * unit * (p_mean * reach**2 + log_weight)
    if quantity == "jacobian":
        deviation = 3 * unit * spread
        own = 4 * unit * (m2 * q_mean + other * spread**2)
        return mixed * (3 * spread**2 + 2 * pull) + own + deviation**2
    size = p_mean * norm_x if quantity == "score" else m2 * q_mean * norm_x
    return 2 * mixed * spread + 3 * unit * (size + m * p_mean * radius)


def _mean(gamma: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`sum_k gamma_k a_k`; values of shape (T, K), T = N or 1."""
    return gamma @ values[0] if len(values) == 1 else np.einsum("nk,nk->n", gamma, values)


def _doubtful(quantity: str, bound: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The rows whose bound exceeds the tolerance, or that are not finite."""
    if quantity == "responsibilities":
        size = np.where(np.isfinite(values).all(axis=1), 1.0, np.nan)
    elif quantity == "log_density":
        size = np.maximum(1.0, np.abs(values))
    else:
        size = np.sqrt((values * values).sum(axis=tuple(range(1, values.ndim))))
    return np.flatnonzero(~((bound <= TOLERANCE * size) & np.isfinite(size)))


def doubtful_rows(
    mixture: GaussianMixture,
    quantity: str,
    x: np.ndarray,
    t: np.ndarray,
    components: Components,
    gamma: np.ndarray,
    values: np.ndarray,
) -> np.ndarray:
    """Indices of the rows of `values` whose error may exceed the tolerance, by bounds of rising cost.

    Where moments serve, few rows are left: the closest bound is then taken of all of them in `recompute`.
    """
    moments = _has_moments(mixture, quantity, t)
    with np.errstate(over="ignore", invalid="ignore"):
        if moments and mixture.dimension <= _SMALL_DIMENSION:
            return _doubtful(quantity, _moment_bound(mixture, quantity, x, components, gamma), values)
        index = _doubtful(quantity, error_bound(mixture, quantity, x, t, gamma), values)
        if not len(index):
            return index
        if len(t) > 1:
            components = components_at(mixture, components.arithmetic, t[index])
        x, gamma = components.arithmetic.by_point(x[index]), gamma.T[:, index].T
        bound = (_moment_bound if moments else _close_bound)(mixture, quantity, x, components, gamma)
        return index[_doubtful(quantity, bound, values[index])]


def _has_moments(mixture: GaussianMixture, quantity: str, t: np.ndarray) -> bool:
    isotropic = mixture.kind == "common-isotropic" or (mixture.kind == "isotropic" and len(t) == 1)
    return isotropic and quantity in ("score", "velocity", "jacobian")


def _left_by_close_bound(
    mixture: GaussianMixture, quantity: str, x: np.ndarray, t: np.ndarray, index: np.ndarray, values: np.ndarray
) -> np.ndarray:
    from certflow.field import quantity_from

    arithmetic = FloatArithmetic()
    rows = max(1, 2**18 // (mixture.n_components * mixture.dimension))
    left = []
    for start in range(0, len(index), rows):
        part = index[start : start + rows]
        points = arithmetic.by_point(x[part])
        components = components_at(mixture, arithmetic, t if len(t) == 1 else t[part])
        _, gamma = quantity_from(components, arithmetic, "responsibilities", points)
        bound = _close_bound(mixture, quantity, points, components, gamma)
        left.append(part[_doubtful(quantity, bound, values[part])])
    return np.concatenate(left)


def _moment_bound(
    mixture: GaussianMixture,
    quantity: str,
    x: np.ndarray,
    components: Any,
    gamma: np.ndarray,
) -> np.ndarray:
    """The bound of `_close_bound` by Cauchy-Schwarz, from moments of `gamma`: no array of more than N numbers.

    For score, velocity and Jacobian of isotropic covariances; with a common one the times may differ.
    """
    _, rest, growth = _constants(mixture)
    unit = 2 * _UNIT * growth
    size, means, squares = mixture.dimension, components.means, components.parameters.square_norms
    m, m2, radius = components.m[:, 0], components.m2[:, 0], float(np.sqrt(squares.max()))
    norm_x = _norm(x)
    reach = norm_x + m * radius
    # Root mean squares over `gamma` of the terms of u_k = m^2 q_k x - m p_k mu_k, and tr Cov_gamma(u_k).
    if components.common:
        p, slope = components.p[:, 0], m2 * np.abs(components.q[:, 0])
        moments = np.vstack([means.T, squares]) @ gamma.T
        push = m * p * np.sqrt(moments[size])
        terms = push * push
        spread = terms - (m * p) ** 2 * (moments[:size] ** 2).sum(axis=0)
        delta, worst = push * reach, m * p * radius * reach
    else:
        p, q = components.p[0], m2 * components.q[0]
        rows = [means.T * (m * p), means.T * (m * p * q), squares * (m * p) ** 2, p**2, q, q**2]
        moments = np.vstack(rows) @ gamma.T
        push, p, slope = np.sqrt(moments[2 * size]), np.sqrt(moments[2 * size + 1]), np.sqrt(moments[2 * size + 3])
        terms = (slope * norm_x) ** 2 + moments[2 * size]
        mean = moments[2 * size + 2] * x.T - moments[:size]
        spread = terms - (2 * x.T * moments[size : 2 * size] + mean * mean).sum(axis=0)
        rest = rest + size * (1 + np.abs(np.log(components.p)).max()) / 4
        delta = norm_x * (p * norm_x / 2 + push) + push * (m * radius / 2)
        worst = components.p.max() * reach**2 / 2
    delta, worst = unit * (delta + rest), unit * (worst + rest)
    spread = np.maximum(spread, 0) + 8 * unit * terms  # the rounding of the difference is added
    rounding = (p if quantity == "score" else slope) * norm_x + push
    if quantity == "jacobian":
        moved = 2 * worst * spread + (0.0 if components.common else 2 * delta * slope)
        own = push if components.common else rounding
        own = size**0.5 * (slope + 2 * own * np.sqrt(spread)) + 2 * spread
        top = m2 * np.abs(components.q).max(axis=1) * norm_x + m * components.p.max(axis=1) * radius
        bound = moved + unit * own + (unit * top) ** 2
    else:
        bound = delta * np.sqrt(spread) + unit * rounding
    return np.where(worst <= _LOGIT_LIMIT, bound, np.inf)


def _close_bound(
    mixture: GaussianMixture, quantity: str, x: np.ndarray, components: Components, gamma: np.ndarray
) -> np.ndarray:
    """The bound of `error_bound` with the deviations of the components at each point, shape (N,).

    An error `delta_k` of the logits moves `sum_k gamma_k a_k` by `Cov_gamma(delta, a)`, whose norm is at most
    `sum_k gamma_k |delta_k| |a_k - a|`, and `Cov_gamma(a)` by at most
    `sum_k gamma_k |delta_k| (|a_k - a|^2 + tr Cov_gamma(a))`. A covariance known only to the rounding `E` of
    its largest eigenvalue moves `P_k y` by `P_k E P_k y`.
    """
    low, high = _extremes(mixture)
    unit = 2 * _UNIT * _constants(mixture)[2]
    m, m2, n2 = components.m, components.m2, components.n2
    p = 1 / (_outer(m2, low) + n2)  # (T, 1 or K): the largest eigenvalue of P_k
    isotropic = isinstance(components, IsotropicComponents)
    alike = mixture.kind in ("common-isotropic", "shared")
    top = 0.0 if isotropic else _outer(m2, high) + n2  # the largest eigenvalue of C_k, where its rounding counts
    norms = np.sqrt((mixture.means**2).sum(axis=1))
    norm_x = _norm(x)[:, None]
    reach = (norm_x.T + _outer(m, norms).T).T
    rest = mixture.dimension * (1 + top * p + np.abs(np.log(p))) / 2
    scores = components.component_scores(x)
    sizes = _norm(scores)
    if alike:
        own = p * norm_x**2 / 2 + rest
        delta = p * m * norms * reach
        if isinstance(components, SharedComponents):
            pulled_x = _norm(components.resolvent.precision(x))[:, None]
            pulled_means = m * _norm(components.resolvent.precision(components.means[None]))
            own = own + top * pulled_x**2 / 2
            delta = delta + top * pulled_means * (pulled_x + pulled_means)
    elif isotropic:
        delta = p * reach**2 / 2 + rest / 2
    else:
        delta = sizes * reach + top * sizes**2 / 2 + rest
        delta = delta + p * _norm(x[:, None, :] - m[:, :, None] * components.means) ** 2 / 2
    delta = unit * (delta + np.abs(components.log_weights))
    weighted = gamma * delta
    if quantity == "responsibilities":
        bound = 2 * weighted.sum(axis=1) + unit
    elif quantity == "log_density":
        bound = weighted.sum(axis=1) + (unit * own[:, 0] if alike else unit)
    else:
        slope = m2 * p * np.maximum(abs(1 - low), abs(1 - high))
        rounding = p * reach if quantity == "score" else slope * norm_x + m * p * norms
        if not isotropic:
            rounding = (rounding + top * p * sizes) * (1 + mixture.dimension**0.5 / 4)
        velocities = components.component_velocities(x)  # their differences do not cancel as t grows
        deviations = velocities - (gamma[:, :, None] * velocities).sum(axis=1)[:, None, :]
        distances = _norm(deviations)
        if quantity == "jacobian":
            squares = distances * distances
            spread = (gamma * squares).sum(axis=1)[:, None]
            mean_slope = (gamma * slope).sum(axis=1)[:, None]
            moved = squares + spread
            own = slope + m2 * top * p * p
            if alike:
                own = own + 2 * m * p * norms * distances
            else:
                moved = moved + slope + mean_slope
                own = own + 2 * rounding * distances
            own = mixture.dimension**0.5 * own + 2 * (1 + top * p) * spread
            bound = (weighted * moved + unit * gamma * own).sum(axis=1) + (unit * rounding.max(axis=1)) ** 2
        else:
            bound = (weighted * distances + unit * gamma * rounding).sum(axis=1)
    return np.where((delta <= _LOGIT_LIMIT).all(axis=1), bound, np.inf)


def _outer(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`a_t b_k`, shape (T, K), of shapes (T, 1) and (K,); the times of one component lie together."""
    return (values[:, None] * times.T).T


def _norm(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt((vectors * vectors).sum(axis=-1))


def recompute(
    mixture: GaussianMixture, quantity: str, x: np.ndarray, t: np.ndarray, index: np.ndarray, values: np.ndarray
) -> None:
    """Replace, in place, the rows `index` of `values` that are doubtful indeed by more precise ones.

    Raises
    ------
    InputError : a value that is too large for float64.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if len(index) and _has_moments(mixture, quantity, t):
            index = _left_by_close_bound(mixture, quantity, x, t, index, values)
        if len(index) and (mixture.kind.endswith("isotropic") or mixture.dimension <= _DOUBLE_DOUBLE_SIZE):
            index = _repair_in_double_double(mixture, quantity, x, t, index, values)
    for row in index:
        values[row] = _in_balls(mixture, quantity, x[row], t[row if len(t) > 1 else 0])
        if not np.isfinite(values[row]).all():
            raise InputError("x, t", f"x = {x[row]}", f"a point at which the {quantity} is a float64 number")


def _repair_in_double_double(
    mixture: GaussianMixture, quantity: str, x: np.ndarray, t: np.ndarray, index: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """Recompute the rows `index` in double-double; return those for which it was not enough."""
    from certflow.arithmetic.doubledouble import DoubleDoubleArithmetic
    from certflow.field import quantity_from

    arithmetic = DoubleDoubleArithmetic()
    width = 1 if mixture.kind.endswith("isotropic") and quantity != "jacobian" else mixture.dimension
    rows = max(1, 2**18 // (mixture.n_components * mixture.dimension * width))
    left = []
    for start in range(0, len(index), rows):
        part = index[start : start + rows]
        times = t if len(t) == 1 else t[part]
        precise = _precise_components(mixture, arithmetic, times)
        result, gamma = quantity_from(precise, arithmetic, quantity, arithmetic.asarray(x[part]))
        values[part] = result.to_float()
        bound = error_bound(mixture, quantity, x[part], times, gamma.to_float(), _DOUBLE_DOUBLE_UNIT)
        left.append(part[_doubtful(quantity, bound, values[part])])
    return np.concatenate(left)


def _precise_components(mixture: GaussianMixture, arithmetic: Arithmetic, t: np.ndarray) -> Components:
    """The components in double-double; of a single time they are kept for the next array at that time."""
    if len(t) > 1 or not mixture.kind.endswith("isotropic"):
        return components_at(mixture, arithmetic, arithmetic.asarray(t))
    time, components = mixture.__dict__.get("_precise_components", (None, None))
    if time != t[0]:
        components = components_at(mixture, arithmetic, arithmetic.asarray(t))
        mixture.__dict__["_precise_components"] = (t[0], components)
    return components


def _in_balls(mixture: GaussianMixture, quantity: str, x: np.ndarray, t: float) -> Any:
    """One row in Arb balls, of a precision at which the radius is below the rounding of the result."""
    import flint

    from certflow.arithmetic.objects import ArbArithmetic
    from certflow.field import quantity_from

    for bits in _BALL_BITS:
        with flint.ctx.workprec(bits):
            arithmetic = ArbArithmetic()
            precise = components_at(mixture, arithmetic, arithmetic.asarray([t]))
            balls = quantity_from(precise, arithmetic, quantity, arithmetic.asarray(x[None]))[0][0]
            entries = list(np.asarray(balls, dtype=object).flat)
            middle = np.array([float(ball.mid()) for ball in entries])
            error = max(ball.rad() for ball in entries)
            size = max(abs(ball.mid()) for ball in entries)
            if not error < size / 2**56:
                continue  # a NaN too; an exact zero ends at the last precision, as zero
        break
    return middle.reshape(np.shape(balls))

"""First-order bounds of the rounding errors of float64 fields, of rising cost and closeness.

Rounding of the logits is what spoils a mixture's score in float64. The bounds are first-order with generous
constants, not proved: rigorous bounds are the business of ball arithmetic.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.components import Components, IsotropicComponents, SharedComponents
from certflow.mixture import GaussianMixture
from certflow.spectra import variance_extremes

#: Errors of the logits beyond which the responsibilities say nothing about their own error.
_LOGIT_LIMIT = 1e-3

UNIT = 2.0**-52


def error_bound(
    mixture: GaussianMixture,
    quantity: str,
    x: np.ndarray,
    t: np.ndarray,
    gamma: np.ndarray,
    unit: float = UNIT,
) -> np.ndarray:
    """First-order bound of the absolute error (in norm) of a result of unit roundoff `unit`, shape (N,)."""
    low, high = variance_extremes(mixture)
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
    other = np.maximum(1 - gamma.max(axis=1), 0) + UNIT
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
        mixed = 2 * unit * (_mean(gamma * (1 - gamma), pc) * reach**2 + other * rest) + UNIT * worst
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


def moment_bound(
    mixture: GaussianMixture,
    quantity: str,
    x: np.ndarray,
    components: Any,
    gamma: np.ndarray,
) -> np.ndarray:
    """The bound of `close_bound` by Cauchy-Schwarz, from moments of `gamma`: no array of more than N numbers.

    For score, velocity and Jacobian of isotropic covariances; with a common one the times may differ.
    """
    _, rest, growth = _constants(mixture)
    unit = 2 * UNIT * growth
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


def close_bound(
    mixture: GaussianMixture, quantity: str, x: np.ndarray, components: Components, gamma: np.ndarray
) -> np.ndarray:
    """The bound of `error_bound` with the deviations of the components at each point, shape (N,).

    An error `delta_k` of the logits moves `sum_k gamma_k a_k` by `Cov_gamma(delta, a)`, whose norm is at most
    `sum_k gamma_k |delta_k| |a_k - a|`, and `Cov_gamma(a)` by at most
    `sum_k gamma_k |delta_k| (|a_k - a|^2 + tr Cov_gamma(a))`. A covariance known only to the rounding `E` of
    its largest eigenvalue moves `P_k y` by `P_k E P_k y`.
    """
    low, high = variance_extremes(mixture)
    unit = 2 * UNIT * _constants(mixture)[2]
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


def _mean(gamma: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`sum_k gamma_k a_k`; values of shape (T, K), T = N or 1."""
    return gamma @ values[0] if len(values) == 1 else np.einsum("nk,nk->n", gamma, values)


def _outer(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`a_t b_k`, shape (T, K), of shapes (T, 1) and (K,); the times of one component lie together."""
    return (values[:, None] * times.T).T


def _norm(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt((vectors * vectors).sum(axis=-1))

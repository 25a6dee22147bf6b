"""The coarse bound: a few operations for each point, from `|x|` and the responsibilities alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from certflow.field.rounding.scale import EPSILON, Scale, norm, outer, scale_of, trusted
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Points, Times, Weights


@dataclass(frozen=True)
class _Point:
    """A point and what float64 makes of the covariances there; shapes (N,), of time alone (T,) or (T, 1 or K).

    precision, slope : largest eigenvalues of `P_k` and `Q_k`, times the condition of `C_k`
    other : the mass that is not the largest component's
    """

    unit: float
    m: Floats
    m2: Floats
    norm_x: Floats
    reach: Floats
    gamma: Weights
    other: Floats
    precision: Floats
    slope: Floats


@dataclass(frozen=True)
class _Terms:
    """What the covariances give, shapes (N,) or (T,).

    precision, slope : means of `P_k`, `Q_k` over the responsibilities; spread : the largest distance of two `u_k`
    logit : the error of a logit; moved : how far it moves the responsibilities; pull : what these move besides, `m^2 Q`
    """

    precision: Floats
    slope: Floats
    spread: Floats
    logit: Floats
    moved: Floats
    pull: Floats


def coarse_bound(
    mixture: GaussianMixture,
    quantity: str,
    x: Points,
    t: Times,
    gamma: Weights,
    epsilon: float = EPSILON,
) -> Floats:
    """First-order bound of the absolute error (in norm) of a result, shape (N,).

    epsilon : spacing at one of the numbers that the result was computed with
    """
    scale: Scale = mixture.kept[scale_of]
    unit = epsilon * scale.growth
    m, m2, n2 = np.exp(-t), np.exp(-2 * t), -np.expm1(-2 * t)
    precision = 1 / (outer(m2[:, None], scale.low) + n2[:, None])
    condition = 1 if scale.isotropic else precision * (outer(m2[:, None], scale.high) + n2[:, None])
    norm_x = norm(x)
    other = np.maximum(1 - gamma.max(axis=1), 0) + EPSILON
    slope, reach = precision * scale.slope * condition, norm_x + m * scale.radius
    point = _Point(unit, m, m2, norm_x, reach, gamma, other, precision * condition, slope)
    terms = _alike(scale, point) if scale.alike else _different(scale, point, mixture.dimension, precision)
    return _QUANTITIES[quantity](scale, point, terms)


def _alike(scale: Scale, point: _Point) -> _Terms:
    """One covariance for all: the logits differ by `m mu_k^T P x` and a constant, the `u_k` by `m P mu_k`."""
    precision, slope = point.precision[:, 0], point.slope[:, 0]
    logit = 2 * point.unit * (precision * point.m * scale.radius * point.reach + scale.log_weight)
    spread = point.m * precision * 2 * scale.radius
    return _Terms(precision, slope, spread, logit, trusted(logit * point.other, logit), np.zeros_like(slope))


def _different(scale: Scale, point: _Point, dimension: int, precision: Floats) -> _Terms:
    """Each component has its own `P_k`, so the logits hold `|x|^2`, and the `u_k` differ by `m^2 Q_k x` too."""
    steepest, largest = point.slope.max(axis=1), point.precision.max(axis=1)
    rest = scale.log_weight + dimension * (1 + np.abs(np.log(precision)).max(axis=1))
    logit = 2 * point.unit * (largest * point.reach**2 + rest)
    doubt = _mean(point.gamma * (1 - point.gamma), point.precision)
    moved = 2 * point.unit * (doubt * point.reach**2 + point.other * rest) + EPSILON * logit
    spread = 2 * point.m2 * steepest * point.norm_x + point.m * largest * 2 * scale.radius
    return _Terms(
        precision=_mean(point.gamma, point.precision),
        slope=_mean(point.gamma, point.slope),
        spread=spread,
        logit=logit,
        moved=trusted(moved, logit),
        pull=point.m2 * steepest,
    )


def _responsibilities(scale: Scale, point: _Point, terms: _Terms) -> Floats:
    return 2 * terms.moved + point.unit


def _log_density(scale: Scale, point: _Point, terms: _Terms) -> Floats:
    return trusted(2 * point.unit * (terms.precision * point.reach**2 + scale.log_weight), terms.logit)


def _score(scale: Scale, point: _Point, terms: _Terms) -> Floats:
    return _mean_vector(scale, point, terms, terms.precision * point.norm_x)


def _velocity(scale: Scale, point: _Point, terms: _Terms) -> Floats:
    return _mean_vector(scale, point, terms, point.m2 * terms.slope * point.norm_x)


def _mean_vector(scale: Scale, point: _Point, terms: _Terms, size: Floats) -> Floats:
    own = size + point.m * terms.precision * scale.radius
    return 2 * terms.moved * terms.spread + 3 * point.unit * own


def _jacobian(scale: Scale, point: _Point, terms: _Terms) -> Floats:
    deviation = 3 * point.unit * terms.spread
    own = 4 * point.unit * (point.m2 * terms.slope + point.other * terms.spread**2)
    return terms.moved * (3 * terms.spread**2 + 2 * terms.pull) + own + deviation**2


_QUANTITIES: dict[str, Callable[[Scale, _Point, _Terms], Floats]] = {
    "responsibilities": _responsibilities,
    "log_density": _log_density,
    "score": _score,
    "velocity": _velocity,
    "jacobian": _jacobian,
}


def _mean(gamma: Weights, values: Floats) -> Floats:
    """`sum_k gamma_k a_k`; values of shape (T, K), T = N or 1."""
    result: Floats = gamma @ values[0] if len(values) == 1 else (gamma * values).sum(axis=1)
    return result

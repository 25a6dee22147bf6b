"""The bound by moments: isotropic covariances, no array of more than N numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from certflow.field.components import IsotropicComponents, parameters
from certflow.field.rounding.scale import EPSILON, Scale, norm, scale_of, trusted
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Points, Weights
from certflow.numbers.floats import FLOATS


@dataclass(frozen=True)
class _Terms:
    """What the variances give at the points (N,), from moments of `gamma`; means are root mean squares.

    precision, slope, push : of `p_k`, of `m^2 q_k`, of `m p_k |mu_k|`, the parts of `u_k = m^2 q_k x - m p_k mu_k`
    size, spread : `sum_k gamma_k |u_k|^2` (of what varies with `k`), and that less the mean's part, `tr Cov_gamma(u)`
    delta, worst : the error of a logit in units of rounding, in the mean and at most
    """

    precision: Floats
    slope: Floats
    push: Floats
    size: Floats
    spread: Floats
    delta: Floats
    worst: Floats


def moment_bound(
    mixture: GaussianMixture, quantity: str, x: Points, components: IsotropicComponents, gamma: Weights
) -> Floats:
    """The bound of `close_bound` by Cauchy-Schwarz, shape (N,): for score, velocity and Jacobian.

    With a common variance the times may differ from point to point.
    """
    scale: Scale = mixture.kept[scale_of]
    unit = 2 * EPSILON * scale.growth
    radius = scale.radius
    norm_x = norm(x)
    reach = norm_x + components.m[:, 0] * radius
    if components.common:
        terms = _common(components, mixture.kept[_rows_of_means], gamma, reach, radius, scale.log_weight)
    else:
        terms = _different(components, gamma, x, norm_x, reach, radius, scale.log_weight)
    spread = np.maximum(terms.spread, 0) + 8 * unit * terms.size  # the rounding of the difference is added
    delta, worst = unit * terms.delta, unit * terms.worst
    if quantity == "jacobian":
        bound = _jacobian(components, terms, spread, delta, worst, norm_x, radius, unit)
    else:
        rounding = (terms.precision if quantity == "score" else terms.slope) * norm_x + terms.push
        bound = delta * np.sqrt(spread) + unit * rounding
    return trusted(bound, worst)


def _rows_of_means(mixture: GaussianMixture) -> Floats:
    """The means and their squared norms, shape (d + 1, K), kept with the mixture."""
    known = parameters(mixture, FLOATS)
    return np.vstack([known.means.T, known.square_norms])


def _common(
    components: IsotropicComponents, rows: Floats, gamma: Weights, reach: Floats, radius: float, rest: float
) -> _Terms:
    """One variance: the `u_k` differ by `m p mu_k` alone, so moments of the means serve every time."""
    d = components.dimension
    m, p, slope = components.m[:, 0], components.p[:, 0], components.m2[:, 0] * np.abs(components.q[:, 0])
    moments = rows @ gamma.T
    push = m * p * np.sqrt(moments[d])
    size = push * push
    spread = size - (m * p) ** 2 * (moments[:d] ** 2).sum(axis=0)
    return _Terms(p, slope, push, size, spread, push * reach + rest, m * p * radius * reach + rest)


def _different(
    components: IsotropicComponents,
    gamma: Weights,
    x: Points,
    norm_x: Floats,
    reach: Floats,
    radius: float,
    rest: float,
) -> _Terms:
    """Variances of one time: moments of `p_k`, `q_k` and of their products with the means."""
    d, means, squares = components.dimension, components.means, components.parameters.square_norms
    m, p, q = components.m[:, 0], components.p[0], components.m2[:, 0] * components.q[0]
    rows = [means.T * (m * p), means.T * (m * p * q), squares * (m * p) ** 2, p**2, q, q**2]
    moments = np.vstack(rows) @ gamma.T
    push, precision, slope = (np.sqrt(moments[2 * d + i]) for i in (0, 1, 3))
    size = (slope * norm_x) ** 2 + moments[2 * d]
    mean = moments[2 * d + 2] * x.T - moments[:d]
    spread = size - (2 * x.T * moments[d : 2 * d] + mean * mean).sum(axis=0)
    rest = rest + d * (1 + np.abs(np.log(components.p)).max()) / 4
    delta = norm_x * (precision * norm_x / 2 + push) + push * (m * radius / 2)
    return _Terms(precision, slope, push, size, spread, delta + rest, components.p.max() * reach**2 / 2 + rest)


def _jacobian(
    components: IsotropicComponents,
    terms: _Terms,
    spread: Floats,
    delta: Floats,
    worst: Floats,
    norm_x: Floats,
    radius: float,
    unit: float,
) -> Floats:
    """An error of `gamma` moves `Cov_gamma(u)`, and with different variances the mean of `m^2 q_k` as well."""
    if components.common:
        moved, each = 2 * worst * spread, terms.push
    else:
        moved, each = 2 * worst * spread + 2 * delta * terms.slope, terms.slope * norm_x + terms.push
    own = components.dimension**0.5 * (terms.slope + 2 * each * np.sqrt(spread)) + 2 * spread
    steepest, largest = np.abs(components.q).max(axis=1), components.p.max(axis=1)
    top = components.m2[:, 0] * steepest * norm_x + components.m[:, 0] * largest * radius
    result: Floats = moved + unit * own + (unit * top) ** 2
    return result

"""Moments by matrix products over the responsibilities, no array of more than N numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.field.components import IsotropicComponents, SharedComponents, parameters
from certflow.field.rounding import moments
from certflow.field.rounding.scale import Scale, norm, scale_of, trusted
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Points, Weights
from certflow.numbers.floats import FLOATS


def has_moments(mixture: GaussianMixture, quantity: str, times: int) -> bool:
    """Whether `moment_bound` serves: one variance for all; different ones, or one matrix, at one time only."""
    known = mixture.kind == "common-isotropic" or (mixture.kind in ("isotropic", "shared") and times == 1)
    return known and quantity in ("score", "velocity", "jacobian")


def moment_bound(mixture: GaussianMixture, quantity: str, x: Points, components: Any, gamma: Weights) -> Floats:
    """The bound of `close_bound` by Cauchy-Schwarz, shape (N,), where `has_moments`."""
    scale: Scale = mixture.kept[scale_of]
    if mixture.kind == "isotropic":
        return _varied(scale, quantity, x, components, gamma)
    m, m2, n2 = components.m[:, 0], components.m2[:, 0], components.n2[:, 0]
    sizes = moments.alike(scale, mixture.dimension, m, m2, n2)
    if mixture.kind == "shared":
        means, pulls, mean, pulled, score = _of_matrix(components, x, gamma)
    else:
        found = mixture.kept[_rows_of_means] @ gamma.T
        means, pulled, score = m * np.sqrt(found[-1]), np.zeros(1), np.zeros(1)
        pulls, mean = sizes.precision * means, m * sizes.precision * norm(found[:-1].T)
    norm_x = norm(x)
    delta, worst = moments.alike_logits(sizes, norm_x, means, pulls, pulled)
    root = np.sqrt(moments.spread_of(pulls * pulls, mean * mean, sizes.unit))
    if quantity == "jacobian":
        bound = moments.alike_jacobian(sizes, 2 * worst * root**2, root, norm_x, means, pulled)
    else:
        size = sizes.precision if quantity == "score" else sizes.slope
        bound = moments.alike_vector(sizes, size, delta, root, norm_x, means, score)
    return trusted(bound, sizes.unit * worst)


def _rows_of_means(mixture: GaussianMixture) -> Floats:
    """The means and their squared norms, shape (d + 1, K), kept with the mixture."""
    known = parameters(mixture, FLOATS)
    return np.vstack([known.means.T, known.square_norms])


def _of_matrix(
    components: SharedComponents, x: Points, gamma: Weights
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Root mean squares of `m |mu_k|` and `|a_k|`, the norms of the mean of `a_k`, of `P x` and of the score."""
    m, means = components.m[:, 0], components.means
    vectors = m * components.resolvent.precision(means)
    found = np.vstack([vectors.T, (vectors * vectors).sum(axis=1), m**2 * (means * means).sum(axis=1)]) @ gamma.T
    mean, pulled = found[:-2].T, components.resolvent.precision(x)
    return np.sqrt(found[-1]), np.sqrt(found[-2]), norm(mean), norm(pulled), norm(mean - pulled)


def _varied(scale: Scale, quantity: str, x: Points, components: IsotropicComponents, gamma: Weights) -> Floats:
    """Variances of one time: moments of `p_k`, `r_k` and of their products with the means."""
    d, means, squares = components.dimension, components.means, components.parameters.square_norms
    m, m2, n2 = (float(factor[0, 0]) for factor in (components.m, components.m2, components.n2))
    sizes, p, r, norm_x = moments.varied(scale, d, m, m2, n2), components.p[0], m2 * components.q[0], norm(x)
    rows = [means.T * (m * p), means.T * (m * p * r), squares * (m * p) ** 2, p**2, r, r**2]
    found = np.vstack(rows) @ gamma.T
    pulls, precision, slope = (np.sqrt(found[2 * d + i]) for i in (0, 1, 3))
    mean = found[2 * d + 2] * x.T - found[:d]
    size = (slope * norm_x) ** 2 + found[2 * d] - 2 * (x.T * found[d : 2 * d]).sum(axis=0)
    root = np.sqrt(moments.spread_of(size, (mean * mean).sum(axis=0), sizes.unit))
    delta, worst = moments.varied_logits(sizes, norm_x, precision, pulls)
    if quantity == "jacobian":
        moved = 2 * worst * root**2
        bound = moments.varied_jacobian(sizes, moved, delta, root, norm_x, slope, pulls)
    else:
        bound = moments.varied_vector(sizes, precision if quantity == "score" else slope, delta, root, norm_x, pulls)
    return trusted(bound, sizes.unit * worst)

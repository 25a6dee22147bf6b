"""Moments by matrix products over the responsibilities, no array of more than N numbers."""

from __future__ import annotations

import numpy as np

from certflow.field.components import Components, IsotropicComponents, SharedComponents, parameters
from certflow.field.rounding.moments import Alike, Factors, Varied
from certflow.field.rounding.scale import norm, scale_of
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Points, Weights
from certflow.numbers.floats import FLOATS

_QUANTITIES = ("score", "velocity", "jacobian")


def has_moments(mixture: GaussianMixture, quantity: str, times: int) -> bool:
    """Whether `moment_bound` serves: one variance for all; different ones or one matrix at one time."""
    known = mixture.kind == "common-isotropic" or (mixture.kind in ("isotropic", "shared") and times == 1)
    return known and quantity in _QUANTITIES


def moment_bound(
    mixture: GaussianMixture, quantity: str, x: Points, components: Components, gamma: Weights
) -> Floats:
    """The bound of `close_bound` by Cauchy-Schwarz, shape (N,), where `has_moments`."""
    factors = Factors(components.m[:, 0], components.m2[:, 0], components.n2[:, 0])
    if isinstance(components, SharedComponents):
        return _shared(mixture, x, components, gamma, factors).error(quantity)
    assert isinstance(components, IsotropicComponents)
    moments = _common if components.common else _varied
    return moments(mixture, x, components, gamma, factors).error(quantity)


def _common(
    mixture: GaussianMixture, x: Points, components: IsotropicComponents, gamma: Weights, factors: Factors
) -> Alike:
    """One variance: moments of the means serve every time."""
    d, m, p = components.dimension, factors.m, components.p[:, 0]
    moments = mixture.kept[_rows_of_means] @ gamma.T
    means, zero = m * np.sqrt(moments[d]), np.zeros(1)
    mean = m * p * np.sqrt((moments[:d] ** 2).sum(axis=0))
    return Alike(mixture.kept[scale_of], d, factors, norm(x), means, p * means, mean, zero, zero)


def _rows_of_means(mixture: GaussianMixture) -> Floats:
    """The means and their squared norms, shape (d + 1, K), kept with the mixture."""
    known = parameters(mixture, FLOATS)
    return np.vstack([known.means.T, known.square_norms])


def _varied(
    mixture: GaussianMixture, x: Points, components: IsotropicComponents, gamma: Weights, factors: Factors
) -> Varied:
    """Variances of one time: moments of `p_k`, `q_k` and of their products with the means."""
    d, means, squares = components.dimension, components.means, components.parameters.square_norms
    m, p, q, norm_x = factors.m, components.p[0], factors.m2 * components.q[0], norm(x)
    rows = [means.T * (m * p), means.T * (m * p * q), squares * (m * p) ** 2, p**2, q, q**2]
    moments = np.vstack(rows) @ gamma.T
    mean = moments[2 * d + 2] * x.T - moments[:d]
    return Varied(
        scale=mixture.kept[scale_of],
        dimension=d,
        factors=factors,
        most=p.max(),
        steepest=np.abs(q).max(),
        norm_x=norm_x,
        precision=np.sqrt(moments[2 * d + 1]),
        slope=np.sqrt(moments[2 * d + 3]),
        pulls=np.sqrt(moments[2 * d]),
        size=moments[2 * d + 3] * norm_x**2 + moments[2 * d] - 2 * (x.T * moments[d : 2 * d]).sum(axis=0),
        mean=(mean * mean).sum(axis=0),
    )


def _shared(
    mixture: GaussianMixture, x: Points, components: SharedComponents, gamma: Weights, factors: Factors
) -> Alike:
    """One matrix at one time."""
    m, means = factors.m, components.means
    pulls = m * components.resolvent.precision(means)
    rows = np.vstack([pulls.T, (pulls * pulls).sum(axis=1), m**2 * (means * means).sum(axis=1)])
    moments = rows @ gamma.T
    pulled = components.resolvent.precision(x)
    return Alike(
        scale=mixture.kept[scale_of],
        dimension=components.dimension,
        factors=factors,
        norm_x=norm(x),
        means=np.sqrt(moments[-1]),
        pulls=np.sqrt(moments[-2]),
        mean=norm(moments[:-2].T),
        pulled=norm(pulled),
        score=norm(moments[:-2].T - pulled),
    )

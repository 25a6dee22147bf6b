"""Extreme eigenvalues of a mixture's covariances and precisions, in float64."""

from __future__ import annotations

import numpy as np

from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Times
from certflow.numbers.floats import UNIT, spectrum


def precision_ceiling(mixture: GaussianMixture, t: Times) -> Floats:
    """Largest eigenvalue of any `P_k` at times `t`, shape (T,)."""
    smallest = smallest_variance(mixture)
    return 1 / (smallest * np.exp(-2 * t) - np.expm1(-2 * t))


def smallest_variance(mixture: GaussianMixture) -> float:
    """Smallest eigenvalue of any covariance, float64."""
    return float(variance_extremes(mixture)[0].min())


def largest_variance(mixture: GaussianMixture) -> float:
    """Largest eigenvalue of any covariance, float64."""
    return float(variance_extremes(mixture)[1].max())


def variance_extremes(mixture: GaussianMixture) -> tuple[Floats, Floats]:
    """Smallest and largest eigenvalue of each covariance, shapes (1,) or (K,)."""
    found: tuple[Floats, Floats] = mixture.kept[_extremes]
    return found


def _extremes(mixture: GaussianMixture) -> tuple[Floats, Floats]:
    if not mixture.kind.endswith("isotropic"):
        values = np.atleast_2d(spectrum(mixture.exact_covariances)[0])
        low, high = values[:, 0], values[:, -1]
        # An eigenvalue is known to within the rounding of the largest one.
        return np.maximum(low, 8 * UNIT * high), high
    values = np.atleast_1d(mixture.covariances)
    return values, values

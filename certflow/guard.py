"""The guard of float64 results: an error bound for every point, and a repair where it is too large.

Rounding of the logits is what spoils a mixture's score in float64: at `|x| = 1000` and `v = 0.01` they are of
size 1e5, so near a tie the responsibilities lose five digits. For each point a first-order bound of the
error is at hand for a few operations; where it exceeds `TOLERANCE` times the result, the point is computed
again by the same formulas in double-double arithmetic (about 31 digits). The constants are generous, not
proved: rigorous bounds are the business of ball arithmetic.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.components import Components, components_at
from certflow.mixture import GaussianMixture

#: Relative error in norm beyond which a float64 result is not accepted.
TOLERANCE = 2e-13

_UNIT = 2.0**-52


def precision_ceiling(mixture: GaussianMixture, t: np.ndarray) -> np.ndarray:
    """Largest eigenvalue of any `P_k` at times `t`, shape (T,)."""
    smallest = smallest_variance(mixture)
    return 1 / (smallest * np.exp(-2 * t) - np.expm1(-2 * t))


def smallest_variance(mixture: GaussianMixture) -> float:
    """Smallest eigenvalue of any covariance, float64."""
    return _extremes(mixture)[0]


def largest_variance(mixture: GaussianMixture) -> float:
    """Largest eigenvalue of any covariance, float64."""
    return _extremes(mixture)[1]


def _extremes(mixture: GaussianMixture) -> tuple[float, float]:
    cached = mixture.__dict__.get("_variance_extremes")
    if cached is None:
        values = mixture.covariances
        if mixture.kind in ("shared", "full"):
            from certflow.arithmetic.floats import spectrum

            values = spectrum(mixture.exact_covariances)[0]
        cached = (float(np.min(values)), float(np.max(values)))
        mixture.__dict__["_variance_extremes"] = cached
    return cached


def error_bound(
    mixture: GaussianMixture, quantity: str, x: np.ndarray, t: np.ndarray, gamma: np.ndarray
) -> np.ndarray:
    """First-order bound of the absolute error (in norm) of a float64 result, shape (N,)."""
    m, m2 = np.exp(-t), np.exp(-2 * t)
    p = precision_ceiling(mixture, t)
    q = p * max(abs(1 - smallest_variance(mixture)), abs(1 - largest_variance(mixture)))
    norm_x = np.sqrt((x * x).sum(axis=1))
    radius = float(np.sqrt((mixture.means**2).sum(axis=1).max()))
    if mixture.kind in ("common-isotropic", "shared"):
        logit = p * m * radius * (norm_x + m * radius)
        spread = m * p * 2 * radius
    else:
        logit = p * (norm_x + m * radius) ** 2
        spread = m2 * 2 * q * norm_x + m * p * 2 * radius
    logit = 2 * _UNIT * logit
    other_mass = np.maximum(1 - gamma.max(axis=1), 0)
    if quantity == "responsibilities":
        return logit * other_mass
    if quantity == "log_density":
        return logit + 2 * _UNIT * p * (norm_x + m * radius) ** 2
    if quantity == "jacobian":
        return logit * other_mass * 3 * spread**2 + 4 * _UNIT * (m2 * q + other_mass * spread**2)
    size = p * norm_x if quantity == "score" else m2 * q * norm_x
    return logit * other_mass * spread + 3 * _UNIT * (size + m * p * radius)


def repair(
    mixture: GaussianMixture,
    quantity: str,
    x: np.ndarray,
    t: np.ndarray,
    components: Components,
    gamma: np.ndarray,
    values: np.ndarray,
) -> None:
    """Replace, in place, every row of `values` whose error bound exceeds the tolerance."""
    bound = error_bound(mixture, quantity, x, t, gamma)
    if quantity in ("log_density", "responsibilities"):
        size = np.maximum(1.0, np.abs(values) if quantity == "log_density" else 1.0)
    else:
        size = np.sqrt((values * values).reshape(len(values), -1).sum(axis=1))
    doubtful = np.flatnonzero(~(bound <= TOLERANCE * size))
    if not len(doubtful):
        return
    from certflow.arithmetic.doubledouble import DoubleDoubleArithmetic
    from certflow.field import quantity_from

    arithmetic = DoubleDoubleArithmetic()
    rows = max(1, 2**16 // (mixture.n_components * mixture.dimension**2))
    for start in range(0, len(doubtful), rows):
        index = doubtful[start : start + rows]
        times = arithmetic.asarray(t if len(t) == 1 else t[index])
        precise = components_at(mixture, arithmetic, times)
        result, _ = quantity_from(precise, arithmetic, quantity, arithmetic.asarray(x[index]))
        values[index] = result.to_float()

"""Fit mixtures to data with scikit-learn, recording how."""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.inputs import float_array, whole_number
from certflow.mixture import GaussianMixture

_TYPES = {"spherical": "spherical", "common": "tied", "tied": "tied", "full": "full", "diag": "diag"}


def fit_mixture(
    data: Any, n_components: int, *, covariance_type: str = "spherical", seed: int = 0, name: str = "fitted"
) -> GaussianMixture:
    """Expectation maximisation with three restarts (scikit-learn); see `GaussianMixture.fit`."""
    points = _points(data)
    if covariance_type not in _TYPES:
        raise InputError("covariance_type", covariance_type, f"one of {', '.join(_TYPES)}")
    n_components = whole_number(n_components, "n_components", 1)
    seed = whole_number(seed, "seed", 0, 2**32 - 1)
    if n_components > len(points):
        raise InputError("n_components", n_components, f"at most the number of points, {len(points)}")
    import sklearn
    from sklearn.mixture import GaussianMixture as Estimator

    restarts = 3
    estimator = Estimator(
        n_components, covariance_type=_TYPES[covariance_type], random_state=seed, n_init=restarts
    ).fit(points)
    fitted = np.asarray(estimator.covariances_)
    dimension = points.shape[1]
    if covariance_type == "common":
        fitted = np.trace(fitted) / dimension
    elif covariance_type == "diag":
        fitted = fitted[:, :, None] * np.eye(dimension)
    if np.ndim(fitted) >= 2:
        fitted = (fitted + np.swapaxes(fitted, -1, -2)) / 2
    weights = _summing_to_one(estimator.weights_ / estimator.weights_.sum())
    origin = {
        "method": "expectation maximisation, scikit-learn GaussianMixture",
        "scikit-learn": sklearn.__version__,
        "n_components": n_components,
        "covariance_type": covariance_type,
        "restarts": restarts,
        "seed": seed,
        "points": len(points),
        "converged": bool(estimator.converged_),
        "mean_log_likelihood": float(estimator.lower_bound_),
    }
    return GaussianMixture(weights, estimator.means_, fitted, name=name, origin=origin)


def _summing_to_one(weights: np.ndarray) -> np.ndarray:
    """Weights moved by a unit roundoff or so to binary numbers whose exact sum is one.

    So nothing is left to divide by when they are read back from the decimals of a file.
    """
    counts = [round(float(weight) * 2**53) for weight in weights]
    counts[int(np.argmax(weights))] += 2**53 - sum(counts)
    return np.array(counts) / 2.0**53 if min(counts) > 0 else weights


def _points(data: Any) -> np.ndarray:
    points = float_array(data, "data")
    if points.ndim == 1:
        points = points[:, None]
    if points.ndim != 2 or points.shape[1] == 0 or len(points) < 2:
        raise InputError("data", f"shape {points.shape}", "shape (n, d) with n >= 2 points and d >= 1")
    if not np.isfinite(points).all():
        row, column = np.argwhere(~np.isfinite(points))[0]
        raise InputError(f"data[{row}][{column}]", points[row, column], "a finite number")
    return points

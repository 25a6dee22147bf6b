"""Mixtures fitted to data: the data sets that scikit-learn ships, and points of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Points
from certflow.sweep.layouts import decimal


def _shipped(name: str) -> Callable[[], Points]:
    def load() -> Points:
        from sklearn import datasets

        points: Points = getattr(datasets, f"load_{name}")().data
        return points

    return load


#: The data sets by name, each as rows of points.
DATASETS: Mapping[str, Callable[[], Points]] = {name: _shipped(name) for name in ("iris", "digits", "wine")}


def fitted(points: Points, parameters: Mapping[str, Any], seed: int, name: str) -> GaussianMixture:
    """Expectation maximisation on the first `dimension` principal components, scaled to a mean variance of one.

    Parameters of the fit are rounded to six digits, so that they are short exact numbers.

    Raises
    ------
    InputError : more dimensions or components than the data have, or a fit that fails.
    """
    dimension = parameters["dimension"]
    if dimension > points.shape[1]:
        raise InputError("dimension", dimension, f"at most {points.shape[1]}, the columns of {parameters['data']}")
    centred = points - points.mean(0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:dimension]
    axes = axes * np.sign(axes[np.arange(dimension), np.abs(axes).argmax(1)])[:, None]  # the sign of an axis is free
    scores = centred @ axes.T
    scores = scores / np.sqrt((scores**2).mean())
    fit = GaussianMixture.fit(scores, parameters["components"], covariance_type=parameters["covariances"], seed=seed)
    origin = {"method": "fit of certflow sweep", **parameters, "seed": seed, "scikit-learn": fit.origin["scikit-learn"]}
    means = [[decimal(float(value)) for value in row] for row in fit.means]
    return GaussianMixture(fit.weights, means, _rounded(fit.covariances), name=name, origin=origin)


def _rounded(values: Any) -> Any:
    return [_rounded(value) for value in values] if np.ndim(values) else decimal(float(values))

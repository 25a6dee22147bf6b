"""Laws of every kind of covariance."""

from __future__ import annotations

import numpy as np

import certflow as cf

#: Two modes, of which ties and zeros of the score lie far out and close together.
PAIRS = {
    "common-isotropic": cf.GaussianMixture(["0.4", "0.6"], [[-1, "1/3"], [1, 0]], "0.04"),
    "isotropic": cf.GaussianMixture(["0.4", "0.6"], [[-1, "1/3"], [1, 0]], ["0.04", "1.3"]),
    "shared": cf.GaussianMixture(["0.4", "0.6"], [[-1, "1/3"], [1, 0]], [["0.3", "0.1"], ["0.1", "0.2"]]),
    "full": cf.GaussianMixture(
        ["0.4", "0.6"], [[-1, "1/3"], [1, 0]], [[["0.3", "0.1"], ["0.1", "0.2"]], [["0.1", 0], [0, 1]]]
    ),
}
KINDS = tuple(PAIRS)
QUANTITIES = ("log_density", "responsibilities", "score", "velocity", "jacobian")


def random_mixture(kind, count, dimension):
    """Overlapping modes: means of size 2, variances between 0.05 and some tenths."""
    rng = np.random.default_rng(0)
    weights, means = rng.uniform(0.5, 1.5, count), 2 * rng.standard_normal((count, dimension))
    covariances = {
        "common-isotropic": lambda: 0.25,
        "isotropic": lambda: rng.uniform(0.05, 0.5, count),
        "shared": lambda: _matrices(rng, 1, dimension)[0],
        "full": lambda: _matrices(rng, count, dimension),
    }
    return cf.GaussianMixture(weights / weights.sum(), means, covariances[kind]())


def _matrices(rng, count, dimension):
    factors = rng.standard_normal((count, dimension, dimension)) / np.sqrt(dimension)
    found = 0.3 * factors @ factors.swapaxes(1, 2) + 0.1 * np.eye(dimension)
    return (found + found.swapaxes(1, 2)) / 2


def noised(law, t, count):
    """Points of the law at time `t`."""
    noise = np.random.default_rng(1).standard_normal((count, law.dimension))
    return np.exp(-t) * law.sample(count, seed=1) + np.sqrt(-np.expm1(-2 * t)) * noise

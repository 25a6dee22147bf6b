"""Other mixtures made of one, exactly: turned, moved, put in another order, split, multiplied, noised."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Objects


def shares(mixture: GaussianMixture) -> Objects:
    """The weights over their sum."""
    found: Objects = mixture.exact_weights.fractions / mixture.weight_total
    return found


def stack(mixture: GaussianMixture) -> Objects:
    """Exact covariance matrices, shape (K, d, d)."""
    values, eye = mixture.exact_covariances.fractions, _eye(mixture.dimension)
    if mixture.kind == "common-isotropic":
        return np.stack([values[()] * eye] * mixture.n_components)
    if mixture.kind == "isotropic":
        return np.stack([value * eye for value in values])
    found: Objects = np.stack([values] * mixture.n_components) if mixture.kind == "shared" else values
    return found


def turned(mixture: GaussianMixture, turn: Objects) -> GaussianMixture:
    """The law of `Q X`, `Q` an exact orthogonal matrix."""
    covariances = mixture.exact_covariances.fractions
    if mixture.kind in ("shared", "full"):
        covariances = turn @ covariances @ turn.T
    return GaussianMixture(shares(mixture), mixture.exact_means.fractions @ turn.T, covariances)


def moved(mixture: GaussianMixture, shift: Objects) -> GaussianMixture:
    """The law of `X + a`."""
    return GaussianMixture(shares(mixture), mixture.exact_means.fractions + shift, mixture.exact_covariances.fractions)


def reordered(mixture: GaussianMixture, order: Sequence[int]) -> GaussianMixture:
    """The same law, its components in another order."""
    chosen = list(order)
    covariances = mixture.exact_covariances.fractions
    if mixture.kind in ("isotropic", "full"):
        covariances = covariances[chosen]
    return GaussianMixture(shares(mixture)[chosen], mixture.exact_means.fractions[chosen], covariances)


def split(mixture: GaussianMixture, k: int, part: Fraction) -> GaussianMixture:
    """The same law, component `k` as two with the shares `part` and `1 - part` of its weight."""
    weights = shares(mixture).tolist()
    chosen = [*range(mixture.n_components), k]
    covariances = mixture.exact_covariances.fractions
    if mixture.kind in ("isotropic", "full"):
        covariances = covariances[chosen]
    parts = [*weights[:k], part * weights[k], *weights[k + 1 :], (1 - part) * weights[k]]
    return GaussianMixture(parts, mixture.exact_means.fractions[chosen], covariances)


def product(first: GaussianMixture, second: GaussianMixture) -> GaussianMixture:
    """The law of `(X, Y)`, independent: components in pairs, covariances of blocks."""
    pairs = [(i, j) for i in range(first.n_components) for j in range(second.n_components)]
    one, other = stack(first), stack(second)
    d, e = first.dimension, second.dimension
    covariances = np.empty((len(pairs), d + e, d + e), dtype=object)
    covariances[...] = Fraction(0)
    for n, (i, j) in enumerate(pairs):
        covariances[n, :d, :d], covariances[n, d:, d:] = one[i], other[j]
    means = [[*first.exact_means.fractions[i].tolist(), *second.exact_means.fractions[j].tolist()] for i, j in pairs]
    return GaussianMixture([shares(first)[i] * shares(second)[j] for i, j in pairs], means, covariances)


def noised(mixture: GaussianMixture, m: Fraction) -> GaussianMixture:
    """The law of `m X + sqrt(1 - m^2) Z`: `p_t` as a data law, `m = e^{-t}`."""
    covariances: Any = m**2 * mixture.exact_covariances.fractions
    rest = 1 - m**2
    covariances = covariances + (rest * _eye(mixture.dimension) if mixture.kind in ("shared", "full") else rest)
    return GaussianMixture(shares(mixture), m * mixture.exact_means.fractions, covariances)


def merged(mixture: GaussianMixture) -> GaussianMixture:
    """All means at the first one."""
    means = np.stack([mixture.exact_means.fractions[0]] * mixture.n_components)
    return GaussianMixture(shares(mixture), means, mixture.exact_covariances.fractions)


def alone(mixture: GaussianMixture, k: int) -> GaussianMixture:
    """One component as a law of its own."""
    return GaussianMixture([1], mixture.exact_means.fractions[[k]], stack(mixture)[[k]])


def _eye(size: int) -> Objects:
    found = np.empty((size, size), dtype=object)
    for i, j in np.ndindex(size, size):
        found[i, j] = Fraction(int(i == j))
    return found

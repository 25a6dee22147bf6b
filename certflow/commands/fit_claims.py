"""Which claims each covariance type keeps and loses: the checks are asked whether they apply to the fit itself.

Where a type was not fitted they are asked on a mixture of its kind, of as many components and dimensions, whose numbers
stand in no relation to each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.claims.registry import STATEMENTS, checks_of
from certflow.law.covariances import check_fitted
from certflow.law.fitting import Fit
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats

#: Fits by covariance type and number of components.
Fits = Mapping[tuple[str, int], Fit]


@dataclass(frozen=True)
class Standing:
    """covariance_type : a word of `GaussianMixture.fit`; n_components, fitted : of the mixture that was asked about

    kept : ids of the claims that some check looks at; lost : of the claims that one variance for all keeps with as many
    components and this type does not, why
    """

    covariance_type: str
    n_components: int
    fitted: bool
    kept: tuple[str, ...]
    lost: dict[str, str]


def standings(counts: Mapping[str, int], dimension: int, fits: Fits) -> list[Standing]:
    """Of each type, those first that keep most claims.

    counts : of each type, its number of components; fits : of those that were fitted
    """
    answers: dict[tuple[str, int], dict[str, str | None]] = {}
    found = []
    for word, count in counts.items():
        for key in (("common", count), (word, count)):
            if key not in answers:
                answers[key] = _answers(_mixture(key, dimension, fits))
        simplest, own = answers["common", count], answers[word, count]
        kept = tuple(claim for claim, reason in own.items() if reason is None)
        lost = {claim: reason for claim, reason in own.items() if reason is not None and simplest[claim] is None}
        found.append(Standing(word, count, (word, count) in fits, kept, lost))
    return sorted(found, key=lambda each: -len(each.kept))


def _answers(mixture: GaussianMixture) -> dict[str, str | None]:
    """Of each claim, None where a check applies to the mixture, else why none does."""
    found: dict[str, str | None] = {}
    for claim in STATEMENTS:
        reasons = [check.applies(mixture) for check in checks_of(claim)] or ["this version has no check of it"]
        found[claim] = None if None in reasons else str(reasons[0])
    return found


def _mixture(key: tuple[str, int], dimension: int, fits: Fits) -> GaussianMixture:
    found = fits.get(key)
    if found is None:
        return generic_mixture(*key, dimension)
    return GaussianMixture(found.weights, found.means, found.covariances, name=key[0])


def generic_mixture(word: str, n_components: int, dimension: int) -> GaussianMixture:
    """A mixture as a fit of this type gives it, with numbers that stand in no relation to each other.

    Two matrices do not commute, and none is the largest: each component has its widest axis elsewhere.
    """
    weights = [Fraction(2 * k + 3, n_components * (n_components + 2)) for k in range(n_components)]
    means = np.random.default_rng(0).normal(size=(n_components, dimension))
    numbers = 1 + np.arange(n_components) / n_components
    model = check_fitted(word)
    matrices = _matrices(n_components, dimension, model.estimator == "diag")
    values: Any = {
        "common-isotropic": numbers[0],
        "isotropic": numbers,
        "shared": matrices[0],
        "full": matrices,
    }[model.kind]
    return GaussianMixture(weights, means, values, name=word)


def _matrices(n_components: int, dimension: int, diagonal: bool) -> Floats:
    """Shape (K, d, d), positive definite, since what stands beside the diagonal sums to less than 1/2 in each row."""
    k, i = np.arange(n_components)[:, None], np.arange(dimension)
    variances = 1 + (i + k) % dimension + k * (i + 1) / (4 * n_components * dimension)
    beside = 0 if diagonal else (1 - np.eye(dimension)) / (2 * dimension)
    return np.asarray(variances[:, :, None] * np.eye(dimension) + beside)

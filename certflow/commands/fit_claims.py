"""Which claims each covariance type keeps and loses: the checks are asked, on a small mixture of that kind."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.claims.registry import STATEMENTS, checks_of
from certflow.law.covariances import check_fitted
from certflow.law.mixture import GaussianMixture

#: Components and dimensions of the mixture that is asked about, at most: hypotheses speak of the kind of covariances.
_COMPONENTS, _DIMENSION = 3, 2


@dataclass(frozen=True)
class Standing:
    """covariance_type : a word of `GaussianMixture.fit`; kept : ids of the claims that some check looks at

    lost : of the claims that one variance for all keeps and this type does not, why
    """

    covariance_type: str
    kept: tuple[str, ...]
    lost: dict[str, str]


def standings(types: tuple[str, ...], n_components: int, dimension: int) -> list[Standing]:
    """Of each type, those first that keep most claims."""
    simplest = _answers("common", n_components, dimension)
    found = []
    for word in types:
        answers = simplest if word == "common" else _answers(word, n_components, dimension)
        kept = tuple(claim for claim, reason in answers.items() if reason is None)
        lost = {claim: reason for claim, reason in answers.items() if reason is not None and simplest[claim] is None}
        found.append(Standing(word, kept, lost))
    return sorted(found, key=lambda each: -len(each.kept))


def _answers(word: str, n_components: int, dimension: int) -> dict[str, str | None]:
    """Of each claim, None where a check applies to a mixture of this type, else why none does."""
    mixture = small_mixture(word, min(n_components, _COMPONENTS), min(dimension, _DIMENSION))
    found: dict[str, str | None] = {}
    for claim in STATEMENTS:
        reasons = [check.applies(mixture) for check in checks_of(claim)] or ["this version has no check of it"]
        found[claim] = None if None in reasons else str(reasons[0])
    return found


def small_mixture(word: str, n_components: int, dimension: int) -> GaussianMixture:
    """A mixture as a fit of this type gives it, with numbers that stand in no relation to each other."""
    numbers = [Fraction(3 + 7 * k + k * k, 100) for k in range(1, n_components + 1)]
    means = [
        [Fraction((-1) ** k * (k + 1) * (i + 2), 1 + i + k * k) for i in range(dimension)] for k in range(n_components)
    ]
    weights = [Fraction(2 * k + 3, n_components * (n_components + 2)) for k in range(n_components)]
    matrices = [_matrix(number, dimension, word == "diag") for number in numbers]
    values: Any = {
        "common-isotropic": numbers[0],
        "isotropic": numbers,
        "shared": matrices[0],
        "full": matrices,
    }[check_fitted(word).kind]
    return GaussianMixture(weights, means, values, name=word)


def _matrix(number: Fraction, dimension: int, diagonal: bool) -> list[list[Fraction]]:
    """Positive definite, with different eigenvalues."""
    beside = Fraction(0) if diagonal else number / 4
    rows = np.full((dimension, dimension), beside, dtype=object)
    for i in range(dimension):
        rows[i, i] = number * (1 + Fraction(i, 2))
    found: list[list[Fraction]] = rows.tolist()
    return found

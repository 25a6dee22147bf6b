"""Which covariances and how many components data are fitted with: BIC, and the likelihood of rows that were held out.

    BIC = -2 sum_i log p(x_i) + q log n,        q = (K - 1) + K d + the free entries of the covariances

Rows are dealt into folds, and each is judged by the mixture that was fitted to the others, so that every model has one
held-out log-likelihood for each row. Two models are compared row by row: the mean of the `n` differences, beside its
standard error `sd / sqrt(n)`.

Types that are the same law are no rivals: of one component `spherical` is `common` and `full` is `tied`; on the line
`tied` is `common`, `diag` and `full` are `spherical`. A difference that rounding can make is none either: moments are
sums over `n` rows, so they have relative errors up to `n eps`, and these move `log p` by up to `n eps (d + |log p|)`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.law.covariances import check_fitted
from certflow.law.fitting import Fit, fit, row_log_likelihoods
from certflow.numbers.arrays import Floats

#: Parts into which rows are dealt; a difference of so many standard errors speaks against the simpler model.
FOLDS, ERRORS = 3, 2.0


@dataclass(frozen=True, eq=False)
class Candidate:
    """One covariance type with one number of components, fitted to all rows.

    bic : smaller is better; held_out : shape (n,), of each row by a mixture that was fitted without it, None where some
    part of the rows could not be fitted
    """

    covariance_type: str
    n_components: int
    found: Fit
    parameters: int
    bic: float
    held_out: Floats | None

    @property
    def mean_held_out(self) -> float:
        """The mean of `held_out`; minus infinity without it."""
        return -np.inf if self.held_out is None else float(self.held_out.mean())

    def gain(self, other: Candidate) -> tuple[float, float]:
        """How much better rows that were held out are told than by another model: mean and standard error."""
        if self.held_out is None or other.held_out is None:
            return np.nan, np.nan
        difference = self.held_out - other.held_out
        return float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(difference)))

    def rounding(self, other: Candidate) -> float:
        """How large a gain over the other model rounding alone can make: `n eps (d + max |log p|)`."""
        size = max(np.abs(each.held_out).max() for each in (self, other) if each.held_out is not None)
        return float(self.found.origin["points"] * np.finfo(float).eps * (self.found.means.shape[1] + size))

    @property
    def law(self) -> tuple[str, int]:
        """The simplest type that is the same law, and the number of components."""
        word, dimension = self.covariance_type, self.found.means.shape[1]
        if dimension == 1:
            word = {"tied": "common", "full": "spherical", "diag": "spherical"}.get(word, word)
        if self.n_components == 1:
            word = {"spherical": "common", "full": "tied"}.get(word, word)
        return word, self.n_components


def parameters_count(covariance_type: str, n_components: int, dimension: int) -> int:
    """`q`: weights that sum to one, means, and the free entries of the covariances.

    >>> [parameters_count(word, 3, 4) for word in ("common", "spherical", "diag", "tied", "full")]
    [15, 17, 26, 24, 44]
    """
    model = check_fitted(covariance_type)
    matrix = dimension if model.estimator == "diag" else dimension * (dimension + 1) // 2
    free = {
        "common-isotropic": 1,
        "isotropic": n_components,
        "shared": matrix,
        "full": n_components * matrix,
    }[model.kind]
    return (n_components - 1) + n_components * dimension + free


def candidates(
    points: Floats,
    counts: Sequence[int],
    types: Sequence[str],
    seed: int,
    told: Callable[[int, int], None] | None = None,
) -> tuple[list[Candidate], dict[tuple[str, int], InputError]]:
    """Every type with every number of components that can be fitted, and why the others cannot.

    points : shape (n, d); told : of (done, total)
    """
    found: list[Candidate] = []
    refused: dict[tuple[str, int], InputError] = {}
    folds = np.random.default_rng(seed).permutation(len(points)) % FOLDS
    pairs = [(word, count) for word in types for count in counts]
    for done, (word, count) in enumerate(pairs):
        if told is not None:
            told(done, len(pairs))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # whether it converged is in its origin
                whole = fit(points, count, covariance_type=word, seed=seed)
        except InputError as error:
            refused[word, count] = error
            continue
        likelihood = whole.origin["mean_log_likelihood"] * len(points)
        number = parameters_count(word, count, points.shape[1])
        bic = -2 * likelihood + number * float(np.log(len(points)))
        found.append(Candidate(word, count, whole, number, bic, _held_out(points, folds, word, count, seed)))
    if told is not None:
        told(len(pairs), len(pairs))
    return found, refused


def _held_out(points: Floats, folds: Any, word: str, count: int, seed: int) -> Floats | None:
    result = np.empty(len(points))
    for fold in range(FOLDS):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                part = fit(points[folds != fold], count, covariance_type=word, seed=seed)
        except InputError:
            return None
        result[folds == fold] = row_log_likelihoods(points[folds == fold], part.weights, part.means, part.covariances)
    return result


def chosen(ordered: Iterable[Candidate]) -> tuple[Candidate, list[tuple[Candidate, Candidate, float, float]]]:
    """The first of the models that no later one beats clearly, and each comparison: model, rival, gain, its error.

    ordered : those first which are preferred. A rival replaces what was preferred so far where rows that were held out
    are told better by more than two standard errors of the paired difference, and by more than rounding can make. What
    is the same law as one before it is not compared; nor (gain nan) what rows that were held out do not judge.
    """
    first, *others = ordered
    best, laws = first, {first.law}
    compared: list[tuple[Candidate, Candidate, float, float]] = []
    for rival in others:
        if rival.law in laws:
            continue
        laws.add(rival.law)
        gain, error = rival.gain(best)
        compared.append((best, rival, gain, error))
        if not np.isnan(gain) and gain > max(ERRORS * error, rival.rounding(best)):
            best = rival
    return best, compared


def of_least_bic(found: Iterable[Candidate]) -> list[Candidate]:
    """Of each type the number of components with the least BIC, types in their order."""
    best: dict[str, Candidate] = {}
    for each in found:
        if each.covariance_type not in best or each.bic < best[each.covariance_type].bic:
            best[each.covariance_type] = each
    return list(best.values())

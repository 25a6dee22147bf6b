"""Which mixtures the hypotheses of a statement allow, and which a check can reach.

Each function returns None where a mixture fits, else the reason why not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.bounds.existence import existence, groups
from certflow.claims.check import Applicability, OutOfReach
from certflow.law.mixture import GaussianMixture
from certflow.law.symmetry import is_equal_pair


def has_bound(mixture: GaussianMixture) -> str | None:
    """Statements on integrated rates need a finite one."""
    if mixture.kind != "full" or existence(mixture).finite:
        return None
    return "no global growth rate exists for this mixture (L8)"


def is_symmetric_pair(mixture: GaussianMixture) -> str | None:
    """Two equal-weight components of common isotropic variance, with different means."""
    if is_equal_pair(mixture):
        return None
    weights, means = mixture.exact_weights.fractions, mixture.exact_means.fractions
    if len(weights) == 2 and weights[0] == weights[1] and (means[0] != means[1]).any():
        other = only("common-isotropic")(mixture)
        if isinstance(other, OutOfReach):
            return other
    return "stated for two different equal-weight modes of common isotropic variance"


def only(*kinds: str) -> Applicability:
    """Applicability by the form of the covariances.

    Hypotheses speak of the covariances, not of how a file gives them: where another kind could hold the same numbers,
    the check is out of reach, but the statement is not excluded.
    """

    def applies(mixture: GaussianMixture) -> str | None:
        if mixture.kind in kinds:
            return None
        form = simplest_kind(mixture)
        if form in kinds:
            return OutOfReach(f"checked where its covariances are given as {form}; they are given as {mixture.kind}")
        return f"stated for {' or '.join(kinds)} covariances; this mixture has {mixture.kind} ones"

    return applies


def within_reach(*kinds: str) -> Applicability:
    """Applicability of a check that needs one of these kinds of covariance, though its statement does not."""

    def applies(mixture: GaussianMixture) -> str | None:
        if mixture.kind in kinds:
            return None
        return OutOfReach(f"this version checks it for {' or '.join(kinds)} covariances, not for {mixture.kind} ones")

    return applies


def simplest_kind(mixture: GaussianMixture) -> str:
    """The simplest kind that could hold the covariances of the mixture."""
    found = [group.covariance for group in groups(mixture)]
    if all(_is_multiple_of_identity(covariance) for covariance in found):
        return "common-isotropic" if len({_scale(covariance) for covariance in found}) == 1 else "isotropic"
    return "shared" if len(found) == 1 else "full"


def _is_multiple_of_identity(covariance: Any) -> bool:
    if np.ndim(covariance) == 0:
        return True
    return bool((covariance == covariance[0, 0] * np.eye(len(covariance), dtype=int)).all())


def _scale(covariance: Any) -> Any:
    return covariance if np.ndim(covariance) == 0 else covariance[0, 0]


#: Applicability of what needs a common isotropic variance.
COMMON = only("common-isotropic")

"""What the bounds share: the sizes of a mixture, and where a first-order bound says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.law.mixture import GaussianMixture
from certflow.law.spectra import variance_extremes
from certflow.numbers.accuracy import TOLERANCE, tolerance
from certflow.numbers.arrays import Flags, Floats, Points, Times
from certflow.numbers.floats import UNIT

#: Errors of the logits beyond which the responsibilities say nothing about their own error.
LOGIT_LIMIT = 1e-3

#: Spacing of float64 numbers at one.
EPSILON = 2 * UNIT

#: Sizes within which squares, and products of some, neither underflow nor overflow: beyond, bounds would say nothing.
LEAST, LARGEST = 1e-140, 1e140


@dataclass(frozen=True)
class Scale:
    """The sizes of a mixture.

    radius : `max |mu_k|`; log_weight : `max |log w_k|`; growth : of rounding errors in sums over `d` and `K` terms
    low, high : smallest and largest eigenvalue of each covariance, shapes (1,) or (K,); lowest, highest : of all
    slope : `max |1 - s2|` over these, the size of `I - Sigma_k`; steepest : the largest
    alike : one covariance for all; isotropic : multiples of the identity
    extreme : means or eigenvalues are beyond `LEAST` or `LARGEST`: no bound is taken
    """

    radius: float
    log_weight: float
    growth: float
    low: Floats
    high: Floats
    lowest: float
    highest: float
    slope: Floats
    steepest: float
    alike: bool
    isotropic: bool
    extreme: bool


def scale_of(mixture: GaussianMixture) -> Scale:
    """The sizes of a mixture; `mixture.kept[scale_of]` are kept with it."""
    low, high = variance_extremes(mixture)
    slope = np.maximum(abs(1 - low), abs(1 - high))
    with np.errstate(over="ignore", under="ignore"):
        radius = float(np.sqrt((mixture.means**2).sum(axis=1).max()))
    return Scale(
        radius=radius,
        log_weight=-float(np.log(max(float(mixture.weights.min()), 5e-324))),
        growth=1 + (mixture.dimension**0.5 + mixture.n_components**0.5) / 16,
        low=low,
        high=high,
        lowest=float(low.min()),
        highest=float(high.max()),
        slope=slope,
        steepest=float(slope.max()),
        alike=mixture.kind in ("common-isotropic", "shared"),
        isotropic=mixture.kind.endswith("isotropic"),
        extreme=any(bool(beyond(sizes).any()) for sizes in (low, high, np.abs(mixture.means).max())),
    )


def beyond(sizes: Any) -> Any:
    """Which sizes, zero aside, are beyond `LEAST` or `LARGEST`."""
    return (sizes != 0) & ~((sizes >= LEAST) & (sizes <= LARGEST))


def tiny(x: Points) -> Flags:
    """Which points (N, d) are not zero, but so near it that their squares vanish."""
    small: Flags = (x * x).sum(axis=1) < LEAST**2
    return small & np.asarray(x.any(axis=1)) if small.any() else small


def accepted_error(mixture: GaussianMixture) -> float:
    """The relative error in norm that is accepted.

    Matrices of more than 64 rows round more, and their repair by balls would take minutes.
    """
    return TOLERANCE if mixture.kind.endswith("isotropic") else tolerance(mixture.dimension)


def trusted(bound: Any, logit_error: Floats) -> Floats:
    """The bound where the logits (N,) are known well enough for the first order, infinity elsewhere."""
    return np.where(logit_error <= LOGIT_LIMIT, bound, np.inf)


def outer(times: Times, values: Floats) -> Floats:
    """`a_t b_k`, shape (T, K), of shapes (T, 1) and (K,); the times of one component lie together."""
    return (values[:, None] * times.T).T


def norm(vectors: Floats) -> Floats:
    """Euclidean norms over the last axis."""
    result: Floats = np.sqrt((vectors * vectors).sum(axis=-1))
    return result

"""What chance explains of the mean and the variance of independent normal numbers."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from certflow.numbers.arrays import Floats, Points


def mean_limit(count: int, level: float) -> float:
    """`Phi^{-1}(1 - level/2) / sqrt(n)`: the mean of n standard normal numbers is beyond it, either way, so often."""
    return NormalDist().inv_cdf(1 - level / 2) / math.sqrt(count)


def variance_limits(freedom: int, level: float) -> tuple[float, float]:
    """Quantiles of `chi^2_k / k` at `level/2` and `1 - level/2`: between them is the variance of k + 1 such numbers."""
    from scipy.special import gammainccinv, gammaincinv

    half = freedom / 2
    return float(gammaincinv(half, level / 2) / half), float(gammainccinv(half, level / 2) / half)


def moments(values: Points) -> Floats:
    """Mean and variance of all numbers, then of each column; shape (2, 1 + D) for values of shape (n, D)."""
    columns = values.mean(axis=0), values.var(axis=0, ddof=1)
    whole = values.mean(), values.var(ddof=1)
    return np.array([[first, *rest] for first, rest in zip(whole, columns, strict=True)])


def moment_limits(got: Floats, count: int, variance: float, level: float) -> Floats:
    """How far such moments of `count` rows of normal numbers of this variance are off by chance; shape (2, 1 + D).

    level : the probability that any of them is further off
    """
    each = level / got.size
    limits = np.zeros_like(got)
    for numbers, columns in ((count * (got.shape[1] - 1), slice(0, 1)), (count, slice(1, None))):
        low, high = variance_limits(numbers - 1, each)
        limits[0, columns] = mean_limit(numbers, each) * math.sqrt(variance)
        limits[1, columns] = variance * np.where(got[1, columns] < variance, 1 - low, high - 1)
    return limits

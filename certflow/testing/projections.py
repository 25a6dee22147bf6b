"""A sample held against a mixture: means, variances and distribution functions along directions.

Along a unit vector `a` the mixture at time `t` is `sum_k w_k N(m a.mu_k, a.C_k a)` in one dimension, so that its mean,
variance and distribution function `F` are known. For `n` independent draws and `R` directions, at the level `alpha`,

    P( sup_y |F_n(y) - F(y)| > sqrt( log(6 R/alpha) / (2 n) ) ) <= alpha/(3 R)            (Dvoretzky, Kiefer, Wolfowitz)

and mean and variance are within `q sqrt(var/n)`, `q sqrt((mu_4 - var^2)/n)` of theirs, `q` the normal quantile of
`1 - alpha/(6 R)` (central limit).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Points

#: Random directions beside the first axes, as many at most of each.
_DIRECTIONS = 8


@dataclass(frozen=True)
class Gap:
    """A number of a sample beside that of the law."""

    what: str  #: "mean", "variance", "distribution function"
    direction: Floats
    got: float
    expected: float
    limit: float  #: what chance explains at the level

    @property
    def error(self) -> float:
        return abs(self.got - self.expected)

    @property
    def excess(self) -> float:
        return self.error / self.limit


def largest_gap(
    points: Points, mixture: GaussianMixture, t: float, *, level: float, seed: int = 0, before: Points | None = None
) -> Gap:
    """The gap with the largest excess; one above 1 happens by chance with probability at most `level`.

    points : shape (n, d), independent draws as it is claimed of `p_t`
    before : those of a coarser grid: what is left of an error that falls with the grid is at most what changed last,
        and that is allowed beside chance
    """
    d = mixture.dimension
    random = np.random.default_rng([seed, d]).standard_normal((_DIRECTIONS if d > 1 else 0, d))
    directions = np.concatenate([np.eye(d)[:_DIRECTIONS], random / np.linalg.norm(random, axis=1, keepdims=True)])
    each = level / (3 * len(directions))
    gaps: list[Gap] = []
    for a in directions:
        values, coarse = np.sort(points @ a), None if before is None else np.sort(before @ a)
        gaps += _gaps(values, coarse, mixture, t, a, each)
    return max(gaps, key=lambda gap: gap.excess)


def _gaps(
    values: Floats, coarse: Floats | None, mixture: GaussianMixture, t: float, a: Floats, level: float
) -> Iterator[Gap]:
    """Of sorted values along `a`."""
    from scipy.special import ndtr

    m, n = math.exp(-t), len(values)
    weights, means = mixture.weights / mixture.weights.sum(), m * mixture.means @ a
    variances = m * m * np.einsum("i,kij,j->k", a, mixture.covariance_matrices, a) - math.expm1(-2 * t)
    centre = float(weights @ means)
    far = means - centre
    variance = float(weights @ (variances + far**2))
    fourth = float(weights @ (far**4 + 6 * far**2 * variances + 3 * variances**2))
    quantile = NormalDist().inv_cdf(1 - level / 2)

    def changed(statistic: Callable[[Floats], float]) -> float:
        return 0.0 if coarse is None else abs(statistic(values) - statistic(coarse))

    def mean(v: Floats) -> float:
        return float(v.mean())

    def spread(v: Floats) -> float:
        return float(((v - centre) ** 2).mean())

    yield Gap("mean", a, mean(values), centre, quantile * math.sqrt(variance / n) + changed(mean))
    chance = quantile * math.sqrt((fourth - variance**2) / n)
    yield Gap("variance", a, spread(values), variance, chance + changed(spread))
    exact = ndtr((values[:, None] - means) / np.sqrt(variances)) @ weights
    steps = np.arange(n + 1) / n
    above, below = steps[1:] - exact, exact - steps[:-1]
    up = above.max() >= below.max()
    place = int(np.argmax(above if up else below))
    found = float(steps[place + 1] if up else steps[place])
    limit = math.sqrt(math.log(2 / level) / (2 * n))
    if coarse is not None:
        limit += float(np.abs(np.searchsorted(coarse, values, side="right") - np.arange(1, n + 1)).max()) / n
    yield Gap("distribution function", a, found, float(exact[place]), limit)

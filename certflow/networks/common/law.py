"""What the network of a mixture of common isotropic variance and its error depend on, exactly and in balls (A6)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from flint import arb, fmpq

from certflow.law.mixture import GaussianMixture
from certflow.law.noised import NoisedMixture
from certflow.networks.graph import rational

#: Where the search for the largest varentropy ends, and its boxes on a unit interval.
_FLAT, _BOXES = 8, 64


@dataclass(frozen=True)
class CommonLaw:
    """Weights, means and variance as exact rationals; distances and moments in balls at the precision in force.

    weights : (K,) rationals of sum 1; means : K lists of d rationals; variance : a rational > 0
    t_min, t_max : rationals
    centre : d rationals near the centre of the smallest ball that holds the means
    """

    weights: tuple[Any, ...]
    means: tuple[tuple[Any, ...], ...]
    variance: Any
    t_min: Any
    t_max: Any
    centre: tuple[Any, ...]

    @property
    def components(self) -> int:
        return len(self.weights)

    @property
    def dimension(self) -> int:
        return len(self.means[0])

    @property
    def excess(self) -> Any:
        """`c = 1 - sigma^2`, so that `v = 1 - c m^2`."""
        return 1 - self.variance

    @cached_property
    def squares(self) -> tuple[Any, ...]:
        """`|mu_k|^2`, exact."""
        return tuple(_dot(mean, mean) for mean in self.means)

    @cached_property
    def squared_distances(self) -> dict[tuple[int, int], Any]:
        """`|mu_i - mu_j|^2` for `i < j`, exact."""
        return {
            (i, j): _dot(difference, difference)
            for i, j in combinations(range(self.components), 2)
            for difference in [[a - b for a, b in zip(self.means[i], self.means[j], strict=True)]]
        }

    @property
    def diameter(self) -> Any:
        """`D`."""
        return arb(max(self.squared_distances.values(), default=fmpq(0))).sqrt()

    @property
    def radius(self) -> Any:
        """The largest distance of a mean from the centre."""
        distances = []
        for mean in self.means:
            difference = [a - b for a, b in zip(mean, self.centre, strict=True)]
            distances.append(_dot(difference, difference))
        return arb(max(distances)).sqrt()

    @property
    def spread(self) -> Any:
        """`B_1 = max_j sum_k |mu_k - mu_j|`."""
        sums = [arb(0)] * self.components
        for (i, j), squared in self.squared_distances.items():
            distance = arb(squared).sqrt()
            sums[i] += distance
            sums[j] += distance
        return _largest(sums)

    @property
    def largest_mean(self) -> Any:
        """`max_k |mu_k|`."""
        return arb(max(self.squares)).sqrt()

    @property
    def second_moment(self) -> Any:
        """`sum_k w_k |mu_k|^2`, exact."""
        return sum((w * square for w, square in zip(self.weights, self.squares, strict=True)), fmpq(0))

    @property
    def square_oscillation(self) -> Any:
        """The largest difference of two `|mu_k|^2`, exact."""
        return max(self.squares) - min(self.squares)

    @property
    def log_weights(self) -> list[Any]:
        """`log w_k - max_j log w_j`, balls: the softmax does not feel the shift."""
        top = max(self.weights)
        return [arb(weight / top).log() for weight in self.weights]

    @property
    def weight_oscillation(self) -> Any:
        """The largest difference of two `log w_k`."""
        return arb(max(self.weights) / min(self.weights)).log()

    @property
    def varentropy(self) -> Any:
        """`V_K`, the largest variance of `log gamma_k` under `gamma`: a ball above it (`largest_varentropy`)."""
        return largest_varentropy(self.components)


def common_law(process: NoisedMixture) -> CommonLaw:
    """The law of a process whose mixture has one isotropic variance; components of equal mean are one."""
    weights, means, variance, centre = process.mixture.kept[_exact_law]
    return CommonLaw(weights, means, variance, rational(process.exact_t_min), rational(process.exact_t_max), centre)


def _exact_law(mixture: GaussianMixture) -> tuple[tuple[Any, ...], tuple[Any, ...], Any, tuple[Any, ...]]:
    """Weights, different means, variance, and the centre of the smallest ball."""
    weights: dict[tuple[Any, ...], Any] = {}
    for weight, row in zip(mixture.exact_weights.fractions, mixture.exact_means.fractions, strict=True):
        mean = tuple(rational(entry) for entry in row)
        weights[mean] = weights.get(mean, 0) + rational(weight)
    total = sum(weights.values(), fmpq(0))
    return (
        tuple(weight / total for weight in weights.values()),
        tuple(weights),
        rational(mixture.exact_covariances.fractions.item()),
        smallest_ball_centre(np.array([[float(arb(entry)) for entry in mean] for mean in weights])),
    )


def smallest_ball_centre(means: Any) -> tuple[Any, ...]:
    """About the centre of the smallest ball that holds the rows, multiples of 2^-20 (Badoiu and Clarkson's
    iteration).
    """
    centre = means.mean(axis=0)
    for i in range(1, 4000):
        farthest = means[np.argmax(((means - centre) ** 2).sum(axis=1))]
        centre = centre + (farthest - centre) / (i + 1)
    return tuple(fmpq(round(float(entry) * 2**20), 2**20) for entry in centre)


def largest_varentropy(components: int) -> Any:
    """`V_K = max_P P (1 - P) log^2( (K - 1) P / (1 - P) )`, a ball from above (A6, proofs/A6.md).

    With `P = 1/(1 + e^{-x})` it is `max_x (x + log(K - 1))^2 / (4 cosh^2(x/2))`, and `x >= 0` is enough. Beyond `x =
    8` it falls, and is at most `(x + log(K - 1))^2 e^{-x}`.
    """
    if components == 1:
        return arb(0)
    shift = arb(components - 1).log()
    best = (shift + _FLAT) ** 2 * (-arb(_FLAT)).exp()
    for i in range(_FLAT * _BOXES):
        x = arb(fmpq(2 * i + 1, 2 * _BOXES), fmpq(1, 2 * _BOXES))
        best = best.max((x + shift) ** 2 / (4 * (x / 2).cosh() ** 2))
    return best.upper()


def _dot(first: Any, second: Any) -> Any:
    return sum((a * b for a, b in zip(first, second, strict=True)), fmpq(0))


def _largest(balls: list[Any]) -> Any:
    result = balls[0]
    for ball in balls[1:]:
        result = result.max(ball)
    return result

"""The flow of a common isotropic variance in its straight coordinates, and its Taylor series in Arb.

`z = x / sqrt(v)`, `q = e^{-t} / sqrt(v)`:  `dz/dq = sum_k gamma_k mu_k`,  `gamma_k ~ w_k exp(-|z - q mu_k|^2 / 2)`
(proofs/flow-tube.md). The field is entire apart from the zeros of the denominator of `gamma`, it is bounded by
`max |mu_k|`, and its Jacobian `q Cov_gamma(mu)` is positive semidefinite.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from operator import mul
from typing import Any

import flint

from certflow.law.mixture import GaussianMixture

Ball = Any
Matrix = Any
Vector = list[Ball]


@dataclass(frozen=True)
class StraightField:
    """The numbers of a mixture as Arb balls at the precision in force: weights (K,), means (K, d)."""

    weights: Vector
    means: list[Vector]

    @classmethod
    def of(cls, mixture: GaussianMixture) -> StraightField:
        weights = [_ball(value) for value in mixture.exact_weights.fractions]
        return cls(weights, [[_ball(value) for value in row] for row in mixture.exact_means.fractions])

    @cached_property
    def speed(self) -> Ball:
        """`max_k |mu_k| >= |dz/dq|`."""
        largest = flint.arb(0)
        for mean in self.means:
            largest = largest.max(norm(mean))
        return largest

    def frame(self, z: Vector, q: Ball) -> Frame:
        """Responsibilities and centred means at `(z, q)`; `z` of shape (d,), exact."""
        gaps = [[a - q * b for a, b in zip(z, mean, strict=True)] for mean in self.means]
        nearest = 0
        for k, gap in enumerate(gaps):
            if _dot(gap, gap).mid() < _dot(gaps[nearest], gaps[nearest]).mid():
                nearest = k
        logits = []
        for weight, mean in zip(self.weights, self.means, strict=True):
            # |z - q mu_j|^2 - |z - q mu_k|^2 without its cancellation
            way = [q * (a - b) for a, b in zip(mean, self.means[nearest], strict=True)]
            logits.append(weight.log() + _dot(gaps[nearest], way) - _dot(way, way) / 2)
        total = sum((logit.exp() for logit in logits), flint.arb(0)).log()
        logits = [logit - total for logit in logits]
        gamma = [logit.exp() for logit in logits]
        columns = list(zip(*self.means, strict=True))
        # Any exact vector and numbers may be subtracted; the floats nearest the averages keep the bounds small.
        drift = [flint.arb(float(_dot(gamma, column).mid())) for column in columns]
        arms = [[a - b for a, b in zip(mean, drift, strict=True)] for mean in self.means]
        slopes = [_dot(gap, arm) for gap, arm in zip(gaps, arms, strict=True)]
        squares = [_dot(arm, arm) for arm in arms]
        slope, square = (flint.arb(float(_dot(gamma, values).mid())) for values in (slopes, squares))
        return Frame(q, logits, gamma, drift, arms, [a - slope for a in slopes], [b - square for b in squares])


@dataclass(frozen=True)
class Frame:
    """The softmax about an exact point `(z0, q0)`, without what its logits share.

    With `z = z0 + s g + zeta`, `q = q0 + s` and `e_k = mu_k - g` the logits are, up to a common function of
    `(s, zeta)`,  `b_k = slope_k s + (q0 + s) zeta . e_k - curvature_k s^2 / 2`,
    `slope_k = (z0 - q0 mu_k) . e_k - alpha`, `curvature_k = |e_k|^2 - nu`, for any exact `g`, `alpha`, `nu`.
    """

    q: Ball
    log_gamma: Vector
    gamma: Vector
    drift: Vector
    arms: list[Vector]
    slopes: Vector
    curvatures: Vector

    @cached_property
    def lengths(self) -> Vector:
        """`|e_k|`, shape (K,)."""
        return [norm(arm) for arm in self.arms]

    @cached_property
    def defect(self) -> Ball:
        """`|sum_k gamma_k mu_k - g|` at the centre."""
        return norm([_dot(self.gamma, column) for column in zip(*self.arms, strict=True)])


@dataclass(frozen=True)
class Expansion:
    """Taylor coefficients in `s` about the centre of a frame, orders 0 ... N.

    positions : (N + 1, d), of `zeta = z - z0 - s g`;  derivatives : N + 1 matrices (d, d), of `W = dz / dz0`.
    """

    positions: list[Vector]
    derivatives: list[Matrix]

    def position(self, s: Ball) -> Vector:
        """The Taylor polynomial of `zeta` at `s`, shape (d,)."""
        result = self.positions[-1]
        for row in reversed(self.positions[:-1]):
            result = [s * a + b for a, b in zip(result, row, strict=True)]
        return result

    def derivative(self, s: Ball) -> Matrix:
        """The Taylor polynomial of `W` at `s`, shape (d, d)."""
        result = self.derivatives[-1]
        for matrix in reversed(self.derivatives[:-1]):
            result = result * s + matrix
        return result


def expand(frame: Frame, order: int) -> Expansion:
    """Coefficients of `zeta' = E_gamma(e)` and `W' = (q0 + s) Cov_gamma(e) W` up to `order`, each a ball.

    With `E_k = exp(b_k) gamma_k(0)`, `S = sum_k E_k`, `T = sum_k E_k e_k`:
    `(n+1) E_{k,n+1} = sum_i (i+1) b_{k,i+1} E_{k,n-i}`,  `G_n = T_n - sum_{i>=1} S_i G_{n-i}`  (`S_0 = 1`),
    `(n+1) zeta_{n+1} = G_n`,  `(n+1) W_{n+1} = sum_i H_i W_{n-i}`,  `H = (q0 + s) (E_gamma(e e^T) - G G^T)`.
    """
    dimension = len(frame.drift)
    axes = range(dimension)
    columns = list(zip(*frame.arms, strict=True))
    # Lists run from the newest coefficient to the oldest where a convolution reads them backwards.
    exponentials = [[value] for value in frame.gamma]
    slopes: list[Vector] = [[] for _ in frame.arms]
    totals: Vector = []
    means: list[Vector] = [[] for _ in axes]
    positions: list[Vector] = [[flint.arb(0)] * dimension]
    for n in range(order):
        newest = [series[-1] for series in exponentials]
        if n:
            totals.append(sum(newest[1:], newest[0]))
        for axis in axes:
            moment = _dot(newest, columns[axis])
            means[axis].append(moment - _dot(totals, means[axis][::-1]) if n else moment)
        positions.append([means[axis][n] / (n + 1) for axis in axes])
        for k, arm in enumerate(frame.arms):
            slope = frame.q * _dot(positions[n + 1], arm)
            if n:
                slope += _dot(positions[n], arm)
            if n == 0:
                slope += frame.slopes[k]
            if n == 1:
                slope -= frame.curvatures[k] / 2
            slopes[k].append((n + 1) * slope)
            exponentials[k].append(_dot(slopes[k], exponentials[k][::-1]) / (n + 1))
    return Expansion(positions, _derivatives(frame, exponentials, totals, means, order))


def _derivatives(
    frame: Frame, exponentials: list[Vector], totals: Vector, means: list[Vector], order: int
) -> list[Matrix]:
    poly = flint.arb_poly
    inverse = [flint.arb(1)]
    for n in range(1, order):
        inverse.append(-_dot(totals[:n], inverse[::-1]))
    reciprocal = poly(inverse)
    shares = [poly(series[:order]) * reciprocal for series in exponentials]
    averages = [poly(series) for series in means]
    axes = range(len(means))
    clock = poly([frame.q, 1])
    entries: dict[tuple[int, int], Any] = {}
    for i in axes:
        for j in range(i + 1):
            moment = poly([0])
            for share, arm in zip(shares, frame.arms, strict=True):
                moment += share * (arm[i] * arm[j])
            series = clock * (moment - averages[i] * averages[j])
            entries[i, j] = entries[j, i] = [series[n] for n in range(order)]
    rates = [flint.arb_mat([[entries[i, j][n] for j in axes] for i in axes]) for n in range(order)]
    derivatives = [flint.arb_mat([[int(i == j) for j in axes] for i in axes])]
    for n in range(order):
        products = list(map(mul, rates[: n + 1], derivatives[::-1]))
        derivatives.append(sum(products[1:], products[0]) / (n + 1))
    return derivatives


def norm(vector: Any) -> Ball:
    """`|a|_2` of a sequence of balls."""
    if len(vector) == 1:
        return abs(vector[0])
    return _dot(vector, vector).nonnegative_part().sqrt()


def _dot(a: Any, b: Any) -> Ball:
    return sum(map(mul, a, b), flint.arb(0))


def _ball(value: Any) -> Ball:
    return flint.arb(flint.fmpq(value.numerator, value.denominator))

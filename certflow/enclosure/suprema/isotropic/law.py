"""Gaussian mixtures of different isotropic variances at one time, as an exponential family (proofs/L7.md).

With `m = e^{-t}`, `v_k = s2_k m^2 + 1 - m^2`, `P_k = 1/v_k`, and `x` measured from `m` times the average of the means,

    log p_k(x) + |x|^2/2 = o_k + tau_k.x - q_k |x|^2/2,   q_k = P_k - 1,   tau_k = m P_k mu_k,

`o_k = log w_k - (d/2) log v_k - P_k m^2 |mu_k|^2/2`. The gradient `u_k = tau_k - q_k x` is `b_k + x`, so that

    -J = -sum_k gamma_k q_k I + Cov_gamma(u)

without the cancellation that `1 - P_k` and `b_k` suffer at late times (proofs/sharp-isotropic.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.results import ball_ends
from certflow.enclosure.suprema.points import Points, Vector
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Flags, Floats
from certflow.numbers.floats import UNIT

#: Working precision of the balls, beside what late times need (`law_bits`).
BITS = 192


@dataclass(frozen=True)
class Balls:
    """The same law in Arb balls, in the ambient space: `m`, `q_k`, `P_k`, `v_k`, `log w_k - (d/2) log v_k`."""

    m: Any
    quad: list[Any]
    precision: list[Any]
    variance: list[Any]
    scale: list[Any]

    def tilt(self, law: IsotropicLaw, k: int) -> list[Any]:
        """`tau_k = m P_k (mu_k - centre)`, `d` balls."""
        return [self.m * self.precision[k] * ball(a) for a in law.shifted[k]]


@dataclass(frozen=True)
class IsotropicLaw:
    """Components merged where mean and variance agree; float64 coefficients in an orthonormal frame of `R^n`.

    `n = d` if the means span `R^d`; otherwise `n` is the dimension of their hull plus one, because everything is
    symmetric about the hull: the frame's last axis stands for all directions across it.

    means, variances, weights : exact; indices : components of the mixture behind each one
    frame : `n` orthonormal vectors of `R^d`, balls
    offset (K,), tilt (K, n), quad (K,) : `o_k`, `tau_k`, `q_k`; every entry within `2 u` of itself plus `tiny`
    """

    means: tuple[Vector, ...]
    variances: tuple[Fraction, ...]
    weights: tuple[Fraction, ...]
    indices: tuple[tuple[int, ...], ...]
    time: Fraction
    hull: Points
    balls: Balls
    frame: tuple[tuple[Any, ...], ...]
    offset: Floats
    tilt: Floats
    quad: Floats
    tiny: float

    @classmethod
    def of(cls, mixture: GaussianMixture, time: Fraction) -> IsotropicLaw:
        """The law of a mixture of kind "isotropic" at a time > 0 (call it at the precision `law_bits`)."""
        total = mixture.weight_total
        merged: dict[tuple[Vector, Fraction], tuple[Fraction, tuple[int, ...]]] = {}
        rows = zip(
            mixture.exact_means.fractions,
            mixture.exact_covariances.fractions,
            mixture.exact_weights.fractions,
            strict=True,
        )
        for index, (row, variance, weight) in enumerate(rows):
            key = tuple(Fraction(a) for a in row), Fraction(variance)
            old = merged.get(key, (Fraction(0), ()))
            merged[key] = (old[0] + Fraction(weight) / total, (*old[1], index))
        means, variances = tuple(key[0] for key in merged), tuple(key[1] for key in merged)
        weights, indices = tuple(v[0] for v in merged.values()), tuple(v[1] for v in merged.values())
        hull = Points.of(means, weights)
        balls = _balls(mixture.dimension, weights, variances, time)
        frame = _frame(hull, mixture.dimension)
        average = _average(means)
        shifted = [[a - c for a, c in zip(mean, average, strict=True)] for mean in means]
        tilts = [
            [_along(axis, row) * balls.m * p for axis in frame] for row, p in zip(shifted, balls.precision, strict=True)
        ]
        if hull.dimension < len(frame) or hull.dimension == 0:
            for tilt in tilts:
                tilt[-1] = ball(Fraction(0))  # the means lie in their hull
        offsets = [
            s - p * balls.m * balls.m * ball(sum((a * a for a in row), Fraction(0))) / 2
            for s, p, row in zip(balls.scale, balls.precision, shifted, strict=True)
        ]
        entries = [*offsets, *balls.quad, *(entry for row in tilts for entry in row)]
        return cls(
            means,
            variances,
            weights,
            indices,
            time,
            hull,
            balls,
            frame,
            np.array([float(o.mid()) for o in offsets]),
            np.array([[float(entry.mid()) for entry in row] for row in tilts]),
            np.array([float(q.mid()) for q in balls.quad]),
            2 * max(float(entry.rad()) for entry in entries) + 1e-300,
        )

    @property
    def size(self) -> int:
        """`K`, after merging."""
        return len(self.weights)

    @property
    def dimension(self) -> int:
        """`d`."""
        return len(self.means[0])

    @property
    def coordinates(self) -> int:
        """`n`."""
        columns: int = self.tilt.shape[1]
        return columns

    @property
    def idle(self) -> bool:
        """Whether `R^d` has directions in which `Cov_gamma(b)` vanishes and that the frame leaves out."""
        return self.dimension > self.coordinates

    @cached_property
    def average(self) -> Vector:
        """The average of the (distinct) means: the origin of `x`, up to the factor `m`."""
        return _average(self.means)

    @cached_property
    def shifted(self) -> tuple[Vector, ...]:
        """`mu_k - average`."""
        return tuple(tuple(a - c for a, c in zip(mean, self.average, strict=True)) for mean in self.means)

    @cached_property
    def wide(self) -> tuple[int, ...]:
        """The components of largest variance, which alone survive at infinity."""
        return tuple(k for k, variance in enumerate(self.variances) if variance == max(self.variances))

    def members(self, components: Sequence[int]) -> tuple[int, ...]:
        """Indices in the mixture of merged components."""
        return tuple(sorted(index for k in components for index in self.indices[k]))

    def difference_squared(self, i: int, j: int) -> Fraction:
        """`|mu_i - mu_j|^2`."""
        return sum(((a - b) ** 2 for a, b in zip(self.means[i], self.means[j], strict=True)), Fraction(0))

    def ambient(self, point: Floats) -> list[float]:
        """Coordinates in `R^d` (nearest float64, not exact) of a point of the frame."""
        axes = np.array([[float(a.mid()) for a in axis] for axis in self.frame])
        return list(float(self.balls.m.mid()) * np.array([float(a) for a in self.average]) + point @ axes)


def law_bits(time: Fraction) -> int:
    """Bits at which `q_k`, which decays like `m^2`, keeps `BITS` good ones."""
    return BITS + 8 * int(time + 1)


def _balls(dimension: int, weights: Sequence[Fraction], variances: Sequence[Fraction], time: Fraction) -> Balls:
    m = (-ball(time)).exp()
    grown = -(-2 * ball(time)).expm1()
    variance = [ball(s) * m * m + grown for s in variances]
    scale = [ball(w).log() - dimension * v.log() / 2 for w, v in zip(weights, variance, strict=True)]
    quad = [ball(1 - s) * m * m / v for s, v in zip(variances, variance, strict=True)]
    return Balls(m, quad, [1 / v for v in variance], variance, scale)


def _frame(hull: Points, dimension: int) -> tuple[tuple[Any, ...], ...]:
    """An orthonormal frame of the hull, and one axis across it where there is room (Gram–Schmidt in balls)."""
    units = [tuple(ball(Fraction(int(i == j))) for j in range(dimension)) for i in range(dimension)]
    if hull.dimension == dimension:
        return tuple(units)
    frame: list[tuple[Any, ...]] = []
    for column in range(hull.dimension):
        frame.append(_unit(_residual(tuple(ball(row[column]) for row in hull.embedding), frame)))
    across = max((_residual(unit, frame) for unit in units), key=lambda vector: float(_dot(vector, vector).mid()))
    return (*frame, _unit(across))


def _residual(vector: tuple[Any, ...], frame: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    for axis in frame:
        along = _dot(vector, axis)
        vector = tuple(a - along * b for a, b in zip(vector, axis, strict=True))
    return vector


def _unit(vector: tuple[Any, ...]) -> tuple[Any, ...]:
    length = _dot(vector, vector).sqrt()
    return tuple(a / length for a in vector)


def _dot(a: Sequence[Any], b: Sequence[Any]) -> Any:
    return sum((x * y for x, y in zip(a, b, strict=True)), ball(Fraction(0)))


def _along(axis: Sequence[Any], row: Sequence[Fraction]) -> Any:
    return _dot(axis, [ball(a) for a in row])


def _average(means: Sequence[Vector]) -> Vector:
    return tuple(sum(column, Fraction(0)) / len(means) for column in zip(*means, strict=True))


@dataclass(frozen=True)
class Pairs:
    """The one-variable problem of every pair (proofs/L7.md), arrays (K, K); `F = log p_i/p_j`, `i` the narrower one.

        -J restricted to the pair has the eigenvalues  f(F) = -q_j - kappa pi + pi (1 - pi) (Q - 2 kappa F)  and
        -q_j - kappa pi,  pi = 1/(1 + e^{-F}),  kappa = q_i - q_j >= 0,  Q - 2 kappa F = |u_i - u_j|^2,

    so `f` is the largest one. It increases up to a single peak, in `[low, high]`, where it is at most `top`, and
    decreases from there. first : whether the row's component is the narrower one (ties: the smaller index)

    kappa, spread (`Q`) and quad (`q_j`) are within `2 u` of themselves plus the law's `tiny`.
    """

    first: Flags
    kappa: Floats
    spread: Floats
    quad: Floats
    low: Floats
    high: Floats
    top: Floats

    @classmethod
    def of(cls, law: IsotropicLaw) -> Pairs:
        size = law.size
        fields = {name: np.zeros((size, size)) for name in ("kappa", "spread", "quad", "low", "high", "top")}
        first = np.zeros((size, size), dtype=bool)
        for a in range(size):
            for b in range(a):
                i, j = (a, b) if law.variances[a] < law.variances[b] else (b, a)
                first[i, j] = True
                for name, value in _pair(law, i, j).items():
                    fields[name][i, j] = fields[name][j, i] = value
        return cls(first, **fields)

    def reach(self, i: int, j: int) -> float:
        """`|u_i - u_j|` at the peak (not rigorous): where to look for large values."""
        peak = (self.low[i, j] + self.high[i, j]) / 2
        return float(max(self.spread[i, j] - 2 * self.kappa[i, j] * peak, 0.0) ** 0.5)


def _pair(law: IsotropicLaw, i: int, j: int) -> dict[str, float]:
    balls = law.balls
    m2p = balls.m * balls.m * balls.precision[i] * balls.precision[j]
    kappa = m2p * ball(law.variances[j] - law.variances[i])
    spread = 2 * kappa * (balls.scale[i] - balls.scale[j]) + m2p * ball(law.difference_squared(i, j))
    slope, height = float(kappa.mid()), float(spread.mid())
    peak = _peak(slope, height)
    while True:  # the float64 root is good to a few units; the signs in balls prove the bracket
        margin = Fraction(2.0**-40 * (1 + abs(peak)))
        low, high = Fraction(peak) - margin, min(Fraction(peak) + margin, Fraction(0))
        if _slope(kappa, spread, ball(low)) < 0 and (high == 0 or _slope(kappa, spread, ball(high)) > 0):
            break
        raise ArithmeticError(f"no bracket of the peak of components {i} and {j}")
    value = _value(kappa, spread, ball(low).union(ball(high))) - balls.quad[j]
    middle, radius = ball_ends(value)
    return {
        "kappa": slope,
        "spread": height,
        "quad": float(balls.quad[j].mid()),
        "low": float(low) - 1e-15 * (1 + abs(peak)),
        "high": float(high) + 1e-15 * (1 + abs(peak)),
        "top": float(np.nextafter(float(middle + radius), np.inf)),
    }


def _peak(kappa: float, spread: float) -> float:
    """The root of `h(F) = 3 kappa + (Q - 2 kappa F) tanh(F/2)` on `F <= min(0, Q/(2 kappa))`, by bisection."""
    high = min(0.0, spread / (2 * kappa)) if kappa else 0.0
    step = 1.0
    while 3 * kappa + (spread - 2 * kappa * (high - step)) * np.tanh((high - step) / 2) >= 0:
        step *= 2
    low = high - step
    while True:
        middle = (low + high) / 2
        if not low < middle < high:
            return middle
        if 3 * kappa + (spread - 2 * kappa * middle) * np.tanh(middle / 2) >= 0:
            high = middle
        else:
            low = middle


def _slope(kappa: Any, spread: Any, f: Any) -> Any:
    """`h(F)`; `f' = -pi (1 - pi) h`. On `F <= 0` the second term is minus a product of two positive decreasing
    functions, so `h` increases and has one root; for `F > 0`, `h > 0` because `Q - 2 kappa F >= 0`."""
    return 3 * kappa + (spread - 2 * kappa * f) * (f / 2).tanh()


def _value(kappa: Any, spread: Any, f: Any) -> Any:
    share = 1 / (1 + (-f).exp())
    return share * ((1 - share) * (spread - 2 * kappa * f) - kappa)


def rounding(law: IsotropicLaw, centre: Floats) -> tuple[Floats, Floats]:
    """Bounds, shape (N, K), of the errors of `o_k + tau_k.c - q_k |c|^2/2` and of the length of `tau_k - q_k c`.

    Three inputs within `2 u` plus `tiny`, at most `2n + 6` roundings of partial sums below the sum of the terms' sizes.
    """
    n = law.coordinates
    length = np.abs(centre).sum(1)[:, None]
    tilt = np.abs(law.tilt).sum(1)
    steep = np.abs(law.quad) * length
    size = np.abs(law.offset) + np.abs(centre) @ np.abs(law.tilt).T + steep * length
    value = (2 * n + 16) * UNIT * size + 2 * law.tiny * (1 + length) ** 2
    return value, 8 * UNIT * (tilt + steep) + 2 * n * law.tiny * (1 + length)


__all__ = ["Balls", "IsotropicLaw", "Pairs", "law_bits", "rounding"]

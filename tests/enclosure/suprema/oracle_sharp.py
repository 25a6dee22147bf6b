"""Oracles of sharp rates that share nothing with the package: formulas in mpmath, dense search, exact rationals."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np


def mpf(value):
    """An exact number in the current precision of mpmath."""
    exact = Fraction(value)
    return mpmath.mpf(exact.numerator) / exact.denominator


# -- time -----------------------------------------------------------------------------------------------


class Times:
    """`m`, `v`, `r` at an exact time, common variance, in mpmath."""

    def __init__(self, variance, t):
        self.m = mpmath.exp(-mpf(t))
        self.v = mpf(variance) * self.m**2 + 1 - self.m**2
        self.r = self.m**2 / (2 * self.v)

    def one_sided(self, spread):
        return 1 - 1 / self.v + self.m**2 / self.v**2 * spread

    def two_sided(self, spread):
        return max(abs(1 / self.v - 1), self.m**2 / self.v**2 * spread - (1 / self.v - 1))

    def rate(self, kind, spread):
        return self.one_sided(spread) if kind == "one-sided" else self.two_sided(spread)


def time_of(r, variance):
    """A decimal time near the one at which `m^2/(2v) = r`."""
    with mpmath.workdps(30):
        return mpmath.nstr(mpmath.log(1 / (2 * mpf(r)) + 1 - mpf(variance)) / 2, 12)


# -- exact values of V* ---------------------------------------------------------------------------------


def line_spread(r):
    """`V*(r)` of equal weights at -1, 0, 1 (proofs/L5.md): at `y = 0` while `q >= 1/4`, at two points beyond."""
    q = mpmath.exp(-r)
    return 2 * q / (1 + 2 * q) if q >= mpmath.mpf(1) / 4 else 1 / (4 * (1 - 4 * q * q))


# -- laws in float64 ------------------------------------------------------------------------------------


def law(offset, tilt, y):
    """`p_k ~ exp(o_k + y.t_k)`, normalised; `y` (..., m), result (..., K)."""
    logits = offset + y @ tilt.T
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def largest(vectors, weights):
    """`lambda_max` of the covariance of `vectors` (K, d) under weights (..., K)."""
    deviation = vectors - (weights @ vectors)[..., None, :]
    covariance = np.einsum("...k,...ki,...kj->...ij", weights, deviation, deviation)
    return np.linalg.eigvalsh(covariance)[..., -1]


def dense_search(means, weights, r, seed, count=4000):
    """A large value of `lambda_max Cov_gamma(mu)` and its tilt: random tilts of all scales, then shrinking steps."""
    rng = np.random.default_rng(seed)
    offset = np.log(weights) - r * (means**2).sum(1)
    # gamma ~ exp(-r |mu - z|^2) at y = 2 r z: tilts spread over the hull of the means and far out
    size = np.abs(means).max() * 2 * r + 8 / np.ptp(means, axis=0).max()
    scale = size * 10 ** rng.uniform(-1.5, 2.5, (count, 1))
    tilts = np.concatenate([np.zeros((1, means.shape[1])), rng.normal(size=(count, means.shape[1])) * scale])
    values = largest(means, law(offset, means, tilts))
    best = np.argsort(-values)[:24]
    points, values, step = tilts[best], values[best], np.repeat(size, 24)
    for _ in range(150):
        trial = points + step[:, None] * rng.normal(size=points.shape)
        found = largest(means, law(offset, means, trial))
        better = found > values
        points[better], values[better] = trial[better], found[better]
        step = np.where(better, step * 1.6, step * 0.8)
    return float(values.max()), points[values.argmax()]


# -- laws in mpmath -------------------------------------------------------------------------------------


def largest_mp(vectors, logits):
    """`lambda_max` of the covariance of exact vectors under weights `~ exp(logits)`, in mpmath."""
    top = max(logits)
    powers = [mpmath.exp(logit - top) for logit in logits]
    total = mpmath.fsum(powers)
    weights = [power / total for power in powers]
    d = len(vectors[0])
    mean = [mpmath.fsum(w * v[i] for w, v in zip(weights, vectors, strict=True)) for i in range(d)]
    matrix = mpmath.matrix(d, d)
    for i in range(d):
        for j in range(d):
            matrix[i, j] = mpmath.fsum(
                w * (v[i] - mean[i]) * (v[j] - mean[j]) for w, v in zip(weights, vectors, strict=True)
            )
    return max(mpmath.eigsy(matrix, eigvals_only=True))


def spread_mp(means, weights, r, y):
    """`lambda_max Cov_gamma(mu)` at a tilt, in mpmath; means and weights exact."""
    vectors = [[mpf(v) for v in row] for row in means]
    logits = []
    for w, mu in zip(weights, vectors, strict=True):
        inner = mpmath.fsum(mpmath.mpf(a) * b for a, b in zip(y, mu, strict=True))
        logits.append(mpmath.log(mpf(w)) + inner - r * mpmath.fsum(b * b for b in mu))
    return largest_mp(vectors, logits)


# -- trees ----------------------------------------------------------------------------------------------


def decode(tokens, low, high):
    """The leaves `(low, high, reason)` of a tree in preorder, in rationals; raises ValueError for a bad sequence."""
    rest = list(tokens)[::-1]
    leaves = []
    stack = [(tuple(low), tuple(high))]
    while stack:
        low, high = stack.pop()
        if not rest:
            raise ValueError("too few tokens")
        token = rest.pop()
        if isinstance(token, str):
            leaves.append((low, high, token))
            continue
        if low[token] == high[token]:
            raise ValueError("a side of width zero is bisected")
        middle = (low[token] + high[token]) / 2
        stack.append((_with(low, token, middle), high))
        stack.append((low, _with(high, token, middle)))
    if rest:
        raise ValueError("too many tokens")
    return leaves


def _with(vector, index, value):
    return (*vector[:index], value, *vector[index + 1 :])


def volume(low, high):
    """The volume of a cell in the axes along which it is not flat."""
    result = Fraction(1)
    for a, b in zip(low, high, strict=True):
        if a != b:
            result *= b - a
    return result

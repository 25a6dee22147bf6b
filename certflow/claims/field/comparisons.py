"""Density, score, velocity and Jacobian at a point, each against mpmath's own differentiation (S1-S4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from certflow.claims.check import Context
from certflow.claims.digits import mp
from certflow.claims.evidence.precise import GUARD_DIGITS, LOST_DIGITS, vector
from certflow.claims.evidence.reference import ReferenceDensity
from certflow.numbers.arrays import Floats


def log_density(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Iterator[Any]:
    """S1: the log-density against the sum of exponentials."""
    yield [context.process.log_density(vector(x), t)], [reference.log_density(x, t)]


def fokker_planck(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Iterator[Any]:
    """S1: `d_t l = d + x . grad l + Laplace l + |grad l|^2` for the log-density `l` under test."""
    p = context.process
    with _for_differences() as h:
        (left, right), centre = p.log_density(_beside(x, h), t), p.log_density(vector(x), t)
        slope = [(b - a) / (2 * h) for a, b in zip(left, right, strict=True)]
        curvature = [(a - 2 * centre + b) / h**2 for a, b in zip(left, right, strict=True)]
        rate = (p.log_density(vector(x), t + h) - p.log_density(vector(x), t - h)) / (2 * h)
    terms = [len(x), mp.fdot(x, slope), mp.fsum(curvature), mp.fdot(slope, slope)]
    scale = mp.fsum(abs(term) for term in terms)  # the terms cancel: compare on their scale
    yield [rate / scale, 1], [mp.fsum(terms) / scale, 1]


@contextmanager
def _for_differences() -> Iterator[Any]:
    """A step `h` whose square is far below the precision in force, and bits enough to divide by that square.

    Central differences then keep that precision, for quantities that vary over widths down to `2^-30` or so.
    """
    bits = mp.prec
    with mp.workprec(2 * bits + 200):
        yield mp.ldexp(1, -(bits // 2 + 40))


def _beside(x: list[Any], h: Any) -> Floats:
    """The points `x -+ h e_i`, in this order; shape (2, d, d)."""
    steps = np.array([[h * (i == j) for j in range(len(x))] for i in range(len(x))], dtype=object)
    return np.stack([vector(x) - steps, vector(x) + steps])


def score(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Iterator[Any]:
    """S2: the score against the gradient of the log-density."""
    yield list(context.process.score(vector(x), t)), reference.gradient(x, t)


def responsibilities(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Iterator[Any]:
    """S2: the responsibilities against posterior probabilities."""
    yield list(context.process.responsibilities(vector(x), t)), reference.responsibilities(x, t)


def velocity(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Iterator[Any]:
    """S3: the velocity against `-x - grad log p_t`."""
    expected = [-xi - gi for xi, gi in zip(x, reference.gradient(x, t), strict=True)]
    yield list(context.process.velocity(vector(x), t)), expected


def continuity(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Iterator[Any]:
    """S3: `d_t l + div u + u . grad l = 0`, with the divergence of the velocity by differentiation."""
    p = context.process
    with _for_differences() as h:
        left, right = p.velocity(_beside(x, h), t)
        divergence = mp.fsum((right[i, i] - left[i, i]) / (2 * h) for i in range(len(x)))
    slope = reference.gradient(x, t)
    transport = mp.fdot(p.velocity(vector(x), t), slope)
    rate = reference.time_derivative(x, t)
    # Where the flow (almost) stands still, the terms of S1 that cancel in the rate tell what differentiation can see.
    seen = (len(x) + abs(mp.fdot(x, slope)) + mp.fdot(slope, slope)) * mp.mpf(10) ** (LOST_DIGITS - GUARD_DIGITS)
    scale = max(abs(divergence) + abs(transport) + abs(rate), seen)
    yield [rate / scale, 1], [-(divergence + transport) / scale, 1]


def jacobian(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Iterator[Any]:
    """S4: `v^T J w = -v.w - v^T (Hess log p_t) w`: all entries for d <= 2, else six pairs of directions."""
    matrix = context.process.jacobian(vector(x), t)
    found, expected = [], []
    for v, w in _directions(context, len(x)):
        found.append(mp.fsum(vi * mp.fdot(row, w) for vi, row in zip(v, matrix, strict=True)))
        expected.append(-mp.fdot(v, w) - reference.second_derivative(x, t, v, w))
    yield found, expected


def _directions(context: Context, dimension: int) -> list[tuple[list[Any], list[Any]]]:
    axes = [[mp.mpf(int(i == j)) for j in range(dimension)] for i in range(dimension)]
    if dimension <= 2:
        return [(axes[i], axes[j]) for i in range(dimension) for j in range(dimension)]
    rng = np.random.default_rng(context.seed)
    draws = [[mp.mpf(float(c)) for c in rng.standard_normal(dimension)] for _ in range(12)]
    return list(zip(draws[::2], draws[1::2], strict=True))


def symmetry(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Iterator[Any]:
    """S4: the Jacobian is symmetric."""
    matrix = context.process.jacobian(vector(x), t)
    yield list(matrix.ravel()), list(matrix.T.ravel())

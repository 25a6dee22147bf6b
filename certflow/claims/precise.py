"""High-precision checks of the field: every formula against mpmath's own differentiation (S1-S4, L1, L6)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from mpmath.libmp import NoConvergence

from certflow.claims.check import Agreement, Context, Finding
from certflow.claims.digits import mp
from certflow.claims.reference import ReferenceDensity, exact_mpf
from certflow.claims.sampling import precise_points, witness

#: Digits beyond the chosen number that are carried, and digits that numerical differentiation may lose.
GUARD_DIGITS = 15
LOST_DIGITS = 5
#: Digits that late times may cost at most; what is smaller counts as 0.
MOST_LOST = 2000


def guarded(digits: int, t: Any) -> int:
    """Digits to work with at time t: a guard, and what is lost where velocities and rates, differences of numbers of
    size 1, have fallen to `e^{-2t}`."""
    return digits + GUARD_DIGITS + min(math.ceil(2 * float(t) / math.log(10)), MOST_LOST)


def root(function: Callable[[Any], Any], bracket: tuple[Any, Any], tolerance: Any) -> Any:
    """A root of the function in a bracket, by mpmath.

    Raises
    ------
    NoConvergence : none was found.
    """
    try:
        return mp.findroot(function, bracket, solver="anderson", maxsteps=1000, tol=tolerance)
    except ValueError as error:
        raise NoConvergence(str(error)) from error


Comparison = Callable[[Context, ReferenceDensity, list[Any], Any], Iterator[tuple[list[Any], list[Any]]]]


def at_points(comparison: Comparison, what: str, share: float = 1.0) -> Callable[[Context, str], Finding]:
    """A check that compares two vectors at sampled points, with `context.digits` digits.

    share : fraction of the profile's points to look at (for comparisons that cost more).
    """

    def procedure(context: Context, name: str) -> Finding:
        if context.mixture.kind in (
            "shared",
            "full",
        ):  # matrices of mpmath numbers are inverted anew for each point
            share_here = share * min(1.0, 4 / context.mixture.dimension)
        else:
            share_here = share
        count = max(3, round(context.profile.precise_points * share_here))
        points = precise_points(context.process, count, context.rng(name))
        agreement = Agreement(context.digits, context.digits - LOST_DIGITS)
        for x, t in points:
            with mp.workdps(guarded(context.digits, t)):
                for found, expected in comparison(context, ReferenceDensity(context.mixture), x, t):
                    agreement.compare(found, expected, witness(x, t))
        scope = (
            f"this mixture at {count} sampled points, t in [{context.process.t_min:g}, {context.process.t_max:g}], "
            f"{context.digits} digits"
        )
        return agreement.finding(what, scope)

    return procedure


def _array(x: list[Any]) -> np.ndarray:
    return np.array(x, dtype=object)


def log_density(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Iterator[Any]:
    """S1: the log-density against the sum of exponentials."""
    yield [context.process.log_density(_array(x), t)], [reference.log_density(x, t)]


def fokker_planck(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Iterator[Any]:
    """S1: `d_t l = d + x . grad l + Laplace l + |grad l|^2` for the log-density `l` under test."""
    p = context.process
    with _for_differences() as h:
        (left, right), centre = p.log_density(_beside(x, h), t), p.log_density(_array(x), t)
        slope = [(b - a) / (2 * h) for a, b in zip(left, right, strict=True)]
        curvature = [(a - 2 * centre + b) / h**2 for a, b in zip(left, right, strict=True)]
        rate = (p.log_density(_array(x), t + h) - p.log_density(_array(x), t - h)) / (2 * h)
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


def _beside(x: list[Any], h: Any) -> np.ndarray:
    """The points `x -+ h e_i`, in this order; shape (2, d, d)."""
    steps = np.array([[h * (i == j) for j in range(len(x))] for i in range(len(x))], dtype=object)
    return np.stack([_array(x) - steps, _array(x) + steps])


def score(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Iterator[Any]:
    """S2: the score against the gradient of the log-density."""
    yield list(context.process.score(_array(x), t)), reference.gradient(x, t)


def responsibilities(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Iterator[Any]:
    """S2: the responsibilities against posterior probabilities."""
    yield list(context.process.responsibilities(_array(x), t)), reference.responsibilities(x, t)


def velocity(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Iterator[Any]:
    """S3: the velocity against `-x - grad log p_t`."""
    expected = [-xi - gi for xi, gi in zip(x, reference.gradient(x, t), strict=True)]
    yield list(context.process.velocity(_array(x), t)), expected


def continuity(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Iterator[Any]:
    """S3: `d_t l + div u + u . grad l = 0`, with the divergence of the velocity by differentiation."""
    p = context.process
    with _for_differences() as h:
        left, right = p.velocity(_beside(x, h), t)
        divergence = mp.fsum((right[i, i] - left[i, i]) / (2 * h) for i in range(len(x)))
    slope = reference.gradient(x, t)
    transport = mp.fdot(p.velocity(_array(x), t), slope)
    rate = reference.time_derivative(x, t)
    # Where the flow (almost) stands still, the terms of S1 that cancel in the rate tell what differentiation can see.
    seen = (len(x) + abs(mp.fdot(x, slope)) + mp.fdot(slope, slope)) * mp.mpf(10) ** (LOST_DIGITS - GUARD_DIGITS)
    scale = max(abs(divergence) + abs(transport) + abs(rate), seen)
    yield [rate / scale, 1], [-(divergence + transport) / scale, 1]


def jacobian(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Iterator[Any]:
    """S4: `v^T J w = -v.w - v^T (Hess log p_t) w`: all entries for d <= 2, else six pairs of directions."""
    matrix = context.process.jacobian(_array(x), t)
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
    matrix = context.process.jacobian(_array(x), t)
    yield list(matrix.ravel()), list(matrix.T.ravel())


def common_form(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Iterator[Any]:
    """L1: `J = (1/v - 1) I - (m^2/v^2) Cov_gamma(mu)`, with independent responsibilities."""
    mixture = context.mixture
    m2 = mp.exp(-2 * t)
    variance = exact_mpf(mixture.exact_covariances.fractions[()])
    v = variance * m2 + 1 - m2
    covariance = _mean_covariance(context, reference, x, t)
    slope = (1 - v) / v
    d = len(x)
    expected = [slope * (i == j) - m2 / v**2 * covariance[i, j] for i in range(d) for j in range(d)]
    yield list(context.process.jacobian(_array(x), t).ravel()), expected


def shared_form(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Iterator[Any]:
    """L6: `J = P - I - m^2 P Cov_gamma(mu) P`, with an explicit inverse and independent responsibilities."""
    d = len(x)
    m2 = mp.exp(-2 * t)
    sigma = mp.matrix([[exact_mpf(q) for q in row] for row in context.mixture.exact_covariances.fractions])
    precision = (m2 * sigma + (1 - m2) * mp.eye(d)) ** -1
    spread = precision * _mean_covariance(context, reference, x, t) * precision
    expected = [precision[i, j] - (i == j) - m2 * spread[i, j] for i in range(d) for j in range(d)]
    yield list(context.process.jacobian(_array(x), t).ravel()), expected


def _mean_covariance(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Any:
    gamma = reference.responsibilities(x, t)
    means = [[exact_mpf(q) for q in row] for row in context.mixture.exact_means.fractions]
    d = len(x)
    center = [mp.fdot(gamma, [mean[i] for mean in means]) for i in range(d)]
    result = mp.zeros(d, d)
    for weight, mean in zip(gamma, means, strict=True):
        for i in range(d):
            for j in range(d):
                result[i, j] += weight * (mean[i] - center[i]) * (mean[j] - center[j])
    return result

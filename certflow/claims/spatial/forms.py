"""The Jacobian in the form of a common variance (L1) and of a shared covariance (L6), at a point in mpmath."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from certflow.claims.check import Context
from certflow.claims.digits import mp
from certflow.claims.evidence.precise import vector
from certflow.claims.evidence.reference import ReferenceDensity, exact_mpf


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
    yield list(context.process.jacobian(vector(x), t).ravel()), expected


def shared_form(context: Context, reference: ReferenceDensity, x: list[Any], t: Any) -> Iterator[Any]:
    """L6: `J = P - I - m^2 P Cov_gamma(mu) P`, with an explicit inverse and independent responsibilities."""
    d = len(x)
    m2 = mp.exp(-2 * t)
    sigma = mp.matrix([[exact_mpf(q) for q in row] for row in context.mixture.exact_covariances.fractions])
    precision = (m2 * sigma + (1 - m2) * mp.eye(d)) ** -1
    spread = precision * _mean_covariance(context, reference, x, t) * precision
    expected = [precision[i, j] - (i == j) - m2 * spread[i, j] for i in range(d) for j in range(d)]
    yield list(context.process.jacobian(vector(x), t).ravel()), expected


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

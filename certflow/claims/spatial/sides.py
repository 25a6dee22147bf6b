"""The sides of the spatial bounds: rates of the Jacobian at points, and what they may not exceed (L2, L3, L6, L7, L8).

Each side is a `certflow.claims.evidence.bounded.Side`, in float64 or in mpmath numbers.
"""

from __future__ import annotations

import numpy as np

from certflow.claims.check import Context
from certflow.claims.digits import mp
from certflow.claims.evidence.reference import exact_mpf
from certflow.numbers.arrays import Floats


def two_sided(context: Context, eigenvalues: Floats, t: Floats) -> tuple[Floats, Floats]:
    """`||J||_2` against `L(t)`."""
    return np.abs(eigenvalues).max(axis=1), context.process.lipschitz_bound(t)


def one_sided(context: Context, eigenvalues: Floats, t: Floats) -> tuple[Floats, Floats]:
    """`lambda_max(-J)` against `lambda(t)`."""
    return -eigenvalues[:, 0], context.process.growth_rate_bound(t)


def ordered_rates(context: Context, eigenvalues: Floats, t: Floats) -> tuple[Floats, Floats]:
    """`lambda(t)` against `L(t)`."""
    return context.process.growth_rate_bound(t), context.process.lipschitz_bound(t)


def contraction(context: Context, eigenvalues: Floats, t: Floats) -> tuple[Floats, Floats]:
    """`lambda_max(J)` against `1/v - 1`, the other side of L3 (common variance)."""
    exact = context.mixture.exact_covariances.fractions[()]
    if t.dtype == object:  # mpmath numbers
        c, m2 = 1 - exact_mpf(exact), np.array([mp.exp(-2 * time) for time in t], dtype=object)
    else:
        c, m2 = 1 - float(exact), np.exp(-2 * t)
    return eigenvalues[:, -1], c * m2 / (1 - c * m2)

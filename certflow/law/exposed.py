"""Exposed edges of the convex hull of the means (proofs/L4.md)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Objects, Points

#: Pairs at distance D that are tried before the search is given up.
_TRIES = 64


def exposed_diameter(mixture: GaussianMixture) -> tuple[int, int, Objects] | None:
    """A pair of means at distance exactly `D` that spans an exposed edge, with a rational normal.

    Returns `(i, j, n)` with `n.mu_i = n.mu_j > n.mu_k` for every other mean (`n = 0` if there is none), checked in
    rational arithmetic; None if no such pair was found among those at distance D.
    """
    found: tuple[int, int, Objects] | None = mixture.kept[_search]
    return found


def _search(mixture: GaussianMixture) -> tuple[int, int, Objects] | None:
    if mixture.n_components > 2000:
        return None
    means = mixture.exact_means.fractions
    offsets = means - means[0]  # neither a shift nor a scale of the means changes what is exposed
    size = np.abs(offsets).max() or Fraction(1)
    floats = (offsets / size).astype(np.float64)
    norms = (floats**2).sum(axis=1)
    squares = norms[:, None] + norms[None] - 2 * floats @ floats.T
    near = np.argwhere(np.triu(squares >= float(mixture.diameter_squared / size**2) * (1 - 1e-9), 1))
    for i, j in near[:_TRIES]:
        difference = means[i] - means[j]
        if (difference * difference).sum() != mixture.diameter_squared:
            continue
        normal = _normal(means, floats, int(i), int(j))
        if normal is not None:
            return int(i), int(j), normal
    return None


def _normal(means: Objects, floats: Points, i: int, j: int) -> Objects | None:
    """A rational `n` orthogonal to `mu_i - mu_j` that separates the edge from every other mean."""
    others = [k for k in range(len(means)) if k not in (i, j)]
    zero = np.array([Fraction(0)] * means.shape[1], dtype=object)
    if not others:
        return zero
    from scipy.optimize import linprog

    axis = floats[i] - floats[j]
    dimension = len(axis)
    # maximise the margin s: n.(mu_k - mu_i) + s <= 0, n.axis = 0, |n|_inf <= 1
    gaps = np.column_stack([floats[others] - floats[i], np.ones(len(others))])
    result = linprog(
        np.r_[np.zeros(dimension), -1.0],
        A_ub=gaps,
        b_ub=np.zeros(len(others)),
        A_eq=np.r_[axis, 0.0][None],
        b_eq=[0.0],
        bounds=[(-1, 1)] * dimension + [(None, None)],
    )
    if result.status != 0 or not result.x[-1] > 1e-9:
        return None
    rounded: Any = np.array([Fraction(float(c)).limit_denominator(10**9) for c in result.x[:-1]], dtype=object)
    exact_axis = means[i] - means[j]
    rounded = rounded - exact_axis * ((rounded * exact_axis).sum() / (exact_axis * exact_axis).sum())
    margin = min((rounded * (means[i] - means[k])).sum() for k in others)
    return rounded if margin > 0 else None

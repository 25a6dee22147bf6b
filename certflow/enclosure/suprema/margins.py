"""What every rule that settles cells in float64 shares: rounding up, sums of masses, definiteness (proofs/sharp.md)."""

from __future__ import annotations

import numpy as np

from certflow.numbers.arrays import Flags, Floats

#: Covers the few roundings of a sum or product of nonnegative numbers that is only needed from above.
UP = 1 + 1e-9
#: `ln 2`, rounded down.
LN2_DOWN = 0.6931471805599452


def mass_times(masses: Floats, excess: Floats) -> Floats:
    """`sum_k U_k x_k` over the last axis, rounded up; a mass may be infinite, and counts only where `x_k > 0`."""
    with np.errstate(invalid="ignore", over="ignore"):
        total: Floats = np.where((excess > 0) & (masses > 0), masses * excess, 0.0).sum(-1)
    return total * UP


def is_positive(matrices: Floats) -> Flags:
    """True only for matrices (N, d, d) whose Cholesky factorisation runs through, so that `A + margin I > 0` with
    `margin <= 8 (d + 2)^2 u trace` (backward error of the factorisation), which the callers' margins contain."""
    work = np.array(matrices)
    size = work.shape[1]
    fine = np.ones(len(work), dtype=bool)
    for j in range(size):
        pivot = work[:, j, j]
        fine &= pivot > 0
        safe = np.where(pivot > 0, pivot, 1.0)
        for i in range(j + 1, size):
            factor = work[:, i, j] / safe
            work[:, i, j + 1 :] -= factor[:, None] * work[:, j, j + 1 :]
    return fine

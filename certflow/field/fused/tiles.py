"""Matrices cut into tiles that BLAS multiplies without threads of its own."""

from __future__ import annotations

import numpy as np

from certflow.numbers.arrays import Floats

#: OpenBLAS takes one thread for products of up to 64 x 64 x 64.
SIDE = 64


def tiled(matrix: Floats) -> Floats:
    """Tiles (R, T, r, t) of a matrix, `r, t <= SIDE`, zeros beyond its ends."""
    (down, r), (across, t) = (_cut(length) for length in matrix.shape)
    padded = np.zeros((down * r, across * t))
    padded[: matrix.shape[0], : matrix.shape[1]] = matrix
    return np.ascontiguousarray(padded.reshape(down, r, across, t).swapaxes(1, 2))


def _cut(length: int) -> tuple[int, int]:
    """How many equal tiles, and their length."""
    count = max(1, -(-length // SIDE))
    return count, -(-length // count)


def by_pairs(matrices: Floats) -> Floats:
    """The lower halves of symmetric matrices (K, d, d), entry by entry, shape (1, d (d+1) / 2, K)."""
    rows, columns = np.tril_indices(matrices.shape[1])
    return np.ascontiguousarray(matrices[:, rows, columns].T[None])

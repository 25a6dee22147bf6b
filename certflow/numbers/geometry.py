"""Exact decisions about the parameters: diameter of the means, definiteness, inertia, range."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from certflow.numbers.arrays import Objects
from certflow.numbers.exact import ExactArray

#: Largest matrix for which definiteness is decided in rational arithmetic when floats cannot decide.
_EXACT_SIZE = 64


def exact_diameter_squared(means: ExactArray) -> Any:
    """`max_{k,l} |mu_k - mu_l|^2`, exactly: floats select the candidates, rationals decide.

    Safe because every pair within the rounding error of the floating-point maximum is a candidate.
    """
    if means.is_symbolic:
        return _symbolic_diameter_squared(means.values)
    floats, index = np.unique(means.floats, axis=0, return_index=True)
    if not means.is_binary:  # rows that only floats cannot tell apart are kept
        index = np.array(sorted({tuple(row): i for i, row in enumerate(means.values)}.values()))
        floats = means.floats[index]
    count, dimension = floats.shape
    if count == 1:
        return Fraction(0)
    scale = float(np.abs(floats).max()) or 1.0
    scaled = floats / scale
    scaled = scaled - scaled.mean(axis=0)
    slack = 64 * (dimension + 2) * np.finfo(float).eps * max(1.0, float((scaled**2).sum(axis=1).max()))
    best, candidates = -1.0, []
    rows = max(1, 4_000_000 // count)
    norms = (scaled**2).sum(axis=1)
    for start in range(0, count, rows):
        block = scaled[start : start + rows]
        squares = norms[start : start + rows, None] + norms[None] - 2 * block @ scaled.T
        best = max(best, float(squares.max()))
        for i, j in np.argwhere(squares >= best - slack):
            if start + i < j:
                candidates.append((float(squares[i, j]), int(start + i), int(j)))
    keep = {(i, j) for square, i, j in candidates if square >= best - slack}
    rows_exact = {i: [Fraction(v) for v in means.values[index[i]]] for pair in keep for i in pair}
    return max(
        (sum((a - b) ** 2 for a, b in zip(rows_exact[i], rows_exact[j], strict=True)) for i, j in keep),
        default=Fraction(0),
    )


def _symbolic_diameter_squared(means: Objects) -> Any:
    import sympy

    squares = {
        sympy.expand(sum((a - b) ** 2 for a, b in zip(means[i], means[j], strict=True)))
        for i in range(len(means))
        for j in range(i)
    }
    return sympy.Max(*squares) if squares else sympy.Integer(0)


def is_positive_definite(matrix: ExactArray) -> bool:
    """Decide positive definiteness: by floats where these leave no doubt, else exactly (size <= 64).

    A matrix larger than that which floats cannot tell from a singular one counts as not positive definite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        scale = np.abs(matrix.floats).max()
    eigenvalues = np.linalg.eigvalsh(matrix.floats / scale) if np.isfinite(scale) and scale > 0 else None
    size = matrix.shape[0]
    if eigenvalues is not None:
        margin = 1e-12 * size
        if eigenvalues[0] > margin:
            return True
        if eigenvalues[0] < -margin or size > _EXACT_SIZE:
            return False
    return inertia(matrix.fractions) == (size, 0, 0)


def inertia(matrix: Objects) -> tuple[int, int, int]:
    """Numbers of positive, negative and zero eigenvalues of a symmetric rational matrix, exactly.

    The characteristic polynomial of a symmetric matrix has real roots only, so Descartes' rule of signs
    counts its positive roots exactly, and its vanishing low coefficients are the zero eigenvalues.
    """
    from flint import fmpq_mat

    size = len(matrix)
    if size == 0:
        return (0, 0, 0)
    coefficients = list(fmpq_mat(_rational_rows(matrix)).charpoly().coeffs())
    zeros = next(i for i, c in enumerate(coefficients) if c != 0)
    signs = [c > 0 for c in coefficients if c != 0]
    positive = sum(a != b for a, b in pairwise(signs))
    return (positive, size - positive - zeros, zeros)


def in_range(matrix: Objects, vector: Objects) -> bool:
    """Whether a rational vector lies in the range of a rational matrix, exactly (rank of the bordered one)."""
    from flint import fmpq_mat

    bordered = np.concatenate([matrix, np.asarray(vector, dtype=object)[:, None]], axis=1)
    return fmpq_mat(_rational_rows(matrix)).rank() == fmpq_mat(_rational_rows(bordered)).rank()


def kernel(matrix: Objects) -> Objects:
    """A basis of the vectors that a rational matrix (n, d) maps to zero, exactly, shape (s, d)."""
    from flint import fmpq_mat

    size = matrix.shape[1]
    reduced, rank = fmpq_mat(_rational_rows(matrix)).rref()
    pivots = [next(column for column in range(size) if reduced[row, column] != 0) for row in range(rank)]
    free = [column for column in range(size) if column not in pivots]
    basis = np.full((len(free), size), Fraction(0), dtype=object)
    for vector, column in zip(basis, free, strict=True):
        vector[column] = Fraction(1)
        for row, pivot in enumerate(pivots):
            entry = reduced[row, column]
            vector[pivot] = -Fraction(int(entry.p), int(entry.q))
    return basis


def positive_direction(matrix: Objects) -> Objects | None:
    """A rational `y` with `y^T A y > 0` for a symmetric rational matrix, exactly; None if there is none.

    A positive entry of the diagonal gives one; an entry beside a zero of the diagonal too; else the row of a negative
    one is eliminated, and what the rest (its Schur complement) gives is lifted back.
    """
    size = len(matrix)
    y = np.array([Fraction(0)] * size, dtype=object)
    diagonal = [matrix[i, i] for i in range(size)]
    for i in range(size):
        if diagonal[i] > 0:
            y[i] = Fraction(1)
            return y
    for i in range(size):
        j = next((j for j in range(size) if diagonal[i] == 0 and matrix[i, j] != 0), None)
        if j is not None:  # y^T A y = A_jj + 2 c A_ij
            y[j], y[i] = Fraction(1), (1 - matrix[j, j]) / (2 * matrix[i, j])
            return y
    pivot = next((i for i in range(size) if diagonal[i] < 0), None)
    if pivot is None:
        return None
    rest = [j for j in range(size) if j != pivot]
    row = matrix[pivot, rest]
    inner = positive_direction(matrix[np.ix_(rest, rest)] - np.outer(row, row) / matrix[pivot, pivot])
    if inner is None:
        return None
    y[rest], y[pivot] = inner, -(row * inner).sum() / matrix[pivot, pivot]
    return y


def _rational_rows(matrix: Objects) -> list[list[Any]]:
    from flint import fmpq

    return [[fmpq(q.numerator, q.denominator) for q in row] for row in matrix]


def quadratic_pseudo_inverse(matrix: Objects, vector: Objects) -> Fraction:
    """`v^T A^+ v` for a symmetric rational matrix `A` and `v` in its range, exactly.

    For any solution `y` of `A y = v`, `v^T A^+ v = v^T y`; the reduced row echelon form of `[A | v]` gives one.
    """
    from flint import fmpq_mat

    size = len(vector)
    bordered = np.concatenate([matrix, np.asarray(vector, dtype=object)[:, None]], axis=1)
    reduced, rank = fmpq_mat(_rational_rows(bordered)).rref()
    total = Fraction(0)
    for row in range(rank):
        pivot = next(column for column in range(size + 1) if reduced[row, column] != 0)
        if pivot == size:
            raise ValueError("the vector lies outside the range of the matrix")
        entry = reduced[row, size]
        total += vector[pivot] * Fraction(int(entry.p), int(entry.q))
    return total

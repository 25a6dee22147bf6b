"""Exact linear algebra of the coverings (5): definite integer matrices, ranks and inverses of rational ones."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

Matrix = list[list[Fraction]]


def positive(lower: list[list[int]]) -> bool:
    """Whether a symmetric integer matrix, given by its lower triangle, is positive definite: its leading minors are
    positive (Sylvester), computed without fractions (Bareiss) in its place."""
    previous = 1
    for k, pivot in enumerate(lower):
        if pivot[k] <= 0:
            return False
        for i in range(k + 1, len(lower)):
            for j in range(k + 1, i + 1):
                lower[i][j] = (lower[i][j] * pivot[k] - lower[i][k] * lower[j][k]) // previous
        previous = pivot[k]
    return True


def eliminate(rows: Matrix, columns: Iterable[int]) -> int:
    """Reduce the rows, in place, by elimination on these columns (Gauss, Jordan); the number of pivots, which lead."""
    rank = 0
    for j in columns:
        pivot = next((i for i in range(rank, len(rows)) if rows[i][j]), None)
        if pivot is not None:
            rows[rank], rows[pivot] = rows[pivot], rows[rank]
            rows[rank] = [x / rows[rank][j] for x in rows[rank]]
            for i, row in enumerate(rows):
                if i != rank and row[j]:
                    rows[i] = [x - row[j] * y for x, y in zip(row, rows[rank], strict=True)]
            rank += 1
    return rank

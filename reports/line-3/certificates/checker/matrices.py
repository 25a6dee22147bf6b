"""Exact linear algebra: ranks and inverses of rational matrices (5), definite ones and inverses that are proved, of
integers and of intervals (11)."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from .arithmetic import Arithmetic, Interval, dot
from .reading import over_common_denominator
from .refusals import require
from .work import Work, product_steps

Matrix = list[list[Fraction]]
Rows = list[list[int]]
Intervals = list[list[Interval]]


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


def covariance(rows: list[list[Fraction]], size: int, field: str, work: Work) -> tuple[Rows, int]:
    """Integers over one denominator of a matrix, which must be symmetric and positive definite."""
    require(len(rows) == size, field, len(rows), f"{size} rows")
    for i, row in enumerate(rows):
        require(len(row) == size, f"{field}[{i}]", row, f"{size} numbers")
    flat, unit = over_common_denominator([x for row in rows for x in row], field, work)
    matrix = [flat[i : i + size] for i in range(0, size * size, size)]
    work.spend(elimination(size, unit.bit_length() + max(abs(x).bit_length() for x in flat)) + 10 * size**2, field)
    symmetric = all(matrix[i][j] == matrix[j][i] for i in range(size) for j in range(i))
    require(symmetric, field, rows, "a symmetric matrix")
    require(positive([row[: i + 1] for i, row in enumerate(matrix)]), field, rows, "a positive definite matrix")
    return matrix, unit


def elimination(size: int, bits: int) -> int:
    """Steps of the leading minors of a matrix of numbers of so many bits, without fractions."""
    return sum((size - k) ** 2 * (10 + 3 * product_steps((k + 1) * bits, (k + 1) * bits)) for k in range(size))


def definite(matrix: Intervals, work: Work, field: str) -> bool:
    """Whether every symmetric matrix in the intervals is positive definite: the one of their middles is, less the
    largest row sum of their widths."""
    size = len(matrix)
    work.spend(elimination(size, max(abs(end).bit_length() for row in matrix for x in row for end in x)), field)
    off = max(sum(high - low for low, high in row) for row in matrix)
    middles = [[(low + high) >> 1 for low, high in row[: i + 1]] for i, row in enumerate(matrix)]
    for i, row in enumerate(middles):
        row[i] -= off
    return positive(middles)


def near_inverse(a: Arithmetic, matrix: Rows, work: Work, field: str) -> Rows:
    """A matrix near the inverse of a symmetric one, in units, by elimination in order; it proves nothing."""
    size, p = len(matrix), a.bits
    wide = p + max(abs(x).bit_length() for row in matrix for x in row)
    work.spend(size**3 * (10 + 2 * product_steps(2 * wide, wide)), field)
    rows = [[*row, *(a.one[0] * (i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for k in range(size):
        pivot = rows[k][k]
        require(pivot > 0 and pivot.bit_length() < 4 * wide, field, pivot, "more bits, or a milder matrix")
        rows[k] = [(x << p) // pivot for x in rows[k]]
        for i, row in enumerate(rows):
            if i != k and row[k]:
                factor = row[k]
                rows[i] = [x - (factor * y >> p) for x, y in zip(row, rows[k], strict=True)]
    return [row[size:] for row in rows]


def inverse(a: Arithmetic, matrix: Intervals, work: Work, field: str) -> tuple[Rows, int]:
    """`R` and a bound of the entries of `C^-1 - R` for every C in the intervals: with `|I - R C| <= e < 1/2` in the
    norm of row sums, `C^-1 = (I - E)^-1 R` and `|C^-1 - R| <= e/(1 - e) |R| <= 2 e |R|`."""
    size, p, one = len(matrix), a.bits, a.one[0]
    near = near_inverse(a, [[(low + high) >> 1 for low, high in row] for row in matrix], work, field)
    wide = max(abs(x).bit_length() for row in near for x in row)
    work.spend(2 * size**3 * (4 + product_steps(2 * p, wide)), field)
    columns = list(zip(*matrix, strict=True))
    defect = 0
    for i, row in enumerate(near):
        total = 0
        for j, column in enumerate(columns):
            ends = [(x * low, x * high) for x, (low, high) in zip(row, column, strict=True)]
            goal = one * one * (i == j)
            total += max(goal - sum(map(min, ends)), sum(map(max, ends)) - goal)
        defect = max(defect, total)
    defect = (defect >> p) + 1
    require(2 * defect < one, field, Fraction(defect, one), "an inverse to within 1/2; more bits, or a milder matrix")
    return near, (2 * defect * max(sum(map(abs, row)) for row in near) >> p) + 1


def image(matrix: Rows, vector: list[int]) -> list[int]:
    """The matrix times the vector, in integers."""
    return [dot(row, vector) for row in matrix]

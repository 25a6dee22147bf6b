"""Covariances that are exact and positive definite by construction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any

from hypothesis import strategies as st

from certflow.errors import InputError
from certflow.numbers.exact import exact_number

Matrix = list[list[Fraction]]

#: Variances that are drawn, the one to shrink to first; a third is no binary number.
_VARIANCES = tuple(Fraction(v) for v in ("1", "1/4", "4", "1/3", "0.04", "0.01", "9/7", "1/10000"))

#: Cosine and sine of rational rotations: decimals of one place, and none (twice); the identity first.
_DECIMAL_TURNS = tuple((Fraction(c, 10), Fraction(s, 10)) for c, s in ((10, 0), (8, 6), (6, -8), (0, 10)))
_TURNS = (*_DECIMAL_TURNS, (Fraction(12, 13), Fraction(5, 13)), (Fraction(15, 17), Fraction(-8, 17)))


@dataclass(frozen=True)
class Shape:
    """Which variances are drawn, and the condition number that no covariance exceeds (None: any)."""

    variances: Sequence[Fraction]
    condition: Fraction | None = None

    def covariances(self, kind: str, count: int, dimension: int, symmetric: bool) -> st.SearchStrategy[Any]:
        """In the shape that `GaussianMixture` takes for the kind; symmetric: the same for both of a pair."""
        one = st.sampled_from(self.variances) if "isotropic" in kind else self.matrices(dimension)
        if kind in ("common-isotropic", "shared"):
            return one
        if not symmetric:
            return st.lists(one, min_size=count, max_size=count)
        half = (count + 1) // 2
        return st.lists(one, min_size=half, max_size=half).map(
            lambda found: [found[min(k, count - 1 - k)] for k in range(count)]
        )

    def matrices(self, dimension: int) -> st.SearchStrategy[Matrix]:
        """Positive definite matrices; shrinks towards a multiple of the identity."""
        if self.condition is None:
            return _triangular(dimension, self.variances)
        return _turned(dimension, self.variances, self.condition)


@st.composite
def _triangular(draw: st.DrawFn, dimension: int, variances: Sequence[Fraction]) -> Matrix:
    """`L D L^T` with unit lower triangular `L` of quarters."""
    diagonal = [draw(st.sampled_from(variances)) for _ in range(dimension)]
    lower = [
        [Fraction(draw(st.integers(-4, 4)), 4) if j < i else Fraction(int(i == j)) for j in range(dimension)]
        for i in range(dimension)
    ]
    return _product(lower, diagonal)


@st.composite
def _turned(draw: st.DrawFn, dimension: int, variances: Sequence[Fraction], condition: Fraction) -> Matrix:
    """`Q D Q^T`, `Q` a product of rational rotations in planes of two axes, `max D <= condition min D`."""
    least = draw(st.sampled_from(variances))
    near = [least, *(v for v in variances if least < v <= condition * least)]
    diagonal = [least, *(draw(st.sampled_from(near)) for _ in range(dimension - 1))]
    turns = _TURNS if any(v.denominator % 3 == 0 or v.denominator % 7 == 0 for v in variances) else _DECIMAL_TURNS
    rows = [[Fraction(int(i == j)) for j in range(dimension)] for i in range(dimension)]
    for i in range(dimension):
        for j in range(i):
            cosine, sine = draw(st.sampled_from(turns))
            for row in rows:
                row[i], row[j] = cosine * row[i] - sine * row[j], sine * row[i] + cosine * row[j]
    return _product(rows, diagonal)


def _product(left: Matrix, diagonal: list[Fraction]) -> Matrix:
    """`A D A^T`."""
    rows = range(len(diagonal))
    return [[sum((left[i][k] * diagonal[k] * left[j][k] for k in rows), Fraction(0)) for j in rows] for i in rows]


def allowed_variances(min_variance: Any, max_variance: Any, *, decimal: bool) -> list[Fraction]:
    """The variances to draw from: some that are inside, and the ends; decimals alone where that is asked."""
    low, high = exact_number(min_variance, "min_variance"), exact_number(max_variance, "max_variance")
    if not 0 < low <= high:
        raise InputError("min_variance", min_variance, f"a variance > 0, at most max_variance = {max_variance}")
    inside = [v for v in _VARIANCES if low <= v <= high]
    found = inside + [v for v in (low, high) if v not in inside]
    if decimal:
        found = [v for v in found if _is_decimal(v)]
        if not found:
            raise InputError("min_variance", min_variance, f"a decimal, or max_variance = {max_variance} one")
    return found


def _is_decimal(value: Fraction) -> bool:
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def least_deviation(kind: str, covariances: Any) -> Fraction:
    """A rational at most the smallest standard deviation in any direction, at least half of `1/sqrt(tr S^-1)`.

    The smallest eigenvalue of `S` is at least `1 / tr S^-1`.
    """
    if kind == "common-isotropic":
        return _root_below(covariances)
    if kind == "isotropic":
        return _root_below(min(covariances))
    stack = [covariances] if kind == "shared" else covariances
    return min(_root_below(1 / _inverse_trace(matrix)) for matrix in stack)


def _inverse_trace(matrix: Matrix) -> Fraction:
    """`tr S^-1`, by elimination; the pivots of a positive definite matrix are positive."""
    size = len(matrix)
    work = [list(row) + [Fraction(int(i == j)) for j in range(size)] for i, row in enumerate(matrix)]
    for i in range(size):
        work[i] = [value / work[i][i] for value in work[i]]
        for j in range(size):
            if j != i:
                work[j] = [a - work[j][i] * b for a, b in zip(work[j], work[i], strict=True)]
    return sum((work[i][size + i] for i in range(size)), Fraction(0))


def _root_below(square: Fraction) -> Fraction:
    """A decimal of few digits, at most the root and at least a half of it."""
    scale = 10
    while isqrt(int(square * scale**2)) < 2:
        scale *= 10
    return Fraction(isqrt(int(square * scale**2)), scale)

"""Exact decisions about the parameters, against brute force in fractions and against SymPy."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from certflow.numbers.exact import ExactArray
from certflow.numbers.geometry import (
    exact_diameter_squared,
    in_range,
    inertia,
    is_positive_definite,
    kernel,
    positive_direction,
    quadratic_pseudo_inverse,
)


def brute_force(means):
    rows = ExactArray.of(means, "means").fractions
    return max((sum((a - b) ** 2 for a, b in zip(p, q, strict=True)) for p, q in combinations(rows, 2)), default=0)


@given(st.lists(st.tuples(st.fractions(-5, 5), st.fractions(-5, 5)), min_size=1, max_size=8))
def test_diameter_of_fractions(rows):
    assert exact_diameter_squared(ExactArray.of([list(row) for row in rows], "means")) == brute_force(
        [list(r) for r in rows]
    )


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e8])
@pytest.mark.parametrize("dimension", [1, 2, 7])
def test_diameter_of_floats(offset, dimension):
    means = np.random.default_rng(0).standard_normal((60, dimension)) + offset
    assert exact_diameter_squared(ExactArray.of(means, "means")) == brute_force(means)


@pytest.mark.parametrize(
    "means",
    [
        [["1/3"], [0], ["1/3"]],
        [["1"], ["1.00000000000000000000000000001"], ["0.99999999999999999999999999999"]],
        [["1e-300", 0], [0, "1e-300"]],
        [["1e150", 0], [0, "-1e150"]],
        [[-1e200], [1e200]],
        [[1.7e308, 0], [1.7e308, 1], [1.7e308, 3], [-1e308, 0]],
        [["1e-400", 0], [0, "2e-400"], [0, 0]],
        [[0, 0]],
        [[1, 2], [1, 2]],
        [[int(k == j) for k in range(5)] for j in range(5)],
    ],
)
def test_diameter_of_special_sets(means):
    assert exact_diameter_squared(ExactArray.of(means, "means")) == brute_force(means)


def test_floats_alone_would_choose_the_wrong_pair():
    """Two distances that agree to 30 digits: the exact maximum is the second."""
    means = [[0, 0], [5, 0], [0, "5.000000000000000000000000000001"], [3, 4]]
    found = exact_diameter_squared(ExactArray.of(means, "means"))
    assert found == brute_force(means)
    assert found > 50
    assert float(found) == 50


matrices = st.integers(1, 4).flatmap(
    lambda n: st.lists(st.integers(-3, 3), min_size=n * (n + 1) // 2, max_size=n * (n + 1) // 2).map(
        lambda entries: _symmetric(entries, n)
    )
)


def _symmetric(entries, n):
    matrix = np.empty((n, n), dtype=object)
    values = iter(entries)
    for i in range(n):
        for j in range(i + 1):
            matrix[i, j] = matrix[j, i] = Fraction(next(values))
    return matrix


@given(matrices)
def test_inertia_against_floats(matrix):
    positive, negative, zero = inertia(matrix)
    assert positive + negative + zero == len(matrix)
    assert zero == len(matrix) - sympy.Matrix(matrix.tolist()).rank()
    eigenvalues = np.linalg.eigvalsh(matrix.astype(float))
    assert positive == (eigenvalues > 1e-6).sum()
    assert negative == (eigenvalues < -1e-6).sum()


@given(matrices)
def test_positive_definite_is_inertia(matrix):
    assert is_positive_definite(ExactArray(matrix)) == (inertia(matrix) == (len(matrix), 0, 0))


@pytest.mark.parametrize(
    ("matrix", "wanted"),
    [
        ([["1", "0.99999999999999999999"], ["0.99999999999999999999", "1"]], True),
        ([[1, 1], [1, 1]], False),
        ([[1, "1.00000000000000000001"], ["1.00000000000000000001", 1]], False),
        ([["1e-300", 0], [0, "1e300"]], True),
        ([["1e-400"]], True),
        ([[0]], False),
        ([[-1.0]], False),
    ],
)
def test_positive_definite_beyond_floats(matrix, wanted):
    assert is_positive_definite(ExactArray.of(matrix, "matrix")) == wanted


@given(matrices, st.lists(st.integers(-3, 3), min_size=4, max_size=4))
def test_range_and_pseudo_inverse(matrix, entries):
    vector = np.array([Fraction(v) for v in entries[: len(matrix)]], dtype=object)
    exact, column = sympy.Matrix(matrix.tolist()), sympy.Matrix(vector.tolist())
    inside = exact.rank() == exact.row_join(column).rank()
    assert in_range(matrix, vector) == inside
    image = matrix @ vector
    assert in_range(matrix, image)
    if not inside:
        with pytest.raises(ValueError, match="outside the range"):
            quadratic_pseudo_inverse(matrix, vector)
        return
    found = quadratic_pseudo_inverse(matrix, vector)
    wanted = vector.astype(float) @ np.linalg.pinv(matrix.astype(float)) @ vector.astype(float)
    assert float(found) == pytest.approx(wanted, rel=1e-8, abs=1e-8)
    assert quadratic_pseudo_inverse(matrix, image) == vector @ matrix @ vector


@pytest.mark.parametrize("seed", range(30))
def test_kernel_against_sympy(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 5))
    root = rng.integers(-2, 3, (size, int(rng.integers(1, 4))))
    rows = (root @ root.T).tolist()
    found = kernel(np.array([[Fraction(v) for v in row] for row in rows], dtype=object))
    assert found.shape == (len(sympy.Matrix(rows).nullspace()), size)
    assert not (np.array(rows, dtype=object) @ found.T).any()
    if len(found):
        assert sympy.Matrix(found.tolist()).rank() == len(found)


@pytest.mark.parametrize("seed", range(60))
def test_a_positive_direction_is_found_wherever_there_is_one(seed):
    """Against the inertia: a rational `y` with `y^T A y > 0`, or none and no positive eigenvalue."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 6))
    matrix = rng.integers(-2, 3, (size, size))
    matrix = matrix + matrix.T if seed % 2 else -matrix @ matrix.T
    if seed % 3 == 0:  # no help from the diagonal
        matrix[np.diag_indices(size)] = -np.abs(matrix[np.diag_indices(size)])
    exact = np.array([[Fraction(int(v)) for v in row] for row in matrix], dtype=object)
    y = positive_direction(exact)
    assert (y is not None) == (inertia(exact)[0] > 0)
    assert y is None or y @ exact @ y > 0


def test_a_positive_direction_that_floats_cannot_see():
    exact = np.array([[Fraction(-1), Fraction(1)], [Fraction(1), Fraction(-1) + Fraction(1, 10**50)]], dtype=object)
    y = positive_direction(exact)
    assert y @ exact @ y > 0

"""Convex hulls in rational arithmetic: each answer proves itself (proofs/L8.md)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from certflow.numbers.hull import hull_position


def exact(rows):
    return np.array([[Fraction(v) for v in row] for row in rows], dtype=object)


@pytest.mark.parametrize("seed", range(60))
def test_weights_or_a_separating_direction(seed):
    rng = np.random.default_rng(seed)
    count, size = int(rng.integers(1, 8)), int(rng.integers(1, 5))
    points = exact(rng.integers(-3, 4, (count, size)).tolist())
    target = exact(rng.integers(-2, 3, (1, size)).tolist())[0]
    if seed % 3 == 0:  # inside or on the boundary, by construction
        shares = [Fraction(int(n)) for n in rng.integers(0, 3, count)]
        shares[0] += 1
        target = sum(share * point for share, point in zip(shares, points, strict=True)) / sum(shares)
    found = hull_position(points, target)
    if seed % 3 == 0:
        assert found.weights is not None
    if found.weights is not None:
        assert min(found.weights) >= 0
        assert sum(found.weights) == 1
        assert (sum(w * p for w, p in zip(found.weights, points, strict=True)) == target).all()
    else:
        assert (found.direction * target).sum() > max((found.direction * p).sum() for p in points)


@pytest.mark.parametrize(
    ("target", "inside"),
    [
        (["1", "1"], True),
        (["2", "2"], True),
        (["2", "2.00000000000000000000000000000001"], False),
        (["-1e-40", "1"], False),
        (["0", "0"], True),
        (["4/3", "8/3"], True),
    ],
)
def test_a_triangle_to_the_last_digit(target, inside):
    triangle = exact([[0, 0], [4, 0], [0, 4]])
    assert (hull_position(triangle, exact([target])[0]).weights is not None) == inside


def test_no_coordinates_are_no_obstacle():
    """On a kernel that is zero every mean is within every hull."""
    assert hull_position(np.empty((2, 0), dtype=object), np.empty(0, dtype=object)).weights == (1, 0)

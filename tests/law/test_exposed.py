"""The exposed edge at the diameter: neither a shift nor a scale of the means changes it, whatever their size."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import certflow as cf
from certflow.law.exposed import exposed_diameter

#: means of small whole numbers, and the pairs at the diameter that span an exposed edge
FIGURES = {
    "pair": ([[-1], [1]], {(0, 1)}),
    "triangle": ([[0, 0], [8, 0], [3, 5]], {(0, 1)}),
    "square": ([[0, 0], [1, 0], [1, 1], [0, 1]], set()),  # its diagonals lie inside
    "twice": ([[0, 0], [6, 0], [6, 0], [1, 1]], {(0, 1), (0, 2)}),
    "point": ([[2, 1]], set()),
}
SCALES = ["1", "1e200", "1e-200", "1e-400", "1e-12"]
SHIFTS = ["0", "1e10", "1e100"]


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("figure", FIGURES)
def test_size_and_place_of_the_means_change_nothing(figure: str, scale: str, shift: str) -> None:
    places, edges = FIGURES[figure]
    means = [[Fraction(scale) * v + Fraction(shift) for v in row] for row in places]
    found = exposed_diameter(cf.GaussianMixture([Fraction(1, len(means))] * len(means), means, 1))
    if figure == "twice" or not edges:  # copies of an end are not separated from it
        assert found is None
        return
    assert found is not None
    i, j, normal = found
    assert (i, j) in edges
    heights = [sum(n * v for n, v in zip(normal, row, strict=True)) for row in means]
    assert heights[i] == heights[j]
    assert all(heights[i] > height for k, height in enumerate(heights) if k not in (i, j))


def test_floats_far_from_the_origin() -> None:
    means = np.array([[1e10, 0.0], [1e10 + 1, 0.0], [1e10 + 0.5, 0.25]])
    found = exposed_diameter(cf.GaussianMixture(["1/3"] * 3, means, 1))
    assert found is not None
    assert found[:2] == (0, 1)


@pytest.mark.parametrize(
    ("means", "expected"),
    [
        ([[-1e200], [1e200]], 2e200),
        ([[-1e308], [1e308]], float("inf")),
        ([["-1e-200"], ["1e-200"]], 2e-200),
        ([["3e200", 0], [0, "4e200"]], 5e200),
        ([[1, 0], [0, 1]], 2**0.5),
    ],
)
def test_the_diameter_is_the_nearest_float(means: list[list[Any]], expected: float) -> None:
    assert cf.GaussianMixture(["1/2", "1/2"], means, 1e300).diameter == expected

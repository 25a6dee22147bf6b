"""Exact sums of many binary numbers, against a sum of fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from certflow.numbers.exact import ExactArray
from certflow.numbers.sums import exact_sum

EXTREMES = np.array([5e-324, 5e-324, -2.2250738585072014e-308, 1.7976931348623157e308, -0.0, 1.0, -(2.0**53) + 1])


@pytest.mark.parametrize("seed", range(3))
def test_numbers_of_all_sizes_and_signs(seed):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(2000) * 10.0 ** rng.integers(-307, 307, 2000)
    values = np.concatenate([values, EXTREMES]).reshape(-1, 3)
    assert exact_sum(ExactArray(values)) == sum(map(Fraction, values.ravel().tolist()), Fraction(0))


def test_halves_of_one_exponent_are_put_together():
    """All bits of these are set: half of their sum comes from carries."""
    values = np.full(100_003, -np.nextafter(1.0, 0.0))
    assert exact_sum(ExactArray(values)) == 100_003 * Fraction(-(2**53) + 1, 2**53)


def test_fractions_and_nothing():
    thirds = np.array([Fraction(1, 3)] * 3, dtype=object)
    assert exact_sum(ExactArray(thirds)) == 1
    assert exact_sum(ExactArray(np.empty(0))) == 0

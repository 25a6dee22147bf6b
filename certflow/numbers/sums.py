"""Exact sums of many binary numbers, on integers: a million of them in a fraction of a second."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from certflow.numbers.arrays import Floats
from certflow.numbers.exact import ExactArray

#: float64 numbers are integers of 53 bits, of which these are the lower ones, times powers of two.
_LOWER_BITS = 26


def exact_sum(numbers: ExactArray) -> Fraction:
    """The sum of all numbers, exact; they are rational."""
    if not numbers.is_binary:
        return sum(numbers.fractions.ravel().tolist(), Fraction(0))
    return _binary_sum(numbers.values.ravel())


def _binary_sum(values: Floats) -> Fraction:
    """Integers of one exponent are summed in two halves, each of which fits 64 bits for up to 2^36 numbers."""
    fractions, exponents = np.frexp(values)
    integers = np.ldexp(fractions, 53).astype(np.int64)
    upper, lower = integers >> _LOWER_BITS, integers & (2**_LOWER_BITS - 1)
    found, places = np.unique(exponents, return_inverse=True)
    total = Fraction(0)
    for exponent, high, low in zip(found.tolist(), _by_place(upper, places), _by_place(lower, places), strict=True):
        total += ((high << _LOWER_BITS) + low) * Fraction(2) ** (exponent - 53)
    return total


def _by_place(integers: Any, places: Any) -> list[int]:
    sums = np.zeros(places.max(initial=-1) + 1, dtype=np.int64)
    np.add.at(sums, places, integers)
    found: list[int] = sums.tolist()
    return found

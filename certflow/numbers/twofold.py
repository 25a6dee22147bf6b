"""The functions of `certflow.numbers.pairs` in one pass each, by Numba: the same bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import guvectorize, types

from certflow.numbers.dekker import exponential_of_rest, over, plus, times
from certflow.numbers.machine_code import kept
from certflow.numbers.pairs import LARGEST_EXPONENT, LN2

_number, _vector, _matrix = types.float64, types.float64[:], types.float64[:, :]


def _on_arrays(shapes: str, *arguments: Any) -> Callable[[Any], Any]:
    """For arrays that broadcast beyond these shapes; kept on the disk where that can be."""
    signatures = [types.void(*arguments)]

    def make(function: Any) -> Any:
        return kept(lambda cached: guvectorize(signatures, shapes, nopython=True, cache=cached)(function))

    return make


@_on_arrays("(),(),(),()->(),()", *4 * [_number], _vector, _vector)
def add(a: Any, a_low: Any, b: Any, b_low: Any, high: Any, low: Any) -> None:
    """The sum."""
    high[0], low[0] = plus(a, a_low, b, b_low)


@_on_arrays("(),(),(),()->(),()", *4 * [_number], _vector, _vector)
def multiply(a: Any, a_low: Any, b: Any, b_low: Any, high: Any, low: Any) -> None:
    """The product, entry by entry."""
    high[0], low[0] = times(a, a_low, b, b_low)


@_on_arrays("(),(),(),()->(),()", *4 * [_number], _vector, _vector)
def divide(a: Any, a_low: Any, b: Any, b_low: Any, high: Any, low: Any) -> None:
    """The quotient, entry by entry."""
    high[0], low[0] = over(a, a_low, b, b_low)


@_on_arrays("(m,n),(m,n),(n,p),(n,p)->(m,p),(m,p)", *6 * [_matrix])
def product(a: Any, a_low: Any, b: Any, b_low: Any, high: Any, low: Any) -> None:
    """The product of matrices."""
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            s, s_low = times(a[i, 0], a_low[i, 0], b[0, j], b_low[0, j])
            for k in range(1, a.shape[1]):
                p, p_low = times(a[i, k], a_low[i, k], b[k, j], b_low[k, j])
                s, s_low = plus(s, s_low, p, p_low)
            high[i, j], low[i, j] = s, s_low


@_on_arrays("(n),(n)->(),()", *4 * [_vector])
def total(a: Any, a_low: Any, high: Any, low: Any) -> None:
    """The sum over the last axis, by halving."""
    part, part_low = a.copy(), a_low.copy()
    length = len(part)
    while length > 1:
        half = length // 2
        for i in range(half):
            part[i], part_low[i] = plus(part[i], part_low[i], part[half + i], part_low[half + i])
        if length % 2:
            part[half], part_low[half] = part[length - 1], part_low[length - 1]
        length -= half
    high[0], low[0] = part[0], part_low[0]


@_on_arrays("(),()->(),()", _number, _number, _vector, _vector)
def exponential(a: Any, a_low: Any, high: Any, low: Any) -> None:
    """`e^a`."""
    if not abs(a) < LARGEST_EXPONENT:
        a, a_low = min(max(a, -LARGEST_EXPONENT), LARGEST_EXPONENT) if a == a else a, 0.0
    n = np.rint(a / LN2[0])
    s, s_low = exponential_of_rest(a, a_low, n)
    power = int(n) if n == n else 0
    high[0], low[0] = math.ldexp(s, power), math.ldexp(s_low, power)

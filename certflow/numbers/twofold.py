"""The functions of `certflow.numbers.pairs` in one pass each, by Numba: the same bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import guvectorize, njit, types

from certflow.numbers.pairs import FURTHER_FACTORIALS, HALVINGS, INVERSE_FACTORIALS, LARGEST_EXPONENT, LN2

_SPLITTER = 134217729.0  # 2^27 + 1
_LN2, _LN2_LOW = LN2
_HALVED = 0.5**HALVINGS
_TERMS = tuple(reversed(INVERSE_FACTORIALS))
_FURTHER = tuple(reversed(FURTHER_FACTORIALS))

_number, _vector, _matrix = types.float64, types.float64[:], types.float64[:, :]


def _on_arrays(shapes: str, *arguments: Any) -> Callable[[Any], Any]:
    """For arrays that broadcast beyond these shapes; kept on the disk where that can be."""
    signatures = [types.void(*arguments)]

    def make(function: Any) -> Any:
        try:
            return guvectorize(signatures, shapes, nopython=True, cache=True)(function)
        except RuntimeError:  # no folder to write to
            return guvectorize(signatures, shapes, nopython=True)(function)

    return make


@njit(inline="always")
def _sum(a: float, a_low: float, b: float, b_low: float) -> tuple[float, float]:
    s = a + b
    v = s - a
    e = (a - (s - v)) + (b - v)
    f = a_low + b_low
    v = f - a_low
    g = (a_low - (f - v)) + (b_low - v)
    e = e + f
    t = s + e
    e = (e - (t - s)) + g
    s = t + e
    return s, e - (s - t)


@njit(inline="always")
def _times(a: float, a_low: float, b: float, b_low: float) -> tuple[float, float]:
    p = a * b
    c = _SPLITTER * a
    a1 = c - (c - a)
    a2 = a - a1
    c = _SPLITTER * b
    b1 = c - (c - b)
    b2 = b - b1
    e = ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2
    e = e + (a * b_low + a_low * b)
    s = p + e
    return s, e - (s - p)


@_on_arrays("(),(),(),()->(),()", *4 * [_number], _vector, _vector)
def add(a: Any, a_low: Any, b: Any, b_low: Any, high: Any, low: Any) -> None:
    """The sum."""
    high[0], low[0] = _sum(a, a_low, b, b_low)


@_on_arrays("(),(),(),()->(),()", *4 * [_number], _vector, _vector)
def multiply(a: Any, a_low: Any, b: Any, b_low: Any, high: Any, low: Any) -> None:
    """The product, entry by entry."""
    high[0], low[0] = _times(a, a_low, b, b_low)


@_on_arrays("(),(),(),()->(),()", *4 * [_number], _vector, _vector)
def divide(a: Any, a_low: Any, b: Any, b_low: Any, high: Any, low: Any) -> None:
    """The quotient, entry by entry."""
    first = a / b
    p, p_low = _times(b, b_low, first, 0.0)
    rest, rest_low = _sum(a, a_low, -p, -p_low)
    second = rest / b
    p, p_low = _times(b, b_low, second, 0.0)
    rest, rest_low = _sum(rest, rest_low, -p, -p_low)
    s = first + second
    high[0], low[0] = _sum(s, second - (s - first), rest / b, 0.0)


@_on_arrays("(m,n),(m,n),(n,p),(n,p)->(m,p),(m,p)", *6 * [_matrix])
def product(a: Any, a_low: Any, b: Any, b_low: Any, high: Any, low: Any) -> None:
    """The product of matrices."""
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            s, s_low = _times(a[i, 0], a_low[i, 0], b[0, j], b_low[0, j])
            for k in range(1, a.shape[1]):
                p, p_low = _times(a[i, k], a_low[i, k], b[k, j], b_low[k, j])
                s, s_low = _sum(s, s_low, p, p_low)
            high[i, j], low[i, j] = s, s_low


@_on_arrays("(n),(n)->(),()", *4 * [_vector])
def total(a: Any, a_low: Any, high: Any, low: Any) -> None:
    """The sum over the last axis, by halving."""
    part, part_low = a.copy(), a_low.copy()
    length = len(part)
    while length > 1:
        half = length // 2
        for i in range(half):
            part[i], part_low[i] = _sum(part[i], part_low[i], part[half + i], part_low[half + i])
        if length % 2:
            part[half], part_low[half] = part[length - 1], part_low[length - 1]
        length -= half
    high[0], low[0] = part[0], part_low[0]


@_on_arrays("(),()->(),()", _number, _number, _vector, _vector)
def exponential(a: Any, a_low: Any, high: Any, low: Any) -> None:
    """`e^a`."""
    if not abs(a) < LARGEST_EXPONENT:
        a, a_low = min(max(a, -LARGEST_EXPONENT), LARGEST_EXPONENT) if a == a else a, 0.0
    exponent = np.rint(a / _LN2)
    p, p_low = _times(_LN2, _LN2_LOW, exponent, 0.0)
    r, r_low = _sum(a, a_low, -p, -p_low)
    z, z_low = r * _HALVED, r_low * _HALVED
    further = _FURTHER[0]
    for factorial in _FURTHER[1:]:
        further = factorial + further * z
    s, s_low = _times(further, 0.0, z, z_low)
    for factorial, factorial_low in _TERMS:
        s, s_low = _sum(s, s_low, factorial, factorial_low)
        s, s_low = _times(s, s_low, z, z_low)
    s, s_low = _times(s, s_low, z, z_low)
    s, s_low = _sum(z, z_low, s, s_low)
    for _ in range(HALVINGS):
        p, p_low = _times(s, s_low, s, s_low)
        s, s_low = _sum(2 * s, 2 * s_low, p, p_low)
    s, s_low = _sum(s, s_low, 1.0, 0.0)
    power = int(exponent) if exponent == exponent else 0
    high[0], low[0] = math.ldexp(s, power), math.ldexp(s_low, power)

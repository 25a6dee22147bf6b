"""Sums and products of double-double arrays in one pass, by Numba: the bits of `certflow.numbers.doubledouble`."""

from __future__ import annotations

from typing import Any

from numba import guvectorize, types

_SPLITTER = 134217729.0  # 2^27 + 1
_NUMBERS = [types.void(*4 * [types.float64], *2 * [types.float64[:]])]
_SHAPES = "(),(),(),()->(),()"


def _elementwise(function: Any) -> Any:
    """For arrays that broadcast; kept on the disk where that can be."""
    try:
        return guvectorize(_NUMBERS, _SHAPES, nopython=True, cache=True)(function)
    except RuntimeError:  # no folder to write to
        return guvectorize(_NUMBERS, _SHAPES, nopython=True)(function)


def _add(a: Any, a_low: Any, b: Any, b_low: Any, high: Any, low: Any) -> None:
    s = a + b
    v = s - a
    e = (a - (s - v)) + (b - v)
    f = a_low + b_low
    v = f - a_low
    g = (a_low - (f - v)) + (b_low - v)
    e = e + f
    t = s + e
    e = (e - (t - s)) + g
    high[0] = t + e
    low[0] = e - (high[0] - t)


def _multiply(a: Any, a_low: Any, b: Any, b_low: Any, high: Any, low: Any) -> None:
    p = a * b
    c = _SPLITTER * a
    a1 = c - (c - a)
    a2 = a - a1
    c = _SPLITTER * b
    b1 = c - (c - b)
    b2 = b - b1
    e = ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2
    e = e + (a * b_low + a_low * b)
    high[0] = p + e
    low[0] = e - (high[0] - p)


#: `(high, low)` of the sum and of the product of `(a, a_low)` and `(b, b_low)`.
add, multiply = _elementwise(_add), _elementwise(_multiply)

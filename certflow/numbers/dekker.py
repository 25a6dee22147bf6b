"""Operations on two double-double numbers, compiled by Numba: the bits of `certflow.numbers.pairs`.

Every operation is rounded by itself: who compiles these in must not let the compiler contract them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

from certflow.numbers.pairs import FURTHER_FACTORIALS, HALVINGS, INVERSE_FACTORIALS, LN2

_Function = TypeVar("_Function", bound=Callable[..., Any])

_SPLITTER = 134217729.0  # 2^27 + 1
_LN2, _LN2_LOW = LN2
_HALVED = 0.5**HALVINGS
_TERMS = tuple(reversed(INVERSE_FACTORIALS))
_FURTHER = tuple(reversed(FURTHER_FACTORIALS))


def _compiled(function: _Function) -> _Function:
    return cast(_Function, njit(function))


@_compiled
def plus(a: float, a_low: float, b: float, b_low: float) -> tuple[float, float]:
    """The sum of two numbers `high + low`."""
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


@_compiled
def times(a: float, a_low: float, b: float, b_low: float) -> tuple[float, float]:
    """The product."""
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


@_compiled
def over(a: float, a_low: float, b: float, b_low: float) -> tuple[float, float]:
    """The quotient."""
    first = a / b
    p, p_low = times(b, b_low, first, 0.0)
    rest, rest_low = plus(a, a_low, -p, -p_low)
    second = rest / b
    p, p_low = times(b, b_low, second, 0.0)
    rest, rest_low = plus(rest, rest_low, -p, -p_low)
    s = first + second
    return plus(s, second - (s - first), rest / b, 0.0)


@_compiled
def exponential_of_rest(a: float, a_low: float, n: float) -> tuple[float, float]:
    """`e^(a - n ln 2)` for the integer `n` next to `a / ln 2`."""
    p, p_low = times(_LN2, _LN2_LOW, n, 0.0)
    r, r_low = plus(a, a_low, -p, -p_low)
    z, z_low = r * _HALVED, r_low * _HALVED
    further = _FURTHER[0]
    for factorial in _FURTHER[1:]:
        further = factorial + further * z
    s, s_low = times(further, 0.0, z, z_low)
    for term in _TERMS:
        s, s_low = plus(s, s_low, term[0], term[1])
        s, s_low = times(s, s_low, z, z_low)
    s, s_low = times(s, s_low, z, z_low)
    s, s_low = plus(z, z_low, s, s_low)
    for _ in range(HALVINGS):
        p, p_low = times(s, s_low, s, s_low)
        s, s_low = plus(2 * s, 2 * s_low, p, p_low)
    return plus(s, s_low, 1.0, 0.0)

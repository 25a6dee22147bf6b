"""float64 with derived margins: what the operations of IEEE 754 may lose, and exp, sigmoid, tanh made of them alone.

`u = 2^-53`. Every operation `+ - * /` returns `(a op b)(1 + e)`, `|e| <= u`, and loses at most `2^-1022` more where the
result is that small (rounded there, or flushed to zero). Sums of products of `n` terms, in any order and fused or not,
lose at most `gamma(n) sum |a_i b_i|`. The functions of `numpy` and of the C library are not used: their rounding
is not specified. Derivations: proofs/students.md, section 2.
"""

from __future__ import annotations

import math

import numpy as np

from certflow.numbers.arrays import Floats

UNIT = 2.0**-53
#: More than what operations lose between two calls of `up` by results near zero, if at most three factors below
#: `LARGEST` and sums of at most 2^30 terms follow.
TINY = 2.0**-800
#: A model with a number beyond this says nothing: its remainder is infinite.
LARGEST = 2.0**60

#: `|exponential(x) - e^x| <= EXP_ERROR e^x + TINY` for `x <= 700`.
EXP_ERROR = 64 * UNIT
#: `|sigmoid(x) - s(x)| <= SIGMOID_ERROR s(x) + TINY`.
SIGMOID_ERROR = 128 * UNIT
#: `|hyperbolic_tangent(x) - tanh x| <= TANH_ERROR`.
TANH_ERROR = 64 * UNIT

#: Arguments of the exponential function beyond this are not computed: `e^-700` counts as zero, `e^700` as infinite.
_LAST = 700.0
_INVERSE_LOG2 = 1.4426950408889634
#: `ln 2` to 32 bits after the point, so that `k * _HIGH` is exact for `|k| < 2^20`, and what is left of it.
_HIGH = 0xB17217F8 * 2.0**-32
_LOW = -4.2009150726810846e-11
_COEFFICIENTS = tuple(1.0 / math.factorial(j) for j in range(14))


def up(x: Floats, operations: int = 4) -> Floats:
    """At least `X`, where `x >= 0` was computed for `X` from numbers `>= 0` by so many operations in a chain, sums,
    products and quotients: `x (1 + 2 (operations + 2) u) + TINY`."""
    result: Floats = x * (1.0 + (operations + 2) * 2 * UNIT) + TINY
    return result


def sums(low: Floats, high: Floats, rest: float) -> tuple[float, float]:
    """At most `sum low` and at least `sum high + rest`, all `>= 0`; infinite where one of `high` is."""
    above = math.fsum(high) if np.isfinite(high).all() else math.inf
    return math.fsum(low) * (1 - 4 * UNIT), float(up(np.asarray(above + rest)))


def gamma(operations: int) -> float:
    """At least `n u / (1 - n u)`, `n <= 10^7`: what `n` roundings make of a number, relative."""
    return (operations + 1) * UNIT


def exponential(x: Floats) -> Floats:
    """`e^x` within `EXP_ERROR`, relative; infinite beyond 700 and for NaN.

    `x = k ln 2 + r`, `|r| <= 0.3466`, and `2^k` times the Taylor polynomial of degree 13 (Cody and Waite).
    """
    x = np.asarray(x, dtype=np.float64)
    clipped = np.clip(np.where(np.isnan(x), _LAST, x), -_LAST, _LAST)
    k = np.rint(clipped * _INVERSE_LOG2)
    r = (clipped - k * _HIGH) - k * _LOW
    value = np.full_like(r, _COEFFICIENTS[-1])
    for coefficient in _COEFFICIENTS[-2::-1]:
        value *= r
        value += coefficient
    result = np.ldexp(value, k.astype(np.int64))
    return np.where(x <= _LAST, result, np.inf)


def exponential_above(x: Floats) -> Floats:
    """At least `e^x`."""
    return up(exponential(x), 128)


def sigmoid(x: Floats) -> Floats:
    """`1 / (1 + e^-x)` within `SIGMOID_ERROR`, relative."""
    e = exponential(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e)


def hyperbolic_tangent(x: Floats) -> Floats:
    """`tanh x` within `TANH_ERROR`, absolute."""
    e = exponential(-2.0 * np.abs(x))
    size = (1.0 - e) / (1.0 + e)
    return np.where(x >= 0, size, -size)

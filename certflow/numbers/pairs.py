"""Double-double numbers as pairs of arrays `(high, low)`, by NumPy: sums, products, quotients, exponentials.

The error-free transformations of Dekker and Knuth; see Hida, Li, Bailey, *Library for double-double and
quad-double arithmetic* (2007). `certflow.numbers.twofold` has the same functions, which give the same bits, by Numba.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from certflow.numbers.arrays import Floats

#: The two parts of an array.
Pair = tuple[Floats, Floats]

_SPLITTER = 134217729.0  # 2^27 + 1


def nearest_pair(exact: Fraction) -> tuple[float, float]:
    """A fraction as the sum of two float64 numbers."""
    return float(exact), float(exact - Fraction(float(exact)))


#: ln 2, to 40 digits.
LN2 = nearest_pair(Fraction(6931471805599453094172321214581765680755, 10**40))
#: `1/k!` for k from 2 to 6, and, of which float64 is enough, from 7 to 13.
INVERSE_FACTORIALS = tuple(nearest_pair(Fraction(1, math.factorial(k))) for k in range(2, 7))
FURTHER_FACTORIALS = tuple(1 / math.factorial(k) for k in range(7, 14))
#: How often `e^z` is squared: the series is summed at `z = r / 2^6`.
HALVINGS = 6
#: `e^a` of larger `|a|` is taken at the end: it is zero or infinite.
LARGEST_EXPONENT = 800.0


def add(a: Floats, a_low: Floats, b: Floats, b_low: Floats) -> Pair:
    """The sum."""
    s, e = _two_sum(a, b)
    f, g = _two_sum(a_low, b_low)
    s, e = _quick_two_sum(s, e + f)
    return _quick_two_sum(s, e + g)


def multiply(a: Floats, a_low: Floats, b: Floats, b_low: Floats) -> Pair:
    """The product, entry by entry."""
    p, e = _two_product(a, b)
    return _quick_two_sum(p, e + (a * b_low + a_low * b))


def divide(a: Floats, a_low: Floats, b: Floats, b_low: Floats) -> Pair:
    """The quotient, entry by entry: three digits of float64 numbers, one after the other."""
    first = a / b
    rest, rest_low = _less(a, a_low, *multiply(b, b_low, first, np.zeros_like(first)))
    second = rest / b
    rest, rest_low = _less(rest, rest_low, *multiply(b, b_low, second, np.zeros_like(second)))
    third = rest / b
    return add(*_quick_two_sum(first, second), third, np.zeros_like(third))


def product(a: Floats, a_low: Floats, b: Floats, b_low: Floats) -> Pair:
    """The product of matrices (..., M, N) and (..., N, P), terms summed one after the other."""

    def term(k: int) -> Pair:
        row, column = np.s_[..., :, k, None], np.s_[..., None, k, :]
        return multiply(a[row], a_low[row], b[column], b_low[column])

    result = term(0)
    for k in range(1, a.shape[-1]):
        result = add(*result, *term(k))
    return result


def total(a: Floats, a_low: Floats) -> Pair:
    """The sum over the last axis, of one number at least, by halving."""
    high, low = np.moveaxis(a, -1, 0), np.moveaxis(a_low, -1, 0)
    while len(high) > 1:
        half = len(high) // 2
        odd, odd_low = high[2 * half :], low[2 * half :]
        high, low = add(high[:half], low[:half], high[half : 2 * half], low[half : 2 * half])
        if len(odd):
            high, low = np.concatenate([high, odd]), np.concatenate([low, odd_low])
    return high[0], low[0]


def exponential(a: Floats, a_low: Floats) -> Pair:
    """`e^a`."""
    small, small_low, exponent = reduced_exponential(a, a_low)
    high, low = add(small, small_low, np.ones_like(small), np.zeros_like(small))
    return np.ldexp(high, exponent), np.ldexp(low, exponent)


def reduced_exponential(a: Floats, a_low: Floats) -> tuple[Floats, Floats, np.ndarray]:
    """`e^r - 1` and `n` with `a = r + n ln 2`, `|r| <= ln 2 / 2`.

    Taylor's polynomial at `z = r / 2^6`, then `(1 + e)^2 - 1 = 2e + e^2`. From `z^7/7!` on, which is below 1e-17 of
    `z`, float64 is enough; `z^14/14!` is below 1e-40.
    """
    low = np.where(np.abs(a) < LARGEST_EXPONENT, a_low, 0.0)
    high = np.clip(a, -LARGEST_EXPONENT, LARGEST_EXPONENT)
    exponent = np.rint(high / LN2[0])
    none = np.zeros_like(high)
    r, r_low = _less(high, low, *multiply(np.full_like(high, LN2[0]), none + LN2[1], exponent, none))
    z, z_low = np.ldexp(r, -HALVINGS), np.ldexp(r_low, -HALVINGS)
    further = np.asarray(np.polynomial.polynomial.polyval(z, FURTHER_FACTORIALS), dtype=np.float64)
    sum_, sum_low = multiply(further, none, z, z_low)
    for factorial, factorial_low in reversed(INVERSE_FACTORIALS):
        sum_, sum_low = add(sum_, sum_low, none + factorial, none + factorial_low)
        sum_, sum_low = multiply(sum_, sum_low, z, z_low)
    small, small_low = add(z, z_low, *multiply(sum_, sum_low, z, z_low))
    for _ in range(HALVINGS):
        small, small_low = add(2 * small, 2 * small_low, *multiply(small, small_low, small, small_low))
    return small, small_low, exponent.astype(np.int64)


def _less(a: Floats, a_low: Floats, b: Floats, b_low: Floats) -> Pair:
    return add(a, a_low, -b, -b_low)


def _two_sum(a: Floats, b: Floats) -> Pair:
    s = a + b
    v = s - a
    return s, (a - (s - v)) + (b - v)


def _quick_two_sum(a: Floats, b: Floats) -> Pair:
    s = a + b
    return s, b - (s - a)


def _split(a: Floats) -> Pair:
    c = _SPLITTER * a
    high = c - (c - a)
    return high, a - high


def _two_product(a: Floats, b: Floats) -> Pair:
    p = a * b
    a1, a2 = _split(a)
    b1, b2 = _split(b)
    return p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2

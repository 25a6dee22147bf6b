"""Double-double arrays: unevaluated sums of two float64 numbers, about 31 digits, vectorised.

The error-free transformations of Dekker and Knuth; see Hida, Li, Bailey, *Library for double-double and
quad-double arithmetic* (2007). It is a sixth arithmetic for the same formulas, used to repair float64 results.
Magnitudes beyond 2^996 or so overflow in the splitting; the guard's inputs stay far below.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from certflow.numbers.arrays import Floats
from certflow.numbers.exact import ExactArray
from certflow.numbers.interface import Arithmetic

_SPLITTER = 134217729.0  # 2^27 + 1


def _two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    s = a + b
    v = s - a
    return s, (a - (s - v)) + (b - v)


def _quick_two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    s = a + b
    return s, b - (s - a)


def _split(a: Floats) -> tuple[Floats, Floats]:
    c = _SPLITTER * a
    high = c - (c - a)
    return high, a - high


def _two_product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    p = a * b
    a1, a2 = _split(a)
    b1, b2 = _split(b)
    return p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2


def _add(a: Floats, a_low: Floats, b: Floats, b_low: Floats) -> tuple[Floats, Floats]:
    s, e = _two_sum(a, b)
    f, g = _two_sum(a_low, b_low)
    s, e = _quick_two_sum(s, e + f)
    return _quick_two_sum(s, e + g)


def _multiply(a: Floats, a_low: Floats, b: Floats, b_low: Floats) -> tuple[Floats, Floats]:
    p, e = _two_product(a, b)
    return _quick_two_sum(p, e + (a * b_low + a_low * b))


_Operation = Callable[[Floats, Floats, Floats, Floats], tuple[Floats, Floats]]


@cache
def _operations() -> dict[str, _Operation]:
    """The sum and the product of two arrays, each with its low parts.

    Behind a function, for the bits are the same whoever does them: no fingerprint of code changes with it."""
    return {"add": _add, "multiply": _multiply}


def compile_operations() -> None:
    """From now on sums and products are those of `certflow.numbers.twofold`: the same bits in one pass, by Numba."""
    from certflow.numbers import twofold

    _operations().update(add=twofold.add, multiply=twofold.multiply)


class DoubleDouble:
    """An array of numbers `high + low`, `|low| <= ulp(high)/2`."""

    __array_ufunc__ = None  # NumPy defers to the reflected operators below

    def __init__(self, high: Any, low: Any = None):
        self.high = np.asarray(high, dtype=np.float64)
        self.low = np.zeros_like(self.high) if low is None else np.asarray(low, dtype=np.float64)

    @property
    def shape(self) -> tuple[int, ...]:
        return np.broadcast_shapes(self.high.shape, self.low.shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def T(self) -> DoubleDouble:
        return DoubleDouble(self.high.T, self.low.T)

    def swapaxes(self, a: int, b: int) -> DoubleDouble:
        return DoubleDouble(self.high.swapaxes(a, b), self.low.swapaxes(a, b))

    def __getitem__(self, index: Any) -> DoubleDouble:
        return DoubleDouble(self.high[index], self.low[index])

    def to_float(self) -> Floats:
        """The nearest float64 numbers."""
        return self.high + self.low

    def __neg__(self) -> DoubleDouble:
        return DoubleDouble(-self.high, -self.low)

    def __add__(self, other: Any) -> DoubleDouble:
        other = _lift(other)
        return DoubleDouble(*_operations()["add"](self.high, self.low, other.high, other.low))

    __radd__ = __add__

    def __sub__(self, other: Any) -> DoubleDouble:
        return self + (-_lift(other))

    def __rsub__(self, other: Any) -> DoubleDouble:
        return _lift(other) + (-self)

    def __mul__(self, other: Any) -> DoubleDouble:
        other = _lift(other)
        return DoubleDouble(*_operations()["multiply"](self.high, self.low, other.high, other.low))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> DoubleDouble:
        other = _lift(other)
        first = self.high / other.high
        remainder = self - other * first
        second = remainder.high / other.high
        remainder = remainder - other * second
        high, low = _quick_two_sum(first, second)
        result: DoubleDouble = DoubleDouble(high, low) + remainder.high / other.high
        return result

    def __rtruediv__(self, other: Any) -> DoubleDouble:
        return _lift(other) / self

    def sum(self, axis: int = -1) -> DoubleDouble:
        """Sum over one axis, by halving."""
        high, low = np.broadcast_arrays(self.high, self.low)
        total = DoubleDouble(np.moveaxis(high, axis, 0), np.moveaxis(low, axis, 0))
        while total.shape[0] > 1:
            half = total.shape[0] // 2
            paired = total[:half] + total[half : 2 * half]
            if total.shape[0] % 2:
                odd = total[2 * half :]
                paired = DoubleDouble(np.concatenate([paired.high, odd.high]), np.concatenate([paired.low, odd.low]))
            total = paired
        return total[0]

    def __matmul__(self, other: Any) -> DoubleDouble:
        """Matrix product, the terms summed one after the other (no temporary larger than the result)."""
        other = _lift(other)
        total: DoubleDouble = self[..., :, 0, None] * other[..., None, 0, :]
        for k in range(1, self.shape[-1]):
            total = total + self[..., :, k, None] * other[..., None, k, :]
        return total

    def __rmatmul__(self, other: Any) -> DoubleDouble:
        return _lift(other) @ self

    def ldexp(self, exponent: Any) -> DoubleDouble:
        return DoubleDouble(np.ldexp(self.high, exponent), np.ldexp(self.low, exponent))


def _lift(value: Any) -> DoubleDouble:
    return value if isinstance(value, DoubleDouble) else DoubleDouble(value)


def _constant(numerator: int, denominator: int = 1) -> DoubleDouble:
    exact = Fraction(numerator, denominator)
    return DoubleDouble(float(exact), float(exact - Fraction(float(exact))))


# ln 2 to 40 digits, split into two float64 numbers.
_LN2 = _constant(6931471805599453094172321214581765680755, 10**40)
_LOG_TWO_PI = _constant(18378770664093454835606594728112352797228, 10**40)
_INVERSE_FACTORIALS = [_constant(1, math.factorial(k)) for k in range(2, 7)]
_FURTHER_FACTORIALS = [1 / math.factorial(k) for k in range(7, 14)]
_HALVINGS = 6


def _expm1_reduced(r: DoubleDouble) -> DoubleDouble:
    """`e^r - 1` for `|r| <= ln 2 / 2`: Taylor polynomial at `z = r / 2^6`, then `(1+e)^2 - 1 = 2e + e^2`.

    From `z^7/7!` on, which is below 1e-17 of `z`, float64 is enough; `z^14/14!` is below 1e-40.
    """
    z = r.ldexp(np.int64(-_HALVINGS))
    further = np.polynomial.polynomial.polyval(z.high, _FURTHER_FACTORIALS)
    total = DoubleDouble(further) * z
    for coefficient in reversed(_INVERSE_FACTORIALS):
        total = (total + coefficient) * z
    value = z + total * z
    for _ in range(_HALVINGS):
        value = DoubleDouble(2 * value.high, 2 * value.low) + value * value
    return value


class DoubleDoubleArithmetic(Arithmetic):
    """The formulas in double-double; parameters enter with the rounding error of their float64 value."""

    name = "double-double"

    def numbers(self, exact: ExactArray) -> DoubleDouble:
        return DoubleDouble(exact.floats, exact.float_errors)

    def log_numbers(self, exact: ExactArray) -> DoubleDouble:
        if exact.floats.min() > 1e-250:
            return self.log(self.numbers(exact))
        ratios = [q.as_integer_ratio() for q in exact.fractions.flat]
        shifts = np.array([p.bit_length() - q.bit_length() for p, q in ratios])
        scaled = [Fraction(p, q) / Fraction(2) ** int(e) for (p, q), e in zip(ratios, shifts, strict=True)]
        logs = self.log(self.numbers(ExactArray(np.array(scaled, dtype=object))))
        return logs + _LN2 * shifts.astype(np.float64)

    def number(self, value: Fraction | int) -> DoubleDouble:
        value = Fraction(value)
        return _constant(value.numerator, value.denominator)

    def asarray(self, value: Any) -> DoubleDouble:
        return _lift(value)

    def _reduce(self, a: DoubleDouble) -> tuple[DoubleDouble, Floats]:
        clipped = DoubleDouble(np.clip(a.high, -800, 800), np.where(np.abs(a.high) < 800, a.low, 0))
        exponent = np.rint(clipped.high / _LN2.high)
        return clipped - _LN2 * exponent, exponent.astype(np.int64)

    def exp(self, a: DoubleDouble) -> DoubleDouble:
        rest, exponent = self._reduce(a)
        return (_expm1_reduced(rest) + 1.0).ldexp(exponent)

    def expm1(self, a: DoubleDouble) -> DoubleDouble:
        rest, exponent = self._reduce(a)
        small = _expm1_reduced(rest)
        whole = (small + 1.0).ldexp(exponent) - 1.0
        return DoubleDouble(
            np.where(exponent == 0, small.high, whole.high), np.where(exponent == 0, small.low, whole.low)
        )

    def log(self, a: DoubleDouble) -> DoubleDouble:
        mantissa, exponent = np.frexp(a.high)
        low = mantissa < 0.7071067811865476  # near one the exponent is zero, so that nothing cancels
        mantissa, exponent = np.where(low, 2 * mantissa, mantissa), exponent - low
        scaled = DoubleDouble(mantissa, np.ldexp(a.low, -exponent))
        first = DoubleDouble(np.log(mantissa))  # one Newton step on exp(y) = a doubles the digits
        return first + (scaled * self.exp(-first) - 1.0) + _LN2 * exponent.astype(np.float64)

    def log_two_pi(self) -> DoubleDouble:
        return _LOG_TWO_PI

    def maximum(self, a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
        first = (a - b).high >= 0  # the larger part has the sign of a sum
        return DoubleDouble(np.where(first, a.high, b.high), np.where(first, a.low, b.low))

    def softmax(self, logits: DoubleDouble) -> tuple[DoubleDouble, DoubleDouble]:
        top, powers, total = self._powers(logits)
        return powers / total[..., None], top[..., 0] + self.log(total)

    def responsibilities(self, logits: DoubleDouble) -> DoubleDouble:
        _, powers, total = self._powers(logits)
        return powers / total[..., None]

    def _powers(self, logits: DoubleDouble) -> tuple[DoubleDouble, DoubleDouble, DoubleDouble]:
        """The largest logit, the exponentials of the differences from it, and their sum."""
        where = np.argmax(logits.high, axis=-1)[..., None]
        top = DoubleDouble(np.take_along_axis(logits.high, where, -1), np.take_along_axis(logits.low, where, -1))
        powers = self.exp(logits - top)
        return top, powers, powers.sum(-1)

    def inverse_logdet(self, matrices: DoubleDouble) -> tuple[DoubleDouble, DoubleDouble]:
        """Gauss-Jordan elimination without pivoting, which is stable for positive definite matrices."""
        size = matrices.shape[-1]
        high, low = (np.array(part) for part in np.broadcast_arrays(matrices.high, matrices.low))
        work = DoubleDouble(high, low)
        logdet = DoubleDouble(np.zeros(matrices.shape[:-2]))
        unit = np.eye(size)
        for j in range(size):
            pivot = work[..., j, j]
            logdet = logdet + self.log(pivot)
            row = work[..., j, :] / pivot[..., None]
            column = work[..., :, j]
            # In-place inversion: the pivot's row and column become those of the inverse.
            updated = work - column[..., :, None] * row[..., None, :]
            inverse_pivot = DoubleDouble(1.0) / pivot
            column = -(column * inverse_pivot[..., None])
            keep = (1 - unit[j])[:, None] * (1 - unit[j])[None, :]
            high = updated.high * keep + column.high[..., :, None] * (1 - unit[j])[:, None] * unit[j]
            low = updated.low * keep + column.low[..., :, None] * (1 - unit[j])[:, None] * unit[j]
            high += row.high[..., None, :] * unit[j][:, None] * (1 - unit[j])
            low += row.low[..., None, :] * unit[j][:, None] * (1 - unit[j])
            high[..., j, j] = inverse_pivot.high
            low[..., j, j] = inverse_pivot.low
            work = DoubleDouble(high, low)
        return work, logdet

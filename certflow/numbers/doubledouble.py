"""Double-double arrays: unevaluated sums of two float64 numbers, about 31 digits, vectorised.

A sixth arithmetic for the same formulas, used to repair float64 results; what it does with pairs of arrays stands in
`certflow.numbers.pairs`. Magnitudes beyond 2^996 or so overflow in the splitting; the guard's inputs stay far below.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from certflow.numbers import pairs
from certflow.numbers.arrays import Floats
from certflow.numbers.exact import ExactArray
from certflow.numbers.interface import Arithmetic

#: Numbers in a repair, and repairs, from which on the operations are compiled.
_MANY, _OFTEN = 2**16, 30
_repairs = itertools.count(1)


@cache
def _modules() -> list[Any]:
    """The module whose functions are taken, in a list of one.

    Behind a function, for the bits are the same whichever it is: no fingerprint of code changes with it."""
    return [pairs]


def compile_operations(numbers: int) -> None:
    """From now on the operations are those of `certflow.numbers.twofold`: the same bits in one pass, by Numba.

    To load these takes some hundred repairs of few rows, so it is done for a repair of many numbers, or the thirtieth.
    """
    if numbers >= _MANY or next(_repairs) >= _OFTEN:
        from certflow.numbers import twofold

        _modules()[:] = [twofold]


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
        return DoubleDouble(*_modules()[0].add(self.high, self.low, other.high, other.low))

    __radd__ = __add__

    def __sub__(self, other: Any) -> DoubleDouble:
        return self + (-_lift(other))

    def __rsub__(self, other: Any) -> DoubleDouble:
        return _lift(other) + (-self)

    def __mul__(self, other: Any) -> DoubleDouble:
        other = _lift(other)
        return DoubleDouble(*_modules()[0].multiply(self.high, self.low, other.high, other.low))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> DoubleDouble:
        other = _lift(other)
        return DoubleDouble(*_modules()[0].divide(self.high, self.low, other.high, other.low))

    def __rtruediv__(self, other: Any) -> DoubleDouble:
        return _lift(other) / self

    def sum(self, axis: int = -1) -> DoubleDouble:
        """Sum over one axis, by halving."""
        high, low = np.broadcast_arrays(self.high, self.low)
        return DoubleDouble(*_modules()[0].total(np.moveaxis(high, axis, -1), np.moveaxis(low, axis, -1)))

    def __matmul__(self, other: Any) -> DoubleDouble:
        """Matrix product, the terms summed one after the other (no temporary larger than the result)."""
        a, b = (np.broadcast_arrays(part.high, part.low) for part in (self, _lift(other)))
        return DoubleDouble(*_modules()[0].product(*a, *b))

    def __rmatmul__(self, other: Any) -> DoubleDouble:
        return _lift(other) @ self

    def ldexp(self, exponent: Any) -> DoubleDouble:
        return DoubleDouble(np.ldexp(self.high, exponent), np.ldexp(self.low, exponent))


def _lift(value: Any) -> DoubleDouble:
    return value if isinstance(value, DoubleDouble) else DoubleDouble(value)


def _constant(exact: Fraction) -> DoubleDouble:
    return DoubleDouble(*pairs.nearest_pair(exact))


_LN2 = DoubleDouble(*pairs.LN2)
_LOG_TWO_PI = _constant(Fraction(18378770664093454835606594728112352797228, 10**40))


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
        return _constant(Fraction(value))

    def asarray(self, value: Any) -> DoubleDouble:
        return _lift(value)

    def exp(self, a: DoubleDouble) -> DoubleDouble:
        return DoubleDouble(*_modules()[0].exponential(*np.broadcast_arrays(a.high, a.low)))

    def expm1(self, a: DoubleDouble) -> DoubleDouble:
        high, low, exponent = pairs.reduced_exponential(*np.broadcast_arrays(a.high, a.low))
        whole = (DoubleDouble(high, low) + 1.0).ldexp(exponent) - 1.0
        return DoubleDouble(np.where(exponent == 0, high, whole.high), np.where(exponent == 0, low, whole.low))

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

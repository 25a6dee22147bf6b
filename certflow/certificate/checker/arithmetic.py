"""Outward-rounded intervals of integers (1), with exponential and logarithm (2)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from operator import mul
from typing import Any

from .work import product_steps

Interval = tuple[int, int]


def dot(x: Iterable[Any], y: Iterable[Any]) -> Any:
    """`x.y`, to the end of the shorter one."""
    return sum(map(mul, x, y))


class Imprecise(ArithmeticError):
    """An operand is too wide or too large for the operation."""


class Arithmetic:
    """Intervals `[lo, hi] 2^-bits` with integers `lo <= hi`, as pairs; every operation rounds outward (1).

    exp and log work at the scale `2^-w`, `w = bits + GUARD`, and round down; SLACK units more bound from above (2)."""

    GUARD, FINE, SLACK, MAX_ARGUMENT = 16, 32, 16, 2**20

    def __init__(self, bits: int):
        self.bits, self.one = bits, (1 << bits, 1 << bits)
        self._w = w = bits + self.GUARD
        self._mask, scale = (1 << (w - 8)) - 1, w + 2 * self.FINE
        n = next(n for n in range(w) if math.factorial(n + 1) << (8 * (n + 1)) >= 1 << (w + 2))
        self._exp_series = [(1 << w) // math.factorial(k) for k in range(n, -1, -1)]
        self._log_series = [(1 << w) // (2 * k + 1) for k in range((w + 2) // 18, -1, -1)]
        step = sum((1 << scale) // (math.factorial(k) << 8 * k) for k in range(n + 8))
        power, self._exp_table, total, self._log_table = 1 << scale, [1 << w], 0, [0]
        for k in range(513, 1025, 2):  # e^(i/256), and ln(1 + i/256) by steps of 2 artanh(1/k)
            power = power * step >> scale
            self._exp_table.append(power >> (scale - w))
            total += 2 * sum((1 << scale) // (j * k**j) for j in range(1, scale // 9 + 2, 2))
            self._log_table.append(total >> (scale - w))
        self._ln2_low, self._ln2_high = total >> self.FINE, (total >> self.FINE) + 2
        #: Steps of work of an exponential or logarithm, of both ends.
        self.steps = 2 * (n + 8) * (2 + product_steps(w, w))

    @classmethod
    def setup(cls, bits: int) -> int:
        """Steps of work that an arithmetic of so many bits takes to make."""
        scale = bits + cls.GUARD + 2 * cls.FINE
        return 256 * (scale // 18 + 2) * (10 + 2 * product_steps(scale, scale))

    def rational(self, value: Fraction) -> Interval:
        """The number `value`: floor and ceiling of `value 2^bits`."""
        scaled = value.numerator << self.bits
        return scaled // value.denominator, -(-scaled // value.denominator)

    def add(self, x: Interval, y: Interval) -> Interval:
        """`x + y`, exact."""
        return x[0] + y[0], x[1] + y[1]

    def sub(self, x: Interval, y: Interval) -> Interval:
        """`x - y`, exact."""
        return x[0] - y[1], x[1] - y[0]

    def mul(self, x: Interval, y: Interval) -> Interval:
        """`x y`, extreme at corners."""
        (a, b), (c, d) = x, y
        corners = (a * c, b * d) if a >= 0 and c >= 0 else (a * c, a * d, b * c, b * d)
        return min(corners) >> self.bits, -(-max(corners) >> self.bits)

    def square(self, x: Interval) -> Interval:
        """`x^2`: extreme at the ends, but 0 where the interval contains 0."""
        low, high = sorted((abs(x[0]), abs(x[1])))
        return 0 if x[0] <= 0 <= x[1] else low * low >> self.bits, -(-high * high >> self.bits)

    def div(self, x: Interval, y: Interval) -> Interval:
        """`x / y` for `y` without 0, extreme at corners."""
        (a, b), (c, d) = x, y
        if c <= 0 <= d:
            raise Imprecise("division by an interval that contains 0")
        if d < 0:
            a, b, c, d = -b, -a, -d, -c
        return (a << self.bits) // (d if a >= 0 else c), -((-b << self.bits) // (c if b >= 0 else d))

    def sqrt(self, x: Interval) -> Interval:
        """`sqrt(x)`, increasing."""
        if x[0] < 0:
            raise Imprecise("square root of an interval that contains negative numbers")
        root = math.isqrt(x[1] << self.bits)
        return math.isqrt(x[0] << self.bits), root + (root * root != x[1] << self.bits)

    def log(self, x: Interval) -> Interval:
        """`ln x`, increasing."""
        if x[0] <= 0:
            raise Imprecise("logarithm of an interval that contains 0 or negative numbers")
        return self._log(x[0]) >> self.GUARD, -(-(self._log(x[1]) + self.SLACK) >> self.GUARD)

    def exp(self, x: Interval) -> Interval:
        """`e^x`, increasing; ends below `-bits - 1` are raised to it: the exponentials of both are below a unit."""
        low, high = (max(end, (-self.bits - 1) << self.bits) for end in x)
        if high >> self.bits >= self.MAX_ARGUMENT:
            raise Imprecise("exponential of a number that is too large")
        m, n = self._exp(low)
        M, N = self._exp(high) if high > low else (m, n)
        n, N, M = n - self.GUARD, N - self.GUARD, M + self.SLACK
        return m << n if n >= 0 else m >> -n, M << N if N >= 0 else -(-M >> -N)

    def power(self, x: int) -> tuple[int, int]:
        """`(m, n)` with `m 2^n <= e^(x 2^-bits) <= (m + SLACK) 2^n`, m of `bits` places and more."""
        m, n = self._exp(x)
        return m, n - self._w

    def _exp(self, x: int) -> tuple[int, int]:
        """`(m, n)` with `m 2^(n-w) <= e^(x 2^-bits) <= (m + 16) 2^(n-w)`, by `x = n ln 2 + i/256 + h` (2)."""
        n, rest = divmod(x << (self.GUARD + self.FINE), self._ln2_high if x >= 0 else self._ln2_low)
        w, rest, total = self._w, rest >> self.FINE, 0
        h = rest & self._mask
        for coefficient in self._exp_series:
            total = coefficient + (total * h >> w)
        return self._exp_table[rest >> (w - 8)] * total >> w, n

    def _log(self, a: int) -> int:
        """`y` with `y 2^-w <= ln(a 2^-bits) <= (y + 16) 2^-w`, by `a 2^-bits = 2^n m`, `m` near `1 + i/256` (2)."""
        w, length, total = self._w, a.bit_length(), 0
        m = a << (w + 1 - length) if length <= w else a >> (length - 1 - w)
        n, d = length - 1 - self.bits, m & self._mask
        z = (d << w) // (2 * m - d)
        y = z * z >> w
        for coefficient in self._log_series:
            total = coefficient + (total * y >> w)
        whole = n * (self._ln2_low if n >= 0 else self._ln2_high) >> self.FINE
        return self._log_table[(m >> (w - 8)) - 256] + (2 * total * z >> w) + whole

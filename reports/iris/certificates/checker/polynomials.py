"""Functions on [-1, 1] as polynomials with integer coefficients and a bound of what they are off by (9)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, zip_longest

from .work import Work, product_steps


class Polynomial:
    """A function f with `|f(c) - sum_i coefficients[i] c^i| <= radius` for all c in [-1, 1]; `|f| <= size`. In units.

    Coefficients at the end that are not larger than what f is off by are given to the radius."""

    __slots__ = ("coefficients", "radius", "size")

    def __init__(self, coefficients: list[int], radius: int):
        last, noise = len(coefficients), 0
        while last > 1 and noise + abs(coefficients[last - 1]) <= 2 * radius:
            last -= 1
            noise += abs(coefficients[last])
        self.coefficients, self.radius = coefficients[:last], radius + noise
        self.size = sum(map(abs, self.coefficients)) + self.radius

    @property
    def rest(self) -> int:
        """A bound of `|f - coefficients[0]|`."""
        return self.size - abs(self.coefficients[0])

    def low(self) -> int:
        """A number below f."""
        return self.coefficients[0] - self.rest

    def high(self) -> int:
        """A number above f."""
        return self.coefficients[0] + self.rest


ZERO = Polynomial([0], 0)


class Algebra:
    """What is done with such functions, at `bits` binary places; work is counted before it is done."""

    #: A sign is sought on intervals of length `2^(1-DEPTH)` at least.
    DEPTH = 12

    def __init__(self, bits: int, work: Work):
        self.bits, self.work, self.unit = bits, work, 1 << bits
        self.one = Polynomial([self.unit], 0)

    def scaled(self, number: Fraction) -> int:
        """`number` in units, less than one too low."""
        return (number.numerator << self.bits) // number.denominator

    def rational(self, numbers: Sequence[Fraction]) -> Polynomial:
        """The polynomial of these coefficients."""
        return Polynomial([self.scaled(number) for number in numbers], len(numbers))

    def combination(self, weights: Sequence[tuple[int, Polynomial]], constant: int, field: str) -> Polynomial:
        """`constant + sum_i w_i f_i`, for all numbers `w_i` and constants from what is given to one unit more.

        What is left out: a unit in the constant, `size` units of units for each weight, a unit of each coefficient."""
        long = max((len(f.coefficients) for _, f in weights), default=1)
        wide = max((abs(w).bit_length() for w, _ in weights), default=1)
        deep = max((f.size.bit_length() for _, f in weights), default=1)
        steps = sum(len(f.coefficients) + 4 for _, f in weights) + long + 8
        self.work.spend(steps * (6 + product_steps(wide, deep)), field)
        total, off = [0] * long, 0
        total[0] = constant << self.bits
        for w, f in weights:
            for i, coefficient in enumerate(f.coefficients):
                total[i] += w * coefficient
            off += f.size + (abs(w) + 1) * f.radius
        return Polynomial([x >> self.bits for x in total], 2 + long + (off >> self.bits))

    def sum(self, f: Polynomial, g: Polynomial, sign: int, field: str) -> Polynomial:
        """`f + sign g`, `sign` 1 or -1, exact."""
        long = max(len(f.coefficients), len(g.coefficients))
        self.work.spend(30 + 6 * long * (1 + (max(f.size, g.size).bit_length() >> 9)), field)
        pairs = zip_longest(f.coefficients, g.coefficients, fillvalue=0)
        return Polynomial([x + sign * y for x, y in pairs], f.radius + g.radius)

    def product(self, f: Polynomial, g: Polynomial, field: str) -> Polynomial:
        """`f g`."""
        long = len(f.coefficients) + len(g.coefficients) - 1
        each = product_steps(f.size.bit_length(), g.size.bit_length())
        self.work.spend((len(f.coefficients) * len(g.coefficients) + 3 * long + 10) * (4 + each), field)
        total = [0] * long
        for i, x in enumerate(f.coefficients):
            for j, y in enumerate(g.coefficients, i):
                total[j] += x * y
        off = f.size * g.radius + g.size * f.radius
        return Polynomial([x >> self.bits for x in total], 1 + long + (off >> self.bits))

    def halves(self, f: Polynomial, field: str) -> tuple[Polynomial, Polynomial]:
        """`f((c - 1)/2)` and `f((c + 1)/2)`: f on the two halves of [-1, 1]."""
        long = len(f.coefficients)
        self.work.spend(20 + long * (long + 12) * (2 + (f.size.bit_length() >> 9)), field)
        finer = [x << long - i for i, x in enumerate(f.coefficients)]
        left, right = alternating(shifted(alternating(finer))), shifted(finer)
        return tuple(Polynomial([x >> long for x in row], f.radius + long) for row in (left, right))  # type: ignore

    def sign(self, f: Polynomial, field: str) -> int:
        """1 if `f >= 0` is proved on all of [-1, 1], -1 if `f <= 0` is, 0 if neither is."""
        found, parts = 0, [(f, self.DEPTH)]
        while parts:
            self.work.spend(40, field)
            part, depth = parts.pop()
            here = 1 if part.low() >= 0 else -1 if part.high() <= 0 else 0
            if here:
                if found not in (0, here):
                    return 0
                found = here
            elif depth == 0 or len(part.coefficients) == 1:
                return 0
            else:
                parts += [(half, depth - 1) for half in self.halves(part, field)]
        return found

    def parts(self, f: Polynomial, halvings: int, field: str) -> list[Polynomial]:
        """f on `2^halvings` equal parts of [-1, 1], from left to right."""
        parts = [f]
        for _ in range(halvings):
            parts = [half for part in parts for half in self.halves(part, field)]
        return parts


def shifted(coefficients: list[int]) -> list[int]:
    """The coefficients of `p(c + 1)`, by repeated division by `c - 1`."""
    row, found = coefficients[::-1], []
    while row:
        row = list(accumulate(row))
        found.append(row.pop())
    return found


def alternating(coefficients: list[int]) -> list[int]:
    """The coefficients of `p(-c)`."""
    return [-x if i % 2 else x for i, x in enumerate(coefficients)]


def divided(coefficients: list[int]) -> tuple[int, list[int]]:
    """`p(-1)`, and the coefficients of `p_1` in `p(c) = p(-1) + (c + 1) p_1(c)`."""
    row = [0]
    for x in reversed(coefficients):
        row.append(x - row[-1])
    return row[-1], row[-2:0:-1]

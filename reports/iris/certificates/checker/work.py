"""Limits that keep time and memory bounded, and a count of work that is charged before it is done.

A step of work is about 0.1 microseconds. What an operation costs grows with the length of its numbers: the functions
below bound it, for numbers of so many bits, in steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from .refusals import require

MAX_BYTES, MAX_NESTING, MAX_VALUES, MAX_WORK = 16 * 2**20, 32, 1_000_000, 60_000_000
MAX_CHARACTERS, MAX_EXPONENT, MAX_DENOMINATOR_BITS, MAX_DIMENSION, MAX_ORDER = 4300, 5000, 2**15, 8, 256
MAX_LIST_BITS = 2**31


class Work:
    """A count of the steps of one check, the same on every machine."""

    def __init__(self, most: int = MAX_WORK):
        self.done, self.most = 0, most

    def spend(self, steps: int, field: str) -> None:
        """Count the steps that `field` asks for, before they are made."""
        self.done += steps
        if self.done > self.most:
            require(False, field, self.done, f"at most {self.most} steps of work (--work N allows N)")


def product_steps(a: int, b: int) -> int:
    """Steps of a product of integers of `a` and `b` bits, or of a quotient of `a + b` by `b` bits."""
    return 4 + (a * b >> 15)


def fraction_steps(bits: int) -> int:
    """Steps of an operation on fractions of so many bits: products and greatest common divisors."""
    return 60 + (bits * bits >> 11)


def bits_of(numbers: Iterable[Fraction | int]) -> int:
    """The length of the longest numerator or denominator."""
    return max((max(x.numerator.bit_length(), x.denominator.bit_length()) for x in numbers), default=0)

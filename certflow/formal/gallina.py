"""Numbers and lists as Coq reads them, in the scope of the reals unless a name says integers.

Numbers are in decimal digits, as many as Python writes: what has longer ones has no text (`NotServed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

#: About 4,300 digits.
_LONGEST = 14_000


class NotServed(Exception):
    """A certificate whose statement has no text for Coq; the message says which."""


def digits(value: int) -> str:
    """The digits of an integer."""
    if abs(value).bit_length() > _LONGEST:
        raise NotServed("numbers of more than 4,200 digits")
    return str(value)


def real(value: Fraction) -> str:
    """`(p / q)`, exactly `value`."""
    return f"({digits(value.numerator)} / {digits(value.denominator)})"


def integers(values: Iterable[int]) -> str:
    """A list of integers, for the scope Z."""
    return _list(f"({digits(value)})" if value < 0 else digits(value) for value in values)


def rows(values: Iterable[Iterable[int]]) -> str:
    """A list of lists of integers, for the scope Z."""
    return _list(integers(row) for row in values)


def reals(values: Iterable[Fraction]) -> str:
    """A list of reals."""
    return _list(map(real, values))


def pairs(values: Iterable[Sequence[Fraction]]) -> str:
    """A list of pairs of reals."""
    return _list(f"({real(low)}, {real(high)})" for low, high in values)


def _list(entries: Iterable[str]) -> str:
    return "(" + " :: ".join([*entries, "nil"]) + ")"

"""Numbers and lists as Coq reads them, in the scope of the reals unless a name says integers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction


def real(value: Fraction) -> str:
    """`(p / q)`, exactly `value`."""
    return f"({value.numerator} / {value.denominator})"


def integers(values: Iterable[int]) -> str:
    """A list of integers, for the scope Z."""
    return _list(f"({value})" if value < 0 else str(value) for value in values)


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

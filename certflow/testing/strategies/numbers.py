"""Exact numbers, and what the options of strategies must be."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from certflow.errors import InputError, did_you_mean
from certflow.numbers.exact import exact_number, exact_text
from certflow.numbers.inputs import whole_number


def decimals(min_value: Any = -10, max_value: Any = 10, *, places: int = 3) -> st.SearchStrategy[str]:
    """Decimals in [min_value, max_value] with at most so many places, as texts: exactly the numbers that are written.

    Shrinks towards 0, or the number nearest to it, and towards fewer digits.

    Raises
    ------
    InputError : bounds between which there is no such decimal, a number of places that is no int from 0 to 30.
    """
    unit = Fraction(1, 10 ** whole_number(places, "places", 0, 30))
    low, high = exact_number(min_value, "min_value"), exact_number(max_value, "max_value")
    first, last = -(-low // unit), high // unit
    if first > last:
        raise InputError("max_value", max_value, f"room for a decimal of {places} places above min_value = {min_value}")
    tens = st.sampled_from([10**n for n in range(places, -1, -1)])

    def rounded(step: int, ten: int) -> str:
        """The nearest multiple of a coarser unit towards zero, where that is inside."""
        coarse = abs(step) // ten * ten * (1 if step > 0 else -1)
        return exact_text((coarse if first <= coarse <= last else step) * unit)

    return st.builds(rounded, st.integers(int(first), int(last)), tens)


def check_order(noun: str, low: int, high: int, *, least: int) -> None:
    """`min_noun` and `max_noun` are ints, at least `least`, in this order."""
    whole_number(low, f"min_{noun}", least)
    whole_number(high, f"max_{noun}", int(low), requirement=f"an int >= min_{noun} = {low}")


def check_some(field: str, given: Sequence[str], known: Collection[str]) -> None:
    """A list of some of the known names, at least one."""
    required = f"a list of some of {', '.join(known)}"
    if isinstance(given, str) or not given:
        raise InputError(field, given, required)
    for name in given:
        if name not in known:
            raise InputError(field, name, required + did_you_mean(name, known))

"""An enclosure as text: in full, or with fewer digits, never with an end on the side that was not proved."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import certflow as cf
from certflow.enclosure.results import Enclosure


def ends(text: str) -> tuple[Fraction, Fraction]:
    """What a reader reads."""
    low, high = re.fullmatch(r"\[(\S+), (\S+)\]", text).groups()
    return Fraction(low), Fraction(high)


@given(st.fractions(), st.fractions(0), st.integers(1, 20))
def test_fewer_digits_are_rounded_outwards(lower: Fraction, width: Fraction, digits: int) -> None:
    enclosure = Enclosure(lower, lower + width)
    low, high = ends(f"{enclosure:.{digits}}")
    assert low <= lower
    assert lower + width <= high
    room = Fraction(10) ** (1 - digits)
    assert lower - low <= room * abs(lower)
    assert high - enclosure.upper <= room * abs(enclosure.upper)


def test_without_digits_it_is_the_exact_text() -> None:
    enclosure = Enclosure.of_fractions(Fraction(1, 3), Fraction(2, 3), 5)
    assert f"{enclosure}" == str(enclosure) == "[0.33333, 0.66667]"
    assert f"{enclosure:.2}" == "[0.33, 0.67]"


@pytest.mark.parametrize("specification", [".6f", "10", ".0", "g", ".-1", ".²"])
def test_other_formats_are_refused(specification: str) -> None:
    with pytest.raises(ValueError, match="a format like"):
        format(Enclosure(Fraction(0), Fraction(1)), specification)


def test_what_a_search_found_prints_itself() -> None:
    """Means -1, 0, 1: `lambda*` and its integral lie between the printed ends, not only between the proved ones."""
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("line-3"), t_min="0.3", t_max="3")
    rate = cf.enclosure.sharp_rate(process, "0.3")
    total = cf.enclosure.sharp_stability(process, "0.3", "3")
    for found in (rate, total):
        assert str(found) == f"[{found.lower}, {found.upper}]"
        for digits in (2, 5, 9):
            low, high = ends(f"{found:.{digits}}")
            assert low <= found.lower <= found.upper <= high

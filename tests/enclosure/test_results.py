"""An enclosure as text: in full, or with fewer digits, never with an end on the side that was not proved."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import certflow as cf
from certflow.enclosure.integrals import IntegralEnclosure
from certflow.enclosure.results import Enclosure
from certflow.enclosure.tubes.tube import FlowTube


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


def test_without_digits_it_says_how_far_the_ends_are_apart() -> None:
    enclosure = Enclosure.of_fractions(Fraction(1, 3), Fraction(2, 3), 5)
    assert f"{enclosure}" == str(enclosure) == "[0.33333, 0.66667] (relative gap 0.51)"
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
        low, high = ends(str(found).partition(" (")[0])
        assert low <= found.lower <= found.upper <= high
        assert max(found.lower - low, high - found.upper) <= Fraction(1, 10**9) * abs(found.upper)
        gap = Fraction(re.search(r"relative gap (\S+?)[,)]", str(found))[1])
        assert gap / 2 < (found.upper - found.lower) / max(abs(found.lower), abs(found.upper)) <= gap
        assert len(str(found)) + len(type(found).__name__) + 2 == len(repr(found)) < 100
        for digits in (2, 5, 9):
            low, high = ends(f"{found:.{digits}}")
            assert low <= found.lower <= found.upper <= high


@given(st.integers(-(10**60), 10**60), st.integers(0, 10**40), st.integers(0, 80))
def test_of_long_ends_a_line_shows_ten_digits_outwards(lower: int, width: int, places: int) -> None:
    found = Enclosure(Fraction(lower, 10**places), Fraction(lower + width, 10**places))
    low, high = ends(str(found).partition(" (")[0])
    assert low <= found.lower <= found.upper <= high
    assert len(repr(found)) < 100


def test_a_wider_enclosure_than_was_asked_for_says_so() -> None:
    found = IntegralEnclosure(Fraction(1), Fraction(2), complete=False)
    assert str(found) == "[1, 2] (relative gap 0.5, wider than asked for)"
    assert str(Enclosure(Fraction(3), Fraction(3))) == "[3, 3]"


def test_a_tube_of_many_coordinates_is_one_line() -> None:
    width = Fraction(1, 10**40)
    ends = tuple(Fraction(1, 3) + k for k in range(64))
    norm = Enclosure(Fraction(1, 3), Fraction(1, 2))
    time = Enclosure(Fraction(1), Fraction(1))
    tube = FlowTube(ends, tuple(end + width for end in ends), norm, True, time, Fraction(1), 200, ())
    assert str(tube).startswith("[0.3333333333, 0.3333333334] x [1.333333333, 1.333333334] x ")
    assert str(tube).endswith("x ... (64 coordinates) (enclosed, radius 5e-41, |D Phi| in [0.333, 0.5])")
    assert "\n" not in repr(tube)
    assert len(repr(tube)) < 250

"""Texts of numbers: rounded to the side that was asked for, by exact comparison with the rational that was printed."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from certflow.numbers.numerals import above, below, exponential, exponential_above, figure, nearest

RATIONALS = st.one_of(
    st.fractions(),
    st.floats(allow_nan=False, allow_infinity=False).map(Fraction),
    st.tuples(st.integers(-(10**30), 10**30), st.integers(-700, 700)).map(
        lambda p: Fraction(p[0]) * Fraction(10) ** p[1]
    ),
)


def unit(value: Fraction, digits: int) -> Fraction:
    """The last of `digits` significant digits of a number that is not 0, counted up by hand."""
    power = Fraction(1)
    while power * 10 <= abs(value):
        power *= 10
    while power > abs(value):
        power /= 10
    return power / 10 ** (digits - 1)


@given(RATIONALS, st.integers(1, 12))
@example(Fraction(5e-324), 3)
@example(Fraction(-5e-324), 3)
@example(Fraction(1.7976931348623157e308), 4)
@example(Fraction(-999999), 3)
@example(Fraction(999999), 3)
@example(Fraction(0), 3)
@example(Fraction(1, 10000), 4)
@example(Fraction(10) ** 400, 4)
def test_the_ends_enclose_and_are_tight(value: Fraction, digits: int) -> None:
    low, near, high = (Fraction(write(value, digits)) for write in (below, nearest, above))
    assert low <= value <= high
    assert low <= near <= high
    if value:
        step = unit(value, digits)
        assert value - low < step
        assert high - value < step
        assert abs(near - value) <= step / 2
        for end in (low, near, high):
            assert (end / step).denominator == 1
    else:
        assert low == near == high == 0


@given(st.floats(allow_nan=False), st.integers(1, 15))
@example(-0.0, 5)
@example(1e15, 15)
@example(123456.0, 5)
@example(0.0001, 5)
@example(0.00001, 5)
@example(math.inf, 5)
def test_nearest_is_what_the_format_of_floats_writes(value: float, digits: int) -> None:
    assert nearest(value, digits) == figure(value, digits)


@pytest.mark.parametrize(
    ("value", "digits", "low", "high"),
    [
        ("2.76083879", 6, "2.76083", "2.76084"),
        ("2.7632460759", 6, "2.76324", "2.76325"),
        ("982.7762503", 4, "982.7", "982.8"),
        ("6.89038151732", 6, "6.89038", "6.89039"),
        ("-0.0008000475", 6, "-0.000800048", "-0.000800047"),
        ("-999.96", 4, "-1000", "-999.9"),
        ("999.96", 4, "999.9", "1000"),
        ("99999.6", 5, "99999", "1e+05"),
        (Fraction(1, 3), 3, "0.333", "0.334"),
        (Fraction(-1, 3), 3, "-0.334", "-0.333"),
        (1000, 4, "1000", "1000"),
        (0.1, 4, "0.1", "0.1001"),  # the binary number is above a tenth
        (0.3, 4, "0.2999", "0.3"),
        (5e-324, 3, "4.94e-324", "4.95e-324"),
        ("1e400", 3, "1e+400", "1e+400"),
        (-math.inf, 3, "-inf", "-inf"),
    ],
)
def test_ends(value: object, digits: int, low: str, high: str) -> None:
    assert (below(value, digits), above(value, digits)) == (low, high)


@given(st.one_of(st.fractions(-40, 40), st.fractions(-(10**9), 10**9)), st.integers(1, 8))
@example(Fraction(0), 4)
@example(Fraction(1, 10**30), 4)
@example(Fraction(-1, 10**30), 4)
def test_an_exponential_is_rounded_up(exponent: Fraction, digits: int) -> None:
    with mpmath.workdps(60):
        exact = mpmath.exp(mpmath.mpf(exponent.numerator) / exponent.denominator)
        text = exponential_above(exponent, digits)
        shown = mpmath.mpf(text)
        assert shown >= exact * (1 - mpmath.mpf(10) ** -45)
        assert shown <= exact * (1 + mpmath.mpf(10) ** (1 - digits) * (1 + mpmath.mpf(10) ** -5))


@pytest.mark.parametrize(
    ("exponent", "text"),
    [
        ("2.7632460759", "15.86"),  # 15.8512...
        ("6.89038151732", "982.8"),
        (0, "1"),
        (1000, "1.971e+434"),  # 1.9700711e434
        (-1000, "5.076e-435"),  # 5.0759588e-435
        (math.inf, "inf"),
        (-math.inf, "0"),
        (Fraction(10) ** 30 + 1, "e^1.001e+30"),
    ],
)
def test_exponentials_rounded_up(exponent: object, text: str) -> None:
    assert exponential_above(exponent) == text


@pytest.mark.parametrize("exponent", [700.0, -700.0, 702.1138, 12345.678, 1e9, 1e15, 709.1])
def test_exponentials_beyond_float64_have_right_digits(exponent: float) -> None:
    with mpmath.workdps(60):
        exact = mpmath.exp(exponent)
        shown = mpmath.mpf(exponential(exponent))
        assert abs(shown / exact - 1) <= mpmath.mpf("5.0001e-4")
        mantissa = exponential(exponent).partition("e")[0]
        assert 1 <= float(mantissa) < 10


def test_a_mantissa_that_rounds_to_ten() -> None:
    assert exponential(math.log(9.99996) + 305 * math.log(10)) == "1e+306"
    assert exponential(1e300) == "e^1e+300"

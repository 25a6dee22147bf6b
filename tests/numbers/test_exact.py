"""Exact numbers: what is written is what is meant."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

import certflow as cf
from certflow.numbers.exact import ExactArray, exact_number, exact_text, root, time_text


@pytest.mark.parametrize(
    ("given_value", "wanted"),
    [
        ("0.1", Fraction(1, 10)),
        ("1/3", Fraction(1, 3)),
        (" -2 / 6 ", Fraction(-1, 3)),
        ("+.5", Fraction(1, 2)),
        ("1.", Fraction(1)),
        ("-1e-3", Fraction(-1, 1000)),
        ("2E+2", Fraction(200)),
        ("1e-5000", Fraction(1, 10**5000)),
        (3, Fraction(3)),
        (2**80 + 1, Fraction(2**80 + 1)),
        (np.int64(-7), Fraction(-7)),
        (Fraction(2, 7), Fraction(2, 7)),
        (Decimal("0.1"), Fraction(1, 10)),
        (0.1, Fraction(3602879701896397, 36028797018963968)),
        (np.float32(0.1), Fraction(13421773, 134217728)),
        (mpmath.mpf("0.1"), Fraction(3602879701896397, 36028797018963968)),
        (mpmath.mpf(-6), Fraction(-6)),
        (5e-324, Fraction(1, 2**1074)),
    ],
)
def test_number(given_value, wanted):
    value = exact_number(given_value)
    assert isinstance(value, Fraction)
    assert value == wanted


def test_a_decimal_is_not_its_binary_neighbour():
    assert exact_number("0.1") != exact_number(0.1)


@pytest.mark.parametrize(
    "value",
    [
        *("", "abc", "1/0", "1/-3", "0x10", "1_000", "nan", "inf", "1e", "--1", "1/2/3", "1.5/2", "１", "1e99999"),
        *(float("nan"), float("inf"), np.float64("-inf"), mpmath.mpf("inf"), Decimal("NaN")),
        *(True, np.bool_(False), None, [1], 1j),
    ],
)
def test_not_a_number(value):
    with pytest.raises(cf.InputError, match=r"quantity: got .*; required: "):
        exact_number(value, "quantity")


@given(st.fractions())
def test_text_round_trip(value):
    assert exact_number(exact_text(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_text_round_trip_of_floats(value):
    assert exact_number(exact_text(Fraction(value))) == Fraction(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(1, 10), "0.1"),
        (Fraction(-5, 4), "-1.25"),
        (Fraction(1, 3), "1/3"),
        (Fraction(200), "200"),
        (Fraction(0), "0"),
        (Fraction(1, 10**20), "1e-20"),
        (Fraction(-123, 10**30), "-1.23e-28"),
        (Fraction(1, 10**300), "1e-300"),
        (Fraction(0.1), "0.1000000000000000055511151231257827021181583404541015625"),
    ],
)
def test_text(value, text):
    assert exact_text(value) == text


def test_array_of_floats_stays_binary():
    array = ExactArray.of([[0.1, 2], [3, 0.5]], "x")
    assert array.is_binary
    assert array.shape == (2, 2)
    assert array.fractions[0, 0] == Fraction(0.1)
    assert (array.float_errors == 0).all()
    with pytest.raises(ValueError, match="read-only"):
        array.values[0, 0] = 1


def test_array_of_texts_is_exact_and_knows_its_rounding():
    array = ExactArray.of(["1/3", 2, 0.5], "x")
    assert not array.is_binary
    assert array.values.tolist() == [Fraction(1, 3), 2, Fraction(1, 2)]
    assert array.floats[0] == 1 / 3
    assert Fraction(array.floats[0]) + Fraction(array.float_errors[0]) == pytest.approx(Fraction(1, 3), abs=1e-32)
    assert array.float_errors[0] != 0
    assert array.texts() == ["1/3", "2", "0.5"]


def test_large_integers_stay_exact():
    for data in ([2**60 + 1], np.array([2**60 + 1])):
        assert ExactArray.of(data, "x").fractions[0] == 2**60 + 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([[1, 2], [3]], "x: got .*; required: rows of equal length"),
        ([1.0, float("nan")], r"x\[1\]: got .*nan"),
        (np.array([1.0, np.inf]), r"x\[1\]: got .*inf"),
        ([["1", "a"]], r"x\[0\]\[1\]: got 'a'"),
        ([True, False], r"x(\[0\])?: got .*True"),
        (np.array([True]), "x: got .*; required: numbers, not booleans"),
        ({1: 2}, "x: got .*; required: a number, a list or an array"),
    ],
)
def test_bad_arrays(data, message):
    with pytest.raises(cf.InputError, match=message):
        ExactArray.of(data, "x")


def test_symbols():
    import sympy

    a = sympy.Symbol("a")
    array = ExactArray.of([a, "1/3", 2], "x")
    assert array.is_symbolic
    assert list(array.values) == [a, sympy.Rational(1, 3), 2]
    with pytest.raises(cf.InputError, match="symbolic parameters"):
        _ = array.floats


def test_numbers_beyond_float64():
    with pytest.raises(cf.InputError, match=r"beyond 1.8e308"):
        _ = ExactArray.of(["1e400"], "x").floats
    assert ExactArray.of(["1e-400"], "x").floats[0] == 0


def test_numbers_of_sympy_are_numbers():
    third, tenth = sympy.Rational(1, 3), sympy.Float("0.1", 40)
    mixture = cf.GaussianMixture([third, 1 - third], [[sympy.Integer(-1)], [sympy.Float(0.1)]], tenth)
    assert not mixture.is_symbolic
    assert mixture.exact_weights.fractions.tolist() == [Fraction(1, 3), Fraction(2, 3)]
    assert mixture.exact_means.fractions.tolist() == [[-1], [Fraction(0.1)]]
    wanted = tenth * sympy.Integer(2) ** 400  # a binary number, of more digits than float64 has
    assert mixture.exact_covariances.fractions[()] * 2**400 == Fraction(int(wanted))
    plain = cf.GaussianMixture(["1/3", "2/3"], [[-1], [0.1]], mixture.exact_covariances.fractions[()])
    scores = [cf.OrnsteinUhlenbeck(law, third / 10, 3).score([0.5], 0.2) for law in (mixture, plain)]
    assert scores[0] == scores[1]


@pytest.mark.parametrize("number", [sympy.sqrt(2) / 2, sympy.Symbol("s", positive=True)])
def test_other_expressions_stay_expressions(number):
    assert cf.GaussianMixture([sympy.Rational(1)], [[0]], number).is_symbolic


def test_numbers_of_sympy_beside_symbols_stay_as_they_are():
    mixture = cf.GaussianMixture([1], [[sympy.Rational(1, 3), sympy.Symbol("a", real=True)]], 1)
    assert mixture.exact_means.values[0, 0] == sympy.Rational(1, 3)


@pytest.mark.parametrize("number", [sympy.nan, sympy.oo, sympy.zoo, -sympy.oo])
def test_infinities_of_sympy_are_refused(number):
    with pytest.raises(cf.InputError, match="means"):
        cf.GaussianMixture([1], [[number]], 1)


@given(st.fractions(0, 10**9), st.integers(-800, 800))
def test_a_root_is_the_nearest_float(value: Fraction, power: int) -> None:
    square = value * Fraction(2) ** (2 * power)
    with mpmath.workprec(4000):
        exact = mpmath.sqrt(mpmath.mpf(square.numerator) / square.denominator)
        mantissa, exponent = exact.man_exp
        nearest = Fraction(int(mantissa)) * Fraction(2) ** exponent
    assert root(square) == float(nearest)


@pytest.mark.parametrize(
    ("square", "expected"),
    [
        (Fraction(4 * 10**400), 2e200),
        (Fraction(4, 10**400), 2e-200),
        (Fraction(10**616), 1e308),
        (Fraction(10**618), math.inf),
        (Fraction(1, 10**646), 1e-323),
        (Fraction(1, 10**660), 0.0),
        (Fraction(2**106 + 2**54), 2.0**53),  # the root is less than 2^53 + 1: half way and less is rounded down
        (Fraction(2**106 + 2**54 + 2), 2.0**53 + 2),
        (Fraction(2), math.sqrt(2)),
    ],
)
def test_roots_at_the_ends_of_float64(square: Fraction, expected: float) -> None:
    assert root(square) == expected


def test_a_time_as_part_of_a_name() -> None:
    assert [time_text(Fraction(t)) for t in ("3/2", "1/3", "1e300")] == ["1.5", "0.333333333333", "1e+300"]

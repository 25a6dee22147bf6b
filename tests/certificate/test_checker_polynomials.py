"""Functions on [-1, 1], of the checker, enclose what they stand for: polynomials, powers of e, functions of time."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

import certificates
import mpmath
import pytest
from constructed import constructed, number

from certflow.certificate.checker import cases, gadgets, polynomials, time_functions
from certflow.certificate.checker.arithmetic import Arithmetic
from certflow.certificate.checker.polynomials import Algebra, Polynomial, alternating, divided, shifted
from certflow.certificate.checker.rules import RULES
from certflow.certificate.checker.work import Work

BITS = 96


def algebra() -> Algebra:
    return Algebra(BITS, Work(10**12))


def at(coefficients: list[Fraction], c: Fraction) -> Fraction:
    return sum((x * c**i for i, x in enumerate(coefficients)), Fraction(0))


def drawn(draw: random.Random, size: int) -> list[Fraction]:
    scale = Fraction(10) ** draw.randrange(-8, 4)
    return [scale * Fraction(draw.randrange(-(10**9), 10**9), draw.randrange(1, 10**9)) for _ in range(size)]


def encloses(f: Polynomial, exact: list[Fraction], draw: random.Random, width: int = 2**20) -> None:
    """At points of [-1, 1], in units; and not by much more than rounding."""
    for c in (Fraction(-1), Fraction(1), *(Fraction(draw.randrange(-999, 1000), 999) for _ in range(5))):
        value = at(exact, c) * 2**BITS
        assert abs(value - at(list(map(Fraction, f.coefficients)), c)) <= f.radius
        assert f.low() <= value <= f.high()
        assert abs(value) <= f.size
    assert f.radius <= width


def times(f: list[Fraction], g: list[Fraction]) -> list[Fraction]:
    product = [Fraction(0)] * (len(f) + len(g) - 1)
    for i, x in enumerate(f):
        for j, y in enumerate(g):
            product[i + j] += x * y
    return product


def test_combinations_products_and_halves() -> None:
    draw, some = random.Random(1), algebra()
    for _ in range(60):
        f, g = drawn(draw, draw.randrange(1, 7)), drawn(draw, draw.randrange(1, 7))
        F, G = some.rational(f), some.rational(g)
        encloses(F, f, draw)
        encloses(some.product(F, G, ""), times(f, g), draw, 2**70)
        a, b, constant = drawn(draw, 3)
        f, g = ([*row, *[Fraction(0)] * (6 - len(row))] for row in (f, g))
        mixed = [a * x + b * y for x, y in zip(f, g, strict=True)]
        mixed[0] += constant
        found = some.combination([(some.scaled(a), F), (some.scaled(b), G)], some.scaled(constant), "")
        encloses(found, mixed, draw, 2**70)
        encloses(some.sum(F, G, -1, ""), [x - y for x, y in zip(f, g, strict=True)], draw)
        for half, sign in zip(some.halves(F, ""), (-1, 1), strict=True):
            for c in (Fraction(-1), Fraction(0), Fraction(2, 3), Fraction(1)):
                value = at(list(map(Fraction, half.coefficients)), c)
                assert abs(value - at(f, (c + sign) / 2) * 2**BITS) <= half.radius


def test_rounding_that_makes_a_constant_a_line_is_taken_back() -> None:
    some = algebra()
    third = some.rational([Fraction(1, 3), Fraction(1, 3)])
    found = some.combination([(some.scaled(Fraction(1, 7)), third), (some.scaled(Fraction(-1, 7)), third)], 0, "")
    assert len(found.coefficients) == 1
    assert found.size < 20


@pytest.mark.parametrize(
    ("coefficients", "sign"),
    [
        (["1", "1/2", "1/3"], 1),
        (["-1", "1/2", "1/3"], -1),
        (["1/10", "0", "1"], 1),
        (["1/1000", "-1/10", "3"], 1),
        (["0", "1"], 0),
        (["-1/10", "0", "1"], 0),
        (["0"], 1),
    ],
)
def test_signs(coefficients: list[str], sign: int) -> None:
    some = algebra()
    exact = [Fraction(x) for x in coefficients]
    f = Polynomial([some.scaled(x) for x in exact], 0 if coefficients == ["0"] else 1)
    assert some.sign(f, "") == sign


def test_shifts_and_quotients() -> None:
    draw = random.Random(2)
    for _ in range(30):
        p = [draw.randrange(-(10**6), 10**6) for _ in range(draw.randrange(1, 9))]
        exact = list(map(Fraction, p))
        start, slopes = divided(p)
        for c in (Fraction(-3), Fraction(0), Fraction(5, 7)):
            assert at(list(map(Fraction, shifted(p))), c) == at(exact, c + 1)
            assert at(list(map(Fraction, alternating(p))), c) == at(exact, -c)
            assert start + (c + 1) * at(list(map(Fraction, slopes)), c) == at(exact, c)


@pytest.mark.parametrize(("lower", "upper"), [("-0.5", "0"), ("-9", "-1"), ("-41", "-40"), ("-200", "-190")])
def test_powers_of_e(lower: str, upper: str) -> None:
    some, ends = algebra(), (Fraction(lower), Fraction(upper))
    found = gadgets.power_series(Arithmetic(BITS), some, *ends, "")
    with mpmath.workdps(60):
        for c in ("-1", "-0.3", "0", "0.8", "1"):
            z = sum(ends) / 2 + Fraction(c) * (ends[1] - ends[0]) / 2
            value = mpmath.polyval(list(map(mpmath.mpf, reversed(found.coefficients))), mpmath.mpf(c))
            assert abs(value - mpmath.exp(number(z)) * 2**BITS) <= found.radius
    assert found.radius < 2**20


@pytest.mark.parametrize("half", ["0.75", "1", "1.25", "2.5", "16"])
def test_powers_of_e_whose_first_term_is_hardly_a_unit(half: str) -> None:
    """The middle is just below `2^-bits`: nothing is kept but the rest, which has to be above all of `e^z`."""
    middle, length = Fraction(-int(BITS * math.log(2) * 1000) - 1, 1000), Fraction(half)
    found = gadgets.power_series(Arithmetic(BITS), algebra(), middle - length, middle + length, "")
    with mpmath.workdps(60):
        assert mpmath.exp(number(middle)) * 2**BITS < 1
        assert mpmath.exp(number(middle + length)) * 2**BITS <= found.size


@pytest.mark.parametrize("variance", ["0.04", "1", "2.5"])
def test_functions_of_time(variance: str) -> None:
    """The errors of a gadget that is 0: `-a`, `-r`, `-m a/2 + r`, `-a + 2 c m r`, against mpmath; and how far off."""
    content = constructed("one")
    content["problem"]["mixture"]["covariances"]["values"] = variance
    case = cases.Case(certificates.sealed(content), RULES["A6"], Work())
    some, lower, upper = Algebra(case.arithmetic.bits, case.work), Fraction("0.5"), Fraction("0.6")
    found = time_functions.stretch(case, some, (polynomials.ZERO, polynomials.ZERO), lower, upper, 24)
    for here in (found, *found.halved(some, "")):
        with mpmath.workdps(40):
            for place in ("-1", "0.1", "1"):
                t = number((here.lower + here.upper) / 2 + Fraction(place) * (here.upper - here.lower) / 2)
                m, c = mpmath.exp(-t), number(case.c)
                v = 1 - c * m * m
                a, r = m / v, m * m / (2 * v)
                exact: list[Any] = [-a, -r, r - m * a / 2, 2 * c * m * r - a]
                for error, value in zip(here.errors, exact, strict=True):
                    coefficients = list(map(mpmath.mpf, reversed(error.coefficients)))
                    off = mpmath.polyval(coefficients, mpmath.mpf(place)) - value * 2**some.bits
                    assert abs(off) <= error.radius
                    assert error.radius < 2 ** (some.bits // 2)

"""Quotients of polynomials against SymPy's own arithmetic at rational points."""

from __future__ import annotations

import random
from fractions import Fraction

import flint
import pytest
import sympy as sp

from certflow.errors import OutsideNormalForm
from certflow.symbolic.rational_functions import RationalFunctions

x, y, z = sp.symbols("x y z")
POINTS = [(Fraction(1, 3), Fraction(-2, 7), Fraction(5, 11)), (Fraction(-9, 4), Fraction(8, 5), Fraction(1, 13))]


def random_expression(generator: random.Random, depth: int) -> sp.Expr:
    if depth == 0:
        return generator.choice([x, y, z, sp.Rational(generator.randint(1, 9), generator.randint(1, 9))])
    left, right = (random_expression(generator, depth - 1) for _ in range(2))
    return generator.choice([left + right, left - right, left * right, left / (right**2 + 1), (left + 2) ** 3])


def value(polynomial, point):
    return Fraction(str(polynomial(*(flint.fmpq(p.numerator, p.denominator) for p in point))))


def exact(expression, point):
    found = expression.subs(dict(zip((x, y, z), (sp.Rational(p) for p in point), strict=True)))
    return Fraction(int(found.p), int(found.q))


def fractions_at(point, expressions):
    """Values of numerators over one denominator, as ratios to the first."""
    numerators = RationalFunctions([x, y, z], {}, {}).over_common_denominator(expressions)
    first = value(numerators[0], point)
    return [value(numerator, point) / first for numerator in numerators[1:]]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("point", POINTS)
def test_ratios_of_numerators_are_ratios_of_values(seed, point):
    generator = random.Random(seed)
    expressions = [x**2 + y**2 + 3, *(random_expression(generator, 3) for _ in range(3))]
    unit = exact(expressions[0], point)
    assert fractions_at(point, expressions) == [exact(e, point) / unit for e in expressions[1:]]


@pytest.mark.parametrize("seed", range(6))
def test_sum_that_cancels_is_the_zero_polynomial(seed):
    e = random_expression(random.Random(seed), 3)
    functions = RationalFunctions([x, y, z], {}, {})
    assert functions.fraction(sp.Add(e, -sp.together(sp.expand(e)), evaluate=False)).num == 0
    assert functions.fraction(sp.Add(e, -e, sp.Rational(1, 10**30), evaluate=False)).num != 0


def test_factors_multiply_to_the_expression():
    e = -6 * (x**2 - y**2) ** 2 * z / (5 * (x * y - 1) ** 3)
    functions = RationalFunctions([x, y, z], {}, {})
    constant, factors = functions.factors(functions.fraction(e))
    assert sp.cancel(constant * sp.Mul(*(f**n for f, n in factors.items())) - e) == 0
    assert sorted(factors.values()) == [-3, 1, 2, 2]


def test_common_factor_of_numerator_and_denominator_is_no_factor():
    e = (x**2 - y**2) / ((x - y) * z + x**2 - x * y)
    functions = RationalFunctions([x, y, z], {}, {})
    assert functions.factors(functions.fraction(e))[1] == {x + y: 1, z + x: -1}


def test_roots_of_roots_are_lowered_from_the_outermost():
    inner, outer = sp.symbols("inner outer")
    functions = RationalFunctions([outer, inner, x], {}, {inner: x, outer: 1 + inner})
    assert functions.lower_radicals(functions.fraction(inner * outer**2 - inner - x).num) == 0
    assert functions.lower_radicals(functions.fraction(outer**5 - (1 + 2 * inner + x) * outer).num) == 0


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (1 / sp.Add(x, -x, evaluate=False), "division by zero"),
        (sp.sin(x), "no rule for sin"),
        (x**y, "no rule for Pow"),
    ],
)
def test_what_is_no_rational_function_is_refused(expression, message):
    with pytest.raises(OutsideNormalForm, match=message):
        RationalFunctions([x, y, z], {}, {}).fraction(expression)

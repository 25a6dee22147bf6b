"""Derivatives that are left as they come, against SymPy's `diff`."""

from __future__ import annotations

import random

import pytest
import sympy as sp
from depth import some

from certflow.symbolic.derivation import Derivation, plain_product, plain_sum
from certflow.symbolic.values import Values

x, y = sp.symbols("x y", positive=True)
POINT = {x: sp.Rational(3, 7), y: sp.Rational(11, 5)}


def random_expression(generator: random.Random, depth: int) -> sp.Expr:
    if depth == 0:
        return generator.choice([x, y, sp.pi, sp.Rational(generator.randint(1, 9), generator.randint(1, 9))])
    left, right = (random_expression(generator, depth - 1) for _ in range(2))
    return generator.choice(
        [
            left + right,
            left * right,
            left / (2 + right**2),
            sp.exp(-(left**2) / 9),
            sp.log(1 + left**2),
            sp.sqrt(1 + left**2) * right,
            (1 + left**2) ** sp.Rational(-3, 2),
            sp.cos(left) + sp.Max(x, right),
            (1 + x) ** right,
        ]
    )


def relative_error(found: sp.Expr, expected: sp.Expr) -> float:
    difference = (found - expected).subs(POINT).doit().evalf(60)
    return float(abs(difference) / (1 + abs(expected.subs(POINT).doit().evalf(60))))


@pytest.mark.parametrize("seed", some(range(60), 2))
def test_derivative_is_that_of_sympy(seed):
    e = random_expression(random.Random(seed), 3)
    assert relative_error(Derivation({x: sp.Integer(1)})(e), sp.diff(e, x)) < 1e-40


@pytest.mark.parametrize("seed", range(60, 80))
def test_second_derivative_is_that_of_sympy(seed):
    e = random_expression(random.Random(seed), 2)
    along_x, along_y = (Derivation({s: sp.Integer(1)}) for s in (x, y))
    assert relative_error(along_y(along_x(e)), sp.diff(e, x, y)) < 1e-40
    assert relative_error(along_x(along_x(e)), sp.diff(e, x, x)) < 1e-40


@pytest.mark.parametrize("seed", range(80, 100))
def test_several_rates_are_summed(seed):
    e = random_expression(random.Random(seed), 3)
    rates = {x: -x, y: 2 * (1 - y) * x}
    expected = sp.Add(*(rate * sp.diff(e, symbol) for symbol, rate in rates.items()))
    assert relative_error(Derivation(rates)(e), expected) < 1e-40


@pytest.mark.parametrize("constant", [sp.Integer(3), sp.pi, y, 2, sp.exp(y) / (1 + y)])
def test_constants_have_the_derivative_zero(constant):
    assert Derivation({x: sp.Integer(1)})(constant) is sp.S.Zero


def test_shared_subexpressions_are_differentiated_once():
    """`f -> f (1 - f)` sixty times: 2^60 products when written out."""
    f, value, slope = x, sp.Float(POINT[x], 60), sp.Float(1, 60)
    for _ in range(60):
        f = sp.Mul(f, sp.Add(1, sp.Mul(-1, f, evaluate=False), evaluate=False), evaluate=False)
        value, slope = value * (1 - value), slope * (1 - 2 * value)
    found = Values(POINT)[Derivation({x: sp.Integer(1)})(f)]
    assert abs(found / Values({x: sp.Rational(slope)})[x] - 1) < 1e-40


def test_plain_sums_and_products_drop_neutral_terms_alone():
    assert plain_sum(sp.S.Zero, x, sp.S.Zero) == x
    assert plain_sum() == 0
    assert plain_product(sp.S.One, x) == x
    assert plain_product() == 1
    assert plain_product(x, sp.S.Zero, y) == 0
    assert plain_sum(x, x).args == (x, x)
    assert plain_product(2, plain_sum(x, y)).args == (2, x + y)

"""Values in mpmath against SymPy's `evalf`."""

from __future__ import annotations

import pytest
import sympy as sp

from certflow.errors import OutsideNormalForm
from certflow.symbolic.values import Interval, Values, rational_point

x, y = sp.symbols("x y")
POINT = {x: sp.Rational(3, 7), y: sp.Rational(-11, 5)}


@pytest.mark.parametrize(
    "expression",
    [
        sp.exp(x * y) / (1 + sp.exp(-x)) - sp.pi * y,
        sp.sqrt(x**2 + y**2) * sp.log(x) + sp.E,
        sp.cos(x) * sp.sin(y) ** 3 - sp.Rational(2, 3),
        sp.Max(x, y, 0) + sp.Min(x, y) * sp.Abs(y),
        sp.sqrt(y) + sp.log(y),
    ],
)
@pytest.mark.parametrize("digits", [50, 100])
def test_values_are_those_of_evalf(expression, digits):
    found = Values(POINT, digits)[expression]
    expected = expression.subs(POINT).evalf(digits + 10)
    error = sp.Float(str(found.real), digits + 10) + sp.I * sp.Float(str(found.imag), digits + 10) - expected
    assert abs(error) < sp.Float(10) ** (5 - digits)


def test_value_of_a_symbol_can_be_given():
    values = Values(POINT)
    values[sp.Symbol("z")] = values.mp.mpf(2)
    assert values[sp.Symbol("z") * x] == 2 * values[x]


@pytest.mark.parametrize("expression", [sp.gamma(x), sp.Symbol("z")])
def test_what_has_no_value_is_refused(expression):
    with pytest.raises(OutsideNormalForm, match="no value of"):
        Values(POINT)[expression]


def test_points_lie_in_the_box_and_are_reproducible():
    domain = {x: Interval(sp.Rational(1, 10), sp.Rational(9, 10)), y: Interval(sp.Integer(-2), sp.Integer(-1))}
    first = rational_point(domain, seed=3)
    assert first == rational_point(dict(reversed(domain.items())), seed=3) != rational_point(domain, seed=4)
    assert all(side.low < first[symbol] < side.high for symbol, side in domain.items())

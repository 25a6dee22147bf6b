"""Derivatives, sums and products of SymPy expressions, left as they come.

A derivation `D` is linear with `D(f g) = f Dg + g Df` and `D h(f) = h'(f) Df`, so that its values on the symbols give
it: `{x: 1}` is `d/dx`, and `{m: -m}` is `d/dt` for `m = e^{-t}`. SymPy's own `diff` writes the same derivative, but it
simplifies each step, and asks for that so much about signs and parities that this takes most of the time of a proof.
The zero test simplifies anyway.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp


class Derivation:
    """`f -> sum_s rates[s] df/ds`; each subexpression is differentiated once.

    Functions other than `exp`, `log` and powers with a constant rational exponent are left to SymPy.
    """

    def __init__(self, rates: Mapping[sp.Symbol, sp.Expr]):
        self._rates = {symbol: sp.sympify(rate) for symbol, rate in rates.items()}
        self._known: dict[sp.Expr, sp.Expr] = dict(self._rates)

    def __call__(self, f: sp.Expr) -> sp.Expr:
        f = sp.sympify(f)
        if f not in self._known:
            self._known[f] = self._differentiated(f) if f.args else sp.S.Zero
        return self._known[f]

    def _differentiated(self, f: sp.Expr) -> sp.Expr:
        if f.is_Add:
            return plain_sum(*map(self, f.args))
        if f.is_Mul:
            rest = [(*f.args[:i], *f.args[i + 1 :]) for i in range(len(f.args))]
            return plain_sum(*(plain_product(self(g), *others) for g, others in zip(f.args, rest, strict=True)))
        if isinstance(f, sp.exp):
            return plain_product(self(f.args[0]), f)
        if isinstance(f, sp.log):
            return plain_product(self(f.args[0]), sp.Pow(f.args[0], -1))
        if f.is_Pow and f.exp.is_Rational:
            return plain_product(self(f.base), f.exp, sp.Pow(f.base, f.exp - 1))
        return sp.Add(*(rate * sp.diff(f, symbol) for symbol, rate in self._rates.items()))


def plain_sum(*terms: sp.Expr) -> sp.Expr:
    """The sum of the terms that are not 0, with nothing gathered."""
    return sp.Add(*(term for term in terms if term is not sp.S.Zero), evaluate=False)


def plain_product(*factors: sp.Expr) -> sp.Expr:
    """The product of the factors that are not 1, with nothing gathered or multiplied out; 0 where a factor is."""
    if sp.S.Zero in factors:
        return sp.S.Zero
    return sp.Mul(*(factor for factor in factors if factor is not sp.S.One), evaluate=False)

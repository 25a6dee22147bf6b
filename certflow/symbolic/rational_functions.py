"""Quotients of polynomials over the rationals, and the way there from SymPy expressions; FLINT does the arithmetic.

A quotient is `N / prod_i f_i^{n_i}`. The factors `f_i` are kept apart, so that sums share denominators and no greatest
common divisor is ever taken: a zero sum has the numerator 0 over any denominator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import flint
import sympy as sp
from flint.utils.flint_exceptions import DomainError

from certflow.errors import OutsideNormalForm

#: A polynomial over the rationals: `flint.fmpq_mpoly`, which has no types of its own.
Polynomial = Any
_MAX_POWER = 64


class Fraction:
    """`num / prod(factor^power)`; `den` has the powers by the factors' places in their `RationalFunctions`."""

    __slots__ = ("den", "num")

    def __init__(self, num: Polynomial, den: dict[int, int]):
        self.num = num
        self.den = den


class RationalFunctions:
    """Rational functions of `generators`, and the way there from expressions.

    images : what subexpressions are replaced by first;  radicands : by the generator that is their square root
    """

    def __init__(
        self,
        generators: Sequence[sp.Expr],
        images: Mapping[sp.Expr, sp.Expr],
        radicands: Mapping[sp.Expr, sp.Expr],
    ):
        self.generators = tuple(generators)
        self._images = images
        self._ring = flint.fmpq_mpoly_ctx.get([f"g{i}" for i in range(len(generators))], flint.Ordering.lex)
        self._one: Polynomial = self._ring.constant(1)
        self._factors: list[Polynomial] = [*self._ring.gens()]
        self._memo = {g: Fraction(self._factors[i], {}) for i, g in enumerate(self.generators)}
        self._radicands = {self.generators.index(root): self.fraction(radicand) for root, radicand in radicands.items()}

    def over_common_denominator(self, expressions: Sequence[sp.Expr]) -> list[Polynomial]:
        """Numerators of the expressions over one denominator."""
        fractions = [self.fraction(e) for e in expressions]
        common = _common_denominator(fractions)
        return [self._scaled(each, common) for each in fractions]

    def fraction(self, expression: sp.Expr) -> Fraction:
        """The expression as a quotient; each subexpression is converted once.

        Raises
        ------
        OutsideNormalForm : it is no rational function of the generators, or divides by zero.
        """
        known = self._memo.get(expression)
        if known is None:
            known = self._memo[expression] = self._convert(expression)
        return known

    def lower_radicals(self, polynomial: Polynomial) -> Polynomial:
        """Replace `root^n` by `radicand^(n // 2) root^(n % 2)`."""
        for place, radicand in reversed(self._radicands.items()):  # a radicand has none but earlier roots
            if polynomial.degrees()[place] < 2:
                continue
            if radicand.den:
                raise OutsideNormalForm("a radicand with a denominator")
            parts: dict[int, dict[tuple[int, ...], Any]] = {}
            for monomial, coefficient in polynomial.terms():
                whole, half = divmod(int(monomial[place]), 2)
                parts.setdefault(whole, {})[*monomial[:place], half, *monomial[place + 1 :]] = coefficient
            polynomial = self._ring.constant(0)
            for whole, part in parts.items():
                polynomial += radicand.num**whole * self._ring.from_dict(part)
        return polynomial

    def factors(self, fraction: Fraction) -> tuple[sp.Rational, dict[sp.Expr, int]]:
        """A constant, and the irreducible factors as expressions in the generators with their powers."""
        constant = sp.Integer(1)
        powers: dict[sp.Expr, int] = {}
        for polynomial, power in [(fraction.num, 1), *((self._factors[i], -n) for i, n in fraction.den.items())]:
            unit, parts = polynomial.factor()
            constant *= _rational(unit) ** power
            for part, n in parts:
                factor = self._expression(part)
                powers[factor] = powers.get(factor, 0) + power * int(n)
        return constant, {factor: power for factor, power in powers.items() if power}

    def _expression(self, polynomial: Polynomial) -> sp.Expr:
        return sp.Add(
            *(
                sp.Mul(_rational(coefficient), *(g ** int(n) for g, n in zip(self.generators, monomial, strict=True)))
                for monomial, coefficient in polynomial.terms()
            )
        )

    def _convert(self, e: sp.Expr) -> Fraction:
        if e in self._images:
            return self.fraction(self._images[e])
        if e.is_Rational:
            return Fraction(self._ring.constant(flint.fmpq(int(e.p), int(e.q))), {})
        if e.is_Add:
            return self._sum([self.fraction(a) for a in e.args])
        if e.is_Mul:
            result = Fraction(self._one, {})
            for a in e.args:
                result = self._product(result, self.fraction(a))
            return result
        if e.is_Pow and e.exp.is_Integer and abs(e.exp) <= _MAX_POWER:
            base = self.fraction(e.base)
            if e.exp < 0:
                base = self._inverse(base)
            power = abs(int(e.exp))
            return Fraction(base.num**power, {f: n * power for f, n in base.den.items()})
        raise OutsideNormalForm(f"no rule for {e.func.__name__}")

    def _product(self, a: Fraction, b: Fraction) -> Fraction:
        den = dict(a.den)
        for factor, power in b.den.items():
            den[factor] = den.get(factor, 0) + power
        num = a.num * b.num
        for factor in list(den):
            num, divided = self._divided(num, factor, den[factor])
            den[factor] -= divided
            if not den[factor]:
                del den[factor]
        return Fraction(num, den)

    def _sum(self, terms: list[Fraction]) -> Fraction:
        common = _common_denominator(terms)
        total = self._ring.constant(0)
        for term in terms:
            total += self._scaled(term, common)
        return Fraction(total, {} if total.is_zero() else common)

    def _scaled(self, term: Fraction, common: dict[int, int]) -> Polynomial:
        """The numerator of `term` over the denominator `common`, a multiple of its own."""
        num = term.num
        for factor, power in common.items():
            missing = power - term.den.get(factor, 0)
            if missing:
                num = num * self._factors[factor] ** missing
        return num

    def _inverse(self, a: Fraction) -> Fraction:
        rest = self.lower_radicals(a.num)
        if rest.is_zero():
            raise OutsideNormalForm("division by zero")
        num = self._one
        for factor, power in a.den.items():
            num = num * self._factors[factor] ** power
        den: dict[int, int] = {}
        for factor in range(len(self._factors)):
            rest, divided = self._divided(rest, factor)
            if divided:
                den[factor] = divided
        unit = rest.leading_coefficient()
        if not rest.is_constant():
            den[len(self._factors)] = 1
            self._factors.append(rest / unit)
        return self._product(Fraction(num / unit, {}), Fraction(self._one, den))

    def _divided(self, polynomial: Polynomial, factor: int, most: int | None = None) -> tuple[Polynomial, int]:
        """The polynomial divided by a factor as often as that leaves no remainder (`most` times), and how often."""
        count = 0
        while count != most and not polynomial.is_constant():
            try:
                polynomial = polynomial / self._factors[factor]
            except DomainError:
                break
            count += 1
        return polynomial, count


def _common_denominator(terms: Iterable[Fraction]) -> dict[int, int]:
    common: dict[int, int] = {}
    for term in terms:
        for factor, power in term.den.items():
            common[factor] = max(common.get(factor, 0), power)
    return common


def _rational(value: Any) -> sp.Rational:
    return sp.Rational(int(value.p), int(value.q))

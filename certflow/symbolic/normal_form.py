"""Normal form of rational expressions in exponentials, square roots and logarithms.

An expression is rewritten as `N / Q` with `N`, `Q` polynomials over the rationals in the symbols and in
fresh generators for

* `exp(a_i)`, where the exponents `a_i` are first reduced to a set that is linearly independent over Q;
* `sqrt(f)`, `f` squarefree and positive on the domain, with `sqrt(f)^2 = f` used to lower its degree;
* `log(f)`, `f` irreducible and positive on the domain.

`N = 0` proves that the expression vanishes wherever it is defined.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.polys.orderings import lex
from sympy.polys.rings import PolyElement, PolyRing

from certflow.errors import OutsideNormalForm

DIGITS = 50
_MAX_POWER = 64


@dataclass(frozen=True)
class Interval:
    """Open interval `(low, high)` of rationals in which a symbol lies."""

    low: sp.Rational
    high: sp.Rational


Domain = Mapping[sp.Symbol, Interval]


def rational_point(domain: Domain, seed: int) -> dict[sp.Symbol, sp.Rational]:
    """A rational point of the box, reproducible from `seed`."""
    generator = random.Random(seed)
    return {
        symbol: side.low + (side.high - side.low) * sp.Rational(generator.randint(1, 996), 997)
        for symbol, side in sorted(domain.items(), key=lambda item: item[0].name)
    }


class _Fraction:
    """`numerator / product(factor**power)`; the factors are kept apart so that sums share denominators."""

    __slots__ = ("den", "num")

    def __init__(self, num: PolyElement, den: dict[PolyElement, int]):
        self.num = num
        self.den = den


class _Fractions:
    """Fractions of polynomials over the rationals in `generators`, and the way there from expressions.

    images : what subexpressions are replaced by first;  radicands : by the generator that is their square root
    """

    def __init__(
        self,
        generators: Sequence[sp.Symbol],
        images: Mapping[sp.Expr, sp.Expr],
        radicands: Mapping[sp.Symbol, sp.Expr],
    ):
        self._images = images
        self._ring = PolyRing(generators, sp.QQ, lex)
        self._position = {g: i for i, g in enumerate(generators)}
        self._memo: dict[sp.Expr, _Fraction] = {}
        self._factors: list[PolyElement] = []
        self._radical_images = {
            self._position[symbol]: self.fraction(radicand) for symbol, radicand in radicands.items()
        }

    def over_common_denominator(self, expressions: Sequence[sp.Expr]) -> list[PolyElement]:
        """Numerators of the expressions over one denominator."""
        fractions = [self.fraction(e) for e in expressions]
        common = _common_denominator(fractions)
        return [self._scaled(each, common) for each in fractions]

    def fraction(self, expression: sp.Expr) -> _Fraction:
        known = self._memo.get(expression)
        if known is None:
            known = self._memo[expression] = self._convert(expression)
        return known

    def _convert(self, e: sp.Expr) -> _Fraction:
        if e in self._images:
            return self.fraction(self._images[e])
        if e.is_Rational:
            return _Fraction(self._ring(sp.QQ(e.p, e.q)), {})
        if e.is_Symbol:
            return _Fraction(self._ring.gens[self._position[e]], {})
        if e.is_Add:
            return self._sum([self.fraction(a) for a in e.args])
        if e.is_Mul:
            result = _Fraction(self._ring.one, {})
            for a in e.args:
                result = self._product(result, self.fraction(a))
            return result
        if e.is_Pow and e.exp.is_Integer and abs(e.exp) <= _MAX_POWER:
            base = self.fraction(e.base)
            if e.exp < 0:
                base = self._inverse(base)
            power = abs(int(e.exp))
            return _Fraction(base.num**power, {f: n * power for f, n in base.den.items()})
        raise OutsideNormalForm(f"no rule for {e.func.__name__}")

    def _product(self, a: _Fraction, b: _Fraction) -> _Fraction:
        den = dict(a.den)
        for factor, power in b.den.items():
            den[factor] = den.get(factor, 0) + power
        num = a.num * b.num
        for factor in list(den):
            while den.get(factor):
                quotient, remainder = _divide(num, factor)
                if remainder != 0:
                    break
                num = quotient
                den[factor] -= 1
                if not den[factor]:
                    del den[factor]
        return _Fraction(num, den)

    def _sum(self, terms: list[_Fraction]) -> _Fraction:
        common = _common_denominator(terms)
        total = self._ring.zero
        for term in terms:
            total = total + self._scaled(term, common)
        return _Fraction(total, common if total != 0 else {})

    def _scaled(self, term: _Fraction, common: dict[PolyElement, int]) -> PolyElement:
        """The numerator of `term` over the denominator `common`, a multiple of its own."""
        num = term.num
        for factor, power in common.items():
            missing = power - term.den.get(factor, 0)
            if missing:
                num = num * factor**missing
        return num

    def _inverse(self, a: _Fraction) -> _Fraction:
        rest = self.lower_radicals(a.num)
        if rest == 0:
            raise OutsideNormalForm("division by zero")
        num = self._ring.one
        for factor, power in a.den.items():
            num = num * factor**power
        den: dict[PolyElement, int] = {}
        for factor in [*self._ring.gens, *self._factors]:
            while not rest.is_ground:
                quotient, remainder = _divide(rest, factor)
                if remainder != 0:
                    break
                rest = quotient
                den[factor] = den.get(factor, 0) + 1
        unit = rest.LC
        rest = rest.monic()
        if not rest.is_ground:
            self._factors.append(rest)
            den[rest] = 1
        return self._product(_Fraction(num * (1 / unit), {}), _Fraction(self._ring.one, den))

    def lower_radicals(self, polynomial: PolyElement) -> PolyElement:
        """Replace `root^n` by `radicand^(n // 2) root^(n % 2)`; the result is scaled by denominators only."""
        for position, radicand in self._radical_images.items():
            if all(monomial[position] < 2 for monomial in polynomial):
                continue
            if radicand.den:
                raise OutsideNormalForm("a radicand with a denominator")
            lowered = self._ring.zero
            for monomial, coefficient in polynomial.terms():
                whole, half = divmod(monomial[position], 2)
                rest = (*monomial[:position], half, *monomial[position + 1 :])
                lowered += radicand.num**whole * self._ring({rest: coefficient})
            polynomial = lowered
        return polynomial


class NormalForm:
    """Polynomial generators for a set of expressions, and their fractions over these."""

    def __init__(self, expressions: Sequence[sp.Expr], domain: Domain):
        self._point = rational_point(domain, seed=0)
        self._symbols = sorted(domain, key=lambda s: s.name)
        unknown = set().union(*(e.free_symbols for e in expressions)) - set(domain)
        if unknown:
            raise OutsideNormalForm(f"symbols without a domain: {sorted(map(str, unknown))}")
        self._radicands: dict[sp.Symbol, sp.Expr] = {}
        self._images: dict[sp.Expr, sp.Expr] = {}
        self._fresh: dict[sp.Expr, sp.Symbol] = {}
        self._rewrite_radicals_and_logarithms(expressions)
        self._rewrite_exponentials(expressions)
        self._fractions = _Fractions([*self._fresh.values(), *self._symbols], self._images, self._radicands)

    def numerator(self, expression: sp.Expr) -> PolyElement:
        """Numerator of the normal form; zero exactly when the expression was reduced to zero."""
        return self._fractions.lower_radicals(self._fractions.fraction(expression).num)

    # -- generators ---------------------------------------------------------------------------------

    def _symbol_for(self, key: sp.Expr, prefix: str) -> sp.Symbol:
        if key not in self._fresh:
            self._fresh[key] = sp.Dummy(f"{prefix}{len(self._fresh)}")
        return self._fresh[key]

    def _positive_factors(self, expression: sp.Expr) -> list[tuple[sp.Expr, int]]:
        """Factors of a positive rational function, each with the sign that makes it positive.

        A function that is positive on a connected domain has factors without zeros there, so the sign of
        each is the sign at one point.
        """
        if self._value(expression) <= 0:
            raise OutsideNormalForm(f"{expression} is not positive on the domain")
        parts = sp.fraction(sp.together(expression.xreplace(self._images)))
        top, bottom = (sp.factor_list(part) for part in parts)
        constant = top[0] / bottom[0]
        signed = []
        for factor, power in [*top[1], *((factor, -power) for factor, power in bottom[1])]:
            sign = 1 if self._value(self._undo(factor)) > 0 else -1
            constant *= sign**power
            signed.append((sign * factor, int(power)))
        return [*((sp.Integer(p), int(n)) for p, n in sp.factorrat(sp.Rational(constant)).items()), *signed]

    def _undo(self, expression: sp.Expr) -> sp.Expr:
        return expression.xreplace({symbol: key for key, symbol in self._fresh.items()})

    def _value(self, expression: sp.Expr) -> sp.Expr:
        return self._undo(expression).subs(self._point).evalf(DIGITS)

    def _rewrite_radicals_and_logarithms(self, expressions: Sequence[sp.Expr]) -> None:
        found = {
            node
            for node in _subexpressions(expressions)
            if isinstance(node, sp.log)
            or (isinstance(node, sp.Pow) and node.exp.is_Rational and not node.exp.is_Integer)
        }
        for node in sorted(found, key=lambda n: (n.count_ops(), sp.default_sort_key(n))):
            if isinstance(node, sp.log):
                self._images[node] = sp.Add(
                    *(n * self._symbol_for(sp.log(f), "l") for f, n in self._positive_factors(node.args[0]))
                )
                continue
            if node.exp.q != 2:
                raise OutsideNormalForm(f"only square roots are handled, not {node}")
            image = sp.Integer(1)
            for factor, power in self._positive_factors(node.base):
                whole, half = divmod(power * node.exp.p, 2)
                image *= factor**whole
                if half:
                    root = self._symbol_for(sp.sqrt(self._undo(factor)), "r")
                    self._radicands[root] = factor
                    image *= root
            self._images[node] = image

    def _rewrite_exponentials(self, expressions: Sequence[sp.Expr]) -> None:
        nodes = sorted((e for e in _subexpressions(expressions) if isinstance(e, sp.exp)), key=sp.default_sort_key)
        if not nodes:
            return
        exponents = _Fractions([*self._fresh.values(), *self._symbols], self._images, self._radicands)
        rows = [dict(num.terms()) for num in exponents.over_common_denominator([node.args[0] for node in nodes])]
        if not any(any(monomial) for row in rows for monomial in row):
            raise OutsideNormalForm("constant exponentials are not handled")
        monomials = sorted(set().union(*rows))
        matrix = sp.Matrix([[row.get(mono, 0) for row in rows] for mono in monomials])
        reduced, pivots = matrix.rref()
        for i, pivot in enumerate(pivots):
            coefficients = [reduced[i, j] for j in range(len(nodes))]
            scale = sp.ilcm(*(c.q for c in coefficients))
            generator = self._symbol_for(sp.exp(nodes[pivot].args[0] / scale), "e")
            for node, coefficient in zip(nodes, coefficients, strict=True):
                power = generator ** (coefficient * scale)
                self._images[node] = self._images.get(node, sp.Integer(1)) * power
        for node in nodes:
            self._images.setdefault(node, sp.Integer(1))


def _common_denominator(terms: Iterable[_Fraction]) -> dict[PolyElement, int]:
    common: dict[PolyElement, int] = {}
    for term in terms:
        for factor, power in term.den.items():
            common[factor] = max(common.get(factor, 0), power)
    return common


def _subexpressions(expressions: Iterable[sp.Expr]) -> set[sp.Expr]:
    """Every subexpression, met once however often it occurs."""
    found: set[sp.Expr] = set()
    waiting = list(expressions)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(node.args)
    return found


def _divide(a: PolyElement, b: PolyElement) -> tuple[PolyElement, PolyElement]:
    """Quotient and remainder, refusing early when the degrees or the leading terms rule division out."""
    if a == 0:
        return a, a
    if any(m < n for m, n in zip(a.degrees(), b.degrees(), strict=True)) or len(a) > 400:
        return a, b.ring.one
    if any(m < n for m, n in zip(a.LM, b.LM, strict=True)):
        return a, b.ring.one
    divided: tuple[PolyElement, PolyElement] = a.div(b)
    return divided

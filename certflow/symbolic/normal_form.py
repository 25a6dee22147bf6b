"""Normal form of rational expressions in exponentials, square roots and logarithms.

An expression is rewritten as `N / Q` with `N`, `Q` polynomials over the rationals in the symbols, `pi` and fresh
generators for

* `exp(a_i)`, where the exponents `a_i` are first reduced to a set that is linearly independent over Q;
* `sqrt(f)`, `f` squarefree and positive on the domain, with `sqrt(f)^2 = f` used to lower its degree;
* `log(f)`, `f` irreducible and positive on the domain.

`N = 0` proves that the expression vanishes wherever it is defined.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import lcm
from typing import Any

import flint
import sympy as sp

from certflow.errors import OutsideNormalForm
from certflow.symbolic.rational_functions import Polynomial, RationalFunctions
from certflow.symbolic.values import Domain, Values, rational_point


class NormalForm:
    """Polynomial generators for a set of expressions, and their fractions over these."""

    def __init__(self, expressions: Sequence[sp.Expr], domain: Domain):
        nodes = _subexpressions(expressions)
        unknown = {node for node in nodes if node.is_Symbol} - set(domain)
        if unknown:
            raise OutsideNormalForm(f"symbols without a domain: {sorted(map(str, unknown))}")
        self._values = Values(rational_point(domain, seed=0))
        # what vanishes for every value of a generator vanishes for pi
        self._symbols = [*sorted(domain, key=lambda s: s.name), sp.pi]
        self._radicands: dict[sp.Symbol, sp.Expr] = {}
        self._images: dict[sp.Expr, sp.Expr] = {}
        self._fresh: dict[tuple[str, sp.Expr], sp.Symbol] = {}
        self._rewrite_radicals_and_logarithms(nodes)
        self._rewrite_exponentials(nodes)
        self._functions = self._over_generators()

    def numerator(self, expression: sp.Expr) -> Polynomial:
        """Numerator of the normal form; zero exactly when the expression was reduced to zero."""
        return self._functions.lower_radicals(self._functions.fraction(expression).num)

    # -- generators ---------------------------------------------------------------------------------

    def _over_generators(self) -> RationalFunctions:
        return RationalFunctions([*self._fresh.values(), *self._symbols], self._images, self._radicands)

    def _symbol_for(self, function: str, argument: sp.Expr) -> sp.Symbol:
        key = function, argument
        if key not in self._fresh:
            self._fresh[key] = sp.Dummy(f"{function}{len(self._fresh)}")
        return self._fresh[key]

    def _positive_factors(self, expression: sp.Expr) -> list[tuple[sp.Expr, int]]:
        """Factors of a positive rational function, each with the sign that makes it positive.

        A function that is positive on a connected domain has factors without zeros there, so the sign of
        each is the sign at one point.
        """
        if not self._is_positive(expression):
            raise OutsideNormalForm(f"{expression} is not positive on the domain")
        functions = self._over_generators()
        constant, factors = functions.factors(functions.fraction(expression))
        signed = []
        for factor, power in factors.items():
            sign = 1 if self._is_positive(factor) else -1
            constant *= sign ** (power % 2)
            signed.append((sign * factor, power))
        return [*((sp.Integer(p), int(n)) for p, n in sp.factorrat(constant).items()), *signed]

    def _is_positive(self, expression: sp.Expr) -> bool:
        value = self._values[expression]
        return bool(value.imag == 0 and value.real > 0)

    def _rewrite_radicals_and_logarithms(self, nodes: Iterable[sp.Expr]) -> None:
        found = [
            node
            for node in nodes
            if isinstance(node, sp.log)
            or (isinstance(node, sp.Pow) and node.exp.is_Rational and not node.exp.is_Integer)
        ]
        for node in sorted(found, key=lambda n: (n.count_ops(), sp.default_sort_key(n))):
            if isinstance(node, sp.log):
                image = sp.Integer(0)
                for factor, power in self._positive_factors(node.args[0]):
                    logarithm = self._symbol_for("log", factor)
                    self._values[logarithm] = self._values.mp.log(self._values[factor])
                    image += power * logarithm
            elif node.exp.q == 2:
                image = sp.Integer(1)
                for factor, power in self._positive_factors(node.base):
                    whole, half = divmod(power * node.exp.p, 2)
                    image *= factor**whole
                    if half:
                        root = self._symbol_for("sqrt", factor)
                        self._values[root] = self._values.mp.sqrt(self._values[factor])
                        self._radicands[root] = factor
                        image *= root
            else:
                raise OutsideNormalForm(f"only square roots are handled, not {node}")
            self._images[node] = image

    def _rewrite_exponentials(self, nodes: Iterable[sp.Expr]) -> None:
        exponentials = sorted((e for e in nodes if isinstance(e, sp.exp)), key=sp.default_sort_key)
        if not exponentials:
            return
        exponents = self._over_generators().over_common_denominator([e.args[0] for e in exponentials])
        rows = [{tuple(map(int, monomial)): c for monomial, c in num.terms()} for num in exponents]
        if not any(any(monomial) for row in rows for monomial in row):
            raise OutsideNormalForm("constant exponentials are not handled")
        for pivot, coefficients in _relations(rows):
            scale = lcm(*(int(c.q) for c in coefficients))
            generator = self._symbol_for("exp", exponentials[pivot].args[0] / scale)
            for node, coefficient in zip(exponentials, coefficients, strict=True):
                power = generator ** int((coefficient * scale).p)
                self._images[node] = self._images.get(node, sp.Integer(1)) * power
        for node in exponentials:
            self._images.setdefault(node, sp.Integer(1))


def _relations(rows: list[dict[tuple[int, ...], Any]]) -> list[tuple[int, list[Any]]]:
    """The rows that span all, and the coefficient of each in every row: pairs `(pivot, coefficients)`."""
    monomials = sorted(set().union(*rows))
    entries = [row.get(monomial, 0) for monomial in monomials for row in rows]
    reduced, rank = flint.fmpq_mat(len(monomials), len(rows), entries).rref()
    table = [[reduced[i, j] for j in range(len(rows))] for i in range(rank)]
    return [(next(j for j, c in enumerate(line) if c != 0), line) for line in table]


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

"""Is an expression identically zero? Three answers, two of them proved.

`zero` when the numerator of its normal form is the polynomial 0. `nonzero` when its value at a rational point
of the domain, computed with 50 and again with 100 digits, is not zero. What remains is `undecided`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import mpmath
import sympy as sp

from certflow.errors import OutsideNormalForm
from certflow.symbolic.normal_form import NormalForm
from certflow.symbolic.values import DIGITS, Domain, Values, rational_point

_THRESHOLD = mpmath.mpf(10) ** -25


class Verdict(StrEnum):
    """Outcome of the zero test."""

    ZERO = "zero"
    NONZERO = "nonzero"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Residual:
    """Expressions that must all reduce to exactly zero, and what the zero test said of each.

    `scope` says for which `(K, d)` and which symbolic parameters; `seconds` covers building and reducing.
    """

    name: str
    expressions: tuple[sp.Expr, ...]
    verdicts: tuple[Verdict, ...]
    scope: str
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """`nonzero` if any expression is, else `undecided` if any is, else `zero`."""
        if Verdict.NONZERO in self.verdicts:
            return Verdict.NONZERO
        if Verdict.UNDECIDED in self.verdicts or not self.verdicts:
            return Verdict.UNDECIDED
        return Verdict.ZERO

    @property
    def vanishes(self) -> bool:
        """True when every expression was reduced to exactly zero."""
        return self.verdict is Verdict.ZERO


def residual(name: str, expressions: Iterable[sp.Expr], domain: Domain, scope: str, *, started: float) -> Residual:
    """Run the zero test on `expressions`; `started` is the `time.perf_counter()` before they were built."""
    built = tuple(sp.sympify(e) for e in expressions)
    return Residual(name, built, decide_all(built, domain), scope, time.perf_counter() - started)


def decide(expression: sp.Expr, domain: Domain) -> Verdict:
    """Is `expression` identically zero on the box `domain`? Three-valued."""
    return decide_all([expression], domain)[0]


def decide_all(expressions: Sequence[sp.Expr], domain: Domain) -> tuple[Verdict, ...]:
    """The verdict on each of the `expressions`; those that have subexpressions in common are decided together.

    All are first written over one set of generators. Where one of them lies outside the normal form, each is decided by
    itself, so that it does not keep the others from being decided.
    """
    expressions = [sp.sympify(e) for e in expressions]
    nonzero = _numerically_nonzero(expressions, domain)
    rest = [e for e, found in zip(expressions, nonzero, strict=True) if not found]
    zero = iter(_reduce_to_zero(rest, domain))
    return tuple(Verdict.NONZERO if found else Verdict.ZERO if next(zero) else Verdict.UNDECIDED for found in nonzero)


def _reduce_to_zero(expressions: list[sp.Expr], domain: Domain) -> list[bool]:
    """Is the numerator of the normal form the polynomial 0? False too where there is no normal form."""
    if not expressions:
        return []
    try:
        form = NormalForm(expressions, domain)
        return [form.numerator(e) == 0 for e in expressions]
    except OutsideNormalForm:
        if len(expressions) == 1:
            return [False]
        return [found for e in expressions for found in _reduce_to_zero([e], domain)]


def _numerically_nonzero(expressions: Sequence[sp.Expr], domain: Domain) -> list[bool]:
    """Is the value at a rational point, computed with 50 and with 100 digits, the same and not zero?"""
    point = rational_point(domain, seed=1)
    coarse, close = Values(point), Values(point, 2 * DIGITS)
    return [_agree_on_nonzero(e, coarse, close) for e in expressions]


def _agree_on_nonzero(expression: sp.Expr, coarse: Values, close: Values) -> bool:
    try:
        rough = coarse[expression]
        # most expressions vanish: the second value is for those whose first one is in doubt
        if not abs(rough) > _THRESHOLD / 2:
            return False
        fine = close[expression]
    except (OutsideNormalForm, ZeroDivisionError):
        return False
    finite = close.mp.isfinite(rough) and close.mp.isfinite(fine)
    return bool(finite and abs(fine) > _THRESHOLD and abs(rough - fine) < _THRESHOLD * abs(fine))

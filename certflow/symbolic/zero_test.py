"""Is an expression identically zero? Three answers, two of them proved.

`zero` when the numerator of its normal form is the polynomial 0. `nonzero` when its value at a rational point
of the domain, computed with 50 and again with 100 digits, is not zero. What remains is `undecided`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import mpmath
import sympy as sp
from mpmath.libmp import dps_to_prec

from certflow.errors import OutsideNormalForm
from certflow.numbers.precision import mpmath_context
from certflow.symbolic.normal_form import (
    DIGITS,
    Domain,
    Interval,
    NormalForm,
    rational_point,
)

_THRESHOLD = mpmath.mpf(10) ** -25
_PI = sp.Symbol("pi_", positive=True)


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
    expressions, domain = _without_pi([sp.sympify(e) for e in expressions], domain)
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


def _without_pi(expressions: list[sp.Expr], domain: Domain) -> tuple[list[sp.Expr], Domain]:
    """`pi` as one more symbol: what vanishes for every value of the symbol vanishes for `pi`."""
    if not any(e.has(sp.pi) for e in expressions):
        return expressions, domain
    near = Interval(sp.Rational(31, 10), sp.Rational(32, 10))
    return [e.xreplace({sp.pi: _PI}) for e in expressions], {**domain, _PI: near}


def _numerically_nonzero(expressions: Sequence[sp.Expr], domain: Domain) -> list[bool]:
    """Is the value at a rational point, computed with 50 and with 100 digits, the same and not zero?"""
    point = rational_point(domain, seed=1)
    coarse, close = (mpmath_context(dps_to_prec(digits)) for digits in (DIGITS, 2 * DIGITS))
    rough, fine = ([*_values(mp, expressions, point)] for mp in (coarse, close))
    return [
        a is not None
        and b is not None
        and bool(close.isfinite(a) and close.isfinite(b))
        and bool(abs(b) > _THRESHOLD and abs(a - b) < _THRESHOLD * abs(b))
        for a, b in zip(rough, fine, strict=True)
    ]


def _values(mp: Any, expressions: Iterable[sp.Expr], point: dict[sp.Symbol, sp.Rational]) -> Iterator[Any | None]:
    """The values at a point in mpmath; None where there is none."""
    known: dict[sp.Expr, Any] = {symbol: mp.mpf(int(q.p)) / int(q.q) for symbol, q in point.items()}
    for expression in expressions:
        try:
            yield _value(mp, expression, known)
        except (OutsideNormalForm, ZeroDivisionError):
            yield None


def _value(mp: Any, e: sp.Expr, known: dict[sp.Expr, Any]) -> Any:
    """Value at a point in mpmath, each subexpression once; `known` holds the symbols and grows."""
    if e in known:
        return known[e]
    if e.is_Rational:
        result = mp.mpf(int(e.p)) / int(e.q)
    elif e.is_Add:
        result = mp.fsum(_value(mp, a, known) for a in e.args)
    elif e.is_Mul:
        result = mp.fprod(_value(mp, a, known) for a in e.args)
    elif e.func in _FUNCTIONS:
        result = getattr(mp, _FUNCTIONS[e.func])(*(_value(mp, a, known) for a in e.args))
    elif e.func in _CHOICES:
        result = _CHOICES[e.func](*(_value(mp, a, known) for a in e.args))
    elif e in (sp.pi, sp.E):
        result = +(mp.pi if e == sp.pi else mp.e)
    else:
        raise OutsideNormalForm(f"no value of {e.func.__name__}")
    known[e] = result
    return result


_CHOICES: dict[Any, Callable[..., Any]] = {sp.Max: max, sp.Min: min, sp.Abs: abs}
#: What mpmath calls them.
_FUNCTIONS = {sp.Pow: "power", sp.exp: "exp", sp.log: "log", sp.cos: "cos", sp.sin: "sin"}

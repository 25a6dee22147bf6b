"""Values of SymPy expressions at rational points, in mpmath with a stated number of digits."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp
from mpmath.libmp import dps_to_prec

from certflow.errors import OutsideNormalForm
from certflow.numbers.precision import mpmath_context

DIGITS = 50


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


class Values:
    """`e -> e(point)` in mpmath, each subexpression once.

    Raises
    ------
    OutsideNormalForm : a function without a rule here, a symbol without a value.
    ZeroDivisionError : as mpmath does.
    """

    def __init__(self, point: Mapping[sp.Symbol, sp.Rational], digits: int = DIGITS):
        self.mp = mpmath_context(dps_to_prec(digits))
        self._known: dict[sp.Expr, Any] = {symbol: self._rational(q) for symbol, q in point.items()}

    def __setitem__(self, symbol: sp.Symbol, value: Any) -> None:
        self._known[symbol] = value

    def __getitem__(self, e: sp.Expr) -> Any:
        if e not in self._known:
            self._known[e] = self._computed(e)
        return self._known[e]

    def _rational(self, q: sp.Rational) -> Any:
        return self.mp.mpf(int(q.p)) / int(q.q)

    def _computed(self, e: sp.Expr) -> Any:
        if e.is_Rational:
            return self._rational(e)
        if e.is_Add:
            return self.mp.fsum([self[a] for a in e.args])
        if e.is_Mul:
            return self.mp.fprod([self[a] for a in e.args])
        if e.func in _FUNCTIONS:
            return getattr(self.mp, _FUNCTIONS[e.func])(*(self[a] for a in e.args))
        if e.func in _CHOICES:
            return _CHOICES[e.func](*(self[a] for a in e.args))
        if e in (sp.pi, sp.E):
            return +(self.mp.pi if e == sp.pi else self.mp.e)
        raise OutsideNormalForm(f"no value of {e.func.__name__}")


_CHOICES: dict[Any, Callable[..., Any]] = {sp.Max: max, sp.Min: min, sp.Abs: abs}
#: What mpmath calls them.
_FUNCTIONS = {sp.Pow: "power", sp.exp: "exp", sp.log: "log", sp.cos: "cos", sp.sin: "sin"}

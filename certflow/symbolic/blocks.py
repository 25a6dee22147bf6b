"""E4: order and error constants of residual blocks, on a velocity whose Taylor coefficients at a point are all symbols.

Derivatives at `x = 0`, `t = t_0` see of a smooth velocity nothing but its Taylor polynomial there, so that polynomials
with symbols for coefficients stand for every smooth field. Derivatives along the trajectory are taken by the operator
`d/dh = -(u . grad + d/dt)`, which shares nothing with the blocks.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp
from sympy.polys.rings import PolyRing

from certflow.numbers.arrays import Objects
from certflow.process import OrnsteinUhlenbeck
from certflow.symbolic.cases import SymbolicCase
from certflow.symbolic.derivation import Derivation
from certflow.symbolic.values import Domain, Interval
from certflow.symbolic.zero_test import Residual, residual

_SIGNED = Interval(sp.Rational(-1), sp.Rational(1))
_UNIT = Interval(sp.Rational(1, 10), sp.Rational(9, 10))
_h, _start = sp.symbols("h t0", positive=True)
_eta, _rate, _size = sp.symbols("eta L M", positive=True)
#: Derivatives of the velocity on which the first three derivatives of blocks and trajectories depend.
_DEGREE = 2


def _jet(dimension: int) -> tuple[list[sp.Expr], list[sp.Symbol], sp.Symbol, Domain]:
    """Components of a velocity, polynomials of degree `_DEGREE` in `x` and `t - t_0`; the variables; the domain."""
    xs = list(sp.symbols(f"x1:{dimension + 1}", real=True))
    t = sp.Symbol("t", real=True)
    variables = [*xs, t - _start]
    domain: dict[sp.Symbol, Interval] = {}
    components = []
    for i in range(dimension):
        total = sp.Integer(0)
        for degree in range(_DEGREE + 1):
            for j, powers in enumerate(itertools.combinations_with_replacement(range(dimension + 1), degree)):
                coefficient = sp.Symbol(f"c{i}_{degree}_{j}", real=True)
                domain[coefficient] = _SIGNED
                total += coefficient * sp.Mul(*(variables[p] for p in powers))
        components.append(total)
    return components, xs, t, domain


def _velocity(components: list[sp.Expr], xs: list[sp.Symbol], t: sp.Symbol) -> Callable[[Any, Any], Objects]:
    def evaluate(x: Any, time_: Any) -> Objects:
        values = {**dict(zip(xs, x, strict=True)), t: time_}
        return np.array([sp.sympify(u).subs(values, simultaneous=True) for u in components], dtype=object)

    return evaluate


def _along(components: list[sp.Expr], xs: list[sp.Symbol], t: sp.Symbol, order: int) -> list[list[sp.Expr]]:
    """`x', ..., x^(order)` in the direction of sampling, at `x = 0`, `t = t_0`.

    Polynomials in `x` and `t - t_0`, whose coefficients are polynomials in the symbols of the velocity.
    """
    shift = sp.Symbol("tau", real=True)
    coefficients = sorted(set().union(*(u.free_symbols for u in components)) - {*xs, t, _start}, key=lambda c: c.name)
    ring = PolyRing([*xs, shift], PolyRing(coefficients, sp.QQ))
    velocity = [ring.from_expr(u.subs(t, _start + shift)) for u in components]

    def derivative(f: Any) -> Any:
        return -sum((u * f.diff(x) for u, x in zip(velocity, ring.gens, strict=False)), f.diff(ring.gens[-1]))

    found = [[-u for u in velocity]]
    while len(found) < order:
        found.append([derivative(f) for f in found[-1]])
    return [[f.const().as_expr() for f in row] for row in found]


def order(p: OrnsteinUhlenbeck, case: SymbolicCase, method: str, dimension: int) -> Residual:
    """Derivatives of block and flow in `h` agree up to the order of the method; the next differ by its constant.

    Euler: `Phi - Psi = h^2 x''/2 + O(h^3)`. Midpoint: `Phi - Psi = h^3 (x'''/24 - (grad u) x''/8) + O(h^4)`. E4.
    """
    started = time.perf_counter()
    components, xs, t, domain = _jet(dimension)
    origin = dict.fromkeys(xs, sp.Integer(0)) | {t: _start}
    zero = np.array([sp.Integer(0)] * dimension, dtype=object)
    block = p.residual_block(zero, _start, _h, method, _velocity(components, xs, t))
    first = 2 if method == "euler" else 3
    exact = _along(components, xs, t, first)
    along_h = Derivation({_h: sp.S.One})
    expressions = []
    for i in range(dimension):
        moved = [block[i]]
        for _ in range(first):
            moved.append(along_h(moved[-1]))
        derivatives = [value.xreplace({_h: sp.S.Zero}) for value in moved]
        expressions += [derivatives[0], *(derivatives[n] - exact[n - 1][i] for n in range(1, first))]
        leading = (exact[first - 1][i] - derivatives[first]) / sp.factorial(first)
        if method == "euler":
            expressions.append(leading - exact[1][i] / 2)
        else:
            turned = sum(sp.diff(components[i], x).subs(origin) * a for x, a in zip(xs, exact[1], strict=True))
            expressions.append(leading - (exact[2][i] / 24 - turned / 8))
    scope = f"{method} blocks of every smooth velocity, d = {dimension}"
    return residual("E4.order", [sp.expand(e) for e in expressions], domain, scope, started=started)


def bound_is_attained(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """Fields at which the local error equals the bound, term by term (proofs/E4.md).

    `u = -M (t_0 - t)`: Euler errs by `h^2 M/2`. `u = -M (t_0 - t)^2/2`: midpoint by `h^3 M/24`. `u = -L x`, learned
    with the error `-eta`: the blocks differ by `h eta` and `h eta (1 + h L/2)`.
    """
    started = time.perf_counter()
    zero = np.array([sp.Integer(0)], dtype=object)

    def block(method: str, u: Any) -> sp.Expr:
        return p.residual_block(zero, _start, _h, method, lambda x, t: np.array([u(x[0], t)], dtype=object))[0]

    def bound(method: str, error: Any, lipschitz: Any, second: Any, third: Any) -> sp.Expr:
        return p.block_error_bound(_h, error, lipschitz, second, third, method)

    expressions = [
        _size * _h**2 / 2 - block("euler", lambda x, t: -_size * (_start - t)) - bound("euler", 0, 0, _size, 0),
        _size * _h**3 / 6
        - block("midpoint", lambda x, t: -_size * (_start - t) ** 2 / 2)
        - bound("midpoint", 0, 0, 0, _size),
        *(
            block(method, lambda x, t: -_rate * x - _eta) - bound(method, _eta, _rate, 0, 0)
            for method in ("euler", "midpoint")
        ),
    ]
    domain = {_h: _UNIT, _start: Interval(sp.Integer(1), sp.Integer(2)), _eta: _UNIT, _rate: _UNIT, _size: _UNIT}
    return residual("E4.attained", expressions, domain, "every h, eta, L and M, d = 1", started=started)

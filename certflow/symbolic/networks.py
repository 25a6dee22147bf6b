"""A1 to A4: exact gadgets on symbols, completing the square, remainders of interpolation, functions of time.

A gadget is run as the network that it is, on symbols: at a rational point no argument of a neuron vanishes, so that on
the chamber around it every neuron is zero, its argument, or the square of it. The arguments of a first layer are
affine, so a point in each chamber stands for the whole space.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import sympy as sp
from flint import fmpq, fmpq_poly

from certflow.networks.formulas import formulas_of
from certflow.networks.graph import Network, Row
from certflow.symbolic.values import Interval
from certflow.symbolic.zero_test import Residual, residual

_SIGNED = Interval(sp.Rational(-1), sp.Rational(1))
_UNIT = Interval(sp.Rational(1, 10), sp.Rational(9, 10))
_BITS = 64


def outputs_at(network: Network, values: Sequence[sp.Expr], point: dict[sp.Symbol, sp.Rational]) -> list[sp.Expr]:
    """The outputs on the chamber of a point, as expressions."""
    here = [sp.sympify(value) for value in values]
    for layer in network.layers:
        following = []
        for neuron in layer:
            argument = _combined(neuron.row, here)
            sign = argument.subs(point)
            if sign == 0:
                raise ValueError("the point lies on the boundary of a chamber")
            kept = argument if sign > 0 else sp.Integer(0)
            following.append(sp.expand(kept**2) if neuron.square else kept)
        here = following
    return [_combined(row, here) for row in network.outputs]


def _combined(row: Row, values: Sequence[sp.Expr]) -> sp.Expr:
    return sp.Add(_rational(row.bias), *(_rational(weight) * values[i] for i, weight in row.weights.items()))


def _rational(number: Any) -> sp.Rational:
    return sp.Rational(int(number.p), int(number.q))


def exact_gadgets(process: Any) -> Residual:
    """`z^2`, `x y`, `max(x, y)` and `z`, each on every chamber of its first layer (proofs/A1.md)."""
    started = time.perf_counter()
    f = formulas_of(process)
    x, y = sp.symbols("x y", real=True)
    inputs = Network(2), Network(2), Network(2), Network(2), Network(2)
    one, other = inputs[0].input(0), inputs[0].input(1)
    scales = fmpq(3), fmpq(1, 2)
    made = [
        (inputs[0].finish([f.square(inputs[0], one)]), x**2),
        (inputs[1].finish([f.product(inputs[1], one, other)]), x * y),
        (inputs[2].finish([f.product(inputs[2], one, other, scales)]), x * y),
        (inputs[3].finish([f.maximum(inputs[3], one, other)]), None),
        (inputs[4].finish([f.carry(inputs[4], one)]), x),
    ]
    expressions = []
    # of x, y, x - y, x + y and x/3 +- 2 y each has both signs with those of the others that occur in one gadget
    for at in [(5, 1), (1, 5), (-5, 1), (-1, 5), (5, -1), (1, -5), (-5, -1), (-1, -5), (30, 1), (-30, 1)]:
        point = {x: sp.Integer(at[0]), y: sp.Integer(at[1])}
        for network, expected in made:
            right = expected if expected is not None else (x if at[0] > at[1] else y)
            expressions.append(sp.expand(outputs_at(network, [x, y], point)[0] - right))
    scope = "squares, products, maxima and carries of all real x and y"
    return residual("A1.exact", expressions, {x: _SIGNED, y: _SIGNED}, scope, started=started)


def clipped_polynomials(process: Any) -> Residual:
    """Depth 1: polynomials of degree 2 of clipped coordinates, on every piece and beyond the knots (proofs/A2.md)."""
    started = time.perf_counter()
    build = formulas_of(process).piecewise
    z, c = sp.Symbol("z", real=True), sp.Symbol("c", real=True)
    knots = [sp.Rational(-2), sp.Rational(-1, 2), sp.Integer(0), sp.Integer(3)]
    polynomials = [3 * c**2 - c + 1, -2 * c**2 + 4 * c + 9, c**2 + c / 2 + sp.Rational(21, 2)]  # 5, 3 | 3, 11 | 11, 12
    rational = [fmpq_poly([fmpq(int(q.p), int(q.q)) for q in _coefficients(p, c, 2)]) for p in polynomials]
    weights = [fmpq(int(knot.p), int(knot.q)) for knot in knots]
    expressions = []
    for side in ("above", "below", "both"):
        network = build(weights, [rational], side=side, bits=_BITS).network
        regions = [(low, high, p) for low, high, p in zip(knots, knots[1:], polynomials, strict=False)]
        if side != "below":
            regions.append((knots[0] - 2, knots[0], polynomials[0].subs(c, -1)))
        if side != "above":
            regions.append((knots[-1], knots[-1] + 2, polynomials[-1].subs(c, 1)))
        for low, high, p in regions:
            expected = p.subs(c, (2 * z - low - high) / (high - low))
            expressions.append(sp.expand(outputs_at(network, [z], {z: (low + high) / 2})[0] - expected))
    scope = "three pieces of degree 2, all z"
    return residual("A2.clipped", expressions, {z: _SIGNED}, scope, started=started)


def _coefficients(polynomial: sp.Expr, variable: sp.Symbol, degree: int) -> list[sp.Rational]:
    return [sp.Rational(polynomial.coeff(variable, i)) for i in range(degree + 1)]


def completed_square(process: Any, half: int) -> Residual:
    """`p - alpha q^2` has no power of `c` above `half`, for all coefficients of `p` and every `q_0` (proofs/A2.md)."""
    started = time.perf_counter()
    coefficients = list(sp.symbols(f"p0:{2 * half + 1}", real=True))
    domain = dict.fromkeys(coefficients, _SIGNED) | {coefficients[-1]: _UNIT}
    lifted = sp.Symbol("q0", real=True)
    root = formulas_of(process).monic_root(coefficients)
    root = [root[0] + lifted, *root[1:]]
    expressions = []
    for power in range(half + 1, 2 * half + 1):
        square = sp.Add(*(root[i] * root[power - i] for i in range(power - half, half + 1)))
        expressions.append(coefficients[power] - coefficients[-1] * square)
    scope = f"all polynomials of degree {2 * half}"
    return residual("A2.square", expressions, domain | {lifted: _SIGNED}, scope, started=started)


def _nodes(degree: int) -> list[sp.Symbol]:
    return list(sp.symbols(f"u0:{degree + 1}", positive=True))


def _spread(symbols: Sequence[sp.Symbol]) -> dict[sp.Symbol, Interval]:
    """Disjoint intervals, so that nodes are different."""
    return {s: Interval(sp.Rational(4 * i + 1, 4), sp.Rational(4 * i + 3, 4)) for i, s in enumerate(symbols)}


def _interpolant(values: Sequence[sp.Expr], nodes: Sequence[sp.Symbol], at: sp.Expr) -> sp.Expr:
    """Lagrange's form."""
    terms = []
    for i, value in enumerate(values):
        others = [node for j, node in enumerate(nodes) if j != i]
        terms.append(value * sp.Mul(*((at - other) / (nodes[i] - other) for other in others)))
    return sp.Add(*terms)


def reciprocal_remainder(process: Any, degree: int) -> Residual:
    """`1 - S P(S) = W(S)/W(0)`, `P` the interpolant of `1/S` at any nodes (proofs/A3.md)."""
    started = time.perf_counter()
    nodes, s = _nodes(degree), sp.Symbol("S", positive=True)
    found = formulas_of(process).relative_remainder(lambda u: sp.Mul(*(u - node for node in nodes)), s)
    expressions = [1 - s * _interpolant([1 / node for node in nodes], nodes, s) - found]
    scope = f"any {degree + 1} nodes, all S"
    return residual("A3.remainder", expressions, _spread([*nodes, s]), scope, started=started)


def reciprocal_size(degree: int) -> Residual:
    """`(x^2 - 1) U_{n-1}(x) = sqrt(x^2 - 1) sinh(n acosh x)` at `x = (r+1)/(r-1)`, in `g = sqrt(r)` (proofs/A3.md).

    `sqrt(x^2 - 1) = 2 g/(g^2 - 1)` and `e^{acosh x} = (g + 1)/(g - 1)`.
    """
    started = time.perf_counter()
    g = sp.Symbol("g", positive=True)
    x, root = (g**2 + 1) / (g**2 - 1), 2 * g / (g**2 - 1)
    power = ((g + 1) / (g - 1)) ** degree
    before, here = sp.Integer(0), sp.Integer(1)  # U_{-1}, U_0
    for _ in range(degree - 1):
        before, here = here, 2 * x * here - before
    expressions = [
        (x**2 - 1) - root**2,
        (g + 1) / (g - 1) - x - root,
        (x**2 - 1) * here - root * (power - 1 / power) / 2,
    ]
    domain = {g: Interval(sp.Rational(11, 10), sp.Integer(2))}
    return residual("A3.size", expressions, domain, f"degree {degree}, all ratios", started=started)


def functions_of_time(process: Any) -> Residual:
    """`a`, `q`, `r` through `u`, for `0 < c < 1` and `c < 0`, and `q` through `r` for all `c` (proofs/A4.md).

    With `g = sqrt(|c|)`, `e^{-u} = g m`.
    """
    started = time.perf_counter()
    quotient = formulas_of(process).drift
    g, m, c = sp.Symbol("g", positive=True), sp.Symbol("m", positive=True), sp.Symbol("c", real=True)
    e = g * m
    expressions = [1 / (1 - c * m**2) - quotient(c, m**2 / (2 * (1 - c * m**2)))]
    for sign in (1, -1):
        v = 1 - sign * g**2 * m**2
        # 2 sinh u and coth u for c > 0, 2 cosh u and tanh u for c < 0
        double, quotient_of = 1 / e - sign * e, (1 / e + sign * e) / (1 / e - sign * e)
        q = (1 + quotient_of) / 2
        expressions += [m / v - 1 / (g * double), 1 / v - q, m**2 / (2 * v) - (q - 1) / (2 * sign * g**2)]
    domain = {g: _UNIT, m: _UNIT, c: _UNIT}
    return residual("A4.forms", expressions, domain, "all sigma and t", started=started)


def pole_remainder(process: Any, degree: int) -> Residual:
    """`1/(u - p)` less its interpolant is `W(u) / ((u - p) W(p))`; two poles and `a`, `r` by one `W` (proofs/A4.md)."""
    started = time.perf_counter()
    nodes, u, p = _nodes(degree), sp.Symbol("u", positive=True), sp.Symbol("p", positive=True)

    def nodal(at: sp.Expr) -> sp.Expr:
        return sp.Mul(*(at - node for node in nodes))

    remainder = 1 / (u - p) - _interpolant([1 / (node - p) for node in nodes], nodes, u)
    c, first, second = sp.symbols("c b0 b1", positive=True)
    # with q = 1 + 2 c r and r interpolated, the error of q is that of r times 2 c
    quotient = formulas_of(process).drift
    of_r = _interpolant([first / (node - p) + second for node in nodes], nodes, u)
    of_q = _interpolant([quotient(c, first / (node - p) + second) for node in nodes], nodes, u)
    expressions = [
        remainder - nodal(u) / ((u - p) * nodal(p)),
        quotient(c, of_r) - of_q,
    ]
    domain = {**_spread([*nodes, u, p]), c: _UNIT, first: _UNIT, second: _UNIT}
    return residual("A4.pole", expressions, domain, f"any {degree + 1} nodes, any simple pole", started=started)

"""Integrands as typed expressions, so that a rigorous integral cannot be asked of anything else.

An expression in one variable `t` is a tree of the nodes below: `Constant` (an exact rational), `Variable`, `Sum`,
`Product`, `Reciprocal`, `Exp`, `Log`, `Sqrt`; the operators `+ - * / **` build them.

Why this makes `acb.integral` rigorous
--------------------------------------
Arb integrates a function `f` by Gauss–Legendre quadrature on pieces of the path, with an error bound taken from
`|f|` on an ellipse around the piece. It needs two things of the integrand, for every complex ball `Z`:

1. `analytic` false: the result contains `f(z)` for every `z` in `Z` at which `f` is defined, or is not finite;
2. `analytic` true: if the result is finite, `f` is moreover analytic on a neighbourhood of `Z`.

Both hold for every node by induction over the tree. A constant and the variable are entire, and their balls contain
them. Sums and products of balls contain the sums and products, and analytic operands give an analytic result; a
result is not finite if an operand is not (Arb's `0 * nan` is `nan`). `exp` is entire. A reciprocal is analytic where
its operand is analytic and not zero, and the quotient by a ball that contains zero is not finite. `log` and
`sqrt` are analytic off the cut `(-oo, 0]`; Arb's own functions, given the flag, return a non-finite ball as
soon as the operand's ball touches the cut. On real balls, so on the path itself and for constant subtrees, `log` and
`sqrt` are the real functions: not finite where the operand's ball reaches below zero.

There is no node for a maximum or an absolute value: `max(Re z, 1/2)` satisfies 1 but not 2, and a plain callback
that computes it makes `acb.integral` return 0.64434 +- 7e-31 for an integral of 0.625. A piecewise integrand is a
sum of integrals over the pieces, split at exact points (proofs/integrals.md). The set of nodes is closed: a class
outside this module cannot join it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from certflow.errors import InputError
from certflow.numbers.exact import exact_number
from certflow.numbers.inputs import whole_number


@dataclass(frozen=True)
class Expression:
    """A real function of one variable `t`, as a tree of nodes (see the module)."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        if cls.__module__ != __name__:
            raise TypeError("the nodes of an Expression are closed: each needs its proof of analyticity")
        super().__init_subclass__(**keywords)

    def __post_init__(self) -> None:
        for operand in self.operands:
            _check(operand, "operand")

    @property
    def operands(self) -> tuple[Expression, ...]:
        """The nodes directly below this one."""
        return ()

    def value(self, point: Any, operands: list[Any], analytic: bool) -> Any:
        """The ball of this node, given the ball of the variable and those of the operands."""
        raise NotImplementedError

    def on_balls(self, t: Any) -> Any:
        """An `arb` that contains the function's values on the ball `t`; not finite where that cannot be told."""
        return Program(self)(t, False)

    def on_complex(self, z: Any, analytic: bool) -> Any:
        """An `acb` that contains the values on `z`; not finite if `analytic` and analyticity there is not certain."""
        return Program(self)(z, analytic)

    def __add__(self, other: Any) -> Expression:
        return Sum((self, as_expression(other)))

    def __radd__(self, other: Any) -> Expression:
        return Sum((as_expression(other), self))

    def __neg__(self) -> Expression:
        return Product((Constant(Fraction(-1)), self))

    def __sub__(self, other: Any) -> Expression:
        return self + -as_expression(other)

    def __rsub__(self, other: Any) -> Expression:
        return as_expression(other) + -self

    def __mul__(self, other: Any) -> Expression:
        return Product((self, as_expression(other)))

    def __rmul__(self, other: Any) -> Expression:
        return Product((as_expression(other), self))

    def __truediv__(self, other: Any) -> Expression:
        return Product((self, Reciprocal(as_expression(other))))

    def __rtruediv__(self, other: Any) -> Expression:
        return Product((as_expression(other), Reciprocal(self)))

    def __pow__(self, exponent: int) -> Expression:
        return Product((self,) * whole_number(exponent, "exponent", 1, 64))


@dataclass(frozen=True)
class Constant(Expression):
    """An exact rational number (anything that `certflow.numbers.exact.exact_number` reads)."""

    number: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "number", exact_number(self.number, "constant"))

    def value(self, point: Any, operands: list[Any], analytic: bool) -> Any:
        return ball(self.number)


@dataclass(frozen=True)
class Variable(Expression):
    """The variable `t`."""

    def value(self, point: Any, operands: list[Any], analytic: bool) -> Any:
        return point


@dataclass(frozen=True)
class _Nary(Expression):
    parts: tuple[Expression, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.parts, tuple) or not self.parts:
            raise InputError("operands", self.parts, "a tuple of at least one Expression")
        super().__post_init__()

    @property
    def operands(self) -> tuple[Expression, ...]:
        return self.parts


@dataclass(frozen=True)
class Sum(_Nary):
    """`a_1 + ... + a_n`, `n >= 1`."""

    def value(self, point: Any, operands: list[Any], analytic: bool) -> Any:
        total = operands[0]
        for operand in operands[1:]:
            total = total + operand
        return total


@dataclass(frozen=True)
class Product(_Nary):
    """`a_1 ... a_n`, `n >= 1`."""

    def value(self, point: Any, operands: list[Any], analytic: bool) -> Any:
        product = operands[0]
        for operand in operands[1:]:
            product = product * operand
        return product


@dataclass(frozen=True)
class _Unary(Expression):
    operand: Expression

    @property
    def operands(self) -> tuple[Expression, ...]:
        return (self.operand,)


@dataclass(frozen=True)
class Reciprocal(_Unary):
    """`1 / a`; not finite on a ball that contains a zero of `a`."""

    def value(self, point: Any, operands: list[Any], analytic: bool) -> Any:
        return 1 / operands[0]


@dataclass(frozen=True)
class Exp(_Unary):
    """`e^a`, entire."""

    def value(self, point: Any, operands: list[Any], analytic: bool) -> Any:
        return operands[0].exp()


@dataclass(frozen=True)
class Log(_Unary):
    """`ln a`, `a > 0`; cut along `(-oo, 0]`."""

    def value(self, point: Any, operands: list[Any], analytic: bool) -> Any:
        return _principal("log", operands[0], analytic)


@dataclass(frozen=True)
class Sqrt(_Unary):
    """The square root of `a >= 0`; cut along `(-oo, 0]`."""

    def value(self, point: Any, operands: list[Any], analytic: bool) -> Any:
        return _principal("sqrt", operands[0], analytic)


class Program:
    """An expression as a list of its different nodes, operands first: each is evaluated once for a point.

    Sound because equal subtrees denote the same function: one ball that contains its values serves all its uses.
    """

    def __init__(self, expression: Any, field: str = "expression"):
        _check(expression, field)
        self.expression: Expression = expression
        self.places: dict[Expression, int] = {}
        self.steps: list[tuple[Expression, list[int]]] = []
        self.closed: list[bool] = []
        self._add(expression)

    def _add(self, node: Expression) -> int:
        if node not in self.places:
            below = [self._add(operand) for operand in node.operands]
            self.steps.append((node, below))
            self.closed.append(not isinstance(node, Variable) and all(self.closed[place] for place in below))
            self.places[node] = len(self.steps) - 1
        return self.places[node]

    @property
    def is_closed(self) -> bool:
        """Whether the variable does not occur: the expression is a number."""
        return self.closed[-1]

    def bound(self) -> Callable[[Any, bool], Any]:
        """The function `(point, analytic) -> ball`, with the numbers in it converted at the precision in force."""
        numbers: list[Any] = []
        for (node, below), closed in zip(self.steps, self.closed, strict=True):
            numbers.append(node.value(None, [numbers[place] for place in below], False) if closed else None)
        open_steps = [
            (place, node.value, below) for place, (node, below) in enumerate(self.steps) if not self.closed[place]
        ]

        def evaluate(point: Any, analytic: bool) -> Any:
            balls = list(numbers)
            for place, value, below in open_steps:
                balls[place] = value(point, [balls[part] for part in below], analytic)
            return balls[-1]

        return evaluate

    def __call__(self, point: Any, analytic: bool) -> Any:
        return self.bound()(point, analytic)


def as_expression(value: Any) -> Expression:
    """An expression as it is, an exact number as a `Constant`."""
    return value if isinstance(value, Expression) else Constant(value)


def ball(number: Fraction) -> Any:
    """The `arb` that contains an exact rational, at the precision in force."""
    import flint

    return flint.arb(flint.fmpq(number.numerator, number.denominator))


def _principal(name: str, operand: Any, analytic: bool) -> Any:
    """`log` or `sqrt` off the cut; of a real operand the real function, which below zero does not exist.

    Without the second clause an integral over negative operands would be that of another, complex function.
    """
    import flint

    if isinstance(operand, flint.acb):
        if analytic or not operand.imag.is_zero():
            return getattr(operand, name)(analytic=analytic)
        operand = operand.real
    return getattr(operand, name)()


def _check(value: Any, field: str) -> None:
    if not isinstance(value, Expression) or type(value) in (Expression, _Unary, _Nary):
        raise InputError(
            field,
            value,
            "an Expression of certflow.enclosure.expressions (Variable(), Exp(...), ...): a plain callback "
            "cannot tell where it is analytic, and an integral of it would not be rigorous",
        )

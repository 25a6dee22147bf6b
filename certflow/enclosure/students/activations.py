"""SiLU, tanh, ReLU and GroupSort on Taylor models, and their derivatives.

Derivatives are polynomials with whole coefficients in the sigmoid `s` (`s' = s - s^2`) or in `t = tanh`
(`t' = 1 - t^2`); SiLU is `x s`, so `silu^(j) = x s^(j) + j s^(j-1)`. Their suprema over all of R were proved by
branch and bound on balls, rounded up (tests/enclosure/students/test_activations.py proves them again;
proofs/students.md, section 4). Far from zero `|s^(j)(x)| <= Q_j e^-|x|`, `j >= 1`, `Q_j` the sum of the sizes of the
coefficients of `s^(j) / (s - s^2)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from certflow.enclosure.students.rounding import (
    SIGMOID_ERROR,
    TANH_ERROR,
    UNIT,
    exponential_above,
    hyperbolic_tangent,
    sigmoid,
    up,
)
from certflow.enclosure.students.taylor import Basis, Models, Outer, Reach, composed, guarded, product, reach, total
from certflow.errors import unknown
from certflow.numbers.arrays import Flags, Floats

Polynomial = tuple[int, ...]
#: Orders of derivatives that are known: a model of degree 5 of a derivative wants the eighth.
ORDERS = 8
#: From here on the bounds of what is left of an activation far out fall.
FAR = 3.0


def _times(one: Polynomial, other: Polynomial) -> Polynomial:
    result = [0] * (len(one) + len(other) - 1)
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            result[i + j] += a * b
    return tuple(result)


def derivatives_of(change: Polynomial) -> list[Polynomial]:
    """`P_j` with `y^(j) = P_j(y)`, where `y' = change(y)`: `P_0 = y`, `P_(j+1) = P_j' change`."""
    found: list[Polynomial] = [(0, 1)]
    for _ in range(ORDERS):
        found.append(_times(tuple(i * a for i, a in enumerate(found[-1]))[1:], change))
    return found


def _divided(polynomial: Polynomial, divisor: Polynomial) -> Polynomial:
    """The quotient, the remainder being zero, by a divisor with leading coefficient -1."""
    rest, quotient = list(polynomial), [0] * (len(polynomial) - len(divisor) + 1)
    for i in reversed(range(len(quotient))):
        quotient[i] = -rest[i + len(divisor) - 1]
        for j, d in enumerate(divisor):
            rest[i + j] -= quotient[i] * d
    return tuple(quotient)


def _sizes(polynomial: Polynomial) -> float:
    return float(sum(map(abs, polynomial)))


@dataclass
class Smooth:
    """An activation with bounded derivatives.

    base, base_error : `s` or tanh in float64, and how far it is from the truth
    change : its differential equation
    by_argument : whether the activation is `x` times the base (SiLU)
    suprema : at least `sup |g^(j)|`, `j = 1 .. ORDERS`; the first entry belongs to `j = 0`
    rate : 1 for the sigmoid, 2 for `tanh x = 2 s(2x) - 1`: `|base^(j)(x)| <= decays[j] e^(-rate |x|)` for `j >= 1`
    """

    base: Callable[[Floats], Floats]
    base_error: float
    change: Polynomial
    by_argument: bool
    suprema: tuple[float, ...]
    rate: int
    polynomials: list[Polynomial] = field(init=False)
    decays: list[float] = field(init=False)
    base_errors: list[float] = field(init=False)

    def __post_init__(self) -> None:
        self.polynomials = derivatives_of(self.change)
        logistic = (0, 1, -1)
        quotients = [1.0] + [_sizes(_divided(p, logistic)) for p in derivatives_of(logistic)[1:]]
        self.decays = [q * float(self.rate ** (j + 1)) for j, q in enumerate(quotients)]
        # Horner's rule with j + 1 steps, the sum and the products of SiLU, and what an error of the argument makes
        self.base_errors = [
            _sizes(p) * ((2 * j + 6) * UNIT + (j + 1) * self.base_error) * 1.001 for j, p in enumerate(self.polynomials)
        ]

    def derivatives(self, x: Floats, orders: int) -> tuple[list[Floats], list[Floats]]:
        """`g^(j)(x)`, `j = 0 .. orders`, and how far each is from the truth at most."""
        s = self.base(x)
        values = [_horner(p, s) for p in self.polynomials[: orders + 1]]
        known = self.base_errors
        size = np.abs(x)
        if self.by_argument:
            # the rounding of the sum and of its two products is below what `2 j + 6` leaves in `known`
            values = [x * values[0]] + [x * values[j] + j * values[j - 1] for j in range(1, orders + 1)]
            errors = [up(size * known[j] + j * (known[j - 1] if j else 0.0)) for j in range(orders + 1)]
        else:
            errors = [np.full_like(s, error) for error in known[: orders + 1]]
        fall = exponential_above(-self.rate * size)
        for j in range(orders + 1):
            rest = self.decay(j, size, fall)
            far = (size >= FAR) & (rest < errors[j])
            if far.any():
                values[j], errors[j] = np.where(far, self.limit(j, x), values[j]), np.where(far, rest, errors[j])
        return values, errors

    def limit(self, order: int, x: Floats) -> Floats:
        """What `g^(order)` tends to: SiLU to 0 or `x`, tanh to -1 or 1."""
        if self.by_argument and order < 2:
            return np.where(x > 0, 1.0 if order else x, 0.0)
        return np.zeros_like(x) if order else np.sign(x)

    def decay(self, order: int, size: Floats, fall: Floats) -> Floats:
        """At least how far from its limit `g^(order)` is at points of this size, `>= FAR`; `fall >= e^(-rate size)`."""
        if not self.by_argument:
            return up((self.decays[order] if order else 2.0) * fall)
        return up((size * self.decays[order] + order * self.decays[max(order - 1, 0)]) * fall)

    def supremum(self, order: int, value: Floats, error: Floats, radius: Floats, nearest: Floats) -> Floats:
        """At least `sup |g^(order)|` within `radius` of where it is `value`; `nearest` is how near to 0 that comes."""
        local = up(np.abs(value) + error + radius * self.suprema[order + 1])
        found = np.fmin(local, self.suprema[order])
        if self.by_argument and order < 2:
            return found
        rest = self.decay(order, nearest, exponential_above(-self.rate * nearest))
        return np.where(nearest >= FAR, np.fmin(found, rest), found)


def _horner(polynomial: Polynomial, x: Floats) -> Floats:
    result = np.full_like(x, float(polynomial[-1]))
    for coefficient in polynomial[-2::-1]:
        result = result * x + float(coefficient)
    return result


SMOOTH = {
    "silu": Smooth(
        sigmoid,
        SIGMOID_ERROR,
        (0, 1, -1),
        True,
        (math.inf, 1.09984, 0.500001, 0.308182, 0.500001, 0.658029, 1.500001, 2.908562, 8.500002),
        1,
    ),
    "tanh": Smooth(
        hyperbolic_tangent,
        TANH_ERROR,
        (1, 0, -1),
        False,
        (1.0, 1.000001, 0.769801, 2.000001, 4.085887, 16.00001, 52.26597, 272.0001, 1223.721),
        2,
    ),
}
ACTIVATIONS = (*SMOOTH, "relu", "groupsort")
#: `sup |g'|`, rounded up.
SLOPES = {"silu": 1.09984, "tanh": 1.0, "relu": 1.0, "groupsort": 1.0}


@np.errstate(all="ignore")
def activated(name: str, basis: Basis, models: Models) -> Models:
    """The activation of models.

    Raises
    ------
    InputError : an unknown name.
    """
    if name in SMOOTH:
        found = _outer(SMOOTH[name], basis, models, 0)
        result = composed(basis, models, *found)
        return _within_one(result) if name == "tanh" else result
    if name == "relu":
        return _relu(models)
    if name == "groupsort":
        first, second = _halves(models)
        rise = _relu(total(first, second, -1.0))
        return _joined(total(second, rise), total(first, rise, -1.0))
    raise unknown("activation", name, ACTIVATIONS)


@np.errstate(all="ignore")
def pulled(name: str, basis: Basis, models: Models, changes: list[Models], free: Flags | None = None) -> list[Models]:
    """`g'(f) df` for models of derivatives `df` in some directions; almost everywhere, where `g` has kinks.

    free : cells whose first kink may be the first symbol of the basis: with one kink in a cell the derivative is affine
        in the slope there, and the symbol keeps that. Changed: a cell whose symbol is taken is free no more

    Raises
    ------
    InputError : an unknown name.
    """
    if name in SMOOTH:
        slope = composed(basis, models, *_outer(SMOOTH[name], basis, models, 1))
        return [product(basis, slope, change) for change in changes]
    if name == "relu":
        slope = _step(basis, models, free)
        return [product(basis, slope, change) for change in changes]
    if name == "groupsort":
        first, second = _halves(models)
        slope = _step(basis, total(first, second, -1.0), free)
        result = []
        for change in changes:
            one, other = _halves(change)
            rise = product(basis, slope, total(one, other, -1.0))
            result.append(_joined(total(other, rise), total(one, rise, -1.0)))
        return result
    raise unknown("activation", name, ACTIVATIONS)


def _outer(smooth: Smooth, basis: Basis, models: Models, order: int) -> tuple[Outer, Reach]:
    """What `composed` wants of `g^(order)`."""
    p = basis.degree
    far = reach(basis, models)
    centre = models.coefficients[0]
    values, errors = smooth.derivatives(centre, p + 1 + order)
    nearest = np.maximum(np.abs(centre) * (1 - 4 * UNIT) - far.whole, 0.0)

    def supremum(j: int, radius: Floats) -> Floats:
        return smooth.supremum(j, values[j], errors[j], radius, nearest)

    return Outer(
        values[order : p + 1 + order],
        errors[order : p + 1 + order],
        supremum(order + 1, far.whole),
        supremum(order + 2, far.whole),
        supremum(order + p + 1, far.polynomial),
    ), far


def _within_one(models: Models) -> Models:
    """Of a function between -1 and 1: the constant 0 with remainder 1, where that is narrower."""
    c, r = models
    wide = ~(r <= 1.0)
    return Models(np.where(wide, 0.0, c), np.where(wide, 1.0, r)) if wide.any() else models


def _relu(models: Models) -> Models:
    """`lambda u` and a constant: by convexity `0 <= max(u, 0) - lambda u <= max((1 - lambda) hi, -lambda lo)` for
    `lo <= u <= hi` and any `lambda` in [0, 1]."""
    c, r = models
    radius = up(np.abs(c[1:]).sum(0) + r, len(c))
    low, high = c[0] - radius, c[0] + radius
    mixed = (low < 0) & (high > 0)
    slope = np.where(mixed, high / np.where(mixed, high - low, 1.0), high > 0)
    gap = np.where(mixed, up(np.maximum((1 - slope) * high, -slope * low)) / 2, 0.0)
    result = c * slope
    result[0] += gap
    rounding = np.where(slope > 0, 8 * UNIT * (np.abs(c[0]) + radius), 0.0)
    return guarded(result, up(slope * r + gap + rounding, 8))


def _step(basis: Basis, models: Models, free: Flags | None) -> Models:
    """`max(u, 0)'` as a model: 1, 0, or 1/2 with 1/2 as remainder or, once in a free cell, with the first symbol."""
    c, r = models
    radius = up(np.abs(c[1:]).sum(0) + r, len(c))
    low, high = c[0] - radius, c[0] + radius
    mixed = ~((low > 0) | (high < 0))
    result = np.zeros_like(c)
    result[0] = np.where(mixed, 0.5, low > 0)
    rest = np.where(mixed, 0.5, 0.0)
    if free is not None:
        cells = np.flatnonzero(free & mixed.any(1))
        first = np.argmax(mixed[cells], axis=1)
        result[basis.size, cells, first], rest[cells, first] = 0.5, 0.0
        free[cells] = False
    return Models(result, rest)


def _halves(models: Models) -> tuple[Models, Models]:
    c, r = models
    half = c.shape[2] // 2
    return Models(c[:, :, :half], r[:, :half]), Models(c[:, :, half:], r[:, half:])


def _joined(one: Models, other: Models) -> Models:
    return Models(
        np.concatenate([one.coefficients, other.coefficients], axis=2),
        np.concatenate([one.remainder, other.remainder], axis=1),
    )

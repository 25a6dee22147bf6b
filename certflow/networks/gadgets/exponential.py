"""`e^z` for `z <= 0` by a piecewise polynomial that is 0 far below and 1 at 0 (A2)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from flint import arb, arb_poly, fmpq, fmpz

from certflow.networks.gadgets.enclosure import pieces, require_constant_below, supremum, taylor_difference
from certflow.networks.gadgets.pieces import Gadget, piecewise
from certflow.networks.gadgets.polynomials import dyadic, interpolant

#: Knots are multiples of this: their place matters little, short weights are pleasant.
_KNOT_BITS = 24


@dataclass(frozen=True)
class Exponential:
    """`|E(z) - e^z| <= relative e^z + absolute` for all `z <= 0`; below the first knot `E` is constant, next to 0.

    relative, absolute : balls, made from the weights (`enclosed`)
    at_zero : a ball, `|E(0) - 1|`
    """

    gadget: Gadget
    relative: Any
    absolute: Any
    at_zero: Any


@dataclass(frozen=True)
class ExponentialPlan:
    """Degree `2^level` on pieces between `knots`, meant for the errors `relative` and `absolute`."""

    level: int
    knots: tuple[Any, ...]
    relative: float
    absolute: float


def plan_exponential(relative: float, absolute: float, level: int, most: int) -> ExponentialPlan | None:
    """The fewest pieces of degree `n = 2^level`, spread so that none is much better than the others; None beyond
    `most`.

    On a piece of length `h` below `top` interpolation at Lobatto nodes leaves at most `4 (h/4)^{n+1} e^top / (n+1)!`
    (proofs/A2.md).
    """
    degree = 2**level
    reach = math.log(2 / absolute)
    count = len(_greedy(degree, relative, absolute, reach, 1.0, most)) - 1
    if count > most:
        return None
    low, high = 1e-4, 1.0
    for _ in range(16):
        middle = math.sqrt(low * high)
        if len(_greedy(degree, relative, absolute, reach, middle, count)) - 1 <= count:
            high = middle
        else:
            low = middle
    knots = [dyadic(arb(knot), _KNOT_BITS) for knot in _greedy(degree, relative, absolute, reach, high, count)[:-1]]
    first = fmpq(-math.ceil(reach * 2**_KNOT_BITS), fmpz(2) ** _KNOT_BITS)
    return ExponentialPlan(level, (first, *reversed(knots)), relative, absolute)


def _greedy(degree: int, relative: float, absolute: float, reach: float, share: float, most: int) -> list[float]:
    """Knots from 0 down to `-reach`, each piece as long as `share` of the error asked for lets it be."""
    factorial = math.lgamma(degree + 2)

    def excess(length: float, top: float) -> float:
        allowed = math.log(share * (relative * math.exp(top - length) + absolute / 2))
        return math.log(4) + (degree + 1) * math.log(length / 4) + top - factorial - allowed

    knots = [0.0]
    while knots[-1] > -reach * (1 - 1e-12) and len(knots) <= most + 1:
        top = knots[-1]
        low, high = 1e-9, top + reach
        if excess(high, top) <= 0:
            low = high
        else:
            for _ in range(45):
                middle = (low + high) / 2
                if excess(middle, top) > 0:
                    high = middle
                else:
                    low = middle
        knots.append(top - low)
    return knots


def exponential(plan: ExponentialPlan, bits: int) -> Exponential:
    """The gadget of a plan; `bits` as in `piecewise`, at most the precision in force less 40."""
    bottom = arb(plan.knots[0]).exp()

    def rescaled(middle: Any, half: Any) -> Any:
        return lambda c: ((middle + half * c).exp() - bottom) / (1 - bottom)

    polynomials = [
        interpolant(rescaled(arb((low + high) / 2), arb((high - low) / 2)), 2**plan.level, bits)
        for low, high in pairwise(plan.knots)
    ]
    polynomials[0] -= polynomials[0](fmpq(-1))  # 0 below its first knot, up to rounding
    return enclosed(piecewise(plan.knots, [polynomials], side="above", bits=bits), plan.relative, plan.absolute)


def enclosed(gadget: Gadget, relative: float, absolute: float) -> Exponential:
    """What the weights of a gadget say of its error: the least multiple of the two errors asked for that bounds it.

    Raises
    ------
    UndecidedSign : a neuron changes its sign within a piece, or is not constant below the first knot.
    """
    require_constant_below(gadget)
    whole = pieces(gadget)
    below = arb(gadget.knots[0]).exp() + abs(whole[0].outputs[0](arb(-1)))  # what it says there is next to 0
    needed = below / arb(absolute)
    last = arb_poly([0])
    for piece in whole:
        middle, half = arb((piece.lower + piece.upper) / 2), arb((piece.upper - piece.lower) / 2)
        last = piece.outputs[0]
        series, remainder = exponential_series(middle, half, 2 * last.length() + 16)
        error = supremum(taylor_difference(last, series, remainder))
        needed = needed.max(error / (arb(relative) * arb(piece.lower).exp() + arb(absolute)))
    needed = needed.upper()
    return Exponential(gadget, needed * arb(relative), needed * arb(absolute), abs(last(arb(1)) - 1))


def exponential_series(middle: Any, half: Any, order: int) -> tuple[list[Any], Any]:
    """Coefficients of `e^{middle + half c}` in `c` up to `order`, and a bound of what is left on [-1, 1]."""
    coefficient = middle.exp()
    series = [coefficient]
    for k in range(1, order + 1):
        coefficient = coefficient * half / k
        series.append(coefficient)
    return series, (middle + half).exp() * half ** (order + 1) / arb(order + 1).fac()

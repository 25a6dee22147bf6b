"""`1/S` on an interval that begins at 1 (A3): pieces of one ratio, no iteration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from flint import arb, arb_poly, fmpq, fmpz

from certflow.networks.gadgets.enclosure import pieces, supremum
from certflow.networks.gadgets.pieces import Gadget, piecewise
from certflow.networks.gadgets.polynomials import dyadic, interpolant

_KNOT_BITS = 24


@dataclass(frozen=True)
class Reciprocal:
    """`|R(S) S - 1| <= min(relative, start + slope (S - k_0))` for all `S` between the outer knots `k_0` and `k_J`."""

    gadget: Gadget
    relative: Any
    start: Any
    slope: Any


@dataclass(frozen=True)
class ReciprocalPlan:
    """Degree `2^level` on pieces between `knots`."""

    level: int
    knots: tuple[Any, ...]
    relative: float


def ratio_error(degree: int, ratio: float) -> float:
    """The relative error of the interpolant of `1/S` on a piece whose ends have this ratio (A3, proofs/A3.md)

    `1 / ( sqrt(x^2 - 1) sinh(n acosh x) )`, `x = (ratio + 1)/(ratio - 1)`.
    """
    x = (ratio + 1) / (ratio - 1)
    exponent = degree * math.acosh(x)
    return 0.0 if exponent > 700 else 1 / (math.sqrt(x * x - 1) * math.sinh(exponent))


def plan_reciprocal(relative: float, start: Any, top: float, level: int, most: int) -> ReciprocalPlan | None:
    """The fewest pieces from `start` (a rational slightly below 1) to `top`, one ratio; None beyond `most`."""
    degree = 2**level
    for count in range(1, most + 1):
        ratio = (top / int(start.p) * int(start.q)) ** (1 / count)
        error = ratio_error(degree, ratio)
        if error <= relative:
            inner = [dyadic(arb(float(int(start.p) / int(start.q)) * ratio**j), _KNOT_BITS) for j in range(1, count)]
            # above the top, also where float64 has rounded that down
            last = fmpq(math.floor(top * 2**_KNOT_BITS) + 1, fmpz(2) ** _KNOT_BITS)
            return ReciprocalPlan(level, (start, *inner, last), error)
    return None


def reciprocal(plan: ReciprocalPlan, bits: int) -> Reciprocal:
    """The gadget of a plan; `bits` as in `piecewise`."""

    def inverse(middle: Any, half: Any) -> Any:
        return lambda c: 1 / (middle + half * c)

    polynomials = [
        interpolant(inverse(arb((low + high) / 2), arb((high - low) / 2)), 2**plan.level, bits)
        for low, high in pairwise(plan.knots)
    ]
    return enclosed(piecewise(plan.knots, [polynomials], side="below", bits=bits))


def enclosed(gadget: Gadget) -> Reciprocal:
    """What the weights of a gadget say of its error; nothing but polynomials is needed for it."""
    relative = start = slope = arb(0)
    for i, piece in enumerate(pieces(gadget)):
        middle, half = arb((piece.lower + piece.upper) / 2), arb((piece.upper - piece.lower) / 2)
        error = piece.outputs[0] * arb_poly([middle, half]) - 1
        size = supremum(error)
        relative = relative.max(size)
        if i == 0:
            start = abs(error(arb(-1))).upper()
            slope = supremum(error.derivative()) / half
    first = gadget.knots[1] - gadget.knots[0]
    return Reciprocal(gadget, relative.upper(), start, slope.max(relative / arb(first)).upper())

"""Lower bounds of sharp rates: a point, or a limit at infinity, evaluated in balls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.results import ExactDecimal, ball_ends
from certflow.enclosure.suprema.points import Points
from certflow.enclosure.suprema.search import Candidate
from certflow.numbers.arrays import Floats


@dataclass(frozen=True)
class Witness:
    """Where the rate is at least the lower bound: at `point`, or in the limit `point + s direction`, `s -> infinity`.

    point : `x` in `R^d`, exact; direction : in `R^d`, exact, or None; components : indices of the components that keep
    mass in the limit (of all components if `direction` is None)
    """

    point: tuple[Fraction, ...]
    direction: tuple[Fraction, ...] | None
    components: tuple[int, ...]


def limit(part: Points, best: Candidate) -> tuple[tuple[int, ...], list[Fraction], list[Fraction] | None]:
    """Members, tilt and normal (both with an entry for each ambient axis) of the place of a candidate."""
    d = len(part.middle)
    if best.face is None:
        members, axes, normal = tuple(range(len(part.points))), part.axes, None
    else:
        face = part.faces[best.face]
        members, axes = face.members, tuple(part.axes[a] for a in face.axes)
        normal = [Fraction(0)] * d
        for axis, entry in zip(part.axes, face.normal, strict=True):
            normal[axis] = entry
    tilt = [Fraction(0)] * d
    for axis, entry in zip(axes, best.tilt, strict=True):
        tilt[axis] = Fraction(float(entry))
    return members, tilt, normal


def weights_at(points: Points, members: Sequence[int], tilt: Sequence[Any], offsets: Sequence[Any]) -> list[Any]:
    """`gamma_k ~ exp(o_k + y.(a_k - middle))` over `members`, as balls; `tilt` has an entry for each ambient axis."""
    logits = [
        offsets[k] + sum((y * ball(a) for y, a in zip(tilt, points.centred[k], strict=True)), ball(Fraction(0)))
        for k in members
    ]
    largest = max(logits, key=lambda logit: float(logit.mid()))
    powers = [(logit - largest).exp() for logit in logits]
    total = sum(powers[1:], powers[0])
    return [power / total for power in powers]


def variance_along(vectors: Sequence[Sequence[Any]], weights: Sequence[Any], direction: Sequence[Any]) -> Any:
    """`e.Cov(b) e / e.e`, a ball: a lower bound of `lambda_max Cov(b)` for every `e`."""
    heights = [sum((b * e for b, e in zip(vector, direction, strict=True)), ball(Fraction(0))) for vector in vectors]
    mean = sum((w * h for w, h in zip(weights, heights, strict=True)), ball(Fraction(0)))
    spread = sum((w * (h - mean) * (h - mean) for w, h in zip(weights, heights, strict=True)), ball(Fraction(0)))
    return spread / sum((e * e for e in direction), ball(Fraction(0)))


def top_direction(matrix: Floats) -> list[Fraction]:
    """The eigenvector of the largest eigenvalue, as exact rationals near the float64 one."""
    _, vectors = np.linalg.eigh(matrix)
    return [Fraction(round(float(entry) * 2**40), 2**40) for entry in vectors[:, -1]]


def axis_vector(dimension: int) -> tuple[Fraction, ...]:
    """`(1, 0, ..., 0)`, for a quadratic form that is the same along every vector."""
    return tuple(Fraction(int(axis == 0)) for axis in range(dimension))


def farthest(points: Points) -> int:
    """The point `a` farthest from the middle: `a.b < a.a` for every other point `b`, seen from there."""
    return max(range(len(points.points)), key=lambda k: points.squares[k])


def spread_out(values: Sequence[Fraction], axes: Sequence[int], dimension: int) -> tuple[Fraction, ...]:
    """The vector of `R^d` with the given entries on some axes and 0 on the others."""
    full = [Fraction(0)] * dimension
    for axis, value in zip(axes, values, strict=True):
        full[axis] = value
    return tuple(full)


def turned_back(vector: tuple[Fraction, ...], turn: tuple[int, int] | None) -> tuple[Fraction, ...]:
    """`U^T v` for `U = ((p, q), (-q, p))`: what a vector of turned coordinates is to the points as they were."""
    if turn is None:
        return vector
    (x, y), (p, q) = vector, turn
    return (p * x - q * y, q * x + p * y)


def decimal(value: Any, digits: int = 20) -> ExactDecimal:
    """A decimal near the midpoint of a ball."""
    middle = ball_ends(value)[0]
    return ExactDecimal(round(middle * 10**digits), 10**digits)

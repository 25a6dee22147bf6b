"""Numbers that float64 does not hold exactly, as midpoints and radii, and Taylor models multiplied by them.

Times, `e^-t`, weights that are fractions: Arb encloses them, and the midpoint of a ball in float64 and a bound of what
is left go into the models (proofs/score-networks.md, section 2).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from certflow.enclosure.students.rounding import UNIT, gamma, up
from certflow.enclosure.students.taylor import Models, affine, guarded, scaled, size_of
from certflow.errors import NoEnclosure
from certflow.numbers.arrays import Floats

#: Precision of balls, in bits.
BITS = 160


class Balls(NamedTuple):
    """`|number - middle| <= radius`, entry by entry; float64 arrays of one shape."""

    middle: Floats
    radius: Floats

    def above(self) -> Floats:
        """At least the sizes."""
        return up(np.abs(self.middle) + self.radius)


def exact(values: Any) -> Balls:
    """float64 numbers as they are."""
    middle = np.asarray(values, dtype=np.float64)
    return Balls(middle, np.zeros_like(middle))


def balls(values: Any) -> Balls:
    """An array of Arb balls in float64.

    Raises
    ------
    NoEnclosure : a ball that is not finite, or beyond float64.
    """
    array = np.asarray(values, dtype=object)
    middle, radius = np.zeros(array.shape), np.zeros(array.shape)
    for place, ball in np.ndenumerate(array):
        nearest = float(ball.mid()) if ball.is_finite() else math.inf
        if not math.isfinite(nearest):
            raise NoEnclosure(f"a coefficient that float64 does not hold: {ball}")
        middle[place] = nearest
        radius[place] = above(ball - nearest)
    return Balls(middle, radius)


def above(ball: Any) -> float:
    """A float64 number that is at least the size of the ball; infinite for one that is not finite."""
    if not ball.is_finite():
        return math.inf
    return 0.0 if ball == 0 else math.nextafter(float(ball.abs_upper()), math.inf)


def times(models: Models, factor: Balls) -> Models:
    """`f` times numbers that broadcast to (cells, n)."""
    result = scaled(models, factor.middle)
    if not factor.radius.any():
        return result
    return guarded(result.coefficients, up(result.remainder + size_of(models) * factor.radius))


def shifted(models: Models, shift: Balls) -> Models:
    """`f` and numbers that broadcast to (cells, n)."""
    shape = np.broadcast_shapes(models.remainder.shape, shift.middle.shape)
    c = np.broadcast_to(models.coefficients, (len(models.coefficients), *shape)).copy()
    c[0] += shift.middle
    return guarded(c, up(models.remainder + shift.radius + 2 * UNIT * np.abs(c[0])))


def mapped(models: Models, matrix: Balls, shift: Balls) -> Models:
    """`f W + b`, shapes (n, m) and (m,)."""
    result = affine(models, matrix.middle, shift.middle)
    lost = result.remainder + shift.radius
    if matrix.radius.any():
        lost = lost + up(size_of(models) @ matrix.radius, len(matrix.radius))
    return guarded(result.coefficients, up(lost))


def constants(terms: int, cells: int, numbers: Balls) -> Models:
    """Numbers, shape (n,), as models on so many cells."""
    c = np.zeros((terms, cells, len(numbers.middle)))
    c[0] = numbers.middle
    return Models(c, np.broadcast_to(numbers.radius, c.shape[1:]).copy())


def power(values: Floats, exponent: int) -> Floats:
    """A power by products, whose rounding is known: `exponent` of them."""
    result = np.ones_like(values)
    for _ in range(exponent):
        result = result * values
    return result


def summed(values: Floats) -> float:
    """At least the sum of numbers `>= 0`."""
    return float(up(np.asarray(values.sum()), values.size))


def summed_below(values: Floats) -> float:
    """At most the sum of numbers `>= 0`."""
    return float(values.sum() * (1 - 2 * gamma(values.size + 2)))

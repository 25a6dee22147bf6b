"""How accurate float64 results are, and balls of rising precision for those that are not.

The guards of fields and of rates (`certflow.field.guard`, `certflow.bounds.guard`) have the error bounds; what they
accept, and how they compute again what they do not, stands here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from certflow.numbers.arrays import Floats
from certflow.numbers.precision import ball_precision

#: Relative error beyond which a float64 result is not accepted.
TOLERANCE = 5e-13

#: Up to this dimension the tolerance holds.
_DIMENSION = 64

#: Precisions of the balls, in bits; the last resolves numbers down to the smallest float64 squared.
_BALL_BITS = (128, 256, 512, 1024, 2400)


def tolerance(dimension: int) -> float:
    """`TOLERANCE`, times `d/64` in more than 64 dimensions, where sums of d terms round more."""
    return TOLERANCE * max(1.0, dimension / _DIMENSION)


def from_balls(compute: Callable[[], Any]) -> Floats:
    """The middles of the balls that `compute` makes, at a precision where each radius is below `2^-56` of the largest.

    Zeros that are exact, and what is no number, end at the last precision.
    """
    for bits in _BALL_BITS:
        with ball_precision(bits):
            balls = np.asarray(compute(), dtype=object)
            error = max(ball.rad() for ball in balls.flat)
            size = max(abs(ball.mid()) for ball in balls.flat)
            if error < size / 2**56:
                break
    return np.array([float(ball.mid()) for ball in balls.flat]).reshape(balls.shape)

"""The causes of what the Jacobian of a velocity was found to say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from certflow.numbers.arrays import Floats
from certflow.testing.causes.code import Asked, Code
from certflow.testing.causes.quantities import Quantity
from certflow.testing.causes.search import norms
from certflow.testing.causes.vectors import other_causes
from certflow.testing.examination import Examination
from certflow.testing.result import Cause


def _eye(slope: Floats) -> Floats:
    return np.eye(slope.shape[-1])


_RIGHT = Quantity("", "", lambda g, q: -_eye(g) - g)

#: What is returned for `J = -I - G`, `G` the Jacobian of the score.
_OTHERS = [
    Quantity("score for the velocity", "it is the Jacobian of the score, not that of -x - s", lambda g, q: g),
    Quantity("sign", "it is minus the Jacobian", lambda g, q: _eye(g) + g),
    Quantity("-I lost", "-I is missing: it is minus the Jacobian of the score", lambda g, q: -g),
    Quantity(
        "sign of a term", "it is -I + G, where -I - G is right, G the Jacobian of the score", lambda g, q: g - _eye(g)
    ),
    Quantity(
        "sign of a term", "it is I - G, where -I - G is right, G the Jacobian of the score", lambda g, q: _eye(g) - g
    ),
    Quantity("half the score", "it is -I - G / 2, where -I - G is right", lambda g, q: -_eye(g) - g / 2),
    Quantity("half", "it is half the Jacobian", lambda g, q: -(_eye(g) + g) / 2),
    Quantity("diagonal", "it is the diagonal of the Jacobian alone", lambda g, q: -(_eye(g) + g) * _eye(g)),
]


def matrix_causes(examined: Examination) -> Sequence[Cause]:
    """The simplest causes that explain all answers."""
    size = norms(examined.expected) + np.sqrt(examined.target.mixture.dimension)
    return other_causes(examined, size, _RIGHT, _OTHERS, _slope)


def _slope(code: Code, asked: Asked) -> Floats:
    return code.slope

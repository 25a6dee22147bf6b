"""The causes of what the Jacobian of a velocity was found to say."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np

from certflow.numbers.arrays import Floats
from certflow.testing.causes.code import Asked, Code
from certflow.testing.causes.noising import noising_faults
from certflow.testing.causes.parameters import parameter_faults
from certflow.testing.causes.plain import plain_causes
from certflow.testing.causes.quantities import Quantity
from certflow.testing.causes.search import Evidence, Tables, norms
from certflow.testing.causes.vectors import in_words
from certflow.testing.examination import Examination
from certflow.testing.result import Cause
from certflow.testing.subject import Misbehaviour
from certflow.testing.truth import Target


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
    target, got = examined.target, examined.answers
    if not isinstance(target, Target) or isinstance(got, Misbehaviour):
        return ()
    rows = examined.rows
    n = np.sqrt(-np.expm1(-2 * rows.time))
    asked = Asked(rows.x, rows.t, rows.time, np.exp(-rows.time), n, target.t_min, target.t_max)
    size = norms(examined.expected) + np.sqrt(target.mixture.dimension)
    right = Code.right(target.mixture, asked)
    evidence = Evidence(asked, right, got, examined.expected, examined.tolerance, size, target.precision.unit)
    faults = chain(parameter_faults(right), noising_faults(target.schedule, target.time_scale))
    tables = Tables.of(evidence, faults, _RIGHT, _OTHERS, _slope)
    causes = tables.single() or plain_causes(evidence) or tables.double()
    return [Cause(cause.name, in_words(cause.sentence, True)) for cause in causes]


def _slope(code: Code, asked: Asked) -> Floats:
    return code.slope

"""The causes of what a log-density was found to say."""

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
from certflow.testing.causes.search import Evidence, Tables
from certflow.testing.causes.vectors import in_words
from certflow.testing.examination import Examination
from certflow.testing.result import Cause
from certflow.testing.subject import Misbehaviour
from certflow.testing.truth import Target

_RIGHT = Quantity("", "", lambda p, q: p)


def _others(dimension: int) -> list[Quantity]:
    """What is returned for the log-density."""
    constant = np.log(2 * np.pi) / 2
    return [
        Quantity("sign", "it is minus the log-density", lambda p, q: -p),
        Quantity("density", "it is the density, not its logarithm", lambda p, q: np.exp(p)),
        Quantity("constant lost", "-d log(2 pi) / 2 is missing", lambda p, q: p + dimension * constant),
        Quantity(
            "constant of one dimension",
            "log(2 pi) / 2 stands for d log(2 pi) / 2",
            lambda p, q: p + (dimension - 1) * constant,
        ),
        Quantity("constant's sign", "d log(2 pi) / 2 has the wrong sign", lambda p, q: p + 2 * dimension * constant),
        Quantity("base", "it is the logarithm to base 2", lambda p, q: p / np.log(2)),
        Quantity("base", "it is the logarithm to base 10", lambda p, q: p / np.log(10)),
    ]


def density_causes(examined: Examination) -> Sequence[Cause]:
    """The simplest causes that explain all answers."""
    target, got = examined.target, examined.answers
    if not isinstance(target, Target) or isinstance(got, Misbehaviour):
        return ()
    rows = examined.rows
    n = np.sqrt(-np.expm1(-2 * rows.time))
    asked = Asked(rows.x, rows.t, rows.time, np.exp(-rows.time), n, target.t_min, target.t_max)
    right = Code.right(target.mixture, asked)
    size = np.abs(examined.expected) + target.mixture.dimension
    evidence = Evidence(asked, right, got, examined.expected, examined.tolerance, size, target.precision.unit)
    faults = chain(parameter_faults(right), noising_faults(target.schedule, target.time_scale))
    tables = Tables.of(evidence, faults, _RIGHT, _others(target.mixture.dimension), _log_density)
    causes = tables.single() or plain_causes(evidence) or tables.double()
    return [Cause(cause.name, in_words(cause.sentence, True)) for cause in causes]


def _log_density(code: Code, asked: Asked) -> Floats:
    return code.log_density

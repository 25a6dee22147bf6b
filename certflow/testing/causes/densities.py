"""The causes of what a log-density was found to say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from certflow.numbers.arrays import Floats
from certflow.testing.causes.code import Asked, Code
from certflow.testing.causes.quantities import Quantity
from certflow.testing.causes.vectors import other_causes
from certflow.testing.examination import Examination
from certflow.testing.result import Cause

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
    size = np.abs(examined.expected) + examined.target.mixture.dimension
    return other_causes(examined, size, _RIGHT, _others(examined.target.mixture.dimension), _log_density)


def _log_density(code: Code, asked: Asked) -> Floats:
    return code.log_density

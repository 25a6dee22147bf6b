"""The guard of float64 rates and their integrals: where terms cancel, the result is computed again in balls.

`lambda(t)` is a difference of positive terms, and near its zero float64 keeps nothing of it; so is `int lambda` over
a short interval there. Beside each value stands a first-order bound of its rounding error, generous and not proved.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import numpy as np

from certflow.numbers.accuracy import from_balls
from certflow.numbers.arrays import Floats

#: Relative error of a sum of positive terms, each a product of a few factors, in float64.
TERMS = 16 * 2.0**-52

_SMALLEST_NORMAL = float(np.finfo(np.float64).tiny)


def silent() -> AbstractContextManager[Any]:
    """NumPy warns of nothing: what overflows is infinite, and that is the bound."""
    return np.errstate(over="ignore", under="ignore", invalid="ignore")


def repaired(values: Floats, error: Any, accepted: Any, in_balls: Callable[[int], Any]) -> Floats:
    """The values (N,), those of an error bound above `accepted` and subnormal ones anew: `in_balls(row)` is a ball."""
    size = np.abs(values)
    doubtful = ~((error <= accepted) & (size >= _SMALLEST_NORMAL))
    if doubtful.any():
        values = np.array(values)
        for row in np.flatnonzero(doubtful & np.isfinite(values) & ((error > 0) | (size > 0))):  # else no term at all
            values[row] = from_balls(partial(in_balls, int(row)))
    return values


def exact_ball(value: float) -> Any:
    """The binary number that a float is."""
    import flint

    return flint.arb(value)

"""Ratios of means with an interval, from one sample, by the grouped jackknife.

With draws `a_i, b_i >= 0` the ratio of norms is `R = sqrt(sum a / sum b)`. The draws are dealt out to `G` groups, the
ratio is computed once without each of them, and the spread of `log R` over these,

    se^2 = (G - 1)/G sum_g (log R_(g) - mean)^2,

gives the interval `log R +- q se`, `q` a quantile of Student's law with `G - 1` degrees of freedom. The logarithm keeps
the interval positive and makes it wide where few draws decide: without the one group that has nearly all of the error
`log R_(g)` falls far. It is empirical all the same: an error that no draw has met is in no interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from certflow.numbers.arrays import Floats

GROUPS = 64


@dataclass(frozen=True)
class Ratio:
    """`sqrt(E a / E b)` with an interval."""

    value: float
    low: float
    high: float

    def mapping(self) -> dict[str, float]:
        return {"value": self.value, "low": self.low, "high": self.high}

    def squared(self) -> Ratio:
        """The same of `E a / E b`."""
        return Ratio(*(number * number for number in (self.value, self.low, self.high)))


def ratio_of_norms(a: Floats, b: Floats, doubt: float) -> Ratio:
    """`sqrt(sum a / sum b)` of squares, shape (N,), N >= `GROUPS`, with an interval that is missed with probability
    `doubt` where means of groups are nearly normal."""
    sums = [np.add.reduceat(_dealt(values), np.arange(GROUPS) * (len(values) // GROUPS)) for values in (a, b)]
    top, bottom = (each.sum() for each in sums)
    if top == 0:
        return Ratio(0.0, 0.0, 0.0)
    value = math.sqrt(top / bottom)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = 0.5 * np.log((top - sums[0]).clip(0) / (bottom - sums[1]))
        spread = math.sqrt((GROUPS - 1) / GROUPS * float(((logs - logs.mean()) ** 2).sum()))
    if not math.isfinite(spread):  # one group has all of the error
        return Ratio(value, 0.0, math.inf)
    from scipy.special import stdtrit

    reach = float(stdtrit(GROUPS - 1, 1 - doubt / 2)) * spread
    return Ratio(value, value * math.exp(-reach), value * math.exp(reach) if reach < 700 else math.inf)


def _dealt(values: Floats) -> Floats:
    """The draws in the order of their groups; the last group has those that are left over."""
    each = len(values) // GROUPS
    first: Floats = values[: each * GROUPS].reshape(each, GROUPS).T.reshape(-1)
    return np.concatenate([first, values[each * GROUPS :]])

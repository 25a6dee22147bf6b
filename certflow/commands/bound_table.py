"""The figures that `certflow bound` shows, in float64 (proofs/L2.md, L3, L6-L8, F1, F2)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import exp, isfinite
from typing import Any

import numpy as np

from certflow.errors import NoGlobalBound
from certflow.law.spectra import largest_variance
from certflow.numbers.arrays import Times
from certflow.numbers.exact import exact_number
from certflow.process import OrnsteinUhlenbeck

CURVE_POINTS = 68


@dataclass(frozen=True)
class Rates:
    """Global bounds at the times of the table, and the rates on the finer grid of the plot."""

    times: tuple[str, ...]
    two_sided: tuple[float, ...]
    one_sided: tuple[float, ...]
    stability_two_sided: tuple[float, ...]
    stability_one_sided: tuple[float, ...]
    curve_times: tuple[float, ...]
    curve_two_sided: tuple[float, ...]
    curve_one_sided: tuple[float, ...]

    def mapping(self) -> dict[str, Any]:
        """Rows for JSON; an amplification beyond float64 is null, its exponent stands beside it."""
        keys = (
            "t",
            "lipschitz",
            "growth_rate",
            "stability_two_sided",
            "stability_one_sided",
            "amplification_two_sided",
            "amplification_one_sided",
        )
        columns = zip(
            self.times,
            self.two_sided,
            self.one_sided,
            self.stability_two_sided,
            self.stability_one_sided,
            map(_exp, self.stability_two_sided),
            map(_exp, self.stability_one_sided),
            strict=True,
        )
        return {"rows": [dict(zip(keys, row, strict=True)) for row in columns]}


@dataclass(frozen=True)
class BallRow:
    """`sup ||J||` over `|x| <= radius` at one time, and the probability that is left outside."""

    index: int
    time: str
    radius: float
    bound: float
    outside: float
    in_table: bool


@dataclass(frozen=True)
class Balls:
    """What can be said of a mixture that has no global bound (proofs/L8.md)."""

    times: tuple[str, ...]
    reason: str
    pair: tuple[int, int]
    growth: str
    proved: bool
    rows: tuple[BallRow, ...]

    def mapping(self) -> dict[str, Any]:
        """The obstruction and every ball for JSON; components are counted from 0."""
        keys = ("time", "radius", "bound", "outside")
        names = ("t", "radius", "lipschitz_on_ball", "outside_probability")
        return {
            "reason": self.reason,
            "pair": list(self.pair),
            "growth": self.growth,
            "proved": self.proved,
            "balls": [{name: getattr(row, key) for name, key in zip(names, keys, strict=True)} for row in self.rows],
        }


def rates(process: OrnsteinUhlenbeck, points: int, ends: tuple[str, str]) -> Rates:
    """The bounds at `points` times spaced evenly in log t. Raises `NoGlobalBound` (proofs/L8.md)."""
    times = table_times(process, points, ends)
    values = _floats(times)
    curve = np.geomspace(values[0], values[-1], CURVE_POINTS)
    both = [process.lipschitz_bound(values), process.growth_rate_bound(values)]
    drawn = [process.lipschitz_bound(curve), process.growth_rate_bound(curve)]
    sums = []
    for rate in ("two-sided", "one-sided"):
        steps = process.stability(values[:-1], values[1:], rate=rate)
        sums.append(np.concatenate([[0.0], np.cumsum(steps)]))
    columns = [tuple(map(float, column)) for column in (*both, *sums, curve, *drawn)]
    return Rates(times, *columns)


def balls(process: OrnsteinUhlenbeck, points: int, ends: tuple[str, str], reason: NoGlobalBound) -> Balls:
    """Bounds on balls of five radii at the times of the table; three of these times are printed."""
    times = table_times(process, points, ends)
    values = _floats(times)
    shown = {0, (len(times) - 1) // 2, len(times) - 1}
    rows = []
    for radius in ball_radii(process):
        bounds = process.ball_bound(radius, values)
        for index, (time, value, bound) in enumerate(zip(times, values, bounds, strict=True)):
            outside = process.outside_probability(radius, float(value))
            rows.append(BallRow(index, time, radius, float(bound), outside, index in shown))
    return Balls(times, str(reason), reason.pair, reason.growth, reason.proved, tuple(rows))


def ball_radii(process: OrnsteinUhlenbeck) -> tuple[float, ...]:
    """Round radii from the bulk of `p_0` and of the noise to far outside both."""
    mixture = process.mixture
    reach = float(np.linalg.norm(mixture.means, axis=1).max())
    scale = reach + (max(1.0, largest_variance(mixture)) * mixture.dimension) ** 0.5
    return tuple(float(f"{factor * scale:.2g}") for factor in (1, 1.5, 2, 3, 5))


def table_times(process: OrnsteinUhlenbeck, points: int, ends: tuple[str, str]) -> tuple[str, ...]:
    """Exact texts of times from `t_min` to `t_max` (`ends`), evenly in log t up to rounding to few digits.

    The time that is printed is the time that was used: interior times are rounded to the fewest digits
    that keep them apart.
    """
    t_min, t_max = process.exact_t_min, process.exact_t_max
    inner = np.geomspace(float(t_min), float(t_max), points)[1:-1]
    for digits in range(2, 18):
        texts = [f"{time:.{digits}g}" for time in inner]
        exact = [t_min, *map(Fraction, texts), t_max]
        if all(a < b for a, b in pairwise(exact)):
            return (ends[0], *texts, ends[1])
    return ends  # float64 has not that many numbers in between


def decimal(time: str) -> str:
    """A time of the table as a decimal: `1/3`, which not every program reads, becomes the float next to it."""
    return repr(float(exact_number(time))) if "/" in time else time


def _floats(times: tuple[str, ...]) -> Times:
    return np.array([float(exact_number(time)) for time in times])


def _exp(exponent: float) -> float | None:
    return exp(exponent) if isfinite(exponent) and exponent < 709 else None

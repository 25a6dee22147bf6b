"""What is right: what a model must say of a mixture in its own prediction and coordinates, and how exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from certflow.errors import unknown
from certflow.field.components import components_at, quantity_from
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Flags, Floats, Points, Times
from certflow.numbers.floats import FLOATS
from certflow.schedules.predictions import PREDICTIONS
from certflow.schedules.schedule import Schedule
from certflow.schedules.table import Table
from certflow.testing.precision import Posterior, Precision, score_error, steps_of_time
from certflow.testing.rows import Rows
from certflow.testing.shrinking import SIMPLE_TIMES, simple_pairs, simpler_pairs

#: By `m`, `n`, `r`: the factors of the OU state and of the OU score in what is predicted (proofs/N2.md).
FROM_SCORE: dict[str, Callable[[Any, Any, Any], tuple[Any, Any]]] = {
    "score": lambda m, n, r: (0 * m, 1 / r),
    "velocity": lambda m, n, r: (-1 + 0 * m, -1 + 0 * m),
    "epsilon": lambda m, n, r: (0 * m, -n),
    "sample": lambda m, n, r: (1 / m, n * n / m),
    "v_prediction": lambda m, n, r: (-r * n / m, -r * n / m),
    "flow_prediction": lambda m, n, r: (-1 / m, -n * (m + n) / m),
}


@dataclass(frozen=True)
class Target:
    """What a right callable says of a mixture.

    Attributes
    ----------
    mixture : the data law
    predicts : a key of `FROM_SCORE`
    schedule : whose `x` and `tau` it takes
    time_scale : it takes so many times `tau`
    precision : the format of its numbers
    t_min, t_max : the ends of the OU time at which it is asked
    """

    mixture: GaussianMixture
    predicts: str
    schedule: Schedule
    time_scale: float
    precision: Precision
    t_min: float
    t_max: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what is said of one row."""
        return (self.mixture.dimension,)

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The least and the largest time of the code's own at which it is asked."""
        first, last = (float(self.schedule.time_at(t)) for t in (self.t_min, self.t_max))
        if isinstance(self.schedule, Table):
            first, last = float(np.ceil(first)), float(np.floor(last))
        low, high = sorted((first * self.time_scale, last * self.time_scale))
        return low, high

    def times(self, wanted: Any) -> Times:
        """The nearest times of the code's own at which it can be asked: a table's are whole numbers."""
        if isinstance(self.schedule, Table):
            wanted = np.round(np.asarray(wanted) / self.time_scale) * self.time_scale
        return self.precision.between(wanted, *self.ends)

    def rows(self, state: Points, time: Times) -> Rows:
        """Points in OU coordinates as the code takes them, rounded to its format: rounding them costs nothing then."""
        wanted = self.schedule.time_at(np.clip(time, self.t_min, self.t_max)) * self.time_scale
        t = self.times(wanted)
        exact = np.asarray(self.schedule.ou_time(t / self.time_scale), dtype=np.float64)
        scale = self.schedule.scale_at(exact)[:, None]
        x = self.precision.rounded(scale * state)
        return Rows(x, t, x / scale, exact)

    def at(self, x: Points, t: Times) -> Rows:
        """Points and times of the code's own, numbers of its format."""
        exact = np.asarray(self.schedule.ou_time(np.asarray(t, dtype=np.float64) / self.time_scale), dtype=np.float64)
        return Rows(x, t, x / self.schedule.scale_at(exact)[:, None], exact)

    def simple(self, row: Rows) -> Rows:
        """Rows of simple numbers, those first that are best to read."""
        low, high = self.ends
        return self.at(*simple_pairs(row.x[0], [t for t in SIMPLE_TIMES if low <= t <= high]))

    def simpler(self, row: Rows) -> list[Rows]:
        """For one row, steps in which one of its numbers becomes simpler, each a choice of rows."""
        steps = []
        for x, t in simpler_pairs(row.x[0], float(row.t[0])):
            inside = (t >= self.ends[0]) & (t <= self.ends[1])
            steps.append(self.at(self.precision.rounded(x[inside]), self.times(t[inside])))
        return steps

    def expected(self, rows: Rows) -> Floats:
        """What is right, shape (N, d); for float64 computed in double-double."""
        return self.from_score(rows, exact_score(self.mixture, rows.state, rows.time, self.precision))

    def from_score(self, rows: Rows, score: Floats) -> Floats:
        """What is predicted, from the OU score; shape (N, d)."""
        from_x, from_s = self.factors(rows)
        return np.asarray(from_x[:, None] * rows.state + from_s[:, None] * score)

    def tolerance(self, rows: Rows, rtol: float = 0.0) -> Floats:
        """How far a right callable may be from it, in norm, shape (N,); infinite where it may say anything.

        `rtol` adds so much of the size of the terms whose sum it is.
        """
        found = Posterior.of(self.mixture, rows.state, rows.time)
        from_x, from_s = (np.abs(each) for each in self.factors(rows))
        step = steps_of_time(rows.time) * self.precision.unit
        of_x, of_s = from_x * np.linalg.norm(rows.state, axis=1), from_s * found.size
        made = 1 / found.m + 1 / found.n2  # what a factor made of `m` and `1 - m^2` loses
        s_loses = {"velocity": 1.0, "score": 1.0}.get(self.predicts, made)
        x_loses = {"velocity": 1.0, "v_prediction": made}.get(self.predicts, 1 / found.m)
        own = step * (of_s * s_loses + of_x * x_loses)
        rounding = from_s * score_error(found, self.precision, rows.time) + own
        return np.asarray(rounding + rtol * (of_x + of_s))

    def factors(self, rows: Rows) -> tuple[Floats, Floats]:
        """Of the OU state and of the OU score, shape (N,) each."""
        m, n, r = np.exp(-rows.time), np.sqrt(-np.expm1(-2 * rows.time)), self.schedule.scale_at(rows.time)
        from_x, from_s = FROM_SCORE[self.predicts](m, n, r)
        return np.asarray(from_x), np.asarray(from_s)


def exact_score(mixture: GaussianMixture, x: Points, t: Times, precision: Precision) -> Floats:
    """The score to far more digits than the format has, rounded to float64; shape (N, d)."""
    return exact_quantity(mixture, "score", x, t, precision)


def exact_quantity(mixture: GaussianMixture, quantity: str, x: Points, t: Times, precision: Precision) -> Floats:
    """A quantity of `certflow.field` to more digits than the format has: double-double for float64, else float64."""
    if precision.digits < 53:
        return np.asarray(quantity_from(components_at(mixture, FLOATS, t), FLOATS, quantity, x)[0])
    from certflow.numbers.doubledouble import DoubleDoubleArithmetic

    arithmetic = DoubleDoubleArithmetic()
    width = mixture.dimension if mixture.kind in ("shared", "full") or quantity == "jacobian" else 1
    rows = max(1, 2**18 // (mixture.n_components * mixture.dimension * width))
    parts = [
        quantity_from(
            components_at(mixture, arithmetic, arithmetic.asarray(t[start : start + rows])),
            arithmetic,
            quantity,
            arithmetic.asarray(x[start : start + rows]),
        )[0].to_float()
        for start in range(0, len(t), rows)
    ]
    return np.concatenate(parts)


def check_predicts(predicts: Any) -> str:
    """One of `cf.Model`'s predictions."""
    if not isinstance(predicts, str) or predicts not in PREDICTIONS:
        raise unknown("predicts", predicts, PREDICTIONS)
    return predicts


def differing(got: Floats, expected: Floats) -> Floats:
    """`|got - expected|` in norm for each row, infinite where something is no number; shape (N,)."""
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.linalg.norm((got - expected).reshape(len(got), -1), axis=1)
    return np.where(np.isfinite(apart), apart, np.inf)


def wrong(error: Floats, tolerance: Floats) -> Flags:
    """Where the error is larger than what is allowed; nowhere where anything is."""
    return np.isfinite(tolerance) & (error > tolerance)

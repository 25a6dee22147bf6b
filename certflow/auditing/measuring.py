"""The relative error of a model on the law itself, over time, each with an interval.

    R(t) = ( E|q_hat - q|^2 / E|q|^2 )^{1/2},   means over X ~ p_t,

`q` the score or another quantity of the mixture, `q_hat` what the model says. The same draws of data and noise serve
every time. All intervals together miss with a probability of 5 % where means of groups are nearly normal, by
Bonferroni's inequality; that is empirical (`certflow.auditing.intervals`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.auditing.intervals import Ratio, ratio_of_norms
from certflow.auditing.subject import Subject
from certflow.errors import InputError
from certflow.law.noised import noised
from certflow.numbers.arrays import Floats, Points, Times
from certflow.process import OrnsteinUhlenbeck

#: The probability with which some interval of an audit misses, all times together.
DOUBT = 0.05
#: Rows that a model is asked for at once: a network has to hold them all.
CHUNK = 4096

#: The exact quantities, and the Python that says them in a replay.
EXACT: dict[str, tuple[Callable[[OrnsteinUhlenbeck, Points, float], Points], str]] = {
    "score": (lambda p, x, t: p.score(x, t), "p.score(x, t)"),
    "velocity": (lambda p, x, t: p.velocity(x, t), "p.velocity(x, t)"),
    "denoiser": (
        lambda p, x, t: math.exp(-t) * (x - math.expm1(2 * t) * p.velocity(x, t)),
        "np.exp(-t) * (x - np.expm1(2 * t) * p.velocity(x, t))",
    ),
    "noise": (
        lambda p, x, t: -math.sqrt(-math.expm1(-2 * t)) * p.score(x, t),
        "-np.sqrt(-np.expm1(-2 * t)) * p.score(x, t)",
    ),
}


@dataclass(frozen=True, eq=False)
class Draws:
    """Draws of the data law and standard normal noise, shape (N, d) each: `x(t)` are draws of `p_t`."""

    data: Points
    noise: Points

    @classmethod
    def of(cls, process: OrnsteinUhlenbeck, samples: int, seed: int) -> Draws:
        first, second = (int(number) for number in np.random.SeedSequence(seed).generate_state(2, np.uint64))
        data = process.mixture.sample(samples, seed=first)
        return cls(data, np.random.default_rng(second).standard_normal(data.shape))

    def x(self, t: float) -> Points:
        return noised(self.data, t, self.noise)


@dataclass(frozen=True, eq=False)
class Worst:
    """The draw at which the model is farthest off, in units of the root mean square of what is right there."""

    x: Points
    t: float
    got: Points
    expected: Points
    scale: float

    @property
    def error(self) -> float:
        return float(np.linalg.norm(self.got - self.expected))

    @property
    def relative(self) -> float:
        return self.error / self.scale


@dataclass(frozen=True, eq=False)
class Moment:
    """The error at one time.

    t : the time; error : `R(t)`; size : `(E|q|^2)^{1/2}`; heaviest : the share of the squared error that the one draw
    with most of it has; worst : that draw
    """

    t: float
    error: Ratio
    size: float
    heaviest: float
    worst: Worst

    def mapping(self) -> dict[str, Any]:
        return {
            "t": self.t,
            "relative_error": self.error.value,
            "interval": [self.error.low, self.error.high],
            "relative_mse": self.error.value**2,
            "root_mean_square": self.size,
            "share_of_the_heaviest_draw": self.heaviest,
        }


def grid(process: OrnsteinUhlenbeck, count: int) -> Times:
    """Times in geometric progression, both ends as they are."""
    times = np.geomspace(process.t_min, process.t_max, count)
    times[0], times[-1] = process.t_min, process.t_max
    return times


def errors_at(
    subject: Subject, process: OrnsteinUhlenbeck, quantity: str, x: Points, t: float
) -> tuple[Points, Points]:
    """What the model says at points, shape (N, d), and what is right."""
    parts = [subject.quantity(quantity, x[i : i + CHUNK], t) for i in range(0, len(x), CHUNK)]
    return np.concatenate(parts), EXACT[quantity][0](process, x, t)


def moment(subject: Subject, process: OrnsteinUhlenbeck, quantity: str, draws: Draws, t: float, doubt: float) -> Moment:
    """The error at one time; doubt : the probability with which its interval may miss.

    Raises
    ------
    InputError : what the model refuses, or numbers whose squares are beyond float64.
    """
    x = draws.x(t)
    got, expected = errors_at(subject, process, quantity, x, t)
    with np.errstate(over="ignore"):
        wrong, right = squares(got - expected), squares(expected)
        finite = math.isfinite(float(wrong.sum()))
    if not finite:
        raise InputError("model", f"{float(np.abs(got).max()):.3g} at t = {t:.6g}", "numbers whose squares are finite")
    total = float(wrong.sum())
    size = math.sqrt(float(right.mean()))
    place = int(wrong.argmax())
    return Moment(
        t=t,
        error=ratio_of_norms(wrong, right, doubt),
        size=size,
        heaviest=float(wrong[place]) / total if total else 0.0,
        worst=Worst(x[place], t, got[place], expected[place], size),
    )


def squares(points: Points) -> Floats:
    """`|x|^2` of every row."""
    found: Floats = (points * points).sum(axis=1)
    return found

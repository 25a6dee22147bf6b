"""Evaluation of a process in Arb balls at exact times, and comparisons with three outcomes.

A comparison of balls is certain, or certainly false, or open; what stays open is inconclusive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.claims.check import Context
from certflow.claims.model import Outcome
from certflow.enclosure.closed_forms import working_bits
from certflow.enclosure.expressions import ball
from certflow.enclosure.integrals import shape_of
from certflow.enclosure.results import Enclosure, ball_ends
from certflow.law.mixture import GaussianMixture
from certflow.numbers.numerals import nearest
from certflow.numbers.precision import ball_precision
from certflow.process import OrnsteinUhlenbeck

KINDS = ("one-sided", "two-sided")
#: The names of the two bounds in summaries.
SYMBOLS = {"one-sided": "lambda(t)", "two-sided": "L(t)"}

#: Digits to which a formula evaluated in balls must agree with another evaluation of it.
DIGITS = 30


@contextmanager
def precision(context: Context) -> Iterator[None]:
    """Enough bits for `DIGITS` digits of every rate of this process."""
    mixture = context.mixture
    bits = 300
    if mixture.kind == "common-isotropic":
        bits += working_bits(*shape_of(mixture), context.process.exact_t_max)
    with ball_precision(bits):
        yield


def bound_at(process: OrnsteinUhlenbeck, times: Sequence[Fraction], kind: str) -> list[Any]:
    """The bound under test at exact times, as balls."""
    balls = np.array([ball(time) for time in times], dtype=object)
    return list(process.growth_rate_bound(balls) if kind == "one-sided" else process.lipschitz_bound(balls))


class ClosedRates:
    """`q = e^{-2t}`, `v = s2 q + 1 - q`, `lambda = 1 - 1/v + q D^2/(4 v^2)`, `L = max(|1/v - 1|, |lambda|)`, balls."""

    def __init__(self, mixture: GaussianMixture, time: Fraction):
        c, square = shape_of(mixture)
        q = (-2 * ball(time)).exp()
        self.v = ball(1 - c) * q - (-2 * ball(time)).expm1()
        self.drift = ball(c) * q / self.v
        self.growth = q * ball(square) / (4 * self.v * self.v) - self.drift
        self.size = abs(self.drift).max(abs(self.growth))

    def rate(self, kind: str) -> Any:
        """`lambda` or `L`."""
        return self.growth if kind == "one-sided" else self.size


def agreement(found: Any, expected: Any, size: Any) -> Outcome:
    """Whether two balls are the same number to `DIGITS` digits of `size`; disjoint balls certainly are not."""
    if not (found.is_finite() and expected.is_finite()):
        return Outcome.INCONCLUSIVE
    if not found.overlaps(expected):
        return Outcome.VIOLATED
    room = max(map(abs, ends(size))) / 10**DIGITS
    return Outcome.HOLDS if ball_ends(found)[1] + ball_ends(expected)[1] <= room else Outcome.INCONCLUSIVE


def within(found: Any, lower: Fraction, upper: Fraction, room: Fraction) -> Outcome:
    """Whether a ball lies in `[lower - room, upper + room]`: certainly, certainly not, or open."""
    if not found.is_finite():
        return Outcome.INCONCLUSIVE
    low, high = ends(found)
    if high < lower - room or low > upper + room:
        return Outcome.VIOLATED
    return Outcome.HOLDS if lower - room <= low and high <= upper + room else Outcome.INCONCLUSIVE


def ends(value: Any) -> tuple[Fraction, Fraction]:
    """The ends of a finite ball."""
    middle, radius = ball_ends(value)
    return middle - radius, middle + radius


def shown(value: Any, digits: int = 25) -> str:
    """A ball as a decimal text with its radius."""
    return str(value.str(digits))


def interval_of(context: Context) -> tuple[Fraction, Fraction]:
    """`(t_min, t_max)`, exact."""
    return context.process.exact_t_min, context.process.exact_t_max


def integral_of(process: OrnsteinUhlenbeck, s: Any, t: Any, rate: str) -> Any:
    """The integral under test between exact times, or balls."""
    start, end = (ball(time) if isinstance(time, Fraction) else time for time in (s, t))
    return process.stability(start, end, rate)


def rounded(lower: Fraction, upper: Fraction, digits: int = 10) -> str:
    """The number to which both ends, and so what lies between them, round; where they differ `bracket`."""
    number = nearest(lower, digits)
    return number if number == nearest(upper, digits) else f"{Enclosure(lower, upper):.{digits}}"


def bracket(lower: Fraction, upper: Fraction, digits: int = 10) -> str:
    """`[lower, upper]` with ends rounded outwards to so many digits."""
    return f"{Enclosure.of_fractions(lower, upper, digits):.{digits}}"

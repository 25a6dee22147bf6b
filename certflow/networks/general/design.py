"""Degrees and pieces of a network of general covariances for an error asked for (A6, A7).

The design is made in float64 by the formulas of the bound; what it is worth is proved afterwards, from the weights.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb, fmpq

from certflow.networks.gadgets.exponential import plan_exponential
from certflow.networks.gadgets.polynomials import dyadic
from certflow.networks.gadgets.reciprocal import plan_reciprocal
from certflow.networks.general import moments
from certflow.networks.general.expected import expected_errors
from certflow.networks.general.law import GeneralLaw
from certflow.networks.plan import MOST_PIECES, Plan, even_knots, first_level
from certflow.numbers.arrays import Floats

#: Shares of the error: time, exponential, its clipping far below, reciprocal.
SHARES = (0.40, 0.25, 0.08, 0.20)
#: Times at which the design looks.
_TIMES = 121
_KNOT_BITS = 40
#: The outer knots of the reciprocal lie at least `2^-7` of themselves outside [1, K], however exact the exponential is.
_ROOM = 7


@np.errstate(all="ignore")  # as for one variance
def design(law: GeneralLaw, target: float) -> Plan:
    """The fewest layers, then the fewest pieces, whose errors are about `target` together in `L^2(p_t)`.

    Raises
    ------
    InputError : no degree up to 64 on at most 16 pieces is enough.
    """
    sizes = _Sizes(law)
    for_time, for_exponential, for_clipping, for_reciprocal = (share * target for share in SHARES)
    if law.components == 1:
        for_time = 0.8 * target
    time_level, time_knots = first_level(lambda level: _time_knots(sizes, for_time, level), target)
    if law.components == 1:
        return Plan(time_level, time_knots, None, None)
    force = max(sizes.largest_force(), target)
    relative, absolute = (
        for_exponential / force,
        for_clipping / (2 * law.components * max(sizes.steepest_force(), target)),
    )
    exponential = first_level(lambda level: plan_exponential(relative, absolute, level, MOST_PIECES), target)
    below = min(_ROOM, max(2, math.floor(-math.log2(4 * relative + 4 * law.components * absolute))))
    start = 1 - fmpq(1, 2**below)
    top = law.components * (1 + 2 * relative + 2 * absolute + 2.0**-_ROOM)
    reciprocal = first_level(
        lambda level: plan_reciprocal(for_reciprocal / force, start, top, level, MOST_PIECES), target
    )
    return Plan(time_level, time_knots, exponential, reciprocal)


class _Sizes:
    """What the design needs of a law, in float64; arrays have axes (time, component, variance)."""

    def __init__(self, law: GeneralLaw):
        self.law = law
        self.low, self.high = float(arb(law.t_min)), float(arb(law.t_max))
        self.columns = np.array([[float(1 - arb(v)) for v in frame.variances] for frame in law.frames])
        self.of = list(law.of)
        self.excess = self.columns[self.of]
        self.weights = np.array([float(arb(weight)) for weight in law.weights])
        self.squares, self.mixed, self.centred = (
            np.array([[float(arb(entry)) for entry in row] for row in rows])
            for rows in (law.squares, law.mixed_squares, law.centred_squares)
        )
        self.means = np.array([[float(arb(entry)) for entry in mean] for mean in law.means])
        self.grid = self.low + (self.high - self.low) * (np.arange(_TIMES) / (_TIMES - 1)) ** 3

    def variance(self, times: Floats) -> Floats:
        return np.asarray(1 - self.excess * np.exp(-2 * times)[:, None, None])

    def forces(self, times: Floats) -> tuple[Floats, Floats]:
        """`sum_k w_k E_k |b_k|^2` and fourth moments, less what all have in common where it is shared."""
        variance = self.variance(times)
        if self.law.is_shared:
            second = ((np.exp(-times)[:, None, None] / variance) ** 2 * self.centred).sum(-1)
            return second @ self.weights, second**2 @ self.weights
        repeats = self.law.repeats
        second = moments.force_second(1 / variance, repeats)
        return second @ self.weights, moments.force_fourth(1 / variance, repeats) @ self.weights

    def largest_force(self) -> float:
        return math.sqrt(self.forces(self.grid)[0].max())

    def steepest_force(self) -> float:
        """About the largest force of one component in `L^2(p_t)`, at the data end."""
        variance = self.variance(self.grid[:1])[0]
        if self.law.is_shared:
            return float(np.sqrt((self.centred / variance**2).sum(-1).max()))
        distances = ((self.means[:, None] - self.means) ** 2).sum(-1)
        away = distances + (variance.sum(-1) * self.law.repeats)[:, None]
        return float((np.sqrt(self.weights @ away) / variance.min(-1)).max())

    def needs(self, low: float, high: float, level: int) -> float:
        """About the error in `L^2(p_t)` that interpolation on one piece makes, at the worst of its times."""
        errors = expected_errors(self.columns.reshape(-1), low, high, 2**level)
        m = np.exp(-errors.times)
        variance = self.variance(errors.times)
        relative = np.abs(self._rows(errors.q)) * variance
        if not relative.max() < 0.1:  # far from small, or not a number: no use of what follows
            return math.inf
        drift, repeats = np.abs(self._rows(errors.drift)), self.law.repeats
        linear = np.sqrt(moments.force_error(drift, self.squares, relative, 1 / variance, repeats) @ self.weights)
        if self.law.components == 1:
            return float(linear.max())
        if self.law.is_shared:
            of_a = self._rows(errors.a)
            of_r = m[:, None, None] * of_a - self._rows(errors.there) - m[:, None, None] ** 2 * self._rows(errors.q) / 2
            constant = (of_a * m[:, None, None] * self.mixed - of_r * self.squares).sum(-1)
            slope, relative = of_a**2 * variance * self.centred, 0 * relative
        else:
            means = (self._rows(errors.half_log) - self._rows(errors.q) * variance / 2).sum(-1) * repeats
            constant = means + (self._rows(errors.there) * self.squares).sum(-1)
            slope = drift**2 * variance * self.squares
        constant = np.abs(constant - (constant @ self.weights)[:, None])
        fourth = moments.logit_fourth(constant, slope, relative, repeats) @ self.weights
        return float((linear + (fourth * self.forces(errors.times)[1]) ** 0.25).max())

    def _rows(self, columns: Floats) -> Floats:
        """(T, K, n) of what the errors have for every variance of every frame, (F n, T)."""
        return np.asarray(columns.reshape(*self.columns.shape, -1)[self.of].transpose(2, 0, 1))


def _time_knots(sizes: _Sizes, share: float, level: int) -> tuple[int, tuple[Any, ...]] | None:
    """The fewest pieces from the data end to the noise end, spread so that none is much better than the others."""
    found = even_knots(lambda error, most: _greedy(sizes, error, level, most), share)
    if found is None:
        return None
    inner = [dyadic(arb(knot), _KNOT_BITS - math.frexp(knot)[1]) for knot in found[1:-1]]
    return level, (sizes.law.t_min, *inner, sizes.law.t_max)


def _greedy(sizes: _Sizes, share: float, level: int, most: int) -> list[float] | None:
    """Knots from the data end, each piece as long as `share` lets it be; None beyond `most` pieces."""
    knots = [sizes.low]
    length = sizes.high - sizes.low
    while knots[-1] < sizes.high:
        if len(knots) > most:
            return None
        start = knots[-1]
        length = _longest(sizes, share, level, start, length)
        if length == 0:
            return None
        knots.append(min(start + length, sizes.high))
    return knots


def _longest(sizes: _Sizes, share: float, level: int, start: float, guess: float) -> float:
    """About the greatest length of a piece that needs no more than `share`; to the end where this is possible."""

    def is_fine(length: float) -> bool:
        return sizes.needs(start, min(start + length, sizes.high), level) <= share

    low, high = 0.0, guess
    if is_fine(guess):
        while is_fine(high) and start + high < sizes.high:
            low, high = high, 2 * high
        if start + high >= sizes.high and is_fine(high):
            return high
    else:
        low = guess / 2
        while low > 0 and start + low > start and not is_fine(low):
            low, high = low / 2, low
        if start + low == start:
            return 0.0
    for _ in range(7):
        middle = (low + high) / 2
        low, high = (middle, high) if is_fine(middle) else (low, middle)
    return low

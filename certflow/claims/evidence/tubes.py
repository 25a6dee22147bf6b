"""Proved tubes around trajectories: how far they run, how large a mixture they take."""

from __future__ import annotations

import math
from fractions import Fraction

from certflow.claims.check import Context
from certflow.claims.evidence.balls import interval_of
from certflow.enclosure.results import rounded_up
from certflow.law.mixture import GaussianMixture

#: Tubes run over an interval in which errors grow by at most about `e^LARGEST_GROWTH`.
LARGEST_GROWTH = 60
#: Digits of tubes.
TUBE_DIGITS = 8


def earliest(context: Context) -> Fraction:
    """The earliest time `s` (a short decimal, or `t_min`) with `int_s^t_max lambda` of about `LARGEST_GROWTH` at most.

    float64, of the right formula: any `s` gives a valid interval.
    """
    from certflow.bounds.stability import stability as integral

    start, end = interval_of(context)
    low, high = float(start), float(end)
    if float(integral(context.mixture, low, high)) <= LARGEST_GROWTH:
        return start
    for _ in range(50):
        middle = math.sqrt(low * high)
        if float(integral(context.mixture, middle, float(end))) <= LARGEST_GROWTH:
            high = middle
        else:
            low = middle
    for digits in range(4, 16):  # later than `high`, or growth could be far larger; few digits, but most of the growth
        short = Fraction(rounded_up(Fraction(high), digits))
        if short < end and float(integral(context.mixture, float(short), float(end))) >= LARGEST_GROWTH / 2:
            return short
    return Fraction(high)


def tube_size(mixture: GaussianMixture) -> int:
    """`K d^2`, to which the time for one step is about proportional."""
    return mixture.n_components * mixture.dimension**2

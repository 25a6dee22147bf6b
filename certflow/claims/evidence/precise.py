"""High-precision checks: a formula against an independent evaluation of it in mpmath, at sampled points."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from mpmath.libmp import NoConvergence

from certflow.claims.agreement import Agreement
from certflow.claims.check import Context, Finding
from certflow.claims.digits import mp
from certflow.claims.evidence.reference import ReferenceDensity
from certflow.claims.evidence.sampling import precise_points, witness
from certflow.numbers.arrays import Floats

#: Digits beyond the chosen number that are carried, and digits that numerical differentiation may lose.
GUARD_DIGITS = 15

LOST_DIGITS = 5
#: Digits that late times may cost at most; what is smaller counts as 0.
MOST_LOST = 2000


def guarded(digits: int, t: Any) -> int:
    """Digits to work with at time t: a guard, and what is lost where velocities and rates, differences of numbers of
    size 1, have fallen to `e^{-2t}`."""
    return digits + GUARD_DIGITS + min(math.ceil(2 * float(t) / math.log(10)), MOST_LOST)


def root(function: Callable[[Any], Any], bracket: tuple[Any, Any], tolerance: Any) -> Any:
    """A root of the function in a bracket, by mpmath.

    Raises
    ------
    NoConvergence : none was found.
    """
    try:
        return mp.findroot(function, bracket, solver="anderson", maxsteps=1000, tol=tolerance)
    except ValueError as error:
        raise NoConvergence(str(error)) from error


Comparison = Callable[[Context, ReferenceDensity, list[Any], Any], Iterator[tuple[list[Any], list[Any]]]]


def at_points(comparison: Comparison, what: str, share: float = 1.0) -> Callable[[Context, str], Finding]:
    """A check that compares two vectors at sampled points, with `context.digits` digits.

    share : fraction of the profile's points to look at (for comparisons that cost more).
    """

    def procedure(context: Context, name: str) -> Finding:
        share_here = share
        if context.mixture.kind in ("shared", "full"):  # matrices of mpmath numbers are inverted anew for each point
            share_here *= min(1.0, 4 / context.mixture.dimension)
        count = max(3, round(context.profile.precise_points * share_here))
        points = precise_points(context.process, count, context.rng(name))
        agreement = Agreement(context.digits, context.digits - LOST_DIGITS)
        for x, t in points:
            with mp.workdps(guarded(context.digits, t)):
                for found, expected in comparison(context, ReferenceDensity(context.mixture), x, t):
                    agreement.compare(found, expected, witness(x, t))
        scope = (
            f"this mixture at {count} sampled points, t in [{context.process.t_min:g}, {context.process.t_max:g}], "
            f"{context.digits} digits"
        )
        return agreement.finding(what, scope)

    return procedure


def vector(x: list[Any]) -> Floats:
    """A point of mpmath numbers as an array of objects."""
    return np.array(x, dtype=object)

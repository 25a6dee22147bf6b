"""Enclosures of the flow's exponents: F1 (bounds of the growth) and F2 (integrals of the rates).

What is under test (`stability`, `amplification`) is held against rigorous quadrature of the rates, integrals of the
sharp rate, and the growth that a tube proves along a trajectory.
"""

from __future__ import annotations

import math
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from typing import Any

from certflow.claims.check import Context, Finding
from certflow.claims.evidence.balls import KINDS, bracket, ends, integral_of, interval_of, precision, shown, within
from certflow.claims.evidence.sharpness import certificates_of, searchable, sharp_growth
from certflow.claims.evidence.tubes import tube_size
from certflow.claims.model import Outcome
from certflow.claims.stability.tubes import MAX_GROWING_TUBE_SIZE, tied_tube
from certflow.enclosure.expressions import ball
from certflow.enclosure.integrals import integrate, rate_pieces, stability
from certflow.enclosure.results import Enclosure, rounded_down, rounded_up
from certflow.errors import NoEnclosure
from certflow.numbers.exact import exact_number, exact_text, time_text
from certflow.numbers.numerals import above, below, figure, nearest
from certflow.process import OrnsteinUhlenbeck


def integrated_rates(context: Context, name: str) -> Finding:
    """F2: the closed forms of `int lambda` and `int L` in balls against `acb.integral` of the rates on their pieces."""
    start, end = interval_of(context)
    middle = Fraction(rounded_down(exact_number(math.sqrt(start * end)), 3))
    inner = [middle] if start < middle < end else []
    intervals = [(start, end), *(pairwise([start, *inner, end]) if inner else [])]
    numbers: dict[str, Any] = {"intervals": len(intervals)}
    scope = f"this mixture, {len(intervals)} intervals of [{exact_text(start)}, {exact_text(end)}], both rates"
    open_ = ""
    with precision(context):
        for s, t in intervals:
            size = stability(context.process, s, t, "two-sided").upper
            for rate in KINDS:
                lower, upper = _quadrature(context.process, s, t, rate)
                found = integral_of(context.process, s, t, rate)
                room = size / 10**20
                outcome = within(found, lower, upper, room)
                where = {"s": exact_text(s), "t": exact_text(t), "rate": rate}
                where |= {"closed_form": shown(found), "quadrature": shown(ball(lower).union(ball(upper)))}
                if outcome is Outcome.VIOLATED:
                    summary = (
                        f"closed form {figure(float(found.mid()), 10)} of the {rate} integral, "
                        f"which lies in {bracket(lower, upper)}"
                    )
                    return Finding(outcome, summary, scope, numbers, where)
                if outcome is Outcome.INCONCLUSIVE or upper - lower > 2 * room:
                    open_ = f"the {rate} integral from {float(s):.6g} to {float(t):.6g} is not known to 20 digits"
        for rate, label in zip(KINDS, ("integral_of_lambda", "integral_of_L"), strict=True):
            numbers[label] = bracket(*_quadrature(context.process, start, end, rate), digits=20)
    if open_:
        return Finding(Outcome.INCONCLUSIVE, open_, scope, numbers)
    certificates = certificates_of(context, numbers, "F2")
    told = ", ".join(f"[{time_text(s)}, {time_text(t)}]" for s, t in intervals)
    summary = f"over {told} the closed forms lie in rigorous quadratures of both rates, to 20 digits"
    return Finding(Outcome.HOLDS, summary, scope, numbers, certificates=certificates)


def flow_exponent(context: Context, name: str) -> Finding:
    """F1: the exponents under test are at least `int lambda*`, and no proved growth of a tube exceeds the bound.

    The upper bound of `int lambda*` is the smaller of what its own search proves and of the quadrature of `lambda`.
    """
    process, (start, end) = context.process, interval_of(context)
    sharp = None
    if searchable(context.mixture) is None:
        with suppress(NoEnclosure):
            sharp, _ = sharp_growth(context)
    with precision(context):
        exponents = {rate: integral_of(process, start, end, rate) for rate in KINDS}
        closed = _quadrature(process, start, end, "one-sided")[1]
    upper = closed if sharp is None else min(sharp.upper, closed)
    numbers: dict[str, Any] = {
        "integral_of_the_sharp_rate": "not searched for" if sharp is None else bracket(sharp.lower, sharp.upper, 12),
        "integral_of_lambda": shown(exponents["one-sided"], 15),
        "integral_of_L": shown(exponents["two-sided"], 15),
    }
    scope = f"this mixture, all pairs of points, from t = {exact_text(end)} to {exact_text(start)} and no other times"
    if not all(value.is_finite() for value in exponents.values()):
        return Finding(Outcome.INCONCLUSIVE, "the integrated rate is not a finite number", scope, numbers)
    proved = ""
    if tube_size(context.mixture) <= MAX_GROWING_TUBE_SIZE:
        exceeded, proved = _proved_growth(context, numbers)
        if exceeded is not None:
            return Finding(Outcome.VIOLATED, proved, scope, numbers, exceeded)
    for rate, value in exponents.items():
        if not rounded_up(ends(value)[0], 12) >= upper - abs(upper) / 10**11:
            summary = f"the {rate} exponent {float(value.mid()):.8g} is not known to be above int lambda*"
            return Finding(Outcome.INCONCLUSIVE, summary, scope, numbers)
    certificates = certificates_of(context, numbers, "F1")
    known = "is the quadrature"
    if sharp is not None:
        known = f"bounds the sharp int lambda*, which lies in {Enclosure(sharp.lower, upper):.6}"
    over = f"from t = {time_text(end)} to {time_text(start)}"
    summary = f"{over}: int lambda = {float(exponents['one-sided'].mid()):.6g} {known}{proved}"
    return Finding(Outcome.HOLDS, summary, scope, numbers, certificates=certificates)


def _proved_growth(context: Context, numbers: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """A witness if the bound under test is below the proved growth of a trajectory; and what was found, in words."""
    found = tied_tube(context)
    if found is None:
        return None, ""
    tube, x, until = found
    end, grown = context.process.exact_t_max, tube.derivative_norm
    with precision(context):
        factor = context.process.amplification(ball(until), ball(end), "one-sided")
    numbers |= {
        "trajectory_from_t_to_t": [exact_text(end), exact_text(until) if tube.complete else f"{tube.reached:.6}"],
        "its_proved_growth": bracket(grown.lower, grown.upper),
        "bound_of_its_growth": shown(factor, 12) if factor.is_finite() else "not a finite number",
    }
    if not tube.complete or not factor.is_finite():
        return None, ""
    if ends(factor)[1] < grown.lower:
        witness = {"x": [exact_text(v) for v in x], "t_from": exact_text(end), "t_to": exact_text(until)}
        witness |= {"derivative_norm_at_least": str(grown.lower), "amplification": shown(factor)}
        told = f"a trajectory grows at least {below(grown.lower, 6)}-fold"
        return witness, f"{told}, the bound is at most {above(ends(factor)[1], 6)}"
    told = f"growth of at least {below(grown.lower, 6)} is proved along one trajectory to t = {time_text(until)}"
    return None, f"; {told}, where the bound is {nearest(ends(factor)[1], 6)}"


def _quadrature(process: OrnsteinUhlenbeck, s: Fraction, t: Fraction, rate: str) -> tuple[Fraction, Fraction]:
    """`int_s^t rate` enclosed by quadrature of its pieces, which shares nothing with the closed form."""
    parts = [integrate(*piece) for piece in rate_pieces(process, s, t, rate)]
    return sum((part.lower for part in parts), Fraction(0)), sum((part.upper for part in parts), Fraction(0))

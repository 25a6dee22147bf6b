"""Enclosures of grid nodes: G1 (equal integrals on every segment) and G2 (nodes by Lambert W).

What is under test (`stability`, `time_at_stability`) is evaluated in balls and held against proved brackets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from certflow.claims.check import Context, Finding
from certflow.claims.evidence.balls import (
    DIGITS,
    KINDS,
    bracket,
    integral_of,
    interval_of,
    precision,
    rounded,
    shown,
    within,
)
from certflow.claims.evidence.sharpness import certificates_of
from certflow.claims.model import Outcome
from certflow.enclosure.expressions import ball
from certflow.enclosure.integrals import IntegralEnclosure, shape_of, stability
from certflow.enclosure.nodes import balanced_nodes, check_positive
from certflow.enclosure.results import rounded_down
from certflow.errors import InputError
from certflow.numbers.exact import exact_text, time_text
from certflow.process import OrnsteinUhlenbeck

#: Segments of the grids.
SEGMENTS = 8


def lambert_nodes(context: Context, name: str) -> Finding:
    """G2: the times by Lambert W in balls lie in proved brackets of the nodes with equal integrals of `lambda`."""
    start, end = interval_of(context)
    end = _last_growing(context, end)
    if not start < end:
        reason = f"lambda(t_min) <= 0 at t_min = {context.process.t_min:g}; it is checked where lambda is positive"
        return Finding(Outcome.NOT_CHECKED, reason, "this mixture and interval")
    scope = f"this mixture, the inner nodes of {SEGMENTS} segments from t = {exact_text(end)} to {exact_text(start)}"
    nodes = balanced_nodes(OrnsteinUhlenbeck(context.mixture, start, end), SEGMENTS, "one-sided", DIGITS)
    numbers = {"nodes": [rounded(node.lower, node.upper) for node in nodes], "digits": DIGITS}
    open_ = not all(node.complete for node in nodes)
    total = stability(context.process, start, end, "one-sided", 2 * DIGITS)
    with precision(context):
        for k, node in enumerate(nodes[1:-1], 1):
            share = Fraction(SEGMENTS - k, SEGMENTS)
            value = ball(share * total.lower).union(ball(share * total.upper))
            found = context.process.time_at_stability(value, ball(start))
            outcome = within(found, node.lower, node.upper, Fraction(0))
            open_ |= outcome is Outcome.INCONCLUSIVE
            if outcome is Outcome.VIOLATED:
                witness = {"value": shown(value), "t_min": exact_text(start), "time_by_Lambert_W": shown(found)}
                summary = (
                    f"Lambert W gives t = {float(found.mid()):.8g}; the node is {rounded(node.lower, node.upper, 8)}"
                )
                return Finding(
                    outcome, summary, scope, numbers, witness | {"node": bracket(node.lower, node.upper, DIGITS + 2)}
                )
    if open_:
        return Finding(Outcome.INCONCLUSIVE, f"a node is not known to {DIGITS} digits", scope, numbers)
    summary = (
        f"for {SEGMENTS - 1} values of the integral of lambda from t = {time_text(start)}, the time by Lambert W "
        f"lies in the bracket of its node, to {DIGITS} digits"
    )
    return Finding(Outcome.HOLDS, summary, scope, numbers)


def _last_growing(context: Context, end: Fraction) -> Fraction:
    """`end`, or a decimal just before the time at which `lambda` changes sign (`v = D^2/(4c)`)."""
    c, square = shape_of(context.mixture)
    if c <= 0 or square >= 4 * c:
        return end
    inner = (1 - float(square / (4 * c))) / float(c)
    last = -math.log(inner) / 2 if 0 < inner < 1 else 0.0
    return end if last > float(end) * (1 + 1e-9) else Fraction(rounded_down(Fraction(last) * Fraction(999, 1000), 6))


def balanced_grid(context: Context, name: str) -> Finding:
    """G1: between proved nodes the integral under test is the same on every segment, for each positive rate."""
    start, end = interval_of(context)
    numbers: dict[str, Any] = {"segments": SEGMENTS}
    scope = f"this mixture, {SEGMENTS} segments from t = {exact_text(end)} to {exact_text(start)}"
    certificates: dict[str, dict[str, Any]] = {}
    told = []
    for rate in KINDS:
        try:
            check_positive(context.process, rate)
        except InputError:
            numbers[rate] = "not positive throughout"
            continue
        nodes = balanced_nodes(context.process, SEGMENTS, rate, DIGITS)
        numbers[rate] = [rounded(node.lower, node.upper) for node in nodes]
        outcome, witness = _equal_segments(context, nodes, rate)
        if outcome is Outcome.VIOLATED:
            return Finding(outcome, f"{rate} integral not the same on every segment", scope, numbers, witness)
        if outcome is Outcome.INCONCLUSIVE:
            return Finding(outcome, f"a node of the {rate} rate is not known well enough", scope, numbers)
        told.append(rate)
        certificates |= certificates_of(context, numbers, "G1", SEGMENTS, rate, stem=f"G1-{rate}")
    if not told:
        return Finding(Outcome.NOT_APPLICABLE, "no rate is positive throughout", scope, numbers)
    summary = (
        f"the nodes of the balanced grid of {SEGMENTS} segments are bracketed to {DIGITS} digits, for the "
        f"{' and the '.join(told)} rate"
    )
    return Finding(Outcome.HOLDS, summary, scope, numbers, certificates=certificates)


def _equal_segments(
    context: Context, nodes: Sequence[IntegralEnclosure], rate: str
) -> tuple[Outcome, dict[str, Any] | None]:
    """Whether the integral under test over each segment is `1/K` of the proved total, to 20 digits of it."""
    total = stability(context.process, *interval_of(context), rate, 2 * DIGITS)
    outcome = Outcome.HOLDS if all(node.complete for node in nodes) else Outcome.INCONCLUSIVE
    with precision(context):
        times = [ball(node.lower).union(ball(node.upper)) for node in nodes]
        for k, (late, early) in enumerate(pairwise(times)):
            found = integral_of(context.process, early, late, rate)
            part = within(found, total.lower / SEGMENTS, total.upper / SEGMENTS, total.upper / 10**20)
            if part is Outcome.VIOLATED:
                witness = {"rate": rate, "segment": k + 1, "from": shown(late), "to": shown(early)}
                return part, witness | {
                    "integral": shown(found),
                    "share": bracket(total.lower / SEGMENTS, total.upper / SEGMENTS),
                }
            outcome = part if part is Outcome.INCONCLUSIVE else outcome
    return outcome, None

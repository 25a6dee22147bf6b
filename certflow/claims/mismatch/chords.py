"""The steepest chord of the flow that is enclosed, against the number of segments that is said to be enough (M3)."""

from __future__ import annotations

import math
from fractions import Fraction

from certflow.claims.check import Context, Finding
from certflow.claims.hypotheses import within_reach
from certflow.claims.mismatch.lines import BUDGETS
from certflow.claims.model import Outcome
from certflow.claims.students.enclosed import on_a_line
from certflow.claims.students.interpolants import Interpolant
from certflow.composition.segments import segments_needed
from certflow.law.mixture import GaussianMixture
from certflow.numbers.numerals import below

#: Knots among which the steepest chord is sought, and digits of the enclosures of its ends.
KNOTS, DIGITS = 129, 10


def within_reach_of_tubes(mixture: GaussianMixture) -> str | None:
    """One dimension and one variance, for which tubes of the flow are made."""
    return on_a_line(mixture) or within_reach("common-isotropic")(mixture)


def enough_for_a_chord(context: Context, name: str) -> Finding:
    """M3: maps that reproduce the flow at two points are together as steep as the chord, whose slope is enclosed."""
    from certflow.enclosure import flow_tube

    process = context.process
    student = Interpolant(process, KNOTS)
    place = int(student.slopes.argmax())
    points = [float(z) for z in student.graph[0][place : place + 2]]
    tubes = [flow_tube(process, [z], process.exact_t_max, process.exact_t_min, DIGITS) for z in points]
    rise = Fraction(tubes[1].lower[0]) - Fraction(tubes[0].upper[0])
    slope = rise / (Fraction(points[1]) - Fraction(points[0]))
    exponent = float(process.stability(process.t_min, process.t_max))
    scope = (
        f"the chord between x = {points[0]:.6g} and {points[1]:.6g}, B in {{{', '.join(f'{b:g}' for b in BUDGETS)}}}"
    )
    if not (slope > 0 and math.isfinite(exponent)):
        return Finding(Outcome.INCONCLUSIVE, "no slope or exponent that is a finite number", scope)
    counts = {budget: segments_needed(exponent, budget) or 0 for budget in BUDGETS}
    numbers = {"slope_at_least": below(slope, 10), "exponent": f"{exponent:.6f}"}
    numbers |= {f"segments for B = {budget:g}": str(count) for budget, count in counts.items()}
    for budget, count in counts.items():
        if Fraction(budget) ** count < slope:
            summary = (
                f"K = {count} for B = {budget:g}, but a chord of the flow is proved steeper than {below(slope, 6)}"
            )
            return Finding(Outcome.VIOLATED, summary, scope, numbers, {"budget": budget, "points": points, **numbers})
    return Finding(Outcome.HOLDS, f"enough for a chord that is proved steeper than {below(slope, 6)}", scope, numbers)

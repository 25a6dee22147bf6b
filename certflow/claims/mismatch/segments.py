"""The number of segments that is enough, against the steepest slope measured (M3)."""

from __future__ import annotations

import math
from typing import Any

from certflow.claims.check import Context, Finding
from certflow.claims.mismatch.lines import BUDGETS, lines_of, place_of
from certflow.claims.model import Outcome
from certflow.composition.segments import flow_constant, log_steepest
from certflow.composition.segments import segments_needed as needed
from certflow.law.symmetry import is_equal_pair

#: Accuracy of measured exponents, relative where they are above 1.
EXPONENT = 1e-6


def segments_needed(context: Context, name: str) -> Finding:
    """M3: as many segments as `int lambda` says suffice are enough for the steepest slope measured.

    For two equal modes one less is not enough. The slope is that of the exact map on lines, else from derivatives at a
    few points.
    """
    process, lines = context.process, lines_of(context)
    steepest = max(map(log_steepest, lines)) if lines else flow_constant(process).lower
    exponent = float(process.stability(process.t_min, process.t_max))
    numbers: dict[str, Any] = {"log_lipschitz_measured": f"{steepest:.6f}", "exponent": f"{exponent:.6f}"}
    scope = f"{place_of(lines)}, B in {{{', '.join(f'{b:g}' for b in BUDGETS)}}}, slopes to 6 digits"
    if not (math.isfinite(exponent) and math.isfinite(steepest)):
        return Finding(Outcome.INCONCLUSIVE, "an exponent is not a finite number", scope, numbers)
    counts = {budget: needed(exponent, budget) or 0 for budget in BUDGETS}  # for B > 1 some number suffices
    numbers["segments"] = {f"B = {budget:g}": count for budget, count in counts.items()}
    slack = EXPONENT * max(1.0, abs(steepest))
    tight = is_equal_pair(context.mixture)
    for budget, count in counts.items():
        enough = count * math.log(budget) >= steepest - slack
        fewer = count > 1 and (count - 1) * math.log(budget) >= steepest + slack
        if not enough or (tight and fewer):
            summary = f"K = {count} for B = {budget:g}, but the flow's steepest slope is e^{steepest:.4f}"
            return Finding(Outcome.VIOLATED, summary, scope, numbers, {"budget": budget, "segments": count, **numbers})
    verb = "needs" if tight else "has enough with"
    count = counts[BUDGETS[0]]
    summary = f"B = {BUDGETS[0]:g} {verb} K = {count}: slopes of the flow up to e^{steepest:.4f} were measured"
    return Finding(Outcome.HOLDS, summary + _untested(count, steepest), scope, numbers)


def _untested(count: int, steepest: float) -> str:
    """What the slopes say of a smaller number of segments: where few are enough for them, they hardly test `count`."""
    own = needed(max(steepest, 0.0), BUDGETS[0]) or 1
    if own >= count:
        return ""
    if own == 1:
        return ", for which one segment is enough: they do not test this number"
    return f", for which K = {own} is enough"

"""Checks of the sup-norm floor (M1), of the number of segments (M3), and of the baselines' nodes (G3)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from certflow.claims.check import Agreement, Context, Finding
from certflow.claims.digits import mp
from certflow.claims.empirical_students import on_its_line
from certflow.claims.model import Outcome
from certflow.claims.reference import exact_mpf

#: Lipschitz budgets of M1 and M3.
BUDGETS = (2.0, 3.0, 5.0)
#: Relative accuracy of the maps that attain the floor: they live on the nodes of a quadrature.
ATTAINED = 1e-3
SEGMENTS = 7


def sup_norm(context: Context, name: str) -> Finding:
    """M1: `B`-Lipschitz maps made to be close to `Phi` in sup norm are not closer than the floor, and attain it.

    `h(z) = min_y (Phi(y) + B |z - y|)` is the largest `B`-Lipschitz map below `Phi` (McShane); shifted up by half of
    its largest distance from `Phi` it is as close as any can be.
    """
    from certflow.quantile_map import QuantileMap

    process = on_its_line(context)
    nodes = QuantileMap(process).nodes()
    order = np.argsort(nodes.z)
    z, x = nodes.z[order], nodes.x[order]
    scope = f"the pair on its line, the closest map for B in {{{', '.join(f'{b:g}' for b in BUDGETS)}}}"
    ratios = {}
    for budget in BUDGETS:
        floor = process.mismatch_floor(budget, norm="sup")
        below = np.minimum(
            np.minimum.accumulate(x - budget * z) + budget * z,
            np.minimum.accumulate((x + budget * z)[::-1])[::-1] - budget * z,
        )
        error = float((x - below).max()) / 2 / math.sqrt(nodes.mean(nodes.x**2))
        if floor > 1e-6:
            ratios[budget] = error / floor
    if not ratios:
        return Finding(Outcome.NOT_APPLICABLE, "no floor that rounding leaves visible: the flow is too gentle", scope)
    numbers = {"error_over_floor": {f"B = {budget:g}": f"{ratio:.6f}" for budget, ratio in ratios.items()}}
    least = min(ratios, key=lambda budget: ratios[budget])
    summary = f"the closest map is off by {ratios[least]:.4f} times the floor, B = {least:g}"
    if ratios[least] < 1 - ATTAINED:
        return Finding(Outcome.VIOLATED, summary, scope, numbers, {"budget": least, "error_over_floor": ratios[least]})
    return Finding(Outcome.HOLDS, summary, scope, numbers)


def segments_needed(context: Context, name: str) -> Finding:
    """M3: `K` segments of constant `B` suffice, `K - 1` do not, by the steepest slope of the exact map."""
    from certflow.quantile_map import QuantileMap
    from certflow.segments import segments_needed as needed

    process = on_its_line(context)
    nodes = QuantileMap(process).nodes()
    steepest = math.log(float(nodes.slope.max()))
    exponent = float(process.stability(process.t_min, process.t_max))
    counts = {budget: needed(exponent, budget) for budget in BUDGETS}
    numbers: dict[str, Any] = {
        "log_lipschitz_measured": f"{steepest:.6f}",
        "exponent": f"{exponent:.6f}",
        "segments": {f"B = {budget:g}": count for budget, count in counts.items()},
    }
    scope = f"the pair on its line, B in {{{', '.join(f'{b:g}' for b in BUDGETS)}}}"
    for budget, count in counts.items():
        if count is None:
            return Finding(Outcome.INCONCLUSIVE, "no number of segments suffices", scope, numbers)
        enough = count * math.log(budget) >= steepest - 1e-6
        fewer = count == 1 or (count - 1) * math.log(budget) < steepest + 1e-6
        if not (enough and fewer):
            summary = f"K = {count} for B = {budget:g}, but the slope of the exact map is e^{steepest:.4f}"
            return Finding(Outcome.VIOLATED, summary, scope, numbers, {"budget": budget, "segments": count, **numbers})
    summary = f"B = {BUDGETS[0]:g} needs K = {counts[BUDGETS[0]]}: the exact map has the slope e^{steepest:.4f}"
    return Finding(Outcome.HOLDS, summary, scope, numbers)


def baseline_nodes(context: Context, name: str) -> Finding:
    """G3: the inner nodes of each baseline are equally spaced in its coordinate, the ends those of the interval."""
    from certflow.grids import time_grid

    agreement = Agreement(15, 11)
    with mp.workdps(40):
        ends = [exact_mpf(time) for time in (context.process.exact_t_max, context.process.exact_t_min)]
        for kind, coordinate in _coordinates().items():
            times = [mp.mpf(float(time)) for time in time_grid(context.process, SEGMENTS, kind).times]
            first, last = (coordinate(end) for end in ends)
            expected = [first + (last - first) * k / SEGMENTS for k in range(SEGMENTS + 1)]
            for k, (found, wanted) in enumerate(zip(map(coordinate, times), expected, strict=True)):
                agreement.compare([found / first], [wanted / first], {"kind": kind, "node": k})
    scope = f"this interval, {SEGMENTS} segments, {len(_coordinates())} baselines, nodes in float64"
    return agreement.finding("nodes of the baselines against their coordinates", scope)


def _coordinates() -> dict[str, Any]:
    """`q(t)` of each baseline, written out."""

    def sigma(t: Any) -> Any:
        return mp.sqrt(mp.expm1(2 * t))

    return {
        "uniform": lambda t: t,
        "quadratic": mp.sqrt,
        "geometric": lambda t: 10 + mp.log(t),  # away from 0, where a relative difference says nothing
        "logsnr": lambda t: 10 - mp.log(mp.exp(-t) / mp.sqrt(1 - mp.exp(-2 * t))),
        "karras": lambda t: sigma(t) ** (mp.mpf(1) / 7),
        "flow-matching": lambda t: sigma(t) / (1 + sigma(t)),
        "cosine": lambda t: mp.acos(mp.exp(-t) * mp.cos(mp.pi / 2 * mp.mpf("0.008") / mp.mpf("1.008"))),
    }

"""The nodes of the grids that the balanced one is compared with, against their coordinates written out (G3)."""

from __future__ import annotations

from typing import Any

from certflow.claims.agreement import Agreement
from certflow.claims.check import Context, Finding
from certflow.claims.digits import mp
from certflow.claims.evidence.reference import exact_mpf

SEGMENTS = 7


def baseline_nodes(context: Context, name: str) -> Finding:
    """G3: the inner nodes of each baseline are equally spaced in its coordinate, the ends those of the interval."""
    from certflow.grids.registry import grid_of_kind

    agreement = Agreement(15, 11)
    with mp.workdps(40):
        ends = [exact_mpf(time) for time in (context.process.exact_t_max, context.process.exact_t_min)]
        for kind, coordinate in _coordinates().items():
            times = [mp.mpf(float(time)) for time in grid_of_kind(context.process, SEGMENTS, kind).times]
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

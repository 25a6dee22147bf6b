"""Where is the bound sharp? The closed form of the exponent (F2) beside the enclosed sharp one (L5, F1).

    int lambda* <= int lambda,    int over [t_min, t_max]

`exp` of either bounds how far the flow map stretches, so the difference is a factor of the amplification in logarithms.
"""

from __future__ import annotations

from typing import Any

from certflow.enclosure.suprema.exponent import SharpStability, sharp_stability
from certflow.law.exposed import exposed_diameter
from certflow.process import OrnsteinUhlenbeck
from certflow.sweep.experiments.experiment import Experiment, Figure, Measured, Option
from certflow.sweep.keys import bounded

#: Rounding of the closed form in float64.
ROUNDING = 1e-9
#: Relative widths that are tried before the one that is asked for.
_STEPS = (0.5, 0.1, 0.0)


def measure(process: OrnsteinUhlenbeck, gap: float, seconds: float) -> Measured:
    """Both exponents of one mixture of common variance.

    Raises
    ------
    InputError : other covariances.
    """
    ends = process.exact_t_min, process.exact_t_max
    closed = float(process.stability(*ends))
    found = _enclosed(process, ends, closed, gap, seconds)
    lower, upper = float(found.lower), float(found.upper)
    figures = {
        "closed": closed,
        "two_sided": float(process.stability(*ends, "two-sided")),
        "sharp_lower": lower,
        "sharp_upper": upper,
        "excess": closed - upper,
        "share": upper / closed if closed > 0 else None,
        "exposed": exposed_diameter(process.mixture) is not None,
    }
    violated = ""
    if figures["exposed"] and upper < closed - ROUNDING * max(1.0, abs(closed)):
        violated = f"the bound is attained (L4), but int lambda* <= {upper:.12g} is below {closed:.12g}"
    if found.lower > found.popoviciu:
        violated = f"int lambda* >= {found.lower} is above int lambda <= {found.popoviciu}"
    spent = "" if _narrow(found, closed, gap) else f"an enclosure of width {upper - lower:.2g} beside {closed:.3g}"
    return Measured(figures, violated, spent)


def _enclosed(process: OrnsteinUhlenbeck, ends: Any, closed: float, gap: float, seconds: float) -> SharpStability:
    """The enclosure, narrowed step by step until it is narrow beside the closed form.

    The library narrows it relative to itself: where it is nearly 0 that would never end, and nobody asks for it.
    """
    steps = sorted({max(gap, step) for step in _STEPS}, reverse=True)
    for step in steps:
        found = sharp_stability(process, *ends, gap=str(step), seconds=seconds / len(steps))
        if _narrow(found, closed, gap):
            break
    return found


def _narrow(found: SharpStability, closed: float, gap: float) -> bool:
    return float(found.upper - found.lower) <= gap * max(abs(closed), abs(float(found.upper)))


EXPONENTS = Experiment(
    "exponents",
    "How far is the closed form of the stability exponent from the sharp one?",
    measure,
    {
        "closed": Figure("int lambda over the interval of t, the closed form (F2)"),
        "two_sided": Figure("int L, the paper's two-sided rate"),
        "sharp_lower": Figure("proved lower bound of int lambda*, the exponent of the sharp rate (L5)"),
        "sharp_upper": Figure("proved upper bound of int lambda*"),
        "excess": Figure(
            "closed - sharp_upper: the closed form overstates the amplification by at least exp of this", "linear"
        ),
        "exposed": Figure("whether two means at distance D span an exposed edge: then the bound is sharp (L4)"),
        "share": Figure(
            "sharp_upper / closed, where closed > 0: 1 where the bound is sharp, and where the enclosure stayed wide "
            "(then sharp_lower tells)",
            "share",
        ),
    },
    {
        "gap": Option(
            0.02,
            lambda value, field: bounded(value, field, 1e-9, 0.5),
            "width of the enclosure beside the larger of the two exponents",
        ),
        "seconds": Option(
            20.0, lambda value, field: bounded(value, field, 0.1, 1e5), "after which a wider one is accepted"
        ),
    },
)

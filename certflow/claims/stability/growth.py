"""Perturbations that are followed to the data end: at typical points (F1), and on the separatrix (F3).

Nothing is trained, but the reference flow of the laboratory runs in torch, so that these checks belong to the profiles
that train. What they add to the proofs is the scale: how far typical growth stays below the bound.
"""

from __future__ import annotations

from typing import Any

from certflow.claims.check import Context, Finding
from certflow.claims.evidence.measured import REFERENCE_ERROR, judged, perturbations
from certflow.numbers.numerals import above

#: Largest gap between the logarithm of the growth on the separatrix and `int lambda`.
SEPARATRIX_GAP = 1e-3


def typical_points(context: Context, name: str) -> Finding:
    """F1: `log ||D Phi_{t -> delta}|| <= int_delta^t lambda` at sampled points, and for perturbations really made."""
    found = perturbations(context)
    bound = found.one_sided[0]
    cases = [
        (grown - at, {"time": t}) for t, grown, at in zip(found.times, found.largest, found.one_sided, strict=True)
    ]
    cases += [(grown - bound, {"injected": size}) for size, grown in found.injected.items()]
    numbers = {
        "log_typical_growth": f"{found.typical[0]:.3g} ± {found.typical_deviation[0]:.1g}",
        "log_largest_growth": f"{found.largest[0]:.3g}",
        "int_lambda": f"{bound:.4g}",
        "int_L": f"{found.two_sided[0]:.4g}",
        "log_growth_of_injected": {size: f"{grown:.3g}" for size, grown in found.injected.items()},
    }
    scope = f"{_scope(context, found)}, the derivative at {found.points} fresh points for each of {found.seeds} seeds"
    summary = (
        f"perturbations grow by e^{found.typical[0]:.2g} at typical points and by e^{above(found.largest[0], 4)} "
        f"at most, e^{above(bound, 4)} allowed"  # the same rounding of both keeps their order
    )
    return judged("excess of log growth over int lambda", cases, REFERENCE_ERROR, scope, numbers, summary)


def separatrix_growth(context: Context, name: str) -> Finding:
    """F3: on the hyperplane midway a perturbation grows by `exp(int lambda)`, by the variational equation."""
    found = perturbations(context)
    measured = zip(found.times, found.separatrix, found.one_sided, strict=True)
    cases = [(abs(grown - at), {"time": t}) for t, grown, at in measured]
    numbers = {"exponent": f"{found.one_sided[0]:.4g}"}
    what = "gap of log growth on the separatrix to int lambda"
    return judged(what, cases, SEPARATRIX_GAP, _scope(context, found), numbers)


def _scope(context: Context, found: Any) -> str:
    return f"this mixture; {len(found.times)} times from {context.process.t_max:g} down to {context.process.t_min:g}"

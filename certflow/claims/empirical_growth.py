"""Checks on perturbations that are followed to the data end: F1 at typical points, F3 on the separatrix.

Nothing is trained, but the reference flow of the laboratory runs in torch, so that these checks belong to the profiles
that train. What they add to the proofs is the scale: how far typical growth stays below the bound.
"""

from __future__ import annotations

import math
from typing import Any

from certflow.claims.check import Context, Finding
from certflow.claims.empirical import REFERENCE_ERROR, trainable
from certflow.claims.model import Outcome
from certflow.claims.temporal import is_symmetric_pair
from certflow.mixture import GaussianMixture

#: Largest gap between the logarithm of the growth on the separatrix and `int lambda`.
SEPARATRIX_GAP = 1e-3


def has_separatrix(mixture: GaussianMixture) -> str | None:
    """Applicability: two equal modes, and torch."""
    return is_symmetric_pair(mixture) or trainable(mixture)


def typical_points(context: Context, name: str) -> Finding:
    """F1: `log ||D Phi_{t -> delta}|| <= int_delta^t lambda` at sampled points, and for perturbations really made."""
    found = _measured(context)
    excess = [grown - bound for grown, bound in zip(found.largest, found.one_sided, strict=True)]
    values = excess + [grown - found.one_sided[0] for grown in found.injected.values()]
    worst = max(range(len(values)), key=values.__getitem__)
    numbers = {
        "largest_excess": f"{values[worst]:.3g}",
        "allowed": f"{REFERENCE_ERROR:g}",
        "log_typical_growth": f"{found.typical[0]:.3g} ± {found.typical_deviation[0]:.1g}",
        "log_largest_growth": f"{found.largest[0]:.3g}",
        "int_lambda": f"{found.one_sided[0]:.4g}",
        "int_L": f"{found.two_sided[0]:.4g}",
        "log_growth_of_injected": {size: f"{grown:.3g}" for size, grown in found.injected.items()},
    }
    scope = f"{_scope(context, found)}, the derivative at {found.points} fresh points for each of {found.seeds} seeds"
    summary = (
        f"perturbations grow by e^{found.typical[0]:.2g} at typical points and by e^{found.largest[0]:.2g} at most, "
        f"e^{found.one_sided[0]:.3g} allowed"
    )
    if any(map(math.isnan, values)):
        return Finding(Outcome.INCONCLUSIVE, "growth of perturbations: not a number", scope, numbers)
    if values[worst] > REFERENCE_ERROR:
        witness = {"time": found.times[worst], "excess": values[worst]} if worst < len(excess) else {"excess": values}
        return Finding(Outcome.VIOLATED, f"{summary}: exceeded", scope, numbers, witness)
    return Finding(Outcome.HOLDS, summary, scope, numbers)


def separatrix(context: Context, name: str) -> Finding:
    """F3: on the hyperplane midway a perturbation grows by `exp(int lambda)`, by the variational equation."""
    found = _measured(context)
    gap = found.separatrix_gap
    numbers = {"largest_gap": f"{gap:.3g}", "allowed": f"{SEPARATRIX_GAP:g}", "exponent": f"{found.one_sided[0]:.4g}"}
    summary = f"growth on the separatrix equals exp(int lambda) but for {gap:.1g} of its logarithm"
    scope = _scope(context, found)
    if gap <= SEPARATRIX_GAP:
        return Finding(Outcome.HOLDS, summary, scope, numbers)
    gaps = [grown - bound for grown, bound in zip(found.separatrix, found.one_sided, strict=True)]
    worst = max(range(len(gaps)), key=lambda i: abs(gaps[i]))
    return Finding(Outcome.VIOLATED, summary, scope, numbers, {"time": found.times[worst], "gap": gaps[worst]})


def _measured(context: Context) -> Any:
    from certflow.distill.growth import growth, points_in

    seeds = range(context.seed, context.seed + context.profile.training_seeds)
    return growth(context.process, seeds, points=points_in(context.process.mixture.dimension))


def _scope(context: Context, found: Any) -> str:
    return f"this mixture; {len(found.times)} times from {context.process.t_max:g} down to {context.process.t_min:g}"

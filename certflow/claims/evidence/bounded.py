"""Sampled checks: no point that was looked at exceeds a bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from certflow.claims.check import Context, Finding
from certflow.claims.digits import mp
from certflow.claims.evidence.sampling import spread_points, witness
from certflow.claims.model import Outcome
from certflow.numbers.arrays import Floats

#: One side of a bound: from the eigenvalues of `J` (N, d), ascending, and the times (N,), the values and their bounds,
#: (N,) each; of float64 numbers, or of mpmath ones in arrays of objects.
Side = Callable[[Context, Floats, Floats], tuple[Floats, Floats]]


def bounded_by(side: Side, what: str, of_time: bool = False) -> Callable[[Context, str], Finding]:
    """A check that no sampled point exceeds a bound; an excess is confirmed at 50 digits before it is reported.

    of_time : the side depends on `t` alone, and the scope names the times only
    """

    def procedure(context: Context, name: str) -> Finding:
        x, t = spread_points(context.process, context.profile.sampled_points, context.rng(name))
        looked_at = "points (half near ties of components, a sixth up to 1000 times wider), t"
        scope = (
            f"this mixture, {len(x)} {'times' if of_time else looked_at} "
            f"in [{context.process.t_min:g}, {context.process.t_max:g}]"
        )
        values, bounds = side(context, np.linalg.eigvalsh(context.process.jacobian(x, t)), t)
        if not (np.isfinite(values).all() and np.isfinite(bounds).all()):
            return Finding(Outcome.INCONCLUSIVE, f"{what}: not a finite number", scope)
        excess = (values - bounds) / np.maximum(np.abs(bounds), 1e-300)
        worst = int(np.argmax(excess))
        nearest, told = _nearest(values, bounds, t)
        numbers: dict[str, Any] = {"times" if of_time else "points": len(x), **told}
        if excess[worst] > 0:
            confirmed = _excess_at_precision(context, side, x[worst], t[worst])
            if mp.isnan(confirmed):
                return Finding(Outcome.INCONCLUSIVE, f"{what}: not a number at 50 digits", scope)
            if confirmed > mp.mpf(10) ** -25:
                numbers["worst_relative_excess"] = mp.nstr(confirmed, 5)
                found = {
                    **witness(x[worst], t[worst]),
                    "value": float(values[worst]),
                    "bound": float(bounds[worst]),
                }
                return Finding(
                    Outcome.VIOLATED,
                    f"{what}: exceeded by {mp.nstr(confirmed, 3)} relative",
                    scope,
                    numbers,
                    found,
                )
        numbers["worst_relative_excess"] = "none"
        return Finding(Outcome.HOLDS, f"{what}: never exceeded; {nearest}", scope, numbers)

    return procedure


def _nearest(values: Floats, bounds: Floats, t: Floats) -> tuple[str, dict[str, float]]:
    """How near a value comes to its bound, in words and figures: a share where a bound is positive, else a gap."""
    positive = bounds > 0
    if positive.any():
        shares = np.where(positive, values, -np.inf) / np.where(positive, bounds, 1.0)
        k = int(np.argmax(shares))
        some = "" if positive.all() else ", among points with a positive one,"
        text = f"the largest value reached{some} {100 * shares[k]:.4g} % of the bound, at t = {t[k]:.4g}"
        return text, {"largest_share_of_bound": float(shares[k])}
    gaps = bounds - values
    k = int(np.argmin(gaps))
    gap, bound = max(gaps[k], 0.0) + 0.0, bounds[k] + 0.0
    place = f"{gap:.4g} below" if gap > 0 else "equal to"
    text = f"no bound is positive; the nearest value is {place} its bound {bound:.4g}, at t = {t[k]:.4g}"
    return text, {"least_gap_to_the_bound": float(gaps[k])}


def _excess_at_precision(context: Context, side: Side, x: Floats, t: float) -> Any:
    with mp.workdps(50):
        point = np.array([mp.mpf(float(c)) for c in x], dtype=object)
        time = mp.mpf(float(t))
        matrix = context.process.jacobian(point, time)
        values = mp.eigsy(mp.matrix(matrix.tolist()), eigvals_only=True)
        ordered = np.array([sorted(values)], dtype=object)
        (value,), (bound,) = side(context, ordered, np.array([time], dtype=object))
        return (value - bound) / abs(bound) if bound else value

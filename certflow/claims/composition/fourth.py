"""Blocks of the fourth order in straight coordinates, the field exact and off by a wave (E4)."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb

from certflow.claims.check import Context, Finding
from certflow.claims.digits import mp
from certflow.claims.evidence.measured import judged
from certflow.claims.evidence.straight import (
    across_ties,
    local_errors,
    places,
    precise_field,
    precise_flow,
    precise_method,
    step_from,
    stepped,
    straight,
)
from certflow.networks.residual.methods import METHODS
from certflow.numbers.precision import ball_precision

#: Errors of the field, in units of `D`; bits of the balls; differences of logits at the points.
_FIELD_ERRORS, _BITS, _GAINS = (0.0, 1e-3), 128, (0.0, 1.0, -3.0)


def fourth_order(context: Context, name: str) -> Finding:
    """E4: no block of the fourth order errs by more than `C_4 h^5` for all points and `h sum_i b_i d_i`.

    `d_1 = eta`, `d_i = eta + c_i h L d_{i-1}`; the wave of size `eta` points the same way everywhere.
    """
    process, rng, method = context.process, context.rng(name), METHODS["rk4"]
    coordinates = straight(process)
    kappas = places(context, coordinates, rng)
    direction = rng.standard_normal(coordinates.law.dimension)
    direction /= np.linalg.norm(direction)
    cases = []
    largest = dict.fromkeys(_FIELD_ERRORS, 0.0)
    with mp.workdps(context.digits + 15), ball_precision(_BITS):
        field, run = precise_field(coordinates), precise_method(stepped(process, method))
        along = np.array([mp.mpf(entry) for entry in direction], dtype=object)
        for kappa in kappas:
            h = step_from(coordinates, kappa)
            exact = local_errors(context, coordinates, method).bound(arb(kappa), arb(h))
            limit = coordinates.lipschitz(arb(kappa) + arb(h))
            for point in across_ties(coordinates, kappa, _GAINS, rng):
                zeta = np.array([mp.mpf(entry) for entry in point], dtype=object)
                end, doubt = precise_flow(field, zeta, mp.mpf(kappa), mp.mpf(h))
                for part in _FIELD_ERRORS:
                    eta = part * float(coordinates.diameter)

                    def learned(z: Any, k: Any, eta: float = eta) -> Any:
                        return field(z, k) + eta * mp.cos(mp.fsum(z) / 50) * along

                    error = mp.norm((run.step(learned, zeta, mp.mpf(kappa), mp.mpf(h)) - end).tolist())
                    bound = exact + method.propagated(arb(eta), limit, arb(h))
                    share = float(error / (mp.mpf(float(bound.upper())) + doubt))
                    largest[part] = max(largest[part], share)
                    where = {"zeta": [entry.hex() for entry in point], "kappa": kappa.hex(), "h": h.hex()}
                    cases.append((share, {"eta": eta, **where, "error": mp.nstr(error, 5)}))
    scope = f"this mixture, {len(kappas)} steps, {len(_GAINS)} points for each, {context.digits} digits"
    numbers = {f"eta = {part:g} D, largest share": f"{share:.3g}" for part, share in largest.items()}
    return judged("error of a fourth-order block over its bound", cases, 1.0, scope, numbers)

"""The local error of a block for every mixture of common variance, by Schwarz's lemma (proofs/A9.md, section 3)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from flint import arb

from certflow.networks.residual.coordinates import Coordinates
from certflow.networks.residual.methods import Method

#: Radii that are tried, and how often the room is widened before a radius is given up.
_RADII, _ROUNDS = 24, 40


@dataclass(frozen=True)
class Analytic:
    """`|step_h - flow_h| <= chi M rho (h/rho)^{q+1}` for all `zeta` and `h <= rho`, `chi = 1/2 + sum_{i >= 2} b_i`.

    `M = D Delta/(1 - Delta)` bounds how much the field turns in the complex disc of radius `rho` about `kappa` while
    the solutions stay within `R >= rho M` of the tangent:
    `Delta = K^e exp( e osc(log w)/2 + kappa (1 + e) (R D + rho D^2/4) ) - 1 < 1`, `e = rho/kappa < 1`.
    """

    coordinates: Coordinates
    method: Method

    def local_error(self, kappa: Any, h: Any) -> Any:
        """An upper bound of `sup_zeta |step_h - flow_h|`, at most `h D`; `kappa` may be a ball."""
        if self.coordinates.law.components == 1:
            return arb(0)
        trivial = (h * self.coordinates.diameter).upper()
        low, step, order = float(kappa.lower()), float(h.upper()), self.method.order
        best: tuple[float, float, float] | None = None
        for j in range(_RADII):
            rho = step * (low / step) ** (j / _RADII) if low > step else 2 * low
            room = self._room(low, rho)
            if room is not None and (best is None or room[1] * rho**-order < best[0]):
                best = (room[1] * rho**-order, rho, room[0])
        if best is None:
            return trivial
        rho, R = arb(best[1]), arb(best[2])
        M = self.turning(kappa, rho, R)
        if M is None or not rho * M <= R or not h <= rho:
            return trivial
        chi = arb(1) / 2 + sum(self.method.weights[1:], 0 * self.method.weights[0])
        return (chi * M * rho * (h / rho) ** (order + 1)).min(trivial).upper()

    def turning(self, kappa: Any, rho: Any, room: Any) -> Any | None:
        """`M`, a ball; None where `Delta < 1` is not shown."""
        here, D = self.coordinates, self.coordinates.diameter
        e = rho / kappa
        exponent = e * (arb(here.law.components).log() + here.log_spread / 2) + kappa * (1 + e) * (
            room * D + rho * D * D / 4
        )
        delta = exponent.expm1()
        if not (e < 1 and delta < 1):
            return None
        return (D * delta / (1 - delta)).upper()

    def _room(self, kappa: float, rho: float) -> tuple[float, float] | None:
        """About the least `R >= rho M(R)`, a little more, and `M`: a choice, not a proof."""
        D = float(self.coordinates.diameter.mid())
        e, room = rho / kappa, 0.0
        if e >= 1:
            return None
        fixed = e * (math.log(self.coordinates.law.components) + float(self.coordinates.log_spread.mid()) / 2)
        for _ in range(_ROUNDS):
            exponent = fixed + kappa * (1 + e) * (room * D + rho * D * D / 4)
            if exponent > 0.69:
                return None
            delta = math.expm1(exponent)
            M = D * delta / (1 - delta)
            if rho * M * 1.0001 <= room:
                return room, M
            room = rho * M * 1.01
        return None

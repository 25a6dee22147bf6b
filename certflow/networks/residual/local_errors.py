"""The local error of a block over all points, by the sharpest bound that applies (A9, E4)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flint import arb

from certflow.networks.residual.analytic import Analytic
from certflow.networks.residual.coordinates import Coordinates
from certflow.networks.residual.methods import Method
from certflow.networks.residual.two_modes import TwoModes


@dataclass(frozen=True)
class LocalErrors:
    """Bounds of `sup_zeta |step_h - flow_h|` for one method.

    length : for two modes `|mu_1 - mu_2|/2`, by which `kappa` is scaled in `two_modes`; else None
    """

    analytic: Analytic
    two_modes: TwoModes | None
    length: Any

    @classmethod
    def of(cls, coordinates: Coordinates, method: Method) -> LocalErrors:
        analytic = Analytic(coordinates, method)
        law = coordinates.law
        if law.components != 2 or coordinates.diameter == 0:
            return cls(analytic, None, None)
        return cls(analytic, _two_modes(method, law.weights[0] / law.weights[1]), coordinates.diameter / 2)

    def bound(self, kappa: Any, h: Any) -> Any:
        """`sup_zeta |step_h - flow_h|` of a step from `kappa` to `kappa + h` is at most this ball's upper end."""
        if self.two_modes is None:
            return self.analytic.local_error(kappa, h)
        return self.two_modes.local_error(kappa * self.length, h * self.length).upper()

    def constant(self, kappa: float) -> float:
        """About `C_q` at `kappa`, of a small step: with what grids are planned."""
        start = arb(kappa)
        if self.two_modes is None:
            h = start / 2**20
            return float(self.analytic.local_error(start, h) / h ** (self.analytic.method.order + 1))
        return self.two_modes.constant(start * self.length) * float(self.length) ** (self.analytic.method.order + 1)


@lru_cache(maxsize=8)
def _two_modes(method: Method, ratio: Any) -> TwoModes:
    """Of two weights of that ratio; its tables are kept, whatever the means and the variance."""
    return TwoModes(method, arb(0) if ratio == 1 else arb(ratio).log() / 2)

"""Straight coordinates `zeta = x/sqrt(v)`, `kappa = m/sqrt(v)`: `d zeta/d kappa = E_gamma(mu)` (A9, proofs/A9.md)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flint import arb

from certflow.errors import InputError
from certflow.law.noised import NoisedMixture
from certflow.networks.common.law import CommonLaw, common_law


@dataclass(frozen=True)
class Coordinates:
    """A mixture of common isotropic variance and its interval of time, in balls at the precision in force.

    `gamma_k ~ w_k exp(kappa mu_k . zeta - kappa^2 |mu_k|^2 / 2)`; sampling goes from `kappa_T` up to `kappa_delta`.
    """

    law: CommonLaw

    @classmethod
    def of(cls, p: Any) -> Coordinates:
        """Of a process.

        Raises
        ------
        InputError : no process; other covariances than one common isotropic variance; symbols.
        """
        if not isinstance(p, NoisedMixture):
            raise InputError("p", p, "a certflow.OrnsteinUhlenbeck")
        if p.mixture.is_symbolic:
            raise InputError("p", p.mixture, "a mixture of numbers, not of symbols")
        if p.mixture.kind != "common-isotropic":
            raise InputError("p", f"a mixture with {p.mixture.kind} covariances", "one common isotropic variance")
        return cls(common_law(p))

    def variance(self, time: Any) -> Any:
        """`v = sigma^2 m^2 + 1 - m^2` at a time, a rational number."""
        m = (-arb(time)).exp()
        return arb(self.law.variance) * m * m - (-2 * arb(time)).expm1()

    def kappa(self, time: Any) -> Any:
        """`m/sqrt(v)`, which grows as time falls."""
        return (-arb(time)).exp() / self.variance(time).sqrt()

    @cached_property
    def ends(self) -> tuple[Any, Any]:
        """`kappa_T`, `kappa_delta`."""
        return self.kappa(self.law.t_max), self.kappa(self.law.t_min)

    @cached_property
    def scales(self) -> tuple[Any, Any]:
        """`sqrt(v_T)`, `sqrt(v_delta)`: `x = sqrt(v) zeta`."""
        return self.variance(self.law.t_max).sqrt(), self.variance(self.law.t_min).sqrt()

    @cached_property
    def diameter(self) -> Any:
        """`D = max |mu_k - mu_l|`."""
        return self.law.diameter

    @cached_property
    def speed(self) -> Any:
        """`max |mu_k| >= |d zeta/d kappa|`."""
        return self.law.largest_mean

    @cached_property
    def log_spread(self) -> Any:
        """`osc(log w)`: the largest less the least."""
        return self.law.weight_oscillation

    def growth(self, lower: Any, upper: Any) -> Any:
        """`exp int kappa D^2/4 d kappa = exp((upper^2 - lower^2) D^2/8)`: errors grow by this at most (A9, E3)."""
        return ((upper * upper - lower * lower) * self.diameter**2 / 8).exp()

    def lipschitz(self, kappa: Any) -> Any:
        """`kappa D^2/4`, at least the norm and logarithmic norm of the field's Jacobian `kappa Cov_gamma(mu)` (A9)."""
        return kappa * self.diameter**2 / 4

"""Straight coordinates `zeta = x/sqrt(v)`, `kappa = m/sqrt(v)`: `d zeta/d kappa = E_gamma(mu)` (A9, proofs/A9.md)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from flint import arb, fmpq

from certflow.errors import InputError
from certflow.law.mixture import GaussianMixture
from certflow.networks.graph import rational
from certflow.numbers.geometry import exact_diameter_squared
from certflow.process import OrnsteinUhlenbeck


@dataclass(frozen=True)
class Coordinates:
    """A mixture of common isotropic variance and its interval of time, in balls at the precision in force.

    `gamma_k ~ w_k exp(kappa mu_k . zeta - kappa^2 |mu_k|^2 / 2)`; sampling goes from `kappa_T` up to `kappa_delta`.
    """

    mixture: GaussianMixture
    times: tuple[Fraction, Fraction]

    @classmethod
    def of(cls, p: Any) -> Coordinates:
        """Of a process.

        Raises
        ------
        InputError : no process; other covariances than one common isotropic variance; symbols.
        """
        if not isinstance(p, OrnsteinUhlenbeck):
            raise InputError("p", p, "a certflow.OrnsteinUhlenbeck")
        if p.mixture.is_symbolic:
            raise InputError("p", p.mixture, "a mixture of numbers, not of symbols")
        if p.mixture.kind != "common-isotropic":
            raise InputError("p", f"a mixture with {p.mixture.kind} covariances", "one common isotropic variance")
        return cls(p.mixture, (p.exact_t_max, p.exact_t_min))

    # --- the interval

    def variance(self, time: Fraction) -> Any:
        """`v = sigma^2 m^2 + 1 - m^2`."""
        m = (-arb(rational(time))).exp()
        sigma2 = arb(rational(self.mixture.exact_covariances.fractions.item()))
        return sigma2 * m * m - (-2 * arb(rational(time))).expm1()

    def kappa(self, time: Fraction) -> Any:
        """`m/sqrt(v)`, which grows as time falls."""
        return (-arb(rational(time))).exp() / self.variance(time).sqrt()

    @cached_property
    def ends(self) -> tuple[Any, Any]:
        """`kappa_T`, `kappa_delta`."""
        return self.kappa(self.times[0]), self.kappa(self.times[1])

    @cached_property
    def scales(self) -> tuple[Any, Any]:
        """`sqrt(v_T)`, `sqrt(v_delta)`: `x = sqrt(v) zeta`."""
        return self.variance(self.times[0]).sqrt(), self.variance(self.times[1]).sqrt()

    # --- the mixture

    @cached_property
    def means(self) -> list[list[Any]]:
        """Exact, K rows of d rationals."""
        return [[rational(value) for value in row] for row in self.mixture.exact_means.fractions]

    @property
    def count(self) -> int:
        return len(self.means)

    @cached_property
    def log_weights(self) -> list[Any]:
        return [arb(rational(value)).log() for value in self.mixture.exact_weights.fractions]

    @cached_property
    def log_spread(self) -> Any:
        """`osc(log w)`: the largest less the least."""
        weights = self.mixture.exact_weights.fractions
        return arb(rational(max(weights))).log() - arb(rational(min(weights))).log()

    @cached_property
    def diameter(self) -> Any:
        """`D = max |mu_k - mu_l|`."""
        return arb(rational(exact_diameter_squared(self.mixture.exact_means))).sqrt()

    @cached_property
    def speed(self) -> Any:
        """`max |mu_k| >= |d zeta/d kappa|`."""
        return arb(max(sum((value * value for value in row), fmpq(0)) for row in self.means)).sqrt()

    def growth(self, lower: Any, upper: Any) -> Any:
        """The factor `exp int_lower^upper kappa D^2/4 d kappa = exp((upper^2 - lower^2) D^2/8)` of errors (A9, E3)."""
        return ((upper * upper - lower * lower) * self.diameter**2 / 8).exp()

    def lipschitz(self, kappa: Any) -> Any:
        """`kappa D^2/4`, a bound of the norm and of the logarithmic norm of the field's Jacobian `kappa Cov_gamma(mu)` (A9)."""
        return kappa * self.diameter**2 / 4

"""The rates of a common isotropic variance written out in mpmath, and their quadrature (F2, G2)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from certflow.claims.digits import mp
from certflow.claims.evidence.precise import root
from certflow.claims.evidence.reference import exact_mpf
from certflow.law.mixture import GaussianMixture


class CommonConstants:
    """`c = 1 - sigma^2`, `D^2`, `v`, `lambda` and `L` of a common isotropic variance, written out in mp."""

    def __init__(self, mixture: GaussianMixture):
        self.variance = exact_mpf(mixture.exact_covariances.fractions[()])
        self.c = 1 - self.variance
        self.square = exact_mpf(mixture.diameter_squared)

    def terms(self, t: Any) -> tuple[Any, Any]:
        """`1/v - 1 = c m^2/v` (which keeps its digits at late times) and `m^2 D^2/(4 v^2)` at `t`, `v = 1 - c m^2`."""
        m2 = mp.exp(-2 * t)
        precision = 1 / (1 - self.c * m2)
        return self.c * m2 * precision, m2 * self.square / 4 * precision**2

    def growth_rate(self, t: Any) -> Any:
        """`lambda = 1 - 1/v + m^2 D^2/(4 v^2)`."""
        slope, spread = self.terms(t)
        return spread - slope

    def lipschitz(self, t: Any) -> Any:
        """`L = max(|1/v - 1|, |1/v - 1 - m^2 D^2/(4 v^2)|)`."""
        slope, spread = self.terms(t)
        return max(abs(slope), abs(slope - spread))

    def crossing(self, s: Any, t: Any) -> list[Any]:
        """The ends of [s, t] with the time between them where the two terms of L are equal, if any."""

        def gap(y: Any) -> Any:
            slope, spread = self.terms(y)
            return mp.exp(2 * y) * (abs(slope - spread) - abs(slope))

        if mp.sign(gap(s)) == mp.sign(gap(t)):
            return [s, t]
        return [s, _root(gap, s, t), t]

    def still_grows(self, s: Any, t: Any) -> Any:
        """Where in [s, t] `lambda`, positive at `s`, changes its sign; `t`, where it does not."""

        def scaled(y: Any) -> Any:
            return mp.exp(2 * y) * self.growth_rate(y)

        return t if scaled(t) > 0 else _root(scaled, s, t)


def _root(function: Callable[[Any], Any], s: Any, t: Any) -> Any:
    """To all digits: a rate itself is below any tolerance at late times, times `e^{2t}` it is not; in `log t`."""
    return mp.exp(root(lambda y: function(mp.exp(y)), (mp.log(s), mp.log(t)), mp.mpf(10) ** (-mp.dps)))


def break_points(ends: list[Any]) -> list[Any]:
    """Break points at most a factor e^{1/2} apart, so that quadrature meets a smooth integrand."""
    nodes = [ends[0]]
    for left, right in pairwise(ends):
        pieces = max(1, int(mp.ceil(2 * mp.log(right / left))))
        nodes += [left * (right / left) ** (mp.mpf(k) / pieces) for k in range(1, pieces + 1)]
    return nodes


def quadrature(rate: Callable[[Any], Any], nodes: list[Any]) -> Any:
    """mpmath's quadrature of a rate over the nodes, in `log t`: Gauss and Legendre's, as it is smooth between them."""

    def integrand(y: Any) -> Any:
        t = mp.exp(y)
        return rate(t) * t

    return mp.quad(integrand, [mp.log(n) for n in nodes], method="gauss-legendre")

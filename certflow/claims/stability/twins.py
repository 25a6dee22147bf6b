"""False twins of the flow map's stability: half the exponent, a lost prefactor, a flow that contracts too much."""

from __future__ import annotations

from typing import Any

from certflow.bounds.stability import CommonVariance
from certflow.numbers.arithmetic import arithmetic_of
from certflow.process import OrnsteinUhlenbeck


class HalfExponent(OrnsteinUhlenbeck):
    """Half of the integrated rate."""

    def stability(self, s: Any, t: Any, rate: str = "one-sided") -> Any:
        return super().stability(s, t, rate) / 2

    def amplification(self, s: Any, t: Any, rate: str = "one-sided") -> Any:
        arithmetic = arithmetic_of(s, t)
        return arithmetic.sqrt(arithmetic.asarray(super().amplification(s, t, rate)))[()]


class LostPrefactor(OrnsteinUhlenbeck):
    """The amplification without `sqrt(v_s / v_t)`."""

    def _half_log(self, s: Any, t: Any) -> Any:
        arithmetic = arithmetic_of(s, t)
        closed = CommonVariance(self.mixture, arithmetic)
        return arithmetic.log(closed.v(arithmetic.asarray(t)) / closed.v(arithmetic.asarray(s))) / 2

    def stability(self, s: Any, t: Any, rate: str = "one-sided") -> Any:
        return super().stability(s, t, rate) + self._half_log(s, t)

    def amplification(self, s: Any, t: Any, rate: str = "one-sided") -> Any:
        arithmetic = arithmetic_of(s, t)
        return arithmetic.exp(arithmetic.asarray(self.stability(s, t, rate)))[()]


class CollapsingFlow(OrnsteinUhlenbeck):
    """A flow map that contracts every distance tenfold too much."""

    def flow(self, x: Any, t_from: Any, t_to: Any, rtol: float = 1e-10) -> Any:
        return super().flow(x, t_from, t_to, rtol=rtol) / 10

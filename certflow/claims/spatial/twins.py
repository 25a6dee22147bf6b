"""False twins of the spatial bounds: `D` for `D/2`, `v` for `v^2`, a lost or doubled factor, a wrong decision.

They compute with any kind of number, like the formulas they replace.
"""

from __future__ import annotations

from typing import Any

from certflow.bounds.rates import at_times
from certflow.bounds.stability import CommonVariance
from certflow.errors import NoGlobalBound
from certflow.numbers.arithmetic import Arithmetic
from certflow.process import OrnsteinUhlenbeck


class _WrongBounds(OrnsteinUhlenbeck):
    """Bounds of a common variance from `q = 1/v - 1` and a wrong spread term in place of `m^2 D^2 / (4 v^2)`."""

    def _spread(self, m2: Any, v: Any, square: Any) -> Any:
        raise NotImplementedError

    def _terms(self, arithmetic: Arithmetic, times: Any) -> tuple[Any, Any]:
        closed = CommonVariance(self.mixture, arithmetic)
        v = closed.v(times)
        return (1 - v) / v, self._spread(arithmetic.exp(-2 * times), v, closed.square)

    def lipschitz_bound(self, t: Any) -> Any:
        def formula(arithmetic: Arithmetic, times: Any) -> Any:
            slope, spread = self._terms(arithmetic, times)
            low = slope - spread
            return arithmetic.maximum(arithmetic.maximum(slope, -slope), arithmetic.maximum(low, -low))

        return at_times(formula, t)

    def growth_rate_bound(self, t: Any) -> Any:
        def formula(arithmetic: Arithmetic, times: Any) -> Any:
            slope, spread = self._terms(arithmetic, times)
            return spread - slope

        return at_times(formula, t)


class RadiusForDiameter(_WrongBounds):
    """`D/2` where `D` belongs."""

    def _spread(self, m2: Any, v: Any, square: Any) -> Any:
        return m2 * square / (16 * v * v)


class DiameterForRadius(_WrongBounds):
    """`D` where `D/2` belongs: a true but loose bound, which the sharpness of L4 must reject."""

    def _spread(self, m2: Any, v: Any, square: Any) -> Any:
        return m2 * square / (v * v)


class LostSquare(_WrongBounds):
    """`v` for `v^2`."""

    def _spread(self, m2: Any, v: Any, square: Any) -> Any:
        return m2 * square / (4 * v)


class WrongSignGrowth(OrnsteinUhlenbeck):
    """`1/v - 1 + spread` for `1 - 1/v + spread`: the sign of the contraction turned round."""

    def growth_rate_bound(self, t: Any) -> Any:
        def formula(arithmetic: Arithmetic, times: Any) -> Any:
            v = CommonVariance(self.mixture, arithmetic).v(times)
            return arithmetic.asarray(super(WrongSignGrowth, self).growth_rate_bound(times)) + 2 * (1 - v) / v

        return at_times(formula, t)


class HalvedBounds(OrnsteinUhlenbeck):
    """Half of every bound."""

    def lipschitz_bound(self, t: Any) -> Any:
        return super().lipschitz_bound(t) / 2

    def growth_rate_bound(self, t: Any) -> Any:
        return super().growth_rate_bound(t) / 2

    def ball_bound(self, radius: Any, t: Any) -> Any:
        return super().ball_bound(radius, t) / 2


class DoubledGrowth(OrnsteinUhlenbeck):
    """`lambda` doubled, so that it exceeds `L`."""

    def growth_rate_bound(self, t: Any) -> Any:
        return 2 * super().growth_rate_bound(t)


class DoubledJacobian(OrnsteinUhlenbeck):
    """`2 J`."""

    def jacobian(self, x: Any, t: Any) -> Any:
        return 2 * super().jacobian(x, t)


class AlwaysBounded(OrnsteinUhlenbeck):
    """A finite bound claimed for every mixture, also where L8 says that none exists."""

    def lipschitz_bound(self, t: Any) -> Any:
        try:
            return super().lipschitz_bound(t)
        except NoGlobalBound:
            return self.ball_bound(10, t)


class NeverBounded(OrnsteinUhlenbeck):
    """No bound for any matrix covariance, also in the ordered and semidefinite cases where one exists."""

    def lipschitz_bound(self, t: Any) -> Any:
        if self.mixture.kind == "full":
            raise NoGlobalBound("refused", pair=(0, 1), growth="quadratic", proved=False)
        return super().lipschitz_bound(t)

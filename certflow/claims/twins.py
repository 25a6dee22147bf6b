"""False twins: processes with one deliberately wrong formula, which the checks must report as violated.

Each is a mistake that is easily made: a lost factor, a wrong sign, `D` for `D/2`, `v` for `v^2`, `m` for `m^2`.
They compute with any kind of number, like the formulas they replace.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.bounds.rates import at_times
from certflow.bounds.stability import CommonVariance
from certflow.errors import NoGlobalBound
from certflow.numbers.arithmetic import Arithmetic, arithmetic_of
from certflow.process import OrnsteinUhlenbeck


def _identity(dimension: int, like: Any) -> Any:
    return arithmetic_of(like).eye(dimension)


class DoubledTime(OrnsteinUhlenbeck):
    """`e^{-2t}` where `e^{-t}` belongs, in the density (`m^2` for `m`)."""

    def log_density(self, x: Any, t: Any) -> Any:
        return super().log_density(x, 2 * t)


class LostNormaliser(OrnsteinUhlenbeck):
    """The density without its factor `2 pi`: `log p + log(2 pi)`."""

    def log_density(self, x: Any, t: Any) -> Any:
        return super().log_density(x, t) + arithmetic_of(x, t).log_two_pi()


class SwappedResponsibilities(OrnsteinUhlenbeck):
    """Responsibilities assigned to the components in reverse order."""

    def responsibilities(self, x: Any, t: Any) -> Any:
        result = super().responsibilities(x, t)
        return result.flip(-1) if hasattr(result, "flip") else result[..., ::-1]


class WrongSignScore(OrnsteinUhlenbeck):
    """`+P (x - m mu)` for `-P (x - m mu)`."""

    def score(self, x: Any, t: Any) -> Any:
        return -super().score(x, t)


class LostMeanFactor(OrnsteinUhlenbeck):
    """`x - mu` for `x - m mu`, to first order in t: the score at `x (1 + t)`."""

    def score(self, x: Any, t: Any) -> Any:
        arithmetic = arithmetic_of(x, t)
        times = arithmetic.asarray(t)
        return super().score(arithmetic.asarray(x) * (1 + times.reshape((*times.shape, 1))), t)


class HalfScoreVelocity(OrnsteinUhlenbeck):
    """`-x - s/2` for `-x - s` (the drift of another parametrisation)."""

    def velocity(self, x: Any, t: Any) -> Any:
        return (super().velocity(x, t) - arithmetic_of(x, t).asarray(x)) / 2


class WrongSignVelocity(OrnsteinUhlenbeck):
    """`-x + s` for `-x - s`."""

    def velocity(self, x: Any, t: Any) -> Any:
        return -2 * arithmetic_of(x, t).asarray(x) - super().velocity(x, t)


class LostIdentity(OrnsteinUhlenbeck):
    """`-grad s` for `-I - grad s`."""

    def jacobian(self, x: Any, t: Any) -> Any:
        result = super().jacobian(x, t)
        return result + _identity(self.mixture.dimension, result)


class LostSpread(OrnsteinUhlenbeck):
    """The Jacobian with half the covariance of the component scores (1/2 for 1, as if by Popoviciu twice).

    With `J + I - sum gamma P = -Cov`, half the covariance is the mean of J and of J without it; the latter is taken
    at `x = 0` of a single component, so for the common variance `J' = (J + (1/v - 1) I) / 2`.
    """

    def jacobian(self, x: Any, t: Any) -> Any:
        result = super().jacobian(x, t)
        arithmetic = arithmetic_of(result)
        closed = CommonVariance(self.mixture, arithmetic)
        times = arithmetic.asarray(t)
        slope = 1 / closed.v(times) - 1
        shape = (*np.shape(slope), 1, 1)
        eye = _identity(self.mixture.dimension, result)
        return (result + arithmetic.asarray(slope).reshape(shape) * eye) / 2


class Asymmetric(OrnsteinUhlenbeck):
    """A Jacobian whose upper triangle is doubled (an index slip)."""

    def jacobian(self, x: Any, t: Any) -> Any:
        result = super().jacobian(x, t)
        arithmetic = arithmetic_of(result)
        factors = np.ones((self.mixture.dimension,) * 2) + np.triu(np.ones((self.mixture.dimension,) * 2), 1)
        return result * arithmetic.asarray(factors.astype(int))


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


class OvershootingFlow(OrnsteinUhlenbeck):
    """A flow map that doubles every distance."""

    def flow(self, x: Any, t_from: Any, t_to: Any, rtol: float = 1e-10) -> Any:
        return 2 * super().flow(x, t_from, t_to, rtol=rtol)


class CollapsingFlow(OrnsteinUhlenbeck):
    """A flow map that contracts every distance tenfold too much."""

    def flow(self, x: Any, t_from: Any, t_to: Any, rtol: float = 1e-10) -> Any:
        return super().flow(x, t_from, t_to, rtol=rtol) / 10


class WrongBranch(OrnsteinUhlenbeck):
    """The Lambert-W time with a target that lost its factor 2 (`A` for `2 A`)."""

    def time_at_stability(self, value: Any, s: Any | None = None) -> Any:
        return super().time_at_stability(value / 2, s)


class ReversedAmplification(OrnsteinUhlenbeck):
    """`exp(-int lambda)`: distances shrink where they grow."""

    def amplification(self, s: Any, t: Any, rate: str = "one-sided") -> Any:
        return 1 / super().amplification(s, t, rate)


class ForgottenErrors(OrnsteinUhlenbeck):
    """Bounds of a composition that count the error of the last segment only."""

    def error_bound(self, times: Any, errors: Any, rate: str = "one-sided") -> float:
        return super().error_bound(times, [*(0.0 for _ in errors[1:]), errors[-1]], rate)

    def law_error_bound(self, lipschitz: Any, errors: Any) -> float:
        return super().law_error_bound(lipschitz, [*(0.0 for _ in errors[1:]), errors[-1]])


class FullStage(OrnsteinUhlenbeck):
    """The midpoint block with its stage at `h` for `h/2`: of order 1."""

    def residual_block(self, x: Any, t: Any, h: Any, method: str = "midpoint", velocity: Any = None) -> Any:
        if method == "euler":
            return super().residual_block(x, t, h, method, velocity)
        stage = super().residual_block(x, t, h, "euler", velocity)
        return arithmetic_of(x, t).asarray(x) - h * (velocity or self.velocity)(stage, t - h)


class ForgottenDiscretisation(OrnsteinUhlenbeck):
    """A bound of blocks that counts the error of the velocity only."""

    def block_error_bound(
        self, h: Any, velocity_error: Any, lipschitz: Any, second: Any, third: Any, method: str = "midpoint"
    ) -> Any:
        return super().block_error_bound(h, velocity_error, lipschitz, 0 * second, 0 * third, method)


class DoubledFloor(OrnsteinUhlenbeck):
    """The mismatch floors with 1/2 for 1/4, and 1 for 1/2."""

    def mismatch_floor(self, budget: float, norm: str = "mean-square") -> float:
        return 2 * super().mismatch_floor(budget, norm)


class WrongInterval(OrnsteinUhlenbeck):
    """Grids that start at half of `t_max`."""

    @property
    def t_max(self) -> float:
        return super().t_max / 2


class NoiseEndGrid(OrnsteinUhlenbeck):
    """Nodes of equal stability counted from the wrong end: crowded at the noise instead of the data."""

    def time_at_stability(self, value: Any, s: Any | None = None) -> Any:
        rest = self.stability(self.t_min, self.t_max) - value
        return self.t_min + self.t_max - super().time_at_stability(max(rest, 0.0), s)

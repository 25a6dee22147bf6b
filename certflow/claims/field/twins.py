"""False twins of the field: a lost factor, a wrong sign, `m^2` for `m`.

They compute with any kind of number, like the formulas they replace.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.bounds.stability import CommonVariance
from certflow.numbers.arithmetic import arithmetic_of
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


class OvershootingFlow(OrnsteinUhlenbeck):
    """A flow map that doubles every distance."""

    def flow(self, x: Any, t_from: Any, t_to: Any, rtol: float = 1e-10) -> Any:
        return 2 * super().flow(x, t_from, t_to, rtol=rtol)

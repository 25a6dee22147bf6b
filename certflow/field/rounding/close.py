"""The close bound: the deviation of every component at every point, for the few points that coarser bounds doubt."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from certflow.field.components import Components, FullComponents, IsotropicComponents, SharedComponents
from certflow.field.rounding.scale import EPSILON, Scale, norm, outer, scale_of, trusted
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Points, Weights


class _Close:
    """The sizes at N points that every kind of covariance has; shapes (N, 1), (T, 1 or K), (N, K).

    precision : the largest eigenvalue of `P_k`; reach : `|x| + m |mu_k|`
    rest : what `log det P_k` adds to a logit's error
    top : the largest eigenvalue of `C_k`, where the rounding of `C_k` counts (of matrices)
    """

    def __init__(self, mixture: GaussianMixture, x: Points, components: Any, gamma: Weights):
        self.scale: Scale = mixture.kept[scale_of]
        self.dimension = mixture.dimension
        self.x, self.components, self.gamma = x, components, gamma
        self.unit = 2 * EPSILON * self.scale.growth
        self.m, self.m2 = components.m, components.m2
        self.precision = 1 / (outer(self.m2, self.scale.low) + components.n2)
        self.top: Any = 0.0 if self.scale.isotropic else outer(self.m2, self.scale.high) + components.n2
        self.norms = np.sqrt((mixture.means**2).sum(axis=1))
        self.norm_x = norm(x)[:, None]
        self.reach = (self.norm_x.T + outer(self.m, self.norms).T).T
        self.rest = mixture.dimension * (1 + self.top * self.precision + np.abs(np.log(self.precision))) / 2
        self.slope = self.m2 * self.precision * self.scale.slope

    @cached_property
    def scores(self) -> Floats:
        """`|b_k|`, shape (N, K)."""
        return norm(self.components.component_scores(self.x))

    @cached_property
    def distances(self) -> Floats:
        """`|u_k - u|`, shape (N, K); the differences of velocities do not cancel as `t` grows."""
        velocities = self.components.component_velocities(self.x)
        return norm(velocities - (self.gamma[:, :, None] * velocities).sum(axis=1)[:, None, :])

    def shared_error(self) -> Any:
        """The error of the term that all logits share, in units of rounding, shape (N,) or zero."""
        return 0.0

    def logit_errors(self) -> Floats:
        """The error of each logit less its weight's, in units of rounding, shape (N, K)."""
        raise NotImplementedError

    def rounding(self, quantity: str) -> Floats:
        """The error of each component's vector, in units of rounding, shape (N, K)."""
        return self._plain(quantity)

    def _plain(self, quantity: str) -> Floats:
        velocity: Floats = self.slope * self.norm_x + self.m * self.precision * self.norms
        return self.precision * self.reach if quantity == "score" else velocity

    def _of_matrices(self, quantity: str) -> Floats:
        """A covariance known only to the rounding `E` of its largest eigenvalue moves `P_k y` by `P_k E P_k y`."""
        known = self._plain(quantity) + self.top * self.precision * self.scores
        result: Floats = known * (1 + self.dimension**0.5 / 4)
        return result


class _Common(_Close):
    """One variance for all: the logits differ by `m p mu_k.x` and a constant."""

    def shared_error(self) -> Any:
        return (self.precision * self.norm_x**2 / 2 + self.rest)[:, 0]

    def logit_errors(self) -> Floats:
        result: Floats = self.precision * self.m * self.norms * self.reach
        return result


class _Shared(_Common):
    """One matrix for all, known to the rounding of its largest eigenvalue."""

    def shared_error(self) -> Any:
        return super().shared_error() + (self.top * self._pulled_x**2 / 2)[:, 0]

    def logit_errors(self) -> Floats:
        pulled_means = self.m * norm(self.components.resolvent.precision(self.components.means[None]))
        result: Floats = super().logit_errors() + self.top * pulled_means * (self._pulled_x + pulled_means)
        return result

    def rounding(self, quantity: str) -> Floats:
        return self._of_matrices(quantity)

    @cached_property
    def _pulled_x(self) -> Floats:
        return norm(self.components.resolvent.precision(self.x))[:, None]


class _Isotropic(_Close):
    """A variance for each component: the logits hold `p_k |x - m mu_k|^2 / 2`."""

    def logit_errors(self) -> Floats:
        result: Floats = self.precision * self.reach**2 / 2 + self.rest / 2
        return result


class _Full(_Close):
    """A matrix for each component."""

    def logit_errors(self) -> Floats:
        offsets = norm(self.x[:, None, :] - self.m[:, :, None] * self.components.means)
        quadratic = self.scores * self.reach + self.top * self.scores**2 / 2
        result: Floats = quadratic + self.rest + self.precision * offsets**2 / 2
        return result

    def rounding(self, quantity: str) -> Floats:
        return self._of_matrices(quantity)


def close_bound(mixture: GaussianMixture, quantity: str, x: Points, components: Components, gamma: Weights) -> Floats:
    """The bound with the deviations of the components at each point, shape (N,).

    An error `delta_k` of the logits moves `sum_k gamma_k a_k` by `Cov_gamma(delta, a)`, whose norm is at most
    `sum_k gamma_k |delta_k| |a_k - a|`, and `Cov_gamma(a)` by at most
    `sum_k gamma_k |delta_k| (|a_k - a|^2 + tr Cov_gamma(a))`.
    """
    close = _kind(components)(mixture, x, components, gamma)
    delta = close.unit * (close.logit_errors() + np.abs(components.log_weights))
    bound = _QUANTITIES.get(quantity, _mean_vector)(close, quantity, gamma * delta)
    return trusted(bound, delta.max(axis=1))


def _kind(components: Components) -> type[_Close]:
    if isinstance(components, IsotropicComponents):
        return _Common if components.common else _Isotropic
    return {SharedComponents: _Shared, FullComponents: _Full}[type(components)]


def _responsibilities(close: _Close, quantity: str, weighted: Floats) -> Floats:
    result: Floats = 2 * weighted.sum(axis=1) + close.unit
    return result


def _log_density(close: _Close, quantity: str, weighted: Floats) -> Floats:
    result: Floats = weighted.sum(axis=1) + close.unit * (close.shared_error() if close.scale.alike else 1.0)
    return result


def _mean_vector(close: _Close, quantity: str, weighted: Floats) -> Floats:
    result: Floats = (weighted * close.distances + close.unit * close.gamma * close.rounding(quantity)).sum(axis=1)
    return result


def _jacobian(close: _Close, quantity: str, weighted: Floats) -> Floats:
    squares, gamma = close.distances * close.distances, close.gamma
    spread = (gamma * squares).sum(axis=1)[:, None]
    rounding, own = close.rounding(quantity), close.slope + close.m2 * close.top * close.precision**2
    if close.scale.alike:  # the mean of `m^2 Q` does not move, and of the `u_k` only `m P mu_k` differs
        moved, own = squares + spread, own + 2 * close.m * close.precision * close.norms * close.distances
    else:
        moved = squares + spread + close.slope + (gamma * close.slope).sum(axis=1)[:, None]
        own = own + 2 * rounding * close.distances
    own = close.dimension**0.5 * own + 2 * (1 + close.top * close.precision) * spread
    first: Floats = (weighted * moved + close.unit * gamma * own).sum(axis=1)
    second: Floats = (close.unit * rounding.max(axis=1)) ** 2
    return first + second


_QUANTITIES: dict[str, Callable[[_Close, str, Floats], Floats]] = {
    "responsibilities": _responsibilities,
    "log_density": _log_density,
    "jacobian": _jacobian,
}

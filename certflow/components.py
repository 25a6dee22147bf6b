"""The components of a noised mixture at given times, in any arithmetic.

With `m = e^{-t}`, `C_k = m^2 Sigma_k + (1-m^2) I`, `P_k = C_k^{-1}` and `Q_k = P_k (I - Sigma_k)`,
so that `P_k - I = m^2 Q_k` (THEORY section 0, S2-S4):

- component score        `b_k = -P_k (x - m mu_k)`
- component velocity     `u_k = -x - b_k = m^2 Q_k x - m P_k mu_k`   (no cancellation as `t` grows)
- logits                 `log w_k + 1/2 log det P_k - 1/2 (x - m mu_k)^T P_k (x - m mu_k)`

There is one class for each way in which `P_k` acts: by a number, by one matrix, by a matrix for each
component. `x` has shape (N, d), `t` shape (T,) with T = N or 1; results start with axis N.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.arithmetic import Arithmetic
from certflow.exact import ExactArray
from certflow.mixture import GaussianMixture


class Parameters:
    """The exact parameters of a mixture converted to one arithmetic (kept for the next call)."""

    def __init__(self, mixture: GaussianMixture, arithmetic: Arithmetic):
        self.mixture = mixture
        self.means = arithmetic.numbers(mixture.exact_means)
        weights = arithmetic.numbers(mixture.exact_weights)
        total = mixture.weight_total
        self.log_weights = arithmetic.log(weights)
        if total != 1:
            self.log_weights = self.log_weights - arithmetic.log(
                arithmetic.numbers(ExactArray(np.array([total], dtype=object)))
            )
        if mixture.kind in ("common-isotropic", "isotropic"):
            exact = mixture.exact_covariances
            variances = ExactArray(exact.values.reshape(-1))
            self.variances = arithmetic.numbers(variances)
            self.complements = arithmetic.numbers(_complement(variances))
            self.square_norms = (self.means * self.means).sum(-1)


def _complement(exact: ExactArray) -> ExactArray:
    """`1 - s2`, exact (of more than a thousand binary numbers each difference is rounded once)."""
    if exact.is_binary and exact.values.size <= 1000:
        return ExactArray(1 - exact.fractions)
    return ExactArray(1 - exact.values)


def parameters(mixture: GaussianMixture, arithmetic: Arithmetic) -> Parameters:
    """Converted parameters, cached by mixture and by arithmetic at its present precision."""
    cache = mixture.__dict__.setdefault("_parameters", {})
    key = arithmetic.key
    if key not in cache:
        if len(cache) > 16:
            cache.clear()
        cache[key] = Parameters(mixture, arithmetic)
    return cache[key]


class _Components:
    """What the three classes share: the OU factors at `t` (shape (T, 1)) and the conversions."""

    def __init__(self, mixture: GaussianMixture, arithmetic: Arithmetic, t: Any):
        self.arithmetic = arithmetic
        self.parameters = parameters(mixture, arithmetic)
        self.dimension = mixture.dimension
        self.means = self.parameters.means
        self.log_weights = self.parameters.log_weights
        self.m = arithmetic.exp(-t)[:, None]
        self.m2 = arithmetic.exp(-2 * t)[:, None]
        self.n2 = -arithmetic.expm1(-2 * t)[:, None]

    def _weighted_outer(self, gamma: Any, deviations: Any) -> Any:
        """`sum_k gamma_k a_k a_k^T`; deviations of shape (N, K, d)."""
        weighted = gamma[:, :, None] * deviations
        return weighted.swapaxes(-1, -2) @ deviations


class IsotropicComponents(_Components):
    """`Sigma_k = s2_k I` (or one `s2` for all): `P_k = p_k I`, `p_k = 1/v_k`, `v_k = s2_k m^2 + 1 - m^2`."""

    def __init__(self, mixture: GaussianMixture, arithmetic: Arithmetic, t: Any):
        super().__init__(mixture, arithmetic, t)
        self.common = mixture.kind == "common-isotropic"
        self.p = 1 / (self.parameters.variances * self.m2 + self.n2)  # (T, 1 or K)
        self.q = self.p * self.parameters.complements

    def logits(self, x: Any) -> Any:
        """Logits (N, K), for common variance less the term `log_scale` that all components share."""
        norms = self.parameters.square_norms
        result = (x @ self.means.T) * (self.m * self.p) + (self.log_weights - self.p * self.m2 / 2 * norms)
        if self.common:
            return result
        squares = (x * x).sum(-1)[:, None]
        return result + (self.arithmetic.log(self.p) * self.dimension - self.p * squares) / 2

    def log_scale(self, x: Any) -> Any:
        """What `logits` leaves out, shape (N,)."""
        gauss = -self.arithmetic.log_two_pi() * self.dimension / 2
        if not self.common:
            return gauss + 0 * x[:, 0]
        p = self.p[:, 0]
        return gauss + (self.arithmetic.log(p) * self.dimension - p * (x * x).sum(-1)) / 2

    def score(self, x: Any, gamma: Any) -> Any:
        """`sum_k gamma_k b_k`, shape (N, d)."""
        if self.common:
            return -self.p * (x - self.m * (gamma @ self.means))
        weighted = gamma * self.p
        return self.m * (weighted @ self.means) - weighted.sum(-1)[:, None] * x

    def velocity(self, x: Any, gamma: Any) -> Any:
        """`sum_k gamma_k u_k`, shape (N, d)."""
        if self.common:
            return self.m * self.p * (self.m * self.parameters.complements * x - gamma @ self.means)
        mean_q = (gamma * self.q).sum(-1)[:, None]
        return self.m2 * mean_q * x - self.m * ((gamma * self.p) @ self.means)

    def jacobian(self, x: Any, gamma: Any) -> Any:
        """`sum_k gamma_k m^2 q_k I - Cov_gamma(u_k)`, shape (N, d, d)."""
        eye = self.arithmetic.eye(self.dimension)
        if self.common:
            deviations = self.means - (gamma @ self.means)[:, None, :]
            factor = (self.m * self.p)[:, :, None]
            spread = factor * factor * self._weighted_outer(gamma, deviations)
            return (self.m2 * self.q)[:, :, None] * eye - spread
        mean_q = (gamma * self.q).sum(-1)[:, None]
        pull = (gamma * self.p) @ self.means
        first = (self.m2 * (self.q - mean_q))[:, :, None] * x[:, None, :]
        second = self.p[:, :, None] * self.means - pull[:, None, :]
        deviations = first - self.m[:, :, None] * second
        return (self.m2 * mean_q)[:, :, None] * eye - self._weighted_outer(gamma, deviations)


class SharedComponents(_Components):
    """`Sigma_k = Sigma`: one matrix `P` (and `Q = P (I - Sigma)`) at each time."""

    def __init__(self, mixture: GaussianMixture, arithmetic: Arithmetic, t: Any):
        super().__init__(mixture, arithmetic, t)
        self.precision, self.slope, self.logdet = arithmetic.resolvent(
            mixture.exact_covariances, self.m2[:, 0], self.n2[:, 0]
        )  # (T, d, d), (T, d, d), (T,)
        self.pulls = self.means @ self.precision  # P mu_k, (T, K, d); P is symmetric

    def _apply(self, matrices: Any, vectors: Any) -> Any:
        return (matrices @ vectors[:, :, None])[:, :, 0]

    def logits(self, x: Any) -> Any:
        """Logits (N, K) less the term `log_scale` that all components share."""
        norms = (self.pulls * self.means).sum(-1)
        if self.pulls.shape[0] == 1:
            products = x @ self.pulls[0].T
        else:
            products = self._apply(self.pulls, x)
        return self.m * products + (self.log_weights - self.m2 / 2 * norms)

    def log_scale(self, x: Any) -> Any:
        gauss = -self.arithmetic.log_two_pi() * self.dimension / 2
        squares = (self._apply(self.precision, x) * x).sum(-1)
        return gauss + (self.logdet - squares) / 2

    def score(self, x: Any, gamma: Any) -> Any:
        return -self._apply(self.precision, x - self.m * (gamma @ self.means))

    def velocity(self, x: Any, gamma: Any) -> Any:
        drift = self.m2 * self._apply(self.slope, x)
        return drift - self.m * self._apply(self.precision, gamma @ self.means)

    def jacobian(self, x: Any, gamma: Any) -> Any:
        deviations = (self.means - (gamma @ self.means)[:, None, :]) @ self.precision
        m2 = self.m2[:, :, None]
        return m2 * self.slope - m2 * self._weighted_outer(gamma, deviations)


class FullComponents(_Components):
    """A matrix `P_k` for each component; shapes (T, K, d, d)."""

    def __init__(self, mixture: GaussianMixture, arithmetic: Arithmetic, t: Any):
        super().__init__(mixture, arithmetic, t)
        self.precision, self.slope, self.logdet = arithmetic.resolvent(
            mixture.exact_covariances, self.m2[:, 0], self.n2[:, 0]
        )

    def _component_scores(self, x: Any) -> tuple[Any, Any]:
        offsets = x[:, None, :] - self.m[:, :, None] * self.means
        return offsets, -(self.precision @ offsets[..., None])[..., 0]

    def _component_velocities(self, x: Any) -> Any:
        drift = (self.slope @ x[:, None, :, None])[..., 0]
        pull = (self.precision @ self.means[None, :, :, None])[..., 0]
        return self.m2[:, :, None] * drift - self.m[:, :, None] * pull

    def logits(self, x: Any) -> Any:
        offsets, scores = self._component_scores(x)
        return self.log_weights + (self.logdet + (offsets * scores).sum(-1)) / 2

    def log_scale(self, x: Any) -> Any:
        return -self.arithmetic.log_two_pi() * self.dimension / 2 + 0 * x[:, 0]

    def score(self, x: Any, gamma: Any) -> Any:
        return (gamma[:, :, None] * self._component_scores(x)[1]).sum(1)

    def velocity(self, x: Any, gamma: Any) -> Any:
        return (gamma[:, :, None] * self._component_velocities(x)).sum(1)

    def jacobian(self, x: Any, gamma: Any) -> Any:
        velocities = self._component_velocities(x)
        mean = (gamma[:, :, None] * velocities).sum(1)
        slope = (gamma[:, :, None, None] * self.slope).sum(1)
        spread = self._weighted_outer(gamma, velocities - mean[:, None, :])
        return self.m2[:, :, None] * slope - spread


Components = IsotropicComponents | SharedComponents | FullComponents


def components_at(mixture: GaussianMixture, arithmetic: Arithmetic, t: Any) -> Components:
    """The components at times `t`, shape (T,), by the kind of covariance."""
    if mixture.kind == "shared":
        return SharedComponents(mixture, arithmetic, t)
    if mixture.kind == "full":
        return FullComponents(mixture, arithmetic, t)
    return IsotropicComponents(mixture, arithmetic, t)

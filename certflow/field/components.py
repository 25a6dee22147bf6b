"""The components of a noised mixture at given times, in any arithmetic.

With `m = e^{-t}`, `C_k = m^2 Sigma_k + (1-m^2) I`, `P_k = C_k^{-1}` and `Q_k = P_k (I - Sigma_k)`,
so that `P_k - I = m^2 Q_k` (proofs/notation.md, S2-S4):

- component score        `b_k = -P_k (x - m mu_k)`
- component velocity     `u_k = -x - b_k = m^2 Q_k x - m P_k mu_k`   (no cancellation as `t` grows)
- logits                 `log w_k + 1/2 log det P_k - 1/2 (x - m mu_k)^T P_k (x - m mu_k)`

There is one class for each way in which `P_k` acts: by a number, by one matrix, by a matrix for each
component. `x` has shape (N, d), `t` shape (T,) with T = N or 1; results start with axis N.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.law.kept import Recent
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arithmetic import Arithmetic
from certflow.numbers.exact import ExactArray


class Parameters:
    """The exact parameters of a mixture converted to one arithmetic (kept for the next call)."""

    def __init__(self, mixture: GaussianMixture, arithmetic: Arithmetic):
        self.means = arithmetic.numbers(mixture.exact_means)
        total = mixture.weight_total
        self.log_weights = arithmetic.log_numbers(mixture.exact_weights)
        if total != 1:
            self.log_weights = self.log_weights - arithmetic.log(
                arithmetic.numbers(ExactArray(np.array([total], dtype=object)))
            )
        if mixture.kind in ("common-isotropic", "isotropic"):
            exact = mixture.exact_covariances
            variances = ExactArray(exact.values.reshape(-1))
            self.variances = arithmetic.numbers(variances)
            self.complements = arithmetic.numbers(ExactArray(1 - variances.fractions))
            self.square_norms = arithmetic.square_norms(self.means)
        else:
            self.covariances = arithmetic.prepared(mixture.exact_covariances)


def parameters(mixture: GaussianMixture, arithmetic: Arithmetic) -> Parameters:
    """Converted parameters, kept with the mixture by arithmetic at its present precision."""
    if arithmetic.name == "torch":
        arithmetic.ahead(_kept_parameters, mixture)
    return _kept_parameters(mixture, arithmetic)


def _kept_parameters(mixture: GaussianMixture, arithmetic: Arithmetic) -> Parameters:
    kept: Recent[Parameters] = mixture.kept[_by_arithmetic]
    found = kept.get(arithmetic.key)
    if found is None:
        found = kept.keep(arithmetic.key, arithmetic.lasting(lambda: Parameters(mixture, arithmetic)))
    return found


def _by_arithmetic(mixture: GaussianMixture) -> Recent[Parameters]:
    return Recent(16)


class _Components:
    """What the three classes share: the OU factors at `t` (shape (T, 1)) and the conversions."""

    def __init__(self, mixture: GaussianMixture, arithmetic: Arithmetic, t: Any):
        self.arithmetic = arithmetic
        self.parameters = parameters(mixture, arithmetic)
        self.dimension = mixture.dimension
        self.means = self.parameters.means
        self.log_weights = self.parameters.log_weights
        self.m = arithmetic.exp(-t)[:, None]
        self.m2 = self.m * self.m
        self.n2 = -arithmetic.expm1(-2 * t)[:, None]


class IsotropicComponents(_Components):
    """`Sigma_k = s2_k I` (or one `s2` for all): `P_k = p_k I`, `p_k = 1/v_k`, `v_k = s2_k m^2 + 1 - m^2`."""

    def __init__(self, mixture: GaussianMixture, arithmetic: Arithmetic, t: Any):
        super().__init__(mixture, arithmetic, t)
        self.common = mixture.kind == "common-isotropic"
        self.p = 1 / (arithmetic.products(self.m2, self.parameters.variances[:, None]) + self.n2)  # (T, 1 or K)
        self.q = self.p * self.parameters.complements

    def logits(self, x: Any) -> Any:
        """Logits (N, K), for common variance less the term `log_scale` that all components share."""
        norms = self.parameters.square_norms
        result = self.arithmetic.products(x, self.means)
        offset = self.log_weights - self.p * self.m2 / 2 * norms
        result = self.arithmetic.affine(result, self.m * self.p, offset)
        if self.common:
            return result
        squares = (x * x).sum(-1)[:, None]
        heights = (self.p.T * squares.T).T  # `p |x|^2`, in memory as `result`
        return result + (self.arithmetic.log(self.p) * self.dimension - heights) / 2

    def log_scale(self, x: Any) -> Any:
        """What `logits` leaves out, shape (N,)."""
        gauss = -self.arithmetic.log_two_pi() * self.dimension / 2
        if not self.common:
            return gauss + 0 * x[:, 0]
        p = self.p[:, 0]
        return gauss + (self.arithmetic.log(p) * self.dimension - p * (x * x).sum(-1)) / 2

    def component_scores(self, x: Any) -> Any:
        """`b_k`, shape (N, K, d)."""
        return self.p[:, :, None] * (self.m[:, :, None] * self.means - x[:, None, :])

    def component_velocities(self, x: Any) -> Any:
        """`u_k`, shape (N, K, d)."""
        return (self.m2 * self.q)[:, :, None] * x[:, None, :] - (self.m * self.p)[:, :, None] * self.means

    def score(self, x: Any, gamma: Any) -> Any:
        """`sum_k gamma_k b_k`, shape (N, d)."""
        if self.common:
            return self.score_about(x, self.arithmetic.average(gamma, self.means))
        weighted = gamma * self.p
        return self.m * self.arithmetic.average(weighted, self.means) - weighted.sum(-1)[:, None] * x

    def velocity(self, x: Any, gamma: Any) -> Any:
        """`sum_k gamma_k u_k`, shape (N, d)."""
        if self.common:
            return self.velocity_about(x, self.arithmetic.average(gamma, self.means))
        mean_q = (gamma * self.q).sum(-1)[:, None]
        return self.m2 * mean_q * x - self.m * self.arithmetic.average(gamma * self.p, self.means)

    def score_about(self, x: Any, mean: Any) -> Any:
        """The score of components of one variance, by the average `sum_k gamma_k mu_k` of their means, (N, d)."""
        return -self.p * (x - self.m * mean)

    def velocity_about(self, x: Any, mean: Any) -> Any:
        """The velocity of components of one variance, by that average."""
        return self.m * self.p * (self.m * self.parameters.complements * x - mean)

    def jacobian(self, x: Any, gamma: Any) -> Any:
        """`sum_k gamma_k m^2 q_k I - Cov_gamma(u_k)`, shape (N, d, d)."""
        eye = self.arithmetic.eye(self.dimension)
        if self.common:
            deviations = self.means - self.arithmetic.average(gamma, self.means)[:, None, :]
            factor = (self.m * self.p)[:, :, None]
            spread = factor * factor * self.arithmetic.weighted_outer(gamma, deviations)
            return (self.m2 * self.q)[:, :, None] * eye - spread
        mean_q = (gamma * self.q).sum(-1)[:, None]
        pull = self.arithmetic.average(gamma * self.p, self.means)
        first = (self.m2 * (self.q - mean_q))[:, :, None] * x[:, None, :]
        second = self.p[:, :, None] * self.means - pull[:, None, :]
        deviations = first - self.m[:, :, None] * second
        return (self.m2 * mean_q)[:, :, None] * eye - self.arithmetic.weighted_outer(gamma, deviations)


class SharedComponents(_Components):
    """`Sigma_k = Sigma`: one matrix `P` (and `Q = P (I - Sigma)`) at each time."""

    def __init__(self, mixture: GaussianMixture, arithmetic: Arithmetic, t: Any):
        super().__init__(mixture, arithmetic, t)
        self.resolvent = arithmetic.maps(self.parameters.covariances, self.m2[:, 0], self.n2[:, 0])

    def logits(self, x: Any) -> Any:
        """Logits (N, K) less the term `log_scale` that all components share."""
        products = self.arithmetic.products(self.resolvent.precision(x), self.means)
        offset = self.log_weights - self.m2 / 2 * self.resolvent.squares(self.means)
        return self.arithmetic.affine(products, self.m, offset)

    def log_scale(self, x: Any) -> Any:
        """What `logits` leaves out, shape (N,)."""
        gauss = -self.arithmetic.log_two_pi() * self.dimension / 2
        squares = (self.resolvent.precision(x) * x).sum(-1)
        return gauss + (self.resolvent.logdet - squares) / 2

    def component_scores(self, x: Any) -> Any:
        """`b_k`, shape (N, K, d)."""
        return self.resolvent.precision(self.m[:, :, None] * self.means - x[:, None, :])

    def component_velocities(self, x: Any) -> Any:
        """`u_k`, shape (N, K, d)."""
        drift = (self.m2 * self.resolvent.slope(x))[:, None, :]
        return drift - self.m[:, :, None] * self.resolvent.precision(self.means[None, :, :])

    def score(self, x: Any, gamma: Any) -> Any:
        """`sum_k gamma_k b_k`, shape (N, d)."""
        return -self.resolvent.precision(x - self.m * self.arithmetic.average(gamma, self.means))

    def velocity(self, x: Any, gamma: Any) -> Any:
        """`sum_k gamma_k u_k`, shape (N, d)."""
        drift = self.m2 * self.resolvent.slope(x)
        return drift - self.m * self.resolvent.precision(self.arithmetic.average(gamma, self.means))

    def jacobian(self, x: Any, gamma: Any) -> Any:
        """`m^2 Q - Cov_gamma(u_k)`, shape (N, d, d)."""
        deviations = self.means - self.arithmetic.average(gamma, self.means)[:, None, :]
        spread = self.arithmetic.weighted_outer(gamma, self.resolvent.precision(deviations))
        m2 = self.m2[:, :, None]
        return m2 * self.resolvent.slope_matrices - m2 * spread


class FullComponents(_Components):
    """A matrix `P_k` for each component."""

    def __init__(self, mixture: GaussianMixture, arithmetic: Arithmetic, t: Any):
        super().__init__(mixture, arithmetic, t)
        self.resolvent = arithmetic.maps(self.parameters.covariances, self.m2[:, 0], self.n2[:, 0])

    def _offsets(self, x: Any) -> Any:
        return x[:, None, :] - self.m[:, :, None] * self.means

    def component_scores(self, x: Any) -> Any:
        """`b_k`, shape (N, K, d)."""
        return -self.resolvent.precision(self._offsets(x))

    def component_velocities(self, x: Any) -> Any:
        """`u_k`, shape (N, K, d)."""
        drift = self.resolvent.slope(x[:, None, :])
        pull = self.resolvent.precision(self.means[None, :, :])
        return self.m2[:, :, None] * drift - self.m[:, :, None] * pull

    def logits(self, x: Any) -> Any:
        """Logits (N, K)."""
        offsets = self._offsets(x)
        squares = (offsets * self.resolvent.precision(offsets)).sum(-1)
        return self.log_weights + (self.resolvent.logdet - squares) / 2

    def log_scale(self, x: Any) -> Any:
        """What `logits` leaves out, shape (N,)."""
        return -self.arithmetic.log_two_pi() * self.dimension / 2 + 0 * x[:, 0]

    def score(self, x: Any, gamma: Any) -> Any:
        """`sum_k gamma_k b_k`, shape (N, d)."""
        return (gamma[:, :, None] * self.component_scores(x)).sum(1)

    def velocity(self, x: Any, gamma: Any) -> Any:
        """`sum_k gamma_k u_k`, shape (N, d)."""
        return (gamma[:, :, None] * self.component_velocities(x)).sum(1)

    def jacobian(self, x: Any, gamma: Any) -> Any:
        """`sum_k gamma_k m^2 Q_k - Cov_gamma(u_k)`, shape (N, d, d)."""
        velocities = self.component_velocities(x)
        mean = (gamma[:, :, None] * velocities).sum(1)
        spread = self.arithmetic.weighted_outer(gamma, velocities - mean[:, None, :])
        return self.m2[:, :, None] * self.resolvent.average_slope(gamma) - spread


Components = IsotropicComponents | SharedComponents | FullComponents


def components_at(mixture: GaussianMixture, arithmetic: Arithmetic, t: Any) -> Components:
    """The components at times `t`, shape (T,), by the kind of covariance."""
    if mixture.kind == "shared":
        return SharedComponents(mixture, arithmetic, t)
    if mixture.kind == "full":
        return FullComponents(mixture, arithmetic, t)
    return IsotropicComponents(mixture, arithmetic, t)


def quantity_from(components: Components, arithmetic: Arithmetic, quantity: str, x: Any) -> tuple[Any, Any]:
    """The quantity at points (N, d), and the responsibilities it was made with."""
    logits = components.logits(x)
    if quantity == "log_density":
        gamma, log_sum = arithmetic.softmax(logits)
        return log_sum + components.log_scale(x), gamma
    gamma = arithmetic.responsibilities(logits)
    if quantity == "responsibilities":
        return gamma, gamma
    return getattr(components, quantity)(x, gamma), gamma

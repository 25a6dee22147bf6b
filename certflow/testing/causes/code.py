"""What code with a fault says of a noised mixture: the formulas of a score, every place of them open to change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Matrices, Points, Times, Weights

#: `(logits, weights) -> responsibilities`, of shapes (N, K), (K,) and (N, K).
Blend = Callable[[Floats, Floats], Weights]


@dataclass(frozen=True)
class Noise:
    """How a mean and a covariance of the data stand in the noised law: `N(alpha mu, beta Sigma + nu I)`, each (N,)."""

    alpha: Floats
    beta: Floats
    nu: Floats


@dataclass(frozen=True)
class Asked:
    """N points in the coordinates of the code: `x = a x_0 + b z` (N, d), its own time (N,), the OU time `t` (N,)."""

    x: Points
    tau: Times
    t: Times
    a: Times
    b: Times
    t_min: float
    t_max: float

    def __getitem__(self, index: Any) -> Self:
        x, tau, t, a, b = (part[index] for part in (self.x, self.tau, self.t, self.a, self.b))
        return replace(self, x=x, tau=tau, t=t, a=a, b=b)

    @property
    def scale(self) -> Times:
        """`r = sqrt(a^2 + b^2)`: 1 for the OU process."""
        return np.hypot(self.a, self.b)


def softmax(logits: Floats, weights: Floats) -> Weights:
    """Responsibilities as they should be."""
    with np.errstate(invalid="ignore", over="ignore"):
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Code:
    """The parameters and choices of a score of a mixture.

    Attributes
    ----------
    weights, means, covariances : shapes (K,), (K, d), (K, d, d)
    x : where it is evaluated, (N, d)
    parts, shares : the noise in the components' scores and in the responsibilities
    blend : how logits become responsibilities
    half, logdet, power : factors of `|z|^2 / v` (1/2) and of `log det C` (-1/2) in a logit; components' scores are
        `-C^{-power} z`
    side : what stands before `m mu` in the components' scores (-1)
    """

    weights: Floats
    means: Points
    covariances: Matrices
    x: Points
    parts: Noise
    shares: Noise
    blend: Blend = softmax
    half: float = 0.5
    logdet: float = -0.5
    power: float = 1.0
    side: float = -1.0

    @classmethod
    def right(cls, mixture: GaussianMixture, asked: Asked) -> Code:
        """Code without a fault."""
        noise = Noise(asked.a, asked.a**2, asked.b**2)
        covariances = np.array(mixture.covariance_matrices)
        return cls(mixture.weights, mixture.means, covariances, asked.x, noise, noise)

    def both(self, noise: Noise) -> Code:
        """The same noise in both places."""
        return replace(self, parts=noise, shares=noise)

    @property
    def responsibilities(self) -> Weights:
        """Shape (N, K)."""
        return self.blend(self.logits, self.weights)

    @property
    def logits(self) -> Floats:
        """Shape (N, K)."""
        z, c = self._offsets(self.shares, -1.0), self._matrices(self.shares)
        squares = (z * _applied(c, z, 1.0)).sum(-1)
        sizes = np.linalg.slogdet(c)[1]
        return np.asarray(np.log(self.weights) + self.logdet * sizes - self.half * squares)

    @property
    def score(self) -> Floats:
        """What it says, shape (N, d); NaN where it says nothing."""
        with np.errstate(all="ignore"):
            z, c = self._offsets(self.parts, self.side), self._matrices(self.parts)
            gamma = self.responsibilities
            return np.asarray(-(gamma[:, :, None] * _applied(c, z, self.power)).sum(axis=1))

    @property
    def log_density(self) -> Floats:
        """Shape (N,)."""
        with np.errstate(all="ignore"):
            logits = self.logits
            top = logits.max(axis=1)
            log_sum = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
            return np.asarray(log_sum - self.means.shape[1] * np.log(2 * np.pi) / 2)

    def _offsets(self, noise: Noise, side: float) -> Floats:
        return self.x[:, None, :] + side * noise.alpha[:, None, None] * self.means

    def _matrices(self, noise: Noise) -> Matrices:
        eye = np.eye(self.means.shape[1])
        data, width = (each[:, None, None, None] for each in (noise.beta, noise.nu))
        return np.asarray(data * self.covariances + width * eye)


def _applied(c: Matrices, z: Floats, power: float) -> Floats:
    """`C^{-power} z`; shapes (N, K, d, d) and (N, K, d)."""
    if power == 0:
        return z
    if c.shape[-1] == 1:
        return np.asarray(z * np.abs(c[..., 0]) ** -power * np.sign(c[..., 0]))
    try:
        if power == 1:
            return np.asarray(np.linalg.solve(c, z[..., None])[..., 0])
        values, vectors = np.linalg.eigh(c)
    except np.linalg.LinAlgError:  # a fault that makes a covariance singular says nothing
        return np.full_like(z, np.nan)
    turned = np.einsum("nkji,nkj->nki", vectors, z) * values**-power
    return np.asarray(np.einsum("nkij,nkj->nki", vectors, turned))

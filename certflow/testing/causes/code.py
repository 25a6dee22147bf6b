"""What code with a fault says of a noised mixture: the formulas of a score, every place of them open to change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

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
    taken : `C^taken` stands for the covariance `C` of a noised component, wherever it is
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
    taken: float = 1.0
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
        z, c = self._offsets(self.shares, -1.0), self._spread(self.shares)
        squares = (z * c.divided(z, 1.0)).sum(-1)
        return np.asarray(np.log(self.weights) + self.logdet * c.log_determinants - self.half * squares)

    @property
    def score(self) -> Floats:
        """What it says, shape (N, d); NaN where it says nothing."""
        with np.errstate(all="ignore"):
            terms = self._spread(self.parts).divided(self._offsets(self.parts, self.side), self.power)
            return np.asarray(-np.einsum("nk,nkd->nd", self.responsibilities, terms))

    @property
    def slope(self) -> Matrices:
        """The derivative of what it says, shape (N, d, d)."""
        with np.errstate(all="ignore"):
            z, c = self._offsets(self.parts, self.side), self._spread(self.parts)
            pull = -2 * self.half * self._spread(self.shares).divided(self._offsets(self.shares, -1.0), 1.0)
            terms, gamma = -c.divided(z, self.power), self.responsibilities
            mean = np.einsum("nk,nkd->nd", gamma, pull)
            spread = np.einsum("nk,nki,nkj->nij", gamma, terms, pull - mean[:, None])
            axes = [c.divided(np.broadcast_to(axis, z.shape), self.power) for axis in np.eye(z.shape[-1])]
            return np.asarray(spread - np.einsum("nk,jnki->nij", gamma, np.stack(axes)))

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

    def _spread(self, noise: Noise) -> Spread:
        if np.array_equal(self.covariances, np.swapaxes(self.covariances, 1, 2)):
            return _Diagonalised(*np.linalg.eigh(self.covariances), noise, self.taken)
        return _Solved(self.covariances, noise)


class Spread(Protocol):
    """The matrices `C = beta Sigma + nu I` of N points and K components."""

    @property
    def log_determinants(self) -> Floats:
        """`log |det C|`, shape (N, K)."""
        ...

    def divided(self, z: Floats, power: float) -> Floats:
        """`C^{-power} z`, of the shape of `z`, (N, K, d)."""
        ...


class _Diagonalised:
    """By the eigenvectors of symmetric covariances."""

    def __init__(self, values: Floats, vectors: Matrices, noise: Noise, taken: float):
        noised = noise.beta[:, None, None] * values + noise.nu[:, None, None]
        self.values = noised if taken == 1 else noised**taken
        self.vectors = vectors

    @property
    def log_determinants(self) -> Floats:
        return np.asarray(np.log(np.abs(self.values)).sum(-1))

    def divided(self, z: Floats, power: float) -> Floats:
        if power == 0:
            return z
        factors = 1 / self.values if power == 1 else self.values**-power
        turned = np.einsum("kji,nkj->nki", self.vectors, z) * factors
        return np.asarray(np.einsum("kij,nkj->nki", self.vectors, turned))


class _Solved:
    """By linear systems, where a fault makes matrices that are not symmetric."""

    def __init__(self, covariances: Matrices, noise: Noise):
        data, width = (each[:, None, None, None] for each in (noise.beta, noise.nu))
        self.matrices = data * covariances + width * np.eye(covariances.shape[1])

    @property
    def log_determinants(self) -> Floats:
        return np.asarray(np.linalg.slogdet(self.matrices)[1])

    def divided(self, z: Floats, power: float) -> Floats:
        try:
            for _ in range(int(power)):
                z = np.asarray(np.linalg.solve(self.matrices, z[..., None])[..., 0], dtype=np.float64)
        except np.linalg.LinAlgError:  # a fault that makes a matrix singular says nothing
            return np.full_like(z, np.nan)
        return z

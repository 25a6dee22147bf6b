"""The peers: autograd through torch's mixture distribution, and differences of scikit-learn's log-density."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.mixture import GaussianMixture as ScikitMixture

import certflow as cf


def torch_mixture(law: cf.GaussianMixture, t: float) -> torch.distributions.MixtureSameFamily:
    """`p_t` of an isotropic mixture as a float64 mixture of independent normals."""
    variances = np.broadcast_to(law.covariances, law.n_components) * np.exp(-2 * t) - np.expm1(-2 * t)
    means = torch.tensor(np.exp(-t) * law.means)
    scales = torch.tensor(np.sqrt(variances))[:, None].expand_as(means)
    parts = torch.distributions.Independent(torch.distributions.Normal(means, scales, validate_args=False), 1)
    weights = torch.distributions.Categorical(torch.tensor(law.weights))
    return torch.distributions.MixtureSameFamily(weights, parts, validate_args=False)


def torch_score(distribution: Any, x: np.ndarray) -> np.ndarray:
    """`grad log p_t` of each point by reverse mode."""
    points = torch.tensor(x, requires_grad=True)
    return torch.autograd.grad(distribution.log_prob(points).sum(), points)[0].numpy()


def torch_jacobian(distribution: Any, x: np.ndarray) -> np.ndarray:
    """`grad u = -I - grad s` of each point by `jacrev` of the peer's score, vectorised."""

    def score(point: torch.Tensor) -> torch.Tensor:
        return torch.func.grad(distribution.log_prob)(point)

    hessians = torch.func.vmap(torch.func.jacrev(score))(torch.tensor(x))
    return -np.eye(x.shape[1]) - hessians.numpy()


def scikit_mixture(law: cf.GaussianMixture, t: float) -> ScikitMixture:
    """`p_t` as a scikit-learn mixture."""
    eye = np.eye(law.dimension)
    covariances = np.exp(-2 * t) * law.covariance_matrices - np.expm1(-2 * t) * eye
    peer = ScikitMixture(law.n_components, covariance_type="full")
    peer.weights_, peer.means_, peer.covariances_ = law.weights, np.exp(-t) * law.means, covariances
    peer.precisions_cholesky_ = np.linalg.inv(np.linalg.cholesky(covariances)).swapaxes(-1, -2)
    return peer


def scikit_score(peer: ScikitMixture, x: np.ndarray, step: float) -> np.ndarray:
    """Central differences of `score_samples`."""
    columns = [
        (peer.score_samples(x + step * e) - peer.score_samples(x - step * e)) / (2 * step) for e in np.eye(x.shape[1])
    ]
    return np.stack(columns, axis=1)

"""Scores of a noised mixture as users write them: plain NumPy and torch, sharing nothing with the package.

`parts(mixture)` gives weights, means and covariance matrices as float64 arrays; every maker takes them and a dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import certflow as cf


@dataclass(frozen=True)
class Parts:
    """The parameters of a mixture as float64 arrays: (K,), (K, d), (K, d, d)."""

    weights: Any
    means: Any
    covariances: Any

    def but(self, **changes: Any) -> Parts:
        return replace(self, **changes)


def parts(mixture: cf.GaussianMixture) -> Parts:
    return Parts(mixture.weights, mixture.means, np.array(mixture.covariance_matrices))


def solved(law: Parts, dtype: Any = np.float64) -> Callable[[Any, Any], Any]:
    """NumPy: `C_k` by `1 - m^2`, linear systems, softmax by hand."""
    w, mu, sigma = (np.asarray(each, dtype=dtype) for each in (law.weights, law.means, law.covariances))

    def score(x: Any, t: Any) -> Any:
        m = np.exp(-t)[:, None, None]
        c = (m * m)[..., None] * sigma + (1 - m * m)[..., None] * np.eye(mu.shape[1], dtype=dtype)
        z = x[:, None, :] - m * mu
        b = -np.linalg.solve(c, z[..., None])[..., 0]
        logits = np.log(w) - np.linalg.slogdet(c)[1] / 2 + (b * z).sum(-1) / 2
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        return ((e / e.sum(axis=1, keepdims=True))[..., None] * b).sum(axis=1)

    return score


def inverted(law: Parts, dtype: Any = np.float64) -> Callable[[Any, Any], Any]:
    """NumPy: explicit inverses, `expm1`, a loop over components."""
    w, mu, sigma = (np.asarray(each, dtype=dtype) for each in (law.weights, law.means, law.covariances))

    def score(x: Any, t: Any) -> Any:
        eye = np.eye(mu.shape[1], dtype=dtype)
        logits, terms = [], []
        for k in range(len(w)):
            c = np.exp(-2 * t)[:, None, None] * sigma[k] - np.expm1(-2 * t)[:, None, None] * eye
            p = np.linalg.inv(c)
            z = x - np.exp(-t)[:, None] * mu[k]
            terms.append(-np.einsum("nij,nj->ni", p, z))
            quadratic = np.einsum("ni,nij,nj->n", z, p, z)
            logits.append(np.log(w[k]) - np.log(np.linalg.det(2 * np.asarray(np.pi, dtype) * c)) / 2 - quadratic / 2)
        stacked = np.stack(logits)
        e = np.exp(stacked - stacked.max(axis=0))
        return sum(g[:, None] * b for g, b in zip(e / e.sum(axis=0), terms, strict=True))

    return score


def by_denoiser(law: Parts, dtype: Any = np.float64) -> Callable[[Any, Any], Any]:
    """NumPy: `E[x_0 | x]`, then Tweedie's formula; eigenvectors of the covariances."""
    w, mu = (np.asarray(each, dtype=dtype) for each in (law.weights, law.means))
    values, vectors = (each.astype(dtype) for each in np.linalg.eigh(law.covariances))

    def score(x: Any, t: Any) -> Any:
        m = np.exp(-t)[:, None, None]
        n2 = 1 - m * m
        v = m * m * values + n2
        z = np.einsum("kji,nkj->nki", vectors, x[:, None, :] - m * mu)
        logits = np.log(w) - np.log(v).sum(-1) / 2 - (z * z / v).sum(-1) / 2
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        data = mu + np.einsum("kij,nkj->nki", vectors, m * values * z / v)
        mean = np.einsum("nk,nki->ni", e / e.sum(axis=1, keepdims=True), data)
        return (m[:, :, 0] * mean - x) / n2[:, :, 0]

    return score


def expanded(law: Parts, dtype: Any = np.float64) -> Callable[[Any, Any], Any]:
    """NumPy, isotropic components only: `|x|^2 - 2 m x.mu + m^2 |mu|^2` and matrix products."""
    w, mu = (np.asarray(each, dtype=dtype) for each in (law.weights, law.means))
    s2 = np.asarray(law.covariances[:, 0, 0], dtype=dtype)

    def score(x: Any, t: Any) -> Any:
        m = np.exp(-t)[:, None]
        v = s2 * m**2 + 1 - m**2
        squares = (x**2).sum(1, keepdims=True) - 2 * m * (x @ mu.T) + m**2 * (mu**2).sum(1)
        logits = np.log(w) - mu.shape[1] * np.log(v) / 2 - squares / v / 2
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        g = e / e.sum(axis=1, keepdims=True) / v
        return m * (g @ mu) - g.sum(1, keepdims=True) * x

    return score


def faulty(
    law: Parts,
    *,
    time: Callable[[Any], Any] = lambda t: t,
    alpha: Callable[[Any], Any] = lambda m: m,
    beta: Callable[[Any], Any] = lambda m: m * m,
    noise: Callable[[Any], Any] = lambda m: 1 - m * m,
    share: Callable[[Any], Any] | None = None,
    said: Callable[..., Any] = lambda s, x, m: s,
    noised: Callable[[Any], Any] = lambda c: c,
) -> Callable[[Any, Any], Any]:
    """NumPy: a score with places open to faults; `share` makes responsibilities of logits, `said` what is returned,
    `noised` what stands for the components' covariances."""
    w, mu, sigma = law.weights, law.means, law.covariances

    def softmax(logits: Any) -> Any:
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def score(x: Any, t: Any) -> Any:
        m = np.exp(-time(t))
        c = noised(beta(m)[:, None, None, None] * sigma + noise(m)[:, None, None, None] * np.eye(mu.shape[1]))
        z = x[:, None, :] - alpha(m)[:, None, None] * mu
        b = -np.linalg.solve(c, z[..., None])[..., 0]
        logits = np.log(w) - np.linalg.slogdet(c)[1] / 2 + (b * z).sum(-1) / 2
        s = ((share or softmax)(logits)[..., None] * b).sum(axis=1)
        return said(s, x, m[:, None])

    return score


def with_torch(law: Parts, dtype: Any) -> Callable[[Any, Any], Any]:
    """torch in any dtype: eigenvectors, `1 - m^2`, softmax."""
    import torch

    w, mu = (torch.tensor(each).to(dtype) for each in (law.weights, law.means))
    values, vectors = (each.to(dtype) for each in torch.linalg.eigh(torch.tensor(law.covariances)))

    def score(x: Any, t: Any) -> Any:
        m = torch.exp(-t)[:, None, None]
        v = m * m * values + (1 - m * m)
        z = torch.einsum("kji,nkj->nki", vectors, x[:, None, :] - m * mu)
        logits = torch.log(w) - torch.log(v).sum(-1) / 2 - (z * z / v).sum(-1) / 2
        b = -torch.einsum("kij,nkj->nki", vectors, z / v)
        return (torch.softmax(logits, dim=1)[..., None] * b).sum(1)

    return score


def by_autograd(law: Parts, dtype: Any) -> Callable[[Any, Any], Any]:
    """torch: the gradient of the log-density, `logsumexp` of distributions of torch."""
    import torch

    w, mu, sigma = (torch.tensor(each).to(dtype) for each in (law.weights, law.means, law.covariances))

    def score(x: Any, t: Any) -> Any:
        if not len(x):  # torch's distributions refuse none
            return x.clone()
        x = x.clone().requires_grad_(True)
        m = torch.exp(-t)[:, None, None]
        c = (m * m)[..., None] * sigma + (1 - m * m)[..., None] * torch.eye(mu.shape[1], dtype=dtype)
        normal = torch.distributions.MultivariateNormal(m * mu, c)
        log_density = torch.logsumexp(torch.log(w) + normal.log_prob(x[:, None, :]), dim=1)
        return torch.autograd.grad(log_density.sum(), x)[0]

    return score


def module(law: Parts, dtype: Any) -> Any:
    """`with_torch` as a `torch.nn.Module` with parameters."""
    import torch

    class Score(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.means = torch.nn.Parameter(torch.tensor(law.means).to(dtype))

        def forward(self, x: Any, t: Any) -> Any:
            return with_torch(law.but(means=self.means.detach().double().numpy()), dtype)(x, t)

    return Score()

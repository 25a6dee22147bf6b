"""A score and three samplers as people write them, right: the faults are small changes of these.

Nothing here is taken from certflow: the parameters are read as floats, the formulas are written out.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np


class PlainScore:
    """Score of `x = a(t) x_0 + b(t) z`, `x_0` of a mixture of isotropic Gaussians, in float64.

    `x` has shape (N, d), `t` is a number or has shape (N,). The methods are there to be changed one at a time.
    """

    def __init__(self, mixture: Any):
        self.weights = np.array([float(w) for w in mixture.weights])
        self.means = np.array(mixture.means, dtype=float)
        self.variances = np.broadcast_to(np.array(mixture.covariances, dtype=float), self.weights.shape)

    def time(self, t: Any) -> Any:
        return t

    def point(self, x: Any, t: Any) -> Any:
        return x

    def a(self, t: Any) -> Any:
        return np.exp(-t)

    def b(self, t: Any) -> Any:
        return np.sqrt(-np.expm1(-2 * t))

    def component_variances(self, t: Any) -> Any:
        return self.a(t) ** 2 * self.variances + self.b(t) ** 2

    def centred(self, x: Any, t: Any) -> Any:
        return x[:, None, :] - self.a(t)[:, :, None] * self.means

    def log_shares(self, x: Any, t: Any) -> Any:
        v = self.component_variances(t)
        d = x.shape[1]
        return np.log(self.weights) - d / 2 * np.log(v) - (self.centred(x, t) ** 2).sum(-1) / (2 * v)

    def shares(self, x: Any, t: Any) -> Any:
        logs = self.log_shares(x, t)
        e = np.exp(logs - logs.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    def score(self, x: Any, t: Any) -> Any:
        slopes = -self.centred(x, t) / self.component_variances(t)[:, :, None]
        return (self.shares(x, t)[:, :, None] * slopes).sum(1)

    def epsilon(self, x: Any, t: Any) -> Any:
        return -self.b(t) * self.score(x, t)

    def sample(self, x: Any, t: Any) -> Any:
        return (x - self.b(t) * self.epsilon(x, t)) / self.a(t)

    def answer(self, x: Any, t: Any) -> Any:
        return self.score(x, t)

    def __call__(self, x: Any, t: Any) -> Any:
        x = np.asarray(x)
        t = np.broadcast_to(np.asarray(t, dtype=float), x.shape[:1])[:, None]
        t = self.time(t)
        return self.answer(self.point(x.astype(float), t), t).astype(x.dtype)


class EDMScore(PlainScore):
    """The same for `x = x_0 + sigma z`."""

    def a(self, t: Any) -> Any:
        return np.ones_like(t)

    def b(self, t: Any) -> Any:
        return t


class FlowScore(PlainScore):
    """The same for `x = (1 - t) x_0 + t z`."""

    def a(self, t: Any) -> Any:
        return 1 - t

    def b(self, t: Any) -> Any:
        return t


class TrainingStepsScore(PlainScore):
    """The same for `x = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) z`, `t` the index of a training schedule."""

    def __init__(self, mixture: Any, alphas_cumprod: Any):
        super().__init__(mixture)
        self.sigmas = np.log(np.sqrt((1 - alphas_cumprod) / alphas_cumprod))

    def _sigma(self, t: Any) -> Any:
        return np.exp(np.interp(t, np.arange(len(self.sigmas)), self.sigmas))

    def a(self, t: Any) -> Any:
        return 1 / np.sqrt(1 + self._sigma(t) ** 2)

    def b(self, t: Any) -> Any:
        return self._sigma(t) / np.sqrt(1 + self._sigma(t) ** 2)


def alphas_cumprod(steps: int = 1000) -> Any:
    """The linear schedule of DDPM."""
    return np.cumprod(1 - np.linspace(1e-4, 0.02, steps))


def euler(velocity: Any, x: Any, times: Any) -> Any:
    """First order, in OU time."""
    for t, s in pairwise(times):
        x = x + (s - t) * velocity(x, t)
    return x


def heun(velocity: Any, x: Any, times: Any) -> Any:
    """Second order, in OU time."""
    for t, s in pairwise(times):
        first = velocity(x, t)
        second = velocity(x + (s - t) * first, s)
        x = x + (s - t) * (first + second) / 2
    return x


def runge_kutta(velocity: Any, x: Any, times: Any) -> Any:
    """Fourth order, in OU time."""
    for t, s in pairwise(times):
        h = s - t
        k1 = velocity(x, t)
        k2 = velocity(x + h / 2 * k1, t + h / 2)
        k3 = velocity(x + h / 2 * k2, t + h / 2)
        k4 = velocity(x + h * k3, s)
        x = x + h * (k1 + 2 * k2 + 2 * k3 + k4) / 6
    return x


def dpmpp_2m(velocity: Any, x: Any, times: Any) -> Any:
    """DPM-Solver++(2M), second order, in the log of `sigma = sqrt(e^{2t} - 1)`."""
    before = None
    for t, s in pairwise(times):
        m, m_next = np.exp(-t), np.exp(-s)
        n, n_next = np.sqrt(-np.expm1(-2 * t)), np.sqrt(-np.expm1(-2 * s))
        now = (x + n**2 * (-x - velocity(x, t))) / m
        h = np.log(n / m) - np.log(n_next / m_next)
        used = now
        if before is not None:
            r = before[0] / h
            used = (1 + 1 / (2 * r)) * now - before[1] / (2 * r)
        x = n_next / n * x - m_next * np.expm1(-h) * used
        before = h, now
    return x

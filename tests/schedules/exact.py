"""Noise schedules by their definitions, and exact predictions for mixtures, from nothing of the package but data.

`x = a x_0 + b z` of a component `N(mu, s2 I)` is `N(a mu, a^2 s2 + b^2)`; given `x`, `x_0` and `z` are normal with
means `mu + a s2 (x - a mu) / (a^2 s2 + b^2)` and `b (x - a mu) / (a^2 s2 + b^2)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

WEIGHTS, MEANS, VARIANCES = [0.3, 0.5, 0.2], [[1.0, 0.5], [-0.7, 0.2], [0.1, -1.1]], [0.04, 0.09, 0.25]

STEPS = 1000
SD_BETAS = np.linspace(0.00085**0.5, 0.012**0.5, STEPS) ** 2
SD = np.cumprod(1 - SD_BETAS)
_ROOTS = np.sqrt(SD)
#: Zero terminal SNR as Lin et al. 2024 have it: the roots shifted to end at 0 and stretched to begin where they did.
ZERO = ((_ROOTS - _ROOTS[-1]) * _ROOTS[0] / (_ROOTS[0] - _ROOTS[-1])) ** 2


def table(alphas: Any, tau: Any) -> tuple[Any, Any]:
    """log sigma linear between the indices."""
    logs = np.log((1 - alphas) / alphas) / 2
    sigma = np.exp(np.interp(tau, np.arange(len(alphas)), logs))
    return 1 / np.sqrt(1 + sigma**2), sigma / np.sqrt(1 + sigma**2)


def _vp(tau: Any) -> tuple[Any, Any]:
    integral = 0.1 * tau + 19.9 * tau**2 / 2
    return np.exp(-integral / 2), np.sqrt(-np.expm1(-integral))


def _cosine(tau: Any) -> tuple[Any, Any]:
    start, angle = (np.pi / 2 * (part + 0.008) / 1.008 for part in (0.0, tau))
    return np.cos(angle) / np.cos(start), np.sqrt(np.sin(angle - start) * np.sin(angle + start)) / np.cos(start)


#: By name: how the package makes it, and `(a, b)` at `tau`, an array.
SCHEDULES: dict[str, tuple[Any, Any]] = {
    "edm": (lambda s: s.edm(), lambda tau: (np.ones_like(tau), tau)),
    "flow": (lambda s: s.flow_matching(), lambda tau: (1 - tau, tau)),
    "flow-3": (lambda s: s.flow_matching(shift=3), lambda tau: (1 - tau, tau)),
    "vp": (lambda s: s.variance_preserving(), _vp),
    "scaled-linear": (lambda s: s.scaled_linear(), lambda tau: table(SD, tau)),
    "zero-snr": (lambda s: s.from_alphas_cumprod(ZERO), lambda tau: table(ZERO[:-1], tau)),
    "cosine": (lambda s: s.cosine(), _cosine),
    "ou": (lambda s: s.ornstein_uhlenbeck(), lambda tau: (np.exp(-tau), np.sqrt(-np.expm1(-2 * tau)))),
}


def posterior(x: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """`E[x_0|x]` and `E[z|x]` of rows `x`, shape (N, 2), at `a` and `b`, shape (N,)."""
    a, b = a[:, None], b[:, None]
    means, variances, weights = (np.asarray(part) for part in (MEANS, VARIANCES, WEIGHTS))
    v = a**2 * variances + b**2
    gap = x[:, None, :] - a[:, :, None] * means
    logits = np.log(weights) - np.log(v) - (gap**2).sum(2) / (2 * v)
    gamma = np.exp(logits - logits.max(1, keepdims=True))
    gamma = gamma / gamma.sum(1, keepdims=True)
    data = (gamma[:, :, None] * (means + (a * variances / v)[:, :, None] * gap)).sum(1)
    return data, (gamma[:, :, None] * (b / v)[:, :, None] * gap).sum(1)


def prediction(name: str, x: Any, a: Any, b: Any) -> Any:
    """What an exact model says, by the definitions of diffusers."""
    return told(name, *posterior(x, a, b), a[:, None], b[:, None])


def told(name: str, data: Any, noise: Any, a: Any, b: Any) -> Any:
    """What a model says that knows the data and the noise in `x = a data + b noise`."""
    return {
        "epsilon": noise,
        "sample": data,
        "v_prediction": a * noise - b * data,
        "flow_prediction": noise - data,
        "score": -noise / b,
    }[name]

"""The plain score as a torch `Module`, right: a few faults are made where people make them, in tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


class TorchScore(torch.nn.Module):
    """Score of `x = e^{-t} x_0 + sqrt(1 - e^{-2t}) z`; parameters in float64."""

    def __init__(self, mixture: Any):
        super().__init__()
        weights = [float(w) for w in mixture.weights]
        variances = np.broadcast_to(np.array(mixture.covariances, dtype=float), len(weights))
        self.log_weights = torch.nn.Parameter(torch.log(torch.tensor(weights, dtype=torch.float64)))
        self.means = torch.nn.Parameter(torch.tensor(np.array(mixture.means, dtype=float)))
        self.variances = torch.nn.Parameter(torch.tensor(np.array(variances)))

    def m(self, t: Any) -> Any:
        return torch.exp(-t)

    def component_variances(self, t: Any) -> Any:
        return self.m(t) ** 2 * self.variances - torch.expm1(-2 * t)

    def logits(self, centred: Any, v: Any) -> Any:
        return self.log_weights - centred.shape[-1] / 2 * torch.log(v) - (centred**2).sum(-1) / (2 * v)

    def shares(self, logits: Any) -> Any:
        return torch.softmax(logits, dim=-1)

    def score(self, x: Any, t: Any) -> Any:
        centred = x[:, None, :] - self.m(t)[:, :, None] * self.means
        v = self.component_variances(t)
        return -(self.shares(self.logits(centred, v))[:, :, None] * centred / v[:, :, None]).sum(1)

    def forward(self, x: Any, t: Any) -> Any:
        t = torch.as_tensor(t, dtype=x.dtype).expand(x.shape[0])[:, None]
        return self.score(x, t)

"""torch tensors: any floating dtype, any device, differentiable."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import torch

from certflow.numbers.exact import ExactArray, exact_number
from certflow.numbers.floats import FloatArithmetic, _spectral, spectrum
from certflow.numbers.interface import Arithmetic


class TorchArithmetic(Arithmetic):
    """torch numbers of one dtype on one device; every operation is differentiable in `x` and `t`."""

    name = "torch"

    def __init__(self, dtype: torch.dtype, device: torch.device):
        self.dtype = dtype
        self.device = device

    @property
    def key(self) -> Any:
        return ("torch", self.dtype, str(self.device))

    def numbers(self, exact: ExactArray) -> torch.Tensor:
        return torch.tensor(exact.floats, dtype=self.dtype, device=self.device)

    def log_numbers(self, exact: ExactArray) -> torch.Tensor:
        return self.asarray(FloatArithmetic().log_numbers(exact))

    def number(self, value: Fraction | int) -> Any:
        return float(value)

    def asarray(self, value: Any) -> torch.Tensor:
        if isinstance(value, str | Fraction):
            value = float(exact_number(value))
        if isinstance(value, torch.Tensor):
            return value.to(dtype=self.dtype, device=self.device)
        return torch.as_tensor(np.asarray(value, dtype=np.float64), dtype=self.dtype, device=self.device)

    def exp(self, a: Any) -> Any:
        return torch.exp(a)

    def expm1(self, a: Any) -> Any:
        return torch.expm1(a)

    def log(self, a: Any) -> Any:
        return torch.log(a)

    def log1p(self, a: Any) -> Any:
        return torch.log1p(a)

    def sqrt(self, a: Any) -> Any:
        return torch.sqrt(a)

    def log_two_pi(self) -> float:
        return float(np.log(2 * np.pi))

    def softmax(self, logits: Any) -> tuple[Any, Any]:
        return torch.softmax(logits, dim=-1), torch.logsumexp(logits, dim=-1)

    def maximum(self, a: Any, b: Any) -> Any:
        return torch.maximum(self.asarray(a), self.asarray(b))

    def largest(self, a: Any) -> Any:
        return a.amax(dim=-1)

    def inverse_logdet(self, matrices: Any) -> tuple[Any, Any]:
        return torch.linalg.inv(matrices), torch.linalg.slogdet(matrices)[1]

    def eigenvalue_range(self, matrices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        values = torch.linalg.eigvalsh(matrices)
        return values[..., 0], values[..., -1]

    def covariance_range(self, covariance: ExactArray) -> tuple[torch.Tensor, torch.Tensor]:
        values = self.asarray(spectrum(covariance)[0])
        return values[:1], values[-1:]

    def resolvent(self, covariances: ExactArray, m2: Any, n2: Any) -> tuple[Any, Any, Any]:
        values, vectors = (self.asarray(part) for part in spectrum(covariances))
        return _spectral(values, vectors, m2, n2, torch.log)

    def lambertw(self, z: Any, branch: int) -> Any:
        from scipy.special import lambertw

        return self.asarray(lambertw(z.detach().cpu().numpy(), branch).real)

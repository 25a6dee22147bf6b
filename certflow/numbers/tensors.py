"""torch tensors: any floating dtype, any device, differentiable."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from certflow.numbers.exact import ExactArray, check_plain, exact_number
from certflow.numbers.floats import FloatArithmetic, _spectral, spectrum
from certflow.numbers.inputs import at_least_single, float_array
from certflow.numbers.interface import Arithmetic, Resolvent

#: Components up to which a softmax is faster by its formula.
SHORT_ROW = 32
#: Vectors whose squares are made together.
ROWS = 2**14


class TorchArithmetic(Arithmetic):
    """torch numbers of one dtype on one device; every operation is differentiable in `x` and `t`."""

    name = "torch"

    def __init__(self, dtype: torch.dtype, device: torch.device):
        self.given = dtype
        self.dtype = at_least_single(dtype)
        self.device = device

    @property
    def key(self) -> Any:
        return ("torch", self.dtype, str(self.device))

    def numbers(self, exact: ExactArray) -> torch.Tensor:
        return torch.tensor(exact.floats, dtype=self.dtype, device=self.device)

    def log_numbers(self, exact: ExactArray) -> torch.Tensor:
        return self.asarray(FloatArithmetic().log_numbers(exact))

    def lasting(self, make: Callable[[], Any]) -> Any:
        """Made in a thread of its own: what torch does to tensors belongs to a thread.

        So a tensor that is kept is none of `inference_mode`, of a transformation of `torch.func`, or of a tracer.
        """
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(make).result()

    def ahead(self, function: Callable[..., Any], value: Any) -> None:
        if torch.compiler.is_compiling():
            from certflow.numbers.compiled import constant

            constant(_ahead, function, value, self.dtype, self.device)

    def number(self, value: Fraction | int) -> Any:
        return float(value)

    def asarray(self, value: Any) -> torch.Tensor:
        if isinstance(value, (str, Fraction)):
            value = float(exact_number(value))
        if isinstance(value, torch.Tensor):
            return value.to(dtype=self.dtype, device=self.device)
        return torch.as_tensor(np.asarray(value, dtype=np.float64), dtype=self.dtype, device=self.device)

    def read(self, value: Any, field: str) -> torch.Tensor:
        if not isinstance(value, torch.Tensor):
            return self.asarray(float_array(value, field))
        if not value.dtype.is_floating_point:
            check_plain(value, field)
        return self.asarray(value)

    def first(self, times: Any) -> float:
        try:
            return float(times[0].detach())
        except RuntimeError:  # inside `torch.vmap`
            return 1.0

    def eagerly(self, function: Callable[..., Any], *values: Any) -> Any:
        if not torch.compiler.is_compiling():
            return function(*values)
        from certflow.numbers.compiled import eagerly

        return eagerly(function, *values)

    def _broadcast(self, a: Any, b: Any) -> tuple[Any, Any]:
        first, second = torch.broadcast_tensors(a, b)
        return first, second

    def exp(self, a: Any) -> Any:
        return torch.exp(a)

    def expm1(self, a: Any) -> Any:
        return torch.expm1(a)

    def log(self, a: Any) -> Any:
        return torch.log(a)

    def log1p(self, a: Any) -> Any:
        return torch.log1p(a)

    def sqrt(self, a: Any) -> Any:
        """With the derivative 0 at 0, where a maximum of distances that is 0 comes from distances that all are."""
        zero = a == 0
        return a.masked_fill(zero, 1.0).sqrt().masked_fill(zero, 0.0)

    def log_two_pi(self) -> float:
        return float(np.log(2 * np.pi))

    def softmax(self, logits: Any) -> tuple[Any, Any]:
        return self.responsibilities(logits), torch.logsumexp(logits, dim=-1)

    def responsibilities(self, logits: Any) -> Any:
        """A softmax; on a CPU torch's own takes up to five times longer on rows of few numbers."""
        if not logits.is_cpu or logits.shape[-1] > SHORT_ROW:
            return torch.softmax(logits, dim=-1)
        exponentials = torch.exp(logits - logits.detach().amax(dim=-1, keepdim=True))
        return exponentials / exponentials.sum(dim=-1, keepdim=True)

    def maximum(self, a: Any, b: Any) -> Any:
        return torch.maximum(self.asarray(a), self.asarray(b))

    def largest(self, a: Any) -> Any:
        return a.amax(dim=-1)

    def inverse_logdet(self, matrices: Any) -> tuple[Any, Any]:
        return torch.linalg.inv(matrices), torch.linalg.slogdet(matrices)[1]

    def square_norms(self, vectors: Any) -> Any:
        """In parts: a data set may take most of the memory."""
        return torch.cat([(part * part).sum(-1) for part in vectors.split(ROWS)])

    def eye(self, dimension: int) -> Any:
        return torch.eye(dimension, dtype=self.dtype, device=self.device)

    def eigenvalue_range(self, matrices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        values = torch.linalg.eigvalsh(matrices)
        return values[..., 0], values[..., -1]

    def covariance_range(self, covariance: ExactArray) -> tuple[torch.Tensor, torch.Tensor]:
        values = self.asarray(spectrum(covariance)[0])
        return values[:1], values[-1:]

    def prepared(self, covariances: ExactArray) -> tuple[torch.Tensor, torch.Tensor]:
        values, vectors = spectrum(covariances)
        return self.asarray(values), self.asarray(vectors)

    def maps(self, covariances: Any, m2: Any, n2: Any) -> Resolvent:
        values, vectors = covariances
        return Resolvent(self, *_spectral(values, vectors, m2, n2, torch.log))

    def finish(self, a: Any) -> Any:
        return a.to(self.given)

    def known(self, condition: Any) -> bool | None:
        """Inside `torch.vmap`, `torch.compile` and tracers no branch may depend on data."""
        if torch.compiler.is_compiling():
            return None
        try:
            return super().known(condition)
        except RuntimeError:
            return None


def _ahead(function: Callable[..., Any], value: Any, dtype: torch.dtype, device: torch.device) -> bool:
    function(value, TorchArithmetic(dtype, device))
    return True

"""float64 on NumPy."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from certflow.arithmetic.base import Arithmetic
from certflow.errors import InputError
from certflow.exact import ExactArray, exact_number


class FloatArithmetic(Arithmetic):
    """NumPy float64; results of the fields are guarded by an error bound (see `certflow.guard`)."""

    name = "float64"
    guarded = True

    def numbers(self, exact: ExactArray) -> np.ndarray:
        return exact.floats

    def number(self, value: Fraction | int) -> float:
        return float(value)

    def asarray(self, value: Any) -> np.ndarray:
        if isinstance(value, str | Fraction):
            value = float(exact_number(value))
        try:
            return np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            raise InputError("array", value, "numbers") from None

    def exp(self, a: Any) -> Any:
        return np.exp(a)

    def expm1(self, a: Any) -> Any:
        return np.expm1(a)

    def log(self, a: Any) -> Any:
        return np.log(a)

    def log1p(self, a: Any) -> Any:
        return np.log1p(a)

    def sqrt(self, a: Any) -> Any:
        return np.sqrt(a)

    def log_two_pi(self) -> float:
        return float(np.log(2 * np.pi))

    def einsum(self, spec: str, *operands: Any) -> Any:
        return np.einsum(spec, *operands, optimize=len(operands) > 2)

    def softmax(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        top = logits.max(axis=-1, keepdims=True)
        gamma = np.subtract(logits, top, out=logits if logits.flags.writeable else None)
        np.exp(gamma, out=gamma)
        total = gamma.sum(axis=-1, keepdims=True)
        gamma /= total
        return gamma, (top + np.log(total))[..., 0]

    def maximum(self, a: Any, b: Any) -> Any:
        return np.maximum(a, b)

    def largest(self, a: Any) -> Any:
        return a.max(axis=-1)

    def inverse_logdet(self, matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.linalg.inv(matrices), np.linalg.slogdet(matrices)[1]

    def eigenvalue_range(self, matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = np.linalg.eigvalsh(matrices)
        return values[..., 0], values[..., -1]

    def resolvent(self, covariances: ExactArray, m2: Any, n2: Any) -> tuple[Any, Any, Any]:
        """Spectral form, one decomposition for all times: `P = U diag(1/(m^2 l + 1 - m^2)) U^T`."""
        values, vectors = spectrum(covariances)
        return _spectral(values, vectors, m2, n2, np.einsum, np.log)

    def lambertw(self, z: Any, branch: int) -> Any:
        from scipy.special import lambertw

        return lambertw(z, branch).real


@lru_cache(maxsize=64)
def spectrum(covariances: ExactArray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (..., d) and eigenvectors (..., d, d) of the covariances in float64."""
    return np.linalg.eigh(covariances.floats)


def _spectral(values: Any, vectors: Any, m2: Any, n2: Any, einsum: Any, log: Any) -> tuple[Any, Any, Any]:
    index = (slice(None),) + (None,) * values.ndim
    precision = 1 / (m2[index] * values[None] + n2[index])
    spec = "...ij,t...j,...kj->t...ik"
    return (
        einsum(spec, vectors, precision, vectors),
        einsum(spec, vectors, precision * (1 - values), vectors),
        log(precision).sum(-1),
    )

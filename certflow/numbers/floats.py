"""float64 on NumPy."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from certflow.numbers.arrays import Floats, Matrices, Points, Weights
from certflow.numbers.exact import ExactArray
from certflow.numbers.inputs import float_array
from certflow.numbers.interface import Arithmetic, Resolvent

#: Unit roundoff: a float64 operation is right to this relative error. Half the spacing of float64 numbers at one.
UNIT = 2.0**-53

#: Below this, float64 numbers lose digits.
SMALLEST_NORMAL = float(np.finfo(np.float64).tiny)

#: Up to this dimension the coordinates of many points lie together in memory, so that loops run over points.
_SMALL_DIMENSION = 8


class FloatArithmetic(Arithmetic):
    """NumPy float64; results of the fields are guarded by an error bound (see `certflow.field.guard`)."""

    name = "float64"
    key = "float64"
    guarded = True

    def numbers(self, exact: ExactArray) -> Floats:
        return exact.floats

    def log_numbers(self, exact: ExactArray) -> Floats:
        if exact.floats.min() >= SMALLEST_NORMAL:
            return np.log(exact.floats)
        pairs = [q.as_integer_ratio() for q in exact.fractions.flat]
        return np.array([math.log(p) - math.log(q) for p, q in pairs]).reshape(exact.shape)

    def extended(self, bits: int) -> AbstractContextManager[Any]:
        """What overflows here is found by the guard, so NumPy need not warn of it."""
        return np.errstate(over="ignore", invalid="ignore", under="ignore")

    def number(self, value: Fraction | int) -> float:
        return float(value)

    def asarray(self, value: Any) -> Floats:
        return float_array(value, "array")

    def read(self, value: Any, field: str) -> Floats:
        return float_array(value, field)

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

    def softmax(self, logits: Floats) -> tuple[Weights, Floats]:
        gamma, top, total = _shares(logits)
        return gamma, (top + np.log(total))[..., 0]

    def responsibilities(self, logits: Floats) -> Weights:
        return _shares(logits)[0]

    def by_point(self, x: Points) -> Floats:
        return np.asfortranarray(x) if x.shape[1] <= _SMALL_DIMENSION else x

    def products(self, x: Points, vectors: Floats) -> Floats:
        result: Floats = (vectors @ x.T).T  # the points of one component lie together
        return result

    def affine(self, a: Floats, factor: Floats, offset: Floats) -> Floats:
        np.multiply(a, factor, out=a)
        result: Floats = np.add(a, offset, out=a)
        return result

    def average(self, gamma: Weights, vectors: Floats) -> Floats:
        small = vectors.shape[1] <= _SMALL_DIMENSION
        result: Floats = (vectors.T @ gamma.T).T if small else gamma @ vectors
        return result

    def weighted_outer(self, gamma: Weights, vectors: Floats) -> Floats:
        size = vectors.shape[2]
        if size > _SMALL_DIMENSION:
            found: Floats = super().weighted_outer(gamma, vectors)
            return found
        result = np.empty((size, size, len(gamma)))
        for i in range(size):
            weighted = gamma * vectors[:, :, i]
            for j in range(i + 1):
                result[i, j] = result[j, i] = (weighted * vectors[:, :, j]).sum(axis=1)
        return result.transpose(2, 0, 1)

    def maximum(self, a: Any, b: Any) -> Any:
        return np.maximum(a, b)

    def largest(self, a: Any) -> Any:
        return a.max(axis=-1)

    def inverse_logdet(self, matrices: Matrices) -> tuple[Matrices, Floats]:
        inverse: Any = np.linalg.inv(matrices)
        return inverse, np.linalg.slogdet(matrices)[1]

    def eigenvalue_range(self, matrices: Matrices) -> tuple[Floats, Floats]:
        values: Any = np.linalg.eigvalsh(matrices)
        return values[..., 0], values[..., -1]

    def covariance_range(self, covariance: ExactArray) -> tuple[Floats, Floats]:
        values = spectrum(covariance)[0]
        return values[:1], values[-1:]

    def resolvent(self, covariances: ExactArray, m2: Any, n2: Any) -> tuple[Any, Any, Any]:
        """Spectral form, one decomposition for all times: `P = U diag(1/(m^2 l + 1 - m^2)) U^T`."""
        values, vectors = spectrum(covariances)
        return _spectral(values, vectors, m2, n2, np.log)

    def maps(self, covariances: Any, m2: Any, n2: Any) -> Resolvent:
        return SpectralResolvent(self, covariances, m2, n2)

    def lambertw(self, z: Any, branch: int) -> Any:
        from scipy.special import lambertw

        return lambertw(z, branch).real


FLOATS = FloatArithmetic()


def _shares(logits: Floats) -> tuple[Weights, Floats, Floats]:
    """`exp(l_k - top) / total`, written over the logits where that is allowed, `top` and `total`, with an axis kept."""
    top = logits.max(axis=-1, keepdims=True)
    gamma = np.subtract(logits, top, out=logits if logits.flags.writeable else None)
    np.exp(gamma, out=gamma)
    total = gamma.sum(axis=-1, keepdims=True)
    gamma /= total
    return gamma, top, total


class SpectralResolvent(Resolvent):
    """`P = U diag(p) U^T`, `p = 1/(m^2 l + 1 - m^2)`: at many times without a matrix for each."""

    def __init__(self, arithmetic: FloatArithmetic, covariances: ExactArray, m2: Any, n2: Any):
        self.arithmetic = arithmetic
        self.covariances, self.m2, self.n2 = covariances, m2, n2
        self.values, self.vectors = spectrum(covariances)
        p = np.moveaxis(1 / (self.values[..., None] * m2 + n2), -1, 0)
        self.p, self.logdet = p, np.log(p).sum(-1)
        self.q = p * (1 - self.values)

    @cached_property
    def _matrices(self) -> tuple[Any, Any, Any]:
        return self.arithmetic.resolvent(self.covariances, self.m2, self.n2)

    @property
    def precision_matrices(self) -> Any:
        return self._matrices[0]

    @property
    def slope_matrices(self) -> Any:
        return self._matrices[1]

    def precision(self, vectors: Any) -> Any:
        return self._by(self.precision_matrices[0], vectors) if len(self.p) == 1 else self._scaled(self.p, vectors)

    def slope(self, vectors: Any) -> Any:
        return self._by(self.slope_matrices[0], vectors) if len(self.p) == 1 else self._scaled(self.q, vectors)

    def squares(self, vectors: Any) -> Any:
        return self.arithmetic.products(self.p, (vectors @ self.vectors) ** 2)

    def average_slope(self, gamma: Any) -> Any:
        size = self.values.shape[-1]
        if len(self.p) == 1:
            slopes = self.slope_matrices[0].reshape(-1, size * size)
            return self.arithmetic.average(gamma, slopes).reshape(-1, size, size)
        return super().average_slope(gamma)

    def _scaled(self, factors: Any, vectors: Any) -> Any:
        turned = self._by(self.vectors.swapaxes(-1, -2), vectors)
        return self._by(self.vectors, (factors if vectors.ndim == factors.ndim else factors[:, None]) * turned)

    def _by(self, matrices: Any, vectors: Any) -> Any:
        """`A v`: one matrix (d, d) or one for each component (K, d, d), vectors (N, d) or (N, K, d)."""
        if vectors.ndim == 2:
            return self.arithmetic.average(vectors, matrices.T)
        return (matrices @ vectors.transpose(1, 2, 0)).transpose(2, 0, 1)


# Kept by the exact numbers, which never change, and few of them: this room is below `law` and knows no `mixture.kept`.
@lru_cache(maxsize=64)
def spectrum(covariances: ExactArray) -> tuple[Floats, Floats]:
    """Eigenvalues (..., d) and eigenvectors (..., d, d) of the covariances in float64."""
    return np.linalg.eigh(covariances.floats)


def _spectral(values: Any, vectors: Any, m2: Any, n2: Any, log: Any) -> tuple[Any, Any, Any]:
    index = (slice(None),) + (None,) * values.ndim
    precision = 1 / (m2[index] * values[None] + n2[index])
    turned = vectors.swapaxes(-1, -2)[None]
    return (
        (vectors[None] * precision[..., None, :]) @ turned,
        (vectors[None] * (precision * (1 - values))[..., None, :]) @ turned,
        log(precision).sum(-1),
    )

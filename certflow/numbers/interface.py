"""The small interface behind which the kinds of number differ.

The formulas of `certflow.field.components` and `certflow.bounds.rates` are written once over arrays that support
`+ - * /`, indexing and `@`; an `Arithmetic` supplies the rest. Arrays are NumPy arrays (float64, or objects), torch
tensors, or double-double arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.numbers.exact import ExactArray
from certflow.numbers.inputs import check_shapes


class Arithmetic:
    """One kind of number: how exact numbers enter it, and the functions that the formulas need."""

    name: str
    #: Whether results of the fields are held against an error bound and repaired (`certflow.field.guard`).
    guarded = False

    @property
    def key(self) -> Any:
        """Hashable: what converted parameters depend on (precision, dtype, device)."""
        return self.name

    def numbers(self, exact: ExactArray) -> Any:
        """The exact array in this arithmetic."""
        raise NotImplementedError

    def log_numbers(self, exact: ExactArray) -> Any:
        """Logarithms of exact positive numbers; where the range is that of float64, overridden for those beyond it."""
        return self.log(self.numbers(exact))

    def number(self, value: Fraction | int) -> Any:
        """An exact rational in this arithmetic (a scalar)."""
        raise NotImplementedError

    def asarray(self, value: Any) -> Any:
        """Numbers that are known to be plain as an array of this arithmetic."""
        raise NotImplementedError

    def read(self, value: Any, field: str) -> Any:
        """User data as an array of this arithmetic; an `InputError` names the field."""
        raise NotImplementedError

    def lasting(self, make: Callable[[], Any]) -> Any:
        """What `make` makes of numbers of this arithmetic, fit to be kept for later calls."""
        return make()

    def ahead(self, function: Callable[..., Any], value: Any) -> None:
        """In code that torch compiles, `function(value, self)` before tracing goes on: it finds what that has kept."""

    def known(self, condition: Any) -> bool | None:
        """Whether a condition holds (of an array: in every entry); None where that cannot be told."""
        try:
            return bool(condition.all() if hasattr(condition, "all") else condition)
        except TypeError:  # of symbols
            return None

    def first(self, times: Any) -> float:
        """The first of some times, for decisions that hardly depend on it; 1 where it is a symbol."""
        try:
            return float(times[0])
        except TypeError:
            return 1.0

    def eagerly(self, function: Callable[..., Any], *values: Any) -> Any:
        """`function(*values)`; in code that torch compiles, outside its graphs."""
        return function(*values)

    def broadcast(self, a: Any, b: Any, fields: Sequence[str]) -> tuple[Any, Any]:
        """Two arrays in one shape; an `InputError` names the second of the fields where there is none."""
        check_shapes(dict(zip(fields, (a, b), strict=True)))
        return self._broadcast(a, b)

    def _broadcast(self, a: Any, b: Any) -> tuple[Any, Any]:
        first, second = np.broadcast_arrays(a, b)
        return first, second

    def exp(self, a: Any) -> Any:
        raise NotImplementedError

    def expm1(self, a: Any) -> Any:
        raise NotImplementedError

    def log(self, a: Any) -> Any:
        raise NotImplementedError

    def log1p(self, a: Any) -> Any:
        raise NotImplementedError

    def sqrt(self, a: Any) -> Any:
        raise NotImplementedError

    def log_two_pi(self) -> Any:
        raise NotImplementedError

    def softmax(self, logits: Any) -> tuple[Any, Any]:
        """`exp(l_k) / sum_j exp(l_j)` and `log sum_j exp(l_j)` over the last axis."""
        raise NotImplementedError

    def responsibilities(self, logits: Any) -> Any:
        """The first part of `softmax`, where the logarithm of the sum is not wanted."""
        return self.softmax(logits)[0]

    def by_point(self, x: Any) -> Any:
        """Points (N, d) in the memory order that suits the products below."""
        return x

    def products(self, x: Any, vectors: Any) -> Any:
        """`x_n . a_k`, shape (N, K), of points (N, d) and vectors (K, d)."""
        return x @ vectors.T

    def affine(self, a: Any, factor: Any, offset: Any) -> Any:
        """`a * factor + offset`, of the shape of `a`, which may be overwritten."""
        return a * factor + offset

    def average(self, gamma: Any, vectors: Any) -> Any:
        """`sum_k gamma_k a_k`, shape (N, d), of weights (N, K) and vectors (K, d)."""
        return gamma @ vectors

    def weighted_outer(self, gamma: Any, vectors: Any) -> Any:
        """`sum_k gamma_k a_k a_k^T`, shape (N, d, d), of weights (N, K) and vectors (N, K, d)."""
        return (gamma[:, :, None] * vectors).swapaxes(-1, -2) @ vectors

    def maximum(self, a: Any, b: Any) -> Any:
        raise NotImplementedError

    def minimum(self, a: Any, b: Any) -> Any:
        return -self.maximum(-a, -b)

    def largest(self, a: Any) -> Any:
        """Maximum over the last axis."""
        result = a[..., 0]
        for k in range(1, a.shape[-1]):
            result = self.maximum(result, a[..., k])
        return result

    def inverse_logdet(self, matrices: Any) -> tuple[Any, Any]:
        """Inverse and log-determinant of symmetric positive definite matrices, shape (..., d, d)."""
        raise NotImplementedError

    def eye(self, dimension: int) -> Any:
        return self.numbers(ExactArray(np.eye(dimension)))

    def eigenvalue_range(self, matrices: Any) -> tuple[Any, Any]:
        """Smallest and largest eigenvalue of symmetric matrices (..., d, d), each of shape (...)."""
        raise NotImplementedError

    def covariance_range(self, covariance: ExactArray) -> tuple[Any, Any]:
        """Smallest and largest eigenvalue of a covariance matrix, each of shape (1,)."""
        return self.eigenvalue_range(self.numbers(covariance)[None])

    def resolvent(self, covariances: ExactArray, m2: Any, n2: Any) -> tuple[Any, Any, Any]:
        """`P = (m^2 Sigma + (1-m^2) I)^{-1}`, `Q = P (I - Sigma)` and `log det P`.

        covariances : shape (..., d, d); m2, n2 : `m^2` and `1 - m^2`, shape (T,).
        Returns shapes (T, ..., d, d), (T, ..., d, d) and (T, ...).
        """
        sigma = self.numbers(covariances)
        eye = self.eye(sigma.shape[-1])
        index = (slice(None),) + (None,) * sigma.ndim
        matrices = m2[index] * sigma[None] + n2[index] * eye
        precision, logdet = self.inverse_logdet(matrices)
        return precision, precision @ (eye - sigma), -logdet

    def prepared(self, covariances: ExactArray) -> Any:
        """What `maps` takes for the covariances, made once for many calls."""
        return covariances

    def maps(self, covariances: Any, m2: Any, n2: Any) -> Resolvent:
        """`P` and `Q` of `resolvent` as maps of vectors."""
        return Resolvent(self, *self.resolvent(covariances, m2, n2))

    def apply(self, matrices: Any, vectors: Any) -> Any:
        """`A v`: matrices (T, d, d) or (T, K, d, d) and vectors (N, d) or (N, K, d), T = N or 1."""
        return (matrices @ vectors[..., None])[..., 0]

    def square_norms(self, vectors: Any) -> Any:
        """`|v|^2` of vectors (K, d)."""
        return (vectors * vectors).sum(-1)

    def lambertw(self, z: Any, branch: int) -> Any:
        raise NotImplementedError

    def bits(self, a: Any) -> int:
        """The least `n >= 0` at hand with `2^n` above the size of every entry, for adjustable precision."""
        raise NotImplementedError

    def extended(self, bits: int) -> AbstractContextManager[Any]:
        """Working precision raised for terms of so many bits that cancel (no-op for fixed precision)."""
        return nullcontext()

    def undisturbed(self) -> AbstractContextManager[Any]:
        """No other thread of this package changes the precision in force (where that is shared by all threads)."""
        return nullcontext()

    def finish(self, a: Any) -> Any:
        """Round a result from extended to the caller's precision."""
        return a


class Resolvent:
    """`P = (m^2 Sigma + (1-m^2) I)^{-1}` and `Q = P (I - Sigma)` at T times, for one covariance or for K.

    `precision` and `slope` map vectors (N, d) or, each with its own or with the shared matrix, (N, K, d).
    """

    def __init__(self, arithmetic: Arithmetic, precision: Any, slope: Any, logdet: Any):
        self.arithmetic = arithmetic
        self.precision_matrices = precision
        self.slope_matrices = slope
        self.logdet = logdet

    def precision(self, vectors: Any) -> Any:
        """`P v`."""
        return self._apply(self.precision_matrices, vectors)

    def slope(self, vectors: Any) -> Any:
        """`Q v`."""
        return self._apply(self.slope_matrices, vectors)

    def squares(self, vectors: Any) -> Any:
        """`a_k^T P a_k`, shape (T, K), for one shared `P` and vectors (K, d)."""
        return ((vectors @ self.precision_matrices) * vectors).sum(-1)

    def average_slope(self, gamma: Any) -> Any:
        """`sum_k gamma_k Q_k`, shape (N, d, d)."""
        return (gamma[:, :, None, None] * self.slope_matrices).sum(1)

    def _apply(self, matrices: Any, vectors: Any) -> Any:
        if len(vectors.shape) == len(matrices.shape):  # one matrix for all components
            matrices = matrices[:, None]
        return self.arithmetic.apply(matrices, vectors)

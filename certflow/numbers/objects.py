"""Numbers in NumPy arrays of dtype object: what they share, mpmath numbers and SymPy expressions.

Arb balls have a module of their own, `certflow.numbers.balls`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.numbers.arrays import Objects
from certflow.numbers.exact import ExactArray, check_plain, check_real_symbol, exact_number
from certflow.numbers.interface import Arithmetic
from certflow.numbers.precision import mpmath_context


class ObjectArithmetic(Arithmetic):
    """Numbers in object arrays; a subclass supplies the scalar functions."""

    def scalar(self, value: Any, field: str = "array") -> Any:
        """One user value (number of this kind, int, float, Fraction or text) in this arithmetic."""
        raise NotImplementedError

    def numbers(self, exact: ExactArray) -> Objects:
        if exact.is_symbolic:
            raise InputError("mixture", "symbolic parameters", f"numbers, for {self.name} evaluation")
        return self._map(self.number, exact.fractions)

    def asarray(self, value: Any) -> Objects:
        return self.read(value, "array")

    def read(self, value: Any, field: str) -> Objects:
        check_plain(value, field)
        try:
            array = _object_array(value)
        except ValueError:
            raise InputError(field, value, "real numbers, in rows of equal length") from None
        return self._map(lambda entry: self.scalar(entry, field), array)

    @staticmethod
    def _map(function: Any, array: Any) -> Objects:
        array = np.asarray(array, dtype=object)  # a scalar where NumPy has unpacked an array of shape ()
        result = np.empty(array.shape, dtype=object)
        for index in np.ndindex(array.shape):
            result[index] = function(array[index])
        return result

    def softmax(self, logits: Objects) -> tuple[Objects, Objects]:
        gamma = np.empty(logits.shape, dtype=object)
        total = np.empty(logits.shape[:-1], dtype=object)
        for index in np.ndindex(total.shape):
            gamma[index], total[index] = self._softmax_row(list(logits[index]))
        return gamma, total

    def _softmax_row(self, row: list[Any]) -> tuple[list[Any], Any]:
        top = max(row)
        powers = [self._exp(entry - top) for entry in row]
        total = sum(powers[1:], powers[0])
        return [power / total for power in powers], top + self._log(total)

    def _exp(self, a: Any) -> Any:
        raise NotImplementedError

    def _expm1(self, a: Any) -> Any:
        raise NotImplementedError

    def _log(self, a: Any) -> Any:
        raise NotImplementedError

    def _log1p(self, a: Any) -> Any:
        return self._log(1 + a)

    def _sqrt(self, a: Any) -> Any:
        raise NotImplementedError

    def _maximum(self, a: Any, b: Any) -> Any:
        return max(a, b)

    def _inverse_logdet(self, matrix: Objects) -> tuple[Any, Any]:
        raise NotImplementedError

    def exp(self, a: Any) -> Any:
        return self._map(self._exp, a)

    def expm1(self, a: Any) -> Any:
        return self._map(self._expm1, a)

    def log(self, a: Any) -> Any:
        return self._map(self._log, a)

    def log1p(self, a: Any) -> Any:
        return self._map(self._log1p, a)

    def sqrt(self, a: Any) -> Any:
        return self._map(self._sqrt, a)

    def maximum(self, a: Any, b: Any) -> Any:
        larger = np.frompyfunc(self._maximum, 2, 1)
        return np.asarray(larger(_object_array(a), _object_array(b)), dtype=object)

    def _eigenvalue_range(self, matrix: Objects) -> tuple[Any, Any]:
        raise NotImplementedError

    def eigenvalue_range(self, matrices: Objects) -> tuple[Objects, Objects]:
        low = np.empty(matrices.shape[:-2], dtype=object)
        high = np.empty(matrices.shape[:-2], dtype=object)
        for index in np.ndindex(low.shape):
            low[index], high[index] = self._eigenvalue_range(matrices[index])
        return low, high

    def inverse_logdet(self, matrices: Objects) -> tuple[Objects, Objects]:
        inverse = np.empty(matrices.shape, dtype=object)
        logdet = np.empty(matrices.shape[:-2], dtype=object)
        for index in np.ndindex(logdet.shape):
            inverse[index], logdet[index] = self._inverse_logdet(matrices[index])
        return inverse, logdet


class MpmathArithmetic(ObjectArithmetic):
    """mpmath `mpf` numbers at the precision that the caller's context has when a formula is called.

    Formulas are evaluated in a context of this thread's own; `finish` makes numbers of the caller's context.
    """

    name = "mpmath"

    def __init__(self, caller: Any = None) -> None:
        import mpmath

        self.caller = mpmath.mp if caller is None else caller
        self.mp = mpmath_context(self.caller.prec)

    @property
    def key(self) -> Any:
        return ("mpmath", self.mp, self.mp.prec)

    def number(self, value: Fraction | int) -> Any:
        value = Fraction(value)
        return self.mp.mpf(value.numerator) / self.mp.mpf(value.denominator)

    def scalar(self, value: Any, field: str = "array") -> Any:
        if hasattr(value, "_mpf_") and hasattr(value, "context"):  # of any context; a constant has all digits
            constant = isinstance(value, value.context.constant)
            return self.mp.constant(value.func, value.name) if constant else self.mp.make_mpf(value._mpf_)
        return self.number(exact_number(value, field))

    def _exp(self, a: Any) -> Any:
        return self.mp.exp(a)

    def _expm1(self, a: Any) -> Any:
        return self.mp.expm1(a)

    def _log(self, a: Any) -> Any:
        return self.mp.log(a)

    def _log1p(self, a: Any) -> Any:
        return self.mp.log1p(a)

    def _sqrt(self, a: Any) -> Any:
        return self.mp.sqrt(a)

    def log_two_pi(self) -> Any:
        return self.mp.log(2 * self.mp.pi)

    def _inverse_logdet(self, matrix: Objects) -> tuple[Any, Any]:
        lower = self.mp.cholesky(self.mp.matrix(matrix.tolist()))
        size = len(matrix)
        inverse = np.array((self.mp.matrix(matrix.tolist()) ** -1).tolist(), dtype=object).reshape(size, size)
        return inverse, 2 * sum(self.mp.log(lower[i, i]) for i in range(size))

    def _eigenvalue_range(self, matrix: Objects) -> tuple[Any, Any]:
        values = self.mp.eigsy(self.mp.matrix(matrix.tolist()), eigvals_only=True)
        return min(values), max(values)

    def lambertw(self, z: Any, branch: int) -> Any:
        return self._map(lambda a: self.mp.lambertw(a, branch).real, z)

    def bits(self, a: Any) -> int:
        return max((int(self.mp.frexp(entry)[1]) for entry in a.flat), default=0)

    def extended(self, bits: int) -> AbstractContextManager[Any]:
        raised: AbstractContextManager[Any] = self.mp.extraprec(20 + bits)
        return raised

    def finish(self, a: Any) -> Any:
        return self._map(lambda entry: +self.caller.make_mpf(self.mp.mpf(entry)._mpf_), a)


class SympyArithmetic(ObjectArithmetic):
    """SymPy expressions, exact."""

    name = "sympy"

    def __init__(self) -> None:
        import sympy

        self.sympy = sympy

    def numbers(self, exact: ExactArray) -> Objects:
        return self._map(self.scalar, exact.values if exact.is_symbolic else exact.fractions)

    def number(self, value: Any) -> Any:
        return self.scalar(value)

    def scalar(self, value: Any, field: str = "array") -> Any:
        if isinstance(value, self.sympy.Basic):
            check_real_symbol(value, field)
            return value
        return self.sympy.Rational(*exact_number(value, field).as_integer_ratio())

    def _softmax_row(self, row: list[Any]) -> tuple[list[Any], Any]:
        powers = [self.sympy.exp(entry) for entry in row]
        total = self.sympy.Add(*powers)
        return [power / total for power in powers], self.sympy.log(total)

    def _exp(self, a: Any) -> Any:
        return self.sympy.exp(a)

    def _expm1(self, a: Any) -> Any:
        return self.sympy.exp(a) - 1

    def _log(self, a: Any) -> Any:
        return self.sympy.log(a)

    def _sqrt(self, a: Any) -> Any:
        return self.sympy.sqrt(a)

    def _maximum(self, a: Any, b: Any) -> Any:
        return self.sympy.Max(a, b)

    def log_two_pi(self) -> Any:
        return self.sympy.log(2 * self.sympy.pi)

    def _inverse_logdet(self, matrix: Objects) -> tuple[Any, Any]:
        exact = self.sympy.Matrix(matrix.tolist())
        determinant = exact.det(method="berkowitz")
        return np.array((exact.adjugate() / determinant).tolist(), dtype=object), self.sympy.log(determinant)

    def _eigenvalue_range(self, matrix: Objects) -> tuple[Any, Any]:
        values = list(self.sympy.Matrix(matrix.tolist()).eigenvals())
        return self.sympy.Min(*values), self.sympy.Max(*values)

    def lambertw(self, z: Any, branch: int) -> Any:
        return self._map(lambda a: self.sympy.LambertW(a, branch), z)

    def extended(self, bits: int) -> AbstractContextManager[Any]:
        return nullcontext()


def _object_array(value: Any) -> Objects:
    if isinstance(value, np.ndarray):
        return value
    return np.array(value, dtype=object)

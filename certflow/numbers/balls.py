"""Arb balls, in NumPy arrays of dtype object."""

from __future__ import annotations

from contextlib import AbstractContextManager
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.numbers.arrays import Objects
from certflow.numbers.exact import ExactArray, exact_number
from certflow.numbers.objects import ObjectArithmetic
from certflow.numbers.precision import ball_precision, mpmath_context


class ArbArithmetic(ObjectArithmetic):
    """Arb balls at the precision in force; every result contains the exact value."""

    name = "arb"

    def __init__(self) -> None:
        import flint

        self.flint = flint
        self.arb = flint.arb

    @property
    def key(self) -> Any:
        return ("arb", self.flint.ctx.prec)

    def number(self, value: Fraction | int) -> Any:
        value = Fraction(value)
        return self.arb(self.flint.fmpq(value.numerator, value.denominator))

    def scalar(self, value: Any, field: str = "array") -> Any:
        if isinstance(value, self.arb):
            return value
        return self.number(exact_number(value, field))

    def _softmax_row(self, row: list[Any]) -> tuple[list[Any], Any]:
        # gamma_k = 1 / sum_j exp(l_j - l_k): each ball enters a difference once, so overlapping logits
        # do not inflate the quotient as numerator over sum would.
        top = max(row, key=lambda ball: float(ball.mid()))
        powers = [(entry - top).exp() for entry in row]
        total = sum(powers, self.arb(0))
        if len(row) > 64:  # K^2 exponentials are too many
            return [power / total for power in powers], top + total.log()
        inverse = [sum(((other - entry).exp() for other in row), self.arb(0)) for entry in row]
        return [1 / entry for entry in inverse], top + total.log()

    def _exp(self, a: Any) -> Any:
        return a.exp()

    def _expm1(self, a: Any) -> Any:
        return a.expm1()

    def _log(self, a: Any) -> Any:
        return a.log()

    def _log1p(self, a: Any) -> Any:
        return a.log1p()

    def _sqrt(self, a: Any) -> Any:
        return a.nonnegative_part().sqrt()  # the arguments are squares, whatever their balls say

    def _maximum(self, a: Any, b: Any) -> Any:
        return self.arb(a).max(self.arb(b))

    def log_two_pi(self) -> Any:
        return (2 * self.arb.pi()).log()

    def _inverse_logdet(self, matrix: Objects) -> tuple[Any, Any]:
        ball = self.flint.arb_mat(matrix.tolist())
        return np.array(ball.inv().tolist(), dtype=object), ball.det().log()

    def resolvent(self, covariances: ExactArray, m2: Any, n2: Any) -> tuple[Any, Any, Any]:
        """As in the base class, with the matrix products in Arb."""
        sigma = self.numbers(covariances)
        size = sigma.shape[-1]
        shape = (len(m2), *sigma.shape[:-2])
        precision, slope = (np.empty((*shape, size, size), dtype=object) for _ in range(2))
        logdet = np.empty(shape, dtype=object)
        eye = self.eye(size)
        matrix = self.flint.arb_mat
        for index in np.ndindex(shape):
            part = sigma[index[1:]]
            inverse, log = self._inverse_logdet(m2[index[0]] * part + n2[index[0]] * eye)
            product = matrix(inverse.tolist()) * matrix((eye - part).tolist())
            precision[index], logdet[index] = inverse, -log
            slope[index] = np.array(product.tolist(), dtype=object)
        return precision, slope, logdet

    def _eigenvalue_range(self, matrix: Objects) -> tuple[Any, Any]:
        if len(matrix) == 1:
            return matrix[0, 0], matrix[0, 0]
        try:
            balls = self.flint.acb_mat(matrix.tolist()).eig(multiple=True)
        except ValueError:  # FLINT isolates no eigenvalues of some matrices with repeated ones, as diag(1, 2, 1)
            return self._quotients(matrix)
        values = [ball.real for ball in balls]
        low, high = values[0], values[0]
        for value in values[1:]:
            low, high = low.min(value), high.max(value)
        return low, high

    def _quotients(self, matrix: Objects) -> tuple[Any, Any]:
        """The extreme eigenvalues by Rayleigh quotients and Gershgorin's discs of `V^T A V`, `V` nearly orthogonal.

        With `x = V y` the quotient of x is `y^T B y / y^T G y`, `B = V^T A V`, `G = V^T V`: unit vectors y bound the
        extremes from inside, the discs of B over those of G, near 1, from outside.
        """
        context, size = mpmath_context(self.flint.ctx.prec), range(len(matrix))
        middles = [[context.mpf(entry.mid().str(radius=False)) for entry in row] for row in matrix]
        vectors = context.eigsy(context.matrix(middles))[1]
        basis = self.flint.arb_mat([[self.scalar(vectors[i, j]) for j in size] for i in size])
        turned = basis.transpose() * self.flint.arb_mat(matrix.tolist()) * basis
        gram = basis.transpose() * basis
        quotients = [turned[i, i] / gram[i, i] for i in size]
        spread = [sum((abs(turned[i, j]) for j in size if j != i), self.arb(0)) for i in size]
        defect = sum((abs(gram[i, j] - int(i == j)) for i in size for j in size), self.arb(0))
        low, high = self.arb(quotients[0]), self.arb(quotients[0])
        for value in quotients[1:]:
            low, high = low.min(value), high.max(value)
        for i in size:
            for end in (turned[i, i] - spread[i], turned[i, i] + spread[i]):
                for scale in (1 - defect, 1 + defect):
                    low, high = low.union(low.min(end / scale)), high.union(high.max(end / scale))
        return low, high

    def lambertw(self, z: Any, branch: int) -> Any:
        return self._map(lambda a: a.lambertw(branch), z)

    def bits(self, a: Any) -> int:
        tops = [abs(entry).abs_upper().mid() for entry in a.flat]
        finite = [top.man_exp() for top in tops if top.is_finite()]  # no precision helps the others
        return max((int(exponent) + int(mantissa).bit_length() for mantissa, exponent in finite), default=0)

    def extended(self, bits: int) -> AbstractContextManager[Any]:
        return ball_precision(extra=20 + bits)

    def undisturbed(self) -> AbstractContextManager[Any]:
        return ball_precision()

    def finish(self, a: Any) -> Any:
        return self._map(lambda entry: +entry, a)

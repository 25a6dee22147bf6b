"""Axes and variances of covariances as exact rationals, with what their rounding can do (proofs/networks-general.md).

For rational columns `U` and rational variances `lambda` the matrix `C' = U^{-T} (lambda m^2 + 1 - m^2) U^{-1}` has the
precision `U q U^T`, `q = 1/(lambda m^2 + 1 - m^2)`, and coordinates `U^T x` that are independent, exactly. It is made
so that `C <= C' <= (1 + slack) C` for the covariance `C = m^2 Sigma + (1 - m^2) I`, at every `t`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flint import fmpq, fmpq_mat

from certflow.law.mixture import GaussianMixture
from certflow.networks.gadgets.polynomials import dyadic
from certflow.networks.graph import rational
from certflow.numbers.precision import mpmath_context

#: Bits that the slack may be larger than the rounding of axes.
_LOST = 24


@dataclass(frozen=True)
class Frame:
    """Axes and variances of one covariance.

    axes : d rows `u_i` of d rationals, orthonormal up to the slack; None for those of the coordinates
    variances : one rational where the covariance is a multiple of the identity, else d
    slack : a rational >= 0, 0 where nothing was rounded
    """

    axes: tuple[tuple[Any, ...], ...] | None
    variances: tuple[Any, ...]
    slack: Any

    def along(self, vector: tuple[Any, ...]) -> tuple[Any, ...]:
        """`U^T x`, exact."""
        if self.axes is None:
            return vector
        return tuple(sum((u * x for u, x in zip(axis, vector, strict=True)), fmpq(0)) for axis in self.axes)


def frames(mixture: GaussianMixture, bits: int) -> tuple[tuple[Frame, ...], tuple[int, ...]]:
    """The frames of the different covariances of a mixture, and for every component which is its own.

    bits : entries of axes are multiples of `2^-bits`
    """
    dimension, count = mixture.dimension, mixture.n_components
    exact = mixture.exact_covariances.fractions
    if mixture.kind in ("common-isotropic", "isotropic"):
        values = [rational(value) for value in exact.reshape(-1)] * (count if exact.shape == () else 1)
        matrices = [fmpq_mat(1, 1, [value]) for value in values]
    else:
        stack = exact if mixture.kind == "full" else [exact] * count
        entries = [[rational(entry) for entry in matrix.reshape(-1)] for matrix in stack]
        matrices = [fmpq_mat(dimension, dimension, matrix) for matrix in entries]
    found: list[Any] = []
    for matrix in matrices:
        if matrix not in found:
            found.append(matrix)
    made = [_frame(matrix, bits) for matrix in found]
    if any(len(frame.variances) != 1 for frame in made):
        made = [Frame(frame.axes, _spread(frame.variances, dimension), frame.slack) for frame in made]
    return tuple(made), tuple(found.index(matrix) for matrix in matrices)


def _spread(variances: tuple[Any, ...], dimension: int) -> tuple[Any, ...]:
    return variances * dimension if len(variances) == 1 else variances


def _frame(matrix: Any, bits: int) -> Frame:
    size = matrix.nrows()
    diagonal = tuple(matrix[i, i] for i in range(size))
    if all(matrix[i, j] == 0 for i in range(size) for j in range(size) if i != j):
        return Frame(None, diagonal[:1] if len(set(diagonal)) == 1 else diagonal, fmpq(0))
    found, places = None, bits
    while found is None or found.slack * fmpq(2) ** (bits - _LOST) > 1:  # small eigenvalues need more places
        found = _rounded(matrix, places)
        places *= 2
    return found


def _rounded(matrix: Any, bits: int) -> Frame | None:
    """Axes by eigenvectors, a little shortened; variances a little raised. What comes of it is computed exactly.

    `C <= C'` because `lambda - U^T Sigma U` and `1 - U^T U` are diagonally dominant; the slack is how large these
    differences are beside `U^T Sigma U` and `U^T U` themselves. None where rounding hides that these are positive.
    """
    size = matrix.nrows()
    context = mpmath_context(bits + 32)
    entries = [[context.mpf(int(matrix[i, j].p)) / int(matrix[i, j].q) for j in range(size)] for i in range(size)]
    _, vectors = context.eigsy(context.matrix(entries))
    shortened = 1 - fmpq(1, 2 ** (bits - 2 - size.bit_length()))
    columns = fmpq_mat(size, size, [_dyadic(vectors[i, j], bits) * shortened for i in range(size) for j in range(size)])
    columns = fmpq_mat(size, size, [dyadic(columns[i, j], bits + 8) for i in range(size) for j in range(size)])
    transposed = columns.transpose()
    turned, gram = transposed * matrix * columns, transposed * columns
    raised = [dyadic(turned[i, i] + _off_diagonal(turned, i), bits) + fmpq(1, 2**bits) for i in range(size)]
    slacks = [_slack(turned, raised), _slack(gram, [fmpq(1)] * size)]
    if None in slacks:
        return None
    axes = tuple(tuple(transposed[i, j] for j in range(size)) for i in range(size))
    return Frame(axes, tuple(raised), max(slacks))


def _slack(matrix: Any, diagonal: list[Any]) -> Any:
    """A rational `s` with `matrix <= diag(diagonal) <= (1 + s) matrix`; None where Gershgorin's circles give none."""
    size = matrix.nrows()
    gaps = [diagonal[i] - matrix[i, i] for i in range(size)]
    offs = [_off_diagonal(matrix, i) for i in range(size)]
    least = min(matrix[i, i] - offs[i] for i in range(size))
    if not (all(gap >= off for gap, off in zip(gaps, offs, strict=True)) and least > 0):
        return None
    return max(gap + off for gap, off in zip(gaps, offs, strict=True)) / least


def _off_diagonal(matrix: Any, i: int) -> Any:
    return sum((abs(matrix[i, j]) for j in range(matrix.nrows()) if j != i), fmpq(0))


def _dyadic(number: Any, bits: int) -> Any:
    """An mpmath number as a multiple of `2^-bits`."""
    return fmpq(int(number.context.nint(number * 2**bits)), 2**bits)

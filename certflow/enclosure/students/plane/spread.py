"""What a shared covariance has beyond the least of its variances, in straight coordinates (proofs/students-plane.md,
section 7).

With `Sigma = l I + A`, `A >= 0` exact, and `q = m / sqrt(v)`, `v = l m^2 + 1 - m^2`: the components of `x / sqrt(v)`
have the covariance `M(q) = I + q^2 A`. No eigenvectors are needed: with `D = det M = 1 + q^2 tr A + q^4 det A`

    N = M^-1 = (I + q^2 adj A) / D,      N A = (A + q^2 det A I) / D.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.students.rounding import UNIT, up
from certflow.numbers.arrays import Floats, Matrices
from certflow.numbers.precision import ball_precision

_BITS = 200
#: Degree of the polynomial that stands for `1 / D` on a step.
_DEGREE = 10
#: Entries of `N` and `q N A` as computed are within this of the exact ones, relative.
ENTRIES = 64 * UNIT

Row = list[Any]


class Quotients(NamedTuple):
    """`f_j = q^j / D(q)`, `j = 0 .. 4`, on a step `q = middle + half s`, as Chebyshev polynomials with errors.

    coefficients : `[j, i]`, float64
    sizes : at least `sum_i |f_ji| (rho^i + rho^-i)/2` over `i >= 1`, for every `rho`; shape (ellipses, 5)
    errors : at least the distance to `f_j` on the ellipses (half-axes of sum `rho`), infinite where `D` may vanish
    """

    coefficients: Floats
    sizes: Floats
    errors: Floats


@dataclass(frozen=True)
class Spread:
    """`A` and what is made of it; all zero for a common isotropic variance.

    matrix, adjoint : `A` and `adj A`, nearest float64, shape (d, d);  trace, determinant : exact
    largest : at least the largest eigenvalue of `A`
    """

    matrix: Matrices
    adjoint: Matrices
    trace: Fraction
    determinant: Fraction
    largest: float

    @property
    def none(self) -> bool:
        """`A = 0`."""
        return not self.matrix.any()

    @property
    def pull(self) -> float:
        """At least the norm of `q N A` for every q: `a q / (1 + a q^2) <= sqrt(a) / 2`."""
        return float(up(np.sqrt(np.asarray(self.largest)) / 2)) if not self.none else 0.0

    def inverse(self, q: Any) -> Matrices:
        """`N` at `q`, shape (..., d, d): every entry within `ENTRIES`, relative, if `q` is within `4 u`."""
        square = (np.asarray(q, dtype=float) ** 2)[..., None, None]
        found: Matrices = (np.eye(len(self.matrix)) + square * self.adjoint) / self._determinant(square)
        return found

    def drift(self, q: Any) -> Matrices:
        """`q N A` at `q`, likewise."""
        q = np.asarray(q, dtype=float)[..., None, None]
        square = q * q
        whole = self.matrix + square * float(self.determinant) * np.eye(len(self.matrix))
        found: Matrices = q * whole / self._determinant(square)
        return found

    def covariance(self, q: Any) -> Matrices:
        """`M` at `q`, likewise."""
        found: Matrices = np.eye(len(self.matrix)) + (np.asarray(q, dtype=float) ** 2)[..., None, None] * self.matrix
        return found

    def root_precision(self, q: float) -> float:
        """`sqrt(det N)` at `q`, likewise."""
        return float(1 / np.sqrt(self._determinant(np.asarray(q * q))))

    def _determinant(self, square: Floats) -> Floats:
        result: Floats = 1 + square * float(self.trace) + square * square * float(self.determinant)
        return result

    def quotients(self, middle: float, half: float, ellipses: tuple[Fraction, ...]) -> Quotients:
        """The functions `q^j / D` on a step, as polynomials; the first of the ellipses may be the step itself, 1.

        Without `A` the powers 0 to 2, rounded, and nothing for the others, which have no use.

        With a polynomial `E` near `1/D` and `d = 1 - D E`, `|d| <= e < 1` on an ellipse: there `D` has no zero and
        `|q^j / D - q^j E| <= |q^j E| e / (1 - e)`.
        """
        if self.none:
            powers_ = [[1.0], [middle, half], [middle * middle + half * half / 2, 2 * middle * half, half * half / 2]]
            plain = np.array([[*row, *[0.0] * (3 - len(row))] for row in (*powers_, [], [])])
            return Quotients(plain, np.zeros((len(ellipses), 5)), np.zeros((len(ellipses), 5)))
        with ball_precision(_BITS):
            q: Row = [ball(Fraction(middle)), ball(Fraction(half))]
            powers: list[Row] = [[ball(Fraction(1))]]
            for _ in range(4):
                powers.append(_product(powers[-1], q))
            whole = _sum(powers[0], _times(powers[2], ball(self.trace)), _times(powers[4], ball(self.determinant)))
            inverse = _inverse(whole)
            defect = _sum(powers[0], _times(_product(whole, inverse), ball(Fraction(-1))))
            rows = [_product(power, inverse) for power in powers]
            count = len(rows[-1])
            coefficients = np.zeros((5, count))
            sizes, errors = np.zeros((len(ellipses), 5)), np.full((len(ellipses), 5), np.inf)
            for j, row in enumerate(rows):
                coefficients[j, : len(row)] = [float(c.mid()) for c in row]
            for i, rho in enumerate(ellipses):
                grown = _grown(rho, count + 4)
                lost = _size(defect, grown)
                for j, row in enumerate(rows):
                    size = _size(row, grown)
                    sizes[i, j] = _above(size - abs(row[0]))
                    if lost < 1:
                        errors[i, j] = _above(size * (lost / (1 - lost) + ball(Fraction(2 * UNIT))))
        return Quotients(coefficients, sizes, errors)


@cache
def _grown(rho: Fraction, count: int) -> Row:
    """`(rho^k + rho^-k) / 2`."""
    with ball_precision(_BITS):
        return [(ball(rho**k) + ball(1 / rho**k)) / 2 for k in range(count)]


def _product(one: Row, other: Row) -> Row:
    """`T_i T_j = (T_(i+j) + T_|i-j|) / 2`."""
    result = [ball(Fraction(0))] * (len(one) + len(other) - 1)
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            part = a * b / 2
            result[i + j] += part
            result[abs(i - j)] += part
    return result


def _sum(*rows: Row) -> Row:
    result = [ball(Fraction(0))] * max(len(row) for row in rows)
    for row in rows:
        for i, c in enumerate(row):
            result[i] += c
    return result


def _times(row: Row, factor: Any) -> Row:
    return [c * factor for c in row]


def _size(row: Row, grown: Row) -> Any:
    return sum((abs(c) * g for c, g in zip(row, grown, strict=False)), ball(Fraction(0)))


def _inverse(whole: Row) -> Row:
    """A polynomial near `1 / D`: its interpolation at Chebyshev points; the middles of its balls."""
    from flint import arb

    count = _DEGREE + 1
    cosines = [(arb(k) / (2 * count)).cos_pi() for k in range(4 * count)]
    values = [
        1 / sum((c * cosines[i * (2 * j + 1) % (4 * count)] for i, c in enumerate(whole)), arb(0)) for j in range(count)
    ]
    found = []
    for i in range(count):
        total = sum((v * cosines[i * (2 * j + 1) % (4 * count)] for j, v in enumerate(values)), arb(0))
        found.append((total * (2 if i else 1) / count).mid())
    return found


def _above(number: Any) -> float:
    return float(np.nextafter(float(number.abs_upper()), np.inf)) if number.is_finite() else np.inf


def spread_of(covariance: Any, dimension: int) -> tuple[Fraction, Spread]:
    """`l` and `A = Sigma - l I`, exact, of a variance or of a matrix in at most two dimensions, positive definite.

    `l` is the least eigenvalue of a diagonal matrix, else a number a little below it: `A >= 0` is decided exactly.
    """
    if dimension == 1 or not isinstance(covariance, np.ndarray):
        zero = np.zeros((dimension, dimension))
        variance = Fraction(covariance if not isinstance(covariance, np.ndarray) else covariance.ravel()[0])
        return variance, Spread(zero, zero, Fraction(0), Fraction(0), 0.0)
    (a, b), (_, c) = ((Fraction(x) for x in row) for row in covariance)
    least = min(a, c) if b == 0 else _below_least(a, b, c)
    rows = [[a - least, b], [b, c - least]]
    adjoint = [[c - least, -b], [-b, a - least]]
    trace, determinant = a + c - 2 * least, (a - least) * (c - least) - b * b
    # The trace is at least the largest eigenvalue; less the determinant over the trace it still is.
    largest = trace - determinant / trace if trace else Fraction(0)
    found = Spread(
        np.array(rows, dtype=float),
        np.array(adjoint, dtype=float),
        trace,
        determinant,
        float(up(np.asarray(float(largest)))),
    )
    return least, found


def _below_least(a: Fraction, b: Fraction, c: Fraction) -> Fraction:
    """A number below the least eigenvalue, `det / l_max`, as near as float64 has it."""
    determinant = a * c - b * b
    most = Fraction(float((a + c) / 2) + float(np.hypot(float((a - c) / 2), float(b)))) * (1 + Fraction(1, 2**40))
    least = determinant / most
    if a > least and c > least and (a - least) * (c - least) >= b * b:
        return least
    return determinant / (a + c)

"""What holds for every `q` of a step, not only at its points: the remainder of interpolating the field, and the growth
of the flow towards the data end (proofs/students-plane.md, sections 3, 4 and 7)."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np

from certflow.enclosure.students.plane.collocation import Collocation
from certflow.enclosure.students.plane.law import StraightLaw
from certflow.enclosure.students.rounding import UNIT, exponential, exponential_above, gamma, up
from certflow.numbers.arrays import Floats

#: Sums of the half-axes of the ellipses that are tried.
_ELLIPSES = tuple(Fraction(text) for text in ("1.5", "2", "2.5", "3", "4", "5", "6", "8", "10", "14", "20"))
#: Pieces of a step on which the responsibilities are bounded.
PIECES = 4


class Between:
    """The logits along `P(q, eta) = sum_i C_i(eta) T_i`, relative to those of one component, by their coefficients.

    path : `C`, shape (N + 1, terms, cells, d);  middle, half : `q = middle + half s`

    `q N mu_k`, `q^2 mu_k.N mu_k / 2` and `q N A` are polynomials in `s` with errors (`Spread.quotients`), without `A`
    exactly such.
    """

    def __init__(self, law: StraightLaw, table: Collocation, path: Floats, middle: float, half: float):
        self.law, self.degree, self.middle, self.half = law, table.degree, middle, half
        self.path, self.quotients = path, law.spread.quotients(middle, half, (Fraction(1), *_ELLIPSES))
        f = self.quotients.coefficients
        turned = law.means @ law.spread.adjoint
        sizes = np.abs(law.means), np.abs(law.means) @ np.abs(law.spread.adjoint)
        most = _trimmed(np.abs(f[1])[:, None] * sizes[0].max(0) + np.abs(f[3])[:, None] * sizes[1].max(0))
        means = (f[1][:, None, None] * law.means + f[3][:, None, None] * turned)[: len(most)]
        own, other = law.squares, (turned * law.means).sum(1) / 2
        squares = _trimmed(f[2][:, None] * own + f[4][:, None] * other)
        logits = _products(path, means.swapaxes(1, 2))
        constant = np.zeros((len(logits), len(law.means)))
        constant[: len(squares)] -= squares[: len(constant)]
        constant[0] += law.logarithms
        logits[:, 0] += constant[:, None]
        self.first = logits[0, 0].argmax(-1)
        chosen = np.broadcast_to(self.first[None, None, :, None], (*logits.shape[:3], 1))
        logits -= np.take_along_axis(logits, chosen, 3)
        self.largest = abs(middle) + abs(half)
        #: At least the sizes of the path's coefficients, shape (N + 1, cells, d).
        self.lengths = up(np.abs(path).sum(1), path.shape[1])
        # Every coefficient of a difference of two logits is off by at most this much by rounding: those of `means` and
        # `squares` are within a few units of what their terms add up to, and so are the products.
        scale = _products(self.lengths[:, None], most[:, :, None])[:, 0, :, 0]
        heights = np.abs(f[2]) * own.max() + np.abs(f[4]) * (sizes[0] * sizes[1]).sum(1).max() / 2
        scale[: len(squares)] += heights[: len(squares), None]
        scale[0] += float(np.abs(law.logarithms).max()) + 1
        self.roundings = up(gamma(2 * law.dimension + 64) * 2 * scale, path.shape[0] * path.shape[1])
        #: Their sum, with what the polynomials of the law are off by on the step: of any difference of two logits.
        self.rounding = up(self.roundings.sum(0) + self._inexact(0), len(scale))
        # The part without eta, and at least what eta adds to each coefficient.
        self.centres = logits[:, 0]
        self.sizes = np.abs(logits[:, 1:]).sum(1)

    def _inexact(self, place: int) -> Floats:
        """At least what the errors of the law's polynomials make of a difference of two logits, on one ellipse."""
        law, errors = self.law, self.quotients.errors[place]
        if law.spread.none:
            return np.zeros(self.path.shape[2])
        adjoint = law.spread.largest  # |adj A| = |A|
        means = errors[1] * law.largest + errors[3] * adjoint * law.largest
        squares = (errors[2] + errors[4] * adjoint) * law.largest**2 / 2
        return up(2 * (self._reach(place) * means + squares), 32)

    def _reach(self, place: int) -> Floats:
        """At least `|P|` on an ellipse."""
        grown = np.ones(self.degree + 1) if place == 0 else _grown(self.degree)[place - 1]
        return up(np.sqrt((np.tensordot(grown, self.lengths, 1) ** 2).sum(-1)), self.degree + 16)

    def remainder(self) -> Floats:
        """At least how far the field along the path is from its interpolating polynomial at the points, shape (cells,).

        `4 M rho^-N / (rho - 1)`, `M` a bound of the field's distance from its centre on an ellipse with half-axes of
        sum `rho`: the logits leave their first Chebyshev coefficient by at most `B_k` there.
        """
        law = self.law
        sizes = np.abs(self.centres) + self.sizes
        sizes[0] = 0.0
        upper, lower = self._heights(self.centres[0], self.sizes[0] + self.rounding[:, None])
        gammas = _responsibilities(upper, lower, self.first)
        # The constants about which N mu_k moves are these float64 numbers.
        means = law.means @ self._inverse_centre()
        spreads = up(np.sqrt(((means[:, None] - means) ** 2).sum(-1)).max(1) + 32 * UNIT * law.largest, 16)
        best = np.full(len(self.first), np.inf)
        drift = np.zeros(0) if law.spread.none else self._drift_sizes()
        for place, grown in enumerate(_grown(len(sizes) - 1), 1):
            off = np.tensordot(grown, self.roundings, 1) + self._inexact(place)
            reach = up(np.tensordot(grown, sizes, 1) + off[:, None], 2 * len(sizes) + 16)
            capped = np.minimum(reach, 500.0)
            e, inverse = exponential_above(capped), exponential(-capped) * (1 - 256 * UNIT)
            least = np.where(reach <= 1.0, inverse, np.where(reach <= 1.5, 0.0, -e))
            below = 1 - up((gammas * (1 - least)).sum(-1), 16)
            # e^B - 1 <= B e^B keeps what is small.
            bound = up((gammas * np.minimum(reach * e, e) * spreads).sum(-1), len(law.means) + 8)
            with np.errstate(all="ignore"):
                moved = bound / below
                if not law.spread.none:
                    moved = moved + (gammas * e).sum(-1) / below * self._turning(place) + self._drifting(place, drift)
                found = np.where((below > 0) & (reach.max(-1) < 500.0), _factor(self.degree, place) * moved, np.inf)
            best = np.fmin(best, found)
        return up(best, 64)

    def _inverse_centre(self) -> Floats:
        """The first Chebyshev coefficient of `N`, approximately: the constant about which it moves."""
        f = self.quotients.coefficients
        found: Floats = f[0, 0] * np.eye(self.law.dimension) + f[2, 0] * self.law.spread.adjoint
        return found

    def _turning(self, place: int) -> float:
        """At least `|N mu_k - its constant|` on an ellipse, for all k."""
        law, (f, sizes, errors) = self.law, self.quotients
        adjoint = law.spread.largest
        rounding = 16 * UNIT * (abs(f[0, 0]) + abs(f[2, 0]) * law.dimension * adjoint) * law.dimension
        moved = sizes[place, 0] + errors[place, 0] + (sizes[place, 2] + errors[place, 2]) * adjoint
        return float(up(np.asarray((moved + rounding) * law.largest), 16))

    def _drift_sizes(self) -> Floats:
        """At least the sizes of the coefficients of `q N A P`, without the law's errors, shape (i, cells, d)."""
        spread, f = self.law.spread, self.quotients.coefficients
        whole = float(spread.determinant) * np.eye(self.law.dimension)
        factors = f[1][:, None, None] * spread.matrix + f[3][:, None, None] * whole
        found: Floats = np.abs(_products(self.path, factors)).sum(1)
        return found

    def _drifting(self, place: int, products: Floats) -> Floats:
        """At least `|q N A P - its constant|` on an ellipse, for every `eta`."""
        spread, (f, sizes, errors) = self.law.spread, self.quotients
        grown = _grown(len(products) - 1)[place - 1]
        moved = np.sqrt((np.tensordot(grown[1:], products[1:], 1) ** 2).sum(-1))
        determinant = float(spread.determinant)
        whole = (abs(f[1, 0]) + sizes[place, 1]) * spread.largest + (abs(f[3, 0]) + sizes[place, 3]) * determinant
        off = errors[place, 1] * spread.largest + errors[place, 3] * determinant
        rounding = 4 * gamma(2 * len(products) + 32) * whole * self.law.dimension
        return up(moved + (off + rounding) * self._reach(place), 64)

    def growth(self, room: Floats) -> Floats:
        """At least `int lambda_max(q N A + q N Cov N) |dq|` over the step, `Cov` of any points within `room` of the
        path, (cells,).

        Between `Cov = sum_{k<l} gamma_k gamma_l (mu_k - mu_l)(mu_k - mu_l)^T` and the same sum with larger
        coefficients the order of symmetric matrices holds; `q N A + q N Cov N = q N (M A + Cov) N`, `N` falls with q.
        """
        law, spread = self.law, self.law.spread
        away = self.sizes.sum(0) + self.largest * room[:, None] * law.spreads[self.first][:, None]
        total = np.zeros(len(self.first))
        one, other = np.triu_indices(len(law.means), 1)
        for s, t, inner in _restrictions(len(self.centres) - 1):
            moved = np.tensordot(inner, self.centres, 1)
            slack = 4 * (len(self.centres) + 3) ** 2 * UNIT * np.abs(self.centres).sum(0)
            radius = np.abs(moved[1:]).sum(0) + away + slack + 2 * self.rounding[:, None]
            upper, lower = self._heights(moved[0], up(radius, 64))
            gammas = _responsibilities(upper, lower, self.first)
            pairs = np.minimum(gammas[:, one] * gammas[:, other], 0.25)
            nearest = np.maximum(np.abs(moved[0]) - radius, 0.0) * (1 - 64 * UNIT)
            e = exponential_above(-nearest)
            tie = up(e / ((1 + e) * (1 + e)), 8)
            known = self.first[:, None]
            pairs = np.where(one == known, np.minimum(pairs, tie[:, other]), pairs)
            pairs = np.where(other == known, np.minimum(pairs, tie[:, one]), pairs)
            ends = abs(self.middle + self.half * s), abs(self.middle + self.half * t)
            q, n = max(ends), spread.inverse(min(ends) * (1 - 8 * UNIT))
            steps = law.differences[one, other] @ n
            squares = (steps[:, :, None] * steps[:, None, :]).reshape(len(one), law.dimension**2)
            matrices = (pairs @ squares).reshape(-1, law.dimension, law.dimension)
            stretch = n @ spread.matrix @ spread.covariance(q * (1 + 8 * UNIT)) @ n
            # What rounding of N, and of the stretch, makes of an eigenvalue.
            lost = (
                0.0
                if spread.none
                else 2**10 * UNIT * (law.diameter**2 * pairs.sum(1) + 4 * spread.largest * (1 + q * q * spread.largest))
            )
            rate = q * (largest_eigenvalue(matrices + stretch, len(one) + 8) + lost)
            most = q * (law.diameter**2 / 4 + largest_eigenvalue(stretch, 8) + lost)
            total += np.fmin(rate, most) * abs(self.half) * (t - s)
        return up(total, 8 * len(one) + 64)

    def _heights(self, centre: Floats, radius: Floats) -> tuple[Floats, Floats]:
        """Bounds of `e^(l_k - l_first)`: above and below; the one that is 1 is not set to 1 by rounding alone."""
        return exponential_above(np.minimum(centre + radius, 700.0)), exponential(
            np.maximum(centre - radius, -700.0)
        ) * (1 - 256 * UNIT) * (centre - radius > -700.0)


def _responsibilities(upper: Floats, lower: Floats, first: Floats) -> Floats:
    """Upper bounds of `gamma_k = e_k / (e_k + sum_{l != k} e_l)`, increasing in `e_k`; `e_first = 1` exactly."""
    rows = np.arange(len(first))
    upper[rows, first], lower[rows, first] = 1.0, 1.0
    others = np.stack([np.delete(lower, k, axis=1).sum(1) for k in range(lower.shape[1])], 1)
    return np.minimum(up(upper / (upper + others * (1 - gamma(lower.shape[1] + 4))), 8), 1.0)


def largest_eigenvalue(matrices: Floats, terms: int) -> Floats:
    """At least the largest eigenvalue of positive semidefinite matrices (..., d, d), each the sum of so many terms."""
    d = matrices.shape[-1]
    if d == 1:
        return up(matrices[..., 0, 0], terms + 4)
    trace = np.trace(matrices, axis1=-2, axis2=-1)
    if d == 2:
        a, b, c = matrices[..., 0, 0], matrices[..., 1, 1], matrices[..., 0, 1]
        found = (a + b + np.sqrt((a - b) ** 2 + 4 * c * c)) / 2
    else:
        found = np.sqrt((matrices**2).sum((-1, -2)))
    return up(found + d * gamma(terms + 16) * trace, 16)


@cache
def _grown(degree: int) -> Floats:
    """`(rho^i + rho^-i)/2`, `i = 0 .. degree`, for each `rho`, nearest float64; shape (ellipses, degree + 1)."""
    return np.array([[float((rho**i + rho**-i) / 2) for i in range(degree + 1)] for rho in _ELLIPSES])


def _factor(degree: int, place: int) -> float:
    """`4 rho^-degree / (rho - 1)` for the ellipse at a place, counted from 1."""
    rho = _ELLIPSES[place - 1]
    return float(4 / rho**degree / (rho - 1))


def _trimmed(coefficients: Floats) -> Floats:
    """Without the highest coefficients that are all zero."""
    last = np.flatnonzero(coefficients.reshape(len(coefficients), -1).any(1))
    return coefficients[: last[-1] + 1 if len(last) else 1]


def _products(path: Floats, factors: Floats) -> Floats:
    """Coefficients of `P(s) F(s)`, shape (i, terms, cells, K), from (N + 1, terms, cells, d) and (j, d, K):

    `T_i T_j = (T_(i+j) + T_|i-j|) / 2`.
    """
    count, d, k = factors.shape
    table = np.zeros((len(path), d, len(path) + count - 1, k))
    for i in range(len(path)):
        for j in range(count):
            table[i, :, i + j] += factors[j] / 2
            table[i, :, abs(i - j)] += factors[j] / 2
    found = np.tensordot(path, table, ((0, 3), (0, 1)))
    return np.ascontiguousarray(np.moveaxis(found, 2, 0))


@cache
def _restrictions(degree: int) -> list[tuple[float, float, Floats]]:
    """Pieces `[s, t]` of `[-1, 1]`, and the Chebyshev coefficients there of `T_0 .. T_degree`, `[j, i]`, as floats.

    `T_(i+1)(y) = 2 y T_i(y) - T_(i-1)(y)`, `y = middle + half s`, on coefficients, exactly.
    """
    found = []
    half = Fraction(1, PIECES)
    for piece in range(PIECES):
        middle = -1 + (2 * piece + 1) * half

        def turned(c: list[Fraction], middle: Fraction = middle) -> list[Fraction]:
            out = [middle * a for a in c]
            for i, a in enumerate(c):
                for j in (abs(i - 1), i + 1):
                    if j < len(out):
                        out[j] += half / 2 * a
            return out

        before = [Fraction(int(i == 0)) for i in range(degree + 1)]
        now = turned(before)
        columns = [before, now]
        for _ in range(degree - 1):
            before, now = now, [2 * a - b for a, b in zip(turned(now), before, strict=True)]
            columns.append(now)
        table = np.array([[float(a) for a in column] for column in columns]).T
        found.append((float(middle - half), float(middle + half), table))
    return found

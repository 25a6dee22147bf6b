"""What holds for every `q` of a step, not only at its points: the remainder of interpolating the field, and the growth
of the flow towards the data end (proofs/students-plane.md, sections 3 and 4)."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np

from certflow.enclosure.students.plane.collocation import Collocation, times_clock
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
    """

    def __init__(self, law: StraightLaw, table: Collocation, path: Floats, middle: float, half: float):
        self.law, self.degree, self.middle, self.half = law, table.degree, middle, half
        products = path @ law.means.T
        logits = times_clock(products, middle, half)
        constant = np.zeros((3, len(law.means)))
        constant[0] = law.logarithms - (middle * middle + half * half / 2) * law.squares
        constant[1] = -2 * middle * half * law.squares
        constant[2] = -half * half / 2 * law.squares
        logits[:3, 0] += constant[:, None]
        self.first = logits[0, 0].argmax(-1)
        chosen = np.broadcast_to(self.first[None, None, :, None], (*logits.shape[:3], 1))
        logits -= np.take_along_axis(logits, chosen, 3)
        self.largest = abs(middle) + abs(half)
        # Every coefficient of a difference of two logits is off by at most this much.
        sizes = np.abs(path).sum((0, 1)) @ law.sizes
        self.rounding = up(gamma(2 * law.dimension + 24) * 2 * self._scale(sizes), path.shape[0] * path.shape[1])
        # The part without eta, and at least what eta adds to each coefficient.
        self.centres = logits[:, 0]
        self.sizes = np.abs(logits[:, 1:]).sum(1)

    def _scale(self, sizes: Floats) -> Floats:
        q = self.largest
        law = self.law
        return 2 * q * sizes + 2 * q * q * float(law.squares.max()) + float(np.abs(law.logarithms).max()) + 1

    def remainder(self) -> Floats:
        """At least how far the field along the path is from its interpolating polynomial at the points, shape (cells,).

        `4 M rho^-N / (rho - 1)`, `M` a bound of `|sum_k gamma_k mu_k - its centre|` on an ellipse with half-axes of sum
        `rho`: the logits leave their first Chebyshev coefficient by at most `B_k` there.
        """
        law = self.law
        sizes = np.abs(self.centres) + self.sizes
        sizes[0] = 0.0
        upper, lower = self._heights(self.centres[0], self.sizes[0] + self.rounding[:, None])
        gammas = _responsibilities(upper, lower, self.first)
        best = np.full(len(self.first), np.inf)
        for grown, factor in _ellipses(self.degree):
            reach = up(np.tensordot(grown, sizes, 1) + grown.sum() * self.rounding[:, None], 2 * self.degree + 16)
            capped = np.minimum(reach, 500.0)
            e, inverse = exponential_above(capped), exponential(-capped) * (1 - 256 * UNIT)
            least = np.where(reach <= 1.0, inverse, np.where(reach <= 1.5, 0.0, -e))
            below = 1 - up((gammas * (1 - least)).sum(-1), 16)
            # e^B - 1 <= B e^B keeps what is small.
            bound = up((gammas * np.minimum(reach * e, e) * law.spreads).sum(-1), len(law.means) + 8)
            with np.errstate(all="ignore"):
                found = np.where(
                    (below > 0) & (reach.max(-1) < 500.0),
                    factor * bound / below,
                    np.inf,
                )
            best = np.fmin(best, found)
        return up(best, 64)

    def growth(self, room: Floats) -> Floats:
        """At least `int lambda_max(q Cov) |dq|` over the step, `Cov` of any points within `room` of the path, (cells,).

        Between `Cov = sum_{k<l} gamma_k gamma_l (mu_k - mu_l)(mu_k - mu_l)^T` and the same sum with larger
        coefficients the order of symmetric matrices holds.
        """
        law = self.law
        away = self.sizes.sum(0) + self.largest * room[:, None] * law.spreads[self.first][:, None]
        total = np.zeros(len(self.first))
        one, other = np.triu_indices(len(law.means), 1)
        steps = law.differences[one, other]
        squares = (steps[:, :, None] * steps[:, None, :]).reshape(len(one), law.dimension**2)
        most = self.largest * law.diameter**2 / 4
        for s, t, inner in _restrictions(self.degree + 1):
            moved = np.tensordot(inner, self.centres, 1)
            slack = 4 * (self.degree + 4) ** 2 * UNIT * np.abs(self.centres).sum(0)
            radius = np.abs(moved[1:]).sum(0) + away + slack + (self.degree + 2) * self.rounding[:, None]
            upper, lower = self._heights(moved[0], up(radius, 64))
            gammas = _responsibilities(upper, lower, self.first)
            pairs = np.minimum(gammas[:, one] * gammas[:, other], 0.25)
            nearest = np.maximum(np.abs(moved[0]) - radius, 0.0) * (1 - 64 * UNIT)
            e = exponential_above(-nearest)
            tie = up(e / ((1 + e) * (1 + e)), 8)
            known = self.first[:, None]
            pairs = np.where(one == known, np.minimum(pairs, tie[:, other]), pairs)
            pairs = np.where(other == known, np.minimum(pairs, tie[:, one]), pairs)
            q = max(abs(self.middle + self.half * s), abs(self.middle + self.half * t))
            matrices = (pairs @ squares).reshape(-1, law.dimension, law.dimension)
            rate = q * largest_eigenvalue(matrices, len(one))
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
def _ellipses(degree: int) -> list[tuple[Floats, float]]:
    """For each `rho`: `(rho^i + rho^-i)/2`, `i = 0 .. degree + 1`, and `4 rho^-degree / (rho - 1)`, nearest float64."""
    found = []
    for rho in _ELLIPSES:
        powers = np.array([float((rho**i + rho**-i) / 2) for i in range(degree + 2)])
        found.append((powers, float(4 / rho**degree / (rho - 1))))
    return found


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

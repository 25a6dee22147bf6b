"""The law `p_t` of a mixture on boxes: Taylor models of its density and of its score, bounds beyond the boxes.

With `l_k = log(w_k N(x; m mu_k, C_k))`, quadratic in `x`, and one component `r` for each box, that with the largest
`l_r` at its centre,

    S = sum_k e^(l_k - l_r) >= 1,    p = e^(l_r) S,
    s = P_r (m mu_r - x) + (1/S) sum_k e^(l_k - l_r) [ (P_k m mu_k - P_r m mu_r) - (P_k - P_r) x ].

Every coefficient is a ball (proofs/score-networks.md, section 3).
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.students.line.law import exponential_of
from certflow.enclosure.students.rounding import UNIT, up
from certflow.enclosure.students.score.balls import BITS, Balls, above, balls, constants, mapped, power, times
from certflow.enclosure.students.taylor import Basis, Models, Outer, composed, product, reach, size_of, total
from certflow.errors import InputError
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Indices
from certflow.numbers.precision import ball_precision


class Local(NamedTuple):
    """Models of the density, shape (cells, 1), and of the score, shape (cells, d)."""

    density: Models
    score: Models


class Field:
    """`p_t` and its score at an exact time `t >= 0`.

    Raises
    ------
    InputError : symbolic parameters.
    """

    def __init__(self, mixture: GaussianMixture, time: Fraction):
        if mixture.is_symbolic:
            raise InputError("mixture", "symbolic parameters", "numbers")
        self.dimension, self.count = mixture.dimension, mixture.n_components
        with ball_precision(BITS):
            m = (-ball(time)).exp()
            spread = 1 - m * m
            weights = [ball(Fraction(w) / Fraction(mixture.weight_total)) for w in mixture.exact_weights.fractions]
            means = mixture.exact_means.fractions
            self.weights = weights
            self.centres = [np.array([m * ball(Fraction(x)) for x in row], dtype=object) for row in means]
            self.covariances = [m * m * c + spread * _identity(self.dimension) for c in _covariances(mixture)]
            self._tables()

    def _tables(self) -> None:
        """Precisions `P_k`, `P_k m mu_k`, and `log w_k - log det(2 pi C_k)/2 - (m mu_k)' P_k (m mu_k)/2`."""
        from flint import arb, arb_mat

        self._precision, self._linear, self._constant = [], [], []
        for w, c, covariance in zip(self.weights, self.centres, self.covariances, strict=True):
            matrix = arb_mat(covariance.tolist())
            precision = np.array(matrix.inv().tolist(), dtype=object)
            linear = precision @ c
            log_det = matrix.det().log() + self.dimension * (2 * arb.pi()).log()
            self._precision.append(precision)
            self._linear.append(linear)
            self._constant.append(w.log() - log_det / 2 - c @ linear / 2)
        #: Standard deviations of the coordinates, shape (K, d), and the midpoints of the centres.
        self.deviations = np.array([[math.sqrt(float(c[a, a].mid())) for a in self._axes] for c in self.covariances])
        self.middles = np.array([[float(x.mid()) for x in c] for c in self.centres])
        self._logits = [
            (balls(p).middle, balls(b).middle, float(a.mid()))
            for p, b, a in zip(self._precision, self._linear, self._constant, strict=True)
        ]

    @property
    def _axes(self) -> range:
        return range(self.dimension)

    def second_moment(self) -> Any:
        """`E |X|^2`, a ball."""
        with ball_precision(BITS):
            parts = [
                w * (c @ c + np.trace(v)) for w, c, v in zip(self.weights, self.centres, self.covariances, strict=True)
            ]
            return sum(parts[1:], parts[0])

    def size_of_score(self) -> float:
        """About `E |s|^2`, at least: `1 / E |X|^2` up to the dimension; a choice of what counts as small."""
        return self.dimension**2 / float(self.second_moment().mid())

    def box(self, deviations: float) -> tuple[Floats, Floats]:
        """The smallest box that holds so many standard deviations around every component; rounded, a choice."""
        return (
            (self.middles - deviations * self.deviations).min(0),
            (self.middles + deviations * self.deviations).max(0),
        )

    def leading(self, centres: Floats) -> Indices:
        """About the component with the largest `l_k` at each point."""
        rows = [a + centres @ b - ((centres @ p) * centres).sum(1) / 2 for p, b, a in self._logits]
        return np.asarray(np.argmax(np.array(rows), axis=0))

    @np.errstate(all="ignore")
    def on(self, basis: Basis, x: Models) -> Local:
        """Density and score of models, shape (cells, d)."""
        groups = self.leading(x.coefficients[0])
        density = Models(np.zeros((basis.terms, len(groups), 1)), np.zeros((len(groups), 1)))
        score = Models(np.zeros_like(x.coefficients), np.zeros_like(x.remainder))
        for r in np.unique(groups):
            here = groups == r
            part = self._around(basis, Models(x.coefficients[:, here], x.remainder[here]), int(r))
            for whole, piece in zip((density, score), part, strict=True):
                whole.coefficients[:, here], whole.remainder[here] = piece
        offset, slope = self.growth
        bound = up(offset + slope * up(size_of(x).sum(1, keepdims=True), self.dimension))
        return Local(_within(density, np.asarray(self._highest)), _within(score, bound))

    def _around(self, basis: Basis, x: Models, r: int) -> Local:
        cells = x.coefficients.shape[1]
        zero = Balls(np.zeros(self.dimension), np.zeros(self.dimension))
        mass = constants(basis.terms, cells, Balls(np.ones(1), np.zeros(1)))
        pull = constants(basis.terms, cells, zero)
        squares: dict[tuple[int, int], Models] = {}
        with ball_precision(BITS):
            for k in range(self.count):
                if k == r:
                    continue
                turn = balls(self._precision[k] - self._precision[r])
                push = balls(self._linear[k] - self._linear[r])
                logit = self._quadratic(basis, x, turn, push, self._constant[k] - self._constant[r], squares)
                share = exponential_of(basis, logit)
                mass = total(mass, share)
                pull = total(pull, product(basis, share, mapped(x, Balls(-turn.middle, turn.radius), push)))
            own, linear = balls(self._precision[r]), balls(self._linear[r])
            logit = self._quadratic(basis, x, own, linear, self._constant[r], squares)
        density = product(basis, exponential_of(basis, logit), mass)
        drift = mapped(x, Balls(-own.middle, own.radius), linear)
        score = total(drift, product(basis, _reciprocal(basis, mass), pull))
        return Local(density, score)

    def _quadratic(
        self, basis: Basis, x: Models, matrix: Balls, vector: Balls, number: Any, squares: dict[tuple[int, int], Models]
    ) -> Models:
        """`number + vector . x - x' matrix x / 2`."""
        found = mapped(x, Balls(vector.middle[:, None], vector.radius[:, None]), balls([number]))
        for i in self._axes:
            for j in range(i, self.dimension):
                share = -0.5 if i == j else -1.0
                entry = Balls(share * matrix.middle[i, j], abs(share) * matrix.radius[i, j])
                if entry.middle == 0 and entry.radius == 0:
                    continue
                if (i, j) not in squares:
                    squares[i, j] = product(basis, _column(x, i), _column(x, j))
                found = total(found, times(squares[i, j], entry))
        return found

    # -- beyond the boxes ----------------------------------------------------------------------------------

    @cached_property
    def growth(self) -> list[float]:
        """`A, B` with `|s(x)| <= A + B |x|` for all `x`: the largest `|P_k m mu_k|` and `||P_k||_F`."""
        with ball_precision(BITS):
            offsets = [above((b @ b).nonnegative_part().sqrt()) for b in self._linear]
            slopes = [above((p * p).sum().nonnegative_part().sqrt()) for p in self._precision]
        return [max(offsets), max(slopes)]

    @cached_property
    def _highest(self) -> float:
        """At least the density anywhere: `sum_k w_k / sqrt(det(2 pi C_k))`."""
        with ball_precision(BITS):
            peaks = [(a + c @ b / 2).exp() for a, b, c in zip(self._constant, self._linear, self.centres, strict=True)]
            return above(sum(peaks[1:], peaks[0]))

    def beyond(self, growth: list[float], low: Floats, high: Floats) -> float:
        """At least `E[ (sum_j g_j |X|^j)^2 ]` over the outside of the box; infinite, if a centre is not well inside.

        With `z_a = (x_a - m mu_a)/sqrt(C_aa)` and `c` the least `|z_a|` on the faces, `M = max |z_a| >= c` outside and
        `|x| <= |m mu| + sqrt(d) max_a sqrt(C_aa) M <= q M`, `q = |m mu|/c + sqrt(d) max sqrt(C_aa)`, so that with
        `c >= 1` the sum is at most `sum g_j q^j M^j <= G M^n`, and `E[M^(2n); M >= c] <= d E[|Z|^(2n); |Z| >= c]`.
        """
        with ball_precision(BITS):
            found = ball(Fraction(0))
            for w, centre, covariance in zip(self.weights, self.centres, self.covariances, strict=True):
                roots = [covariance[a, a].sqrt() for a in self._axes]
                faces = [
                    face / roots[a]
                    for a in self._axes
                    for face in (ball(Fraction(high[a])) - centre[a], centre[a] - ball(Fraction(low[a])))
                ]
                c = ball(Fraction(min(float(face.lower()) for face in faces))) * (1 - ball(Fraction(1, 2**40)))
                if not c > 1:
                    return math.inf
                widest = ball(Fraction(max(above(root) for root in roots)))
                q = (centre @ centre).nonnegative_part().sqrt() / c + widest * ball(Fraction(self.dimension)).sqrt()
                n = len(growth) - 1
                whole = sum((ball(Fraction(g)) * q**j for j, g in enumerate(growth)), ball(Fraction(0)))
                found += w * whole * whole * self.dimension * _normal_tail(c, 2 * n)
            return above(found)


def _normal_tail(c: Any, power: int) -> Any:
    """`E[|Z|^j; |Z| >= c]`: `I_0 = erfc(c / sqrt 2)`, `I_j = 2 c^(j-1) phi(c) + (j-1) I_(j-2)`, `j` even."""
    from flint import arb

    peak = 2 * (-c * c / 2).exp() / (2 * arb.pi()).sqrt()
    found = (c / arb(2).sqrt()).erfc()
    for j in range(2, power + 1, 2):
        found = c ** (j - 1) * peak + (j - 1) * found
    return found


def _within(models: Models, bound: Floats) -> Models:
    """Of functions of size at most `bound`: the constant 0 within it, where that is narrower."""
    wide = ~(models.remainder <= bound)
    if not wide.any():
        return models
    coefficients = np.where(wide, 0.0, models.coefficients)
    return Models(coefficients, np.where(wide, bound, models.remainder))


def _column(x: Models, i: int) -> Models:
    return Models(x.coefficients[:, :, i : i + 1], x.remainder[:, i : i + 1])


def _identity(d: int) -> Any:
    return np.array([[int(i == j) for j in range(d)] for i in range(d)], dtype=object)


def _covariances(mixture: GaussianMixture) -> list[Any]:
    """The matrices, entries balls."""
    given, d, n = mixture.exact_covariances.fractions, mixture.dimension, mixture.n_components
    if given.size in (1, n) and mixture.kind in ("common-isotropic", "isotropic"):
        matrices = [Fraction(v) * _identity(d) for v in np.broadcast_to(np.ravel(given), (n,))]
    else:
        matrices = list(np.broadcast_to(given.reshape((-1, d, d)), (n, d, d)))
    return [np.array([[ball(Fraction(entry)) for entry in row] for row in matrix], dtype=object) for matrix in matrices]


def _reciprocal(basis: Basis, models: Models) -> Models:
    """`1/f`, `f >= 1`: `g^(j) = (-1)^j j! / u^(j+1)`, the suprema at the least number within reach."""
    far = reach(basis, models)
    centre, p = models.coefficients[0], basis.degree

    def supremum(order: int, radius: Floats) -> Floats:
        least = centre * (1 - 4 * UNIT) - radius
        size = math.factorial(order) / power(np.where(least > 0, least, np.nan), order + 1)
        return np.where(least > 0, up(size, order + 4), np.inf)

    values = [(-1) ** j * math.factorial(j) / power(centre, j + 1) for j in range(p + 1)]
    errors = [up(np.abs(v) * (2 * (j + 4) * UNIT)) for j, v in enumerate(values)]
    outer = Outer(values, errors, supremum(1, far.whole), supremum(2, far.whole), supremum(p + 1, far.polynomial))
    return composed(basis, models, outer, far)

"""Boxes of the data end: their mass and moments under the mixture, their children, polynomials on those.

`z` are straight coordinates. The variables `eta` of a box belong to the enlarged one: `y(eta) = centre + half eta`,
`half = 16/15` of the box's own half-widths, so that of a child is the affine image `+-15/32 + eta/2` of the parent's.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.students.plane.law import StraightLaw
from certflow.enclosure.students.plane.spread import ENTRIES
from certflow.enclosure.students.rounding import UNIT, exponential, exponential_above, gamma, up
from certflow.enclosure.students.taylor import Basis
from certflow.numbers.arrays import Flags, Floats, Indices, Points
from certflow.numbers.precision import ball_precision

#: A polynomial holds on a box that is larger by this share on every side: room for the error at the data end.
MARGIN = 1 / 15
#: The place of a child's centre in the variables of its parent: `1 / (2 (1 + MARGIN))`.
_OFFSET = 15 / 32
#: Points of Gauss and Legendre's rule.
_POINTS = 16
#: Cells on which the rule is applied to both axes at once.
_AT_ONCE = 1024


class Boxes(NamedTuple):
    """Boxes by their ends, float64 numbers, shape (cells, d)."""

    low: Points
    high: Points

    @property
    def centre(self) -> Points:
        """Of the box and of the enlarged one."""
        return np.asarray((self.low + self.high) / 2, dtype=np.float64)

    @property
    def half(self) -> Points:
        """Half-widths of the enlarged box."""
        return (self.high - self.low) * ((1 + MARGIN) / 2)

    @property
    def room(self) -> Floats:
        """How far a point of the box may move, at most, without leaving the enlarged one."""
        own = (self.high - self.low).min(1) / 2 * MARGIN
        found: Floats = own * (1 - 2.0**-20) - 8 * UNIT * (np.abs(self.low) + np.abs(self.high)).max(1)
        return found

    def where(self, flags: Flags | Indices) -> Boxes:
        """Some of them."""
        return Boxes(self.low[flags], self.high[flags])

    def children(self) -> Boxes:
        """Each halved along every axis: first those at the first of `corners`, then at the second, and so on."""
        middle = self.centre
        parts = [
            (np.where(np.array(c) > 0, middle, self.low), np.where(np.array(c) > 0, self.high, middle))
            for c in corners(self.low.shape[1])
        ]
        return Boxes(*(np.concatenate(ends) for ends in zip(*parts, strict=True)))

    def divisible(self) -> Flags:
        """Where the middle still lies well between the ends."""
        size = np.abs(self.low) + np.abs(self.high)
        return np.asarray(((self.high - self.low) > 2.0**-30 * (1e-6 + size)).all(1))

    @staticmethod
    def joined(parts: list[Boxes]) -> Boxes:
        """Several, one after another."""
        return Boxes(*(np.concatenate(ends) for ends in zip(*parts, strict=True)))


def corners(dimension: int) -> list[tuple[int, ...]]:
    """The signs of the children's centres."""
    return list(itertools.product((-1, 1), repeat=dimension))


def restricted(basis: Basis, polynomials: Floats) -> tuple[Floats, Floats]:
    """Polynomials, shape (terms, cells, d), on the children in their order, and at most what rounding made of them."""
    children = [np.tensordot(matrix, polynomials, 1) for matrix in _substitutions(basis.dimension, basis.degree)]
    sizes = np.abs(polynomials).sum(0)
    lost = np.sqrt(((gamma(basis.size + 8) * up(sizes, basis.size)) ** 2).sum(-1))
    return np.concatenate(children, 1), up(np.concatenate([lost] * len(children)), 16)


@cache
def _substitutions(dimension: int, degree: int) -> list[Floats]:
    """For each child the matrix that makes of `p(eta)` the coefficients of `p(+-15/32 + eta/2)`, exact but for rounding
    its entries; the sizes in a column add up to at most `(15/32 + 1/2)^|m| < 1`."""
    basis = Basis(dimension, degree)
    found = []
    for signs in corners(dimension):
        matrix = np.zeros((basis.size, basis.size))
        for i, m in enumerate(basis.monomials):
            for k in itertools.product(*(range(x + 1) for x in m)):
                matrix[basis.place[k], i] += math.prod(
                    math.comb(x, y) * math.prod([s * _OFFSET] * (x - y)) for x, y, s in zip(m, k, signs, strict=True)
                ) / 2 ** sum(k)
        found.append(matrix)
    return found


class Moments(NamedTuple):
    """`int eta^(l + m) p` over boxes (not the enlarged ones), `p` the density of `z` at the data end.

    values : shape (cells, terms, terms)
    mass : at least `int p`
    slack : `|sum_lm c_l c_m (values_lm - exact)| <= slack (sum |c|)^2` for all c
    """

    values: Floats
    mass: Floats
    slack: Floats


def moments(basis: Basis, law: StraightLaw, boxes: Boxes) -> Moments:
    """By Gauss and Legendre's rule along each axis, its error from an ellipse (proofs/students-plane.md, section 5)."""
    if not law.spread.none:
        return _joint(basis, law, boxes)
    exponents = np.array(basis.monomials)
    count, d = boxes.low.shape
    values = np.zeros((count, basis.size, basis.size))
    mass, slack = np.zeros(count), np.zeros(count)
    for weight, mean in zip(law.weights, law.means, strict=True):
        product = np.full((count, 1, 1), weight)
        whole, wrong = np.full(count, weight), np.zeros(count)
        for a in range(d):
            rows, error = _axis(boxes.low[:, a], boxes.high[:, a], law.q_data * mean[a], 2 * basis.degree)
            product = product * rows[:, exponents[:, a][:, None] + exponents[:, a][None]]
            most = up(rows[:, 0] + error)
            wrong = wrong * most + whole * error
            whole = whole * most
        values += product
        mass += whole
        slack += up(wrong + gamma(3 * d + 4) * whole, 4 * d + 8)
    return Moments(values, up(mass, len(law.weights)), up(slack + gamma(len(law.weights)) * mass, len(law.weights) + 8))


def _axis(low: Floats, high: Floats, centre: float, most: int) -> tuple[Floats, Floats]:
    """`int eta^k e^(-(z - centre)^2/2) / sqrt(2 pi) dz`, `k = 0 .. most`, shape (cells, most + 1), and an error of all.

    `|eta| <= 15/16`, so the moments are at most that of `k = 0`, and so are the errors by rounding, of the
    points and of the exponents, relative to it.
    """
    points, weights = _rule()
    middle, half = (low + high) / 2, (high - low) / 2
    z = middle[:, None] + half[:, None] * points - centre
    heights = exponential(-z * z / 2) * (weights * _INVERSE_ROOT) * half[:, None]
    eta = points / (1 + MARGIN)
    rows = heights @ np.vander(eta, most + 1, increasing=True)
    far = np.abs(middle - centre) + half
    size = np.abs(low) + np.abs(high) + 4 * abs(centre) + 1
    # eta is measured from the float64 centre of the box, which counts where the box is small.
    rounding = (gamma(256) + 8 * UNIT * (far + 1 + most / half) * size) * heights.sum(1)
    # The ellipse: half-axes `A` along the box and `B` across it; smaller boxes allow a larger one.
    error = np.full(len(low), np.inf)
    for rho in (2.0, 4.0, 8.0, 16.0):
        along, across = (rho + 1 / rho) / 2, (rho - 1 / rho) / 2
        near = np.maximum(np.abs(middle - centre) - half * along, 0.0) * (1 - 2.0**-30)
        height = exponential_above(np.minimum((half * across) ** 2 / 2 * (1 + 2.0**-30), 700.0)) * exponential_above(
            -(near**2) / 2
        )
        factor = (
            64 / 15 / rho ** (2 * (_POINTS - 1)) / (1 - rho**-2) * math.prod([max(along, 1.0)] * most) * (1 + 2.0**-30)
        )
        error = np.fmin(error, np.where((half * across) ** 2 < 1400, factor * half * height, np.inf))
    return rows, up(error + rounding, 64)


def _joint(basis: Basis, law: StraightLaw, boxes: Boxes) -> Moments:
    """In the plane, of components with a covariance `M` that is no multiple of `I`: the rule on both axes at once."""
    parts = [
        _joint_moments(basis, law, boxes.where(np.arange(i, min(i + _AT_ONCE, len(boxes.low)))))
        for i in range(0, len(boxes.low), _AT_ONCE)
    ]
    return Moments(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _joint_moments(basis: Basis, law: StraightLaw, boxes: Boxes) -> Moments:
    exponents, most = np.array(basis.monomials), 2 * basis.degree
    places = exponents[:, None] + exponents[None]
    points, weights = _rule()
    powers = np.vander(points / (1 + MARGIN), most + 1, increasing=True)
    middle, half = (boxes.low + boxes.high) / 2, (boxes.high - boxes.low) / 2
    n = law.spread.inverse(law.q_data)
    height = _INVERSE_ROOT**2 * law.spread.root_precision(law.q_data)
    error = sum(_beyond_rule(half[:, a], n[a, a], most) * 2 * half[:, 1 - a] for a in range(2)) * (
        height * (1 + 2.0**-20)
    )
    values = np.zeros((len(half), basis.size, basis.size))
    mass, slack = np.zeros(len(half)), np.zeros(len(half))
    for weight, mean in zip(law.weights, law.means, strict=True):
        z = middle[:, None] + half[:, None] * points[:, None] - law.q_data * mean
        one, other = z[:, :, None, 0], z[:, None, :, 1]
        exponent = (n[0, 0] * one * one + n[1, 1] * other * other) / 2 + n[0, 1] * one * other
        parts = exponential(-np.maximum(exponent, 0.0)) * (weights[:, None] * weights * height)
        parts *= (weight * half[:, 0] * half[:, 1])[:, None, None]
        table = np.einsum("ip,nij,jq->npq", powers, parts, powers, optimize=True)
        values += table[:, places[:, :, 0], places[:, :, 1]]
        far = (np.abs(middle - law.q_data * mean) + half).sum(1)
        size = (np.abs(boxes.low) + np.abs(boxes.high) + 4 * law.q_data * np.abs(mean)).sum(1) + 1
        rounding = gamma(512) + 4 * ENTRIES + 8 * UNIT * (far + 1 + most / half.min(1)) * size + 4 * ENTRIES * far * far
        whole = parts.sum((1, 2))
        mass += up(whole * (1 + rounding) + weight * error, 64)
        slack += up(whole * rounding + weight * error, 64)
    return Moments(values, up(mass, len(law.weights)), up(slack + gamma(len(law.weights) + 8) * mass, 16))


def _beyond_rule(half: Floats, precision: float, most: int) -> Floats:
    """At least the error of the rule on an axis, of `eta^k f`, `k <= most`: `|f| <= e^(precision Im^2 z / 2)`."""
    error = np.full(len(half), np.inf)
    for rho in (2.0, 4.0, 8.0, 16.0):
        along, across = (rho + 1 / rho) / 2, (rho - 1 / rho) / 2
        exponent = precision * (half * across) ** 2 / 2 * (1 + 2.0**-30)
        factor = 64 / 15 / rho ** (2 * (_POINTS - 1)) / (1 - rho**-2) * along**most * (1 + 2.0**-30)
        error = np.fmin(
            error, np.where(exponent < 700, factor * half * exponential_above(np.minimum(exponent, 700.0)), np.inf)
        )
    return up(error, 64)


#: `1 / sqrt(2 pi)`, the nearest number.
_INVERSE_ROOT = 0.3989422804014327


@cache
def _rule() -> tuple[Floats, Floats]:
    """Points and weights on [-1, 1], the nearest numbers."""
    from flint import arb

    with ball_precision(200):
        pairs = [arb.legendre_p_root(_POINTS, k, weight=True) for k in range(_POINTS)]
        return np.array([float(x.mid()) for x, _ in pairs]), np.array([float(w.mid()) for _, w in pairs])


def beyond(law: StraightLaw, reach: float, constant: float, slope: float) -> float:
    """At least `E (constant + slope |Z|)^2` over where some `|Z_i| > reach sqrt(M_ii)`, `Z ~ N(0, M)` in d dimensions:

    `(A + b |Z|)^2 <= 2 A^2 + 2 b^2 |Z|^2` and `E |Z|^2 [...] <= tr M (P + 2 R phi(R))`, `P` that of one axis, `R >= 1`.
    """
    d = law.dimension
    with ball_precision(100):
        r, a, b = (ball(Fraction(x)) for x in (reach, constant, slope))
        root = ball(Fraction(2)).sqrt()
        outside = (r / root).erfc()
        trace = d + ball(Fraction(law.q_data)) ** 2 * (1 + ball(Fraction(1, 2**40))) * ball(law.spread.trace)
        square = trace * (outside + 2 * r * (-r * r / 2).exp() / (8 * ball(Fraction(1)).atan()).sqrt())
        return math.nextafter(float((d * (2 * a * a * outside + 2 * b * b * square)).abs_upper()), math.inf)

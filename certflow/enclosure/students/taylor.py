"""Taylor models over float64, a batch of cells at once, with error symbols.

A model of a function `f` on a cell is a polynomial in `eta` from `[-1, 1]^d`, a linear form in error symbols `eps` and
a remainder:

    | f(eta) - sum_m c_m eta^m - sum_k c_(M+k) eps_k(eta) | <= r    for all eta in [-1, 1]^d,

where `eps_k` are functions with values in `[-1, 1]` of which nothing else is known; the same symbol in two models is
the same function. All rounding goes into `r`. A model of which nothing is known has `c = 0`, `r` infinite; NaN does
not occur. What the operations keep and what they bound: proofs/students.md, section 3.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from certflow.enclosure.students.rounding import LARGEST, UNIT, gamma, up
from certflow.errors import InputError
from certflow.numbers.arrays import Floats


class Models(NamedTuple):
    """`n` functions on each cell: coefficients, shape (terms, cells, n), remainders, shape (cells, n)."""

    coefficients: Floats
    remainder: Floats


class Basis:
    """The monomials `eta^m`, `|m| <= degree`, by degree, and after them the error symbols.

    dimension : `d`, number of variables
    degree : at least 1
    symbols : number of error symbols

    Attributes
    ----------
    monomials : tuples of exponents; `terms = len(monomials) + symbols`
    degrees : of the monomials
    pairs : `(i, j, k)`: monomial `i` times `j` is `k`, of degree `<= degree`
    """

    def __init__(self, dimension: int, degree: int, symbols: int = 0):
        if dimension < 1 or degree < 1 or symbols < 0:
            raise InputError("degree", (dimension, degree, symbols), "dimension, degree >= 1, symbols >= 0")
        self.dimension, self.degree, self.symbols = dimension, degree, symbols
        self.monomials = [
            m
            for total in range(degree + 1)
            for m in itertools.product(range(total, -1, -1), repeat=dimension)
            if sum(m) == total
        ]
        self.size = len(self.monomials)
        self.terms = self.size + symbols
        self.degrees = [sum(m) for m in self.monomials]
        self.place = {m: i for i, m in enumerate(self.monomials)}
        self.pairs = [
            (i, j, self.place[tuple(a + b for a, b in zip(one, other, strict=True))])
            for i, one in enumerate(self.monomials)
            for j, other in enumerate(self.monomials)
            if self.degrees[i] + self.degrees[j] <= degree
        ]
        most = max(sum(1 for pair in self.pairs if pair[2] == k) for k in range(self.size))
        #: What the roundings of a product, or of all powers in a composition, make of the product of the sizes.
        self.rounding = gamma(degree * (most + 2) + 8)

    def boxes(self, low: Floats, high: Floats) -> Models:
        """The identity on boxes: `x = (low + high)/2 + (high - low)/2 eta`; ends of shape (cells, d)."""
        c = np.zeros((self.terms, *low.shape))
        c[0] = (low + high) / 2
        for a in range(self.dimension):
            c[self.linear(a), :, a] = ((high - low) / 2)[:, a]
        return Models(c, up(4 * UNIT * (np.abs(low) + np.abs(high))))

    def linear(self, variable: int) -> int:
        """Place of the monomial `eta_a`."""
        return self.place[tuple(int(a == variable) for a in range(self.dimension))]

    def graded(self, c: Floats) -> Floats:
        """At least `sum |c_m|` over the monomials of each degree, shape (degree + 1, cells, n)."""
        sums = np.zeros((self.degree + 1, *c.shape[1:]))
        for size, degree in zip(np.abs(c[: self.size]), self.degrees, strict=True):
            sums[degree] += size
        return up(sums, self.size)

    def symbol_size(self, c: Floats) -> Floats:
        """At least `sum |c|` over the symbols."""
        return up(np.abs(c[self.size :]).sum(0), self.symbols)


def size_of(models: Models) -> Floats:
    """At least `|f|` on the cells: `sum |c| + r`."""
    c, r = models
    return up(np.abs(c).sum(0) + r, len(c) + 1)


def guarded(c: Floats, r: Floats) -> Models:
    """The model; where it holds a number that is NaN or too large, the one of which nothing is known."""
    size = np.abs(c).sum(0) + r
    bad = ~(size < LARGEST)
    if bad.any():
        c, r = np.where(bad, 0.0, c), np.where(bad, np.inf, r)
    return Models(c, r)


def constant(basis: Basis, values: Floats) -> Models:
    """Numbers, shape (cells, n), as models."""
    c = np.zeros((basis.terms, *values.shape))
    c[0] = values
    return Models(c, np.zeros(values.shape))


def total(models: Models, others: Models, sign: float = 1.0) -> Models:
    """`f + g`; `f - g` for sign -1."""
    c = models.coefficients + sign * others.coefficients
    rounding = 2 * UNIT * np.abs(c).sum(0)
    return guarded(c, up(models.remainder + others.remainder + rounding, len(c) + 3))


def scaled(models: Models, factor: Floats | float) -> Models:
    """`f` times float64 numbers that broadcast to (cells, n)."""
    c = models.coefficients * factor
    return guarded(c, up(models.remainder * np.abs(factor) + 2 * UNIT * np.abs(c).sum(0), len(c) + 3))


def affine(models: Models, matrix: Floats, shift: Floats) -> Models:
    """`f W + b`, shapes (n, m) and (m,): the matrix product in any order of its sums."""
    c, r = models
    rows = len(matrix)
    sizes = np.abs(matrix)
    result = c @ matrix
    lost = (r + gamma(rows + 2) * up(np.abs(c).sum(0), len(c))) @ sizes
    result[0] += shift
    return guarded(result, up(lost + 2 * UNIT * np.abs(result[0]), rows + 4))


@np.errstate(all="ignore")
def product(basis: Basis, one: Models, other: Models) -> Models:
    """`f g`: polynomials cut at the degree, a symbol keeps its constant factor; the rest goes into the remainder."""
    (a, r), (b, s) = one, other
    shape = np.broadcast_shapes(a.shape[1:], b.shape[1:])
    result = np.zeros((basis.terms, *shape))
    for i, j, k in basis.pairs:
        result[k] += a[i] * b[j]
    ga, gb = basis.graded(a), basis.graded(b)
    ea, eb = basis.symbol_size(a), basis.symbol_size(b)
    lost = np.zeros(shape)
    for i in range(basis.degree + 1):
        for j in range(basis.degree + 1 - i, basis.degree + 1):
            lost += ga[i] * gb[j]
    if basis.symbols:
        result[basis.size :] = a[0] * b[basis.size :] + b[0] * a[basis.size :]
        lost += ga[1:].sum(0) * eb + gb[1:].sum(0) * ea + ea * eb
    sa, sb = ga.sum(0) + ea, gb.sum(0) + eb
    lost += sa * s + sb * r + r * s + basis.rounding * sa * sb
    return guarded(result, up(lost, 4 * basis.degree**2 + 16))


class Outer(NamedTuple):
    """What a composition `g(f)` knows of `g`, arrays of shape (cells, n), `u = c_0` the centre.

    values : `g^(j)(u)`, `j = 0 .. degree`, each within `errors[j]`
    slope, bend : at least `sup |g'|` and `sup |g''|` on `[u - R, u + R]`, `R` what `f` leaves its centre by
    top : at least `sup |g^(degree + 1)|` on `[u - S, u + S]`, `S` the part of `R` that is the polynomial's
    """

    values: Sequence[Floats]
    errors: Sequence[Floats]
    slope: Floats
    bend: Floats
    top: Floats


class Reach(NamedTuple):
    """How far a model leaves its centre: by its polynomial, by its symbols, in all; shapes (cells, n)."""

    graded: Floats
    polynomial: Floats
    symbols: Floats
    whole: Floats


def reach(basis: Basis, models: Models) -> Reach:
    """`S = sum |c_m|` over degrees 1 and more, `E = sum |c|` over symbols, `S + E + r`, all rounded up."""
    graded = basis.graded(models.coefficients)
    polynomial = up(graded[1:].sum(0), basis.degree)
    symbols = basis.symbol_size(models.coefficients)
    return Reach(graded, polynomial, symbols, up(polynomial + symbols + models.remainder))


@np.errstate(all="ignore")
def composed(basis: Basis, models: Models, outer: Outer, far: Reach) -> Models:
    """`g(f)`, `f = u + q + e + rho` (polynomial, symbols, remainder):

        g(u + q) by Taylor's formula at u, `g'(u) e` for the symbols, and into the remainder
        top S^(p+1)/(p+1)!,  slope r,  bend E (S + E/2),  dropped terms of q^j, errors of g^(j)(u), rounding.

    Where a constant with `slope R` is narrower, the model is that constant.
    """
    c, r = models
    p, m, s, e = basis.degree, basis.size, far.polynomial, far.symbols
    values, errors = outer.values, outer.errors
    result = np.zeros_like(c)
    result[0] = values[0]
    lost = outer.slope * r + outer.bend * e * (s + e / 2)
    lost += errors[0] + errors[1] * e
    power, majorant, dropped, s_power = c[:m], far.graded.copy(), np.zeros_like(r), s
    majorant[0] = 0.0
    inner = majorant
    for j in range(1, p + 1):
        if j > 1:
            power, majorant, dropped = _next_power(basis, c, power, inner, majorant, dropped, s, j)
            s_power = s_power * s
        factor = values[j] / math.factorial(j)
        first = basis.degrees.index(j)
        result[first:m] += factor * power[first:]
        lost += np.abs(factor) * (dropped + basis.rounding * s_power) + errors[j] / math.factorial(j) * s_power
    lost += outer.top * (s_power * s) / math.factorial(p + 1)  # by products: `**` may be the C library's
    if basis.symbols:
        result[m:] = values[1] * c[m:]
        lost += 2 * UNIT * np.abs(values[1]) * e
    lost = up(lost, 8 * p + 16)
    flat = up(outer.slope * far.whole + errors[0])
    worse = ~(lost <= flat)
    if worse.any():
        result[1:, worse] = 0.0
        lost = np.where(worse, flat, lost)
    return guarded(result, lost)


def _next_power(
    basis: Basis,
    c: Floats,
    power: Floats,
    inner: Floats,
    majorant: Floats,
    dropped: Floats,
    size: Floats,
    j: int,
) -> tuple[Floats, Floats, Floats]:
    """`q^j` cut at the degree from `q^(j-1)`, majorants of its degrees, and at least what was cut off."""
    following = np.zeros_like(power)
    for a, b, k in basis.pairs:
        if basis.degrees[a] >= j - 1 and basis.degrees[b] >= 1:
            following[k] += power[a] * c[b]
    graded, lost = np.zeros_like(majorant), np.zeros_like(dropped)
    for a in range(j - 1, basis.degree + 1):
        for b in range(1, basis.degree + 1):
            if a + b <= basis.degree:
                graded[a + b] += majorant[a] * inner[b]
            else:
                lost += majorant[a] * inner[b]
    operations = basis.degree**2 + 4
    return following, up(graded, operations), up(dropped * size + lost, operations)

"""Functions of time on a box: `m = e^-t`, `v = 1 - c m^2`, `a = m/v`, `r = m^2/(2v)`, and what a gadget is off (9)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from .arithmetic import Arithmetic, Interval
from .cases import Case
from .polynomials import Algebra, Polynomial
from .work import bits_of, fraction_steps, product_steps


class Stretch(NamedTuple):
    """All t from `lower` to `upper`, as `(lower + upper)/2 + c (upper - lower)/2`, with what a gadget is off there:
    `e_a`, `e_r`, `m e_a/2 - e_r` and `e_a - 2 c m e_r` (9)."""

    lower: Fraction
    upper: Fraction
    errors: tuple[Polynomial, ...]

    def halved(self, algebra: Algebra, field: str) -> list[Stretch]:
        """Both halves, the later one first."""
        algebra.work.spend(4 * fraction_steps(bits_of([self.lower, self.upper]) + 2), field)
        middle = (self.lower + self.upper) / 2
        left, right = zip(*(algebra.halves(error, field) for error in self.errors), strict=True)
        return [Stretch(middle, self.upper, right), Stretch(self.lower, middle, left)]


class Values(NamedTuple):
    """On a stretch: m, v and a enclosed, and the sizes of its errors, in units."""

    m: Interval
    v: Interval
    a: Interval
    pull: int
    spread: int
    tilt: int
    drift: int


def values(case: Case, here: Stretch) -> Values:
    """What the bounds need to know of a stretch."""
    a = case.arithmetic
    case.spend(1, "assertion.network.time", here.lower, here.upper)
    m = a.exp(a.rational(-here.upper))[0], a.exp(a.rational(-here.lower))[1]
    v = case.variance(a.square(m))
    return Values(m, v, a.div(m, v), *(error.size for error in here.errors))


def stretch(
    case: Case, algebra: Algebra, outputs: Sequence[Polynomial], lower: Fraction, upper: Fraction, order: int
) -> Stretch:
    """The stretch of a gadget whose outputs for a and r on it are these, by Taylor polynomials of m, a and r about its
    middle, of degree `order`: what is left is at most the next coefficient about some point of the stretch (9)."""
    a, field, long = case.arithmetic, "assertion.network.time", bits_of([lower, upper, case.c])
    each = 12 + 4 * product_steps(a.bits + 8, a.bits + 8)
    case.work.spend(20 * fraction_steps(2 * long + a.bits) + 6 * a.steps + 3 * (order + 4) ** 2 * each, field)
    around = a.exp(a.rational(-upper))[0], a.exp(a.rational(-lower))[1]
    step, middle = a.rational((upper - lower) / 2), a.exp(a.rational(-(lower + upper) / 2))
    exact = []
    for terms, further in zip(series(case, middle, step, order), series(case, around, step, order + 1), strict=True):
        off = sum(high - low for low, high in terms) + max(map(abs, further[-1]))
        exact.append(Polynomial([low for low, _ in terms], off))
    decay, pull, spread = exact
    e_a, e_r = algebra.sum(outputs[0], pull, -1, field), algebra.sum(outputs[1], spread, -1, field)
    half = algebra.combination([(algebra.unit >> 1, algebra.product(decay, e_a, field))], 0, field)
    moved = algebra.combination([(algebra.scaled(2 * case.c), algebra.product(decay, e_r, field))], 0, field)
    return Stretch(lower, upper, (e_a, e_r, algebra.sum(half, e_r, -1, field), algebra.sum(e_a, moved, -1, field)))


def series(case: Case, m: Interval, step: Interval, order: int) -> list[list[Interval]]:
    """Coefficients of `m`, `a`, `r` as power series in `u` of `t = s + step u`, `e^-s` in the interval m."""
    a = case.arithmetic
    power, square = [m], [a.square(m)]
    for i in range(1, order + 1):
        for row, factor in ((power, -1), (square, -2)):
            low, high = a.mul(row[-1], (factor * step[1], factor * step[0]))
            row.append((low // i, -(-high // i)))
    c = a.rational(-case.c)
    v = [a.mul(c, entry) for entry in square]
    v[0] = a.add(v[0], a.one)
    doubled = [(2 * low, 2 * high) for low, high in v]
    return [power, quotient(a, power, v), quotient(a, square, doubled)]


def quotient(a: Arithmetic, y: list[Interval], v: list[Interval]) -> list[Interval]:
    """The power series `y/v`: `x_i = (y_i - sum_{j > 0} v_j x_{i-j})/v_0`."""
    found: list[Interval] = []
    for i, (low, high) in enumerate(y):
        least = most = 0
        for (p, q), (s, t) in zip(v[1 : i + 1], reversed(found), strict=True):
            corners = p * s, p * t, q * s, q * t
            least, most = least + min(corners), most + max(corners)
        found.append(a.div((low - -(-most >> a.bits), high - (least >> a.bits)), v[0]))
    return found

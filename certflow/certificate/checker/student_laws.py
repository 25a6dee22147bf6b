"""The law at a time, in one dimension: distribution function, densities, tails, from series alone (13)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from .arithmetic import Arithmetic, Imprecise, Interval
from .cases import Case
from .refusals import require
from .student_models import Model, Models
from .work import bits_of, fraction_steps, product_steps


def variances(case: Case) -> list[Fraction]:
    """The variance of each component, of any kind of covariances."""
    field, values, count = "problem.mixture.covariances.values", case.covariances, len(case.weights)
    rows: list[Any] = [values] * count if case.kind in ("common-isotropic", "shared") else values
    require(len(rows) == count, field, values, f"{count} of them, one for each weight")
    depth = {"common-isotropic": 0, "isotropic": 0, "shared": 2, "full": 2}[case.kind]
    found = []
    for row in rows:
        for _ in range(depth):
            require(len(row) == 1, field, row, "matrices of one row and one column")
            row = row[0]
        require(row > 0, field, row, "a variance > 0")
        found.append(row)
    return found


def density_factor(a: Arithmetic) -> Interval:
    """`1/sqrt(2 pi)`, `pi = 16 arctan(1/5) - 4 arctan(1/239)`; each term is cut, the first left out is below a unit."""
    scale, total, off = a.bits + 32, 0, 0
    for factor, n in ((16, 5), (-4, 239)):
        power, k = (1 << scale) // n, 0
        while power:
            total += factor * (-1) ** k * (power // (2 * k + 1))
            power, k = power // n**2, k + 1
        off += abs(factor) * (k + 1)
    turn = (2 * (total - off)) >> 32, -(-2 * (total + off) >> 32)
    return a.sqrt(a.div(a.one, turn))


class Component(NamedTuple):
    """`w N(place, v)`: weight, place, variance, deviation, `w/sqrt(2 pi v)`, `1/(2 v)`, all enclosed."""

    weight: Interval
    place: Interval
    variance: Interval
    deviation: Interval
    height: Interval
    curve: Interval


class Law:
    """`p_t = sum_k w_k N(m mu_k, 1 - m^2 (1 - s_k^2))`, `m = e^-t`."""

    def __init__(self, case: Case, models: Models, spread: list[Fraction], t: Fraction, factor: Interval):
        self.models, self.a, self.work, a = models, case.arithmetic, case.work, case.arithmetic
        self.bits, self.one = a.bits, 1 << a.bits
        long = bits_of([t, *spread, case.denominator, case.total]) + a.bits
        each = 8 * fraction_steps(long) + 40 * (10 + product_steps(2 * a.bits, a.bits))
        self.work.spend((len(spread) + 1) * each + a.steps, "problem.mixture")
        m = a.exp(a.rational(-t))
        self.components = []
        for weight, (mean,), variance in zip(case.weights, case.means, spread, strict=True):
            w, place = a.rational(Fraction(weight, case.total)), a.mul(m, a.rational(Fraction(mean, case.denominator)))
            v = a.sub(a.one, a.mul(a.rational(1 - variance), a.square(m)))
            if v[0] <= 0:
                raise Imprecise("a variance that is not told from 0")
            deviation = a.sqrt(v)
            height, curve = a.div(a.mul(w, factor), deviation), a.div(a.one, (2 * v[0], 2 * v[1]))
            self.components.append(Component(w, place, v, deviation, height, curve))
        self.factor = factor
        #: Steps of a density, as a model or from below, without the terms of distribution functions.
        width = product_steps(3 * a.bits, 2 * a.bits)
        self.steps = len(spread) * (2 * models.steps + a.steps + 120 + 40 * width)

    def second_moment(self) -> Interval:
        """`E X^2`."""
        a, total = self.a, (0, 0)
        for part in self.components:
            total = a.add(total, a.mul(part.weight, a.add(a.square(part.place), part.variance)))
        return total

    def distribution(self, x: int, field: str) -> Interval:
        """`F(x)`; `F` has a slope below 1/2 in every component's units."""
        a, total = self.a, (0, 0)
        for part in self.components:
            low, high = a.div(a.sub((x, x), part.place), part.deviation)
            below, above = self.normal(low, field)
            share = below, above + (high - low + 1 >> 1)
            total = a.add(total, a.mul(part.weight, share))
        return total

    def normal(self, z: int, field: str) -> Interval:
        """The standard normal distribution function."""
        half = self.one >> 1
        low, high = self.area(abs(z), field)
        return (half + low, half + high) if z >= 0 else (half - high, half - low)

    def area(self, z: int, field: str) -> Interval:
        """`int_0^z phi = phi(z) sum_k z^(2k+1)/(2k+1)!!`, `z >= 0`, by terms rounded down and up.

        From where `2k+1 >= 2 z^2` on, each term is at most half of the one before."""
        a, bits, square, half = self.a, self.bits, z * z, self.one >> 1
        far, tail = square >> 2 * bits, square >> bits + 1
        series = 5 * far < 7 * bits
        self.work.spend(a.steps + 60 + (8 + bits // 2 + 2 * far if series else 0) * (8 + (bits * bits >> 13)), field)
        if not series:
            return half - (a.exp((-tail, -tail))[1] + 1 >> 1), half
        low = high = least = most = z
        k = 3
        while high > 1 or k << 2 * bits < 2 * square:
            low, high, k = (low * square >> 2 * bits) // k, -((-high * square >> 2 * bits) // k), k + 2
            least, most = least + low, most + high
        (m, n), (M, N) = a.power(-tail - 1), a.power(-tail)
        return a.mul((least * m >> -n, -(-(most + 1) * (M + a.SLACK) >> -N)), self.factor)

    def density(self, x: tuple[int, int, int, int]) -> Model:
        """`p(X)` for a cubic X."""
        c0, c1, c2, c3 = x
        bits, total, rest = self.bits, [0, 0, 0, 0], 0
        p, q, r = abs(c1), abs(c2), abs(c3)
        left = q * q + 2 * r * (p + q) + r * r
        for part in self.components:
            (low, high), (curve, steepest) = part.place, part.curve
            y, near = c0 - (low + high >> 1), high - low + 1
            size = abs(y) + p + q + r + near
            squares = y * y, 2 * y * c1, 2 * y * c2 + c1 * c1, 2 * (y * c3 + c1 * c2)
            off = (left + 2 * size * near) * steepest + size * size * (steepest - curve)
            power = tuple(-(x * curve >> 2 * bits) for x in squares)
            found = self.models.exponential((*power, 0, (off >> 2 * bits) + 5))  # type: ignore[arg-type]
            lower, upper = part.height
            total = [x + (lower * y >> bits) for x, y in zip(total, found, strict=False)]
            rest += (found[5] * upper + (upper - lower) * sum(map(abs, found[:4])) >> bits) + 5
        return total[0], total[1], total[2], total[3], 0, rest

    def least(self, low: int, high: int) -> int:
        """A number below the density between two points, its terms being least at an end."""
        bits, total = self.bits, 0
        for part in self.components:
            far = max(part.place[1] - low, high - part.place[0])
            power = -(far * far * part.curve[1] >> 2 * bits) - 1
            total += part.height[0] * self.a.exp((power, power))[0] >> bits
        return total

    def beyond(self, x: int, side: int) -> Interval:
        """Numbers above `P(side (X - x) > 0)` and `E (side (X - x))_+^2`.

        `P(Z > g) <= e^(-g^2/2)/2` and `E (Z - g)_+^2 <= e^(-g^2/2)/2` for `g >= 0`; else 1 and `1 + g^2`."""
        a, mass, square = self.a, 0, 0
        for part in self.components:
            g = a.div(a.sub((x, x), part.place), part.deviation)
            low, _ = g if side > 0 else (-g[1], -g[0])
            if low >= 0:
                power = -(low * low >> self.bits + 1)
                first = second = a.exp((power, power))[1] + 1 >> 1
            else:
                first, second = self.one, self.one + (low * low >> self.bits) + 1
            mass += a.mul(part.weight, (0, first))[1]
            square += a.mul(a.mul(part.weight, part.variance), (0, second))[1]
        return mass, square

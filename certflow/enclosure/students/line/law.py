"""The law `p_t` of a mixture in one dimension: in Arb balls, and in float64 with margins.

`p_t = sum_k w_k N(m mu_k, v_k)`, `v_k = m^2 sigma_k^2 + 1 - m^2`, `m = e^-t`: any mixture, different variances too.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.students.rounding import TINY, UNIT, exponential, exponential_above, up
from certflow.enclosure.students.taylor import Basis, Models, Outer, composed, constant, product, reach, scaled, total
from certflow.errors import InputError
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats
from certflow.numbers.precision import ball_precision

#: Precision of balls, in bits.
BITS = 128
#: Relative error of `e^(-z^2/(2v))` from the rounding of its argument, of at most 700, of its parameters and of exp.
_DENSITY_ERROR = 2.0**-38
_SMALLEST = 2.0**-900


def above(number: Any) -> float:
    """A float64 number that is at least the size of the ball; infinite for one that is not finite."""
    if not number.is_finite():
        return math.inf
    return math.nextafter(float(number.abs_upper()), math.inf)


class LineLaw:
    """`p_t` for an exact time.

    Raises
    ------
    InputError : another dimension, symbolic parameters.
    """

    def __init__(self, mixture: GaussianMixture, time: Fraction):
        if mixture.is_symbolic:
            raise InputError("mixture", "symbolic parameters", "numbers")
        if mixture.dimension != 1:
            raise InputError("mixture", f"dimension {mixture.dimension}", "a mixture in one dimension")
        self.time = time
        exact = mixture.exact_covariances.fractions
        variances = [Fraction(v) for v in np.broadcast_to(np.ravel(exact), mixture.n_components)]
        weights = [Fraction(w) / Fraction(mixture.weight_total) for w in mixture.exact_weights.fractions]
        self._parameters = weights, [Fraction(row[0]) for row in mixture.exact_means.fractions], variances
        self._balls: dict[int, list[tuple[Any, ...]]] = {}
        with ball_precision(BITS):
            rows = self._components(BITS)
            tau = _root_two_pi()
            self.second_moment = sum((w * (mu * mu + v) for w, mu, v, _ in rows), ball(Fraction(0)))
            #: Nearest float64 numbers: each within `2 u`, relative.
            self.weights = np.array([float(w.mid()) for w, *_ in rows])
            self.centres = np.array([float(mu.mid()) for _, mu, *_ in rows])
            self.widths = np.array([float(v.sqrt().mid()) for _, _, v, _ in rows])
            self.rates = np.array([float((1 / (2 * v)).mid()) for _, _, v, _ in rows])
            self.heights = np.array([float((w / (tau * v.sqrt())).mid()) for w, _, v, _ in rows])

    def _components(self, bits: int) -> list[tuple[Any, ...]]:
        """`w, m mu, v, sqrt(2 v)` as balls, at the precision in force, which is `bits`."""
        if bits not in self._balls:
            m, spread = (-ball(self.time)).exp(), -(-2 * ball(self.time)).expm1()  # 1 - m^2, which cancels early
            self._balls[bits] = [
                (ball(w), m * ball(mu), v, (2 * v).sqrt())
                for w, mu, sigma in zip(*self._parameters, strict=True)
                for v in [m * m * ball(sigma) + spread]
            ]
        return self._balls[bits]

    def tails(self, x: Any, upper: bool) -> Any:
        """`1 - F(x)` if `upper`, else `F(x)`; a ball with small relative error far out."""
        found = ball(Fraction(0))
        for w, mu, _, root in self._components(BITS):
            z = (x - mu) / root
            found += w * (z if upper else -z).erfc()
        return found / 2

    def moments(self, centre: float, half: float, most: int) -> list[Any]:
        """`int eta^k p dy`, `eta = (y - centre) / half`, over `|eta| <= 1`, `k = 0 .. most`.

        By parts: `J_k = (d J_(k-1) - v (h^(k-1) p_b - (-h)^(k-1) p_a) + (k-1) v J_(k-2))`, `d` from the centre of the
        cell to that of the component. For small `h` it cancels `log2(v/h^2)` bits every two orders, which are added.
        """
        narrow = float(self.widths.max()) / half
        bits = BITS + 64 * math.ceil(max(0.0, (most + 1) * math.log2(max(narrow, 1.0))) / 64)
        with ball_precision(bits):
            rows = self._components(bits)
            c, h = ball(Fraction(centre)), ball(Fraction(half))
            result = [ball(Fraction(0))] * (most + 1)
            powers = [h**k for k in range(most + 1)]
            tau = _root_two_pi()
            for w, mu, v, root in rows:
                a, b = (c - h - mu) / root, (c + h - mu) / root
                mass = (a.erfc() - b.erfc()) / 2 if a > 0 else ((-b).erfc() - (-a).erfc()) / 2
                peak = 1 / (tau * v.sqrt())
                left, right = peak * (-a * a).exp(), peak * (-b * b).exp()
                integrals = [mass]
                d = mu - c
                for k in range(1, most + 1):
                    ends = powers[k - 1] * (right - left if k % 2 else right + left)
                    value = d * integrals[k - 1] - v * ends
                    if k > 1:
                        value += v * (k - 1) * integrals[k - 2]
                    integrals.append(value)
                for k in range(most + 1):
                    result[k] += w * integrals[k] / powers[k]
            return result

    def beyond(self, x: float, upper: bool) -> tuple[Any, Any]:
        """`int p` and `int (y - x)^2 p` over the tail beyond `x`, as balls."""
        sign = 1 if upper else -1
        at = ball(Fraction(x))
        mass, square = ball(Fraction(0)), ball(Fraction(0))
        tau = _root_two_pi()
        for w, mu, v, root in self._components(BITS):
            z = sign * (at - mu)
            part = (z / root).erfc() / 2
            mass += w * part
            square += w * ((v + z * z) * part - z * v.sqrt() / tau * (-z * z / (2 * v)).exp())
        return mass, square

    @np.errstate(all="ignore")
    def density(self, basis: Basis, models: Models) -> Models:
        """Models of `p_t(f)`."""
        whole = constant(basis, np.zeros_like(models.remainder))
        for centre, rate, height in zip(self.centres, self.rates, self.heights, strict=True):
            moved = models.coefficients.copy()
            moved[0] -= centre
            lost = 4 * UNIT * (np.abs(models.coefficients[0]) + abs(centre))
            distance = Models(moved, up(models.remainder + lost))
            square = scaled(product(basis, distance, distance), -rate)
            size = up(np.abs(square.coefficients).sum(0) + square.remainder, basis.terms)
            square = Models(square.coefficients, up(square.remainder + 4 * UNIT * size))
            part = scaled(exponential_of(basis, square), height)
            size = up(np.abs(part.coefficients).sum(0) + part.remainder, basis.terms)
            whole = total(whole, Models(part.coefficients, up(part.remainder + 4 * UNIT * size)))
        return whole

    @np.errstate(all="ignore")
    def least(self, low: Floats, high: Floats) -> Floats:
        """At most the density on intervals (each component at its farthest), zero where float64 has no such number."""
        found = np.zeros_like(low)
        for centre, rate, height in zip(self.centres, self.rates, self.heights, strict=True):
            far = np.maximum(np.abs(low - centre), np.abs(high - centre))
            far = far * (1 + 4 * UNIT) + 4 * UNIT * (np.abs(low) + np.abs(high) + abs(centre))
            exponent = far * far * rate
            found += np.where(exponent < 650.0, height * exponential(-exponent), 0.0)
        found = found * (1 - _DENSITY_ERROR)
        return np.where(found > _SMALLEST, found, 0.0)

    def largest(self) -> float:
        """At least the density anywhere."""
        return float(up(self.heights.sum(), 8))


def _root_two_pi() -> Any:
    return (8 * ball(Fraction(1)).atan()).sqrt()


def exponential_of(basis: Basis, models: Models) -> Models:
    """Models of `e^f`."""
    far = reach(basis, models)
    values = exponential(models.coefficients[0])
    error = up(values * (64 * UNIT)) + TINY
    centre = models.coefficients[0]
    top, inner = (
        exponential_above(centre + size + 4 * UNIT * (np.abs(centre) + size)) for size in (far.whole, far.polynomial)
    )
    degree = basis.degree
    return composed(basis, models, Outer([values] * (degree + 1), [error] * (degree + 1), top, top, inner), far)

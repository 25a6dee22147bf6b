"""Functions on a cell as cubics with an error symbol, and what activations and exponentials make of them (13)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from .arithmetic import Arithmetic, Imprecise

#: `c_0 + c_1 y + c_2 y^2 + c_3 y^3 + s e(y) + rest`, `|rest| <= r`, for `|y| <= 1`: the numbers `(c_0, ..., c_3, s, r)`
#: in units. `e`, `|e| <= 1`, is one function of y for all models of a map: what its argument is off by.
Model = tuple[int, int, int, int, int, int]

#: Bounds of `|a'|, ..., |a^(5)|` on all of R, for the activations that have derivatives.
SUPREMA = {
    "silu": ("1.1", "0.7243", "0.5131", "0.7243", "0.8628"),
    "tanh": ("1", "0.77", "2", "4.09", "16"),
}
#: Values of models are below `2^ROOM`.
ROOM = 64


class Models:
    """What is done with models at the places of an arithmetic."""

    def __init__(self, arithmetic: Arithmetic):
        self.a, self.bits, self.one = arithmetic, arithmetic.bits, 1 << arithmetic.bits
        self.suprema = {
            key: [arithmetic.rational(Fraction(bound))[1] for bound in bounds] for key, bounds in SUPREMA.items()
        }
        self.activations: dict[str, Callable[[Model], Model]] = {
            "silu": self.silu,
            "tanh": self.tanh,
            "relu": self.relu,
        }
        self.limit = self.one << ROOM
        #: Steps of work of an activation: an exponential at one point, and products of such numbers.
        self.steps = arithmetic.steps // 4 + 40 + 10 * (6 * self.bits**2 >> 15)

    def composed(
        self, model: Model, values: tuple[int, int, int, int], off: int, fourth: int, slope: int, bend: int
    ) -> Model:
        """`f(u)`, by `values`, which are within `off` of `f^(j)(c_0)/j!`, `j <= 3`.

        fourth : at least `|f''''|/24` as far from `c_0` as the cubic reaches; slope, bend : at least `|f'|`, `|f''|` as
        far as the model does. Where it is smaller, the remainder is that of a constant.
        """
        _, c1, c2, c3, symbol, rest = model
        f0, f1, f2, f3 = values
        bits, one, p, q, s = self.bits, self.one, abs(c1), abs(c2), abs(symbol)
        reach = p + q + abs(c3)
        wide = reach + s + rest
        constant = (slope * wide >> bits) + off + 1
        square = reach * reach
        cut = ((abs(f2) + off) * (square - p * p - 2 * p * q) << bits) + (abs(f3) + off) * (square * reach - p**3)
        cut += (fourth * square * square >> bits) + 1
        noise = 4 * off if reach <= one else off * (one + reach) ** 3 >> 3 * bits
        remainder = (cut >> 3 * bits) + noise + (slope * rest + off * s + (bend * s * wide >> bits) >> bits) + 9
        if remainder > constant:
            return f0, 0, 0, 0, 0, constant
        c11 = c1 * c1
        second = (f1 * c2 << bits) + f2 * c11 >> 2 * bits
        third = (f1 * c3 << 2 * bits) + (2 * f2 * c1 * c2 << bits) + f3 * c11 * c1 >> 3 * bits
        return f0, f1 * c1 >> bits, second, third, f1 * symbol >> bits, remainder

    def logistic(self, u: int) -> tuple[int, int, int, int, int]:
        """`1/(1 + e^-u)` and its four derivatives, off by at most 2, 3, 5, 7, 18 units."""
        bits, one = self.bits, self.one
        s = (one << bits) // (one + self.a.exp((-abs(u), -abs(u)))[0])
        if u < 0:
            s = one - s
        t, w = s * (one - s) >> bits, one - 2 * s
        second = t * w >> bits
        return s, t, second, t * (one - 6 * t) >> bits, second * (one - 12 * t) >> bits

    def silu(self, model: Model) -> Model:
        """`u/(1 + e^-u)`: `f^(j) = u s^(j) + j s^(j-1)`."""
        u, bits = model[0], self.bits
        s0, s1, s2, s3, s4 = self.logistic(u)
        f2, f3 = (u * s2 >> bits) + 2 * s1, (u * s3 >> bits) + 3 * s2
        values = u * s0 >> bits, (u * s1 >> bits) + s0, f2 >> 1, f3 // 6
        off = 30 + (18 * abs(u) >> bits)
        return self.smooth("silu", model, values, f2, (u * s4 >> bits) + 4 * s3, off)

    def tanh(self, model: Model) -> Model:
        """`tanh u = 2 s(2 u) - 1`: `f^(j) = 2^(j+1) s^(j)(2 u)`."""
        s0, s1, s2, s3, s4 = self.logistic(2 * model[0])
        values = 2 * s0 - self.one, 4 * s1, 4 * s2, 8 * s3 // 3
        return self.smooth("tanh", model, values, 8 * s2, 32 * s4, 600)

    def smooth(
        self, name: str, model: Model, values: tuple[int, int, int, int], second: int, fourth: int, off: int
    ) -> Model:
        """`f(u)`, by bounds of its derivatives near `c_0`: those at `c_0` and how fast they change, or on all of R."""
        c0, c1, c2, c3, symbol, rest = model
        reach, bits = abs(c1) + abs(c2) + abs(c3), self.bits
        wide = reach + abs(symbol) + rest
        if abs(c0) + wide > self.limit:
            raise Imprecise("a map whose values are too large")
        d1, d2, d3, d4, d5 = self.suprema[name]
        bend = min(d2, abs(second) + off + (d3 * wide >> bits) + 1)
        slope = min(d1, abs(values[1]) + off + (bend * wide >> bits) + 1)
        top = min(d4, abs(fourth) + off + (d5 * reach >> bits) + 1)
        return self.composed(model, values, off, top // 24 + 1, slope, bend)

    def exponential(self, model: Model) -> Model:
        """`e^u` for `u <= 0`, of a model without symbol; 0 to 1 where that is all that it tells."""
        c0, c1, c2, c3, _, rest = model
        if rest > self.one:
            return 0, 0, 0, 0, 0, self.one
        reach, a = abs(c1) + abs(c2) + abs(c3), self.a
        low, high = a.exp((c0, c0))
        farthest = min(c0 + reach, rest), min(c0 + reach + rest, rest)
        top, slope = (a.exp((far, far))[1] for far in farthest)
        return self.composed(model, (low, low, low // 2, low // 6), high - low + 1, top // 24 + 1, slope, 0)

    def relu(self, model: Model) -> Model:
        """`max(u, 0)`: u, 0, or from `l u` to `l u + m`, `l` the slope of the chord, `m` its height at 0."""
        c0, c1, c2, c3, symbol, rest = model
        wide = abs(c1) + abs(c2) + abs(c3) + abs(symbol) + rest
        low, high, whole = c0 - wide, c0 + wide, 2 * wide
        if abs(c0) + wide > self.limit:
            raise Imprecise("a map whose values are too large")
        if low >= 0:
            return model
        if high <= 0:
            return 0, 0, 0, 0, 0, 0
        above = high * -low // whole + 1
        middle = above // 2
        c0, c1, c2, c3, symbol = (x * high // whole for x in (c0, c1, c2, c3, symbol))
        return c0 + middle, c1, c2, c3, symbol, -(-rest * high // whole) + above - middle + 5

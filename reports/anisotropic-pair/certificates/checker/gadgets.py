"""Gadgets: networks of one number, as polynomials between their knots, from their weights alone (9)."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

from .arithmetic import Arithmetic
from .cases import LIST
from .polynomials import ZERO, Algebra, Polynomial, divided
from .refusals import require
from .sentences import about
from .work import bits_of, fraction_steps, product_steps

_ROW = {"bias": Fraction, "weights": {int: Fraction}}
_NETWORK = {"inputs": range(1, 2), "layers": [[{"square": bool} | _ROW]], "outputs": [_ROW]}
GADGET = {"knots": LIST, "side": {"above", "below", "both"}, "network": _NETWORK}

#: Half of the longest piece of an exponential; halvings of the first piece of a reciprocal, for its slope.
MAX_HALF, SLOPES = 16, 4


class Gadget:
    """A network of layers of `relu(row)` and `relu(row)^2`, rows `bias + sum_i weights[i] h_i`, and rows of outputs."""

    def __init__(self, algebra: Algebra, content: dict[str, Any], outputs: int, field: str):
        self.algebra, self.field, network = algebra, field, content["network"]
        self.knots, layers, last = content["knots"], network["layers"], network["outputs"]
        require(len(self.knots) > 1, f"{field}.knots", self.knots, "at least 2 knots")
        algebra.work.spend(len(self.knots) * fraction_steps(bits_of(self.knots)), f"{field}.knots")
        for i, (before, after) in enumerate(pairwise(self.knots), 1):
            require(before < after, f"{field}.knots[{i}]", after, "a knot after the one before")
        require(len(layers) > 0, f"{field}.network.layers", layers, "at least 1 layer")
        require(len(last) == outputs, f"{field}.network.outputs", last, f"{outputs} outputs")
        below = 1
        for i, layer in enumerate([*layers, last]):
            where = f"{field}.network.layers[{i}]" if i < len(layers) else f"{field}.network.outputs"
            require(len(layer) > 0, where, layer, "at least 1 neuron")
            for j, row in enumerate(layer):
                top = max(row["weights"], default=0)
                require(top < below, f"{where}[{j}].weights", top, f"places below {below}")
            below = len(layer)
        #: Of the first layer, exactly: slope, bias, whether it is squared.
        self.first = [(row["weights"].get(0, Fraction(0)), row["bias"], row["square"]) for row in layers[0]]
        self.long = bits_of([*self.knots, *(x for slope, bias, _ in self.first for x in (slope, bias))])
        #: Of the others and the outputs, in units: bias, places and weights, whether it is squared; None, an output.
        self.rows: list[list[tuple[int, list[tuple[int, int]], bool | None]]] = []
        for layer in [*layers[1:], last]:
            numbers = [x for row in layer for x in (row["bias"], *row["weights"].values())]
            algebra.work.spend(len(numbers) * (20 + fraction_steps(bits_of(numbers) + algebra.bits)), field)
            self.rows.append([])
            for row in layer:
                weights = [(place, algebra.scaled(weight)) for place, weight in row["weights"].items()]
                self.rows[-1].append((algebra.scaled(row["bias"]), weights, row.get("square")))

    def on(self, lower: Fraction, upper: Fraction) -> list[Polynomial]:
        """The outputs at `(lower + upper)/2 + c (upper - lower)/2`; refused if a neuron changes its sign between."""
        middle, half = (lower + upper) / 2, (upper - lower) / 2
        long = 2 * (self.long + bits_of([lower, upper]))
        self.algebra.work.spend(len(self.first) * 6 * fraction_steps(long), self.field)
        here = []
        for j, (slope, bias, square) in enumerate(self.first):
            ends = slope * lower + bias, slope * upper + bias
            if max(ends) <= 0:
                here.append(ZERO)
                continue
            self.kept(min(ends) >= 0, 0, j, lower, upper)
            linear = self.algebra.rational([bias + slope * middle, slope * half])
            here.append(self.algebra.product(linear, linear, self.field) if square else linear)
        return self.outputs(here, lower, upper)

    def below(self) -> list[Polynomial]:
        """The outputs at all numbers up to the first knot, where they must be constants."""
        lower, here = self.knots[0], []
        self.algebra.work.spend(len(self.first) * 4 * fraction_steps(2 * self.long), self.field)
        for j, (slope, bias, square) in enumerate(self.first):
            still = slope == 0 or (slope > 0 and slope * lower + bias <= 0)
            field = f"{self.field}.network.layers[0][{j}]"
            require(still, field, slope, f"a neuron that is constant below the first knot {lower}")
            value = self.algebra.rational([max(bias, Fraction(0)) if slope == 0 else Fraction(0)])
            here.append(self.algebra.product(value, value, self.field) if square else value)
        return self.outputs(here, lower, lower)

    def outputs(self, here: list[Polynomial], lower: Fraction, upper: Fraction) -> list[Polynomial]:
        """The outputs, `here` being the first layer."""
        algebra, field = self.algebra, self.field
        for i, layer in enumerate(self.rows, 1):
            following = []
            for j, (bias, weights, square) in enumerate(layer):
                value = algebra.combination([(w, here[place]) for place, w in weights], bias, field)
                if square is not None:
                    sign = algebra.sign(value, field)
                    if sign == 0 and len(value.coefficients) == 1:  # a constant near zero
                        value, sign = Polynomial([max(value.coefficients[0], 0)], value.radius), 1
                    self.kept(sign != 0, i, j, lower, upper)
                    value = ZERO if sign < 0 else algebra.product(value, value, field) if square else value
                following.append(value)
            here = following
        return here

    def kept(self, holds: bool, layer: int, neuron: int, lower: Fraction, upper: Fraction) -> None:
        """Refuse a neuron whose sign is not known to be the same on a piece."""
        if not holds:
            where = f"{self.field}.network.layers[{layer}][{neuron}]"
            piece = f"from {about(lower)} to {about(upper)}"
            require(False, where, f"a neuron that may change its sign {piece}", "one that keeps it between the knots")


def exponential(a: Arithmetic, gadget: Gadget, th: Fraction, ph: Fraction) -> int:
    """A bound of `|E(0) - 1|` in units, after the proof of `|E(z) - e^z| <= th e^z + ph` for all `z <= 0` (9)."""
    algebra, field, knots, apart = gadget.algebra, gadget.field, gadget.knots, 0
    require(knots[-1] == 0, f"{field}.knots[{len(knots) - 1}]", knots[-1], "0: the exponential is of numbers up to 0")
    algebra.work.spend(a.steps + fraction_steps(bits_of([knots[0], th, ph]) + a.bits), field)
    still, last, relative, absolute = gadget.below()[0], a.exp(a.rational(knots[0]))[1], a.rational(th), a.rational(ph)
    required = "at least what E and e^z are apart below the first knot"
    require(max(still.high(), last - still.low()) <= absolute[0], "proof.absolute", ph, required)
    for i, (lower, upper) in enumerate(pairwise(knots)):
        value, power = gadget.on(lower, upper)[0], power_series(a, algebra, lower, upper, f"{field}.knots[{i}]")
        room = algebra.combination([(relative[0], power)], absolute[0], field)
        error = algebra.sum(value, power, -1, field)
        prove(algebra, error, room, field, lower, upper, "|E(z) - e^z| <= relative e^z + absolute")
        apart = abs(sum(value.coefficients) - algebra.unit) + value.radius
    return apart


def power_series(a: Arithmetic, algebra: Algebra, lower: Fraction, upper: Fraction, field: str) -> Polynomial:
    """`e^z` at `z = (lower + upper)/2 + c (upper - lower)/2`: terms `e^middle half^i/i!` until they are a unit.

    From there on, `i + 1 >= 2 half`, each is at most half of the one before: the rest is at most twice the next."""
    middle, half = (lower + upper) / 2, (upper - lower) / 2
    require(half <= MAX_HALF, field, upper - lower, f"a piece of length at most {2 * MAX_HALF}")
    algebra.work.spend(4 * fraction_steps(bits_of([lower, upper])) + 2 * a.steps, field)
    term, step, coefficients, off, i = a.exp(a.rational(middle)), a.rational(half), list[int](), 0, 0
    while term[1] > 1 or i + 1 < 2 * half:
        algebra.work.spend(40 + 2 * product_steps(a.bits + 8, a.bits + 8), field)
        coefficients.append(term[0])
        off, i = off + term[1] - term[0], i + 1
        low, high = a.mul(term, step)
        term = low // i, -(-high // i)
    return Polynomial(coefficients or [0], off + 2 * term[1])


def reciprocal(a: Arithmetic, gadget: Gadget, rho: Fraction) -> tuple[int, int]:
    """`dl, C` in units with `|R(S) S - 1| <= dl + C (S - k_0)`, after the proof that it is at most rho (9).

    On the first piece `R S - 1 = g(-1) + (c + 1) g_1(c)`, `(c + 1) half = S - k_0`; further on rho is less."""
    algebra, field, knots = gadget.algebra, gadget.field, gadget.knots
    require(knots[0] > 0, f"{field}.knots[0]", knots[0], "a number > 0")
    require(rho > 0, "proof.reciprocal", rho, "a number > 0")
    algebra.work.spend(4 * len(knots) * fraction_steps(bits_of([*knots, rho]) + a.bits), field)
    room, found = Polynomial([a.rational(rho)[0]], 0), None
    for lower, upper in pairwise(knots):
        here = algebra.rational([(lower + upper) / 2, (upper - lower) / 2])
        error = algebra.sum(algebra.product(gadget.on(lower, upper)[0], here, field), algebra.one, -1, field)
        prove(algebra, error, room, field, lower, upper, "|R(S) S - 1| <= reciprocal")
        if found is None:
            start, slopes = divided(error.coefficients)
            steepest = max(part.size for part in algebra.parts(Polynomial(slopes or [0], 0), SLOPES, field))
            half = a.rational((upper - lower) / 2)[0]
            require(half > 0, f"{field}.knots[1]", upper, "a knot after the one before, by more than a unit")
            steepest = max(steepest, a.rational(rho)[1] // 2 + 1)
            found = abs(start) + error.radius, -(-(steepest << a.bits) // half)
    assert found is not None
    return found


def prove(
    algebra: Algebra, error: Polynomial, room: Polynomial, field: str, lower: Fraction, upper: Fraction, words: str
) -> None:
    """Refuse a gadget unless `|error| <= room` is seen on all of a piece."""
    if not all(algebra.sign(algebra.sum(room, error, side, field), field) > 0 for side in (1, -1)):
        piece = f"a piece from {about(lower)} to {about(upper)} where more is not excluded"
        require(False, field, piece, words)

"""Students: compositions of `x -> skip x + b + c MLP((x - a)/r)` of exact weights, on models; their steepness (13)."""

from __future__ import annotations

import re
from fractions import Fraction
from operator import mul
from typing import Any, NamedTuple

from .arithmetic import Imprecise
from .refusals import require
from .student_models import ROOM, Model, Models
from .work import Work, bits_of, fraction_steps, product_steps

#: Integers of at most so many digits; places of weights; layers and maps of a student.
DIGITS, PLACES, LAYERS, MAPS = 80, 1024, 64, 256
_INTEGERS = re.compile(rf"-?[0-9]{{1,{DIGITS}}}(?: -?[0-9]{{1,{DIGITS}}})*")

_LAYER = {"places": range(PLACES + 1), "weights": [str], "biases": str}
_MAP = {
    "skip": range(2),
    "input_mean": Fraction,
    "input_scale": Fraction,
    "output_mean": Fraction,
    "output_scale": Fraction,
    "activation": {"relu", "silu", "tanh"},
    "layers": [_LAYER],
}
STUDENT = [_MAP]


def integers(text: str, field: str, work: Work) -> list[int]:
    """The integers of a text, between single spaces."""
    work.spend(20 + 4 * len(text), field)
    one = f"integers of at most {DIGITS} digits between single spaces"
    require(bool(_INTEGERS.fullmatch(text)), field, text, one)
    return [int(part) for part in text.split(" ")]


class Layer(NamedTuple):
    """`z -> (W z + w) 2^-places`: rows of W, of their sizes, and w in units of `2^-places`."""

    places: int
    rows: list[list[int]]
    sizes: list[list[int]]
    biases: list[int]


class Map:
    """One map, at the places of the models."""

    def __init__(self, models: Models, content: dict[str, Any], field: str, work: Work):
        self.models, self.bits, self.field, one = models, models.bits, field, models.one
        numbers = [content[key] for key in ("input_mean", "input_scale", "output_mean", "output_scale")]
        work.spend(8 * fraction_steps(bits_of(numbers) + models.bits) + 200, field)
        shift, scale, offset, self.gain = numbers
        require(scale > 0, f"{field}.input_scale", scale, "a number > 0")
        self.skip, self.scale = content["skip"], scale
        self.shift, self.offset = (x.numerator * one // x.denominator for x in (shift, offset))
        layers = content["layers"]
        require(0 < len(layers) <= LAYERS, f"{field}.layers", layers, f"1 to {LAYERS} layers")
        self.layers, below, self.steps, self.neurons = list[Layer](), 1, 0, 0
        for i, layer in enumerate(layers):
            where = f"{field}.layers[{i}]"
            rows = [integers(row, f"{where}.weights[{j}]", work) for j, row in enumerate(layer["weights"])]
            biases = integers(layer["biases"], f"{where}.biases", work)
            for j, row in enumerate(rows):
                require(len(row) == below, f"{where}.weights[{j}]", len(row), f"{below} weights")
            require(len(biases) == len(rows), f"{where}.biases", len(biases), f"{len(rows)} biases, one for each row")
            long = bits_of([x for row in (*rows, biases) for x in row])
            self.steps += len(rows) * (20 + 6 * below * (1 + (long * (models.bits + ROOM) >> 15)))
            self.neurons += len(rows)
            sizes = [[abs(x) for x in row] for row in rows]
            self.layers.append(Layer(layer["places"], rows, sizes, biases))
            below = len(rows)
        require(below == 1, f"{field}.layers", below, "a last layer of one row")
        self.act = models.activations[content["activation"]]
        self.slope = models.suprema.get(content["activation"], [one])[0]
        long = bits_of(numbers) + models.bits + ROOM
        self.steps += self.neurons * models.steps + 14 * product_steps(long, long) + 100

    def __call__(self, x: Model) -> Model:
        """`Psi(x)`, the symbol of the argument being common to all neurons; then what is left is given to it."""
        up, down = self.scale.denominator, self.scale.numerator
        c0, c1, c2, c3, symbol, rest = x
        first = (c0 - self.shift) * up // down, *(y * up // down for y in (c1, c2, c3, symbol))
        here: list[Model] = [(*first, ((rest + 1) * up // down) + 6)]
        for i, layer in enumerate(self.layers):
            here = self.affine(here, layer)
            if i + 1 < len(self.layers):
                here = list(map(self.act, here))
        up, down = self.gain.numerator, self.gain.denominator
        *last, off = here[0]
        d0, d1, d2, d3, moved = (y * up // down for y in last)
        c0, c1, c2, c3, symbol, rest = (self.skip * y for y in x)
        rest += abs(symbol + moved) - (-off * abs(up) // down) + 6
        found = c0 + d0 + self.offset, c1 + d1, c2 + d2, c3 + d3, 0, rest
        if sum(map(abs, found)) > self.models.one << ROOM:
            raise Imprecise("a map whose values are too large")
        return (*found[:4], rest, 0)

    def affine(self, here: list[Model], layer: Layer) -> list[Model]:
        """The models of `(W z + w) 2^-places`."""
        places, bits = layer.places, self.bits
        zeros, ones, twos, threes, symbols, rests = zip(*here, strict=True)
        return [
            (
                sum(map(mul, row, zeros)) + (bias << bits) >> places,
                sum(map(mul, row, ones)) >> places,
                sum(map(mul, row, twos)) >> places,
                sum(map(mul, row, threes)) >> places,
                sum(map(mul, row, symbols)) >> places,
                (sum(map(mul, size, rests)) >> places) + 6,
            )
            for row, size, bias in zip(layer.rows, layer.sizes, layer.biases, strict=True)
        ]

    def steepness(self) -> int:
        """A number above `|Psi'|` everywhere: sums of products of sizes along all paths."""
        bits, one, scale = self.bits, self.models.one, self.scale
        slopes: list[int] = [one * scale.denominator // scale.numerator + 1]
        for i, layer in enumerate(self.layers):
            slopes = [(sum(map(mul, size, slopes)) >> layer.places) + 1 for size in layer.sizes]
            if i + 1 < len(self.layers):
                slopes = [(slope * self.slope >> bits) + 1 for slope in slopes]
        up, down = abs(self.gain.numerator), self.gain.denominator
        return int(self.skip * one + slopes[0] * up // down + 1)


class Student:
    """`Psi = Psi_K o ... o Psi_1`, in the order of the file."""

    def __init__(self, models: Models, content: list[dict[str, Any]], field: str, work: Work):
        require(0 < len(content) <= MAPS, field, content, f"1 to {MAPS} maps")
        self.maps = [Map(models, entry, f"{field}[{i}]", work) for i, entry in enumerate(content)]
        self.models, self.steps = models, sum(one.steps for one in self.maps)
        work.spend(self.steps, field)
        self.steepness = models.one
        for one in self.maps:
            self.steepness = (self.steepness * one.steepness() >> models.bits) + 1
            if self.steepness > models.one << 16 * ROOM:
                raise Imprecise("a map that is too steep")

    def __call__(self, x: Model) -> Model:
        """`Psi(x)`, with a symbol in place of the remainder."""
        for one in self.maps:
            x = one(x)
        return x

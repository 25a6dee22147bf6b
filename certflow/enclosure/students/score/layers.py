"""Networks of `(x, t)` given by exact layers: rows of rational weights, each with an activation.

What depends on `t` alone is computed in balls, so that its rounding does not go through the network in float64; the
other weights go into float64 with the radius of what rounding left (proofs/score-networks.md, section 5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from certflow.enclosure.students.score.algebras import Algebra, by_kind, known_kind
from certflow.enclosure.students.score.balls import BITS, Balls, balls
from certflow.errors import InputError
from certflow.numbers.precision import ball_precision


class Row(NamedTuple):
    """`kind( bias + sum_i weights[i] h_i )`, `h` the layer below; `kind` is empty for an output."""

    bias: Any
    weights: Mapping[int, Any]
    kind: str


class _Layer(NamedTuple):
    matrix: Balls
    shift: Balls
    kinds: list[str]


class ExactLayers:
    """A network by its rows, layer by layer, the last one affine; inputs `x_1 .. x_d, t`.

    layers : rows `(bias, weights, kind)`, numbers fractions, integers, floats or rationals of Arb; `kind` one of
        "relu", "requ", "silu", "tanh", and empty in the last layer

    Raises
    ------
    InputError : no layer, an unknown activation.
    """

    def __init__(self, layers: Sequence[Sequence[tuple[Any, Mapping[int, Any], str]]]):
        self.layers = [[Row(*row) for row in layer] for layer in layers]
        if not self.layers:
            raise InputError("network", "no layers", "at least the layer of the outputs")
        for layer in self.layers[:-1]:
            for row in layer:
                known_kind(row.kind)
        self._kept: dict[Fraction, list[_Layer]] = {}

    def __call__(self, algebra: Algebra, x: Any, time: Fraction, dimension: int) -> Any:
        """The outputs at rows `x` of the algebra."""
        if time not in self._kept:
            self._kept[time] = self._at(time, dimension)
        values = x
        for layer in self._kept[time]:
            values = algebra.mapped(values, layer.matrix, layer.shift)
            if layer.kinds:
                values = by_kind(algebra, layer.kinds, values)
        return values

    def _at(self, time: Fraction, dimension: int) -> list[_Layer]:
        """The layers at a time, in float64: neurons that do not see `x` are numbers, part of the biases above."""
        with ball_precision(BITS):
            known: dict[int, Any] = {dimension: _ball(time)}
            places = {i: i for i in range(dimension)}
            if any(i > dimension for row in self.layers[0] for i in row.weights):
                raise InputError("network", "a network of more inputs", f"{dimension + 1} inputs, those of x and t")
            found = []
            for layer in self.layers:
                last = layer is self.layers[-1]
                alive = [j for j, row in enumerate(layer) if last or any(i in places for i in row.weights)]
                matrix = np.full((len(places), len(alive)), _ball(0), dtype=object)
                shift = np.full(len(alive), _ball(0), dtype=object)
                for column, j in enumerate(alive):
                    shift[column] = _constant(layer[j], known)
                    for i, weight in layer[j].weights.items():
                        if i in places:
                            matrix[places[i], column] = _ball(weight)
                kinds = [] if last else [layer[j].kind for j in alive]
                found.append(_Layer(balls(matrix), balls(shift), kinds))
                known = {
                    j: _of_ball(row.kind, _constant(row, known))
                    for j, row in enumerate(layer)
                    if not last and j not in set(alive)
                }
                places = {j: column for column, j in enumerate(alive)}
            return found


def _constant(row: Row, known: Mapping[int, Any]) -> Any:
    """The bias and what is known of the layer below."""
    parts = [_ball(weight) * known[i] for i, weight in row.weights.items() if i in known]
    return sum(parts, _ball(row.bias))


def _ball(number: Any) -> Any:
    from flint import arb, fmpq

    if isinstance(number, fmpq):
        return arb(number)
    exact = Fraction(number)
    return arb(fmpq(exact.numerator, exact.denominator))


def _of_ball(kind: str, z: Any) -> Any:
    """An activation of a number."""
    from flint import arb

    if kind in ("relu", "requ"):
        positive = z.max(arb(0))
        return positive * positive if kind == "requ" else positive
    return z.tanh() if kind == "tanh" else z / (1 + (-z).exp())

"""A network of exact weights evaluated in the numbers of its arguments: float64, double-double, mpmath, Arb.

The same lines serve all of them; in Arb the weights are enclosed and so is the result. torch has a module of its own,
`certflow.networks.module`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.networks.graph import Network, Row
from certflow.networks.rows import Sizes, rows
from certflow.numbers.arithmetic import arithmetic_of
from certflow.numbers.interface import Arithmetic

#: Points that go through a network together: what is in memory is this times the two widest layers.
CHUNK = 4096

#: A row in numbers of one kind: its bias, and places and weights.
_Numbers = tuple[Any, list[tuple[int, Any]]]


class ExactNetwork(Sizes):
    """`N(x, t)` by the exact weights of a network, rounded only to the precision of its arguments.

    network : its inputs are the `d` entries of `x`, then `t`

    >>> from certflow.networks.gadgets.exact import product
    >>> network = Network(2)
    >>> network = network.finish([product(network, network.input(0), network.input(1))])
    >>> ExactNetwork(network)([[3.0], [-2.0]], 0.5)
    array([[ 1.5],
           [-1. ]])
    >>> import mpmath
    >>> ExactNetwork(network)([mpmath.mpf(3)], mpmath.mpf("0.1"))
    array([mpf('0.30000000000000004')], dtype=object)
    """

    def __init__(self, network: Network):
        self.network = network
        self._kept: tuple[Any, list[list[tuple[_Numbers, bool]]], list[_Numbers]] | None = None

    def __call__(self, x: Any, t: Any) -> Any:
        """The outputs at points, an array of the kind of `x` and `t`.

        x : shape (..., d); t : a scalar, or of a shape that broadcasts to (...)

        Float64 numbers are computed with in float64; mpmath numbers and Arb balls at the precision in force, with 20
        bits more on the way.

        Raises
        ------
        InputError : shapes that do not fit, no numbers, or torch tensors.
        """
        arithmetic = arithmetic_of(x, t)
        if arithmetic.name == "torch":
            raise InputError("x, t", "torch tensors", "numbers of NumPy, mpmath or Arb (torch tensors go to a module)")
        with arithmetic.undisturbed():
            points, times = arithmetic.read(x, "x"), arithmetic.read(t, "t")
            batch, points, times = rows(points, times, self.network.inputs - 1)
            result = np.empty((len(self.network.outputs), len(points)), dtype=points.dtype)
            with arithmetic.extended(0):
                for start in range(0, len(points), CHUNK):
                    part = slice(start, start + CHUNK)
                    for i, values in enumerate(self.of([*points[part].T, times[part]], arithmetic)):
                        result[i, part] = values
            finished = arithmetic.finish(result)
        return finished.T.reshape((*batch, len(self.network.outputs)))

    def of(self, columns: list[Any], arithmetic: Arithmetic) -> list[Any]:
        """Each output at N points: `columns` holds each input, shape (N,), in that arithmetic."""
        layers, outputs = self._numbers(arithmetic)
        zero = columns[0] * 0
        for layer in layers:
            following = []
            for row, square in layer:
                positive = arithmetic.maximum(_combination(row, columns, zero), zero)
                following.append(positive * positive if square else positive)
            columns = following
        return [_combination(row, columns, zero) for row in outputs]

    def _numbers(self, arithmetic: Arithmetic) -> tuple[list[list[tuple[_Numbers, bool]]], list[_Numbers]]:
        """The weights in an arithmetic; those that were asked for last are kept."""
        kept = self._kept
        if kept is None or kept[0] != arithmetic.key:
            layers = [
                [(_row(neuron.row, arithmetic), neuron.square) for neuron in layer] for layer in self.network.layers
            ]
            kept = arithmetic.key, layers, [_row(row, arithmetic) for row in self.network.outputs]
            self._kept = kept
        return kept[1:]


def _row(row: Row, arithmetic: Arithmetic) -> _Numbers:
    def number(weight: Any) -> Any:
        return arithmetic.number(Fraction(int(weight.p), int(weight.q)))

    return number(row.bias), [(i, number(weight)) for i, weight in row.weights.items()]


def _combination(row: _Numbers, columns: list[Any], zero: Any) -> Any:
    bias, terms = row
    total = zero + bias
    for i, weight in terms:
        total = total + columns[i] * weight
    return total

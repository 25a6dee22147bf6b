"""Networks of affine maps, `relu(z) = max(0, z)` and `requ(z) = max(0, z)^2`, with exact rational weights.

A network is built layer by layer. A `Value` is an affine combination of the neurons of one layer, so that sums and
multiples of values cost nothing; a neuron costs a place in the next layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Self

from flint import fmpq

#: What a weight is: an exact rational number.
Rational = fmpq


def rational(number: Fraction | int | Any) -> Any:
    """A `Fraction`, an `int` or a rational of Arb's, as an exact weight."""
    if isinstance(number, fmpq):
        return number
    exact = Fraction(number)
    return fmpq(exact.numerator, exact.denominator)


@dataclass(frozen=True, slots=True)
class Row:
    """`bias + sum_i weights[i] h_i` over the neurons `h` of one layer (or the inputs)."""

    weights: dict[int, Any]
    bias: Any


@dataclass(frozen=True, slots=True)
class Neuron:
    """`relu(row)`, or `requ(row)` where `square`."""

    row: Row
    square: bool


@dataclass(frozen=True, slots=True)
class Value:
    """`constant + sum_i terms[i] h_i`, `h` the neurons of layer `layer` (1, 2, ...), or the inputs where it is 0."""

    layer: int
    terms: dict[int, Any]
    constant: Any

    def __add__(self, other: Any) -> Value:
        if not isinstance(other, Value):
            return self.plus(other)
        if other.layer != self.layer:
            raise ValueError(f"values of layers {self.layer} and {other.layer} cannot be added")
        return total([self, other])

    __radd__ = __add__

    def plus(self, number: Any) -> Value:
        """`value + number`."""
        return Value(self.layer, self.terms, self.constant + rational(number))

    def __mul__(self, factor: Any) -> Value:
        factor = rational(factor)
        return Value(self.layer, {i: weight * factor for i, weight in self.terms.items()}, self.constant * factor)

    __rmul__ = __mul__

    def __neg__(self) -> Value:
        return self * -1

    def __sub__(self, other: Any) -> Value:
        return self + (-other if isinstance(other, Value) else -rational(other))

    def row(self) -> Row:
        """The same combination as the row of a neuron or an output; weights of zero are left out."""
        return Row({i: weight for i, weight in self.terms.items() if weight != 0}, self.constant)


def total(values: Sequence[Value]) -> Value:
    """`sum_i values[i]`, all of one layer."""
    terms: dict[int, Any] = {}
    constant = fmpq(0)
    for value in values:
        for i, weight in value.terms.items():
            terms[i] = terms[i] + weight if i in terms else weight
        constant += value.constant
    return Value(values[0].layer, terms, constant)


@dataclass
class Network:
    """Layers of neurons above `inputs` numbers, and affine outputs of the last layer.

    inputs : how many numbers go in
    layers : `layers[l - 1]` are the neurons of layer `l`
    outputs : rows over the last layer
    purposes : what each neuron was built for, where that was said (`serving`); no part of what the network is
    """

    inputs: int
    layers: list[list[Neuron]] = field(default_factory=list)
    outputs: list[Row] = field(default_factory=list)
    purposes: list[list[str]] = field(default_factory=list, compare=False, repr=False)
    _purpose: str = field(default="", init=False, compare=False, repr=False)

    # --- building

    def input(self, i: int) -> Value:
        """Input `i` as a value of layer 0."""
        return Value(0, {i: fmpq(1)}, fmpq(0))

    def constant(self, number: Any, layer: int) -> Value:
        """A number as a value of `layer`, which costs no neuron."""
        return Value(layer, {}, rational(number))

    def relu(self, value: Value) -> Value:
        """`max(0, value)`, one neuron in the next layer."""
        return self._neuron(value, square=False)

    def requ(self, value: Value) -> Value:
        """`max(0, value)^2`, one neuron in the next layer."""
        return self._neuron(value, square=True)

    def _neuron(self, value: Value, *, square: bool) -> Value:
        while len(self.layers) <= value.layer:
            self.layers.append([])
        while len(self.purposes) < len(self.layers):
            self.purposes.append([])
        layer = self.layers[value.layer]
        layer.append(Neuron(value.row(), square))
        self.purposes[value.layer].append(self._purpose)
        return Value(value.layer + 1, {len(layer) - 1: fmpq(1)}, fmpq(0))

    @contextmanager
    def serving(self, purpose: str) -> Iterator[None]:
        """Within the block new neurons are for this purpose, unless an outer block has named another."""
        outer = self._purpose
        self._purpose = outer or purpose
        try:
            yield
        finally:
            self._purpose = outer

    def finish(self, outputs: Iterable[Value]) -> Self:
        """Names the outputs, which are values of the last layer."""
        values = list(outputs)
        for value in values:
            if value.layer != len(self.layers):
                raise ValueError(f"an output of layer {value.layer} in a network of {len(self.layers)} layers")
        self.outputs = [value.row() for value in values]
        return self

    def inline(self, other: Network, values: Sequence[Value]) -> list[Value]:
        """The outputs of `other` at `values` (one layer), its neurons copied into this network."""
        here = list(values)
        for layer in other.layers:
            here = [self._neuron(combined(neuron.row, here), square=neuron.square) for neuron in layer]
        return [combined(row, here) for row in other.outputs]

    # --- sizes

    @property
    def depth(self) -> int:
        """Layers of neurons."""
        return len(self.layers)

    @property
    def widths(self) -> tuple[int, ...]:
        """Neurons of each layer."""
        return tuple(len(layer) for layer in self.layers)

    @property
    def width(self) -> int:
        """Neurons of the widest layer."""
        return max(self.widths)

    @property
    def neurons(self) -> int:
        return sum(self.widths)

    @property
    def parameters_count(self) -> int:
        """Weights and biases that are not zero, outputs included."""
        rows = [neuron.row for layer in self.layers for neuron in layer] + self.outputs
        return sum(len(row.weights) + (row.bias != 0) for row in rows)


def combined(row: Row, values: Sequence[Value]) -> Value:
    """`row` over values instead of neurons: their affine combination."""
    if not row.weights:
        return Value(values[0].layer, {}, row.bias)
    summed = total([values[i] * weight for i, weight in row.weights.items()])
    return summed.plus(row.bias)

"""A network in exact fractions, neuron by neuron: an oracle that shares nothing with what evaluates networks."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from certflow.networks.graph import Network


def fraction(number: Any) -> Fraction:
    """A rational number of Arb's."""
    return Fraction(int(number.p), int(number.q))


def evaluated(network: Network, *inputs: Fraction) -> list[Fraction]:
    """The outputs at fractions, in fractions."""
    here: Sequence[Fraction] = inputs
    for layer in network.layers:
        found = [max(Fraction(0), affine(neuron.row, here)) for neuron in layer]
        here = [x * x if neuron.square else x for x, neuron in zip(found, layer, strict=True)]
    return [affine(row, here) for row in network.outputs]


def affine(row: Any, here: Sequence[Fraction]) -> Fraction:
    terms = (fraction(weight) * here[i] for i, weight in row.weights.items())
    return sum(terms, fraction(row.bias))

"""A network of exact weights as float64 matrices, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.networks.graph import Network, Row
from certflow.numbers.arrays import Floats


@dataclass(frozen=True)
class Affine:
    """`z = W h + b`: `weight` of shape (rows, inputs), `bias` of shape (rows,), nearest float64 numbers.

    relus : the first so many rows go through ReLU, the others through ReQU; None for the outputs
    """

    weight: Floats
    bias: Floats
    relus: int | None = None


def matrices(network: Network) -> list[Affine]:
    """The layers and the outputs. Within a layer the neurons with ReLU come first, so that ReQU is for one slice."""
    found, places = [], list(range(network.inputs))
    for layer in network.layers:
        order = sorted(range(len(layer)), key=lambda j: layer[j].square)
        weight, bias = _dense([layer[j].row for j in order], places)
        found.append(Affine(weight, bias, sum(not neuron.square for neuron in layer)))
        places = sorted(range(len(order)), key=order.__getitem__)
    return [*found, Affine(*_dense(network.outputs, places))]


def _dense(rows: list[Row], places: list[int]) -> tuple[Floats, Floats]:
    """`W` and `b`; neuron `i` of the layer below stands at `places[i]`."""
    weight = np.zeros((len(rows), len(places)))
    for j, row in enumerate(rows):
        for i, entry in row.weights.items():
            weight[j, places[i]] = _nearest(entry)
    return weight, np.array([_nearest(row.bias) for row in rows])


def _nearest(weight: Any) -> float:
    return int(weight.p) / int(weight.q)

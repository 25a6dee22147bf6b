"""Points and times as the inputs of a network want them, and its sizes, told by whatever evaluates it."""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.networks.graph import Network
from certflow.numbers.inputs import joint_shape


class Sizes:
    """The sizes of `network`, for what computes with it."""

    network: Network

    @property
    def depth(self) -> int:
        """Layers of neurons."""
        return self.network.depth

    @property
    def width(self) -> int:
        """Neurons of the widest layer."""
        return self.network.width

    @property
    def neurons(self) -> int:
        """Neurons of all layers."""
        return self.network.neurons

    @property
    def parameters_count(self) -> int:
        """Weights and biases that are not zero."""
        return self.network.parameters_count

    def exact_layers(self) -> list[list[tuple[Any, dict[int, Any], str]]]:
        """The rows of each layer, `(bias, weights by place in the layer below, "relu" or "requ")`, exact rationals.

        The inputs are `x_1 ... x_d, t`; the last layer is that of the outputs, whose activation is "".
        """
        hidden = [
            [(neuron.row.bias, neuron.row.weights, "requ" if neuron.square else "relu") for neuron in layer]
            for layer in self.network.layers
        ]
        return [*hidden, [(row.bias, row.weights, "") for row in self.network.outputs]]


def rows(x: Any, t: Any, dimension: int) -> tuple[tuple[int, ...], Any, Any]:
    """The shape (...) of the points, the points (N, d) and their times (N,), of arrays of one kind.

    x : shape (..., d); t : a scalar, or of a shape that broadcasts to (...)

    Raises
    ------
    InputError : points of another dimension, or times of a shape that does not fit.
    """
    if not len(x.shape) or x.shape[-1] != dimension:
        raise InputError("x", f"shape {tuple(x.shape)}", f"shape (..., {dimension})")
    batch = tuple(x.shape[:-1])
    if joint_shape(tuple(t.shape), batch) != batch:
        raise InputError("t", f"shape {tuple(t.shape)}", f"a scalar or a shape that broadcasts to {batch}")
    times = t.broadcast_to(batch) if hasattr(t, "broadcast_to") else np.broadcast_to(t, batch)
    return batch, x.reshape((-1, dimension)), times.reshape((-1,))

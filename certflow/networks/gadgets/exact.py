"""Squares, products, maxima and carries without error, by ReLU and ReQU (A1 in proofs/A1.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from certflow.networks.graph import Network, Value, rational


def square(network: Network, value: Value) -> Value:
    """`z^2 = requ(z) + requ(-z)` on all of R: two neurons (A1)."""
    return network.requ(value) + network.requ(-value)


def product(network: Network, first: Value, second: Value, scales: tuple[Any, Any] = (1, 1)) -> Value:
    """`x y = (s r / 4) [ (x/s + y/r)^2 - (x/s - y/r)^2 ]` on all of R^2: four neurons (A1).

    scales : `(s, r)`, sizes of the two factors; the value does not depend on them, its rounding in float64 does.
    """
    s, r = (rational(scale) for scale in scales)
    one, other = first * (1 / s), second * (1 / r)
    with network.serving("product"):
        difference: Value = (square(network, one + other) - square(network, one - other)) * (s * r / 4)
    return difference


def maximum(network: Network, first: Value, second: Value) -> Value:
    """`max(x, y) = relu(x - y) + y`: three neurons, two of which carry `y` (A1)."""
    with network.serving("maximum"):
        return network.relu(first - second) + carry(network, second)


def carry(network: Network, value: Value, lower: Any = None) -> Value:
    """The same number one layer later: `relu(z - lower) + lower` where `z >= lower`, else `relu(z) - relu(-z)`."""
    with network.serving("carry"):
        if lower is not None:
            return network.relu(value.plus(-rational(lower))).plus(lower)
        return network.relu(value) - network.relu(-value)


def lift(network: Network, value: Value, layer: int, lower: Any = None) -> Value:
    """The same number at `layer`."""
    while value.layer < layer:
        value = carry(network, value, lower)
    return value


def largest(network: Network, values: Sequence[Value]) -> Value:
    """`max_k values[k]` by a tree of maxima, `ceil(log2 K)` layers later."""
    left = list(values)
    while len(left) > 1:
        pairs = [maximum(network, *left[i : i + 2]) for i in range(0, len(left) - 1, 2)]
        left = pairs + [carry(network, value) for value in left[2 * len(pairs) :]]
    return left[0]

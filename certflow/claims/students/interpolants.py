"""Students that are built and not trained: the flow of one dimension, interpolated between knots by one ReLU layer.

    Psi(x) = x_0 + s_0 (x - z_0) + sum_i (s_i - s_{i-1}) relu(x - z_i)

with `x_i = Phi(z_i)` and the slopes `s_i` between the knots, all rounded to float64: whatever these numbers are, the
student is the function that they denote.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from certflow.flow.quantile_map import Nodes, QuantileMap
from certflow.numbers.arrays import Floats
from certflow.process import OrnsteinUhlenbeck

if TYPE_CHECKING:
    from certflow.enclosure.students.maps import ExactMap

#: The middle part of the curve `(z, Phi(z))` in which the knots lie.
MIDDLE = 0.6
#: Panels of the quantile map that a quadrature joins to one, and its relative error.
JOINED, QUADRATURE = 4, 1e-3


@dataclass(frozen=True)
class Interpolant:
    """The flow of a process of one dimension, interpolated at so many knots."""

    process: OrnsteinUhlenbeck
    knots: int

    @cached_property
    def graph(self) -> tuple[Floats, Floats]:
        """`z_i` and `Phi(z_i)`, equally far apart along the graph."""
        flow = QuantileMap(self.process)
        low, high = flow.reach()
        middle, half = (low + high) / 2, MIDDLE * (high - low) / 2
        return flow.at(np.linspace(middle - half, middle + half, self.knots))

    @cached_property
    def slopes(self) -> Floats:
        """`s_i`, shape (knots - 1,)."""
        z, x = self.graph
        found: Floats = np.diff(x) / np.diff(z)
        return found

    @property
    def box(self) -> tuple[float, float]:
        """Between the outermost knots."""
        z, _ = self.graph
        return float(z[0]), float(z[-1])

    @cached_property
    def exact(self) -> ExactMap:
        """As a network."""
        from certflow.enclosure.students.maps import ExactMap

        (z, x), slopes = self.graph, self.slopes
        one, zero = np.ones(1), np.zeros(1)
        weights = (np.ones((1, self.knots - 2)), np.diff(slopes)[:, None])
        biases = (-z[1:-1], np.array([x[0] - slopes[0] * z[0]]))
        return ExactMap(weights, biases, "relu", float(slopes[0]), zero, one, zero, one)

    def __call__(self, points: Floats) -> Floats:
        """`Psi` in float64 by its knots, not by the network; shape (N,)."""
        (z, x), slopes = self.graph, self.slopes
        place = np.clip(np.searchsorted(z, points) - 1, 0, len(slopes) - 1)
        value: Floats = x[place] + slopes[place] * (points - z[place])
        return value

    @property
    def times(self) -> tuple[Any, Any]:
        """The ends of time, exact."""
        return self.process.exact_t_max, self.process.exact_t_min


def quadrature(process: OrnsteinUhlenbeck) -> Nodes:
    """Nodes and weights of `p_T`, as good as `QUADRATURE` for interpolants."""
    flow = QuantileMap(process)
    ends = flow.panels()
    return flow.nodes(np.unique(np.append(ends[::JOINED], ends[-1])))


def flowed(process: OrnsteinUhlenbeck, points: Floats) -> Floats:
    """`Phi` by the flow under test, which solves the differential equation; shape (N,)."""
    found: Floats = np.asarray(process.flow(points[:, None], process.t_max, process.t_min))[:, 0]
    return found

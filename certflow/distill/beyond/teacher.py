"""A network of the study: trained on a data set, its flow, its own rate, and the held-out points of all comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from certflow.distill.beyond.data_sets import DataSet
from certflow.distill.beyond.network_flow import NetworkFlow, interval_of, noised_rows
from certflow.distill.beyond.score_network import denoising_loss, model_of, train_denoiser
from certflow.distill.experiment import FINER
from certflow.distill.samples import TEST, stream_seeds
from certflow.distill.settings import Steps
from certflow.errors import InputError
from certflow.grids.grid import TimeGrid
from certflow.grids.rates import grid_from_rate, log_times
from certflow.numbers.arrays import Floats, Times
from certflow.schedules import Model, typical_rate

#: Label of the grid from the network's own rate, and points of its table.
MEASURED, TABLE = "typical-jvp", 65
#: Relative mean squared error that is wanted of the flow that students learn, and that which is refused.
WANTED, REFUSED = 1e-9, 1e-6


@dataclass(frozen=True)
class Teacher:
    """A trained network and what is compared on it.

    points, ends : noised held-out rows at `t_max` and where the flow takes them, shape (N, d), float64
    times, rate : the typical rate of the network, shape (T,)
    told : what a report says of the network
    """

    model: Model
    flow: NetworkFlow
    points: torch.Tensor
    ends: torch.Tensor
    times: Times
    rate: Floats
    told: dict[str, Any]

    @property
    def sizes(self) -> Floats:
        """`|Phi(x_i)|^2`."""
        return self.ends.square().sum(1).numpy()

    def errors(self, reached: torch.Tensor) -> Floats:
        """`|Psi(x_i) - Phi(x_i)|^2` for the ends that maps reach."""
        return (reached - self.ends).square().sum(1).numpy()

    def own_grid(self, segments: int) -> TimeGrid:
        """Equal integrals of the network's typical rate (G1, N3)."""
        return grid_from_rate(self.flow.process, self.times, self.rate, segments, MEASURED)


def teacher(
    data: DataSet, seed: int, *, hidden: int, steps: int, points: int, progress: Steps | None = None
) -> Teacher:
    """Train a network on the rows of a data set, and carry `points` noised held-out rows along its flow.

    Raises
    ------
    InputError : a flow that RK4 does not resolve.
    """
    dimension = data.rows.shape[1]
    interval = interval_of(dimension, f"{data.name}, score network")
    ends = interval.t_min, interval.t_max
    network = train_denoiser(data.rows, *ends, hidden=hidden, steps=steps, seed=seed, progress=progress)
    model = model_of(network, *ends)
    flow = NetworkFlow(model, data.rows, interval)
    held_out = noised_rows(data.held_out, interval.t_max, points, stream_seeds(seed, TEST))
    error = flow.choose_steps(held_out, interval.t_max, interval.t_min, WANTED)
    if not error <= REFUSED:  # NaN too
        raise InputError("network", f"a flow of relative error {error:.1e}", f"one that RK4 resolves to {REFUSED:g}")
    times = log_times(interval, TABLE)
    rate = typical_rate(model, torch.from_numpy(data.rows), times)
    told = {
        "rows": len(data.rows),
        "held_out": len(data.held_out),
        "dimension": dimension,
        "weights": sum(parameter.numel() for parameter in network.parameters()),
        "loss": denoising_loss(network, data.rows, *ends),
        "held_out_loss": denoising_loss(network, data.held_out, *ends),
        "steps_per_unit": flow.steps,
        "flow_error": error,
        "rate_method": rate.method,
        "times": _digits(times),
        "rate": _digits(rate.values),
    }
    return Teacher(model, flow, held_out, _fine(flow, held_out), times, rate.values, told)


def _fine(flow: NetworkFlow, x: torch.Tensor) -> torch.Tensor:
    """The ends of the flow with so many times the steps of what students learn, whose error is 1/256 of theirs."""
    finer = NetworkFlow(flow.model, flow.data, flow.process, FINER * flow.steps)
    return finer.map(x, flow.process.t_max, flow.process.t_min)


def _digits(values: Sequence[float] | Floats) -> list[float]:
    return [float(f"{value:.8g}") for value in np.asarray(values).tolist()]

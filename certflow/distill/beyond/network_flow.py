"""The probability flow of any model as a teacher of the laboratory: what `ReferenceFlow` does, without a mixture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from certflow.distill.reference import ReferenceFlow
from certflow.distill.samples import TEST, noise, stream_seeds
from certflow.distill.weighted import Sample, even_sample
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Points
from certflow.process import OrnsteinUhlenbeck
from certflow.schedules import Model


class NetworkFlow(ReferenceFlow):
    """The probability flow of a model, started from noised data.

    Parameters
    ----------
    model : of points of shape (d,), in float64
    data : rows, shape (n, d)
    interval : a process of which only `t_min`, `t_max` and the dimension are used
    steps : as those of `ReferenceFlow`
    """

    def __init__(self, model: Model, data: Points, interval: OrnsteinUhlenbeck, steps: int = 16):
        super().__init__(interval, "cpu", steps)
        self.model, self.data = model, data
        self.s = 0.05  # of the time of the steps only

    def draw(self, count: int, seed: int, purpose: int) -> torch.Tensor:
        """Rows of the data, drawn with replacement, noised to `t_max`."""
        return noised_rows(self.data, self.process.t_max, count, stream_seeds(seed, purpose))

    def sample(self, count: int, seed: int) -> Sample:
        """Noised rows carried to the data end: where else points might be placed is not known of a network's law."""
        ends = self.map(self.draw(count, seed, TEST), self.process.t_max, self.process.t_min)
        return even_sample(ends)

    def velocity(self, x: torch.Tensor, t: float) -> torch.Tensor:
        velocity: torch.Tensor = self.model.velocity(x, t)
        return velocity

    def velocity_and_jacobian(self, x: torch.Tensor, t: float) -> tuple[torch.Tensor, torch.Tensor]:
        count, d = x.shape  # all directions in one pass: what a product costs is mostly starting it
        directions = torch.eye(d, dtype=x.dtype, device=x.device).repeat(count, 1)
        columns = self.model.jacobian_product(x.repeat_interleave(d, dim=0), t, directions)
        return self.velocity(x, t), columns.reshape(count, d, d).transpose(1, 2)

    def factors(self, times: Sequence[float]) -> None:
        """No bound of a network's rate is known."""
        return None


def noised_rows(data: Points, t: float, count: int, seeds: tuple[int, int]) -> torch.Tensor:
    """`count` rows, drawn with replacement, noised to `t`; shape (count, d)."""
    rows = data[np.random.default_rng(seeds[0]).integers(len(data), size=count)]
    return noise(rows, t, seeds[1])


def interval_of(dimension: int, name: str) -> OrnsteinUhlenbeck:
    """A process that lends plans its interval, t from 0.01 to 3, and its dimension; its law is not that of the data."""
    return OrnsteinUhlenbeck(GaussianMixture([1], np.zeros((1, dimension)), 1, name=name), "0.01", "3")

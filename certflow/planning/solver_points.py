"""Points on which grids for a solver are compared: few, but with those that decide.

A solver's error has a heavy tail: where two modes part, a trajectory that the solver sends to the other mode errs by
the distance between them, and one such point in thousands may be most of the mean. So many points are drawn, and a
cheap fine run of a solver tells where the grids in question err; of these many, few are kept, with probability

    pi_i = min(1, n (1 + e_i / mean e) / (2 N)),    e_i = |Psi(x_i) - fine(x_i)|^2, over its mean, of all the grids,

and the weight `1 / (N pi_i)`. Every weighted sum over them has the mean of the sum over all: which points are kept
changes the variance alone. Only the points that are kept are carried by the exact flow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from certflow.grids.kinds.coordinates import nodes as coordinate_nodes
from certflow.law.noised import noised
from certflow.numbers.arrays import Points, Times
from certflow.samplers import run
from certflow.samplers.error import start
from certflow.samplers.reference import exact_end
from certflow.schedules.rows import drawn

#: Segments of the fine run, for each of a grid and at least, uniform in the time of flow matching, and its solver.
FINE, FINE_LEAST, FINE_SOLVER = 2.5, 20, "dpmpp-2m"
#: Tolerance of the exact flow: its square is far below what a search on so many points can tell.
RTOL = 1e-6
#: Points of one chunk: its temporaries stay in the cache of a core.
CHUNK = 8192


@dataclass(frozen=True)
class Sample:
    """Points at `t_max`, shape (N, ...), where the flow takes them, and their weights, which add up to 1."""

    x: torch.Tensor
    exact: torch.Tensor
    weights: torch.Tensor

    @property
    def scale(self) -> float:
        """`E|Phi(X)|^2`."""
        return float(self.weights @ squares(self.exact))

    def parts(self) -> Iterator[Sample]:
        """In chunks."""
        columns = (torch.split(column, CHUNK) for column in (self.x, self.exact, self.weights))
        yield from (Sample(*part) for part in zip(*columns, strict=True))

    def gap(self, model: Any, times: Any, sampler: str) -> torch.Tensor:
        """`E|Psi(X) - Phi(X)|^2`, with the graph of `times`."""
        reached = run(model, self.x, times, sampler)
        return self.weights @ squares(reached - self.exact)

    def errors(self, model: Any, times: Any, sampler: str) -> torch.Tensor:
        """`|Psi(x_i) - Phi(x_i)|^2 / E|Phi|^2`, shape (N,)."""
        return squares(ends(model, self.x, times, sampler) - self.exact) / self.scale


def squares(x: torch.Tensor) -> torch.Tensor:
    """`|x_i|^2`, shape (N,)."""
    return x.reshape(len(x), -1).square().sum(1)


@torch.no_grad()
def ends(model: Any, x: torch.Tensor, times: Any, sampler: str) -> torch.Tensor:
    """Where the solver takes many points."""
    return torch.cat([run(model, part, times, sampler) for part in torch.split(x, CHUNK)])


def starts(model: Any, samples: int, seed: int, data: Points | None) -> torch.Tensor:
    """Points at `t_max`: of `p_T`, for a model with data its noised rows, without them standard normal ones."""
    if data is None:
        return torch.from_numpy(start(model, model.t_max, samples, seed))
    chosen, z = drawn(data, samples, np.random.default_rng(seed))
    return torch.from_numpy(noised(data[chosen], model.t_max, z))


def sample(model: Any, x: torch.Tensor) -> Sample:
    """All the points, with equal weights."""
    weights = torch.full((len(x),), 1 / len(x), dtype=torch.float64)
    return Sample(x, _exact(model, x), weights)


def fine_ends(model: Any, pool: torch.Tensor, segments: int) -> torch.Tensor:
    """Nearly the ends of the flow, where grids of so many segments are looked at."""
    number = max(FINE_LEAST, math.ceil(FINE * segments))
    times = coordinate_nodes(model, number, kind="flow-matching", shift=1.0)[0]
    times[0], times[-1] = model.t_max, model.t_min
    return ends(model, pool, times, FINE_SOLVER)


def screened(
    model: Any, pool: torch.Tensor, fine: torch.Tensor, grids: Sequence[Times], sampler: str, count: int, seed: int
) -> Sample:
    """Some `count` of the pool, those first on which one of the grids errs; unbiased for every grid."""
    errors = [squares(ends(model, pool, times, sampler) - fine) for times in grids]
    share = torch.stack([error / error.mean() for error in errors]).mean(0)
    chances = torch.clamp(count * (0.5 + 0.5 * share) / len(pool), max=1.0)
    # one step of a comb for each unit of probability: their number does not vary
    marks = torch.cumsum(chances, 0) + np.random.default_rng(seed).random()
    kept = torch.floor(marks) > torch.floor(marks - chances)
    x, weights = pool[kept], 1 / chances[kept]
    return Sample(x, _exact(model, x), weights / weights.sum())


@torch.no_grad()
def _exact(model: Any, x: torch.Tensor) -> torch.Tensor:
    if hasattr(model, "flow"):  # adaptive, faster in NumPy than in torch
        return torch.from_numpy(exact_end(model, x.numpy(), model.t_max, model.t_min, RTOL))
    found: torch.Tensor = exact_end(model, x, model.t_max, model.t_min)
    return found


def log_spread(errors: torch.Tensor, weights: torch.Tensor) -> float:
    """The standard deviation of the logarithm of a weighted mean, from the draws that it was taken on."""
    mean = weights @ errors
    return math.sqrt(float(weights**2 @ (errors - mean).square())) / float(mean)

"""Trajectories of the exact flow and of a model's own, at the same places, with what carries errors along them.

The places are even in `l = log sigma` between the nodes of a grid. With `dt/dl = 1 - m^2` the integral of `g` over a
segment is Simpson's sum of `g (1 - m^2)`. The derivative `D_t = D Phi_{t -> delta}(x_t)` along an exact trajectory
solves `dD/dl = -(1 - m^2) D J`, `D_delta = I`, from the data end up (proofs/E5.md), here by the classical Runge-Kutta
method from place to place, through the middles between them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from certflow.numbers.arrays import Floats, Points, Times
from certflow.process import OrnsteinUhlenbeck
from certflow.samplers.field import Denoiser, Flow, denoise_of
from certflow.samplers.reference import PROBES, fine_steps, solve

#: Places for each unit of log sigma, at least.
DENSITY = 16


@dataclass(frozen=True, eq=False)
class Places:
    """Times from the noise end to the data end, shape (P,), and the middles between them, shape (P - 1,).

    weights : Simpson's, of the integral over `t`, shape (P, K): a column for each segment of the grid
    """

    times: Times
    middles: Times
    weights: Floats

    @classmethod
    def of(cls, nodes: Times) -> Places:
        """Places on a grid, `nodes` decreasing, shape (K + 1,)."""
        times, middles, columns = [nodes[:1]], [], []
        for a, b in pairwise(nodes.tolist()):
            start, end = (0.5 * math.log(math.expm1(2 * t)) for t in (a, b))
            steps = 2 * max(1, math.ceil((start - end) * DENSITY / 2))
            own = np.log1p(np.exp(2 * np.linspace(start, end, 2 * steps + 1))) / 2
            own[0], own[-1] = a, b  # within the interval, whatever the rounding of logarithms
            simpson = np.full(steps + 1, 2.0)
            simpson[1::2], simpson[[0, -1]] = 4.0, 1.0
            columns.append(simpson * (start - end) / steps / 3 * -np.expm1(-2 * own[::2]))
            times.append(own[2::2])
            middles.append(own[1::2])
        weights = np.zeros((sum(map(len, times)), len(columns)))
        first = 0
        for k, values in enumerate(columns):
            weights[first : first + len(values), k] = values
            first += len(values) - 1
        return cls(np.concatenate(times), np.concatenate(middles), weights)

    @property
    def interleaved(self) -> Times:
        """Times and middles in their order, shape (2 P - 1,)."""
        found = np.empty(len(self.times) + len(self.middles))
        found[::2], found[1::2] = self.times, self.middles
        return found


def path(model: Denoiser | Flow, x: Points, times: Times) -> Points:
    """The trajectories of a model, or of a mixture's process, at these times, shape (T, N, d).

    A fine solve (`certflow.samplers.reference`), whose steps the first points choose.

    Raises
    ------
    InputError : a flow that the finest steps do not resolve, or a model that fails on the way.
    """
    denoise, listed = denoise_of(model), times.tolist()
    with np.errstate(over="ignore", invalid="ignore"):
        steps = fine_steps(denoise, x[:PROBES], listed[0], listed[-1])
        found = [x]
        for a, b in pairwise(listed):
            found.append(solve(denoise, found[-1], a, b, steps))
    return np.stack(found)


def derivatives(process: OrnsteinUhlenbeck, path: Points, places: Places) -> Iterator[Floats]:
    """`D Phi_{t -> delta}(x_t)` of shape (N, d, d), at one place after the other from the data end up.

    path : exact trajectories at the places and the middles in their order, shape (2 P - 1, N, d)
    """
    times = places.interleaved
    logs = 0.5 * np.log(np.expm1(2 * places.times))

    def rate(i: int) -> Floats:
        found: Floats = -np.expm1(-2 * times[i]) * process.jacobian(path[i], times[i])
        return found

    _, n, d = path.shape
    current = np.array(np.broadcast_to(np.eye(d), (n, d, d)))
    yield current
    at = rate(-1)
    for i in range(len(logs) - 1, 0, -1):
        h = logs[i - 1] - logs[i]
        middle, end = rate(2 * i - 1), rate(2 * i - 2)
        k1 = -current @ at
        k2 = -(current + h / 2 * k1) @ middle
        k3 = -(current + h / 2 * k2) @ middle
        k4 = -(current + h * k3) @ end
        current = current + h / 6 * (k1 + 2 * (k2 + k3) + k4)
        yield current
        at = end

"""The reference flow on any device: batched fixed-step RK4 in a time that suits the stiffness, with an error estimate.

With `m = e^{-t}`, `s` the smallest variance of any component (at most 1) and `v = 1 - (1 - s) m^2`,

    y = log(v / m^2) = log(s + e^{2t} - 1),    dt/dy = v / 2,    dx/dy = (v / 2) u(x, t),

so that a component of variance `s` contracts at a bounded rate in `y`, at both ends. `certflow.flow.reference` adapts
its steps to each trajectory and repairs its rounding; here all trajectories share the steps, as training data should.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from certflow.distill.samples import POOL, draw
from certflow.distill.weighted import Sample, sample_of
from certflow.errors import NoGlobalBound, unknown
from certflow.law.spectra import smallest_variance
from certflow.process import OrnsteinUhlenbeck

#: Points of one chunk: its temporaries stay in the cache of a core.
CHUNK = {"cpu": 4096, "cuda": 1 << 17}
#: Steps per unit of `y`, from the fewest that are tried to the most.
STEPS = (8, 16, 32, 64, 128)
#: Points on which the number of steps is chosen and the error estimated.
PROBES = 512


@dataclass(frozen=True)
class Parcel:
    """Points (N, d) that join at `times[start]` and are looked at at `times[stop]` for each of `stops`, in order."""

    points: torch.Tensor
    start: int
    stops: tuple[int, ...]


class ReferenceFlow:
    """`Phi_{t -> s}` of many points at once, in float64, on one device.

    Parameters
    ----------
    process : its mixture is used
    device : of the points
    steps : RK4 steps per unit of `y`; None chooses them with `choose_steps`

    The methods take points (N, d) in float64 and times in the order in which they are passed, up or down.
    """

    def __init__(self, process: OrnsteinUhlenbeck, device: torch.device | str = "cpu", steps: int = 32):
        self.process = process
        self.mixture = process.mixture
        self.device = torch.device(device)
        self.steps = steps
        self.s = min(smallest_variance(self.mixture), 1.0)
        self.dimension = self.mixture.dimension
        self._factors: dict[tuple[float, ...], list[float] | None] = {}

    def draw(self, count: int, seed: int, purpose: int) -> torch.Tensor:
        """`count` exact draws of `p_T`, shape (count, d); each seed and purpose has draws of its own."""
        return draw(self.process, count, seed, purpose).to(self.device)

    def sample(self, count: int, seed: int) -> Sample:
        """At least `count` weighted points of the law at `t_min` (`certflow.distill.weighted`)."""
        return sample_of(self.process, count, seed).on(self.device)

    def pool(self, count: int, seeds: Sequence[int], times: Sequence[float]) -> torch.Tensor:
        """Exact points of training trajectories in float32, shape (seeds, times, count, d)."""
        draws = torch.cat([self.draw(count, seed, POOL) for seed in seeds])
        nodes = self.nodes(draws, times, torch.float32)
        return nodes.reshape(len(times), len(seeds), count, -1).transpose(0, 1).contiguous()

    # -- the time y ------------------------------------------------------------------------------------------

    def stretched(self, t: float) -> float:
        """`y = log(s + e^{2t} - 1)`."""
        return math.log(self.s + math.expm1(2 * t))

    def time(self, y: float) -> float:
        return math.log1p(math.exp(y) - self.s) / 2

    def _panels(self, t_from: float, t_to: float) -> list[tuple[float, float]]:
        """`(y, h)` of each step between two times."""
        start, end = self.stretched(t_from), self.stretched(t_to)
        count = max(1, math.ceil(abs(end - start) * self.steps - 1e-9))
        h = (end - start) / count
        return [(start + i * h, h) for i in range(count)]

    # -- the field -------------------------------------------------------------------------------------------

    def velocity(self, x: torch.Tensor, t: float) -> torch.Tensor:
        """`u(x, t)`, shape (N, d). proofs/S3.md."""
        velocity: torch.Tensor = self.process.velocity(x, t)
        return velocity

    def velocity_and_jacobian(self, x: torch.Tensor, t: float) -> tuple[torch.Tensor, torch.Tensor]:
        """`u(x, t)` and `J(x, t)`, shapes (N, d) and (N, d, d). proofs/S3.md, S4."""
        return self.process.velocity(x, t), self.process.jacobian(x, t)

    def factors(self, times: Sequence[float]) -> list[float] | None:
        """`exp(int lambda)` of each segment; None where no global bound exists. proofs/L3.md, F1."""
        key = tuple(times)
        if key not in self._factors:
            try:
                self._factors[key] = [float(factor) for factor in self.process.amplification(key[1:], key[:-1])]
            except NoGlobalBound:
                self._factors[key] = None
        return self._factors[key]

    def rate(self, x: torch.Tensor, y: float) -> torch.Tensor:
        """`dx/dy`, shape (N, d)."""
        t = self.time(y)
        return self.velocity(x, t) * (math.exp(y - 2 * t) / 2)

    def _rate_with(self, state: torch.Tensor, y: float, adjoint: bool) -> torch.Tensor:
        """`d/dy` of (x, M), states (N, d + d^2): `M' = J M`, or `M' = -M J` for the adjoint."""
        d = self.dimension
        x, matrices = state[:, :d], state[:, d:].reshape(-1, d, d)
        t = self.time(y)
        velocity, jacobian = self.velocity_and_jacobian(x, t)
        turned = -(matrices @ jacobian) if adjoint else jacobian @ matrices
        return torch.cat([velocity, turned.reshape(-1, d * d)], dim=1) * (math.exp(y - 2 * t) / 2)

    # -- flow maps -------------------------------------------------------------------------------------------

    @torch.no_grad()
    def nodes(self, x: torch.Tensor, times: Sequence[float], dtype: torch.dtype = torch.float64) -> torch.Tensor:
        """`Phi_{times[0] -> times[i]}(x)` for every `i`; shape (T, N, d), stored as `dtype`."""
        result = torch.empty((len(times), *x.shape), dtype=dtype, device=self.device)
        size = CHUNK.get(self.device.type, CHUNK["cpu"])
        for start in range(0, x.shape[0], size):
            part = slice(start, start + size)
            state = x[part]
            result[0, part] = state
            for i in range(1, len(times)):
                state = _integrate(self.rate, state, self._panels(times[i - 1], times[i]))
                result[i, part] = state
        return result

    def map(self, x: torch.Tensor, t_from: float, t_to: float) -> torch.Tensor:
        """`Phi_{t_from -> t_to}(x)`, shape (N, d)."""
        return self.nodes(x, (t_from, t_to))[1]

    @torch.no_grad()
    def derivatives(
        self, x: torch.Tensor, times: Sequence[float], adjoint: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Points and derivatives along trajectories, shapes (T, N, d) and (T, N, d, d).

        `M_i = D Phi_{times[0] -> times[i]}(x)` by `dM/dt = J M`; for the adjoint
        `M_i = D Phi_{times[i] -> times[0]}(x_i)`, `x_i = Phi_{times[0] -> times[i]}(x)`, by `dM/dt = -M J`. E5.
        """
        count, d = x.shape
        points = torch.empty((len(times), count, d), dtype=torch.float64, device=self.device)
        matrices = torch.empty((len(times), count, d, d), dtype=torch.float64, device=self.device)
        size = max(64, CHUNK.get(self.device.type, CHUNK["cpu"]) // d)
        for start in range(0, count, size):
            part = slice(start, min(start + size, count))
            eye = torch.eye(d, dtype=torch.float64, device=self.device).reshape(1, -1)
            state = torch.cat([x[part], eye.expand(part.stop - start, -1)], dim=1)
            for i, time in enumerate(times):
                if i:
                    panels = self._panels(times[i - 1], time)
                    state = _integrate(lambda z, y: self._rate_with(z, y, adjoint), state, panels)
                points[i, part], matrices[i, part] = state[:, :d], state[:, d:].reshape(-1, d, d)
        return points, matrices

    @torch.no_grad()
    def carry(self, parcels: Sequence[Parcel], times: Sequence[float]) -> list[list[torch.Tensor]]:
        """`Phi_{times[start] -> times[stop]}(points)` for every stop of every parcel, all in one pass along `times`."""
        found: list[list[torch.Tensor]] = [[] for _ in parcels]
        aboard: dict[int, torch.Tensor] = {}
        for i, time in enumerate(times):
            if aboard:
                sizes = [len(part) for part in aboard.values()]
                parts = torch.split(torch.cat(list(aboard.values())), CHUNK.get(self.device.type, CHUNK["cpu"]))
                panels = self._panels(times[i - 1], time)
                moved = torch.cat([_integrate(self.rate, part, panels) for part in parts])
                aboard = dict(zip(aboard, torch.split(moved, sizes), strict=True))
            aboard |= {j: parcel.points for j, parcel in enumerate(parcels) if parcel.start == i}
            for j, part in aboard.items():
                if i in parcels[j].stops:
                    found[j] += [part.clone()] * parcels[j].stops.count(i)
            aboard = {j: part for j, part in aboard.items() if parcels[j].stops[-1] > i}
        return found

    # -- how many steps --------------------------------------------------------------------------------------

    def choose_steps(self, x: torch.Tensor, t_from: float, t_to: float, tolerance: float = 1e-10) -> float:
        """Set `steps` so that the estimated relative mean squared error is at most `tolerance`; returns the estimate.

        The error of `n` steps per unit is estimated on the first points by the distance to `2n`, with the factor
        `(16/15)^2` of a method of order 4. Where the most that are tried do not suffice they are used all the same,
        and the estimate that is returned says so.
        """
        probes = x[:PROBES]
        results = []
        error = math.inf
        for steps in STEPS:
            self.steps = steps
            results.append(self.map(probes, t_from, t_to))
            if len(results) > 1:
                gap = (results[-1] - results[-2]).square().sum() / results[-1].square().sum()
                error = float(gap) * (16 / 15) ** 2  # of the coarser of the two
                if error <= tolerance:
                    self.steps = steps // 2
                    return error
                error /= 256  # of the finer one, by its order
        return error


def _integrate(
    rate: Callable[[torch.Tensor, float], torch.Tensor], state: torch.Tensor, panels: Sequence[tuple[float, float]]
) -> torch.Tensor:
    """The classical Runge-Kutta method of order 4."""
    for y, h in panels:
        a = rate(state, y)
        b = rate(state + h / 2 * a, y + h / 2)
        c = rate(state + h / 2 * b, y + h / 2)
        d = rate(state + h * c, y + h)
        state = state + h / 6 * (a + 2 * (b + c) + d)
    return state


def device_of(name: str) -> torch.device:
    """The device of this name; "auto" is the GPU if there is one.

    Raises
    ------
    InputError : a device that this machine lacks.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    known = ["auto", "cpu"] + [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    if name == "cuda" and torch.cuda.is_available():
        return torch.device("cuda")
    if name not in known:
        raise unknown("device", name, known, after=" (what this machine has)")
    return torch.device(name)

"""What a grid for a solver costs to find: of a mixture in two dimensions, and of a network trained on data.

    python benchmarks/grid_search.py [THREADS]

K = 8, Euler, Heun, DPM-Solver++(2M); wall time and CPU seconds of one call of `cf.time_grid(..., kind="auto")`, two
threads unless given, each solver in turn after one call that loads what is needed. The network has 100,796 weights,
is trained for some seconds by flow matching on 2,000 points of two moons, and its grid is asked for with these points.
Writes results/grid_search.json.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import torch
from measure import report, verdict
from sklearn.datasets import make_moons
from threadpoolctl import threadpool_limits

import certflow as cf

SAMPLERS = ("euler", "heun", "dpmpp-2m")
SEGMENTS = 8
WIDTH = 314
STEPS = 2500
#: Seconds of wall time asked for on two cores.
TARGETS = {"ring-8": "<= 5", "network": "<= 60"}


class Flow(torch.nn.Module):
    """`F(x, tau)`: what flow matching predicts, by two hidden layers of SiLU."""

    def __init__(self, dimension: int):
        super().__init__()
        torch.manual_seed(0)
        silu = torch.nn.SiLU
        first, middle = torch.nn.Linear(dimension + 1, WIDTH), torch.nn.Linear(WIDTH, WIDTH)
        self.layers = torch.nn.Sequential(first, silu(), middle, silu(), torch.nn.Linear(WIDTH, dimension))

    def forward(self, x: torch.Tensor, tau: torch.Tensor) -> torch.Tensor:
        flow: torch.Tensor = self.layers(torch.cat([x, tau.reshape(-1, 1).to(x)], 1))
        return flow


def trained(data: torch.Tensor) -> Flow:
    """A network that has learned the data."""
    network = Flow(data.shape[1])
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(STEPS):
        batch = data[torch.randint(0, len(data), (512,))]
        noise, tau = torch.randn_like(batch), torch.rand(len(batch), 1)
        loss = (network((1 - tau) * batch + tau * noise, tau) - (noise - batch)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network


def main() -> None:
    """Both subjects, three solvers."""
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    threadpool_limits(threads)
    torch.set_num_threads(threads)
    moons = make_moons(2000, noise=0.05, random_state=0)[0]
    moons = (moons - moons.mean(0)) / moons.std(0)
    network = trained(torch.from_numpy(moons).float())
    model = cf.Model(network, "flow_prediction", cf.schedules.flow_matching(), shape=(2,))
    subjects: dict[str, tuple[Any, np.ndarray | None]] = {
        "ring-8": (cf.OrnsteinUhlenbeck(cf.load_mixture("ring-8")), None),
        "network": (model, moons),
    }
    cf.time_grid(cf.OrnsteinUhlenbeck(cf.load_mixture("line-3")), 2, kind="auto", sampler="euler")
    rows, numbers = [], []
    for name, (subject, data) in subjects.items():
        for sampler in SAMPLERS:
            options = {} if data is None else {"data": data}
            wall, cpu = time.perf_counter(), time.process_time()
            cf.time_grid(subject, SEGMENTS, kind="auto", sampler=sampler, **options)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            numbers.append({"subject": name, "sampler": sampler, "wall": wall, "cpu": cpu})
            shown = {"subject": name, "solver": sampler, "wall s": f"{wall:.1f}", "CPU s": f"{cpu:.1f}"}
            rows.append(shown | {"wanted": TARGETS[name], "verdict": verdict(wall, TARGETS[name])})
    weights = sum(parameter.numel() for parameter in network.parameters())
    report("grid_search", f"Search for a solver's grid, K = {SEGMENTS}; network of {weights:,} weights", rows, numbers)


if __name__ == "__main__":
    main()

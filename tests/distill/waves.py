"""Compositions whose errors are known, the exact flow plus a wave in place of trained maps; their ledger by hand."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import torch

import certflow as cf
from certflow.distill.ledger import Trajectories, drawn_trajectories
from certflow.distill.plan import Plan, make_plan
from certflow.distill.reference import ReferenceFlow
from certflow.distill.settings import Settings
from certflow.flow.reference import flow_map
from certflow.grids.grid import TimeGrid

LAWS = {
    "two modes": cf.GaussianMixture([0.5, 0.5], [[-1.0], [1.0]], 0.09),
    "three in the plane": cf.GaussianMixture([0.2, 0.5, 0.3], [[-1.0, 0.0], [1.0, 0.3], [0.0, 1.0]], 0.16),
}
TIMES = (3.0, 0.8, 0.2, 0.01)
COUNT = 64


class Waves:
    """`Psi(x) = Phi(x) + size sin(3 x + k)`, standing in for trained maps; its Lipschitz bounds are given."""

    def __init__(self, plan: Plan, flow: ReferenceFlow, size: float, bound: float = math.inf):
        self.plan, self.flow, self.size, self.broken = plan, flow, size, set()
        self.limit = bound

    def apply(self, where: tuple[int, int, int], x: torch.Tensor) -> torch.Tensor:
        _, start, end = where
        return self.flow.map(x, self.plan.times[start], self.plan.times[end]) + self.size * torch.sin(3 * x + start)

    def bound(self, where: tuple[int, int, int]) -> float:
        return self.limit


def prepared(law: str, size: float, bound: float = math.inf) -> tuple[Plan, ReferenceFlow, Any, Trajectories]:
    process = cf.OrnsteinUhlenbeck(LAWS[law], "0.01", "3")
    grid = TimeGrid("custom", np.array(TIMES))
    plan = make_plan(process, [grid, "uniform"], [2], [3], Settings(test=COUNT))
    flow = ReferenceFlow(process, steps=32)
    return plan, flow, Waves(plan, flow, size, bound), drawn_trajectories(plan, flow, 3, COUNT)


def mean_square(values: np.ndarray) -> float:
    return float(np.mean(np.sum(values**2, axis=1)))


def by_hand(plan: Plan, tests: Trajectories, size: float) -> dict[str, Any]:
    """Every entry by the adaptive flow: what becomes of an error, by differences along it."""
    process = plan.process
    exact = [tests.points[0].numpy()]
    for t, s in pairwise(TIMES):
        exact.append(flow_map(process, exact[-1], t, s, rtol=1e-13))
    starts = [plan.times.index(t) for t in TIMES]
    errors = [size * np.sin(3 * y + start) for y, start in zip(exact[:-1], starts[:-1], strict=True)]
    carried, exactly = [], []
    for error, y, t in zip(errors, exact[1:], TIMES[1:], strict=True):
        if t == TIMES[-1]:
            carried.append(error)
            exactly.append(error)
            continue
        h = 1e-4 / max(1e-12, float(np.abs(error).max()))
        up, down = (flow_map(process, y + sign * h * error, t, TIMES[-1], rtol=1e-13) for sign in (1, -1))
        carried.append((up - down) / (2 * h))
        exactly.append(flow_map(process, y + error, t, TIMES[-1], rtol=1e-13) - exact[-1])
    path, arrivals = exact[0], [exact[-1]]
    for (t, s), start in zip(pairwise(TIMES), starts, strict=False):
        path = flow_map(process, path, t, s, rtol=1e-13) + size * np.sin(3 * path + start)
        arrivals.append(path if s == TIMES[-1] else flow_map(process, path, s, TIMES[-1], rtol=1e-13))
    scale = mean_square(exact[-1])
    amplified = [mean_square(one) / scale for one in carried]
    return {
        "relative_mse": mean_square(path - exact[-1]) / scale,
        "local": [mean_square(one) / scale for one in errors],
        "amplified": amplified,
        "first_order": mean_square(sum(carried)) / scale,
        "incoherent": sum(amplified),
        "coherent": sum(math.sqrt(a) for a in amplified) ** 2,
        "exact_amplified": [mean_square(one) / scale for one in exactly],
        "linear_amplified": amplified,
        "path_amplified": [mean_square(b - a) / scale for a, b in pairwise(arrivals)],
        "end_to_end": mean_square(path - exact[-1]) / scale,
    }

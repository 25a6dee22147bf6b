"""The search for the nodes with which a solver errs least: points to search on, and optima on them.

The unknowns are `theta`, `w_k - w_{k-1}` proportional to `exp(theta_k)`, `w = log sigma`: any of them make a grid with
the right ends. L-BFGS minimises the logarithm of the error; where the model's results carry no gradient of the times,
or a wrong one, differences are taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize

from certflow.errors import InputError
from certflow.grids.kinds.coordinates import log_sigma
from certflow.numbers.arrays import Floats, Points, Times
from certflow.planning.solver_points import Sample, ends, fine_ends, sample, screened, squares, starts
from certflow.process import OrnsteinUhlenbeck
from certflow.samplers.solvers import Solver

#: Points of a mixture are chosen among so many times more.
POOL = 16
#: Iterations of L-BFGS, what it may leave of `log E`, and bounds of the logarithm of a step over the mean step.
ITERATIONS, LEFT, REACH = 80, 1e-5, 8.0
#: A step of differences: float32 models resolve it. How far a gradient may be from them, on so many points.
STEP, AGREES, PROBES = 1e-2, 0.05, 64
#: Grids are the same where no node differs by more than this share.
SAME = 1e-2


class Search:
    """One solver on one model.

    count : points that are searched on;  data : rows of a model's data, or None
    """

    def __init__(self, model: Any, solver: Solver, count: int, seed: int, data: Points | None):
        self.model, self.solver, self.count, self.data = model, solver, count, data
        self.seeds = [int(number) for number in np.random.SeedSequence(seed).generate_state(4)]
        self.screens = isinstance(model, OrnsteinUhlenbeck)
        self.pools: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def plain(self, count: int) -> Sample:
        """A first look, at points that no grid has chosen."""
        return sample(self.model, starts(self.model, count, self.seeds[2], self.data))

    def points(self, part: int, grids: Sequence[Times], count: int) -> Sample:
        """Part 0 is what the search sees, part 1 is held out; of a mixture, points on which these grids err."""
        if not self.screens:
            return sample(self.model, starts(self.model, count, self.seeds[part], self.data))
        if part not in self.pools:
            pool = starts(self.model, POOL * self.count, self.seeds[part], self.data)
            self.pools[part] = pool, fine_ends(self.model, pool, len(grids[0]) - 1)
        return screened(self.model, *self.pools[part], grids, self.solver.name, count, self.seeds[3])

    def error(self, points: Sample, times: Times) -> float:
        """`E|Psi - Phi|^2`."""
        return float(points.weights @ squares(ends(self.model, points.x, times, self.solver.name) - points.exact))

    def order(self, points: Sample, grids: dict[str, Times]) -> list[str]:
        """The names of grids, the best first."""
        errors = {name: self.error(points, times) for name, times in grids.items()}
        return sorted(grids, key=lambda name: errors[name])

    def optima(self, points: Sample, begun: Sequence[Times]) -> list[Times]:
        """From each start, the best first; the same optimum once."""
        grids = {str(i): self.optimum(points, times) for i, times in enumerate(begun)}
        found = [grids[name] for name in self.order(points, grids)]
        return [t for i, t in enumerate(found) if not any(np.allclose(t, other, rtol=SAME) for other in found[:i])]

    def optimum(self, points: Sample, start: Times) -> Times:
        """L-BFGS from the nodes of a grid."""
        w = log_sigma(start)
        unknowns = np.log(np.diff(w) / (w[-1] - w[0]) * (len(w) - 1))
        few = Sample(points.x[:PROBES], points.exact[:PROBES], points.weights[:PROBES])
        smooth = self._followed(few, unknowns, start)

        def objective(theta: Floats) -> Any:
            value, slope = self.log_error(points, theta, start, smooth)
            return (value, slope) if smooth else value

        options = {"maxiter": ITERATIONS, "ftol": LEFT / 10, "gtol": math.sqrt(LEFT) / 10}
        if not smooth:
            options["eps"] = STEP
        bounds = [(-REACH, REACH)] * len(unknowns)
        found = minimize(objective, unknowns, jac=smooth or None, method="L-BFGS-B", bounds=bounds, options=options)
        return nodes_of(torch.tensor(found.x), start).numpy()

    def log_error(self, points: Sample, theta: Floats, start: Times, smooth: bool) -> tuple[float, Floats]:
        """`log E` of the grid of `theta`, and its gradient, or zeros."""
        unknowns = torch.tensor(theta, requires_grad=smooth)
        value, slope = 0.0, torch.zeros_like(unknowns)
        with torch.set_grad_enabled(smooth):
            times = nodes_of(unknowns, start)
            for part in points.parts():
                gap = part.gap(self.model, times, self.solver.name)
                value += float(gap.detach())
                if smooth:  # the graph of the times serves every part
                    slope += torch.autograd.grad(gap, unknowns, retain_graph=True)[0]
        return math.log(value / points.scale), (slope / value).numpy()

    def _followed(self, points: Sample, theta: Floats, start: Times) -> bool:
        """Whether gradients pass through the model, the times that it is told included: as differences say."""
        given = torch.tensor(start, requires_grad=True)
        way = np.cos(1.0 + np.arange(len(theta)))
        try:
            if not points.gap(self.model, given, self.solver.name).requires_grad:
                return False
            slope = float(self.log_error(points, theta, start, True)[1] @ way)
        except (RuntimeError, InputError):  # the times do not take part, or NumPy has the points: not with a gradient
            return False
        high, low = (self.log_error(points, theta + side * STEP * way, start, False)[0] for side in (1, -1))
        return abs((high - low) / (2 * STEP) - slope) <= AGREES * (abs(slope) + 1)


def nodes_of(unknowns: torch.Tensor, grid: Times) -> torch.Tensor:
    """Nodes whose steps in `log sigma` are as the exponentials of the unknowns, between the ends of a grid."""
    high, low = log_sigma(grid[0]), log_sigma(grid[-1])
    shares = torch.cumsum(torch.softmax(unknowns, 0), 0)[:-1]
    inner = torch.logaddexp(2 * (high + (low - high) * shares), torch.zeros((), dtype=torch.float64)) / 2
    first, last = torch.tensor(grid[:1]), torch.tensor(grid[-1:])
    return torch.cat([first, inner, last])

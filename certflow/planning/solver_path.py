"""A grid for a solver that needs no search: the shortest path of carried one-step errors (proofs/G5.md).

Among candidate nodes the edge `(t_i, t_j)` costs the root mean square, at the data end, of the error that one step
makes from the exact state at `t_i`:

    c_ij = ( E| Phi_{t_j -> delta}(Psi_ij(y_i)) - Phi_{t_i -> delta}(y_i) |^2 )^{1/2} .

For a multistep solver the states of the path are pairs of nodes. Dynamic programming finds the `K` steps with the least
sum. Along the exact path this sum bounds nothing, but it is near what a search finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from certflow.grids.kinds.ays import cheapest_path
from certflow.grids.kinds.coordinates import nodes as coordinate_nodes
from certflow.numbers.arrays import Floats, Times
from certflow.planning.solver_points import squares
from certflow.samplers.field import Denoise, Node, denoise_of
from certflow.samplers.reference import solve
from certflow.samplers.rollout import read
from certflow.samplers.solvers import Past, Solver

#: Candidates are at least so many; of a path of more segments, two for each.
CANDIDATES = 25
#: A step is at most so many times as long as an even share of the candidates.
LONGEST = 2.5
#: Runge-Kutta steps for each unit of `log sigma` by which errors are carried.
STEPS = 6


@torch.no_grad()
def shortest_path(model: Any, x: torch.Tensor, solver: Solver, segments: int) -> Times:
    """The nodes of the path, shape (K + 1,); x : some points at `t_max`, shape (n, ...)."""
    times = candidates(model, max(CANDIDATES, 2 * segments + 1))
    steps = _steps(len(times), segments, solver.multistep)
    costs = dict(zip(steps, carried_errors(model, x, solver, times, steps), strict=True))
    return times[_pairs_path(costs, len(times), segments) if solver.multistep else _path(costs, len(times), segments)]


def candidates(model: Any, number: int) -> Times:
    """Nodes evenly in the mean of the time of flow matching and of `log sigma`: dense where either of them is."""
    fine = coordinate_nodes(model, 1000, kind="logsnr")[0]
    sigma = np.sqrt(np.expm1(2 * fine))
    place = np.log(sigma) / np.log(sigma[0] / sigma[-1]) + sigma / (1 + sigma)
    inner = np.interp(np.linspace(place[-1], place[0], number)[-2:0:-1], place[::-1], fine[::-1])
    return np.array([model.t_max, *inner, model.t_min])


def _steps(number: int, segments: int, multistep: bool) -> list[tuple[int, ...]]:
    """`(i, j)`, or for a multistep solver `(h, i, j)` with the node before; its first step is `(0, j)`."""
    longest = max(1, int(np.ceil(LONGEST * (number - 1) / segments)))
    edges = [(i, j) for i in range(number) for j in range(i + 1, min(i + longest, number - 1) + 1)]
    if not multistep:
        return list(edges)
    return [edge for edge in edges if edge[0] == 0] + [(h, i, j) for h, i in edges for k, j in edges if i == k]


def carried_errors(
    model: Any, x: torch.Tensor, solver: Solver, times: Times, steps: Sequence[tuple[int, ...]]
) -> list[float]:
    """`c` of each step, all carried in one pass along the times."""
    denoise = denoise_of(model)
    states = [x]
    for a, b in pairwise(times.tolist()):
        states.append(solve(denoise, states[-1], a, b, STEPS))
    _, nodes = read(x, times)
    known = [denoise(state, node) for state, node in zip(states[:-1], nodes[:-1], strict=True)]
    aboard = torch.empty((0, *x.shape[1:]), dtype=x.dtype)
    order: list[int] = []
    for k, node in enumerate(nodes):
        if k and len(aboard):
            aboard = solve(denoise, aboard, float(times[k - 1]), float(times[k]), STEPS)
        for number, (*before, i, j) in enumerate(steps):
            if j != k:
                continue
            past = Past(nodes[before[0]], known[before[0]]) if before else None
            in_z = partial(_in_z, denoise, nodes[i], known[i])
            z, _ = solver.step(in_z, states[i] / nodes[i].m, nodes[i], node, past)
            aboard, order = torch.cat([aboard, z * node.m]), [*order, number]
    errors = squares(aboard - states[-1].repeat(len(steps), *[1] * (x.dim() - 1))).reshape(len(steps), -1)
    found = errors.mean(1).sqrt().tolist()
    return [cost for _, cost in sorted(zip(order, found, strict=True))]


def _in_z(denoise: Denoise, start: Node, known: torch.Tensor, z: torch.Tensor, node: Node) -> torch.Tensor:
    """`D` at a state in `z`; at the start of the step it is known."""
    found: torch.Tensor = known if node is start else denoise(z * node.m, node)
    return found


def _path(costs: dict[tuple[int, ...], float], number: int, segments: int) -> list[int]:
    table = np.full((number, number), np.inf)
    for (i, j), cost in costs.items():
        table[i, j] = cost
    return [int(i) for i in cheapest_path(table, segments)]


def _pairs_path(costs: dict[tuple[int, ...], float], number: int, segments: int) -> list[int]:
    """Bellman's equation over pairs: `V_k(i, j) = min_h V_{k-1}(h, i) + c(h, i, j)`, `V_1(0, j) = c(0, j)`."""
    table: Floats = np.full((number,) * 3, np.inf)
    value = np.full((number, number), np.inf)
    for step, cost in costs.items():
        if len(step) == 2:
            value[step] = cost
        else:
            table[step] = cost
    choices = []
    for _ in range(segments - 1):
        reach = value[:, :, None] + table
        choices.append(reach.argmin(0))
        value = reach.min(0)
    path = [number - 1, int(value[:, -1].argmin())]
    for choice in reversed(choices):
        path.append(int(choice[path[-1], path[-2]]))
    return path[::-1]

"""The error ledger of a composition of trained maps (proofs/E1.md, E2, E3, E5).

Along exact trajectories `y_0 = X ~ p_T`, `y_k = Phi_k(y_{k-1})`, a map makes the local error
`xi_k = Psi_k(y_{k-1}) - y_k`. `D_k = D Phi_{t_k -> delta}(y_k)` says what becomes of it. All means are over fresh
points; the denominators are `E|Phi(X)|^2`, so every entry is a relative mean squared error.

    local_k       E|xi_k|^2                      amplified_k   E|D_k xi_k|^2
    first_order   E|sum_k D_k xi_k|^2            incoherent    sum_k amplified_k
    coherent      (sum_k sqrt(amplified_k))^2    end to end    E|Psi_K o ... o Psi_1(X) - Phi(X)|^2

Points are placed where errors are made, and weighted (`certflow.distill.weighted`). What contains `D_k` is a mean over
`DERIVATIVES / d^2` of them, or all if they are fewer. What becomes of errors that are not small, on draws, is in
`certflow.distill.carried`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from certflow.composition.propagation import coherent_sum
from certflow.distill.plan import Entry, Plan
from certflow.distill.reference import ReferenceFlow
from certflow.distill.samples import TEST
from certflow.distill.training import Trained
from certflow.distill.weighted import Sample, even_sample

#: Draws on which maps and flows are composed exactly (`certflow.distill.carried`): flows cost more than maps.
EXACT = 512
#: Numbers in the derivatives at one time, at most: in more than two dimensions they may be taken at fewer points.
DERIVATIVES = 2**18


class Maps:
    """The trained map of each (seed, start, end), wherever in the stacks it is."""

    def __init__(self, trained: Sequence[Trained]):
        self.places = {
            (segment.seed, segment.start, segment.end): (stack, index)
            for stack in trained
            for index, segment in enumerate(stack.segments)
        }
        self.bounds = {id(stack): stack.maps.lipschitz_bounds().tolist() for stack in trained}
        self.broken = {(s.seed, s.start, s.end) for stack in trained for s in stack.diverged}

    def apply(self, where: tuple[int, int, int], x: torch.Tensor) -> torch.Tensor:
        """`Psi(x)`, shape (N, d), float64 (the map itself computes in float32)."""
        stack, index = self.places[where]
        mapped: torch.Tensor = stack.maps(x.float().unsqueeze(0), [index])[0]
        return mapped.double()

    def bound(self, where: tuple[int, int, int]) -> float:
        """A bound of the Lipschitz constant of the map."""
        stack, index = self.places[where]
        return float(self.bounds[id(stack)][index])


@dataclass(frozen=True)
class Trajectories:
    """Fresh exact trajectories: points and derivatives to the data end, at every time of the plan.

    points : (T, N, d);  derivatives : (T, n, d, d), `D Phi_{t_i -> delta}(points[i, :n])`, `n` at most N
    sample : the points at the data end with their weights
    """

    points: torch.Tensor
    derivatives: torch.Tensor
    sample: Sample

    @property
    def scale(self) -> float:
        """`E|Phi(X)|^2`."""
        return self.mean_square(self.points[-1])

    def mean_square(self, error: torch.Tensor) -> float:
        """The weighted mean of `|error|^2`, shape (n, d), of the first `n` points."""
        weights = self.sample.weights[: len(error)]
        return float(weights @ error.square().sum(1) / weights.sum())

    def standard_error(self, error: torch.Tensor) -> float:
        """Of `E|error|^2 / E|Phi|^2`, shape (N, d), from what the blocks of the sample say, linear in the ratio."""
        squares = error.square().sum(1)
        own = self.points[-1].square().sum(1)
        weights = self.sample.weights
        total = weights @ own
        rest = weights * (squares - (weights @ squares / total) * own)
        parts = torch.stack([part.sum() for part in rest.split(self.sample.sizes)])
        blocks = len(self.sample.sizes)
        return float((parts.square().sum() * blocks / (blocks - 1)).sqrt() / total)


def trajectories(plan: Plan, flow: ReferenceFlow, sample: Sample) -> Trajectories:
    """Through points at the data end, integrated up from there, some with derivatives of what is still to come."""
    some = max(1, DERIVATIVES // plan.process.mixture.dimension**2)
    up = plan.times[::-1]
    points, derivatives = flow.derivatives(sample.points[:some], up, adjoint=True)
    if some < len(sample.points):
        points = torch.cat([points, flow.nodes(sample.points[some:], up)], dim=1)
    return Trajectories(points.flip(0), derivatives.flip(0), sample)


def drawn_trajectories(plan: Plan, flow: ReferenceFlow, seed: int, count: int = EXACT) -> Trajectories:
    """Of `count` draws of `p_T`, all of the same weight, integrated down as all is that starts beside them: what is
    carried to the end differs by what was added, not by the error of a way up."""
    points = flow.nodes(flow.draw(count, seed, TEST), plan.times)
    _, derivatives = flow.derivatives(points[-1], plan.times[::-1], adjoint=True)
    return Trajectories(points, derivatives.flip(0), even_sample(points[-1]))


def ledger(plan: Plan, entry: Entry, place: int, maps: Maps, tests: Trajectories) -> dict[str, Any]:
    """The row of one grid and one seed; a row with a diverged segment has no error (`relative_mse` is None)."""
    nodes = plan.nodes(entry)
    wheres = [(place, start, end) for start, end in itertools.pairwise(nodes)]
    row: dict[str, Any] = {
        "grid": entry.label,
        "segments": entry.segments,
        "seed": plan.seeds[place],
        "times": entry.grid.times.tolist(),
        "diverged": [k for k, where in enumerate(wheres, 1) if where in maps.broken],
        "relative_mse": None,
        "standard_error": None,
    }
    if row["diverged"]:
        return row
    scale = tests.scale
    path = tests.points[nodes[0]]
    some = tests.derivatives.shape[1]
    carried = torch.zeros_like(path[:some])
    local, amplified = [], []
    for where in wheres:
        start, end = where[1:]
        error = maps.apply(where, tests.points[start]) - tests.points[end]
        moved = (tests.derivatives[end] @ error[:some].unsqueeze(2)).squeeze(2)
        carried = carried + moved
        local.append(tests.mean_square(error) / scale)
        amplified.append(tests.mean_square(moved) / scale)
        path = maps.apply(where, path)
        if not torch.isfinite(path).all():
            return row | {"diverged": [len(local)]}
    bounds = [maps.bound(where) for where in wheres]
    row |= {
        "relative_mse": tests.mean_square(path - tests.points[-1]) / scale,
        "standard_error": tests.standard_error(path - tests.points[-1]),
        "local": local,
        "amplified": amplified,
        "first_order": tests.mean_square(carried) / scale,
        "incoherent": math.fsum(amplified),
        "coherent": coherent_sum(amplified),
        "lipschitz_bounds": bounds,
        "bound_e2": square(plan.process.law_error_bound(bounds, [math.sqrt(e) for e in local])),
    }
    return row


def square(value: float) -> float:
    return value * value  # where `value**2` would raise OverflowError

"""Errors of trained maps carried to the data end by the flow itself, however large they are (proofs/E1.md, E3, E5).

With `y_k, xi_k` of `certflow.distill.ledger` and the learned path `z_0 = X`, `z_k = Psi_k(z_{k-1})`, the flow tells
what becomes of `xi_k` at `y_k`, and of each new error on the learned path: the differences

    Phi_{t_k -> delta}(z_k) - Phi_{t_{k-1} -> delta}(z_{k-1})

add up to the error at the end, whatever their size. Points of all grids of a seed are carried in one pass, joining at
their times: on a GPU a pass takes the same time for one grid as for thirty.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from certflow.composition.propagation import coherent_sum, log_gronwall_bound
from certflow.distill.ledger import Maps, Trajectories, square
from certflow.distill.plan import Entry, Plan
from certflow.distill.reference import Parcel, ReferenceFlow

#: Factor of local errors at which the flow is as good as linear.
SMALL = 1e-3


@dataclass(frozen=True)
class _Composition:
    """The maps of one grid on some points: its `nodes` among the times of the plan, `xi_k` and `z_k` for k = 1 .. K."""

    nodes: list[int]
    errors: list[torch.Tensor]
    learned: list[torch.Tensor]

    def parcels(self, points: torch.Tensor) -> list[Parcel]:
        """For each k: `y_k + xi_k`, `y_k + SMALL xi_k` and `z_k`, to the end; the last is looked at one node on too."""
        last = self.nodes[-1]
        result = []
        for k, (error, z) in enumerate(zip(self.errors, self.learned, strict=True), 1):
            node, following = self.nodes[k], self.nodes[min(k + 1, len(self.nodes) - 1)]
            result += [Parcel(points[node] + factor * error, node, (last,)) for factor in (1, SMALL)]
            result.append(Parcel(z, node, (following, last)))
        return result


def exact_entries(
    plan: Plan, entries: Sequence[Entry], place: int, maps: Maps, tests: Trajectories, flow: ReferenceFlow
) -> list[dict[str, Any]]:
    """What needs the flow at points off the exact trajectories, which are those of draws: for each grid

    exact_amplified : `E|Phi_{t_k -> delta}(y_k + xi_k) - Phi_{t_k -> delta}(y_k)|^2`, without linearisation
    small_amplified, linear_amplified : the same for `SMALL xi_k`, over `SMALL^2`, and `E|D_k xi_k|^2`, on these points
    path_amplified : `E|Phi_{t_k -> delta}(z_k) - Phi_{t_{k-1} -> delta}(z_{k-1})|^2`: these differences add up to the
        error at the end, so that `end_to_end <= (sum_k sqrt(path_amplified_k))^2`, which is `path_coherent`
    end_to_end : the relative mean squared error on these points
    path_errors : root mean squares of the error `e_k = |z_k - y_k|` along the learned path
    excess_e1 : the largest `|e_k| - exp(Lambda_k) |e_{k-1}| - |Psi_k(z_{k-1}) - Phi_k(z_{k-1})|` over points and k, in
        units of the root of `E|Phi|^2`: by E1 not above 0, but for the error of the reference flow
    bound_e3 : `(sum_k eps_k exp(int_delta^{t_k} lambda))^2 / E|Phi|^2`, `eps_k` the largest error on the learned path
    log_bound_e3 : its logarithm, also where it is beyond float64
    largest : `max |e_K|^2 / E|Phi|^2`, what E3 bounds

    The last four are for mixtures with a global bound. `flow` has the steps of `tests`.
    """
    points = tests.points
    compositions = [_composition(plan, entry, place, maps, points) for entry in entries]
    parcels = [composition.parcels(points) for composition in compositions]
    carried = iter(flow.carry(list(itertools.chain(*parcels)), plan.times))
    return [
        _entries(plan, composition, tests, flow, list(itertools.islice(carried, len(own))))
        for composition, own in zip(compositions, parcels, strict=True)
    ]


def _composition(plan: Plan, entry: Entry, place: int, maps: Maps, points: torch.Tensor) -> _Composition:
    nodes = plan.nodes(entry)
    errors, learned, path = [], [], points[nodes[0]]
    for start, end in itertools.pairwise(nodes):
        where = (place, start, end)
        errors.append(maps.apply(where, points[start]) - points[end])
        path = maps.apply(where, path)
        learned.append(path)
    return _Composition(nodes, errors, learned)


def _entries(
    plan: Plan, composition: _Composition, tests: Trajectories, flow: ReferenceFlow, carried: list[list[torch.Tensor]]
) -> dict[str, Any]:
    nodes, learned = composition.nodes, composition.learned
    points, scale, mean_square = tests.points, tests.scale, tests.mean_square
    arrived = points[-1]
    linear = [
        (tests.derivatives[node] @ error.unsqueeze(2)).squeeze(2)
        for node, error in zip(nodes[1:], composition.errors, strict=True)
    ]
    arrivals = [arrived, *(end for _, end in carried[2::3])]
    path_amplified = [mean_square(b - a) / scale for a, b in itertools.pairwise(arrivals)]
    offsets = [z - points[node] for z, node in zip(learned, nodes[1:], strict=True)]
    result: dict[str, Any] = {
        "exact_amplified": [mean_square(end - arrived) / scale for (end,) in carried[0::3]],
        "small_amplified": [mean_square(end - arrived) / SMALL**2 / scale for (end,) in carried[1::3]],
        "linear_amplified": [mean_square(moved) / scale for moved in linear],
        "path_amplified": path_amplified,
        "path_coherent": coherent_sum(path_amplified),
        "end_to_end": mean_square(offsets[-1]) / scale,
        "path_errors": [math.sqrt(mean_square(offset)) for offset in offsets],
    }
    times = [plan.times[node] for node in nodes]
    factors = flow.factors(times)
    if factors is None:
        return result
    # where the flow takes the learned path from one node to the next: from X along the exact trajectory
    targets = [points[nodes[1]], *(following for following, _ in carried[2:-1:3])]
    before = torch.zeros_like(offsets[0][:, 0])
    worst, errors = -math.inf, []
    for factor, z, target, offset in zip(factors, learned, targets, offsets, strict=True):
        own, after = (z - target).norm(dim=1), offset.norm(dim=1)
        inherited = torch.where(before > 0, factor * before, 0.0)  # where 0 * inf would be NaN
        worst = max(worst, float((after - inherited - own).max()) / math.sqrt(scale))
        errors.append(float(own.max()))
        before = after
    bound, log_bound = plan.process.error_bound(times, errors), log_gronwall_bound(plan.process, times, errors)
    return result | {
        "excess_e1": worst,
        "bound_e3": square(bound) / scale,
        "log_bound_e3": 2 * log_bound - math.log(scale),
        "largest": float(before.max()) ** 2 / scale,
    }

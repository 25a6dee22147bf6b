"""The error ledger of a composition of trained maps (THEORY E1, E2, E3, E5).

Along exact trajectories `y_0 = X ~ p_T`, `y_k = Phi_k(y_{k-1})`, a map makes the local error
`xi_k = Psi_k(y_{k-1}) - y_k`. `D_k = D Phi_{t_k -> delta}(y_k)` says what becomes of it. All means are over fresh
points; the denominators are `E|Phi(X)|^2`, so every entry is a relative mean squared error.

    local_k       E|xi_k|^2                      amplified_k   E|D_k xi_k|^2
    first_order   E|sum_k D_k xi_k|^2            incoherent    sum_k amplified_k
    coherent      (sum_k sqrt(amplified_k))^2    end to end    E|Psi_K o ... o Psi_1(X) - Phi(X)|^2

What contains `D_k` is a mean over `DERIVATIVES / d^2` of the points, or all if they are fewer. Along the learned path
`z_k = Psi_k(z_{k-1})` nothing has to be small: the error at the end is the sum of what the flow makes of each new one,
`Phi_{t_k -> delta}(z_k) - Phi_{t_{k-1} -> delta}(z_{k-1})`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from certflow.distill.plan import Entry, Plan
from certflow.distill.reference import ReferenceFlow
from certflow.distill.samples import TEST
from certflow.distill.training import Trained
from certflow.propagation import coherent_sum

#: Points on which maps and flows are composed exactly (E1, exact amplification): flows cost more than maps.
EXACT = 512
#: Numbers in the derivatives at one time, at most: in more than eight dimensions they are taken at fewer points.
DERIVATIVES = 2**18
#: Factor of local errors at which the flow is as good as linear.
SMALL = 1e-3


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
        return stack.maps(x.float().unsqueeze(0), [index])[0].double()

    def bound(self, where: tuple[int, int, int]) -> float:
        """A bound of the Lipschitz constant of the map."""
        stack, index = self.places[where]
        return float(self.bounds[id(stack)][index])


@dataclass(frozen=True)
class TestSet:
    """Fresh exact trajectories of one seed: points and derivatives to the data end, at every time of the plan.

    points : (T, N, d);  derivatives : (T, n, d, d), `D Phi_{t_i -> delta}(points[i, :n])`, `n` at most N
    """

    points: torch.Tensor
    derivatives: torch.Tensor

    __test__ = False  # not a test, whatever its name says to pytest

    @property
    def scale(self) -> float:
        """`E|Phi(X)|^2`."""
        return float(self.points[-1].square().sum(1).mean())


def test_set(plan: Plan, flow: ReferenceFlow, seed: int) -> TestSet:
    """The points of a seed and, integrated up from the data end, the derivatives of what is still to come."""
    draws = flow.draw(plan.settings.test, seed, TEST)
    points = flow.nodes(draws, plan.times)
    some = max(EXACT, DERIVATIVES // plan.process.mixture.dimension**2)
    _, derivatives = flow.derivatives(points[-1, :some], plan.times[::-1], adjoint=True)
    return TestSet(points, derivatives.flip(0))


def ledger(plan: Plan, entry: Entry, place: int, maps: Maps, tests: TestSet) -> dict[str, Any]:
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
        local.append(_mean_square(error) / scale)
        amplified.append(_mean_square(moved) / scale)
        path = maps.apply(where, path)
        if not torch.isfinite(path).all():
            return row | {"diverged": [len(local)]}
    bounds = [maps.bound(where) for where in wheres]
    row |= {
        "relative_mse": _mean_square(path - tests.points[-1]) / scale,
        "local": local,
        "amplified": amplified,
        "first_order": _mean_square(carried) / scale,
        "incoherent": math.fsum(amplified),
        "coherent": coherent_sum(amplified),
        "lipschitz_bounds": bounds,
        "bound_e2": _square(plan.process.law_error_bound(bounds, [math.sqrt(e) for e in local])),
    }
    return row


def exact_entries(
    plan: Plan, entry: Entry, place: int, maps: Maps, tests: TestSet, flow: ReferenceFlow
) -> dict[str, Any]:
    """What needs the flow at points off the exact trajectories, on the first `EXACT` points.

    exact_amplified : `E|Phi_{t_k -> delta}(y_k + xi_k) - Phi_{t_k -> delta}(y_k)|^2`, without linearisation
    small_amplified, linear_amplified : the same for `SMALL xi_k`, over `SMALL^2`, and `E|D_k xi_k|^2`, on these points
    path_amplified : `E|Phi_{t_k -> delta}(z_k) - Phi_{t_{k-1} -> delta}(z_{k-1})|^2`: these differences add up to the
        error at the end, so that `end_to_end <= (sum_k sqrt(path_amplified_k))^2`, which is `path_coherent`
    end_to_end : the relative mean squared error on these points
    path_errors : root mean squares of the error `e_k = |z_k - y_k|` along the learned path `z_k = Psi_k(z_{k-1})`
    excess_e1 : the largest `|e_k| - exp(Lambda_k) |e_{k-1}| - |Psi_k(z_{k-1}) - Phi_k(z_{k-1})|` over points and k, in
        units of the root of `E|Phi|^2`: by E1 not above 0, but for the error of the reference flow
    bound_e3 : `(sum_k eps_k exp(int_delta^{t_k} lambda))^2 / E|Phi|^2`, `eps_k` the largest error on the learned path
    largest : `max |e_K|^2 / E|Phi|^2`, what E3 bounds
    """
    nodes = plan.nodes(entry)
    points = tests.points[:, :EXACT]
    joining, linear, path, learned = [], [], points[nodes[0]], []
    for start, end in itertools.pairwise(nodes):
        where = (place, start, end)
        error = maps.apply(where, points[start]) - points[end]
        linear.append(_mean_square((tests.derivatives[end, :EXACT] @ error.unsqueeze(2)).squeeze(2)))
        learned.append(maps.apply(where, path))
        path = learned[-1]
        joining.append(torch.cat([points[end] + error, points[end] + SMALL * error, points[end], path]))
    times = [plan.times[node] for node in nodes]
    scale = tests.scale
    ends = flow.sweep(joining, times[1:]) if len(times) > 2 else joining
    moved = [end.reshape(4, -1, end.shape[1]) for end in ends]
    arrivals = [points[-1], *(part[3] for part in moved)]
    path_amplified = [_mean_square(b - a) / scale for a, b in itertools.pairwise(arrivals)]
    result: dict[str, Any] = {
        "exact_amplified": [_mean_square(part[0] - part[2]) / scale for part in moved],
        "small_amplified": [_mean_square(part[1] - part[2]) / SMALL**2 / scale for part in moved],
        "linear_amplified": [value / scale for value in linear],
        "path_amplified": path_amplified,
        "path_coherent": coherent_sum(path_amplified),
        "end_to_end": _mean_square(path - points[-1]) / scale,
        "path_errors": [_root(z - points[n]) for z, n in zip(learned, nodes[1:], strict=True)],
    }
    factors = flow.factors(times)
    if factors is None:
        return result
    before = torch.zeros(points.shape[1], dtype=torch.float64, device=points.device)
    position, worst, errors = points[nodes[0]], -math.inf, []
    for k, z in enumerate(learned):
        target = flow.map(position, times[k], times[k + 1])
        own = (z - target).norm(dim=1)
        after = (z - points[nodes[k + 1]]).norm(dim=1)
        inherited = torch.where(before > 0, factors[k] * before, 0.0)  # where 0 * inf would be NaN
        worst = max(worst, float((after - inherited - own).max()) / math.sqrt(scale))
        errors.append(float(own.max()))
        before, position = after, z
    bound = plan.process.error_bound(times, errors)
    result |= {"excess_e1": worst, "bound_e3": _square(bound) / scale, "largest": float(before.max()) ** 2 / scale}
    return result


def _square(value: float) -> float:
    return value * value  # where `value**2` would raise OverflowError


def _mean_square(error: torch.Tensor) -> float:
    return float(error.square().sum(1).mean())


def _root(error: torch.Tensor) -> float:
    return math.sqrt(_mean_square(error))

"""How much an injected perturbation grows: on the separatrix, at typical points, by the bounds (F1, F3, E5).

A perturbation `xi` at time `t` becomes `D Phi_{t -> delta} xi` at the data end. Along sampled trajectories the
derivative solves the variational equation; its typical size is `A(t) = (E_{p_t} ||D Phi_{t -> delta}||_F^2 / d)^{1/2}`
(proofs/E5.md). The bounds are `exp(int_delta^t lambda)` and `exp(int_delta^t L)`, and on the separatrix of two equal
modes the first of them is attained (F3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch

from certflow.distill.reference import ReferenceFlow
from certflow.distill.results import Growth
from certflow.distill.samples import TEST
from certflow.errors import InputError, NoGlobalBound
from certflow.law.symmetry import is_equal_pair
from certflow.numbers.inputs import seed_numbers, whole_number
from certflow.process import OrnsteinUhlenbeck

#: Sizes of the perturbations that are really injected, in units of the noise: where they count, the flow is not linear.
SIZES = (1e-6, 1e-3, 1e-1)
POINTS = 2048
TIMES = 33
#: Largest exponent of one step on the separatrix.
STEP_GROWTH = 0.05


def growth(
    process: OrnsteinUhlenbeck, seeds: int | Sequence[int] = 5, device: torch.device | str = "cpu", points: int = POINTS
) -> Growth:
    """Measure the growth of perturbations on `points` fresh trajectories for each seed.

    Raises
    ------
    InputError : no seeds, or one that is not an int >= 0; fewer than 2 points.
    """
    requirement = "at least one seed, ints >= 0"
    numbers = seed_numbers(seeds, 2**32 - 1, requirement)
    if not numbers:
        raise InputError("seeds", seeds, requirement)
    points = whole_number(points, "points", 2)
    flow = ReferenceFlow(process, device)
    flow.choose_steps(flow.draw(points, numbers[0], TEST), process.t_max, process.t_min)
    times = _times(process, flow)
    found = [_sampled(process, flow, times, seed, points) for seed in numbers]
    typical, median, largest = (np.array([one[i] for one in found]) for i in range(3))
    injected = {f"{size:g}": float(np.mean([one[3][size] for one in found])) for size in SIZES}
    return Growth(
        times=tuple(times),
        typical=tuple(typical.mean(0).tolist()),
        typical_deviation=tuple((typical.std(0, ddof=1) if len(numbers) > 1 else 0 * typical[0]).tolist()),
        median=tuple(median.mean(0).tolist()),
        largest=tuple(largest.max(0).tolist()),
        one_sided=_exponents(process, times, "one-sided"),
        two_sided=_exponents(process, times, "two-sided"),
        separatrix=_separatrix(process, flow, times),
        injected=injected,
        seeds=len(numbers),
        points=points,
    )


def points_in(dimension: int) -> int:
    """How many points are affordable: derivatives cost the square of the dimension."""
    return min(POINTS, max(256, 2 * POINTS // dimension))


def _times(process: OrnsteinUhlenbeck, flow: ReferenceFlow) -> list[float]:
    """Evenly spaced in the time of the reference flow, with the ends as they are given."""
    low, high = flow.stretched(process.t_min), flow.stretched(process.t_max)
    inner = [flow.time(y) for y in np.linspace(high, low, TIMES)[1:-1]]
    return [process.t_max, *inner, process.t_min]


def _sampled(
    process: OrnsteinUhlenbeck, flow: ReferenceFlow, times: list[float], seed: int, points: int
) -> tuple[list[float], list[float], list[float], dict[float, float]]:
    x = flow.draw(points, seed, TEST)
    end = flow.map(x, times[0], times[-1])
    _, derivatives = flow.derivatives(end, times[::-1], adjoint=True)
    derivatives = derivatives.flip(0)
    d = process.mixture.dimension
    typical = (derivatives.square().sum((2, 3)).mean(1) / d).log() / 2
    norms = torch.linalg.matrix_norm(derivatives, ord=2).log()
    direction = torch.from_numpy(np.random.default_rng([seed, 2]).standard_normal(x.shape)).to(x)
    direction = direction / direction.norm(dim=1, keepdim=True)
    injected = {}
    for size in SIZES:
        moved = flow.map(x + size * direction, times[0], times[-1]) - end
        injected[size] = math.log(float(moved.square().sum(1).mean())) / 2 - math.log(size)
    return typical.tolist(), norms.median(dim=1).values.tolist(), norms.amax(1).tolist(), injected


def _exponents(process: OrnsteinUhlenbeck, times: list[float], rate: str) -> tuple[float, ...] | None:
    try:
        values = process.stability(np.full(len(times), process.t_min), np.array(times), rate)
    except NoGlobalBound:
        return None
    return tuple(float(value) for value in values)


def _separatrix(process: OrnsteinUhlenbeck, flow: ReferenceFlow, times: list[float]) -> tuple[float, ...] | None:
    """The hyperplane midway is invariant; on it `x = m (mu_1 + mu_2)/2` is a trajectory.

    The variational equation is integrated from one time to the next with steps in which it grows by at most
    `e^{STEP_GROWTH}`; the factors are multiplied with their size kept apart, for it passes the largest float64.
    """
    if not is_equal_pair(process.mixture):
        return None
    middle = torch.from_numpy(process.mixture.means.mean(0)).to(flow.device).unsqueeze(0)
    product = torch.eye(process.mixture.dimension, dtype=torch.float64, device=flow.device)
    logs = [0.0]
    for later, earlier in pairwise(times[::-1]):  # from the data end up
        growing = float(process.stability(later, earlier))
        width = flow.stretched(earlier) - flow.stretched(later)
        finer = ReferenceFlow(process, flow.device, steps=max(32, math.ceil(growing / STEP_GROWTH / width)))
        _, factors = finer.derivatives(math.exp(-later) * middle, (later, earlier), adjoint=True)
        product = product @ factors[1, 0]
        size = float(torch.linalg.matrix_norm(product, ord=2))
        logs.append(logs[-1] + math.log(size))
        product = product / size
    return tuple(logs[::-1])

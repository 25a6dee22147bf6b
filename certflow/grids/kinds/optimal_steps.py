"""OptimalSteps (Pei, Hu, Gu 2025, arXiv 2503.21774, and its published code; proofs/optimal-steps.md)."""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.grids.fields import Field, field_of
from certflow.grids.kinds.coordinates import nodes as coordinate_nodes
from certflow.grids.rates import check_sigma_range
from certflow.numbers.arrays import Floats, Indices, Points, Times
from certflow.process import OrnsteinUhlenbeck

#: Candidates unless told otherwise (the 200 teacher steps of the published code).
_CANDIDATES = 201


def nodes(
    process: OrnsteinUhlenbeck | Field,
    segments: int,
    *,
    candidates: int | None,
    shift: float,
    samples: int,
    seed: int,
) -> tuple[Times, dict[str, Any]]:
    """The `K + 1` of `N` candidates that `cheapest_rollout` chooses for Euler steps in `sigma`; shape (K + 1,).

    The candidates are uniform in the time of flow matching, `u = sigma/(1 + sigma)`, then shifted as a model of it
    shifts them (`coordinates.flow_matching`); an Euler step in `u` is one in `sigma`. The teacher is the exact flow,
    where the original takes Euler steps between all candidates.
    """
    check_sigma_range(process, "optimal-steps")
    field, number = field_of(process), candidates or max(_CANDIDATES, 4 * segments + 1)
    if number <= segments:
        raise InputError("candidates", number, f"more than segments = {segments} candidates")
    times = coordinate_nodes(process, number - 1, kind="flow-matching", shift=shift)[0]
    times[0], times[-1] = process.t_max, process.t_min
    if not (np.diff(times) < 0).all():
        raise InputError("candidates", number, "fewer candidates or a wider interval: float64 cannot tell all apart")
    start = field.draws(samples, seed).at(field.t_max)
    return times[cheapest_rollout(field, start, times, segments)], {"candidates": number}


def cheapest_rollout(process: OrnsteinUhlenbeck | Field, start: Points, times: Times, segments: int) -> Indices:
    """Indices `0 = i_0 < ... < i_K = N - 1` by the recursion of the paper over what a student reaches in `k` steps.

    With the teacher's states `X_j` and `x_0(0) = X_0`, all of them for every row of `start`,

        i_k(j) = argmin_{i < j} E |S(x_{k-1}(i); t_i, t_j) - X_j|^2,    x_k(j) = S(x_{k-1}(i); t_i, t_j) at i = i_k(j),

    `S(x; s, t) = m_t D(x, s) + sqrt(1 - m_t^2) eps(x, s)` one Euler step in `sigma` (DDIM), `D = E[X_0|x]` the
    denoiser, `eps` the predicted noise. The nodes are traced back from the last candidate. Exactly `K` steps are taken;
    one choice serves all rows. K N evaluations for each row.

    start : points at `times[0]`, shape (n, d); times : shape (N,), decreasing
    """
    size = times.size
    if segments == 1:
        return np.array([0, size - 1])
    field = field_of(process)
    teacher = field.trajectories(start, times)
    signal, noise = np.exp(-times), np.sqrt(-np.expm1(-2 * times))
    states = np.broadcast_to(start, teacher.shape).copy()
    choices: list[Indices] = []
    for k in field.told(range(1, segments + 1), 1, 2):
        sources = np.arange(1) if k == 1 else np.arange(k - 1, size - 1)
        data, normal = field.predictions(states[sources], times[sources])
        costs = _costs(data, normal, teacher, signal, noise)
        costs[sources[:, None] >= np.arange(size)] = np.inf
        best = costs.argmin(axis=0)
        choices.append(sources[best])
        states = signal[:, None, None] * data[best] + noise[:, None, None] * normal[best]
    path = [size - 1]
    for choice in reversed(choices):
        path.append(int(choice[path[-1]]))
    return np.array(path[::-1])


def _costs(data: Floats, normal: Floats, teacher: Floats, signal: Floats, noise: Floats) -> Floats:
    """`E |m_j D_i + sqrt(1 - m_j^2) eps_i - X_j|^2`, shape (S, N), expanded so that matrix products do the work."""
    rows = teacher.shape[1]
    left, right, goal = (part.reshape(len(part), -1) for part in (data, normal, teacher))
    squares = np.stack([(a * b).sum(axis=1) for a, b in ((left, left), (left, right), (right, right))])
    weights = np.stack([signal**2, 2 * signal * noise, noise**2])
    mixed: Floats = signal * (left @ goal.T) + noise * (right @ goal.T)
    costs: Floats = (squares.T @ weights - 2 * mixed + (goal * goal).sum(axis=1)) / rows
    return costs

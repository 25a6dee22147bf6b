"""The grid of GITS (Chen, Zhou, Wang, Shen, Lyu 2024, arXiv 2405.11326, section 4.2 and its published code)."""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.grids.fields import Field, field_of
from certflow.grids.kinds.ays import cheapest_path
from certflow.grids.kinds.coordinates import nodes as coordinate_nodes
from certflow.grids.rates import check_sigma_range
from certflow.numbers.arrays import Floats, Points, Times
from certflow.process import OrnsteinUhlenbeck

#: Candidates unless told otherwise.
_CANDIDATES = 61


def nodes(
    process: OrnsteinUhlenbeck | Field,
    segments: int,
    *,
    candidates: int | None,
    coefficient: float,
    metric: str,
    samples: int,
    seed: int,
) -> tuple[Times, dict[str, Any]]:
    """The `K + 1` of `N` candidates that minimise `sum_k coefficient^{k-1} c(t_{k-1}, t_k)`, by dynamic programming.

    The candidates are those of EDM (`rho = 7`), the coefficient 1.15 weighs later steps more; both as published. The
    teacher is the exact flow where the original takes iPNDM steps between the candidates. `c` is `step_costs`.
    """
    check_sigma_range(process, "gits")
    field, number = field_of(process), candidates or max(_CANDIDATES, 2 * segments + 1)
    if number <= segments:
        raise InputError("candidates", number, f"more than segments = {segments} candidates")
    if metric == "deviation" and field.dimension == 1:
        raise InputError("metric", metric, "l2 in one dimension, where no point deviates from a line")
    times = coordinate_nodes(process, number - 1, kind="karras", rho=7.0)[0]
    times[0], times[-1] = process.t_max, process.t_min
    start = field.draws(samples, seed).at(field.t_max)
    costs = step_costs(field, start, times, metric)
    return times[cheapest_path(costs, segments, coefficient)], {"candidates": number}


def step_costs(process: OrnsteinUhlenbeck | Field, start: Points, times: Times, metric: str) -> Floats:
    """`c(t_i, t_j)` for `i < j`, the rest infinite; shape (N, N).

    In the variance-exploding convention `y = x/m`, `sigma = sqrt(e^{2t} - 1)`, the flow is `dy/dsigma = -sigma m
    grad log p_t(x)`. From the teacher's `y_i` one Euler step gives `z = y_i + (sigma_j - sigma_i) y_i'`. Metric "l2":
    `E |z - y_j|`. Metric "deviation", the default of the published code: by how much `z` is farther than `y_j` from
    the line through the ends of its trajectory, in the mean; this can be negative.

    start : points at `times[0]`, shape (n, d); times : shape (N,), decreasing
    """
    field, scale = field_of(process), np.exp(times)[:, None, None]
    points = field.trajectories(start, times)
    sigmas = np.sqrt(np.expm1(2 * times))
    slopes = np.stack([field.score(x, t) for x, t in field.told(list(zip(points, times, strict=True)), 1, 2)])
    slopes *= -(sigmas * np.exp(-times))[:, None, None]
    exact = points * scale
    line = exact[-1] - exact[0]
    unit = line / np.linalg.norm(line, axis=-1, keepdims=True)
    costs = np.full((times.size, times.size), np.inf)
    for i in range(times.size - 1):
        reached = exact[i] + (sigmas[i + 1 :] - sigmas[i])[:, None, None] * slopes[i]
        if metric == "l2":
            costs[i, i + 1 :] = np.linalg.norm(reached - exact[i + 1 :], axis=-1).mean(axis=1)
        else:
            costs[i, i + 1 :] = _off_line(reached - exact[-1], unit) - _off_line(exact[i + 1 :] - exact[-1], unit)
    return costs


def _off_line(vectors: Points, unit: Points) -> Floats:
    """Mean distance of points from the line through the origin along `unit`; shape of `vectors` but the last two."""
    along = (vectors * unit).sum(axis=-1, keepdims=True)
    distances: Floats = np.linalg.norm(vectors - along * unit, axis=-1).mean(axis=-1)
    return distances

"""A few end points of the composed maps beside the exact ones, for pictures."""

from __future__ import annotations

import itertools
from typing import Any

import torch

from certflow.distill.ledger import Maps
from certflow.distill.plan import Plan
from certflow.distill.reference import ReferenceFlow
from certflow.distill.samples import TEST

#: End points that are kept of each grid, and their coordinates.
POINTS, COORDINATES = 400, 2


def clouds(plan: Plan, maps: Maps, flow: ReferenceFlow) -> dict[str, Any]:
    """`Phi(X)` and `Psi_K o ... o Psi_1(X)` at the same `X ~ p_T`, of the first seed, at the largest K.

    Returns the first two coordinates, five digits of each: `reference` and, for each grid of which nothing diverged,
    `grids[label]`, lists of shape (n, 2), or (n, 1) in one dimension.
    """
    largest = max(entry.segments for entry in plan.entries)
    start = flow.draw(min(POINTS, plan.settings.test), plan.seeds[0], TEST)
    composed = {}
    for entry in plan.entries:
        wheres = [(0, *ends) for ends in itertools.pairwise(plan.nodes(entry))]
        if entry.segments != largest or not maps.broken.isdisjoint(wheres):
            continue
        path = start
        for where in wheres:
            path = maps.apply(where, path)
        if torch.isfinite(path).all():
            composed[entry.label] = _shown(path)
    exact = flow.map(start, plan.process.t_max, plan.process.t_min)
    return {"segments": largest, "seed": plan.seeds[0], "reference": _shown(exact), "grids": composed}


def _shown(points: torch.Tensor) -> list[list[float]]:
    return [[float(f"{value:.5g}") for value in point] for point in points[:, :COORDINATES].tolist()]

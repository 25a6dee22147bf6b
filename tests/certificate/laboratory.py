"""Students of two modes in one dimension as the laboratory trains them, on uniform and on balanced grids."""

from __future__ import annotations

import torch

import certflow as cf
from certflow.distill.exact_pairs import Measure, in_float64, stratified
from certflow.distill.reference import ReferenceFlow
from certflow.distill.settings import Settings
from certflow.distill.students.one_step import two_modes
from certflow.distill.training import Segment, train
from certflow.enclosure.students.maps import ExactMap
from certflow.flow.quantile_map import QuantileMap

KINDS = ("uniform", "stability-balanced")
SETTINGS = Settings(hidden=32, depth=2, activation="silu", steps=2000, batch=128, learning_rate=1e-2, pool=16_384)


def trained(sigma: str, segments: int) -> tuple[cf.OrnsteinUhlenbeck, dict[str, list[ExactMap]]]:
    """The process, and the maps of each kind of grid, the first to be applied first."""
    p = two_modes(sigma)
    grids = [cf.time_grid(p, segments, kind) for kind in KINDS]
    z, _ = stratified(QuantileMap(p), Measure(QuantileMap(p)).coarse, SETTINGS.pool)
    points, flow = torch.from_numpy(z).unsqueeze(1), ReferenceFlow(p, torch.device("cpu"))
    flow.choose_steps(points[:: len(z) // 512], p.t_max, p.t_min, SETTINGS.tolerance)
    times = sorted({float(t) for grid in grids for t in grid.times}, reverse=True)
    nodes = flow.nodes(points, times)
    pool = torch.stack([nodes[times.index(float(t))] for grid in grids for t in grid.times]).float().unsqueeze(0)
    parts = [
        Segment(0, first + i, first + i + 1, key=f"{kind}/{i}", origin="0")
        for kind, first in zip(KINDS, (0, segments + 1), strict=True)
        for i in range(segments)
    ]
    maps = in_float64(train(parts, pool, SETTINGS)[0].maps)
    return p, {
        kind: [exact(maps, start + i) for i in range(segments)]
        for kind, start in zip(KINDS, (0, segments), strict=True)
    }


def exact(maps: object, index: int) -> ExactMap:
    """One of a stack."""
    n = maps.normalisers  # type: ignore[attr-defined]
    numbers = (n.input_mean, n.input_scale, n.output_mean, n.output_scale)
    weights, biases = maps.weights, maps.biases  # type: ignore[attr-defined]
    return ExactMap(
        tuple(w[index].detach().numpy() for w in weights),
        tuple(b[index, 0].detach().numpy() for b in biases),
        "silu",
        1.0,
        *(x[index, 0].numpy() for x in numbers),
    )

"""The picture that `certflow grid --plot` draws, as SVG or PNG: the rates over time, and the nodes on them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from certflow.atomic import write_bytes_atomic
from certflow.errors import InputError, NoGlobalBound
from certflow.grids.grid import TimeGrid
from certflow.grids.kinds.typical import typical_rate
from certflow.grids.rates import log_times
from certflow.grids.registry import grid_of_kind
from certflow.process import OrnsteinUhlenbeck

if TYPE_CHECKING:
    from certflow.report.canvas import Axes

#: Grids drawn below the one that was asked for.
BASELINES = ("uniform", "logsnr", "karras", "typical")
_POINTS, _SAMPLES, _MARKS = 129, 1024, 64


def draw(grid: TimeGrid, process: OrnsteinUhlenbeck, target: Path) -> None:
    """Draw nodes over rates and write the file, atomically; the suffix chooses the format."""
    from certflow.report.canvas import Figure, default_style
    from certflow.report.svg import figure_file

    with default_style():
        figure = Figure(figsize=(8.6, 5.8), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1.15])
        _draw_rates(upper, grid, process)
        _draw_grids(lower, grid, process)
        name = process.mixture.name.replace("$", r"\$")
        figure.suptitle(f"{name}: {grid.kind} grid of {grid.segments} segments", fontsize=11)
        title = f"Nodes of the {grid.kind} grid of {process.mixture.name} over its rates"
        content = figure_file(figure, "grid", title, target.suffix.lower())
    write_bytes_atomic(target, content)


def _draw_rates(axes: Axes, grid: TimeGrid, process: OrnsteinUhlenbeck) -> None:
    from certflow.report.plots import FAINT, INK, ONE_SIDED, TWO_SIDED, scale_wide_range

    times = log_times(process, _POINTS)
    curves = []
    try:
        curves.append((process.lipschitz_bound(times), "$L(t)$, two-sided bound", TWO_SIDED, "-"))
        curves.append((process.growth_rate_bound(times), r"$\lambda(t)$, one-sided bound", ONE_SIDED, "--"))
    except NoGlobalBound:
        pass
    typical = typical_rate(process, times, samples=_SAMPLES)
    curves.append((typical, r"typical $\Vert\nabla u\Vert_F$, sampled", INK, ":"))
    for values, label, colour, dashes in curves:
        axes.plot(times, values, color=colour, linestyle=dashes, label=label, linewidth=1.5)
    for node in grid.times if grid.segments <= _MARKS else ():
        axes.axvline(node, color=FAINT, linewidth=0.6, zorder=0)
    axes.set_xscale("log")
    axes.set_ylabel("rate (per unit of $t$)")
    shown = np.concatenate([values for values, *_ in curves])
    if shown.min() > 0:
        axes.set_yscale("log")
    else:
        scale_wide_range(axes, shown)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=True, facecolor="white", edgecolor="none", framealpha=1.0)


def _draw_grids(axes: Axes, grid: TimeGrid, process: OrnsteinUhlenbeck) -> None:
    from certflow.report.plots import FAINT, INK, PAPER

    rows = [grid]
    for kind in BASELINES:
        if kind != grid.kind:
            with suppress(InputError):  # one that this process does not have
                rows.append(grid_of_kind(process, grid.segments, kind))
    for height, row in enumerate(rows):
        first = row is grid
        axes.plot(
            row.times,
            np.full(row.times.size, -height),
            "|" if row.segments > _MARKS else "o",
            color=INK if first else FAINT,
            markerfacecolor=INK if first else PAPER,
            markersize=5,
        )
    axes.set_yticks([-height for height in range(len(rows))], [row.kind for row in rows])
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_xlabel("$t$ (dimensionless Ornstein–Uhlenbeck time); sampling runs to the left")

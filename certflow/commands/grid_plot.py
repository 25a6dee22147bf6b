"""The figure that `certflow grid --plot` draws: the rates over time, and the nodes on them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from certflow.commands.plotting import Plot, label
from certflow.errors import InputError, NoGlobalBound
from certflow.grids.grid import TimeGrid
from certflow.grids.kinds.typical import typical_rate
from certflow.grids.rates import log_times
from certflow.grids.registry import grid_of_kind
from certflow.process import OrnsteinUhlenbeck

if TYPE_CHECKING:
    from certflow.report.canvas import Axes, Figure
    from certflow.report.style import Sheet

#: Grids drawn below the one that was asked for.
BASELINES = ("uniform", "logsnr", "karras", "typical")
_POINTS, _SAMPLES, _MARKS = 129, 1024, 64


def draw(grid: TimeGrid, process: OrnsteinUhlenbeck, plot: Plot) -> None:
    """Draw nodes over rates and write the file, whole or not at all."""
    title = f"Nodes of the {grid.kind} grid of {process.mixture.name} over its rates"
    plot.write(lambda sheet: _figure(sheet, grid, process), "grid", title)


def _figure(sheet: Sheet, grid: TimeGrid, process: OrnsteinUhlenbeck) -> Figure:
    from certflow.report.axes import sampling_arrow, time_axes

    figure = sheet.figure(3.8 if sheet.narrow else 4.6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1.35 if sheet.narrow else 1.15])
    _draw_rates(upper, grid, process, sheet)
    _draw_grids(lower, grid, process, sheet)
    time_axes(upper, lower)
    sampling_arrow(upper)
    lower.spines["left"].set_visible(False)
    figure.suptitle(f"{label(process.mixture.name)}: {grid.kind} grid of {grid.segments} segments")
    return figure


def _draw_rates(axes: Axes, grid: TimeGrid, process: OrnsteinUhlenbeck, sheet: Sheet) -> None:
    from certflow.report.axes import scale_wide_range
    from certflow.report.style import FAINT, INK, ONE_SIDED, TWO_SIDED

    times = log_times(process, _POINTS)
    curves = []
    try:
        curves.append((process.lipschitz_bound(times), "$L(t)$, two-sided bound", TWO_SIDED, "-"))
        curves.append((process.growth_rate_bound(times), r"$\lambda(t)$, one-sided bound", ONE_SIDED, "--"))
    except NoGlobalBound:
        pass
    typical = typical_rate(process, times, samples=_SAMPLES)
    curves.append((typical, r"typical $\Vert\nabla u\Vert_F$, sampled", INK, ":"))
    for values, told, colour, dashes in curves:
        axes.plot(times, values, color=colour, linestyle=dashes, label=told)
    for node in grid.times if grid.segments <= _MARKS else ():
        axes.axvline(node, color=FAINT, linewidth=0.6, zorder=0)
    axes.set_ylabel("rate (per unit of $t$)")
    shown = np.concatenate([values for values, *_ in curves])
    if shown.min() > 0:
        axes.set_yscale("log")
    else:
        scale_wide_range(axes, shown)
    axes.legend(frameon=True, facecolor=sheet.ground, edgecolor="none", framealpha=1.0)


def _draw_grids(axes: Axes, grid: TimeGrid, process: OrnsteinUhlenbeck, sheet: Sheet) -> None:
    from certflow.report.style import FAINT, INK

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
            markerfacecolor=INK if first else sheet.ground,
        )
    axes.set_yticks([-height for height in range(len(rows))], [row.kind for row in rows])
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.tick_params(axis="y", length=0)

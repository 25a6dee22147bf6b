"""The picture that `certflow bound --plot` draws, as SVG or PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from certflow.atomic import write_bytes_atomic
from certflow.commands.bound_table import Balls, Rates
from certflow.numbers.arrays import Floats, Times
from certflow.numbers.exact import exact_number
from certflow.process import OrnsteinUhlenbeck

if TYPE_CHECKING:
    from certflow.report.canvas import Axes, Figure


def draw(found: Rates | Balls, process: OrnsteinUhlenbeck, target: Path) -> None:
    """Draw the bounds over time and write the file, atomically; the suffix chooses the format."""
    from certflow.report.canvas import Figure, default_style
    from certflow.report.svg import figure_file

    with default_style():
        figure = Figure(figsize=(8.6, 6.4 if isinstance(found, Rates) else 3.9), layout="constrained")
        if isinstance(found, Rates):
            _draw_rates(figure, found, process)
        else:
            _draw_balls(figure, found)
        figure.suptitle(process.mixture.name.replace("$", r"\$"), fontsize=11)
        content = figure_file(figure, "bound", f"Bounds of {process.mixture.name} over time", target.suffix.lower())
    write_bytes_atomic(target, content)


def _draw_rates(figure: Figure, found: Rates, process: OrnsteinUhlenbeck) -> None:
    from certflow.report.plots import scale_wide_range

    upper, lower = figure.subplots(2, 1, sharex=True)
    times = np.array(found.curve_times)
    _line(upper, times, found.curve_two_sided, "$L(t)$, two-sided", 0)
    _line(upper, times, found.curve_one_sided, r"$\lambda(t)$, one-sided", 1)
    upper.set_ylabel("rate (per unit of $t$)")
    values = np.array([*found.curve_one_sided, *found.curve_two_sided])
    if values.min() > 0:
        upper.set_yscale("log")
    else:
        scale_wide_range(upper, values)
    for style, (rate, label) in enumerate((("two-sided", r"$\int L$"), ("one-sided", r"$\int \lambda$"))):
        steps = process.stability(times[:-1], times[1:], rate=rate)
        _line(lower, times, np.concatenate([[0.0], np.cumsum(steps)]), label, style)
    lower.set_ylabel(r"cumulative stability from $t_{\min}$")
    _finish(upper, lower)


def _draw_balls(figure: Figure, found: Balls) -> None:
    axes = figure.subplots()
    times = [float(exact_number(time)) for time in found.times]
    for style, radius in enumerate(sorted({row.radius for row in found.rows})):
        rows = sorted((row for row in found.rows if row.radius == radius), key=lambda row: row.index)
        _line(axes, times, [row.bound for row in rows], f"$|x| \\leq {radius:g}$", style)
    axes.set_yscale("log")
    axes.set_ylabel(r"bound of $\Vert\nabla u\Vert$ on the ball")
    _finish(axes)


def _line(axes: Axes, times: Sequence[float] | Times, values: Sequence[float] | Floats, label: str, style: int) -> None:
    from certflow.report.plots import INK, ONE_SIDED, TWO_SIDED

    colours = (TWO_SIDED, ONE_SIDED, INK)
    dashes = ("-", "--", ":", "-.", (0, (1, 3)))
    axes.plot(times, values, linestyle=dashes[style % 5], color=colours[style % 3], label=label, linewidth=1.5)


def _finish(*panels: Axes) -> None:
    for axes in panels:
        axes.set_xscale("log")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    panels[-1].set_xlabel("$t$ (dimensionless Ornstein–Uhlenbeck time)")

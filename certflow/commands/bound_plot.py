"""The figure of `certflow bound --plot`: bounds over time, with --sharp against suprema and measured growth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from certflow.commands.bound_table import Balls, Rates
from certflow.commands.plotting import Plot, label
from certflow.numbers.exact import exact_number
from certflow.process import OrnsteinUhlenbeck

if TYPE_CHECKING:
    from certflow.commands.bound_sharp import Sharp
    from certflow.report.canvas import Figure
    from certflow.report.document import Curves
    from certflow.report.style import Sheet


def draw(found: Rates | Balls, process: OrnsteinUhlenbeck, plot: Plot, enclosed: Sharp | None) -> None:
    """Draw the bounds over time and write the file, whole or not at all."""
    name = process.mixture.name
    if isinstance(found, Balls):
        plot.write(lambda sheet: _balls(sheet, found, name), "bound", f"Bounds of {name} on balls over time")
        return
    curves = _curves(found, process, enclosed)
    against = "" if enclosed is None else ", against the suprema and the rate at draws"
    plot.write(lambda sheet: _rates(sheet, curves, enclosed, name), "bound", f"Bounds of {name} over time{against}")


def _curves(found: Rates, process: OrnsteinUhlenbeck, enclosed: Sharp | None) -> Curves:
    """What a report draws too, on the grid of the picture."""
    from certflow.report.curves import measured_growth, points_in
    from certflow.report.document import Curves

    times = np.array(found.curve_times)
    sums = [
        np.concatenate([[0.0], np.cumsum(process.stability(times[:-1], times[1:], rate=rate))]).tolist()
        for rate in ("two-sided", "one-sided")
    ]
    curves = Curves(
        times=found.curve_times,
        lipschitz=found.curve_two_sided,
        growth_rate=found.curve_one_sided,
        stability_two_sided=tuple(sums[0]),
        stability_one_sided=tuple(sums[1]),
    )
    if enclosed is None:
        return curves
    at = [float(exact_number(time)) for time in enclosed.times]
    ends = {
        f"sharp_{rate}{suffix}": tuple(
            (t, float(getattr(one, end))) for t, one in zip(at, getattr(enclosed, rate), strict=True)
        )
        for rate in ("two_sided", "one_sided")
        for suffix, end in (("", "upper"), ("_lower", "lower"))
    }
    points = points_in(process)
    return curves.model_copy(
        update={**ends, "measured": measured_growth(process, points), "measured_points": points},
    )


def _rates(sheet: Sheet, curves: Curves, enclosed: Sharp | None, name: str) -> Figure:
    from certflow.report.axes import sampling_arrow
    from certflow.report.charts import Curve, Marks, draw_panel, draw_rates
    from certflow.report.style import ONE_SIDED, TWO_SIDED

    lines = 0 if enclosed is None else 6 if sheet.narrow else 3  # of the legend below
    figure = sheet.figure((4.3 if sheet.narrow else 5.0) + lines * sheet.size / 50)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1.3, 1))
    draw_rates(upper, curves, sheet)
    upper.set_xlabel("")
    sampling_arrow(upper)
    total = None if enclosed is None else enclosed.integral
    marks = []
    if total is not None:
        place = (curves.times[-1], float(total.lower), float(total.upper))
        marks = [Marks([place], r"$\int\lambda^*$: enclosed", ONE_SIDED, "o")]
    integrals = [
        Curve(curves.stability_two_sided, r"$\int L$", TWO_SIDED, "-"),
        Curve(curves.stability_one_sided, r"$\int\lambda$", ONE_SIDED, "--"),
    ]
    draw_panel(lower, sheet, curves.times, integrals, r"integral from $t_{\min}$", marks)
    figure.suptitle(label(name))
    return figure


def _balls(sheet: Sheet, found: Balls, name: str) -> Figure:
    from certflow.report.charts import Curve, draw_panel
    from certflow.report.style import INK, ONE_SIDED, TWO_SIDED

    figure = sheet.figure(3.2 if sheet.narrow else 3.6)
    axes = figure.subplots()
    times = [float(exact_number(time)) for time in found.times]
    colours, dashes = (TWO_SIDED, ONE_SIDED, INK), ("-", "--", ":", "-.", (0, (1, 3)))
    curves = []
    for style, radius in enumerate(sorted({row.radius for row in found.rows})):
        rows = sorted((row for row in found.rows if row.radius == radius), key=lambda row: row.index)
        bounds = [row.bound for row in rows]
        curves.append(Curve(bounds, f"$|x| \\leq {radius:g}$", colours[style % 3], dashes[style % 5]))
    axes.set_yscale("log")
    draw_panel(axes, sheet, times, curves, r"bound of $\Vert\nabla u\Vert$ on the ball")
    figure.suptitle(label(name))
    return figure

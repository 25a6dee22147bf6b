"""Two more figures of a distillation experiment: clouds of end points, and the growth of perturbations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from certflow.distill.results import BASELINE, Growth, Results
from certflow.numbers.arrays import Floats, Points
from certflow.numbers.numerals import above
from certflow.process import OrnsteinUhlenbeck
from certflow.report.axes import power_ticks
from certflow.report.canvas import Axes, Figure, FixedLocator, FuncFormatter
from certflow.report.formatting import number
from certflow.report.laboratory.findings import error_text
from certflow.report.laboratory.plots import Drawing, drawing, looks, time_axis
from certflow.report.style import FAINT, INK, ONE_SIDED, SCREEN, TWO_SIDED, TYPICAL, drawing_style

#: Decades up to which an axis has ticks at 1, 2, 5 rather than at powers of ten.
_FEW_DECADES = 2.5


def clouds(results: Results) -> Drawing | None:
    """Exact end points beside those of the composed maps, of the uniform grid and of the best other one.

    None where the experiment kept no points (`certflow.distill.clouds`).
    """
    samples = results.setting.get("samples")
    if not samples or not samples["grids"]:
        return None
    largest = samples["segments"]
    means = {grid: results.spread(grid, largest) for grid in samples["grids"]}
    others = sorted((spread.mean, grid) for grid, spread in means.items() if spread and grid != BASELINE)
    shown = [grid for grid in (BASELINE, *(grid for _, grid in others[:1])) if grid in means]
    reference = np.array(samples["reference"], dtype=float)
    composed = {grid: np.array(samples["grids"][grid], dtype=float) for grid in shown}
    with drawing_style():
        figure = SCREEN.figure(3.6)
        if reference.shape[1] == 1:
            _histogram(figure, reference[:, 0], {grid: points[:, 0] for grid, points in composed.items()}, results)
        else:
            _scatter(figure, reference, composed, results)
        errors = "; ".join(f"{grid}: {error_text(means[grid])}" for grid in shown)
        what = (
            "Histograms of the exact end points Φ(X), shaded, and of the composed maps"
            if reference.shape[1] == 1
            else "The exact end points Φ(X), in the first two coordinates, and those of the composed maps, each with a "
            "line from where it should be"
        )
        if reference.shape[1] == 1:
            hint = "The shape can be right where single points are not: the error is that of points."
        else:
            hint = "Where a cloud looks right and its lines are long, the samples are good, but not those of the flow."
        return drawing(
            figure,
            "clouds",
            f"End points, K = {largest}",
            f"{what}; the same {len(reference)} draws of X, seed {samples['seed']}. {hint} "
            f"Mean relative squared error over all seeds: {errors}.",
        )


def _scatter(figure: Figure, reference: Points, composed: dict[str, Floats], results: Results) -> None:
    panels = figure.subplots(1, 1 + len(composed), sharex=True, sharey=True, squeeze=False)[0]
    styles = looks(results)
    panels[0].plot(*reference.T, ".", color=INK, markersize=2.5)
    panels[0].set_title(r"exact, $\Phi(X)$")
    for axes, (grid, points) in zip(panels[1:], composed.items(), strict=True):
        gap = np.full(len(points), np.nan)
        lines = [np.stack([reference[:, i], points[:, i], gap], axis=1).ravel() for i in (0, 1)]
        axes.plot(*lines, color=FAINT, linewidth=0.5)
        axes.plot(*points.T, ".", color=styles[grid].colour, markersize=2.5)
        axes.set_title(grid)
    low, high = (f(reference, axis=0) for f in (np.min, np.max))
    room = 0.15 * (high - low).max()
    shape = (high - low + 2 * room)[::-1]
    figure.set_figheight(min(6.0, 0.9 + 8.0 / len(panels) * float(shape[0] / shape[1])))
    for axes in panels:
        axes.set_aspect("equal")
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlim(low[0] - room, high[0] + room)  # a point far off must not shrink all others
        axes.set_ylim(low[1] - room, high[1] + room)
        axes.set_xlabel("$x_1$")
    panels[0].set_ylabel("$x_2$")


def _histogram(figure: Figure, reference: Points, composed: dict[str, Floats], results: Results) -> None:
    axes = figure.add_subplot()
    styles = looks(results)
    spread = float(np.ptp(reference)) or 1.0
    edges = np.linspace(reference.min() - 0.2 * spread, reference.max() + 0.2 * spread, 57).tolist()
    axes.hist(reference, edges, color=FAINT, alpha=0.35, label=r"exact, $\Phi(X)$")
    for grid, points in composed.items():
        inside = np.clip(points[np.isfinite(points)], edges[0], edges[-1])
        axes.hist(inside, edges, histtype="step", color=styles[grid].colour, linestyle=styles[grid].dashes, label=grid)
    axes.set_xlabel("$x$  (beyond the ends: counted in the outermost bin)")
    axes.set_ylabel("points")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)


def growth_of_perturbations(growth: Growth, process: OrnsteinUhlenbeck) -> Drawing:
    """Growth of a perturbation made at t until the data end: measured, and what bounds it (proofs/F1.md, F3, E5).

    Drawn are exponents over `ln 10`, so that bounds beyond the largest float64 have their place.
    """
    times = np.array(growth.times)
    measured: list[Any] = [
        (growth.typical, r"typical, $A(t)$", TYPICAL, "-"),
        (growth.median, "median point", FAINT, "--"),
        (growth.largest, "largest of the points", INK, "-."),
    ]
    bounds: list[Any] = [
        (growth.two_sided, r"$\exp\int_\delta^t L$", TWO_SIDED, "-"),
        (growth.one_sided, r"$\exp\int_\delta^t \lambda$", ONE_SIDED, "--"),
        (growth.separatrix, "separatrix, measured", INK, ":"),
    ]
    bounds = [curve for curve in bounds if curve[0] is not None]
    with drawing_style():
        figure = SCREEN.figure(4.1)
        panels = figure.subplots(1, 2 if bounds else 1, squeeze=False)[0]
        groups = [[*bounds, *measured], measured] if bounds else [measured]
        for axes, curves in zip(panels, groups, strict=True):
            for values, label, colour, dashes in curves:
                known = label if axes is panels[0] else None
                axes.plot(times, np.array(values) / math.log(10), color=colour, linestyle=dashes, label=known)
            middle, deviation = np.array(growth.typical), np.array(growth.typical_deviation)
            axes.fill_between(
                times,
                (middle - deviation) / math.log(10),
                (middle + deviation) / math.log(10),
                color=TYPICAL,
                alpha=0.15,
                linewidth=0,
            )
            axes.axhline(0, color=FAINT, linewidth=0.5, zorder=0)
            axes.set_xscale("log")
            time_axis(axes, process)
            axes.spines[["top", "right"]].set_visible(False)
            _growth_ticks(axes)
        panels[0].set_ylabel("growth until the data end")
        if bounds:
            panels[0].set_title("bounds and measured growth")
            panels[1].set_title("measured growth alone")
        figure.legend(loc="outside lower center", ncols=3, frameon=False)
        return drawing(figure, "growth", "Growth of perturbations", _growth_words(growth))


def _growth_words(growth: Growth) -> str:
    typical, median, largest = (number(logs[0], 3) for logs in (growth.typical, growth.median, growth.largest))
    seeds = f"{growth.seeds} seeds, shaded: one standard deviation" if growth.seeds > 1 else "one seed"
    words = (
        "By how much an error made at t has grown at the data end; sampling runs to the left. From δ to T: "
        f"log A(T) = {typical} at typical points (root mean square, {seeds}), {median} at the median point and "
        f"{largest} at the largest of them."
    )
    if growth.one_sided is None or growth.two_sided is None:
        return f"{words} No global bound exists for this mixture."
    words += f" The bounds have the exponents ∫λ = {growth.one_sided[0]:.4g} and ∫L = {growth.two_sided[0]:.4g}."
    if growth.separatrix_gap is not None:
        gap = above(growth.separatrix_gap, 1)
        words += f" On the separatrix the bound is attained: measured and ∫λ differ by at most {gap}."
    return words


def _growth_ticks(axes: Axes) -> None:
    """Ticks of an axis of exponents: powers of ten, or 1, 2, 5 where there are few decades."""
    low, high = axes.get_ylim()
    if high - low > _FEW_DECADES:
        power_ticks(axes)
        return
    steps = (1, 2, 5) if high - low > 1 else (1, 1.5, 2, 3, 5, 7)
    places = [math.log10(step) + power for power in range(math.floor(low) - 1, math.ceil(high) + 1) for step in steps]
    axes.yaxis.set_major_locator(FixedLocator([place for place in places if low <= place <= high]))
    axes.yaxis.set_major_formatter(FuncFormatter(_plain))


def _plain(exponent: float, _: Any) -> str:
    return f"{10.0**exponent:.2g}"

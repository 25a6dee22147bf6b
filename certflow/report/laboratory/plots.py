"""The figures of a distillation experiment: nodes of the grids, errors by segment and by number of segments.

Each function takes results and returns a `Drawing`, or None where there is nothing to draw. A grid has one colour,
one marker and one dash pattern in all figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.distill.results import BASELINE, Results
from certflow.errors import NoGlobalBound
from certflow.numbers.arrays import Indices
from certflow.process import OrnsteinUhlenbeck
from certflow.report.axes import TIME, scale_wide_range
from certflow.report.canvas import Axes, Axis, Figure, FixedLocator, FuncFormatter, Line2D, NullLocator
from certflow.report.style import FAINT, INK, ONE_SIDED, SCREEN, TWO_SIDED, TYPICAL, Sheet, drawing_style
from certflow.report.svg import figure_to_svg

TIMES = 97
#: Decades below which an axis has ticks at 2 and 5 too.
_FEW_DECADES = 2.5
_FIXED = {
    BASELINE: (INK, "s", ":"),
    "stability-balanced": (ONE_SIDED, "o", "-"),
    "stability-balanced:two-sided": (TWO_SIDED, "D", "--"),
    "typical": (TYPICAL, "^", "-"),
}
_COLOURS = ("#b07a1e", "#6a4c93", "#3b8686", "#a0527d", "#7a8b2a", "#4f6d9a", "#8c5a3c", "#5f5b52")
_MARKERS = ("v", "<", ">", "P", "X", "p", "h", "*")
_DASHES = ("-.", (0, (6, 2)), (0, (1, 1)), (0, (4, 1, 1, 1, 1, 1)))


@dataclass(frozen=True)
class Drawing:
    """A figure with its words."""

    name: str
    title: str
    caption: str
    svg: str


@dataclass(frozen=True)
class Look:
    """How one grid is drawn."""

    colour: str
    marker: str
    dashes: str | tuple[int, tuple[float, ...]]

    @property
    def line(self) -> dict[str, Any]:
        return {
            "color": self.colour,
            "marker": self.marker,
            "linestyle": self.dashes,
            "markersize": 5,
            "linewidth": 1.2,
        }


def looks(results: Results) -> dict[str, Look]:
    """The look of every grid of an experiment."""
    others = [grid for grid in results.grids() if grid not in _FIXED]
    found = {grid: Look(*_FIXED[grid]) for grid in results.grids() if grid in _FIXED}
    for i, grid in enumerate(others):
        found[grid] = Look(_COLOURS[i % len(_COLOURS)], _MARKERS[i % len(_MARKERS)], _DASHES[i % len(_DASHES)])
    return found


def nodes(results: Results, process: OrnsteinUhlenbeck) -> Drawing:
    """The nodes of every grid at the largest K, below the rates over which grids are balanced (L2, L3, G1)."""
    from certflow.grids.kinds.typical import typical_rate

    largest, styles = results.segments()[-1], looks(results)
    grids = [grid for grid in results.grids() if results.of(grid, largest)]
    times = np.geomspace(process.t_min, process.t_max, TIMES)
    with drawing_style():
        figure = SCREEN.figure(3.4 + 0.3 * len(grids))
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2.6, 0.5 + 0.3 * len(grids)))
        curves = [(typical_rate(process, times), r"typical, $(E\,\Vert J\Vert_F^2)^{1/2}$", TYPICAL, "-.")]
        try:
            bounds = process.lipschitz_bound(times), process.growth_rate_bound(times)
        except NoGlobalBound:
            bounded = "No global bound exists for this mixture, so only the typical rate is drawn."
        else:
            bounded = "L(t) and λ(t) bound what happens anywhere; the typical rate is what points of p_t meet."
            curves = [
                (bounds[0], r"$L(t)$, two-sided bound", TWO_SIDED, "-"),
                (bounds[1], r"$\lambda(t)$, one-sided bound", ONE_SIDED, "--"),
                *curves,
            ]
        for values, label, colour, dashes in curves:
            upper.plot(times, values, color=colour, linestyle=dashes, label=label)
        upper.set_ylabel(r"rate  (per unit of $t$)")
        scale_wide_range(upper, np.concatenate([np.asarray(curve[0]) for curve in curves]))
        upper.legend(loc="best")
        for row, grid in enumerate(grids):
            look = styles[grid]
            lower.axhline(row, color=FAINT, linewidth=0.4, zorder=0)
            lower.plot(
                results.of(grid, largest)[0]["times"],
                [row] * (largest + 1),
                linestyle="none",
                marker=look.marker,
                color=look.colour,
                markersize=5,
                clip_on=False,
            )
        lower.set_yticks(range(len(grids)), grids)
        lower.set_ylim(len(grids) - 0.5, -0.5)
        lower.tick_params(axis="y", length=0)
        lower.spines["left"].set_visible(False)
        for axes in (upper, lower):
            axes.set_xscale("log")
            axes.spines[["top", "right"]].set_visible(False)
        time_axis(lower, process)
        return drawing(
            figure,
            "nodes",
            f"Nodes of the grids, K = {largest}",
            f"Above, rates over time; below, where each grid puts its {largest + 1} nodes. Sampling runs to the left. "
            f"{bounded} A balanced grid has the same integral of its rate over t in every segment.",
        )


def errors_by_segment(results: Results) -> Drawing | None:
    """Local and amplified errors of every segment, a panel for each grid at the largest K (proofs/E5.md)."""
    largest, styles = results.segments()[-1], looks(results)
    rows = {grid: [row for row in results.of(grid, largest) if not row["diverged"]] for grid in results.grids()}
    rows = {grid: found for grid, found in rows.items() if found}
    if not rows:
        return None
    wide = min(3, len(rows))
    high = -(-len(rows) // wide)
    with drawing_style():
        figure = SCREEN.figure(0.5 + 2.1 * high)
        panels = figure.subplots(high, wide, sharex=True, sharey=True, squeeze=False)
        segments = np.arange(1, largest + 1)
        for axes, (grid, found) in zip(panels.flat, rows.items(), strict=False):
            look = styles[grid]
            for field, dashes, fill in (("local", "--", SCREEN.ground), ("amplified", "-", look.colour)):
                values = np.array([row[field] for row in found], dtype=float)
                axes.fill_between(segments, values.min(0), values.max(0), color=look.colour, alpha=0.15, linewidth=0)
                axes.plot(
                    segments,
                    values.mean(0),
                    color=look.colour,
                    linestyle=dashes,
                    marker="o",
                    markersize=4,
                    markerfacecolor=fill,
                    linewidth=1.2,
                )
            total = results.spread(grid, largest)
            if total is not None:
                axes.axhline(total.mean, color=INK, linestyle=":", linewidth=1)
            axes.set_title(grid)
            axes.set_yscale("log")
            axes.spines[["top", "right"]].set_visible(False)
            axes.margins(x=0.08)
        for axes in panels.flat[len(rows) :]:
            axes.set_visible(False)
        _count_ticks(panels[0, 0], segments)
        for axes in panels.flat[max(0, len(rows) - wide) : len(rows)]:
            axes.tick_params(labelbottom=True)
        figure.supxlabel("segment, in the order of sampling (1: from the noise end)", fontsize=SCREEN.size)
        figure.supylabel("relative mean squared error", fontsize=SCREEN.size)
        keys = [
            ("local", {"linestyle": "--", "marker": "o", "markerfacecolor": SCREEN.ground}),
            ("amplified to the data end", {"linestyle": "-", "marker": "o"}),
            ("end to end, measured", {"linestyle": ":"}),
        ]
        _keys(figure, keys)
        return drawing(
            figure,
            "segments",
            f"Errors by segment, K = {largest}",
            "What the map of each segment adds along exact trajectories (local, open circles) and what has become of "
            "it at the data end (amplified, full circles): the mean over seeds, shaded from the smallest seed to the "
            "largest. A grid is good where the full circles lie low and level; one that stands out is the segment that "
            "decides the error. Where open circles lie above full ones the flow has forgotten part of the error.",
        )


def errors_by_number(results: Results) -> Drawing | None:
    """Error against K, and its ratio to that of the uniform grid, both with the spread over seeds."""
    if not grids_with_errors(results):
        return None
    with drawing_style():
        figure = error_figure(results, SCREEN)
        words = "End-to-end error against the number of segments, mean and standard deviation over seeds; grids are "
        words += "drawn a little beside one another."
        if _compared(results):
            words += (
                " On the right the same errors as a ratio to that of the uniform grid, with the reduction that this "
                "is: a grid above the line at 1 loses to uniform."
            )
        return drawing(figure, "by-number", "Error against the number of segments", words)


def error_figure(results: Results, sheet: Sheet) -> Figure:
    """The figure of `errors_by_number`, its panels above one another where the sheet is narrow."""
    numbers, styles = results.segments(), looks(results)
    grids = grids_with_errors(results)
    compared = _compared(results)
    across = 1 if sheet.narrow else 3
    rows = 2 if compared and sheet.narrow else 1
    figure = sheet.figure((3.9 if sheet.width > 8 else 2.6) * rows + sheet.size / 50 * -(-len(grids) // across))
    panels = figure.subplots(rows, 2 if compared and rows == 1 else 1, squeeze=False).ravel()
    for place, grid in enumerate(grids):
        look = styles[grid]
        apart = 1.03 ** (place - (len(grids) - 1) / 2)  # beside one another, or the bars would hide each other
        known = [k for k in numbers if _known(results, grid, k)]
        spreads = [results.spread(grid, k) for k in known]
        _bars(panels[0], known, [(s.mean, s.deviation) for s in spreads if s], look, apart, label=grid)
        if compared and grid != BASELINE:
            found = {k: results.reduction(grid, k) for k in known}
            ratios = {k: (1 - r.unpaired.mean, r.unpaired.deviation) for k, r in found.items() if r is not None}
            _bars(panels[1], list(ratios), list(ratios.values()), look, apart)
    for axes in panels:
        axes.set_xscale("log")
        axes.set_yscale("log", nonpositive="clip")
        axes.set_xlabel("number of segments $K$")
        axes.set_xlim(numbers[0] / 1.25, numbers[-1] * 1.25)
        _count_ticks(axes, numbers)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("relative mean squared error, end to end")
    places = _log_places(panels[0])
    if len(places) < 8:
        _label(panels[0].yaxis, places, _power_text)
    if compared:
        _reduction_axis(panels[1])
    figure.legend(loc="outside lower center", ncols=across, frameon=False)
    return figure


def grids_with_errors(results: Results) -> list[str]:
    """The grids of which some run did not diverge."""
    return [grid for grid in results.grids() if any(_known(results, grid, k) for k in results.segments())]


def _compared(results: Results) -> bool:
    """Is there the uniform grid, and another to compare with it?"""
    grids = grids_with_errors(results)
    return BASELINE in grids and len(grids) > 1


def _bars(
    axes: Axes,
    numbers: Sequence[int],
    values: Sequence[tuple[float, float]],
    look: Look,
    apart: float,
    label: str | None = None,
) -> None:
    if values:
        means, deviations = np.array(values, dtype=float).T
        axes.errorbar(
            np.array(numbers) * apart, means, yerr=deviations, capsize=2.5, elinewidth=0.8, label=label, **look.line
        )


def _reduction_axis(axes: Axes) -> None:
    """Ratios on a logarithmic axis, with the reduction that each tick is on the right."""
    axes.axhline(1, color=INK, linewidth=0.8, linestyle=":")
    axes.set_ylabel("ratio to the error of uniform")
    places = _log_places(axes)
    right = axes.secondary_yaxis("right")
    right.set_ylabel("reduction")
    right.spines["right"].set_visible(False)
    _label(axes.yaxis, places, "{:g}".format)
    _label(right.yaxis, places, _reduced)


def _log_places(axes: Axes) -> list[float]:
    """Places for ticks on a logarithmic axis that may span less than a decade; its limits are set a little wider."""
    low, high = axes.get_ylim()
    low, high = max(low, 1e-12 * high) / 1.05, high * 1.05
    axes.set_ylim(low, high)
    decades = np.log10(high / low)
    steps = (1, 1.5, 2, 3, 5, 7) if decades < 1 else (1, 2, 5) if decades < _FEW_DECADES else (1,)
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    return [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]


def _label(axis: Axis, places: list[float], text: Callable[[float], str]) -> None:
    axis.set_major_locator(FixedLocator(places))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))


def _reduced(ratio: float) -> str:
    return f"{100 * (1 - ratio) + 0.0:.4g} %".replace("-", "−")


def _power_text(value: float) -> str:
    power = int(f"{value:e}".partition("e")[2])
    factor = round(value / 10.0**power, 6)
    return f"$10^{{{power}}}$" if factor == 1 else f"${factor:g} \\times 10^{{{power}}}$"


def _known(results: Results, grid: str, segments: int) -> bool:
    spread = results.spread(grid, segments)
    return spread is not None and spread.count > 0


def _count_ticks(axes: Axes, numbers: Sequence[int] | Indices) -> None:
    """Ticks at the numbers themselves, thinned where they would touch."""
    shown = list(numbers)[:: max(1, len(numbers) // 10 + (len(numbers) % 10 > 0 and len(numbers) > 10))]
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(shown, [str(number) for number in shown])


def time_axis(axes: Axes, process: OrnsteinUhlenbeck) -> None:
    """Label and limits of an axis of times."""
    axes.set_xlabel(TIME)
    axes.set_xlim(process.t_min / 1.05, process.t_max * 1.05)


def _keys(figure: Figure, keys: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """A legend of line styles that stand for the same thing in every panel."""
    handles = [Line2D([], [], color=INK, markersize=4, linewidth=1.2, label=label, **style) for label, style in keys]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False)


def drawing(figure: Figure, name: str, title: str, caption: str) -> Drawing:
    """The finished figure; the caption is also what a screen reader says."""
    return Drawing(name, title, caption, figure_to_svg(figure, f"distill-{name}", caption))

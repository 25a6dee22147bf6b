"""The figures of an audit: its errors over time, where in space, and what becomes of them along the flow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from markupsafe import Markup

from certflow.auditing.places import Places
from certflow.auditing.result import Findings
from certflow.numbers.numerals import figure as numeral
from certflow.report.axes import TIME
from certflow.report.canvas import Axes, Figure
from certflow.report.html import FigureView
from certflow.report.style import FAINT, INK, ONE_SIDED, SCREEN, TWO_SIDED, Sheet, drawing_style
from certflow.report.svg import figure_to_svg

#: Height of a figure in inches.
_HEIGHT = 3.6
#: Decades to both sides of the mean that the colours of the map tell apart.
_DECADES = 2.0


def figures(audit: Findings) -> list[FigureView]:
    """Those that there is something to draw for, in the order of the page."""
    with drawing_style():
        return list(_drawn(audit))


def _drawn(audit: Findings) -> Iterator[FigureView]:
    if audit.largest.error.value == 0:
        return
    yield _over_time(audit)
    if audit.places is not None:
        yield _in_space(audit.places)
    yield _along_the_flow(audit)


def _over_time(audit: Findings) -> FigureView:
    return _view(error_over_time(audit, SCREEN), "over-time", "Error over time", said_of_time(audit))


def said_of_time(audit: Findings) -> str:
    """The caption of the error over time."""
    return (
        f"The relative error of the {audit.quantity} over t, shaded the interval, dashed the threshold "
        f"{numeral(audit.threshold, 3)}. The data end is on the left."
    )


def error_over_time(audit: Findings, sheet: Sheet) -> Figure:
    """The relative error at each time with its interval, and the threshold."""
    made = sheet.figure(2.6 if sheet.narrow else _HEIGHT)
    axes = made.subplots()
    t = [m.t for m in audit.moments]
    error = np.array([m.error.value for m in audit.moments])
    low, high = (np.array([getattr(m.error, end) for m in audit.moments]) for end in ("low", "high"))
    shown = np.where(error > 0, error, np.nan)
    axes.fill_between(t, low, np.where(np.isfinite(high), high, error), color=ONE_SIDED, alpha=0.2, linewidth=0)
    axes.plot(t, shown, color=ONE_SIDED, marker="o", markersize=4, label="relative error, with its interval")
    axes.axhline(audit.threshold, color=TWO_SIDED, linestyle="--", linewidth=1.2, label="threshold")
    _log(axes, "relative $L^2(p_t)$ error")
    axes.legend(loc="best")
    return made


def _in_space(places: Places) -> FigureView:
    made = SCREEN.figure(_HEIGHT)
    if len(places.map.edges) == 1:
        axes = made.subplots()
        edges = places.map.edges[0]
        axes.stairs(places.map.draws, edges, color=FAINT, fill=True, alpha=0.5, label="share of the draws")
        axes.stairs(places.map.error, edges, color=TWO_SIDED, linewidth=1.4, label="share of the squared error")
        axes.set_xlabel("$x$")
        axes.set_ylabel("share")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="best")
        said = "Shares of draws and of the squared error over x."
    else:
        left, right = made.subplots(1, 2, sharex=True, sharey=True)
        _fields(left, places.map.edges, np.where(places.map.draws > 0, places.map.draws, np.nan), "Greys")
        _fields(right, places.map.edges, _decades(places), "RdBu_r", middle=True)
        left.set_title("share of the draws")
        right.set_title(r"$\log_{10}$ of the mean squared error over that of all")
        left.set_ylabel("$x_2$")
        for axes in (left, right):
            axes.set_xlabel("$x_1$")
        said = (
            "Over the first two coordinates: left where draws are, right how the mean squared error there compares "
            "with that of all draws: red where the model errs more than on average."
        )
    return _view(made, "in-space", f"Where in space, t = {numeral(places.t, 4)}", said)


def _fields(axes: Axes, edges: Any, values: Any, colours: str, middle: bool = False) -> None:
    top = float(np.nanmax(np.abs(values))) or 1.0
    low = -top if middle else 0.0
    axes.pcolormesh(*edges, np.ma.masked_invalid(values.T), cmap=colours, vmin=low, vmax=top)
    # a colour bar is an image, which no page of ours holds: its ends are told in words
    said = f"colours from {numeral(low, 2)} to {numeral(top, 2)}"
    axes.annotate(said, (0.02, 0.02), xycoords="axes fraction", color=INK, backgroundcolor=SCREEN.ground)


def _decades(places: Places) -> Any:
    """`log10` of the factor of each field; a field of draws that hardly err is as blue as any."""
    return np.log10(places.map.factor().clip(10**-_DECADES, 10**_DECADES))


def _positive(values: Any) -> Any:
    return np.where(values > 0, values, np.nan)


def _along_the_flow(audit: Findings) -> FigureView:
    found = audit.consequences
    made = SCREEN.figure(5.4)
    upper, lower = made.subplots(2, 1, sharex=True)
    for values, label, colour, dashes in (
        (found.local, r"where it is made, $(E|e|^2)^{1/2}$", INK, ":"),
        (found.amplified, r"at the data end, $(E|D_t e|^2)^{1/2}$", ONE_SIDED, "-"),
    ):
        upper.plot(found.times, _positive(values), color=colour, linestyle=dashes, label=label)
    lower.plot(found.times, found.growth, color=ONE_SIDED, label="typical, $A(t)$")
    if found.bound is not None:
        finite = np.where(np.isfinite(found.bound), found.bound, np.nan)
        lower.plot(found.times, finite, color=TWO_SIDED, linestyle="--", label=r"worst case, $\exp\int\lambda$")
    _log(upper, "error of the velocity")
    _log(lower, "factor to the data end")
    upper.set_xlabel("")
    for axes in (upper, lower):
        axes.legend(loc="best")
    return _view(
        made,
        "along-the-flow",
        "What becomes of it along the flow",
        "Above, the error of the velocity where it is made and what the flow makes of it at the data end, per unit of "
        "t, root mean squares over exact trajectories; below, the factors by which errors grow: the typical one (E5), "
        "and the bound of all of them where there is one (F1). Sampling runs to the left.",
    )


def _log(axes: Axes, label: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(TIME)
    axes.set_ylabel(label)
    axes.spines[["top", "right"]].set_visible(False)


def _view(made: Figure, name: str, title: str, caption: str) -> FigureView:
    return FigureView(f"figure-{name}", title, caption, Markup(figure_to_svg(made, f"audit-{name}", caption)))

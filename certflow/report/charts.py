"""Panels over time: bounds, suprema and what was measured, each kind of evidence with a line or marker of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from certflow.numbers.csv_text import csv_text
from certflow.report.axes import legend, power_ticks, scale_wide_range, time_axes
from certflow.report.canvas import Axes
from certflow.report.document import Curves
from certflow.report.style import FAINT, ONE_SIDED, TWO_SIDED, TYPICAL, Sheet

_SHADED = 0.12


@dataclass(frozen=True)
class Curve:
    """One line of a panel: its values, its legend and how it is told apart.

    column : its name in the CSV of the figure; times : where it has a grid of its own
    """

    values: Sequence[float] | None
    label: str
    colour: str
    dashes: str | tuple[float, tuple[float, ...]]
    column: str = ""
    times: Sequence[float] | None = None


@dataclass(frozen=True)
class Marks:
    """Single enclosures `(t, lower, upper)` in a panel, told apart by their marker."""

    places: Sequence[tuple[float, float, float]]
    label: str
    colour: str
    marker: str


def draw_rates(axes: Axes, curves: Curves, sheet: Sheet) -> bool:
    """The bounds `L(t)` and `lambda(t)`, the enclosed suprema `L*`, `lambda*`, and the rate at draws.

    The legend says of each what kind of evidence it is. False, and nothing drawn, where there is no global bound.
    """
    if curves.lipschitz is None and curves.growth_rate is None:
        return False
    bounds = [
        Curve(curves.lipschitz, r"$L(t)$: bound for all $x$", TWO_SIDED, "-"),
        Curve(curves.growth_rate, r"$\lambda(t)$: bound for all $x$", ONE_SIDED, "--"),
    ]
    suprema = [
        Marks(_ends(curves, "two_sided"), r"$L^*(t)$: supremum, enclosed", TWO_SIDED, "D"),
        Marks(_ends(curves, "one_sided"), r"$\lambda^*(t)$: supremum, enclosed", ONE_SIDED, "o"),
    ]
    times, middle, high, largest = zip(*curves.measured, strict=True) if curves.measured else ((),) * 4
    measured = []
    if curves.measured:
        told = f"rate at {curves.measured_points} draws of $X_t$"
        measured = [
            Curve(largest, f"{told}: largest", TYPICAL, "-.", times=times),
            Curve(middle, "median; shaded: up to 95 % of draws", TYPICAL, ":", times=times),
        ]
        axes.fill_between(times, middle, high, color=TYPICAL, alpha=_SHADED, linewidth=0)
    draw_panel(axes, sheet, curves.times, [*bounds, *measured], r"rate  (per unit of $t$)", suprema, wide_range=True)
    return True


def rates_table(curves: Curves) -> str:
    """CSV of what `draw_rates` draws: a row for each time, empty where a column has no value there.

    The suprema have all digits of their ends, which are rounded outwards.
    """
    columns = {
        "L": _over(curves.times, curves.lipschitz),
        "lambda": _over(curves.times, curves.growth_rate),
        "L_sharp_lower": {t: repr(low) for t, low, _ in _ends(curves, "two_sided")},
        "L_sharp_upper": {t: repr(high) for t, _, high in _ends(curves, "two_sided")},
        "lambda_sharp_lower": {t: repr(low) for t, low, _ in _ends(curves, "one_sided")},
        "lambda_sharp_upper": {t: repr(high) for t, _, high in _ends(curves, "one_sided")},
        "rate_median": {row[0]: _ten_digits(row[1]) for row in curves.measured},
        "rate_95_percent": {row[0]: _ten_digits(row[2]) for row in curves.measured},
        "rate_largest": {row[0]: _ten_digits(row[3]) for row in curves.measured},
    }
    return _table(columns)


def panel_table(times: Sequence[float], curves: Sequence[Curve]) -> str:
    """CSV of the lines of a panel, natural logarithms as given, by the names of their columns."""
    return _table({curve.column: _over(curve.times or times, curve.values) for curve in curves})


def _over(times: Sequence[float], values: Sequence[float] | None) -> dict[float, str]:
    return {} if values is None else dict(zip(times, map(_ten_digits, values), strict=True))


def _ten_digits(value: float) -> str:
    return f"{value:.10g}"


def _table(columns: dict[str, dict[float, str]]) -> str:
    """A row for each time at which one of the columns that have values has one."""
    given = {name: found for name, found in columns.items() if found}
    times = sorted({t for found in given.values() for t in found})
    rows = [[_ten_digits(t), *(found.get(t, "") for found in given.values())] for t in times]
    return csv_text(["t", *given], rows)


def draw_panel(
    axes: Axes,
    sheet: Sheet,
    times: Sequence[float],
    curves: Sequence[Curve],
    label: str,
    points: Sequence[Marks] = (),
    *,
    wide_range: bool = False,
    powers_of_ten: bool = False,
) -> None:
    """Lines and enclosures over a logarithmic axis of times, with their legend.

    powers_of_ten : what is given are natural logarithms, drawn over `ln 10` with powers of ten at the ticks
    """
    unit = np.log(10) if powers_of_ten else 1.0
    shown = []
    for curve in curves:
        if curve.values is None:
            continue
        y = np.asarray(curve.values, dtype=float) / unit
        y = np.where(np.isfinite(y), y, np.nan)
        axes.plot(curve.times or times, y, color=curve.colour, linestyle=curve.dashes, label=curve.label)
        shown.append(y[np.isfinite(y)])
    for group in points:
        if group.places:
            t, low, high = np.array(group.places, dtype=float).T
            low, high = low / unit, high / unit
            axes.errorbar(
                t,
                high,
                yerr=[np.maximum(high - low, 0), np.zeros_like(high)],
                linestyle="none",
                marker=group.marker,
                color=group.colour,
                markerfacecolor=sheet.ground,
                elinewidth=sheet.size / 10,
                capsize=sheet.size / 5,
                label=group.label,
                clip_on=False,
            )
            shown += [low, high]
    axes.set_ylabel(label)
    if wide_range:
        scale_wide_range(axes, np.concatenate(shown))
    if powers_of_ten:
        power_ticks(axes)
    time_axes(axes)
    if axes.get_yscale() != "log":
        axes.axhline(0, color=FAINT, linewidth=0.5, zorder=0)
    axes.margins(x=0.01)
    legend(axes, sheet)


def _ends(curves: Curves, rate: str) -> list[tuple[float, float, float]]:
    """The enclosures of a sharp rate; the lower end is the upper one in a report that kept no other."""
    lower = dict(getattr(curves, f"sharp_{rate}_lower"))
    return [(t, lower.get(t, high), high) for t, high in getattr(curves, f"sharp_{rate}")]

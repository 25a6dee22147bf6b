"""Where students err: the proved local error over the data space, cell by cell (proofs/C2.md).

The cells are those of which the enclosures are made: on each the error is proved to be at most `bound`, and what it
adds to the relative mean square lies between `part_low` and `part_high`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from certflow.distill.results import Results
from certflow.numbers.arrays import Floats
from certflow.process import OrnsteinUhlenbeck
from certflow.report.canvas import Axes, Figure, Path, PathCollection, mpl
from certflow.report.formatting import number
from certflow.report.laboratory.plots import Drawing, drawing, looks
from certflow.report.style import FAINT, INK, SCREEN, drawing_style

#: Decades of a colour scale, and colours of it: boxes of one colour are one path, so that a page stays small.
DECADES, COLOURS = 5, 20
#: Points of the curve of the density.
CURVE = 801
#: Cells with less of the error than this may be left out of the frame of a picture.
NEGLIGIBLE = 1e-4


def error_map(results: Results, process: OrnsteinUhlenbeck) -> Drawing | None:
    """The cells of some students with what each adds to the error; None where nothing was enclosed.

    One dimension: steps over `y`, all grids at the largest K, above the density of the data end. Two: a panel for the
    uniform grid and for the best one, boxes coloured by the error's density. In more nothing is drawn.
    """
    students = [student for student in results.setting.get("errs", ()) if student["part_high"]]
    dimension = process.mixture.dimension
    if not students or dimension > 2:
        return None
    with drawing_style():
        if dimension == 1:
            figure = SCREEN.figure(5.4)
            _steps(figure, students, results, process)
            drawn = (
                "Above, the largest error |Ψ(Φ⁻¹(y)) − y| that is possible on each cell, as a step; in the middle, "
                "what the cell adds to the relative mean square, per unit of y, shaded between the two ends that are "
                "proved; below, the density of the data end, with the ends of the cells of the first student as ticks."
            )
        else:
            figure = SCREEN.figure(3.9)
            _boxes(figure, students, process)
            drawn = (
                "Every box is a cell of the proof, coloured by what it adds at most to the relative mean square per "
                "unit of area, those with the largest parts; lines, the density of the data end at 1, 10 and 50 % of "
                "its maximum."
            )
        first = students[0]
        shares = [
            f"{one['grid']}: {one['cells']} cells, {_half(one)} of them with half of the error" for one in students
        ]
        words = (
            f"Where students err, proved cell by cell: K = {first['segments']}, seed {first['seed']}. {drawn} "
            f"{'; '.join(shares)}."
        )
        return drawing(figure, "where", f"Where students err, K = {first['segments']}", words)


def _half(student: Mapping[str, Any]) -> int:
    """How many cells make half of the error."""
    parts = -np.sort(-np.asarray(student["part_high"], dtype=float))
    return int(np.searchsorted(np.cumsum(parts), parts.sum() / 2) + 1)


def _cells(student: Mapping[str, Any], axis: int = 0) -> tuple[Floats, Floats]:
    low, high = (np.asarray(student[name], dtype=float)[:, axis] for name in ("low", "high"))
    return low, high


def _frame(students: list[Mapping[str, Any]], axis: int = 0) -> tuple[float, float]:
    """The ends of the part of the space where the error is made."""
    ends = []
    for student in students:
        parts = np.asarray(student["part_high"], dtype=float)
        low, high = _cells(student, axis)
        counts = parts >= NEGLIGIBLE * parts.max()
        ends.append((low[counts].min(), high[counts].max()))
    return min(low for low, _ in ends), max(high for _, high in ends)


def _steps(figure: Figure, students: list[Mapping[str, Any]], results: Results, process: OrnsteinUhlenbeck) -> None:
    upper, middle, lower = figure.subplots(3, 1, sharex=True, height_ratios=(2, 2, 1))
    styles = looks(results)
    left, right = _frame(students)
    for student in students:
        look = styles[student["grid"]]
        low, high = _cells(student)
        order = np.argsort(low)
        edges = np.append(low[order], high[order][-1])
        width = (high - low)[order]
        line = {"color": look.colour, "linestyle": look.dashes, "linewidth": 1.1}
        bound, least, most = (
            np.asarray(student[name], dtype=float)[order] for name in ("bound", "part_low", "part_high")
        )
        upper.stairs(bound, edges, baseline=None, label=student["grid"], **line)
        middle.stairs(most / width, edges, baseline=None, **line)
        middle.fill_between(
            edges,
            np.append(least / width, (least / width)[-1]),
            np.append(most / width, (most / width)[-1]),
            step="post",
            color=look.colour,
            alpha=0.3,
            linewidth=0,
        )
    y = np.linspace(left, right, CURVE)
    density = np.exp(process.log_density(y[:, None], process.t_min))
    lower.fill_between(y, density, color=FAINT, alpha=0.35, linewidth=0)
    low, high = _cells(students[0])
    lower.plot(np.append(low, high[-1:]), np.zeros(len(low) + 1), "|", color=INK, markersize=4, clip_on=True)
    for axes, label in ((upper, "error, at most"), (middle, "mean square,\nper unit"), (lower, "density")):
        axes.set_ylabel(label)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in (upper, middle):
        axes.set_yscale("log")
        _decades(axes)
    lower.set_xlim(left, right)
    lower.set_ylim(bottom=0)
    lower.set_xlabel("$y$, at the data end")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)


def _decades(axes: Axes) -> None:
    """No more decades than can be told apart."""
    top = axes.get_ylim()[1]
    axes.set_ylim(max(axes.get_ylim()[0], top * 10.0**-DECADES), top)


def _boxes(figure: Figure, students: list[Mapping[str, Any]], process: OrnsteinUhlenbeck) -> None:
    panels = figure.subplots(1, len(students), sharex=True, sharey=True, squeeze=False)[0]
    densities = [_density(student) for student in students]
    top = math.log10(max(values.max() for values in densities))
    colours = mpl.colormaps["YlOrRd"](np.linspace(0.05, 0.95, COLOURS))
    for axes, student, values in zip(panels, students, densities, strict=True):
        (left, right), (bottom, above) = (_cells(student, axis) for axis in (0, 1))
        with np.errstate(divide="ignore"):
            places = (np.log10(values) - top + DECADES) / DECADES * COLOURS
        classes = np.clip(np.nan_to_num(places, neginf=0.0), 0, COLOURS - 1).astype(int)
        for colour in range(COLOURS):
            chosen = np.flatnonzero(classes == colour)
            if len(chosen):
                corners = np.stack(
                    [
                        np.stack([x[chosen], y[chosen]], axis=1)
                        for x, y in ((left, bottom), (right, bottom), (right, above), (left, above), (left, bottom))
                    ],
                    axis=1,
                )
                path = Path.make_compound_path(*(Path(one, closed=True) for one in corners))
                axes.add_collection(
                    PathCollection([path], facecolors=[colours[colour]], edgecolors=[FAINT], linewidths=[0.1])
                )
        axes.set_title(student["grid"])
        axes.set_aspect("equal")
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("$y_1$")
    frames = [_frame(students, axis) for axis in (0, 1)]
    panels[0].set_xlim(*frames[0])
    panels[0].set_ylim(*frames[1])
    panels[0].set_ylabel("$y_2$")
    grid = np.stack(np.meshgrid(*(np.linspace(*frame, 121) for frame in frames)), axis=-1)
    height = np.exp(process.log_density(grid.reshape(-1, 2), process.t_min)).reshape(121, 121)
    for axes in panels:
        axes.contour(grid[..., 0], grid[..., 1], height / height.max(), (0.01, 0.1, 0.5), colors=[INK], linewidths=0.6)
    scale = mpl.cm.ScalarMappable(
        mpl.colors.LogNorm(10.0 ** (top - DECADES), 10.0**top), mpl.colors.ListedColormap(colours)
    )
    bar = figure.colorbar(scale, ax=list(panels), orientation="horizontal", shrink=0.6, pad=0.03, fraction=0.06)
    bar.set_label(f"mean square per unit of area, at most (up to {number(10.0**top, 3)})")


def _density(student: Mapping[str, Any]) -> Floats:
    """What each cell adds at most, per unit of its length or area."""
    low, high = (np.asarray(student[name], dtype=float) for name in ("low", "high"))
    values: Floats = np.asarray(student["part_high"], dtype=float) / np.prod(high - low, axis=1)
    return values

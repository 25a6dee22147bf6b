"""Curves over a logarithmic axis of times, drawn with characters."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, isfinite, log10

from certflow.terminal import columns, filled

#: Lines of the picture, and columns that its labels may need.
ROWS, _BESIDE = 11, 12


def log_plot(
    times: Sequence[float],
    curves: Sequence[tuple[str, Sequence[float]]],
    legend: Sequence[str],
    ends: tuple[str, str],
) -> list[str]:
    """Lines of text: a column for each time, or each `stride` of them, logarithmic upwards if all values are positive.

    `curves` pairs a mark with values; where two curves meet, the mark is `◉`. `ends` label the first and the
    last time.
    """
    values = [value for _, curve in curves for value in curve if isfinite(value)]
    if not values:
        return []
    low, high = min(values), max(values)
    logarithmic = low > 0 and high > 4 * low

    def height(value: float) -> float:
        return log10(value) if logarithmic else value

    bottom, top = height(low), height(high)
    span = (top - bottom) or 1.0
    step = stride(len(times))
    times, curves = times[::step], [(mark, curve[::step]) for mark, curve in curves]
    grid = [[" "] * len(times) for _ in range(ROWS)]
    for mark, curve in curves:
        for column, value in enumerate(curve):
            if isfinite(value):
                row = ROWS - 1 - floor((height(value) - bottom) / span * (ROWS - 1) + 0.5)
                grid[row][column] = mark if grid[row][column] == " " else "◉"
    labels = {0: _label(high), ROWS - 1: _label(low)}
    width = max(map(len, labels.values()))
    lines = [f"{labels.get(row, '').rjust(width)} ┤{''.join(cells).rstrip()}" for row, cells in enumerate(grid)]
    axis = " " * width + " └" + "─" * len(times)
    gap = len(times) - len(ends[0]) - len(ends[1]) - 4
    scale = f"{' ' * (width + 2)}t = {ends[0]}{' ' * max(gap, 1)}{ends[1]}"
    told = "    ".join(legend) + ("" if logarithmic else "    (linear upwards)")
    return [*filled(told).splitlines(), *lines, axis, scale]


def stride(count: int) -> int:
    """How many of so many times stand for a column, so that the picture fits."""
    room = columns()
    return 1 if room is None else max(ceil(count / max(room - _BESIDE, 1)), 1)


def _label(value: float) -> str:
    return f"{value + 0.0:.3g}"

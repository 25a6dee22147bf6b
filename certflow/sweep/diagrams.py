"""Phase diagrams: a figure over two parameters, summed up in cells, with colours that say the same as the numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.numbers.arrays import Floats
from certflow.report.formatting import number
from certflow.sweep.columns import PARAMETERS, figures_of, prefix
from certflow.sweep.experiments.experiment import Figure, Scale
from certflow.sweep.rows import Row
from certflow.sweep.specification import Diagram, Specification
from certflow.sweep.tasks import Question

#: The order in which parameters become axes where nobody says which.
PREFERRED = (
    "ratio",
    "components",
    "dimension",
    "imbalance",
    "covariances",
    "layout",
    "anisotropy",
    "data",
    "separation",
)
#: Different numbers up to which each has a line of its own, and the number of bins of more.
SINGLE, BINS = 8, 6
#: Rows of a cell that the page lists.
LISTED = 10
#: Share of the cells on either side whose colours are those of the ends.
CLIPPED = 0.02
_MAPS: dict[Scale, str] = {"linear": "viridis", "log": "viridis", "share": "viridis", "ratio": "RdBu"}


@dataclass(frozen=True)
class Cell:
    """A cell: the number that it shows, its colours, its words, and the rows that it is made of.

    value : mean or median; None where no row has the figure; rows : by the figure, at most `LISTED`
    """

    anchor: str
    value: float | None
    text: str
    count: int
    asked: int
    words: str
    ground: str
    ink: str
    rows: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Drawn:
    """A diagram: heads of columns and lines, cells (None where there is no mixture), and its scale."""

    anchor: str
    title: str
    meaning: str
    x: str
    y: str
    columns: tuple[str, ...]
    lines: tuple[tuple[str, tuple[Cell | None, ...]], ...]
    scale: tuple[tuple[str, str], ...]
    summary: str


def diagrams(specification: Specification, rows: Sequence[Row]) -> list[Drawn]:
    """The diagrams that are asked for, else one for each figure of an experiment that has a scale."""
    asked = {question.label: question for question in specification.questions}
    wanted = specification.diagrams or tuple(
        Diagram(question.label, name)
        for question in specification.questions
        if question.kind == "experiment"
        for name, figure in figures_of(question).items()
        if figure.scale is not None
    )
    drawn = (_drawn(place, each, asked[each.label], rows) for place, each in enumerate(wanted))
    return [each for each in drawn if each is not None]


def _drawn(place: int, wanted: Diagram, question: Question, rows: Sequence[Row]) -> Drawn | None:
    """One diagram; None where no row has the figure."""
    column = f"{prefix(question)}.{wanted.figure}"
    mine = [row for row in rows if row["task"] == question.label]
    if not any(_figure(row, column) is not None for row in mine):
        return None
    known = figures_of(question).get(wanted.figure, Figure("a figure of a function of one's own", "linear"))
    scale = known.scale or "linear"
    x, y = _axes(wanted, mine)
    x_of, x_heads = _bins([row[x] for row in mine])
    y_of, y_heads = _bins([row[y] for row in mine])
    groups: dict[tuple[int, int], list[Row]] = {}
    for row in mine:
        groups.setdefault((x_of(row[x]), y_of(row[y])), []).append(row)
    middle = np.mean if scale == "share" else np.median
    values = {}
    for where, group in groups.items():
        there = [value for row in group if (value := _figure(row, column)) is not None]
        values[where] = float(middle(there)) if there else None
    colour, ends = _colours(scale, [value for value in values.values() if value is not None])
    lines = []
    for j, head in enumerate(y_heads):
        cells = []
        for i, over in enumerate(x_heads):
            group = groups.get((i, j), [])
            words = f"{x} {over}, {y} {head}"
            cells.append(
                _cell(f"d{place}-{i}-{j}", group, column, values.get((i, j)), words, colour) if group else None
            )
        lines.append((head, tuple(cells)))
    title = f"{question.label}: {wanted.figure.replace('_', ' ')} over {x} and {y}"
    kind = "mean" if scale == "share" else "median"
    summary = f"Each cell: the {kind} over its mixtures, and how many of them have the figure."
    return Drawn(f"diagram-{place}", title, known.meaning, x, y, tuple(x_heads), tuple(lines), ends, summary)


def _figure(row: Row, column: str) -> float | None:
    """The figure of a row as a finite number."""
    value = row.get(column)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return float(value) if isinstance(value, bool) else None
    return float(value)


def _axes(wanted: Diagram, rows: Sequence[Row]) -> tuple[str, str]:
    """The parameters of the axes: those asked for, else the first that vary."""
    varied = [name for name in PREFERRED if len({row[name] for row in rows}) > 1]
    order = dict.fromkeys([*varied, *PREFERRED, *PARAMETERS])
    x = wanted.x or next(name for name in order if name != wanted.y)
    return x, wanted.y or next(name for name in order if name != x)


def _bins(values: Sequence[Any]) -> tuple[Callable[[Any], int], list[str]]:
    """To which line a value of a parameter belongs, and the heads of the lines."""
    there = [value for value in values if value is not None]
    distinct: list[Any] = sorted(set(there), key=lambda value: (isinstance(value, str), value))
    if len(distinct) > SINGLE and not any(isinstance(value, str) for value in distinct):
        edges = np.unique(np.quantile(np.array(there, dtype=float), np.linspace(0, 1, BINS + 1)))
        bins = [[each for each in distinct if _bin(each, edges) == index] for index in range(len(edges) - 1)]
        heads = [_span(each) for each in bins]

        def place(value: Any) -> int:
            return len(heads) if value is None else _bin(value, edges)

    else:
        heads = [value if isinstance(value, str) else number(float(value), 4) for value in distinct]
        places = {value: index for index, value in enumerate(distinct)}

        def place(value: Any) -> int:
            return places.get(value, len(distinct))

    return place, [*heads, "none"] if len(there) < len(values) else heads


def _bin(value: float, edges: Floats) -> int:
    """Which of the bins `[a, b)` between these edges has the value; the last one has its upper end too."""
    return min(int(np.searchsorted(edges, value, "right")) - 1, len(edges) - 2)


def _span(values: Sequence[float]) -> str:
    """The least and the largest of some numbers that rise, in words."""
    ends = [number(float(end), 3) for end in (values[0], values[-1])] if values else ["none"]
    return " to ".join(dict.fromkeys(ends))


def _colours(
    scale: Scale, values: Sequence[float]
) -> tuple[Callable[[float], tuple[str, str]], tuple[tuple[str, str], ...]]:
    """The ground and the ink of a value, and the scale: colours from one end to the other with some numbers."""
    from certflow.report.canvas import mpl

    shade = mpl.colormaps[_MAPS[scale]]
    logs = scale in ("log", "ratio")
    positive = [value for value in values if value > 0] if logs else list(values)
    levels = np.log(positive) if logs else np.array(positive, dtype=float)
    if scale == "share":
        low, high = 0.0, 1.0
    elif scale == "ratio":
        high = max(float(np.quantile(np.abs(levels), 1 - CLIPPED)), math.log(1.05)) if len(levels) else 1.0
        low = -high
    else:
        low, high = (float(np.quantile(levels, end)) for end in (CLIPPED, 1 - CLIPPED)) if len(levels) else (0.0, 1.0)
        if not low < high:
            low, high = low - 0.5, high + 0.5

    def level(value: float) -> float:
        if logs:
            value = math.log(value) if value > 0 else -math.inf
        return min(max((value - low) / (high - low), 0.0), 1.0)

    def colour(value: float) -> tuple[str, str]:
        red, green, blue = shade(level(value))[:3]
        ground = "#" + "".join(f"{round(255 * part):02x}" for part in (red, green, blue))
        return ground, "#000000" if _luminance(red, green, blue) > 0.18 else "#ffffff"

    ticks = np.linspace(low, high, 9)
    marks = [math.exp(tick) if logs else float(tick) for tick in ticks]
    return colour, tuple((colour(mark)[0], number(mark, 3) if i % 2 == 0 else "") for i, mark in enumerate(marks))


def _luminance(*channels: float) -> float:
    """Relative luminance of a colour (WCAG): black on it has a contrast of 4.5 where it is above 0.175."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _cell(
    anchor: str,
    group: Sequence[Row],
    column: str,
    value: float | None,
    words: str,
    colour: Callable[[float], tuple[str, str]],
) -> Cell:
    have = sorted(((found, row) for row in group if (found := _figure(row, column)) is not None), key=lambda p: p[0])
    lack = [row for row in group if _figure(row, column) is None]
    listed = [(str(row["mixture"]), number(found, 4), str(row["key"])) for found, row in have]
    listed += [(str(row["mixture"]), str(row["status"]), str(row["key"])) for row in lack]
    text = "–" if value is None else number(value, 3)
    ground, ink = ("transparent", "inherit") if value is None else colour(value)
    told = f"{words}: {text if value is not None else 'no figure'}, {len(have)} of {len(group)} mixtures"
    return Cell(anchor, value, text, len(have), len(group), told, ground, ink, tuple(listed[:LISTED]))

"""The history as a picture: for each kind of machine a small panel for each path, one line, its last change marked."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from html import escape

from recording.history import Row, comparable
from recording.losses import LIMIT, best_held
from recording.paths import PATHS, HotPath

COLUMNS, WIDTH, HEIGHT, GAP, HEAD = 3, 300, 132, 14, 58
#: The line's place in a panel: left, top, width, height.
LEFT, TOP, ACROSS, DOWN = 12, 48, 222, 66
#: A change from one record to the next from which on it is marked.
CHANGE = 1.1
INK, GREY, LINE, SLOWER, FASTER = "#1c1c1c", "#666666", "#2f5d9b", "#b3261e", "#1b7a3d"


def drawn(rows: Sequence[Row]) -> str:
    """The picture as SVG."""
    kinds = sorted({row.machine for row in rows})
    body, top = [], 0
    for kind in kinds:
        lines = comparable(list(rows), kind)
        body.append(f'<g transform="translate({GAP} {top})">{"".join(_section(kind, lines))}</g>')
        top += HEAD + -(-len(lines) // COLUMNS) * (HEIGHT + GAP)
    if not kinds:
        body, top = [_text(GAP, 30, "no records", 14)], HEAD
    width = COLUMNS * (WIDTH + GAP) + GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="Record of performance" width="{width}" '
        f'height="{top}" viewBox="0 0 {width} {top}" font-family="sans-serif" fill="{INK}">\n'
        f'<rect width="{width}" height="{top}" fill="white"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _section(kind: str, lines: dict[str, list[Row]]) -> Iterator[str]:
    """One kind of machine: a heading and the panels."""
    dates = sorted({(row.date, row.commit) for rows in lines.values() for row in rows})
    span = " to ".join(dict.fromkeys(f"{commit} ({date[:10]})" for date, commit in (dates[0], dates[-1])))
    yield _text(0, 24, kind, 14, weight=600)
    yield _text(0, 43, f"{len(dates)} records, {span}; dashed: where the check accuses", 11, GREY)
    for i, path in enumerate(path for path in PATHS if path.name in lines):
        x, y = i % COLUMNS * (WIDTH + GAP), HEAD + i // COLUMNS * (HEIGHT + GAP)
        yield f'\n<g transform="translate({x} {y})">{"".join(_panel(path, lines[path.name]))}</g>'


def _panel(path: HotPath, rows: list[Row]) -> Iterator[str]:
    """One path: its name, the limit, the line from zero, the last figure, the last change."""
    limit = LIMIT * best_held(rows)
    highest = 1.05 * max(limit, *(row.ratio for row in rows))

    def place(i: int) -> tuple[float, float]:
        along = i / (len(rows) - 1) if len(rows) > 1 else 1.0
        return LEFT + along * ACROSS, _height(rows[i].ratio / highest)

    first, _, rest = path.name.partition(", ")
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" rx="4" fill="none" stroke="#dddddd"/>'
    yield _text(LEFT, 20, first, 13, weight=600) + _text(LEFT, 36, f"{rest}; of {path.peer}", 11, GREY)
    y = _height(limit / highest)
    yield f'<path d="M{LEFT} {y:.1f}h{ACROSS}" stroke="{GREY}" stroke-dasharray="4 4" stroke-width="0.8"/>'
    yield f'<path d="M{LEFT} {_height(0):.1f}h{ACROSS}" stroke="#bbbbbb" stroke-width="0.8"/>'
    points = [place(i) for i in range(len(rows))]
    way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{way}" fill="none" stroke="{LINE}" stroke-width="1.6"/>'
    for (x, y), row in zip(points, rows, strict=True):
        said = f"{row.commit}, {row.date}: {row.ratio:.4g}, {row.milliseconds:.3g} ms, spread {row.spread:.1%}"
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="{LINE}"><title>{escape(said)}</title></circle>'
    x, y = points[-1]
    yield _text(x + 8, y + 4, f"{rows[-1].ratio:.4g}", 12, weight=600)
    yield from _change(rows, points)


def _change(rows: list[Row], points: list[tuple[float, float]]) -> Iterator[str]:
    """A ring about the last record that differs from the one before, and by how much."""
    ratios = [new.ratio / old.ratio for old, new in itertools.pairwise(rows)]
    last = max((i for i, ratio in enumerate(ratios, 1) if not 1 / CHANGE < ratio < CHANGE), default=None)
    if last is None:
        yield _text(LEFT, HEIGHT - 6, f"no change of {CHANGE - 1:.0%} or more", 10, GREY)
        return
    ratio, (x, y), row = ratios[last - 1], points[last], rows[last]
    colour, word = (SLOWER, "slower") if ratio > 1 else (FASTER, "faster")
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5.5" fill="none" stroke="{colour}" stroke-width="1.6"/>'
    said = f"{word}: time {ratio - 1:+.0%} at {row.commit}, {row.date[:10]}"
    yield _text(LEFT, HEIGHT - 6, said, 10, colour)


def _height(share: float) -> float:
    return TOP + DOWN * (1 - share)


def _text(x: float, y: float, words: str, size: float, colour: str = INK, weight: int = 400) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" font-weight="{weight}" fill="{colour}"'
    return f"<text {place}>{escape(words)}</text>"

"""The graph of statements as SVG, text kept as text: for a page, whose style sheet may colour it, and on its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from certflow.claims.model import Kind, Outcome
from certflow.report.formatting import clean
from certflow.report.graph.layout import HEIGHT, WIDTH, Layout, Point, lay_out
from certflow.report.graph.nodes import Node, label
from certflow.report.graph.taint import ABSENT, BARE
from certflow.report.tiers import TIERS
from certflow.report.verdict import KIND_LABEL

MARGIN = 8.0
#: Fill and line of each state on a white ground; a page has its own (`graph.css`).
COLOURS = {
    "formal": ("#e8e2f6", "#5b3fa0"),
    "symbolic": ("#dfe9f7", "#2b5a96"),
    "enclosure": ("#d8eeec", "#1c6a6c"),
    "high-precision": ("#e2f1df", "#38753c"),
    "sampled": ("#f4f1d0", "#6f6410"),
    "empirical": ("#f9e7d4", "#92521a"),
    "violated": ("#fadfdd", "#a1232b"),
    "inconclusive": ("#fdf1cf", "#7d5200"),
    "not-applicable": ("#f1efe9", "#6e685d"),
}
_PLAIN = ("#ffffff", "#605b51")
#: Dashes of the states that are open, so that no colour is needed to see them.
_DASHES = {
    "inconclusive": "6 3",
    "not-applicable": "1.5 3",
    "not-yet-checked": "4 4",
    "not-in-this-run": "4 4",
    "without-evidence": "4 4",
}
_INK, _SOFT, _LINE = "#24221e", "#565148", "#8b8478"
_FONT = "Helvetica Neue, Arial, Liberation Sans, sans-serif"
#: Letters of a title on one line of a node, and lines.
_LETTERS, _LINES = 23, 2
_PIP = 6.5
#: Room that the longest line of the legend takes.
_LEGEND = 600.0


def draw_inline(nodes: Sequence[Node], anchors: Mapping[str, str]) -> str:
    """The graph for a page: each node is a link to the section of its claim, `#` and its anchor, where it has one."""
    layout, body = _body(nodes, anchors)
    return _svg(layout.width, layout.height, body, 'class="statements" role="group" aria-label="Graph of statements"')


def draw_alone(nodes: Sequence[Node], title: str) -> str:
    """The graph as a document of its own, with its legend below, on white."""
    layout, body = _body(nodes, None)
    width = max(layout.width, _LEGEND)
    legend, height = _legend(nodes, width, layout.height + 34)
    head = [
        f'<title id="graph-title">{_text(title)}</title>',
        f'<rect x="{-MARGIN:g}" y="{-MARGIN:g}" width="100%" height="100%" fill="#fff"/>',
    ]
    return _svg(width, height, [*head, *body, *legend], 'role="img" aria-labelledby="graph-title"')


def _svg(width: float, height: float, body: Iterable[str], attributes: str) -> str:
    box = f"{-MARGIN:g} {-MARGIN:g} {width + 2 * MARGIN:.0f} {height + 2 * MARGIN:.0f}"
    size = f'width="{width + 2 * MARGIN:.0f}" height="{height + 2 * MARGIN:.0f}"'
    lines = "\n".join(body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {attributes} viewBox="{box}" {size} font-family="{_FONT}" '
        f'font-size="12" fill="{_INK}">\n{lines}\n</svg>\n'
    )


def _body(nodes: Sequence[Node], anchors: Mapping[str, str] | None) -> tuple[Layout, list[str]]:
    """The edges, then the nodes row by row, so that a reader who moves through them reads them in order."""
    index = {node.id: i for i, node in enumerate(nodes)}
    layout = lay_out(len(nodes), [(index[on], index[node.id]) for node in nodes for on in node.rests_on])
    edges = [f'<path class="edge" data-edge="{a} {b}" d="{_curve(way)}"/>' for (a, b), way in layout.ways.items()]
    group = f'<g class="edges" aria-hidden="true" fill="none" stroke="{_LINE}" stroke-width="1.1">'
    drawn = [_node(nodes[i], i, layout.corners[i], anchors) for row in layout.rows for i in row]
    return layout, [group, *edges, "</g>", *drawn]


def _curve(way: Sequence[Point]) -> str:
    """The way of an edge: curves between rows, straight where it passes one, an arrowhead at its end."""
    (x, y), *rest = way
    parts = [f"M{x:.1f} {y:.1f}"]
    for i, (to_x, to_y) in enumerate(rest):
        if i % 2 == 1:
            parts.append(f"V{to_y:.1f}")
        else:
            middle = (y + to_y) / 2
            parts.append(f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    return "".join(parts) + "m-3.5 -6l3.5 6l3.5 -6"


def _node(node: Node, index: int, corner: Point, anchors: Mapping[str, str] | None) -> str:
    thick = 2.4 if node.state == Outcome.VIOLATED.value else 1.4
    parts = [
        f'<rect class="box" width="{WIDTH:g}" height="{HEIGHT:g}" rx="5" stroke-width="{thick}" {_look(node.state)}/>',
        f'<rect class="bar" width="5" height="{HEIGHT:g}" rx="2.5" fill="{COLOURS.get(node.state, _PLAIN)[1]}"/>',
        f'<text x="13" y="18" font-size="13.5" font-weight="700">{_text(node.id[:12])}</text>',
    ]
    if node.tiers:
        x = 18 + 9.5 * min(len(node.id), 12)
        parts.append(f'<text class="tiers" x="{x:g}" y="18" font-size="11">{node.marks}</text>')
    if node.standing:
        words = f"{node.symbol} {node.standing}"
        parts.append(
            f'<text class="word" x="{WIDTH - 8:g}" y="18" text-anchor="end" font-size="11">{_text(words)}</text>'
        )
    parts += [f'<text x="13" y="{34 + 14 * i}">{_text(words)}</text>' for i, words in enumerate(_wrapped(node.title))]
    parts += _pips(node.kinds, HEIGHT - 14)
    if node.doubts:
        x, letters = (13 + len(Kind) * (_PIP + 2) + 6, 14) if node.kinds else (13, 22)
        flag = node.flag(letters)
        parts.append(
            f'<text class="flag" x="{x:g}" y="{HEIGHT - 7:g}" font-size="10.5" font-weight="600">{_text(flag)}</text>'
        )
    name = " ".join(["node", node.state, *([f"taint-{node.taint}"] if node.taint else [])])
    place = f'transform="translate({corner[0]:.1f} {corner[1]:.1f})"'
    inner = f"<title>{_text(label(node))}</title>{''.join(parts)}"
    if anchors is None:
        return f"<g {place}>{inner}</g>"
    said = f'class="{name}" data-node="{index}" {place}'
    if node.id not in anchors:
        return f"<g {said}>{inner}</g>"
    return f'<a {said} href="#{_text(anchors[node.id])}">{inner}</a>'


def _look(state: str) -> str:
    """Fill, line and dashes of a state, as attributes."""
    fill, line = COLOURS.get(state, _PLAIN)
    dashes = f' stroke-dasharray="{_DASHES[state]}"' if state in _DASHES else ""
    return f'fill="{fill}" stroke="{line}"{dashes}'


def _pips(kinds: Sequence[Kind], y: float) -> list[str]:
    """Six squares, the strongest kind of evidence on the left, filled where evidence was collected."""
    if not kinds:
        return []
    parts = []
    for i, kind in enumerate(Kind):
        ink = f'fill="{_INK}"' if kind in kinds else 'fill="none"'
        parts.append(
            f'<rect class="{"pip" if kind in kinds else "no-pip"}" x="{13 + i * (_PIP + 2):g}" y="{y:g}" '
            f'width="{_PIP:g}" height="{_PIP:g}" {ink} stroke="{_SOFT}" stroke-width="0.8"/>'
        )
    return parts


def _wrapped(title: str) -> list[str]:
    """A title on the lines that a node has, cut where it is longer."""
    lines: list[str] = [""]
    words = clean(title).split()
    for i, word in enumerate(words):
        joined = f"{lines[-1]} {word}".strip()
        if len(joined) <= _LETTERS or not lines[-1]:
            lines[-1] = joined
        elif len(lines) < _LINES:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {' '.join(words[i:])}"
            break
    return [line if len(line) <= _LETTERS else f"{line[: _LETTERS - 1].rstrip()}…" for line in lines if line]


def _legend(nodes: Sequence[Node], width: float, top: float) -> tuple[list[str], float]:
    """What the drawing means, below it, as far as it is drawn: the states, the squares, the flags, the arrows."""
    entries = states(nodes)
    parts, x, y = [], 0.0, top
    for words, symbol, state in entries:
        space = 56 + 6.8 * len(words)
        if x + space > width:
            x, y = 0.0, y + 24
        parts += [
            f'<rect x="{x:g}" y="{y - 12:g}" width="20" height="15" rx="3" stroke-width="1.4" {_look(state)}/>',
            f'<text x="{x + 27:g}" y="{y:g}">{_text(f"{symbol} {words}")}</text>',
        ]
        x += space
    lines = ["An arrow leads from a statement to those that rest on it."]
    if entries:
        lines = ["Colour and word: the weakest evidence of a claim that holds, or its outcome.", *lines]
    if any(node.kinds for node in nodes):
        listed = ", ".join(KIND_LABEL[kind] for kind in Kind)
        lines.append(f"Squares: kinds of evidence that were collected, from the left {listed}.")
    found = {tier for node in nodes for tier in node.tiers}
    lines += [f"{tier.mark} formal, {tier.name}: {tier.says}." for tier in TIERS if tier in found]
    if any(node.doubts for node in nodes):
        lines.append("▲ rests on a claim that is violated or open, ▽ on one with weaker evidence; the worst are named.")
    y = y + 24 if entries else top
    for words in lines:
        parts.append(f'<text x="0" y="{y:g}" fill="{_SOFT}">{_text(words)}</text>')
        y += 19
    return parts, y - 12


def states(nodes: Sequence[Node]) -> list[tuple[str, str, str]]:
    """The standings that occur, the strongest first: word, symbol, state."""
    order = [
        *KIND_LABEL.values(),
        *(outcome.value for outcome in Outcome if outcome is not Outcome.HOLDS),
        ABSENT,
        BARE,
    ]
    found = {node.standing: node for node in nodes if node.standing}
    return [(words, found[words].symbol, found[words].state) for words in order if words in found]


def _text(words: str) -> str:
    return escape(clean(words))

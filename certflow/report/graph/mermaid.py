"""The graph of statements as Mermaid, which code forges and many editors draw from Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from certflow.report.formatting import clean
from certflow.report.graph.drawing import COLOURS
from certflow.report.graph.nodes import Node

_LETTERS = 60


def mermaid(nodes: Sequence[Node]) -> str:
    """A flowchart from above: an arrow leads from a statement to those that rest on it.

    Whatever a report calls a claim stands in a quoted label, its special characters as codes; nodes have names of ours.
    """
    names = {node.id: f"n{index}" for index, node in enumerate(nodes)}
    lines = ["flowchart TD"]
    for node in nodes:
        stands = f"{node.symbol} {node.standing}" if node.standing else ""
        head = " ".join(filter(None, [node.id, node.marks, stands]))
        parts = [_text(part) for part in (head, node.title, node.flag(_LETTERS)) if part]
        lines.append(f'  {names[node.id]}["{"<br/>".join(parts)}"]')
    lines += [f"  {names[on]} --> {names[node.id]}" for node in nodes for on in node.rests_on]
    for state, (fill, line) in COLOURS.items():
        members = [names[node.id] for node in nodes if node.state == state]
        if members:
            name = state.replace("-", "_")
            lines.append(f"  classDef {name} fill:{fill},stroke:{line},color:#24221e")
            lines.append(f"  class {','.join(members)} {name}")
    return "\n".join(lines)


def _text(words: str) -> str:
    one_line = " ".join(clean(words).split())
    return re.sub(r"""[#"&<>`\\]""", lambda match: f"#{ord(match.group())};", one_line)

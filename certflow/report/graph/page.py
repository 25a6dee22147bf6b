"""The graph of statements in the HTML page: the drawing, the key that filters it, and what its script reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup

from certflow.claims.model import Outcome
from certflow.report.document import Document
from certflow.report.formatting import clean
from certflow.report.graph.drawing import draw_inline, states
from certflow.report.graph.nodes import Node, report_nodes
from certflow.report.graph.taint import ABSENT, Doubt
from certflow.report.tiers import TIERS
from certflow.report.verdict import SYMBOL, chapter_title


@dataclass(frozen=True)
class Key:
    """One entry of the key: the word that stands for it in a link, its sign, what it says, of how many nodes."""

    token: str
    symbol: str
    text: str
    count: int
    state: str = ""


@dataclass(frozen=True)
class GraphView:
    """What the template shows: the drawing, the entries of the key by heading, the data of the script."""

    svg: Markup
    keys: tuple[tuple[str, tuple[Key, ...]], ...]
    data: Markup
    size: int


def graph_view(report: Document, anchors: Mapping[str, str]) -> GraphView:
    """The graph of a report, its nodes linked to `#` and the anchors of their claims."""
    nodes = report_nodes(report)
    return GraphView(Markup(draw_inline(nodes, anchors)), _keys(nodes), _data(nodes, anchors), len(nodes))


def graph_link(identifier: str) -> str:
    """The address, within the page, of the graph with this claim chosen."""
    return f"#graph={quote(clean(identifier), safe='')}"


def _keys(nodes: Sequence[Node]) -> tuple[tuple[str, tuple[Key, ...]], ...]:
    chapters = Counter(node.chapter for node in nodes)
    order = (*Outcome, None)
    counted = Counter(node.outcome for node in nodes)
    outcomes = {outcome: counted[outcome] for outcome in order if counted[outcome]}
    standings = Counter(node.standing for node in nodes)
    taints = Counter(node.taint for node in nodes)
    marked = Counter(tier for node in nodes for tier in node.tiers)
    found = (
        ("Chapter", [Key(key or "other", key, chapter_title(key), count) for key, count in chapters.items()]),
        ("Outcome", [_outcome_key(outcome, count) for outcome, count in outcomes.items()]),
        (
            "Weakest evidence of a claim that holds",
            [
                Key(state, symbol, words, standings[words], state)
                for words, symbol, state in states(nodes)
                if words not in {_outcome_words(outcome) for outcome in outcomes}
            ],
        ),
        ("Formal", [Key(tier.token, tier.mark, tier.name, marked[tier]) for tier in TIERS if marked[tier]]),
        (
            "Taint",
            [
                Key(token, symbol, words, taints[token])
                for token, symbol, words in (
                    ("doubt", "▲", "rests on a claim that is violated or open"),
                    ("weaker", "▽", "rests on a claim with weaker evidence"),
                )
                if taints[token]
            ],
        ),
    )
    return tuple((heading, tuple(keys)) for heading, keys in found if keys)


def _outcome_words(outcome: Outcome | None) -> str:
    return ABSENT if outcome is None else outcome.value


def _outcome_key(outcome: Outcome | None, count: int) -> Key:
    token = _token(_outcome_words(outcome))
    state = "" if outcome is Outcome.HOLDS else token
    return Key(token, "–" if outcome is None else SYMBOL[outcome], _outcome_words(outcome), count, state)


def _token(words: str) -> str:
    return words.replace(" ", "-")


def _data(nodes: Sequence[Node], anchors: Mapping[str, str]) -> Markup:
    """The nodes in the order of their numbers, as JSON that ends no script element."""
    index = {node.id: i for i, node in enumerate(nodes)}
    rows = []
    for node in nodes:
        shown = [node.chapter or "other", _token(_outcome_words(node.outcome)), node.state, node.taint]
        shown += [tier.token for tier in node.tiers]
        rows.append(
            {
                "id": clean(node.id),
                "title": clean(node.title),
                "href": f"#{anchors[node.id]}" if node.id in anchors else "",
                "mark": f"{node.symbol} {node.standing}",
                "words": f"{node.symbol} {node.words}",
                "formal": node.formal,
                "kinds": [kind.value.replace("_", " ") for kind in node.kinds],
                "show": list(dict.fromkeys(filter(None, shown))),
                "rests": [index[on] for on in node.rests_on],
                "open": [_way(doubt, index) for doubt in node.doubts if not doubt.weaker],
                "weaker": [_way(doubt, index) for doubt in node.doubts if doubt.weaker],
            }
        )
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def _way(doubt: Doubt, index: Mapping[str, int]) -> list[int]:
    """The numbers of the claim that is doubted and of those between."""
    return [index[doubt.on], *(index[name] for name in doubt.path)]

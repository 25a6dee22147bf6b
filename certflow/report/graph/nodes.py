"""The nodes of the graph of statements: those of a report, with evidence and taint, or those of the bare theory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from certflow.claims.machine_checked import machine_checked
from certflow.claims.model import Kind, Outcome
from certflow.claims.statement import Statement
from certflow.report.document import Document
from certflow.report.graph.taint import ABSENT, Doubt, doubts, standing
from certflow.report.tiers import Tier, general, tiers
from certflow.report.verdict import KIND_LABEL, SYMBOL, chapter_of


@dataclass(frozen=True)
class Node:
    """One statement as the graph shows it.

    standing : a word on how it stands (`taint.standing`); empty for a statement of the bare theory
    kinds : the kinds of evidence that were collected, strongest first
    tiers : the formal tiers
    rests_on : ids of other nodes; doubts : its taint, worst first
    """

    id: str
    title: str
    chapter: str
    standing: str = ""
    outcome: Outcome | None = None
    kinds: tuple[Kind, ...] = ()
    tiers: tuple[Tier, ...] = ()
    rests_on: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    @property
    def symbol(self) -> str:
        """The mark of its outcome; a dash where no outcome is known."""
        return "–" if self.outcome is None else SYMBOL[self.outcome]

    @property
    def state(self) -> str:
        """Its standing as the name of a style: `high-precision`."""
        return self.standing.replace(" ", "-") or "bare"

    @property
    def taint(self) -> str:
        """The worst that it rests on: `doubt` (it may not hold), `weaker` (it holds by less), or nothing."""
        if not self.doubts:
            return ""
        return "weaker" if self.doubts[0].weaker else "doubt"

    def flag(self, letters: int) -> str:
        """Its taint in `letters` or fewer: a mark, the ids of the worst that it rests on, and how many others."""
        if not self.doubts:
            return ""
        mark = "▽" if self.taint == "weaker" else "▲"
        for shown in range(len(self.doubts), 0, -1):
            more = f" +{len(self.doubts) - shown}" if shown < len(self.doubts) else ""
            line = f"{mark} {', '.join(doubt.on for doubt in self.doubts[:shown])}{more}"
            if len(line) <= letters:
                return line
        return f"{mark} {len(self.doubts)}"

    @property
    def marks(self) -> str:
        """The marks of its formal tiers."""
        return "".join(tier.mark for tier in self.tiers)

    @property
    def formal(self) -> str:
        """Its formal tiers in words for a panel or a screen reader."""
        return "; ".join(f"{tier.name}: {tier.says}" for tier in self.tiers)

    @property
    def words(self) -> str:
        """How it stands, in a sentence for a panel or for a screen reader."""
        if self.outcome is Outcome.HOLDS and self.kinds:
            return f"holds; weakest evidence: {self.standing}"
        return self.standing

    @property
    def warning(self) -> str:
        """Its taint in a sentence without an end: the claims below that stand less well, by how they stand."""
        found: dict[str, list[str]] = {}
        for doubt in self.doubts:
            found.setdefault(doubt.standing, []).append(doubt.on)
        return "; ".join(f"{', '.join(ids)} ({words})" for words, ids in found.items())


def report_nodes(report: Document) -> tuple[Node, ...]:
    """A node for each claim of a report, in its order, then for each that they rest on and that it has not."""
    tainted = doubts(report)
    known = {result.id: result for result in report.results}
    nodes = [
        Node(
            id=result.id,
            title=result.title,
            chapter=chapter_of(result.id),
            standing=standing(result),
            outcome=result.outcome,
            kinds=tuple(kind for kind in Kind if any(item.kind is kind for item in result.evidence)),
            tiers=tiers(result),
            rests_on=_others(result.id, result.rests_on),
            doubts=tainted[result.id],
        )
        for result in known.values()
    ]
    absent = dict.fromkeys(name for node in nodes for name in node.rests_on if name not in known)
    return (*nodes, *(Node(name, "", chapter_of(name), ABSENT) for name in absent))


def theory_nodes(statements: Iterable[Statement]) -> tuple[Node, ...]:
    """A node for each statement of the theory, without evidence: what rests on what."""
    return tuple(
        Node(
            row.id,
            row.title,
            chapter_of(row.id),
            tiers=general(machine_checked(row.id)),
            rests_on=_others(row.id, row.depends_on),
        )
        for row in statements
    )


def _others(name: str, ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(other for other in ids if other != name))


def label(node: Node) -> str:
    """A node in one sentence, for a screen reader or a tooltip."""
    parts = [f"{node.id}, {node.title}" if node.title else node.id]
    parts += [node.words] if node.words else []
    parts += [f"collected: {', '.join(KIND_LABEL[kind] for kind in node.kinds)}"] if node.kinds else []
    parts += [f"formal, {node.formal}"] if node.tiers else []
    if node.doubts:
        parts.append(f"rests on claims that stand less well: {node.warning}")
    return ". ".join(parts)

"""How well a claim of a report stands, and which claims below it stand less well.

Doubt travels along "rests on": a proof is no better than the statements that it uses (proofs/evidence.md).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from certflow.claims.model import ClaimResult, Kind, Outcome
from certflow.report.document import Document
from certflow.report.verdict import KIND_LABEL, weakest

#: The words for claims that no outcome describes: named by another claim only, or said to hold by nothing.
ABSENT, BARE = "not in this run", "without evidence"

_STRENGTH = {KIND_LABEL[kind]: rank for rank, kind in enumerate(Kind)}
#: Standings that leave open whether a claim holds, the worst first.
OPEN = (Outcome.VIOLATED.value, Outcome.INCONCLUSIVE.value, Outcome.NOT_CHECKED.value, ABSENT, BARE)


@dataclass(frozen=True)
class Doubt:
    """A claim below another one that stands less well: its id, how it stands, and the way down to it.

    path : the ids between the two, of a shortest way; empty where the one rests on the other directly
    """

    on: str
    standing: str
    path: tuple[str, ...] = ()

    @property
    def weaker(self) -> bool:
        """Is it that the claim below holds, by weaker evidence?"""
        return self.standing in _STRENGTH


def standing(result: ClaimResult | None) -> str:
    """How a claim stands, in one word of a reader: its weakest evidence where it holds, else its outcome."""
    if result is None:
        return ABSENT
    if result.outcome is not Outcome.HOLDS:
        return result.outcome.value
    found = weakest(result)
    return BARE if found is None else KIND_LABEL[found.kind]


def doubts(report: Document) -> dict[str, tuple[Doubt, ...]]:
    """For each claim of a report the claims that it rests on, directly or not, and that stand less well: the taint.

    These are the claims that are violated, inconclusive, not checked, not in the run or without evidence, and, under
    a claim that holds, those whose weakest evidence is weaker than its own. Every way down counts, also through claims
    that do not apply. A claim that does not apply says nothing of the mixture, so nothing is doubted of it. The worst
    come first, among equals the nearest.
    """
    results = {result.id: result for result in report.results}
    stands = {name: standing(result) for name, result in results.items()}
    found = {}
    for name, result in results.items():
        below = [] if result.outcome is Outcome.NOT_APPLICABLE else _below(name, results)
        doubted = [Doubt(on, stands.get(on, ABSENT), path) for on, path in below]
        found[name] = tuple(sorted((d for d in doubted if _worse(d.standing, stands[name])), key=_severity))
    return found


def _below(name: str, results: dict[str, ClaimResult]) -> list[tuple[str, tuple[str, ...]]]:
    """All that a claim rests on, the nearest first, each with the ids on a shortest way down to it."""
    ways: dict[str, tuple[str, ...]] = {name: ()}
    waiting = deque([name])
    while waiting:
        here = waiting.popleft()
        through = () if here == name else (*ways[here], here)
        for on in results[here].rests_on if here in results else ():
            if on not in ways:
                ways[on] = through
                waiting.append(on)
    del ways[name]
    return list(ways.items())


def _worse(below: str, above: str) -> bool:
    if below in OPEN:
        return True
    return below in _STRENGTH and above in _STRENGTH and _STRENGTH[below] > _STRENGTH[above]


def _severity(doubt: Doubt) -> tuple[int, int]:
    """What sorts doubts: those that leave a claim open first, then the weakest evidence first."""
    if doubt.standing in OPEN:
        return OPEN.index(doubt.standing), 0
    return len(OPEN), -_STRENGTH[doubt.standing]

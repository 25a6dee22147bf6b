"""Where a claim of a report leads: its code, its checks and what each must reject, its command lines.

The report holds what was found; code, checks and false twins are those of the package that makes the page.
"""

from __future__ import annotations

from dataclasses import dataclass

from certflow.claims.check import Twin
from certflow.claims.places import Place, place_of
from certflow.claims.registry import STATEMENTS, checks_of
from certflow.report.commands import replay, told, witness, witness_file
from certflow.report.document import Document
from certflow.report.verdict import KIND_LABEL


@dataclass(frozen=True)
class Code:
    """A place in the code; its text stands with the first claim that names it, which is `holder`."""

    place: Place
    anchor: str
    holder: str


@dataclass(frozen=True)
class Rejected:
    """A false twin in words: the mistake, the mixture on which it is tried, the wrong formulas."""

    mistake: str
    mixture: str
    formulas: str


@dataclass(frozen=True)
class Origin:
    """All that a claim leads to but its proof.

    rejects : by the name of a check, what it must report as violated; unrun : names and kinds of checks without
    evidence in the report
    """

    code: tuple[Code, ...]
    rejects: dict[str, tuple[Rejected, ...]]
    unrun: tuple[tuple[str, str], ...]
    replay: str
    told: str
    witness: str
    witness_file: str


def origins(report: Document) -> dict[str, Origin]:
    """The origin of each claim of the report, by its id."""
    holders: dict[str, str] = {}
    found = {}
    for result in report.results:
        names = STATEMENTS[result.id].code if result.id in STATEMENTS else ()
        places = [place for place in map(place_of, names) if place is not None]
        for place in places:
            holders.setdefault(place.name, result.id)
        checks = checks_of(result.id)
        run = {item.check for item in result.evidence}
        found[result.id] = Origin(
            code=tuple(Code(place, f"code-{place.name}", holders[place.name]) for place in places),
            rejects={check.name: tuple(map(_rejected, check.twins)) for check in checks},
            unrun=tuple((check.name, KIND_LABEL[check.kind]) for check in checks if check.name not in run),
            replay=replay(report, result),
            told=told(result),
            witness=witness(result),
            witness_file=witness_file(result),
        )
    return found


def _rejected(twin: Twin) -> Rejected:
    return Rejected(twin.mistake, twin.mixture, f"{twin.formulas.__module__}.{twin.formulas.__qualname__}")

"""The wording that every view shares: counts, verdict sentences, the cells of the evidence table.

Strengths of evidence are named one by one (proofs/evidence.md); a sentence never sums two of them up in
one word, and says so where only points that were looked at support a claim.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from certflow.claims.model import ClaimResult, Evidence, Kind, Outcome
from certflow.claims.registry import CHAPTERS
from certflow.report.again import again
from certflow.report.document import Document
from certflow.report.formatting import abbreviate, json_text
from certflow.report.tiers import INSTANCE_IN_PART, instance, tiers

SYMBOL: dict[Outcome, str] = {
    Outcome.HOLDS: "✓",
    Outcome.VIOLATED: "✗",
    Outcome.INCONCLUSIVE: "?",
    Outcome.NOT_APPLICABLE: "∅",
    Outcome.NOT_CHECKED: "…",
}

OUTCOME_MEANING: dict[Outcome, tuple[str, str]] = {
    Outcome.HOLDS: (
        "every piece of evidence that was collected agrees with the statement",
        "more than the kinds of evidence named beside it say; it is never stronger than the weakest of them",
    ),
    Outcome.VIOLATED: (
        "a counterexample to the statement, or to the code that evaluates it, was found and can be replayed",
        "which of the two is wrong",
    ),
    Outcome.INCONCLUSIVE: (
        "a comparison could not be decided: overlapping enclosures, an undefined number, or a spent budget; of a "
        "report also: no claim was checked or applies",
        "neither that the statement holds nor that it fails",
    ),
    Outcome.NOT_APPLICABLE: (
        "the hypotheses of the statement exclude this mixture, or no finite bound exists for it",
        "anything about the statement on other mixtures",
    ),
    Outcome.NOT_CHECKED: (
        "no check of the statement has been run on this mixture",
        "anything at all about the statement",
    ),
}

KIND_LABEL: dict[Kind, str] = {kind: kind.value.replace("_", " ") for kind in Kind}

_SUPPORT: dict[Kind, str] = {
    Kind.FORMAL: "a theorem that Coq accepted",
    Kind.SYMBOLIC: "symbolic reduction",
    Kind.ENCLOSURE: "enclosure",
    Kind.HIGH_PRECISION: "high-precision points",
    Kind.SAMPLED: "sampled cases",
    Kind.EMPIRICAL: "empirical measurement",
}
_POINTWISE = frozenset({Kind.HIGH_PRECISION, Kind.SAMPLED, Kind.EMPIRICAL})

#: How a reader checks the certificates again, without the code that made them.
RECHECK = "certflow check certificates/*.json"

_GROUP_TITLE = {chapter.statements[0].id[0]: chapter.title for chapter in CHAPTERS}

# What decides when several outcomes meet in one cell: the worst news first.
_SEVERITY = (
    Outcome.VIOLATED,
    Outcome.INCONCLUSIVE,
    Outcome.HOLDS,
    Outcome.NOT_CHECKED,
    Outcome.NOT_APPLICABLE,
)


#: Outcomes of claims that a check looked at.
_CHECKED = (Outcome.HOLDS, Outcome.VIOLATED, Outcome.INCONCLUSIVE)


@dataclass(frozen=True)
class Cell:
    """One cell of the table claim × kind: a state for the style sheet, a symbol and a word."""

    state: str
    symbol: str
    text: str


NOTHING = Cell("none", "–", "")
PENDING = Cell("pending", "○", "pending")


@dataclass(frozen=True)
class Group:
    """Claims of one chapter of the theory, in the order of the report."""

    key: str
    title: str
    results: tuple[ClaimResult, ...]


def worst(outcomes: Iterable[Outcome]) -> Outcome | None:
    """The outcome that decides for several; `None` for none."""
    found = set(outcomes)
    return next((outcome for outcome in _SEVERITY if outcome in found), None)


def outcome_cell(outcome: Outcome) -> Cell:
    """The cell that shows one outcome."""
    return Cell(outcome.value.replace(" ", "-"), SYMBOL[outcome], outcome.value)


def cell(result: ClaimResult, kind: Kind) -> Cell:
    """What the evidence of one kind says about a claim; `pending` where it does not exist yet."""
    outcome = worst(item.outcome for item in result.evidence if item.kind is kind)
    if outcome is not None:
        return outcome_cell(outcome)
    return PENDING if kind in result.pending else NOTHING


def cells(result: ClaimResult, kind: Kind) -> tuple[Cell, ...]:
    """The cell of a kind; of the formal kind its tiers too, to which a bare dash gives way."""
    found = cell(result, kind)
    more = tuple(Cell(tier.token, tier.mark, tier.name) for tier in tiers(result)) if kind is Kind.FORMAL else ()
    return more if more and found == NOTHING else (found, *more)


def chapter_of(claim: str) -> str:
    """The chapter of the theory in which a claim stands: the first letter of its id; empty for none of ours."""
    key = claim[:1].upper()
    return key if key in _GROUP_TITLE else ""


def chapter_title(key: str) -> str:
    """The heading of a chapter."""
    return _GROUP_TITLE.get(key, "Other statements")


def weakest(result: ClaimResult) -> Evidence | None:
    """The weakest evidence that gives a claim its outcome: a claim is never stronger (proofs/evidence.md)."""
    order = list(reversed(Kind))
    deciding = [item for item in result.evidence if item.outcome is result.outcome]
    return min(deciding, key=lambda item: order.index(item.kind), default=None)


def groups(report: Document) -> list[Group]:
    """The claims by chapter of the theory."""
    found: dict[str, list[ClaimResult]] = {}
    for result in report.results:
        found.setdefault(chapter_of(result.id), []).append(result)
    return [Group(key, chapter_title(key), tuple(results)) for key, results in found.items()]


def attention(report: Document) -> list[ClaimResult]:
    """The claims that a reader must look at: violated ones, then inconclusive ones."""
    return [result for outcome in _SEVERITY[:2] for result in with_outcome(report, outcome)]


def with_outcome(report: Document, outcome: Outcome) -> list[ClaimResult]:
    """The claims of one outcome, in the order of the report."""
    return [result for result in report.results if result.outcome is outcome]


def decided(report: Document) -> Document:
    """The report of the claims that have a section: those that hold, fail or are in doubt."""
    return report.model_copy(update={"results": tuple(r for r in report.results if r.outcome in _CHECKED)})


def counts(report: Document) -> dict[Outcome, int]:
    """How many claims have each outcome, in the order of `Outcome`, zeros included."""
    tally = Counter(result.outcome for result in report.results)
    return {outcome: tally[outcome] for outcome in Outcome}


def verdict_sentences(report: Document) -> list[str]:
    """The summary in words: how many claims came out how, and on what strengths of evidence.

    What does not apply and what was not checked is told apart, and is in no total.
    """
    if not report.results:
        return ["No claim was looked at."]
    tally = counts(report)
    told = [_counted(outcome, tally[outcome]) for outcome in _CHECKED if tally[outcome]]
    rest = [_counted(outcome, count) for outcome, count in tally.items() if count and outcome not in _CHECKED]
    sentences = []
    if told:
        total = checked(report)
        sentences.append(f"Of {total} {'claim' if total == 1 else 'claims'} checked, {_listed(told)}.")
    if rest:
        sentences.append(f"Of the others, {_listed(rest)}." if told else f"{_listed(rest)}.")
    return sentences + _nothing_decided(report) + _strength_sentences(report)


def _counted(outcome: Outcome, count: int) -> str:
    if outcome is Outcome.HOLDS:
        return f"{count} {'holds' if count == 1 else 'hold'}"
    return f"{count} {'is' if count == 1 else 'are'} {outcome.value}"


def unchecked(report: Document) -> dict[str, list[str]]:
    """The ids of the claims that were not checked, by the reason why."""
    found: dict[str, list[str]] = {}
    for result in with_outcome(report, Outcome.NOT_CHECKED):
        found.setdefault(result.reason or "no reason was given", []).append(result.id)
    return found


def left_out(report: Document) -> list[str]:
    """What was not checked and why, a line for each reason: claims, then kinds of evidence of claims that were."""
    lines = [f"not yet checked: {', '.join(ids)} ({reason})" for reason, ids in unchecked(report).items()]
    found: dict[tuple[Kind, str], list[str]] = {}
    for result in report.results:
        if result.outcome in _CHECKED:
            for kind, reason in result.left_out.items():
                found.setdefault((kind, reason), []).append(result.id)
    told = ((f"no {KIND_LABEL[kind]} evidence for {', '.join(ids)}", reason) for (kind, reason), ids in found.items())
    return lines + [f"{what} ({reason})" for what, reason in told]


def _nothing_decided(report: Document) -> list[str]:
    """Why no claim holds, fails or is in doubt, where that is so."""
    if any(result.outcome in _CHECKED for result in report.results):
        return []
    reasons = "; ".join(f"{', '.join(ids)}: {reason}" for reason, ids in unchecked(report).items())
    return [f"Nothing was checked. {reasons}." if reasons else "Nothing was checked, as no claim applies."]


def _strength_sentences(report: Document) -> list[str]:
    holding = [result for result in report.results if result.outcome is Outcome.HOLDS]
    if not holding:
        return []
    kinds = {result.id: {item.kind for item in result.evidence if item.outcome is Outcome.HOLDS} for result in holding}
    support = [
        f"{_SUPPORT[kind]} for {count}" for kind in Kind if (count := sum(kind in found for found in kinds.values()))
    ]
    subject = "the one that holds" if len(holding) == 1 else f"the {len(holding)} that hold"
    sentences = [f"Evidence for {subject}: {', '.join(support)}."] if support else []
    parts = [result.id for result in holding if INSTANCE_IN_PART in instance(result)]
    if parts:
        sentences.append(f"For {_listed(parts)} Coq accepted a part of what the certificate asserts, not the whole.")
    pointwise = [claim for claim, found in kinds.items() if found and found <= _POINTWISE]
    if pointwise:
        sentences.append(
            f"For {_listed(pointwise)} the support is only the points, cases or runs that were looked at; "
            "nothing there covers what lies between them."
        )
    return sentences


def _listed(phrases: list[str]) -> str:
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"


def mixture_name(report: Document) -> str:
    """The name of the mixture, or words that say it has none."""
    return str(report.mixture.get("name") or "unnamed mixture")


def headline(report: Document) -> str:
    """The overall outcome in words that do not reach past what was checked."""
    tally = counts(report)
    if report.outcome is Outcome.VIOLATED:
        return "violated: at least one claim fails"
    if report.outcome is not Outcome.HOLDS:
        return f"{report.outcome.value}: nothing was checked" if _nothing_decided(report) else report.outcome.value
    if not tally[Outcome.HOLDS]:
        return "holds, but only because no claim was checked"
    asked = f" of the {len(report.results)} asked for, of {report.claims_known} in all," if chosen(report) else ""
    return f"holds: every claim{asked} that {'was checked' if tally[Outcome.NOT_CHECKED] else 'applies'}"


def chosen(report: Document) -> bool:
    """Was the report asked for some of the claims only?"""
    return len(report.results) < report.claims_known


def checked(report: Document) -> int:
    """How many claims hold, fail or are in doubt; those that do not apply or were not checked are in no total."""
    tally = counts(report)
    return sum(tally[outcome] for outcome in _CHECKED)


def short(report: Document) -> str:
    """The verdict in one line of at most 200 characters: the outcome, and the claims that a reader must look at."""
    named = ", ".join(f"{result.id} {result.outcome.value}" for result in attention(report))
    line = f"report of {mixture_name(report)}: {named or headline(report)}"
    return line if len(line) <= 200 else f"{line[:199]}…"


def complaint(report: Document) -> str:
    """Why a report does not hold, on a few lines: each claim with the evidence that decided, and its witness."""
    lines = [f"{mixture_name(report)}, t from {report.t_min} to {report.t_max}: {headline(report)}"]
    for result in attention(report):
        reason = f" ({result.reason})" if result.reason else ""
        lines.append(f"{result.id} {result.outcome.value}: {result.title}{reason}")
        for item in result.evidence:
            if item.outcome is result.outcome:
                lines.append(f"  {item.check}: {item.summary}")
                lines += [] if item.witness is None else [f"  witness: {json_text(abbreviate(item.witness, 400))}"]
    lines += [] if attention(report) else _nothing_decided(report)
    command = again(report)
    return "\n".join([*lines, f"again: {command}"] if command else lines)


def facts(report: Document) -> list[tuple[str, Any]]:
    """What a reader sees first of a mixture and a run: labels and values, the empty ones left out."""
    described = {label(key): value for key, value in report.description.items() if key != "name"}
    described |= {"time interval": f"{report.t_min} ≤ t ≤ {report.t_max}", "profile": report.profile}
    present = [(key, value) for key, value in described.items() if value not in (None, "", {}, [], ())]
    return sorted(present, key=lambda fact: isinstance(fact[1], dict))  # long ones last


def sources(result: ClaimResult) -> list[tuple[str, str]]:
    """Where a statement comes from, and its proof page unless the source names it already."""
    named = result.proof is None or result.proof in result.source
    return [("Source", result.source)] + ([] if named else [("Proof page", str(result.proof))])


def resting_on(report: Document) -> dict[str, str]:
    """The ids on which claims of the report rest, and what is known of each: its outcome, if the run looked at it."""
    known = {result.id: result.outcome.value for result in report.results}
    return {name: known.get(name, "not in this run") for result in report.results for name in result.rests_on}


def label(key: str) -> str:
    """The name of a number as a reader sees it: `digits_agreed` is `digits agreed`."""
    return key.replace("_", " ")


def dimension(report: Document) -> int:
    """Dimension of the space of the mixture (two where the report does not say)."""
    found = report.description.get("dimension", report.description.get("d"))
    return found if isinstance(found, int) else 2

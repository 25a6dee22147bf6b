"""The proof pages that a report holds, each in its place.

A page is held for each claim, for each that a claim rests on, and for those that a held page cites, where they are
of a statement, of the symbols or of the kinds of evidence. Lemmas behind the enclosures and the checker are named, not
held: they are as long as the proofs of all statements together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from certflow.claims.model import ClaimResult, Outcome
from certflow.claims.proof_pages import proof_page
from certflow.report.commonmark import render_page
from certflow.report.document import Document
from certflow.report.kept_pages import KeptPages

_PATH = re.compile(r"proofs/([\w-]+)\.md")
_CITED = re.compile(r"\]\(([A-Z]\d*|notation|evidence)\.md\)")
#: The page that explains the symbols of all others, which do not cite it for them.
_SYMBOLS = "notation"
#: Claims with these outcomes have a row of a table, which holds no page.
_ROWS = (Outcome.NOT_APPLICABLE, Outcome.NOT_CHECKED)


@dataclass(frozen=True)
class ProofView:
    """A proof page with its place: the article of the claim `holder`, else (None) the section of cited pages."""

    path: str
    anchor: str
    holder: str | None
    text: Markup


def proof_views(report: Document) -> dict[str, ProofView]:
    """The pages that the report holds, by path; empty where no claim has a page or this package has none."""
    pages = [(name, result) for result in report.results if (name := _page_of(result)) is not None]
    if not pages:
        return {}
    holders: dict[str, str] = {}
    for name, result in pages:
        if result.outcome not in _ROWS:
            holders.setdefault(name, result.id)
    rested_on = [name for result in report.results for name in result.rests_on]
    held = _with_cited([*holders, *(name for name, _ in pages), *rested_on, _SYMBOLS])
    anchors = {f"{name}.md": f"proof-{name}" for name in held}
    kept = KeptPages(render_page)
    return {
        f"proofs/{name}.md": ProofView(
            path=f"proofs/{name}.md",
            anchor=anchors[f"{name}.md"],
            holder=holders.get(name),
            text=kept.page(name, text, anchors, 5 if name in holders else 3),
        )
        for name, text in held.items()
    }


def _page_of(result: ClaimResult) -> str | None:
    match = _PATH.fullmatch(result.proof or "")
    return match.group(1) if match and proof_page(match.group(1)) is not None else None


def _with_cited(names: Sequence[str]) -> dict[str, str]:
    """The texts of pages by name, with those that they cite, and so on; names without a page are left out."""
    found: dict[str, str] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop(0)
        text = proof_page(name)
        if name not in found and text is not None:
            found[name] = text
            waiting += _CITED.findall(text)
    return found

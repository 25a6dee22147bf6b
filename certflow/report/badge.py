"""The verdict as a badge: `badge.svg`, its text kept as text."""

from __future__ import annotations

from xml.sax.saxutils import escape

from certflow.claims.model import Outcome
from certflow.report import verdict
from certflow.report.document import Document
from certflow.report.formatting import clean

#: White letters on each have a contrast of more than 4.5 to 1 (WCAG AA).
_COLOUR = {Outcome.HOLDS: "#1f6b3d", Outcome.VIOLATED: "#a1232b"}
_OPEN, _LABEL = "#7d5200", "#3b3a36"

_BADGE = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{title}">
<title>{title}</title>
<clipPath id="badge-ends"><rect width="{width}" height="20" rx="3"/></clipPath>
<g clip-path="url(#badge-ends)">
<rect width="{left}" height="20" fill="{label}"/>
<rect x="{left}" width="{right}" height="20" fill="{colour}"/>
</g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">
<text x="{first}" y="14" textLength="{left_text}">certflow</text>
<text x="{second}" y="14" textLength="{right_text}">{words}</text>
</g>
</svg>
"""


def badge_words(report: Document) -> str:
    """The verdict with its counts, of the claims that were decided or in doubt: `25 of 25 claims hold`.

    Claims that do not apply or were not checked are no part of the total. Where only some claims were asked for, they
    are called chosen.
    """
    tally, total = verdict.counts(report), verdict.checked(report)
    claims = "chosen claims" if verdict.chosen(report) else "claims"
    if not total:
        return f"{report.outcome.value}: nothing was checked"
    if report.outcome is Outcome.HOLDS:
        return f"{tally[Outcome.HOLDS]} of {total} {claims} hold"
    return f"{report.outcome.value}: {tally[report.outcome]} of {total} {claims}"


def badge_title(report: Document) -> str:
    """What the badge says to who asks: the verdict, of which mixture, over which interval, by which profile."""
    where = f"{verdict.mixture_name(report)}, {report.t_min} <= t <= {report.t_max}, profile {report.profile}"
    some = f", {len(report.results)} of {report.claims_known} claims" if verdict.chosen(report) else ""
    return f"certflow: {badge_words(report)} ({where}{some})"


def badge(report: Document) -> str:
    """The badge as an SVG document."""
    words = badge_words(report)
    left_text, right_text = 46, round(5.8 * len(words))
    left, right = left_text + 12, right_text + 12
    return _BADGE.format(
        title=escape(clean(badge_title(report)), {'"': "&quot;"}),
        words=escape(words),
        label=_LABEL,
        colour=_COLOUR.get(report.outcome, _OPEN),
        width=left + right,
        left=left,
        right=right,
        first=left / 2,
        second=left + right / 2,
        left_text=left_text,
        right_text=right_text,
    )

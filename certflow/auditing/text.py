"""An audit in a few lines for a terminal."""

from __future__ import annotations

from certflow.auditing.result import Findings
from certflow.auditing.tables import Table, at_the_end, by_time, in_short, meaning, verdict_sentence
from certflow.auditing.witness import Witness
from certflow.numbers.numerals import figure
from certflow.terminal import filled, table

#: Lines of numbers of a witness; more are on the page and in JSON.
_SHOWN = 24


def text(audit: Findings) -> str:
    """The verdict, likely causes, the errors, where, the worst draw, what it makes of samples."""
    parts = [filled(verdict_sentence(audit))]
    if audit.causes:
        parts.append("\n".join(f"likely cause: {cause.sentence} ({cause.name})" for cause in audit.causes))
    parts.append(_table(by_time(audit), left=0))
    where = list(in_short(audit))
    if where:
        at = f"Where it errs at t = {figure(audit.largest.t, 4)}"
        parts.append("\n".join([at, "", *(filled(one, "- ", "  ") for one in where)]))
    if audit.witness is not None:
        parts.append(_witness(audit.witness))
    parts.append(_table(at_the_end(audit), left=2))
    parts += [filled(note) for note in audit.notes]
    return "\n\n".join([*parts, filled(meaning(audit))])


def _witness(witness: Witness) -> str:
    found, relative = witness.counterexample, figure(witness.relative, 3)
    title = f"Worst draw, off by {figure(found.error, 3)} ({relative} times the root mean square), replayed by"
    lines = witness.code.splitlines()
    if len(found.got) > _SHOWN or max(map(len, lines)) > 2000:
        return f"{title} the code in audit.json and --format json"
    return "\n".join([title, "", *(f"    {line}" for line in lines)])


def _table(one: Table, left: int = 1) -> str:
    shown = table(one.head, one.rows, left)
    return "\n".join([filled(one.title), "", shown, *(["", filled(one.note)] if one.note else [])])

"""An audit as files: one HTML page that loads nothing, Markdown, JSON."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from certflow.atomic import write_text_atomic
from certflow.auditing.figures import figures
from certflow.auditing.result import Findings
from certflow.auditing.tables import at_the_end, by_place, by_segment, by_time, in_short, meaning, verdict_sentence
from certflow.report.formatting import json_text, value_text
from certflow.report.html import environment
from certflow.report.markdown import cell_text, code_lines, table_lines
from certflow.report.markdown import text as escaped

#: The file that programs read.
JSON = "audit.json"
#: How the page shows a verdict: its class of style, and its words.
_MARKS = {
    "within": ("holds", "within the threshold"),
    "above": ("violated", "above the threshold"),
    "inconclusive": ("inconclusive", "inconclusive: the threshold is inside an interval"),
}
#: Characters of a witness' code beyond which the page shows its beginning only; audit.json has it whole.
_CODE = 20_000


def write(audit: Findings, directory: str | os.PathLike[str], command: str) -> list[Path]:
    """Write `audit.html`, `audit.md`, `audit.json`, each whole or not at all; returns the paths."""
    content = {
        "audit.html": html(audit, command),
        "audit.md": markdown(audit, command),
        JSON: json_text(audit.mapping()) + "\n",
    }  # everything is rendered before anything is written
    return [write_text_atomic(Path(directory) / name, text) for name, text in content.items()]


def html(audit: Findings, command: str) -> str:
    """The page: no scripts, no network, everything inside."""
    mark, words = _MARKS[audit.verdict]
    return (
        environment()
        .get_template("audit.html.j2")
        .render(
            name=_name(audit),
            mark=mark,
            verdict=words,
            sentence=verdict_sentence(audit),
            facts=_facts(audit),
            causes=audit.causes,
            short=list(in_short(audit)),
            notes=audit.notes,
            times=by_time(audit),
            places=list(by_place(audit)),
            ends=[at_the_end(audit), by_segment(audit)],
            figures=figures(audit),
            code=_witness(audit),
            meaning=meaning(audit),
            command=command,
            run=_run(audit),
        )
    )


def markdown(audit: Findings, command: str) -> str:
    """The same in GitHub-flavoured Markdown, without figures."""
    lines = [f"# {escaped(_name(audit))}: certflow audit", "", f"**{_MARKS[audit.verdict][1]}**, empirical", ""]
    lines += [escaped(verdict_sentence(audit)), ""]
    lines += [f"- likely cause: {escaped(cause.sentence)} ({escaped(cause.name)})" for cause in audit.causes]
    lines += [f"- {escaped(each)}" for each in (*in_short(audit), *audit.notes)]
    for table in (by_time(audit), *by_place(audit), at_the_end(audit), by_segment(audit)):
        cells = [tuple(map(cell_text, row)) for row in table.rows]
        lines += ["", f"## {escaped(table.title)}", "", *table_lines(tuple(map(cell_text, table.head)), cells)]
        lines += ["", escaped(table.note)] if table.note else []
    if audit.witness is not None:
        lines += ["", "## The worst draw", "", *code_lines(_witness(audit), "python")]
    lines += ["", "## What it means and does not mean", "", escaped(meaning(audit)), "", "## The run", ""]
    lines += [*code_lines(command, "sh"), ""] if command else []
    rows = [(escaped(key), cell_text(value_text(value))) for key, value in (*_facts(audit), *_run(audit))]
    return "\n".join([*lines, *table_lines(("", ""), rows)]) + "\n"


def _name(audit: Findings) -> str:
    return audit.process.mixture.name or "unnamed mixture"


def _facts(audit: Findings) -> list[tuple[str, Any]]:
    mixture = audit.process.mixture
    return [
        ("components", mixture.n_components),
        ("dimension", mixture.dimension),
        ("time interval", f"{audit.process.t_min:g} ≤ t ≤ {audit.process.t_max:g}"),
        ("quantity", audit.quantity),
        ("threshold", audit.threshold),
        ("draws at each time", audit.samples),
    ]


def _run(audit: Findings) -> list[tuple[str, Any]]:
    from certflow import __version__

    return [
        ("model", audit.model),
        ("rounding of its numbers", audit.roundoff),
        ("seed", audit.seed),
        ("certflow", __version__),
        ("python", platform.python_version()),
    ]


def _witness(audit: Findings) -> str:
    code = "" if audit.witness is None else audit.witness.code
    return code if len(code) <= _CODE else f"{code[:_CODE]} …\n# the whole is in audit.json"

"""The verdict as a terminal shows it: one row for each claim, the verdict in words, what it does not mean."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from certflow.claims.model import ClaimResult, Kind, Outcome
from certflow.report import verdict
from certflow.report.formatting import clean
from certflow.report.kept_proofs import kept_sentence
from certflow.report.report import Report
from certflow.terminal import columns

#: Columns of text where the output is not a terminal.
WIDTH = 100

NOT_MEANT = (
    "What this does not mean: a verdict speaks of this mixture and this interval of t, at the strength of "
    "the evidence named and no more. Points that were looked at say nothing of those between them; a "
    "bound that holds may be far from sharp."
)

_STYLE = {
    Outcome.HOLDS: "green",
    Outcome.VIOLATED: "bold red",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.NOT_APPLICABLE: "dim",
    Outcome.NOT_CHECKED: "dim",
}


def print_report(report: Report) -> None:
    """Print the verdict of a report to stdout."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False, width=columns() or WIDTH)
    shape = f"K = {len(report.mixture['weights'])}, d = {len(report.mixture['means'][0])}"
    kind = report.mixture["covariances"]["kind"]
    name = " ".join(clean(verdict.mixture_name(report)).split())
    print(f"{name}: {shape}, {kind}; {report.t_min} ≤ t ≤ {report.t_max}\n")
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    grid.add_column("claim", no_wrap=True)
    grid.add_column("outcome", no_wrap=True)
    grid.add_column("evidence", max_width=24)
    grid.add_column("what the weakest of it says", ratio=1)
    for result in report.results:
        if result.outcome is Outcome.NOT_CHECKED:
            continue
        style = _STYLE[result.outcome]
        mark = Text(f"{verdict.SYMBOL[result.outcome]} {result.outcome.value}", style=style)
        grid.add_row(result.id, mark, Text(_kinds(result)), Text(decisive(result)))
    sentences = plain(" ".join(verdict.verdict_sentences(report)))
    verdict_line = Text.assemble((f"{report.outcome.value}. ", _STYLE[report.outcome]), sentences)
    with console.capture() as captured:
        console.print(grid)
        console.print()
        for line in verdict.left_out(report):
            console.print(f"… {plain(line)}\n", style="dim")
        console.print(verdict_line)
        if kept := kept_sentence(report):
            console.print(f"{clean(kept)} --fresh proves them anew.", style="dim")
        console.print(NOT_MEANT, style="dim")
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))  # rich pads every line


def print_written(paths: Sequence[Path]) -> None:
    """Name the files that were written, one line for each directory."""
    by_folder: dict[Path, list[str]] = {}
    for path in paths:
        by_folder.setdefault(path.parent, []).append(path.name)
    for folder, names in by_folder.items():
        print(f"Written: {folder}: {', '.join(names)}")


def print_certificates(report: Report, folder: Path) -> None:
    """Say how many certificates were written, and how to check them again."""
    count = len(report.certificates)
    if count:
        files = f"{shlex.quote(str(folder))}/certificates/*.json"
        print(f"{count} {'certificate' if count == 1 else 'certificates'}; to check again: certflow check {files}")


def decisive(result: ClaimResult) -> str:
    """The reason, or the summary of the weakest evidence that gives the claim its outcome."""
    found = verdict.weakest(result)
    return plain(result.reason or (found.summary if found else ""))


def plain(text: str) -> str:
    """Text without the `$` signs and the commonest LaTeX commands of its inline formulas."""
    for command, sign in (
        ("lambda", "λ"),
        ("int", "∫"),
        ("le", "≤"),
        ("ge", "≥"),
        ("nabla", "∇"),
        ("infty", "∞"),
    ):
        text = re.sub(rf"\\{command}(?![a-zA-Z])", sign, text)
    return " ".join(text.replace("$", "").split())


def _kinds(result: ClaimResult) -> str:
    found = {item.kind for item in result.evidence}
    return ", ".join(verdict.KIND_LABEL[kind] for kind in Kind if kind in found) or "–"

"""The command line that gives a report again, and others that verify the mixture beside it."""

from __future__ import annotations

import shlex

from certflow.claims.registry import STATEMENTS
from certflow.report.document import Document

#: The mixture alone, beside the report. No user's file has this name.
MIXTURE_FILE = "report.mixture.json"


def again(report: Document) -> str:
    """What gives the whole report again: the command that made it, or one with the mixture beside it."""
    if report.command:
        return report.command
    if not has_usual_formulas(report):
        return ""
    names = [result.id for result in report.results]
    return verify_command(report, "" if names == list(STATEMENTS) else ",".join(names), out="again")


def has_usual_formulas(report: Document) -> bool:
    """Are the formulas of the report those of the command line?"""
    return bool(report.formulas == Document.model_fields["formulas"].default)


def verify_command(report: Document, claims: str, out: str = "") -> str:
    """`certflow verify` with what the report was made with, and these claims (none: every one)."""
    options = {"claims": claims, "profile": report.profile, "digits": report.digits, "seed": report.seed}
    options |= {"t-min": report.t_min, "t-max": report.t_max, "out": out}
    kernel = ["--kernel"] if any(item.theorem for result in report.results for item in result.evidence) else []
    words = [word for key, value in options.items() if value != "" for word in (f"--{key}", str(value))]
    return shlex.join(["certflow", "verify", MIXTURE_FILE, *words, *kernel])

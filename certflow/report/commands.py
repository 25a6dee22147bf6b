"""The command lines that a report shows, all of them: each is run in the directory of the report, but for the one that
made it, which is told as it was given."""

from __future__ import annotations

import re
import shlex

from certflow.claims.model import ClaimResult
from certflow.claims.registry import STATEMENTS
from certflow.report import verdict
from certflow.report.document import Document

#: The mixture alone, beside the report. No user's file has this name.
MIXTURE_FILE = "report.mixture.json"
#: The checker beside the certificates, which needs Python and nothing else.
CHECKER = "certificates/checker"
#: How all views are made again.
REBUILD = "certflow report ."
#: How all certificates are checked again, by certflow or by the checker alone.
RECHECK = verdict.RECHECK
RECHECK_ALONE = f"python -I -S {CHECKER} certificates/*.json"

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


def all_commands(report: Document) -> list[str]:
    """Every command line that a view of the report shows, each once."""
    found = [again(report), REBUILD]
    found += [RECHECK, RECHECK_ALONE] if report.certificates else []
    for result in report.results:
        found += [replay(report, result), told(result), witness(result)]
        for item in result.evidence:
            for path in item.certificates:
                found += [check(path), check_alone(path)]
    return list(dict.fromkeys(line for line in found if line))


def again(report: Document) -> str:
    """What gives the whole report again: the command that made it, or one with the mixture beside it."""
    if report.command:
        return report.command
    if not _known(report):
        return ""
    names = [result.id for result in report.results]
    return _verify(report, "" if names == list(STATEMENTS) else ",".join(names), out="again")


def replay(report: Document, result: ClaimResult) -> str:
    """What runs the checks of one claim again; empty where the command line does not have these formulas or claim."""
    return _verify(report, result.id) if _known(report) and result.id in STATEMENTS else ""


def told(result: ClaimResult) -> str:
    """What tells all about a claim."""
    return f"certflow claims {result.id}" if result.id in STATEMENTS else ""


def witness_file(result: ClaimResult) -> str:
    """The file of the witness of a claim, below the directory of the report; empty where there is none."""
    found = any(item.witness is not None for item in result.evidence)
    return f"witnesses/{result.id}.py" if found and _PLAIN.fullmatch(result.id) else ""


def witness(result: ClaimResult) -> str:
    """What runs again the checks that found the witness of a claim."""
    path = witness_file(result)
    return f"python {path}" if path else ""


def check(path: str) -> str:
    """What checks one certificate again."""
    return f"certflow check {path}"


def check_alone(path: str) -> str:
    """What checks one certificate again with Python and nothing else."""
    return f"python -I -S {CHECKER} {path}"


def _known(report: Document) -> bool:
    """Are the formulas of the report those of the command line?"""
    return bool(report.formulas == Document.model_fields["formulas"].default)


def _verify(report: Document, claims: str, out: str = "") -> str:
    options = {"claims": claims, "profile": report.profile, "digits": report.digits, "seed": report.seed}
    options |= {"t-min": report.t_min, "t-max": report.t_max, "out": out}
    words = [word for key, value in options.items() if value != "" for word in (f"--{key}", str(value))]
    return shlex.join(["certflow", "verify", MIXTURE_FILE, *words])

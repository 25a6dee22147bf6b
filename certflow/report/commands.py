"""The command lines that a report shows, all of them: each is run in the directory of the report, but for the one that
made it, which is told as it was given."""

from __future__ import annotations

import re

from certflow.claims.model import ClaimResult, Theorem
from certflow.claims.registry import STATEMENTS
from certflow.report import verdict
from certflow.report.again import again, has_usual_formulas, verify_command
from certflow.report.document import Document

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
            found += [] if item.theorem is None else [compile_again(item.theorem)]
    return list(dict.fromkeys(line for line in found if line))


def replay(report: Document, result: ClaimResult) -> str:
    """What runs the checks of one claim again; empty where the command line does not have these formulas or claim."""
    return verify_command(report, result.id) if has_usual_formulas(report) and result.id in STATEMENTS else ""


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


def compile_again(theorem: Theorem) -> str:
    """What writes the theorem of a certificate again, with its proof, and has it compiled."""
    return f"certflow check --kernel --keep theorems {theorem.certificate}"


def check_alone(path: str) -> str:
    """What checks one certificate again with Python and nothing else."""
    return f"python -I -S {CHECKER} {path}"

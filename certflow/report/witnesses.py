"""The witness of a claim as a Python file that finds it again: `DIR/witnesses/ID.py`."""

from __future__ import annotations

import json

from certflow.claims.model import ClaimResult
from certflow.report import verdict
from certflow.report.commands import witness, witness_file
from certflow.report.document import Document
from certflow.report.formatting import clean, plain

_SCRIPT = '''"""{headline}

It runs the checks that found the witness again, on the same mixture with the same seed, and prints what each says now:

    {command}

Exit code: 0 they hold now, 1 one is still violated, 3 one is inconclusive.
"""

import json
import sys

from certflow.claims.check import PROFILES, Context
from certflow.claims.registry import CHECKS
from certflow.law.library import from_mapping
{formulas}

MIXTURE = json.loads(
    {mixture}
)
#: By the name of the check, the witness that it found.
WITNESSES = json.loads(
    {witnesses}
)

process = Formulas(from_mapping(MIXTURE), t_min={t_min!r}, t_max={t_max!r})
context = Context(process, PROFILES[{profile!r}], digits={digits}, seed={seed})
codes = []
for check in CHECKS:
    if check.name in WITNESSES:
        found = check.run(context)
        print(f"{{check.name}}: {{found.outcome}}: {{found.summary}}")
        print("  witness now:   ", json.dumps(found.witness, default=str))
        print("  witness before:", json.dumps(WITNESSES[check.name]))
        codes.append({{"violated": 1, "inconclusive": 3}}.get(found.outcome.value, 0))
sys.exit(1 if 1 in codes else max(codes, default=3))
'''


def witness_scripts(report: Document) -> dict[str, str]:
    """The text of each file by its path below the directory of the report, for the claims that have a witness."""
    return {path: _script(report, result) for result in report.results if (path := witness_file(result))}


def _script(report: Document, result: ClaimResult) -> str:
    name = verdict.mixture_name(report)
    headline = " ".join(f"{result.id}, {result.outcome.value} on {clean(name)}.".split())
    return _SCRIPT.format(
        headline=headline.encode("ascii", "replace").decode().replace("\\", "/").replace('"', "'"),
        command=witness(result),
        formulas=_formulas(report.formulas),
        mixture=_literal(report.mixture),
        witnesses=_literal({item.check: item.witness for item in result.evidence if item.witness is not None}),
        t_min=report.t_min,
        t_max=report.t_max,
        profile=report.profile,
        digits=report.digits,
        seed=report.seed,
    )


def _formulas(name: str) -> str:
    """The line that makes `Formulas`, the class of the process under test."""
    module, _, word = name.rpartition(".")
    parts = [*module.split("."), word]
    if module == "__main__" or not all(part.isidentifier() for part in parts):
        told = f"# No import finds the class under test, {name.encode('ascii', 'replace').decode()!r}: put it here."
        return f"{told}\nfrom certflow import OrnsteinUhlenbeck as Formulas"
    return f"from {module} import {word} as Formulas"


def _literal(value: object) -> str:
    """JSON as a literal of Python, in ASCII."""
    return ascii(json.dumps(plain(value), ensure_ascii=True))

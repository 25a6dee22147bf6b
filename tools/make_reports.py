"""Regenerate the reference reports: `python tools/make_reports.py` rewrites reports/ (a few minutes).

A directory for each mixture, made by the same function as `certflow verify`, and `kill-table.md`, which lists every
check of the registry with its deliberately wrong formulas and what the check said of them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from certflow.atomic import write_text_atomic
from certflow.claims.check import Context
from certflow.claims.registry import CHECKS
from certflow.mixture_file import load_mixture
from certflow.process import OrnsteinUhlenbeck
from certflow.verification import verify

FOLDER = Path(__file__).resolve().parents[1] / "reports"
MIXTURES = ("iris", "two-modes", "line-3", "anisotropic-pair", "digits")


def kill_table() -> str:
    """Every check with its false twins, as a Markdown table."""
    lines = [
        "# Kill table",
        "",
        "Each check of the registry must accept the right formulas and report each deliberately wrong one as violated.",
        "",
        "| check | evidence | wrong formula | mixture | right formula | wrong formula |",
        "|---|---|---|---|---|---|",
    ]
    for check in CHECKS:
        for twin in check.twins:
            mixture = load_mixture(twin.mixture)
            outcomes = [
                check.run(Context(formulas(mixture, "0.01", "3"))).outcome
                for formulas in (OrnsteinUhlenbeck, twin.formulas)
            ]
            cells = [check.name, check.kind, twin.mistake, twin.mixture, *outcomes]
            lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for name in MIXTURES:
        report = verify(load_mixture(name), out=FOLDER / name, command=f"certflow verify {name} --out reports/{name}")
        shutil.rmtree(FOLDER / name / ".certflow")
        print(name, report.outcome, f"{report.seconds:.0f} s")
    write_text_atomic(FOLDER / "kill-table.md", kill_table())

"""Forty faults in a user's score or sampler: whether a check finds them, and whether it names the right cause.

    python benchmarks/planted_faults.py open|blind

The first twenty (`faults/open.py`) were open to whoever wrote the diagnosis; the others (`faults/blind.py`) were
written before it and are looked at once: their table in `results/planted_faults.json` stays as it came out. A diagnosis
is right if one of the causes that the user is shown has a pattern of the fault, written down with it.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from faults import blind
from faults import open as seen
from faults.fault import Fault

from certflow.testing import check_sampler, check_score
from certflow.testing.result import CheckFailed

RESULTS = Path(__file__).parent / "results" / "planted_faults.json"
HALVES = {"open": seen.FAULTS, "blind": blind.FAULTS}


def main() -> None:
    parser = argparse.ArgumentParser(description="what the checks say of planted faults")
    parser.add_argument("half", choices=list(HALVES))
    half = parser.parse_args().half
    kept: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if half == "blind" and half in kept:
        raise SystemExit(f"the blind faults were looked at before: {RESULTS}")
    kept[half] = [outcome(fault) for fault in HALVES[half]]
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    print("\n".join(table(kept[half])))


def outcome(fault: Fault) -> dict[str, Any]:
    """What the check says of one fault."""
    check = check_score if fault.kind == "score" else check_sampler
    started = time.process_time()
    try:
        result = check(fault.make(), fault.mixture, **fault.options)
    except CheckFailed as failed:
        result = failed.result
    return {
        "fault": fault.name,
        "kind": fault.kind,
        "cause": fault.cause,
        "caught": not result.passed,
        "part": result.part,
        "named": [{"name": cause.name, "sentence": cause.sentence} for cause in result.causes],
        "right": fault.named_by(result.causes),
        "cpu_seconds": round(time.process_time() - started, 1),
    }


def table(rows: list[dict[str, Any]]) -> list[str]:
    """The faults, what was named of each, how many were caught and named."""
    lines = ["| fault | caught | causes named | right |", "|---|---|---|---|"]
    for row in rows:
        named = "; ".join(cause["name"] for cause in row["named"]) or "none"
        lines.append(f"| {row['fault']} | {_word(row['caught'])} | {named} | {_word(row['right'])} |")
    caught, right = (sum(row[key] for row in rows) for key in ("caught", "right"))
    return [*lines, "", f"caught: {caught} of {len(rows)}, named right: {right} of {len(rows)}"]


def _word(holds: bool) -> str:
    return "yes" if holds else "no"


if __name__ == "__main__":
    main()

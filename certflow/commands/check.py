"""`certflow check`: re-check certificates with the independent checker."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from certflow.commands.options import Format
from certflow.commands.output import print_json
from certflow.commands.texts import choice
from certflow.errors import InputError


def check(
    certificates: Annotated[list[str], typer.Argument(metavar="CERTIFICATE...", help="Certificate files (.json).")],
    work: Annotated[
        str | None, typer.Option("--work", metavar="N", help="Steps of work allowed for each, of 0.1 microseconds.")
    ] = None,
    output: Format = "text",
) -> int:
    """Re-check certificates, independently of the code that made them.

    Each is accepted or refused with the reason; the exit code is 0 if all are accepted, 1 if one is refused.
    What is printed of an accepted one is what it asserts. The folder certflow/certificate/checker does the same alone,
    without certflow.
    """
    from certflow.certificate import checker

    most = checker.MAX_WORK if work is None else checker.steps(work)
    if not most:
        raise InputError("--work", work, "an integer > 0")
    choice(output, "--format", ("text", "json"))
    rows = []
    for path in certificates:
        try:
            verdict = checker.check_file(path, most)
        except OSError as error:
            raise InputError("CERTIFICATE", path, f"a file to read ({error.strerror})") from None
        if output == "text":
            print(verdict.line(path), flush=True)
        rows.append({"file": path, **verdict._asdict()})
    if output == "json":
        print_json(json.dumps({"certificates": rows}, indent=1) + "\n")
    return 0 if all(row["accepted"] for row in rows) else 1

"""`certflow report`: build the views of a finished run again, from its `report.json` alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certflow.commands.texts import writing
from certflow.commands.verdict_table import print_report, print_written


def report(
    directory: Annotated[str, typer.Argument(metavar="DIR", help="A directory that `certflow verify` wrote.")],
) -> int:
    """Rebuild the views of a finished run.

    report.html, report.md and junit.xml are made again from DIR/report.json; the exit code is the verdict's.
    """
    from certflow.report.views import load_report, write_views

    found = load_report(directory)
    with writing("DIR", Path(directory)):
        written = write_views(found, directory)
    print_report(found)
    print_written(written)
    return found.exit_code

"""`certflow report`: build the views of a finished run again, from the JSON file that it left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certflow.commands.texts import writing
from certflow.commands.verdict_table import print_report, print_written


def report(
    directory: Annotated[
        str, typer.Argument(metavar="DIR", help="A directory that `certflow verify` or `certflow distill` wrote.")
    ],
) -> int:
    """Rebuild the views of a finished run.

    report.html, report.md and junit.xml are made again from DIR/report.json, and the exit code is the verdict's;
    distill.html, distill.md and their figures from DIR/distill.json.
    """
    from certflow.report.laboratory.views import FILE, rebuild_experiment
    from certflow.report.report import REPORT, load_report
    from certflow.report.views import write_views

    folder = Path(directory)
    written: list[Path] = []
    code = 0
    if (folder / FILE).exists():
        with writing("DIR", folder):
            experiment, written = rebuild_experiment(folder)
        print("\n".join(experiment.sentences()))
    if (folder / REPORT).exists() or not written:
        found = load_report(folder)
        with writing("DIR", folder):
            written += write_views(found, folder)
        print_report(found)
        code = found.exit_code
    print_written(written)
    return code

"""`certflow report`: the views of a finished run again, or its tables for a paper, from the JSON file that it left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certflow.commands.output import print_document
from certflow.commands.texts import directory_target, writing
from certflow.commands.verdict_table import print_report, print_written


def report(
    directory: Annotated[
        str, typer.Argument(metavar="DIR", help="A directory that `certflow verify` or `certflow distill` wrote.")
    ],
    latex: Annotated[
        bool, typer.Option("--latex", help="Print LaTeX tables for a paper instead, and leave the files alone.")
    ] = False,
) -> int:
    """Rebuild the views of a finished run, or print its tables for a paper.

    report.html, report.md and junit.xml are made again from DIR/report.json, and the exit code is the verdict's;
    distill.html, distill.md and their figures from DIR/distill.json. With --latex: main numbers, claims with outcome
    and strength of evidence, errors of an experiment, as tables of booktabs.
    """
    folder = directory_target(directory, "DIR")
    if latex:
        return _latex(folder)
    from certflow.report.laboratory.views import FILE, rebuild_experiment
    from certflow.report.report import REPORT, load_report
    from certflow.report.views import write_views

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


def _latex(folder: Path) -> int:
    """Print the tables of the report, and those of the experiment, that lie in the directory."""
    from certflow.report.claims_latex import report_latex
    from certflow.report.laboratory.latex import experiment_latex
    from certflow.report.laboratory.views import FILE, load_experiment
    from certflow.report.report import REPORT, load_report

    texts: list[str] = []
    code = 0
    if (folder / FILE).exists():
        experiment = load_experiment(folder)
        texts.append(experiment_latex(experiment.results, experiment.process))
    if (folder / REPORT).exists() or not texts:
        found = load_report(folder)
        texts.append(report_latex(found))
        code = found.exit_code
    print_document("\n".join(texts))
    return code

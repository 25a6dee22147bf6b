"""`certflow sweep`: claims and experiments over families of mixtures, here or on a Dask cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certflow.commands.data_file import read_points
from certflow.commands.options import Format
from certflow.commands.output import command_line, locked, print_document, print_json, resumable, warn
from certflow.commands.texts import check_directory, choice, directory_target, integer, renamed, writing
from certflow.errors import InputError, missing
from certflow.progress import progress_bar
from certflow.terminal import filled, table

if TYPE_CHECKING:
    from certflow.sweep.running import Sweep

#: Failures that are told one by one.
_SHOWN = 5


def sweep(
    spec: Annotated[str | None, typer.Argument(metavar="SPEC.toml", help="What to do (see --example).")] = None,
    out: Annotated[str, typer.Option(metavar="DIR", help="Results, tables and the page go here.")] = "certflow-sweep",
    workers: Annotated[
        str | None, typer.Option(metavar="N", help="Processes on this machine (default: one a core, at most 4).")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A Dask scheduler, tcp://HOST:8786, in place of processes here."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume/--fresh", help="Compute what is missing in DIR (default), or everything anew."),
    ] = True,
    retry: Annotated[
        bool, typer.Option("--retry", help="Also compute again what ended in an error, a crash or out of budget.")
    ] = False,
    example: Annotated[bool, typer.Option("--example", help="Print a small specification.")] = False,
    output: Format = "text",
) -> int:
    """Ask claims and experiments of families of mixtures.

    Every result is kept as soon as it is there, and the same command goes on where it was. Exit code 0: all held;
    1: something is violated; 2: bad input; 3: some question has no answer.
    """
    if example:
        from certflow.sweep.example import EXAMPLE

        print_document(EXAMPLE)
        return 0
    if spec is None:
        raise missing("SPEC.toml", "a specification (certflow sweep --example prints one)")
    choice(output, "--format", ("text", "json"))
    number = None if workers is None else integer(workers, "--workers", 1, 1024)
    folder = directory_target(out, "--out")
    from certflow.sweep.running import run
    from certflow.sweep.specification import read_specification

    if number is not None and cluster is not None:
        raise InputError("--workers", number, "--workers or --cluster, not both")
    specification = read_specification(spec, read_points)
    check_directory("--out", folder)
    with (
        locked(folder),
        resumable(folder, "finished"),
        renamed({"out": "--out"}),
        writing("--out", folder),
        progress_bar() as told,
    ):
        found = run(
            specification,
            folder,
            workers=number,
            cluster=cluster,
            fresh=not resume,
            retry=retry,
            progress=told,
            command=command_line(),
        )
    if output == "json":
        from certflow.report.formatting import json_text

        print_json(json_text(mapping(found)) + "\n")
    else:
        print(text(found, folder))
    return found.exit_code


def mapping(found: Sweep) -> dict[str, object]:
    """The sweep in short, as JSON values."""
    return {
        "name": found.specification.name,
        "verdict": found.outcome.value,
        "mixtures": len(found.specification.members),
        "tasks": len(found.rows),
        "computed": found.computed,
        "statuses": dict(found.statuses),
        "outcomes": dict(found.outcomes),
        "written": [str(path) for path in found.written],
    }


def text(found: Sweep, folder: Path) -> str:
    """The sweep in short, for a reader."""
    asked = found.specification.questions
    head = ["question", "mixtures", *dict.fromkeys(each["status"] for each in found.rows), "outcomes"]
    lines = []
    for question in asked:
        rows = [each for each in found.rows if each["task"] == question.label]
        counts = [str(sum(each["status"] == status for each in rows)) for status in head[2:-1]]
        outcomes = dict.fromkeys(each["outcome"] for each in rows if each["outcome"])
        told = [f"{sum(each['outcome'] == outcome for each in rows)} {outcome}" for outcome in outcomes]
        lines.append([question.label, str(len(rows)), *counts, ", ".join(told)])
    members = len(found.specification.members)
    title = f"{found.specification.name}: {members} mixtures, {len(found.rows)} tasks, {found.computed} computed now"
    bad = [each for each in found.rows if each["outcome"] == "violated" or each["status"] in ("error", "crashed")]
    for each in bad[:_SHOWN]:
        warn(f"{each['mixture']}, {each['task']}: {each['outcome'] or each['status']}: {each['reason']}", "found")
    parts = [
        filled(title),
        table(head, lines, left=1),
        f"verdict: {found.outcome}",
        "Written: " + ", ".join(str(folder / name) for name in (*(path.name for path in found.written), "results")),
    ]
    if not any(path.suffix == ".parquet" for path in found.written):
        from certflow.sweep.rows import INSTALL

        parts.append(f"No Parquet: pyarrow is not installed ({INSTALL}).")
    return "\n\n".join(parts)

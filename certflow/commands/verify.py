"""`certflow verify`: collect evidence for every claim on one mixture, and report it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from certflow.commands.completion import among
from certflow.commands.completion import claims as listed_claims
from certflow.commands.options import Format, Mixture, TMax, TMin
from certflow.commands.output import REPORT, command_line, output_directory, print_json, resumable, warn
from certflow.commands.texts import LARGEST_SEED, choice, directory_target, integer, read_process, renamed, writing
from certflow.commands.verdict_table import print_certificates, print_report, print_written
from certflow.progress import progress_bar

if TYPE_CHECKING:
    from certflow.report.report import Report


def verify(
    mixture: Mixture = "iris",
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Write the report here; an interrupted run is resumed.")
    ] = None,
    profile: Annotated[
        str,
        typer.Option(
            metavar="quick|full", autocompletion=among(("quick", "full")), help="How much evidence is collected."
        ),
    ] = "quick",
    claims: Annotated[
        str | None,
        typer.Option(metavar="L2,F1,...", autocompletion=listed_claims, help="Only these claims (default: every one)."),
    ] = None,
    digits: Annotated[str, typer.Option(metavar="N", help="Digits of the high-precision checks.")] = "50",
    seed: Annotated[str, typer.Option(metavar="N", help="Seed of everything that is drawn.")] = "0",
    t_min: TMin = "0.01",
    t_max: TMax = "3",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Prove the symbolic derivations anew, also those kept from earlier runs.")
    ] = False,
    jobs: Annotated[
        str | None, typer.Option(metavar="N", help="Processes that run checks (default: one a core, at most 4).")
    ] = None,
    kernel: Annotated[
        bool,
        typer.Option("--kernel", help="Also have what the certificates assert compiled as theorems by Coq."),
    ] = False,
    output: Format = "text",
    force: Annotated[bool, typer.Option("--force", help="Replace the report of another mixture in DIR.")] = False,
) -> int:
    """Check every claim on a mixture.

    The exit code is the verdict: 0 every claim holds, 1 a claim is violated, 3 inconclusive or nothing was
    checked. With --kernel what certificates assert is also compiled as theorems by Coq, 60 seconds each, which needs
    apt-get install coq libcoq-interval libcoq-coquelicot; one that its kernel does not accept makes its claim
    inconclusive.
    """
    choice(output, "--format", ("text", "json"))
    choice(profile, "--profile", ("quick", "full"))
    precision = integer(digits, "--digits", 15, 1000)
    number = integer(seed, "--seed", 0, LARGEST_SEED)
    processes = None if jobs is None else integer(jobs, "--jobs", 1, 64)
    wanted = None if claims is None else [claim.strip() for claim in claims.split(",")]
    process = read_process(mixture, t_min, t_max)
    folder = None if out is None else directory_target(out, "--out")

    from certflow.verification import usual_jobs
    from certflow.verification import verify as run

    with (
        resumable(folder, "finished"),
        output_directory(folder, process.mixture, force),
        renamed({"claims": "--claims", "kernel": "--kernel"}),
        writing("--out", folder),
        progress_bar() as progress,
    ):
        report = run(
            process,
            wanted,
            profile,
            digits=precision,
            seed=number,
            out=folder,
            progress=progress,
            command=command_line(),
            fresh=fresh,
            jobs=usual_jobs() if processes is None else processes,
            kernel=kernel,
        )
    _summarise(report)
    if output == "json":
        from certflow.report.views import report_json

        print_json(report_json(report))
    else:
        print_report(report)
        if folder is not None:
            print_written(REPORT.paths(folder))
            print_certificates(report, folder)
    return report.exit_code


def _summarise(report: Report) -> None:
    from certflow.report import append_job_summary

    try:
        append_job_summary(report)
    except OSError as error:
        target = os.environ.get("GITHUB_STEP_SUMMARY")
        warn(f"GITHUB_STEP_SUMMARY: got {target!r}; required: a file that can be written ({error.strerror})")

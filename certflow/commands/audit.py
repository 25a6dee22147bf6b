"""`certflow audit`: a model held against the exact one of a mixture."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from certflow.auditing.examination import audit as held
from certflow.commands.completion import among
from certflow.commands.options import Format, Mixture, Width
from certflow.commands.output import AUDIT, command_line, output_directory, print_json
from certflow.commands.plotting import plot_targets
from certflow.commands.texts import (
    LARGEST_SEED,
    choice,
    directory_target,
    headline,
    integer,
    read_mixture,
    renamed,
    writing,
)
from certflow.errors import InputError
from certflow.numbers.exact import exact_number
from certflow.progress import progress_of_one
from certflow.samplers.solvers import SOLVERS
from certflow.schedules.predictions import PREDICTIONS, QUANTITIES
from certflow.terminal import filled
from certflow.testing.named import SCHEDULES, modules_of, named, schedule_named

#: Names of arguments in Python and of options here.
OPTIONS = {
    **{"model": "MODULE:NAME", "f": "MODULE:NAME", "mixture": "MIXTURE"},
    **{name: f"--{name.replace('_', '-')}" for name in ("predicts", "schedule", "quantity", "max_error")},
    **{name: f"--{name.replace('_', '-')}" for name in ("t_min", "t_max", "times", "samples", "seed")},
    **{name: f"--{name.replace('_', '-')}" for name in ("sampler", "segments", "time_scale", "arrays")},
}


def audit(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:NAME",
            help="score:noise for noise in score.py here: a callable f(x, tau) of NumPy arrays or torch tensors, a "
            "torch module, a cf.Model, or a function without arguments that makes one.",
        ),
    ],
    mixture: Mixture,
    predicts: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(PREDICTIONS), autocompletion=among(PREDICTIONS), help="What it predicts (default: score)."
        ),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            metavar="S",
            autocompletion=among(SCHEDULES),
            help=f"Its noise schedule, one of {', '.join(SCHEDULES)} (the default), with options after a colon: "
            "flow-matching:shift=3.",
        ),
    ] = None,
    quantity: Annotated[
        str, typer.Option(metavar="|".join(QUANTITIES), autocompletion=among(QUANTITIES), help="What is compared.")
    ] = "score",
    max_error: Annotated[
        str | None,
        typer.Option(
            metavar="E", help="Threshold of the relative L^2(p_t) error (default: 1,000 roundings of its numbers)."
        ),
    ] = None,
    t_min: Annotated[
        str | None, typer.Option(metavar="T", help="Data end of the OU time, exact (default: the model's, or 0.01).")
    ] = None,
    t_max: Annotated[
        str | None, typer.Option(metavar="T", help="Noise end of the OU time, exact (default: the model's, or 3).")
    ] = None,
    times: Annotated[str, typer.Option(metavar="N", help="At how many times it is compared.")] = "16",
    samples: Annotated[str, typer.Option(metavar="N", help="Draws at each time, 1024 or more.")] = "8192",
    seed: Annotated[str, typer.Option(metavar="N", help="Seed of everything that is drawn.")] = "0",
    sampler: Annotated[
        str,
        typer.Option(
            metavar="|".join(SOLVERS),
            autocompletion=among(SOLVERS),
            help="The solver that is run with it and with the exact score.",
        ),
    ] = "euler",
    segments: Annotated[str, typer.Option(metavar="K", help="Steps of the solver, segments of a student.")] = "8",
    time_scale: Annotated[str | None, typer.Option(metavar="F", help="1000 for a network that takes 1000 tau.")] = None,
    arrays: Annotated[
        str | None,
        typer.Option(
            metavar="torch|numpy",
            autocompletion=among(("torch", "numpy")),
            help="What it takes (default: what it turns out to take).",
        ),
    ] = None,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Write audit.html, .md and .json here.")] = None,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE.svg|pdf|png", help="Draw the error over time here, ready for a paper.")
    ] = None,
    width: Width = None,
    output: Format = "text",
    force: Annotated[bool, typer.Option("--force", help="Replace the audit of another mixture in DIR.")] = False,
) -> int:
    """Hold a trained model against the exact one of a mixture.

    Its relative L^2(p_t) error over time with confidence intervals, the worst draw as code, likely causes, where it
    errs, and what that makes of samples. Exit code 0: within the threshold; 1: at some time the whole interval is
    above it; 2: bad input; 3: the threshold is inside an interval.
    """
    choice(output, "--format", ("text", "json"))
    law = read_mixture(mixture)
    (target,) = plot_targets(width, plot)
    numbers: dict[str, Any] = {
        "times": integer(times, "--times", 2, 1000),
        "samples": integer(samples, "--samples", 1, 10_000_000),
        "seed": integer(seed, "--seed", 0, LARGEST_SEED),
        "segments": integer(segments, "--segments", 1, 1000),
        "max_error": None if max_error is None else _number(max_error, "--max-error"),
        "time_scale": None if time_scale is None else _number(time_scale, "--time-scale"),
    }
    made = None if schedule is None else schedule_named(schedule, "--schedule")
    folder = None if out is None else directory_target(out, "--out")
    with output_directory(folder, law, force), writing("--out", folder), renamed(OPTIONS), modules_of(Path.cwd()):
        with redirect_stdout(sys.stderr), progress_of_one("audit") as told:  # what a module prints is no result
            found = named(model, "MODULE:NAME")
            result = held(
                found.value,
                law,
                predicts=predicts,
                schedule=made,
                quantity=quantity,
                t_min=t_min,
                t_max=t_max,
                sampler=sampler,
                arrays=arrays,
                code=found.code,
                progress=told,
                **numbers,
            )
        if folder is not None:
            result.save(folder, command_line())
    if target is not None:
        from certflow.auditing.figures import error_over_time, said_of_time

        target.write(lambda sheet: error_over_time(result, sheet), "audit", said_of_time(result))
    if output == "json":
        from certflow.report.formatting import json_text

        print_json(json_text(result.mapping()) + "\n")
    else:
        print(f"{filled(headline(law))}\n\n{result.text()}")
        written = [*([] if folder is None else AUDIT.paths(folder)), *([] if target is None else [target.path])]
        if written:
            print(f"\nWritten: {', '.join(map(str, written))}")
    return result.exit_code


def _number(text: str, field: str) -> float:
    """The number that is written."""
    try:
        return float(exact_number(text, field))
    except OverflowError:
        raise InputError(field, text, "a number within 1.8e308 in size") from None

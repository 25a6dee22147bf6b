"""`certflow doctor`: what is wrong with a list of steps."""

from __future__ import annotations

from typing import Annotated

import typer

from certflow.commands.completion import among, mixtures
from certflow.commands.options import Format
from certflow.commands.output import print_json
from certflow.commands.texts import choice, integer, read_mixture, renamed
from certflow.diagnosis.examination import doctor as examine
from certflow.diagnosis.reading import LIBRARIES, class_or_config, read
from certflow.errors import InputError
from certflow.grids.export.stepping import STEPPING
from certflow.process import OrnsteinUhlenbeck
from certflow.progress import progress_of_one
from certflow.samplers.solvers import SOLVERS

_NAMES = {
    **{"steps": "FILE|LIST", "num_inference_steps": "--steps", "scheduler": "--scheduler", "library": "--as"},
    **{"MIXTURE": "--mixture", "mixture": "--mixture", "sampler": "--sampler"},
}


def doctor(
    steps: Annotated[
        str,
        typer.Argument(
            metavar="FILE|LIST",
            help="A file (JSON or text) or the numbers themselves: '14.6, 5.1, 1.2, 0', 'timesteps=[999, 749, 499]', "
            '\'{"sigmas": [1, 0.5], "num_inference_steps": 2}\'; what certflow grid --export prints.',
        ),
    ],
    library: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="|".join(LIBRARIES),
            autocompletion=among(LIBRARIES),
            help="Whose numbers they are; ou: times of certflow.",
        ),
    ],
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS|FILE",
            autocompletion=among(STEPPING),
            help="The diffusers scheduler that gets the list, or its scheduler_config.json.",
        ),
    ] = None,
    count: Annotated[
        str | None, typer.Option("--steps", metavar="N", help="How many steps are meant (num_inference_steps).")
    ] = None,
    mixture: Annotated[
        str | None,
        typer.Option(
            metavar="M",
            autocompletion=mixtures,
            help="Also the error of these steps on this mixture, a file or a built-in name, beside the least at the "
            "same cost.",
        ),
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(
            metavar="S",
            autocompletion=among(SOLVERS),
            help=f"The solver, one of {', '.join(SOLVERS)} (default: the scheduler's own, or euler).",
        ),
    ] = None,
    output: Format = "text",
) -> int:
    """Say what is wrong with a list of sigmas or timesteps, and a line that mends it.

    With --mixture also the error that a solver makes with it, and the best steps at the same cost.

    Exit code 0: no error, though advice may follow; 1: an error was found; 2: bad input.
    """
    choice(output, "--format", ("text", "json"))
    choice(library, "--as", LIBRARIES)
    number = None if count is None else integer(count, "--steps", 1, 100_000)
    if sampler is not None and mixture is None:
        raise InputError("--sampler", sampler, "--mixture beside it, on which it is measured")
    with renamed(_NAMES), progress_of_one("better steps") as told:
        target = None if scheduler is None else class_or_config(scheduler, "--scheduler")
        process = None if mixture is None else OrnsteinUhlenbeck(read_mixture(mixture))
        found = examine(
            read(steps),
            library,
            scheduler=target,
            num_inference_steps=number,
            process=process,
            sampler=sampler,
            progress=told,
        )
    if output == "json":
        from certflow.report.formatting import json_text

        print_json(json_text(found.mapping()) + "\n")
    else:
        print(found.text())
    return 0 if found.ok else 1

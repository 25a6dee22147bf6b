"""`certflow doctor`: what is wrong with a list of steps."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import Annotated, Any

import typer

from certflow.commands.options import Format
from certflow.commands.output import print_json
from certflow.commands.texts import WIDTH, choice, integer, renamed
from certflow.diagnosis.examination import doctor as examine
from certflow.diagnosis.finding import ADVICE, ERRORS, Diagnosis, Finding
from certflow.diagnosis.reading import LIBRARIES, read
from certflow.errors import InputError
from certflow.numbers.numerals import figure

_NAMES = {"steps": "FILE|LIST", "num_inference_steps": "--steps", "scheduler": "--scheduler", "library": "--as"}


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
        str, typer.Option("--as", metavar="|".join(LIBRARIES), help="Whose numbers they are; ou: times of certflow.")
    ],
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS|FILE", help="The diffusers scheduler that gets the list, or its scheduler_config.json."
        ),
    ] = None,
    count: Annotated[
        str | None, typer.Option("--steps", metavar="N", help="How many steps are meant (num_inference_steps).")
    ] = None,
    output: Format = "text",
) -> int:
    """Say what is wrong with a list of sigmas or timesteps, and a line that mends it.

    Exit code 0: no error, though advice may follow; 1: an error was found; 2: bad input.
    """
    choice(output, "--format", ("text", "json"))
    choice(library, "--as", LIBRARIES)
    number = None if count is None else integer(count, "--steps", 1, 100_000)
    with renamed(_NAMES):
        target = None if scheduler is None else _scheduler(scheduler)
        found = examine(read(steps), library, scheduler=target, num_inference_steps=number)
    if output == "json":
        from certflow.report.formatting import json_text

        print_json(json_text(found.mapping()) + "\n")
    else:
        print(_text(found))
    return 0 if found.ok else 1


def _scheduler(text: str) -> Any:
    """A class name, or the config in a file."""
    if not text.lower().endswith(".json") and not Path(text).is_file():
        return text
    if not Path(text).is_file():
        raise InputError("--scheduler", text, "a file that can be read, or a class name")
    return read(text)


def _text(found: Diagnosis) -> str:
    lines = [f"{found.meant_for}: {_count(len(found.errors), 'error')}, {_advice(len(found.advice))}"]
    if found.times.size > 1:
        nodes = f"{found.times.size} noise levels, t from {figure(found.times[0], 4)} to {figure(found.times[-1], 4)}"
        lines.append(f"{nodes} in OU time")
    for finding in found.findings:
        lines += ["", *_lines(finding)]
    if found.mended is not None:
        name, values = next(iter(found.mended.items()))
        lines += ["", f"Mended: {name} = [{', '.join(f'{value:.9g}' for value in values)}]"]
    return "\n".join(lines)


def _lines(finding: Finding) -> list[str]:
    level, meaning = ("error", ERRORS) if finding.is_error else ("advice", ADVICE)
    return [
        f"{level}: {finding.name}: {meaning[finding.name]}",
        fill(finding.message, WIDTH, initial_indent="  ", subsequent_indent="  "),
        f"  mend: {finding.mend}",
    ]


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _advice(number: int) -> str:
    return "no advice" if not number else f"{number} piece{'' if number == 1 else 's'} of advice"

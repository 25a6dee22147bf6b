"""`certflow grid`: the time grid of a few-step sampler."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from certflow.commands.completion import among
from certflow.commands.grid_code import program
from certflow.commands.grid_formats import grid_csv, grid_latex
from certflow.commands.grid_making import Made, compared, made
from certflow.commands.grid_plan import plan_text, tolerance_of
from certflow.commands.grid_request import EXPORTS, SAMPLERS, T_MAX, T_MIN, Request, ends_of, request_of
from certflow.commands.grid_table import tabulated
from certflow.commands.grid_text import grid_mapping, grid_text, prediction
from certflow.commands.options import TABLE_FORMATS, Mixture, TableFormat, Width
from certflow.commands.output import note, print_document, print_json, warn
from certflow.commands.plotting import plot_targets
from certflow.commands.texts import LARGEST_SEED, choice, integer, read_process, renamed
from certflow.errors import InputError
from certflow.grids.export.stepping import STEPPING
from certflow.grids.nodes import DISTILLED
from certflow.grids.registry import KINDS
from certflow.planning.names import PREDICTED

MAPS = "trained maps"
_NAMES = {
    "segments": "--segments",
    "kind": "--kind",
    "rate": "--rate",
    "seed": "--seed",
    "tolerance": "--tolerance",
    "sampler": "--sampler",
    "scheduler": "--scheduler",
    "t_max": "--t-max",
    "t_min, t_max": "--t-max",
    "mixture": "MIXTURE",
    "grid": "--export",
    "format": "--export",
}


def grid(
    mixture: Mixture,
    segments: Annotated[
        str | None,
        typer.Option(metavar="K", help="Number of segments, 1 to 10000 (default: 8, or as --tolerance asks)."),
    ] = None,
    steps: Annotated[
        str | None, typer.Option(metavar="N", help="Evaluations of the model, in place of the number of segments.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            autocompletion=among((*KINDS, "auto")),
            help=f"One of {', '.join(KINDS)}; auto (default): for trained maps chosen from a pilot training, for a "
            "solver found by a search on its error.",
        ),
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(
            metavar="S",
            autocompletion=among(SAMPLERS),
            help=f"The maps that the grid is for, one of {', '.join(SAMPLERS)} (default: what --scheduler or --export "
            "implies, else distilled: maps trained on its segments).",
        ),
    ] = None,
    tolerance: Annotated[
        str | None,
        typer.Option(metavar="E", help="Fewest segments with a predicted relative MSE of at most E."),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(
            metavar="RATE",
            autocompletion=among(dict.fromkeys(rate for kind in KINDS.values() for rate in kind.rates)),
            help="What is balanced: for stability-balanced one-sided (default), two-sided, sharp; for typical "
            "frobenius (default), spectral; for entropic entropy (default), rescaled. Alone it names its kind.",
        ),
    ] = None,
    t_min: Annotated[
        str | None, typer.Option(metavar="T", help=f"Data end of the interval, exact: 1/3 (default: {T_MIN}).")
    ] = None,
    t_max: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            help=f"Noise end, exact (default: {T_MAX}, or less where the --scheduler's training ends before).",
        ),
    ] = None,
    seed: Annotated[str | None, typer.Option(metavar="N", help="For kinds that look at sampled points.")] = None,
    export: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            autocompletion=among(EXPORTS),
            help=f"Print the nodes as one of {', '.join(EXPORTS)} takes them.",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS|FILE",
            autocompletion=among(STEPPING),
            help="The scheduler of diffusers, its scheduler_config.json, or the function of k-diffusion that gets the "
            "nodes; it implies --export and --sampler.",
        ),
    ] = None,
    code: Annotated[bool, typer.Option("--code", help="Print Python that samples so, and runs as it stands.")] = False,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE.svg|pdf|png", help="Also draw nodes and rates here, ready for a paper.")
    ] = None,
    width: Width = None,
    output: TableFormat = "text",
) -> None:
    """Print the nodes of a sampler with K segments.

    From t_max (noise) down to t_min (data): the time, the noise level sigma = sqrt(e^2t - 1), half the log of the
    signal-to-noise ratio, and the exponent by which the segment that ends at the node can amplify an error.

    \b
    Each question has its grid; nodes made for the one can ruin the other:
      maps that I will train, one a segment     no option; without a pilot
                                                --kind typical
      a network that I run with a solver        --sampler euler|heun|dpmpp-2m
                                                or --scheduler CLASS
      how far any error can grow at worst       --kind stability-balanced
      what others use, beside the best          --kind karras --sampler heun
    """
    choice(output, "--format", TABLE_FORMATS)
    if code and output != "text":
        raise InputError("--format", output, "no --code beside it, which prints Python")
    if export is not None and output in ("csv", "latex"):
        raise InputError("--format", output, "no --export beside it, which prints JSON")
    with renamed(_NAMES):
        request = request_of(segments, steps, tolerance_of(tolerance), kind, rate, sampler, export, scheduler, code)
        ends = ends_of(request, t_min, t_max)
    options: dict[str, Any] = {} if seed is None else {"seed": integer(seed, "--seed", 0, LARGEST_SEED)}
    (target,) = plot_targets(width, plot)
    process = read_process(mixture, *ends[:2])
    with renamed(_NAMES):
        found = made(request, process, rate, options)
        text = _printed(request, found, mixture, ends, code) if request.export is not None else None
        found = replace(found, comparison=compared(request, process, found.grid))
        shown = tabulated(found.grid, process) if text is None else None
        if target is not None:
            from certflow.commands.grid_plot import draw

            draw(found.grid, process, target)
    interval = (ends[0].strip(), ends[1].strip())
    if text is not None:
        (print_json if request.export == "json" else print_document)(text)
        _tell(request, found, ends[2])
    elif shown is not None and output != "text":
        from certflow.report.formatting import json_text

        if output == "json":
            print_json(json_text(grid_mapping(request, found, process, shown, interval)) + "\n")
        else:
            table = grid_csv(found.grid, shown) if output == "csv" else grid_latex(found.grid, process, shown, interval)
            print_document(table)
        for sentence in found.told:
            note(sentence)
    elif shown is not None:
        print(grid_text(request, found, process, shown, interval))
        if found.plan is not None:
            print(f"\n{plan_text(found.plan, request.tolerance, request.segments is None)}")
        if target is not None:
            print(f"\nWritten: {target.path}")


def _printed(request: Request, found: Made, mixture: str, ends: tuple[str, str, str], code: bool) -> str:
    """The export, or the program that uses it."""
    options = {} if request.target is None else request.target.options
    made_export = found.grid.export(str(request.export), **options)
    if code and request.target is not None:
        return program(made_export, request.target, mixture, ends[:2])
    text = made_export.text()
    return text if text.endswith("\n") else f"{text}\n"


def _tell(request: Request, found: Made, ends: str) -> None:
    """On stderr, what an export does not say of itself."""
    for sentence in (*found.told, *([ends] if ends else [])):
        note(sentence)
    if request.target is not None:
        note(_suits(request, found))
    if (comparison := found.comparison) is not None:
        best = comparison.best_error
        (note if best is not None and best >= comparison.error else warn)(comparison.sentence())


def _suits(request: Request, found: Made) -> str:
    """For which maps the nodes are, whether the target is one of them, and what it costs."""
    grid, target = found.grid, request.target
    assert target is not None
    how, words = target.stepping, f"{grid.kind} nodes for {MAPS if grid.sampler == DISTILLED else grid.sampler}"
    if how.sampler == grid.sampler and how.why:
        words += f", the nearest that there is to {how.name}, for which no prediction holds: {how.why}"
    elif how.sampler == grid.sampler:
        words += f", which {how.name} {'runs' if grid.sampler == DISTILLED else 'is'}"
    else:
        words += f", which {how.name} does not run: it is {how.sampler}"
    if how.format == "edm":
        words += " and takes Karras nodes alone"
    words += f"; {request.evaluations(grid.segments)} evaluations of the model, the last in the step on from t_min"
    if found.comparison is None and not how.why and grid.options.get(PREDICTED[0]) is not None:
        words += f". {prediction(grid)}"
    return words + ("" if target.named else " (--scheduler CLASS names another target)")

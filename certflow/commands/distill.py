"""`certflow distill`: train residual maps on time grids and say which grid did better, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from certflow.commands.completion import among
from certflow.commands.options import TABLE_FORMATS, Mixture, TableFormat, TMax, TMin, Width
from certflow.commands.output import command_line, output_directory, print_document, print_json, resumable, warn
from certflow.commands.plotting import Plot, plot_targets
from certflow.commands.texts import (
    INCONCLUSIVE,
    choice,
    directory_target,
    headline,
    integer,
    read_process,
    renamed,
    writing,
)
from certflow.errors import InputError
from certflow.grids.registry import KINDS
from certflow.process import OrnsteinUhlenbeck
from certflow.progress import progress_bar
from certflow.terminal import filled, table

if TYPE_CHECKING:
    from certflow.distill.results import Growth, Results
    from certflow.distill.settings import Settings
    from certflow.report.laboratory.table import Table

#: Seeds over which the growth of perturbations is measured, at most.
GROWTH_SEEDS = 3
#: Names of arguments in Python and of options here.
OPTIONS = {
    "activation": "--activation",
    "device": "--device",
    "grids": "--grids",
    "hidden": "--hidden",
    "kind": "--grids",
    "mixture": "MIXTURE",
    "rate": "--grids",
    "seeds": "--seeds",
    "segments": "--segments",
    "steps": "--steps",
}


def distill(
    mixture: Mixture,
    grids: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            autocompletion=among(KINDS, several=True),
            help="Kinds of grids, with a rate after a colon: stability-balanced:two-sided.",
        ),
    ] = None,
    segments: Annotated[str, typer.Option(metavar="K,...", help="Numbers of segments.")] = "1,2,4,8",
    seeds: Annotated[str, typer.Option(metavar="N", help="How many times everything is drawn anew.")] = "5",
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where maps are trained.")] = "auto",
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Write the report here; an interrupted training is resumed.")
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option(metavar="FILE.svg|pdf|png", help="Draw the errors by number of segments here, ready for a paper."),
    ] = None,
    width: Width = None,
    output: TableFormat = "text",
    t_min: TMin = "0.01",
    t_max: TMax = "3",
    steps: Annotated[str | None, typer.Option(metavar="N", help="Training steps of each map.")] = None,
    hidden: Annotated[str | None, typer.Option(metavar="H", help="Width of the hidden layers of each map.")] = None,
    activation: Annotated[
        str | None, typer.Option(metavar="silu|tanh|relu", help="Activation of the hidden layers of each map.")
    ] = None,
    certify: Annotated[
        bool, typer.Option("--certify", help="Enclose the error of each student: proved, beside what was measured.")
    ] = False,
    certify_seconds: Annotated[
        str | None,
        typer.Option(metavar="S", help="Seconds for all enclosures together (60 in one dimension, else 600)."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the report of another mixture in DIR.")] = False,
) -> int:
    """Train residual maps on time grids, compose them and measure the error.

    Every grid, number of segments and seed, trained together; error tables with their spread over seeds, reductions
    against uniform and the best baseline, and where the error comes from. With --certify the error of each student is
    enclosed too, which is a proof about these very maps. Exit code 3 if every run diverged.
    """
    choice(output, "--format", TABLE_FORMATS)
    (target,) = plot_targets(width, plot)
    numbers = _numbers(segments)
    count = integer(seeds, "--seeds", 1, 1000)
    budget = None if certify_seconds is None else integer(certify_seconds, "--certify-seconds", 1, 10**6)
    if budget is not None and not certify:
        raise InputError("--certify-seconds", budget, "--certify too")
    process = read_process(mixture, t_min, t_max)
    folder = None if out is None else directory_target(out, "--out")
    import certflow.distill as laboratory

    run = laboratory.run  # without torch, the line that says so
    with renamed(OPTIONS):
        chosen = _settings(process.mixture.dimension, steps, hidden, activation)
        kinds, left_out = _grids(process, grids, numbers)
    growth = None
    written = []
    with output_directory(folder, process.mixture, force), writing("--out", folder):
        with resumable(folder, "trained"), renamed(OPTIONS), progress_bar() as progress:
            results = run(
                process, kinds, numbers, count, device, chosen, out=folder, progress=progress, keep_maps=certify
            )
            if certify:
                results = laboratory.certify(results, seconds=budget, out=folder, progress=progress)
            if folder is not None:
                if progress is not None:
                    progress(0, 1, "growth of perturbations")
                growth = _growth(process, count, device)
        if folder is not None:
            from certflow.report.laboratory.views import Experiment, documented, write_experiment

            results = documented(results, growth, left_out, command_line())
            written = write_experiment(Experiment.of(results), folder)
    drawn = target is not None and _draw(results, process, target)
    if output == "text":
        print(_text(results, process, growth, left_out))
        if folder is not None:
            pages = [str(path) for path in written if path.parent == folder]
            print(f"\nWritten: {', '.join(pages)}, {folder / 'figures'}")
        if target is not None and drawn:
            print(f"\nWritten: {target.path}")
    elif output == "json":
        print_json(results.json())
    elif output == "csv":
        print_document(results.csv())
    else:
        from certflow.report.laboratory.latex import experiment_latex

        print_document(experiment_latex(results, process))
    return INCONCLUSIVE if all(row["diverged"] for row in results.rows) else 0


def _draw(results: Results, process: OrnsteinUhlenbeck, plot: Plot) -> bool:
    """Write the figure; where every run diverged there is none."""
    from certflow.report.laboratory.plots import error_figure, grids_with_errors

    if not grids_with_errors(results):
        warn("every run diverged, so that there is no error to draw")
        return False
    title = f"Error against the number of segments, {process.mixture.name}"
    plot.write(lambda sheet: error_figure(results, sheet), "distill", title)
    return True


def _numbers(text: str) -> list[int]:
    numbers = [integer(part.strip(), "--segments", 1, 1000) for part in text.split(",")]
    if len(set(numbers)) < len(numbers):
        raise InputError("--segments", text, "each number once")
    return numbers


def _settings(dimension: int, steps: str | None, hidden: str | None, activation: str | None) -> Settings:
    from certflow.distill.settings import Settings

    usual = Settings.usual(dimension)
    return replace(
        usual,
        steps=usual.steps if steps is None else integer(steps, "--steps", 1, 10**7),
        hidden=usual.hidden if hidden is None else integer(hidden, "--hidden", 1, 4096),
        activation=usual.activation if activation is None else activation,
    )


def _grids(process: OrnsteinUhlenbeck, text: str | None, numbers: Iterable[int]) -> tuple[list[str], list[str]]:
    """The grids to run, and a line for each of the usual ones that this mixture refuses."""
    if text is not None:
        named = [part.strip() for part in text.split(",")]
        for label in named:
            if named.count(label) > 1:
                raise InputError("--grids", label, "each grid once")
        return named, []
    from certflow.distill.experiment import GRIDS
    from certflow.grids.registry import grid_of_kind

    kinds: list[str] = []
    refused: dict[str, list[str]] = {}
    for label in GRIDS:
        kind, _, rate = label.partition(":")
        try:
            for k in numbers:
                grid_of_kind(process, k, kind, rate or None)
        except InputError as error:
            refused.setdefault(error.requirement.partition(" (")[0], []).append(label)
        else:
            kinds.append(label)
    lines = [f"Left out: {', '.join(labels)}. Required: {requirement}." for requirement, labels in refused.items()]
    return kinds, lines


def _growth(process: OrnsteinUhlenbeck, seeds: int, device: str) -> Growth:
    from certflow.distill.growth import growth, points_in
    from certflow.distill.reference import device_of

    return growth(process, min(seeds, GROWTH_SEEDS), device_of(device), points_in(process.mixture.dimension))


def _text(results: Results, process: OrnsteinUhlenbeck, growth: Growth | None, left_out: list[str]) -> str:
    from certflow.report.laboratory.findings import MEANING, limits, sentences, tables, taken

    setting = results.setting
    size = f"{setting['settings']['hidden']} hidden units, {setting['settings']['depth']} layers"
    parts = [
        filled(f"{headline(process.mixture)}, {setting['t_min']} ≤ t ≤ {setting['t_max']}"),
        filled(
            f"{setting['maps']} residual maps of {setting['parameters_per_map']} parameters ({size}), "
            f"{setting['settings']['steps']} training steps each; {taken(setting)}."
        ),
        *(_table(one) for one in tables(results)),
        "\n".join(filled(line, "- ", "  ") for line in (*sentences(results, growth), *results.diverged(), *left_out)),
        filled(MEANING),
        filled(limits(results)),
    ]
    return "\n\n".join(part for part in parts if part)


def _table(one: Table) -> str:
    marked = [
        [f"{cell} *" if (i, j) in one.best else f"{cell}  " if one.best and j else cell for j, cell in enumerate(row)]
        for i, row in enumerate(one.rows)
    ]
    head = [f"{cell}  " if one.best and j else cell for j, cell in enumerate(one.head)]
    note = one.note.replace("Set off:", "*:")
    return f"{filled(one.title)}\n\n{table(head, marked, left=1)}\n\n{filled(note)}"

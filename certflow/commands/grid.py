"""`certflow grid`: the time grid of a few-step sampler."""

from __future__ import annotations

from textwrap import fill
from typing import Annotated, Any

import typer

from certflow.commands.grid_plan import plan_text, planned, tolerance_of
from certflow.commands.grid_table import Table, tabulated
from certflow.commands.options import Format, Mixture, TMax, TMin
from certflow.commands.output import print_document, print_json
from certflow.commands.texts import (
    LARGEST_SEED,
    WIDTH,
    choice,
    headline,
    integer,
    plot_target,
    read_process,
    renamed,
    table,
    writing,
)
from certflow.grids.grid import MAX_SEGMENTS, TimeGrid
from certflow.grids.registry import DEFAULT_KIND, KINDS
from certflow.numbers.numerals import exponential, figure
from certflow.planning.names import AUTO, PREDICTED, summary_of
from certflow.planning.time_grid import time_grid
from certflow.process import OrnsteinUhlenbeck

DEFAULT_SEGMENTS = 8
EXPORTS = ("diffusers", "k-diffusion", "edm", "json")
_NAMES = {
    "segments": "--segments",
    "kind": "--kind",
    "rate": "--rate",
    "seed": "--seed",
    "tolerance": "--tolerance",
    "t_max": "--t-max",
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
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help=f"One of {', '.join(KINDS)}; auto: chosen from a pilot training (default with --tolerance; else "
            f"{DEFAULT_KIND}).",
        ),
    ] = None,
    tolerance: Annotated[
        str | None,
        typer.Option(metavar="E", help="Fewest segments with a predicted relative MSE of at most E, from a pilot."),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(
            metavar="RATE",
            help="What is balanced: one-sided (default), two-sided, sharp; for typical: frobenius (default), spectral; "
            "for entropic: entropy (default), rescaled.",
        ),
    ] = None,
    t_min: TMin = "0.01",
    t_max: TMax = "3",
    seed: Annotated[str | None, typer.Option(metavar="N", help="For kinds that look at sampled points.")] = None,
    export: Annotated[
        str | None, typer.Option(metavar="FORMAT", help=f"Print the nodes as one of {', '.join(EXPORTS)} takes them.")
    ] = None,
    plot: Annotated[str | None, typer.Option(metavar="FILE.svg|png", help="Also draw nodes and rates here.")] = None,
    output: Format = "text",
) -> None:
    """Print the nodes of a sampler with K segments.

    From t_max (noise) down to t_min (data): the time, the noise level sigma = sqrt(e^2t - 1), half the log of the
    signal-to-noise ratio, and the exponent by which the segment that ends at the node can amplify an error.
    """
    choice(output, "--format", ("text", "json"))
    allowed = tolerance_of(tolerance)
    number = None if segments is None else integer(segments, "--segments", 1, MAX_SEGMENTS)
    if number is None and allowed is None:
        number = DEFAULT_SEGMENTS
    if kind is None:
        kind = DEFAULT_KIND if allowed is None else AUTO
    options: dict[str, Any] = {} if seed is None else {"seed": integer(seed, "--seed", 0, LARGEST_SEED)}
    if export is not None:
        choice(export, "--export", EXPORTS)
    target = plot_target(plot)
    process = read_process(mixture, t_min, t_max)
    with renamed(_NAMES):
        plan = planned(process, number, allowed, kind, rate, options) if kind == AUTO or allowed is not None else None
        found = time_grid(process, number, kind, rate, **options) if plan is None else plan.grid
        text = None if export is None else found.export(export).text()
        shown = tabulated(found, process) if text is None else None
        if target is not None:
            from certflow.commands.grid_plot import draw

            with writing("--plot", target):
                draw(found, process, target)
    ends = (t_min.strip(), t_max.strip())
    if text is not None:
        (print_json if export == "json" else print_document)(text if text.endswith("\n") else f"{text}\n")
    elif shown is not None and output == "json":
        from certflow.report.formatting import json_text

        print_json(json_text(_json(found, process, shown, ends)) + "\n")
    elif shown is not None:
        print(_text(found, process, shown, ends))
        if plan is not None:
            print(f"\n{plan_text(plan, allowed, segments is None)}")
        if target is not None:
            print(f"\nWritten: {target}")


def _text(found: TimeGrid, process: OrnsteinUhlenbeck, shown: Table, ends: tuple[str, str]) -> str:
    number = f"{found.segments} segment{'s' if found.segments > 1 else ''}"
    options = ", ".join(
        f"{name.replace('_', ' ')} {_value(value)}" for name, value in found.options.items() if name not in PREDICTED
    )
    kind = f"{found.kind} ({options})" if options else found.kind
    lines = [
        f"{headline(process.mixture)}, {ends[0]} ≤ t ≤ {ends[1]}",
        fill(f"{number}, {kind}: {summary_of(found.kind)}", WIDTH),
        "",
        table(*_cells(found, shown, ends)),
        "",
        *_picture(found, shown, ends),
        "",
        fill(_explanation(found, shown), WIDTH),
    ]
    return "\n".join(lines)


def _value(value: Any) -> str:
    return figure(value) if isinstance(value, float) else str(value)


def _cells(found: TimeGrid, shown: Table, ends: tuple[str, str]) -> tuple[list[str], list[list[str]]]:
    head = [
        "k",
        "t",
        "σ",
        "½ log SNR",
        *(["∫λ"] if shown.exponents else []),
        *([shown.name] if shown.integrals else []),
    ]
    rows = []
    for k, (t, sigma, ratio) in enumerate(zip(found.times, shown.sigmas, found.half_log_snr, strict=True)):
        time = ends[1] if k == 0 else ends[0] if k == found.segments else figure(t, 6)
        columns = [column for column in (shown.exponents, shown.integrals) if column]
        rows.append([str(k), time, figure(sigma), figure(ratio), *(figure(c[k - 1]) if k else "" for c in columns)])
    return head, rows


def _picture(found: TimeGrid, shown: Table, ends: tuple[str, str]) -> list[str]:
    """The curves over `log t`, and the nodes on their axis."""
    from certflow.commands.unicode_plot import log_plot

    curves = [("○", shown.curve_bound)] if shown.curve_bound else []
    legend = ["○ λ(t)"] if shown.curve_bound else []
    curves.append(("·", shown.curve_typical))
    lines = log_plot(shown.curve_times, curves, [*legend, "· typical ‖∇u‖_F", "● nodes, on the axis"], ends)
    axis, start = list(lines[-2]), lines[-2].index("└") + 1
    for column in shown.columns(found.times):
        axis[start + column] = "●"
    return [*lines[:-2], "".join(axis), lines[-1]]


def _explanation(found: TimeGrid, shown: Table) -> str:
    words = []
    if shown.exponents:
        largest = max(shown.exponents)
        words.append(
            "∫λ is taken from t_k to t_(k-1): the segment that ends at node k multiplies the distance of any two "
            f"points by at most exp ∫λ (F1). The largest is {figure(largest)}, a factor {exponential(largest)}"
        )
        if shown.uniform is not None and found.kind != "uniform":
            words.append(
                f"(with nodes uniform in t it is {figure(shown.uniform)}, a factor {exponential(shown.uniform)}):"
            )
            words.append("an upper bound for every x.")
        else:
            words[-1] += ": an upper bound for every x."
    else:
        words.append("This mixture has no global bound (proofs/L8.md), so no exponent is shown.")
    if "positive_until" in found.options:
        words.append(
            f"Beyond t = {figure(found.options['positive_until'])} the flow contracts: the first segment takes that in."
        )
    if shown.integrals:
        words.append(f"{shown.name} is what this grid makes equal: {shown.meaning}.")
    words.append(
        "The typical ‖∇u‖_F of the plot is the root mean square of the Frobenius norm at sampled points, no bound."
    )
    return " ".join(words)


def _json(found: TimeGrid, process: OrnsteinUhlenbeck, shown: Table, ends: tuple[str, str]) -> dict[str, Any]:
    mixture = process.mixture
    return {
        "schema": "certflow/grid-table/1",
        "mixture": mixture.name,
        "components": mixture.n_components,
        "dimension": mixture.dimension,
        "covariance": mixture.kind,
        "t_min": ends[0],
        "t_max": ends[1],
        "kind": found.kind,
        "options": dict(found.options),
        "segments": found.segments,
        "arithmetic": "float64",
        "rows": shown.rows(found),
    }

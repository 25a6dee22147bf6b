"""`certflow network`: networks of affine maps, ReLU and ReQU for the score of a mixture, and what is proved of them."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certflow.commands.network_table import NetworkTable, network_table
from certflow.commands.options import TABLE_FORMATS, Mixture, TableFormat, TMax, TMin, Width
from certflow.commands.output import print_document, print_json
from certflow.commands.plotting import plot_targets
from certflow.commands.texts import (
    LARGEST_SEED,
    check_directory,
    choice,
    directory_target,
    file_target,
    integer,
    read_process,
    renamed,
    writing,
)
from certflow.errors import InputError
from certflow.numbers.exact import exact_number
from certflow.progress import progress_bar

if TYPE_CHECKING:
    from certflow.networks.graph import Network

#: Errors that one command line may ask for.
_MOST = 40


def network(
    mixture: Mixture,
    eps: Annotated[str, typer.Option(metavar="E,...", help="Errors to be proved, falling.")] = "1e-3,1e-6,1e-9",
    t_min: TMin = "0.01",
    t_max: TMax = "3",
    p_norm: Annotated[str, typer.Option(metavar="P", help="The error is that in L^P(p_t): 2, 4, inf.")] = "2",
    samples: Annotated[
        str | None,
        typer.Option(metavar="N", help="Draws at each of 50 times (default: 2000, and 8 where eps is below 1e-9)."),
    ] = None,
    seed: Annotated[str, typer.Option(metavar="N", help="Seed of the draws.")] = "0",
    output: TableFormat = "text",
    plot: Annotated[
        str | None, typer.Option(metavar="FILE.svg|pdf|png", help="Draw sizes and errors against eps here.")
    ] = None,
    drawing: Annotated[
        str | None, typer.Option(metavar="FILE.svg|pdf|png", help="Draw the layers of the last network here.")
    ] = None,
    width: Width = None,
    export: Annotated[
        str | None,
        typer.Option(metavar="FILE.json|onnx", help="Write the last network here: exact weights, or ONNX in float64."),
    ] = None,
    certificate: Annotated[
        str | None, typer.Option(metavar="DIR", help="Write a certificate of each network here, for certflow check.")
    ] = None,
) -> int:
    """Build networks of affine maps, ReLU and ReQU for the score, without training, with proved errors.

    For each eps a network whose error is proved to be at most eps at every t of the interval: depth, width, neurons,
    weights, the proved error beside what is measured on draws, and how sizes grow as eps falls. Exit code 1 if a draw
    refutes a bound.
    """
    choice(output, "--format", TABLE_FORMATS)
    norm = _norm(p_norm)
    asked = _errors(eps)
    count = None if samples is None else integer(samples, "--samples", 1, 1_000_000)
    first = integer(seed, "--seed", 0, LARGEST_SEED)
    process = read_process(mixture, t_min, t_max)
    sizes, layers = plot_targets(width, plot, ("--drawing", drawing))
    network_file = file_target(export, "--export", (".json", ".onnx"))
    if network_file is not None:
        _check_export(network_file)
    folder = None if certificate is None else directory_target(certificate, "--certificate")
    if folder is not None:
        if process.mixture.kind != "common-isotropic":
            raise InputError(
                "--certificate", f"{process.mixture.kind} covariance", "a mixture of one isotropic variance"
            )
        check_directory("--certificate", folder)
    with renamed({"eps": "--eps", "p_norm": "--p-norm", "mixture": "MIXTURE"}), progress_bar() as told:
        found = network_table(process, asked, norm, count, first, (t_min.strip(), t_max.strip()), told)
    last = found.rows[-1].score
    if sizes is not None:
        from certflow.commands.network_plot import draw_sizes

        draw_sizes(found, sizes)
    if layers is not None:
        from certflow.commands.network_plot import draw_layers

        draw_layers(last.network, f"{process.mixture.name}, eps = {found.rows[-1].eps}", layers)
    if network_file is not None:
        _write(last.network, network_file)
    written = [made.path for made in (sizes, layers) if made is not None]
    written += [] if network_file is None else [network_file]
    if folder is not None:
        written += _certify(found, folder)
    _print(found, output, written)
    return 0 if found.holds else 1


def _print(found: NetworkTable, output: str, written: list[Path]) -> None:
    if output == "json":
        from certflow.report.formatting import json_text

        print_json(json_text(found.mapping()) + "\n")
    elif output == "csv":
        print_document(found.csv())
    elif output == "latex":
        print_document(found.latex())
    else:
        print(found.text())
        if written:
            print(f"\nWritten: {', '.join(map(str, written))}")


def _errors(text: str) -> list[str]:
    """The texts of the errors asked for, which fall."""
    parts = [part.strip() for part in text.split(",")]
    requirement = f"up to {_MOST} falling numbers in (0, 1], separated by commas: 1e-3,1e-6"
    if len(parts) > _MOST:
        raise InputError("--eps", f"{len(parts)} numbers", requirement)
    with renamed({"eps": "--eps"}):
        numbers = [exact_number(part, "eps") for part in parts]
    for part, number in zip(parts, numbers, strict=True):
        if not 0 < number <= 1:
            raise InputError("--eps", part, requirement)
    if any(b >= a for a, b in pairwise(numbers)):
        raise InputError("--eps", text, requirement)
    return parts


def _norm(text: str) -> float:
    """The exponent of a norm."""
    if text.strip().lower() in ("inf", "infinity"):
        return math.inf
    with renamed({"p_norm": "--p-norm"}):
        exact = exact_number(text, "p_norm")
    if not 1 <= exact <= 1000:
        raise InputError("--p-norm", text, "a number from 1 to 1000, or inf")
    return float(exact)


def _check_export(target: Path) -> None:
    from certflow.networks.export import onnx_package

    if target.suffix.lower() == ".onnx":
        onnx_package()


def _certify(found: NetworkTable, folder: Path) -> list[Path]:
    """A certificate for each network, named after its error."""
    from certflow.certificate.envelope import write_certificate
    from certflow.certificate.networks import network_certificate

    written = []
    for row in found.rows:
        path = folder / f"A6-{row.eps.replace('/', '-over-')}.json"
        with renamed({"eps": "--eps", "t_min": "--t-min"}), writing("--certificate", path):
            write_certificate(network_certificate(row.score), path)
        written.append(path)
    return written


def _write(made: Network, target: Path) -> None:
    from certflow.networks.export import save

    with writing("--export", target):
        save(made, target)

"""The commands of the command line; each module reads texts, calls the library and prints."""

from __future__ import annotations

from typing import Any

import typer

import certflow
from certflow.commands.audit import audit
from certflow.commands.bound import bound
from certflow.commands.certify import certify
from certflow.commands.check import check
from certflow.commands.claims import claims
from certflow.commands.distill import distill
from certflow.commands.doctor import doctor
from certflow.commands.grid import grid
from certflow.commands.mixtures import mixtures
from certflow.commands.network import network
from certflow.commands.report import report
from certflow.commands.verify import verify


def command() -> Any:
    """The root command, with every command that exists."""
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Check the mathematics of flow distillation on Gaussian mixtures, with the evidence shown.",
        epilog=(
            "MIXTURE is a file (.json, .toml, .npz) or a built-in name (certflow mixtures list). "
            "Exit codes: 0 every claim holds, 1 a claim is violated, a certificate refused, an error found in a list "
            "of steps or a model above its threshold, 2 bad usage or input, "
            "3 inconclusive, 4 internal error."
        ),
    )
    app.callback()(_root)
    app.command()(verify)
    app.command()(check)
    app.command()(certify)
    app.command()(claims)
    app.command()(bound)
    app.command()(grid)
    app.command()(doctor)
    app.command()(audit)
    app.command()(distill)
    app.command()(network)
    app.add_typer(mixtures, name="mixtures")
    app.command()(report)
    return typer.main.get_command(app)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"certflow {certflow.__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(False, "--version", is_eager=True, callback=_version, help="Print the version."),
) -> None:
    pass

"""The commands of the command line; each module reads texts, calls the library and prints."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import typer

import certflow

#: The commands in the order of the help; the function, or the group of commands, of each is in the module of its name.
NAMES = (
    "verify",
    "check",
    "certify",
    "claims",
    "bound",
    "grid",
    "doctor",
    "audit",
    "distill",
    "network",
    "sweep",
    "mixtures",
    "report",
)


def command(name: str | None = None) -> Any:
    """The root command, with every command that exists; where `name` is one of them, with that one alone.

    A command line that names a command needs no other, and of the others no library is loaded.
    """
    return _root_of((name,) if name in NAMES else NAMES)


@cache
def _root_of(names: tuple[str, ...]) -> Any:
    app = typer.Typer(
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
    for each in names:
        found = getattr(import_module(f"{__name__}.{each}"), each)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=each)
        else:
            app.command()(found)
    return typer.main.get_command(app)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"certflow {certflow.__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(False, "--version", is_eager=True, callback=_version, help="Print the version."),
) -> None:
    pass

"""Arguments and options that several commands take, each with one help text."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from certflow.commands.completion import among, mixtures

Mixture: TypeAlias = Annotated[
    str, typer.Argument(metavar="MIXTURE", help="A file or a built-in name.", autocompletion=mixtures)
]
TMin: TypeAlias = Annotated[str, typer.Option(metavar="T", help="Data end of the interval, exact: 0.01, 1/3.")]
TMax: TypeAlias = Annotated[str, typer.Option(metavar="T", help="Noise end of the interval, exact.")]
Format: TypeAlias = Annotated[
    str, typer.Option("--format", metavar="text|json", help="What is printed.", autocompletion=among(("text", "json")))
]

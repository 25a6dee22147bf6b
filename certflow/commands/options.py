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
    str, typer.Option("--format", metavar="text|json", autocompletion=among(("text", "json")), help="What is printed.")
]
#: The formats of a command whose result is a table.
TABLE_FORMATS = ("text", "csv", "latex", "json")
TableFormat: TypeAlias = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="text|csv|latex|json",
        autocompletion=among(TABLE_FORMATS),
        help="What is printed; LaTeX needs booktabs.",
    ),
]
Width: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="column|page",
        autocompletion=among(("column", "page")),
        help="Width of the figure: 3.35 in, or 6.9 in (default).",
    ),
]

"""Arguments and options that several commands take, each with one help text."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

Mixture: TypeAlias = Annotated[str, typer.Argument(metavar="MIXTURE", help="A file or a built-in name.")]
TMin: TypeAlias = Annotated[str, typer.Option(metavar="T", help="Data end of the interval, exact: 0.01, 1/3.")]
TMax: TypeAlias = Annotated[str, typer.Option(metavar="T", help="Noise end of the interval, exact.")]
Format: TypeAlias = Annotated[str, typer.Option("--format", metavar="text|json", help="What is printed.")]
TableFormat: TypeAlias = Annotated[
    str, typer.Option("--format", metavar="text|csv|latex|json", help="What is printed; LaTeX needs booktabs.")
]
#: The formats of a command whose result is a table.
TABLE_FORMATS = ("text", "csv", "latex", "json")
Width: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="column|page", help="Width of the figure: 3.35 in, or 6.9 in (default)."),
]

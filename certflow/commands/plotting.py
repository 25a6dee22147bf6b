"""Where the `--plot` of a command goes: a file for a paper, of one column's width or of the page's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from certflow.atomic import write_bytes_atomic
from certflow.commands.texts import choice, file_target, writing
from certflow.errors import InputError
from certflow.report.style import SHEETS, Sheet, drawing_style

if TYPE_CHECKING:
    from certflow.report.canvas import Figure

SUFFIXES = (".svg", ".pdf", ".png")
USUAL = "page"


@dataclass(frozen=True)
class Plot:
    """A file whose suffix chooses the format, and the sheet that its figure is made for."""

    option: str
    path: Path
    sheet: Sheet

    def write(self, draw: Callable[[Sheet], Figure], name: str, title: str) -> None:
        """Draw the figure and write the file, whole or not at all.

        name : prefixes the ids of an SVG; title : what a screen reader says
        """
        from certflow.report.svg import figure_file

        with drawing_style(self.sheet):
            content = figure_file(draw(self.sheet), name, title, self.path.suffix.lower())
        with writing(self.option, self.path):
            write_bytes_atomic(self.path, content)


def plot_targets(width: str | None, plot: str | None, *others: tuple[str, str | None]) -> tuple[Plot | None, ...]:
    """The files of the options that draw, `--plot` first and then `others`, pairs of an option and its text.

    Raises
    ------
    InputError : another suffix, a place that cannot be written, another width, or a width where nothing is drawn.
    """
    sheet = SHEETS[choice(USUAL if width is None else width, "--width", tuple(SHEETS))]
    named = (("--plot", plot), *others)
    if width is not None and all(text is None for _, text in named):
        raise InputError("--width", width, f"{' or '.join(option for option, _ in named)} beside it")
    targets = [(option, file_target(text, option, SUFFIXES)) for option, text in named]
    return tuple(None if path is None else Plot(option, path, sheet) for option, path in targets)


def label(text: str) -> str:
    """Somebody's name as Matplotlib shows it: without formulas, on one line."""
    from certflow.report.formatting import clean

    return " ".join(clean(text).split()).replace("$", r"\$")

"""How figures look: colours, lines told apart without colour, and the sheet that a figure is made for.

Every figure is drawn within `drawing_style`: in a serif face, on the ground of its sheet. A `--plot` is made for a
page of a journal, white, as wide as one column or as the page; the figures of a report are made for its screen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from certflow.report.canvas import Figure

PAPER = "#fdfcf9"
INK = "#26241f"
FAINT = "#8a857a"
TWO_SIDED = "#9c3d22"
ONE_SIDED = "#1f4e79"
TYPICAL = "#2f6b3f"

#: Faces that look alike, for text that is kept as text: a reader's program takes the first that it has.
FACES = "'STIX Two Text', 'Times New Roman', Times, serif"
#: Those with which a figure is laid out: they come with Matplotlib. The later ones have letters that the first lacks.
_SHIPPED = ("STIXGeneral", "DejaVu Serif", "DejaVu Sans")


@dataclass(frozen=True)
class Sheet:
    """What a figure is made for: its width in inches, the size of its letters in points, its ground."""

    width: float
    size: float
    ground: str

    @property
    def narrow(self) -> bool:
        """Is there no room for panels or a legend beside one another?"""
        return self.width < 5

    def figure(self, height: float) -> Figure:
        """An empty figure of the width of the sheet, `height` inches high."""
        from certflow.report.canvas import Figure

        return Figure(figsize=(self.width, height), layout="constrained")


#: The page of a report.
SCREEN = Sheet(8.6, 10.5, PAPER)
#: What `--width` names: one column of a journal, or both with the gap between them.
SHEETS = {"column": Sheet(3.35, 8.0, "white"), "page": Sheet(6.9, 9.0, "white")}


@contextmanager
def drawing_style(sheet: Sheet = SCREEN) -> Iterator[None]:
    """Within the block, Matplotlib draws for this sheet; a user's `matplotlibrc` changes nothing."""
    from certflow.report.canvas import default_style, mpl

    thin = sheet.size / 17.5
    with default_style():
        settings: dict[Any, Any] = {
            "font.family": "serif",
            "font.serif": list(_SHIPPED),
            "font.size": sheet.size,
            "mathtext.fontset": "stix",
            "axes.linewidth": thin,
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "axes.facecolor": sheet.ground,
            "axes.titlesize": sheet.size,
            "figure.facecolor": sheet.ground,
            "figure.titlesize": sheet.size,
            "legend.fontsize": sheet.size,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "xtick.labelsize": sheet.size,
            "ytick.labelsize": sheet.size,
            "xtick.direction": "out",
            "ytick.direction": "out",
            "xtick.major.width": thin,
            "ytick.major.width": thin,
            "xtick.minor.width": thin * 2 / 3,
            "ytick.minor.width": thin * 2 / 3,
            "legend.frameon": False,
            "legend.handlelength": 2.8,
            "lines.linewidth": sheet.size / 7,
            "lines.markersize": sheet.size / 2.1,
        }
        mpl.rcParams.update(settings)
        yield

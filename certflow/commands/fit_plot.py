"""The picture that `certflow mixtures fit --plot` draws: BIC and held-out likelihood over numbers of components."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from certflow.commands.fit_guidance import Choice
from certflow.commands.plotting import Plot, label
from certflow.law.selection import Candidate
from certflow.report.style import INK, Sheet

if TYPE_CHECKING:
    from certflow.report.canvas import Figure

#: One for each covariance type, told apart without colours too.
_MARKS = ("o", "s", "^", "D", "v")
_COLOURS = ("#1f4e79", "#9c3d22", "#26241f", "#4d7c3a", "#7a5195")
#: Height in inches of a figure.
_HEIGHT = 3.0


def draw(choice: Choice, name: str, plot: Plot) -> None:
    """Draw the comparison and write the file, atomically; the suffix chooses the format."""
    plot.write(
        lambda sheet: _figure(choice, name, sheet),
        "fit",
        f"Covariance types and numbers of components fitted to {name}",
    )


def _figure(choice: Choice, name: str, sheet: Sheet) -> Figure:
    """Side by side where there is room, else one above the other."""
    from certflow.report.canvas import MaxNLocator

    figure = sheet.figure(2 * _HEIGHT if sheet.narrow else _HEIGHT)
    left, right = figure.subplots(2, 1) if sheet.narrow else figure.subplots(1, 2)
    for place, word in enumerate(dict.fromkeys(each.covariance_type for each in choice.found)):
        of_type = [each for each in choice.found if each.covariance_type == word]
        style: dict[str, Any] = {
            "marker": _MARKS[place % 5],
            "color": _COLOURS[place % 5],
            "label": word,
            "linewidth": 1.2,
        }
        left.plot([each.n_components for each in of_type], [each.bic for each in of_type], **style)
        judged = [each for each in of_type if each.held_out is not None]
        right.errorbar(
            [each.n_components for each in judged],
            [each.mean_held_out for each in judged],
            yerr=[_error(each) for each in judged],
            capsize=3,
            **style,
        )
    best = choice.best
    left.plot(best.n_components, best.bic, "*", markersize=13, color=INK, label="chosen", zorder=5)
    if best.held_out is not None:
        right.plot(best.n_components, best.mean_held_out, "*", markersize=13, color=INK, zorder=5)
    left.set_ylabel("BIC (less is better)")
    right.set_ylabel("held-out log-likelihood (nats a row)")
    for axes in (left, right):
        axes.set_xlabel("number of components $K$")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
    left.legend(frameon=False)
    figure.suptitle(label(name))
    return figure


def _error(judged: Candidate) -> float:
    """The standard error of the mean over rows."""
    assert judged.held_out is not None
    return float(np.std(judged.held_out) / np.sqrt(len(judged.held_out)))

"""The picture that `certflow mixtures fit --plot` draws: BIC and held-out likelihood over numbers of components."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from certflow.atomic import write_bytes_atomic
from certflow.commands.fit_guidance import Choice
from certflow.law.selection import Candidate

#: One for each covariance type, told apart without colours too.
_MARKS = ("o", "s", "^", "D", "v")
_COLOURS = ("#1f4e79", "#9c3d22", "#26241f", "#4d7c3a", "#7a5195")


def draw(choice: Choice, name: str, target: Path) -> None:
    """Draw the comparison and write the file, atomically; the suffix chooses the format."""
    from certflow.report.canvas import Figure, MaxNLocator, default_style
    from certflow.report.svg import figure_file

    words = list(dict.fromkeys(each.covariance_type for each in choice.found))
    with default_style():
        figure = Figure(figsize=(8.6, 3.9), layout="constrained")
        left, right = figure.subplots(1, 2)
        for place, word in enumerate(words):
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
        left.plot(best.n_components, best.bic, "*", markersize=15, color="#26241f", label="chosen", zorder=5)
        if best.held_out is not None:
            right.plot(best.n_components, best.mean_held_out, "*", markersize=15, color="#26241f", zorder=5)
        left.set_ylabel("BIC (less is better)")
        right.set_ylabel("held-out log-likelihood (nats a row)")
        for axes in (left, right):
            axes.set_xlabel("number of components $K$")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.spines[["top", "right"]].set_visible(False)
        left.legend(frameon=False)
        figure.suptitle(name.replace("$", r"\$"), fontsize=11)
        told = f"Covariance types and numbers of components fitted to {name}"
        content = figure_file(figure, "fit", told, target.suffix.lower())
    write_bytes_atomic(target, content)


def _error(judged: Candidate) -> float:
    """The standard error of the mean over rows."""
    assert judged.held_out is not None
    return float(np.std(judged.held_out) / np.sqrt(len(judged.held_out)))

"""What `certflow grid --kind auto` and `--tolerance` print of the plan behind the grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from certflow.errors import INSTALL_TORCH, InputError
from certflow.numbers.numerals import figure
from certflow.planning.names import check_plan
from certflow.process import OrnsteinUhlenbeck
from certflow.progress import progress_of_one
from certflow.terminal import filled, table

if TYPE_CHECKING:
    from certflow.planning.planner import Recommendation


def tolerance_of(text: str | None) -> float | None:
    """The number written, between 0 and 1."""
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise InputError("--tolerance", text, "a relative mean squared error between 0 and 1")
    return value


def planned(
    process: OrnsteinUhlenbeck,
    segments: int | None,
    tolerance: float | None,
    kind: str,
    rate: str | None,
    options: Mapping[str, Any],
) -> Recommendation:
    """The recommendation of `certflow.planning.planner`, with a progress bar for its pilot."""
    check_plan(rate, options)
    try:
        from certflow.planning.planner import recommend
    except ModuleNotFoundError as missing:
        if missing.name != "torch":
            raise
        option, value = ("--kind", kind) if tolerance is None else ("--tolerance", tolerance)
        raise InputError(option, value, f"torch for a plan: {INSTALL_TORCH}") from None
    with progress_of_one("pilot") as told:
        return recommend(process, segments, tolerance, kind=kind, progress=told)


def plan_text(recommendation: Recommendation, tolerance: float | None = None, searched: bool = False) -> str:
    """The predicted errors of the grids with the chosen number of segments, and why this one.

    searched : whether the number of segments was found for the tolerance, not given
    """
    chosen = recommendation.chosen
    same = [o for o in recommendation.options if o.grid.segments == chosen.grid.segments]
    rows = [
        (
            f"{'→ ' if option is chosen else '  '}{option.grid.kind}",
            figure(option.prediction.relative_mse, 3),
            f"{option.prediction.factor:.1f}",
        )
        for option in sorted(same, key=lambda option: option.prediction.relative_mse)
    ]
    explanation = (
        f"{recommendation.reason[0].upper()}{recommendation.reason[1:]}. Predicted: the end-to-end relative mean "
        "squared error of trained residual maps of the default size, from a pilot of some forty segments; nine times "
        "in ten it is expected within the factor. Measured on networks, not proved (empirical)."
    )
    if tolerance is not None:
        explanation += f" {_met(chosen.grid.segments, tolerance, searched)}"
    head = ("  grid", "predicted error", "within a factor")
    return "\n".join([table(head, rows, left=1), "", filled(explanation)])


def _met(segments: int, tolerance: float, searched: bool) -> str:
    """What it means that a prediction meets a tolerance."""
    from certflow.planning.planner import SEGMENTS

    tried = ", ".join(map(str, SEGMENTS))
    met = f"a relative mean squared error of at most {figure(tolerance)} is predicted"
    first = (
        f"{segments} is the fewest segments, of the numbers {tried}, with which {met}"
        if searched
        else f"With {segments} segments {met}"
    )
    return f"{first}; the true error may be above it, by as much as the factor."

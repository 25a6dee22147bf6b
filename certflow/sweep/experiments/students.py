"""Which grid wins for trained maps? Small residual maps, trained and composed on each grid (G4)."""

from __future__ import annotations

import math

from certflow.numbers.inputs import whole_number
from certflow.process import OrnsteinUhlenbeck
from certflow.sweep.experiments.comparison import FIGURES, GRIDS, compared, grid_labels
from certflow.sweep.experiments.experiment import Experiment, Measured, Option


def measure(
    process: OrnsteinUhlenbeck, segments: int, grids: list[str], seeds: int, steps: int, hidden: int, points: int
) -> Measured:
    """The errors of maps trained on the segments of several grids: geometric means over seeds.

    Raises
    ------
    InputError : no torch, a grid that this mixture does not have, a flow that is not resolved.
    """
    from certflow.distill import run
    from certflow.distill.settings import Settings

    settings = Settings(hidden=hidden, steps=steps, pool=points, test=points, batch=min(128, points))
    results = run(process, grids, [segments], seeds, "cpu", settings, exact=False)
    logs = {
        label: [math.nan if row["diverged"] else math.log(row["relative_mse"]) for row in results.of(label, segments)]
        for label in grids
    }
    errors = {label: math.exp(sum(values) / len(values)) for label, values in logs.items()}
    gains = [a - b for a, b in zip(logs[GRIDS[0]], logs[GRIDS[1]], strict=True)]
    return Measured(compared(errors, _standard_error(gains)))


def _standard_error(values: list[float]) -> float | None:
    """Of a mean; None of a single value."""
    if len(values) < 2:
        return None
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values))


STUDENT_GRIDS = Experiment(
    "student-grids",
    "Where does the balanced grid win for trained maps?",
    measure,
    FIGURES,
    {
        "segments": Option(4, lambda value, field: whole_number(value, field, 1, 64), "K"),
        "grids": Option(list(GRIDS), grid_labels, "kinds of grids, besides the three that are always compared"),
        "seeds": Option(1, lambda value, field: whole_number(value, field, 1, 100), "how often all is drawn anew"),
        "steps": Option(500, lambda value, field: whole_number(value, field, 1, 10**6), "of Adam, for each map"),
        "hidden": Option(32, lambda value, field: whole_number(value, field, 1, 4096), "width of hidden layers"),
        "points": Option(4096, lambda value, field: whole_number(value, field, 128, 10**6), "training and test points"),
    },
)

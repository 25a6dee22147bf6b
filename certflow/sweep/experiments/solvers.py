"""Which grid wins for a solver? End-to-end relative mean square errors on common draws (G4, G6)."""

from __future__ import annotations

import numpy as np

from certflow.errors import InputError
from certflow.grids.registry import grid_of_kind
from certflow.numbers.inputs import one_of, whole_number
from certflow.process import OrnsteinUhlenbeck
from certflow.samplers.error import squared_errors
from certflow.samplers.solvers import SOLVERS
from certflow.sweep.experiments.comparison import BASELINE, FIGURES, GRIDS, compared, grid_labels, log_ratio_error
from certflow.sweep.experiments.experiment import Experiment, Measured, Option


def measure(
    process: OrnsteinUhlenbeck, sampler: str, segments: int, grids: list[str], samples: int, seed: int
) -> Measured:
    """The errors of one solver on several grids of `K` segments.

    Raises
    ------
    InputError, NoGlobalBound : a grid that this mixture does not have.
    """
    times = []
    for label in grids:
        kind, _, rate = label.partition(":")
        times.append(grid_of_kind(process, segments, kind, rate or None).times)
    with np.errstate(over="ignore", invalid="ignore"):  # a solver may leave the range of float64: no error then
        found = squared_errors(process, times, sampler, samples=samples, seed=seed)
        means = {label: float(errors.mean()) for label, errors in zip(grids, found, strict=True)}
    if not np.isfinite(means[BASELINE]):
        raise InputError("segments", segments, "more of them: the solver diverges on the uniform grid")
    by_label = dict(zip(grids, found, strict=True))
    return Measured(compared(means, log_ratio_error(by_label[BASELINE].tolist(), by_label[GRIDS[1]].tolist())))


SOLVER_GRIDS = Experiment(
    "solver-grids",
    "Where does the balanced grid win for a solver?",
    measure,
    FIGURES,
    {
        "sampler": Option("euler", lambda value, field: one_of(value, field, SOLVERS), "euler, heun or dpmpp-2m"),
        "segments": Option(8, lambda value, field: whole_number(value, field, 1, 1000), "K"),
        "grids": Option(list(GRIDS), grid_labels, "kinds of grids, besides the three that are always compared"),
        "samples": Option(2048, lambda value, field: whole_number(value, field, 16, 10**7), "draws of p_T"),
        "seed": Option(0, lambda value, field: whole_number(value, field, 0, 2**32 - 1), "of the draws"),
    },
)

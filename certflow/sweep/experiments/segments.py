"""Where does one step suffice? Segments needed by maps of a Lipschitz constant, and the floor of one such map (M2, M3).

K >= log Lip(Phi) / log B is needed,    K >= int lambda / log B suffices
"""

from __future__ import annotations

import math

from certflow.composition.floors import mean_square_floor
from certflow.composition.segments import flow_constant, segments_needed
from certflow.errors import InputError
from certflow.process import OrnsteinUhlenbeck
from certflow.sweep.experiments.experiment import Experiment, Figure, Measured, Option
from certflow.sweep.keys import bounded


def measure(process: OrnsteinUhlenbeck, budget: float, tolerance: float) -> Measured:
    """Segments of `B`-Lipschitz maps, and whether one such map can have a relative error of at most `tolerance`."""
    constant = flow_constant(process)
    sufficient = None if constant.upper is None else segments_needed(constant.upper, budget)
    try:
        found = mean_square_floor(process, budget)
    except InputError:  # neither factors nor symmetries: no floor is known
        floor, attained, sure = None, False, 0.0
    else:
        floor, attained = found.relative, found.attained
        sure = found.value - 4 * found.error
    violated = ""
    if sufficient == 1 and floor is not None and sure > 0:
        violated = f"one {budget:g}-Lipschitz map suffices by M3, but M2 has a floor of {floor:.3g}"
    answer = _answer(floor, attained, sufficient, tolerance)
    figures = {
        "log_lipschitz": constant.lower,
        "log_bound": constant.upper,
        "needed": segments_needed(constant.lower, budget),
        "sufficient": sufficient,
        "floor": floor,
        "floor_attained": attained,
        "one_step": answer,
        "enough": {"enough": 1.0, "not enough": 0.0}.get(answer),
    }
    return Measured(figures, violated)


def _answer(floor: float | None, attained: bool, sufficient: int | None, tolerance: float) -> str:
    """`enough` or `not enough` where it is known, else `open`; infinite floors are no evidence."""
    if sufficient == 1:
        return "enough"
    if floor is None or not math.isfinite(floor):
        return "open"
    if floor > tolerance:
        return "not enough"
    return "enough" if attained else "open"


SEGMENTS = Experiment(
    "segments",
    "Where does one step suffice?",
    measure,
    {
        "log_lipschitz": Figure(
            "log Lip(Phi) of the flow map from below (F3, M3): in one dimension the largest found, else at midpoints "
            "of means only, which may be far below it",
            "linear",
        ),
        "log_bound": Figure("int lambda, an upper bound of it"),
        "needed": Figure("segments of budget-Lipschitz maps without which mismatch cannot vanish (M3)", "log"),
        "sufficient": Figure("segments with which it can"),
        "floor": Figure(
            "relative mean square error of the best budget-Lipschitz map in one step, or a lower bound of it (M2); "
            "none where neither factors nor symmetries are known",
            "log",
        ),
        "floor_attained": Figure("whether a map reaches the floor"),
        "enough": Figure("1 where one_step is enough, 0 where it is not, none where it is open", "share"),
        "one_step": Figure(
            "whether one budget-Lipschitz map can err by at most the tolerance: enough, not enough, open"
        ),
    },
    {
        "budget": Option(
            10.0, lambda value, field: bounded(value, field, 1e-3, 1e9), "B, the Lipschitz constant of a map"
        ),
        "tolerance": Option(
            1e-3, lambda value, field: bounded(value, field, 1e-12, 1), "the relative error that is tolerated"
        ),
    },
)

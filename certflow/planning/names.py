"""The words of plans: kinds of grid that a pilot makes or chooses, what such grids tell, and what they may be told."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from certflow.errors import InputError
from certflow.grids.registry import DEFAULT_RATE, KINDS

#: The kind that a pilot or a search chooses, the kind of a grid made from the pilot itself, and what such grids tell.
AUTO, PLANNED = "auto", "planned"
#: The kind of a grid that a search on a solver's error made.
OPTIMISED = "optimised"
PREDICTED = ("predicted_relative_mse", "within_factor", "reason")
#: What `certflow.planning.planner.recommend` may be told beside.
PLAN_OPTIONS = ("settings", "device")
#: What `certflow.planning.solver_grids.solver_grid` may be told beside.
SEARCH_OPTIONS = ("samples", "seed")
#: Segments that a search has at most; a grid with no less than this part of the error of another is no better.
MOST_SEARCHED, NO_GAIN = 100, 0.995

#: Standard deviations of the logarithm of a solver's mean error, within which nine of ten errors on fresh points were:
#: of 53 mixtures and solvers 2.01 (benchmarks/solver_grids.py), of 81 networks and solvers 1.93; without heavy tails it
#: would be 1.645.
NINE_IN_TEN = 2.1


def within_factor(spread: float) -> float:
    """The factor within which a solver's error is expected in nine cases of ten; spread : of its logarithm."""
    return math.exp(min(NINE_IN_TEN * spread, 700.0))


def summary_of(kind: str) -> str:
    """What the nodes of this kind are, in a few words."""
    if kind in KINDS:
        return KINDS[kind].summary
    made = {PLANNED: "the shortest path in predicted errors of segments", OPTIMISED: "the least error of the solver"}
    return made.get(kind, "nodes of one's own")


def check_plan(rate: str | None, options: Mapping[str, Any], known: Sequence[str] = PLAN_OPTIONS) -> None:
    """Raise `InputError` for a rate or an option of a kind: a plan compares kinds with their defaults."""
    given = {"rate": None if rate == DEFAULT_RATE else rate, **options}
    for name, value in given.items():
        if value is not None and name not in known:
            raise InputError(name, value, f"no {name} for a plan, which compares kinds with their defaults")

"""The words of plans: kinds of grid that a pilot makes or chooses, and what such grids tell."""

from __future__ import annotations

from certflow.grids.registry import KINDS

#: The kind that a pilot chooses, the kind of a grid made from the pilot itself, and what such grids tell.
AUTO, PLANNED = "auto", "planned"
PREDICTED = ("predicted_relative_mse", "within_factor", "reason")
#: What `certflow.planning.planner.recommend` may be told beside.
PLAN_OPTIONS = ("settings", "device", "progress")


def summary_of(kind: str) -> str:
    """What the nodes of this kind are, in a few words."""
    if kind in KINDS:
        return KINDS[kind].summary
    return "the shortest path in predicted errors of segments" if kind == PLANNED else "nodes of one's own"

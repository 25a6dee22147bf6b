"""`sup_y lambda_max Cov` of one weighted point set from both sides, within a budget (proofs/L5.md)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from certflow.enclosure.suprema.cover import Budget, Counterexample, Exhausted
from certflow.enclosure.suprema.points import MAX_HULL_DIMENSION, MAX_POINTS, Points
from certflow.enclosure.suprema.search import Candidate, Proof, improve, propose, prove
from certflow.enclosure.suprema.tasks import Task, Threshold

#: Cells that a search may use, whatever the time.
MAX_CELLS = 2_000_000
#: How often a better point may be found on the way before the search counts as failed.
_RESTARTS = 30


@dataclass(frozen=True)
class Supremum:
    """What is known of the supremum of one task.

    best : the largest value found; upper : a proved upper bound (of the threshold's kind); proof : how, None where
    Popoviciu's inequality is the proof; complete : whether the gap that was asked for was reached
    """

    best: Candidate
    upper: Fraction
    proof: Proof | None
    complete: bool


def supremum(
    task: Task, points: Points, gap_of: Callable[[float], float], seconds: float, popoviciu: Fraction
) -> Supremum:
    """Enclose `V = sup lambda_max Cov`: `gap_of(V)` is the relative gap wanted, `popoviciu` the bound `D^2/4`.

    The threshold `V (1 + gap)` is proved, or the gap grows tenfold until one is or until the bound `D^2/4`, which
    always holds, is as good: out of budget means a wider enclosure that is proved, marked as not complete.
    """
    deadline = time.perf_counter() + seconds
    exact = _exposed_diameter(task, points)
    if exact is not None:
        return Supremum(exact, popoviciu, None, True)
    best = propose(task, points.faces)
    if points.dimension > MAX_HULL_DIMENSION or len(points.points) > MAX_POINTS:
        return Supremum(best, popoviciu, None, False)
    gap, first = gap_of(best.value), True
    while best.value * (1 + gap) < float(popoviciu):
        remaining = max(deadline - time.perf_counter(), 0.0)
        budget = Budget(MAX_CELLS, time.perf_counter() + (remaining / 2 if first else remaining / 3))
        try:
            best, upper, proof = _prove_near(task, points, best, gap, budget)
            return Supremum(best, upper, proof, first)
        except Exhausted:
            first = False
            gap = max(10 * gap, 1e-6)
    return Supremum(best, popoviciu, None, first and best.value * (1 + gap) >= float(popoviciu))


def _prove_near(
    task: Task, points: Points, best: Candidate, gap: float, budget: Budget
) -> tuple[Candidate, Fraction, Proof]:
    for _ in range(_RESTARTS):  # a better point found on the way replaces the best one
        threshold = best.value * (1 + gap)
        try:
            return best, Fraction(threshold), prove(task, points.faces, Threshold(threshold), budget)
        except Counterexample as found:
            best = max(best, _better(task, points, found, gap), key=lambda candidate: candidate.value)
    raise Exhausted


def _better(task: Task, points: Points, found: Counterexample, gap: float) -> Candidate:
    """Ascent from a counterexample; it counts even if it lies above the best value by less than the gap."""
    if found.face is None:
        return improve(task, found.tilt)
    face = points.faces[found.face]
    inner = improve(task.face(face.members, face.axes, 0.0), found.tilt)
    return Candidate(inner.value, found.face, inner.tilt)


def _exposed_diameter(task: Task, points: Points) -> Candidate | None:
    """The pair at distance `D` that spans an exposed edge: then `D^2/4` is the supremum itself (proofs/L4.md)."""
    if len(points.points) == 2:
        return propose(task, ())
    for number, face in enumerate(points.faces):
        if len(face.members) == 2 and points.distance_squared(*face.members) == points.diameter_squared:
            return propose(task.face(face.members, face.axes, 0.0), (), face=number)
    return None

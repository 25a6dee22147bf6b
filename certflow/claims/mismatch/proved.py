"""Trained students against the floors of their Lipschitz budgets, their errors enclosed and not measured (M1, M2)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from certflow.claims.check import Context, Finding
from certflow.claims.evidence.measured import one_step_students
from certflow.claims.mismatch.lines import BUDGETS
from certflow.claims.mismatch.students import on_its_line
from certflow.claims.model import Outcome
from certflow.numbers.numerals import above, below
from certflow.process import OrnsteinUhlenbeck

#: Relative widths of the enclosures, and seconds of each: a good student is within a thousandth of the floor of M2.
WIDTHS, SECONDS = {"mean-square": "1e-5", "sup": "1e-3"}, 20.0
#: Accuracy of the floors, which are computed in float64.
FLOOR = 1e-8
#: The least floor that is looked at: a smaller one is rounding.
LEAST = 1e-9
#: Standard deviations of the noise end between which the largest distance is sought.
REACH = 2.0


def mean_square(context: Context, name: str) -> Finding:
    """M2: the mean square error of each trained student, enclosed, is not under the floor of its budget."""
    from certflow.enclosure import student_error

    def proved(process: OrnsteinUhlenbeck, one: Any) -> Any:
        times = process.exact_t_max, process.exact_t_min
        return student_error(process, one, times, WIDTHS["mean-square"], SECONDS)

    return _above(context, "mean-square", proved, "mean square errors over all of p_T")


def sup_norm(context: Context, name: str) -> Finding:
    """M1: the largest distance of each trained student from the flow, enclosed, is not under the floor of its B."""
    from certflow.enclosure import student_distance

    def proved(process: OrnsteinUhlenbeck, one: Any) -> Any:
        times = process.exact_t_max, process.exact_t_min
        return student_distance(process, one, times, _box(process), WIDTHS["sup"], SECONDS)

    return _above(context, "sup", proved, f"largest distances over {REACH:g} standard deviations of the noise end")


def _box(process: OrnsteinUhlenbeck) -> tuple[float, float]:
    """Around the middle of two equal modes; the pair of points that makes the floor lies in it."""
    mixture, m = process.mixture, math.exp(-process.t_max)
    square = float(mixture.means[0, 0]) ** 2 + float(mixture.covariance_matrices[0, 0, 0])
    half = REACH * math.sqrt(m * m * square + 1 - m * m)
    return -half, half


def _above(context: Context, norm: str, proved: Callable[[OrnsteinUhlenbeck, Any], Any], what: str) -> Finding:
    """Violated where an upper end is under a floor; holds where every lower end is above it."""
    from certflow.enclosure.students.maps import ExactMap

    process = on_its_line(context)
    found = one_step_students(context, process, BUDGETS)
    floors = {budget: float(process.mismatch_floor(budget, norm)) for budget in BUDGETS}
    scope = (
        f"the pair on its line; one-step students, Lipschitz constants bounded by spectral norms, B in "
        f"{{{', '.join(f'{b:g}' for b in BUDGETS)}}}; {what} enclosed, floors in float64"
    )
    told = [
        (row, fields)
        for row, fields in zip(found.rows, found.maps, strict=True)
        if not row["diverged"] and not row["over_budget"] and LEAST < floors[row["budget"]] < math.inf
    ]
    if not told:
        return Finding(Outcome.NOT_APPLICABLE, "no student and no floor that rounding leaves visible", scope)
    decided, least = 0, math.inf
    for row, fields in told:
        floor, error = floors[row["budget"]], proved(process, ExactMap(**fields))
        if float(error.upper) < floor * (1 - FLOOR):
            witness = {"budget": row["budget"], "seed": row["seed"], "floor": floor, "error": str(error)}
            summary = f"a student of B = {row['budget']:g} is proved at most {above(error.upper, 6)}, under its floor"
            return Finding(Outcome.VIOLATED, f"{summary} of {floor:.6g}", scope, {}, witness)
        decided += float(error.lower) >= floor * (1 + FLOOR)
        least = min(least, float(error.lower) / floor)
    numbers = {
        "students": len(told),
        "proved_above": decided,
        "floors": {f"B = {budget:g}": f"{floor:.6e}" for budget, floor in floors.items()},
        "least_lower_end_over_floor": below(least, 6),
    }
    summary = (
        f"{decided} of {len(told)} students are proved above their floor, by a factor of {below(least, 5)} or more"
    )
    if decided == len(told):
        return Finding(Outcome.HOLDS, summary, scope, numbers)
    return Finding(Outcome.INCONCLUSIVE, f"{summary}; the enclosures of the others contain it", scope, numbers)

"""Enclosures of students that are built, held against the flow under test, which shares nothing with them (C1-C4)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from certflow.claims.check import Context, Finding, OutOfReach
from certflow.claims.hypotheses import has_bound
from certflow.claims.model import Outcome
from certflow.claims.students.interpolants import QUADRATURE, Interpolant, flowed, quadrature
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats
from certflow.numbers.numerals import above, below

#: Knots of two students of which one is clearly better, and of one whose slopes are near those of the flow.
FEW, MANY, STEEP = 9, 33, 129
#: Relative width that is asked for, and the seconds of one search.
WIDTH, SECONDS = "0.02", 10.0
#: Points of the interval at which the flow is looked at, and by how much, relative to the largest point, it may err.
POINTS, FLOW_ERROR = 201, 1e-7
#: Between means that are more standard deviations apart, knots that are equally far apart miss what happens.
STRETCHED = 100
#: The least relative mean square error that a quadrature with the flow under test can tell.
TOLD = 1e-10


def on_a_line(mixture: GaussianMixture) -> str | None:
    """What this version checks: one dimension, means not many widths apart."""
    if mixture.dimension > 1:
        return OutOfReach(f"this version checks it in one dimension, not in {mixture.dimension}")
    if not mixture.diameter_squared <= STRETCHED**2 * mixture.covariance_matrices.min():
        return OutOfReach(f"this version checks it where means are at most {STRETCHED} standard deviations apart")
    return None


def on_a_bounded_line(mixture: GaussianMixture) -> str | None:
    """One dimension, with a finite rate."""
    return on_a_line(mixture) or has_bound(mixture)


def distance(context: Context, name: str) -> Finding:
    """C1: `sup |Psi - Phi|` between the outermost knots, at points of the flow under test, is what is proved."""
    from certflow.enclosure import student_distance

    student = Interpolant(context.process, FEW)
    proved = student_distance(context.process, student.exact, student.times, student.box, WIDTH, SECONDS)
    x = np.linspace(*student.box, POINTS)
    gap = np.abs(student(x) - flowed(context.process, x))
    largest, size = float(gap.max()), FLOW_ERROR * float(np.abs(x).max() + np.abs(student(x)).max())
    slack = size + 0.05 * float(proved.upper)  # the largest distance lies between the points
    numbers = {"points": POINTS, "largest_at_points": f"{largest:.6g}", **_ends(proved)}
    scope = f"this mixture, an interpolant with {FEW} knots, all x in [{student.box[0]:.4g}, {student.box[1]:.4g}]"
    what = f"of an interpolant of the flow sup |Psi - Phi| is in [{below(proved.lower)}, {above(proved.upper)}]"
    return _judged(what, scope, numbers, float(proved.lower) - slack, largest, float(proved.upper) + size)


def mean_square(context: Context, name: str) -> Finding:
    """C2: the enclosure contains the error by a quadrature with the flow under test."""
    from certflow.enclosure import student_error

    student, nodes = Interpolant(context.process, FEW), quadrature(context.process)
    proved = student_error(context.process, student.exact, student.times, WIDTH, SECONDS)
    (measured,) = _measured(context, [student])
    numbers = {"quadrature": f"{measured:.6g}", "nodes": len(nodes.z), **_ends(proved), "tail": above(proved.tail, 3)}
    scope = f"this mixture, an interpolant with {FEW} knots, all of p_T"
    what = f"the relative mean square error of an interpolant is in [{below(proved.lower)}, {above(proved.upper)}]"
    root_low, root_high = math.sqrt(proved.lower), math.sqrt(proved.upper)
    low = max(0.0, root_low * (1 - QUADRATURE) - FLOW_ERROR) ** 2
    return _judged(what, scope, numbers, low, measured, (root_high * (1 + QUADRATURE) + FLOW_ERROR) ** 2)


def steepness(context: Context, name: str) -> Finding:
    """C3: the enclosure contains the largest slope between knots; F1 bounds it: they lie on the flow."""
    from certflow.enclosure import student_lipschitz

    student = Interpolant(context.process, STEEP)
    proved = student_lipschitz(student.exact, student.box, WIDTH, SECONDS)
    steepest = float(np.abs(student.slopes).max())
    bound = float(context.process.amplification(context.process.t_min, context.process.t_max))
    numbers = {"largest_slope": f"{steepest:.10g}", "amplification": f"{bound:.6g}", **_ends(proved)}
    scope = f"an interpolant with {STEEP} knots, all x in [{student.box[0]:.4g}, {student.box[1]:.4g}]"
    what = f"of an interpolant of the flow Lip(Psi) is in [{below(proved.lower)}, {above(proved.upper)}]"
    if not float(proved.lower) <= bound * (1 + FLOW_ERROR) and math.isfinite(bound):
        witness = {"lipschitz_at_least": below(proved.lower, 10), "amplification": bound}
        return Finding(Outcome.VIOLATED, f"{what}: more than exp(int lambda) = {bound:.6g}", scope, numbers, witness)
    low, high = float(proved.lower) * (1 - FLOW_ERROR), float(proved.upper) * (1 + FLOW_ERROR)
    return _judged(what, scope, numbers, low, steepest, high)


def comparison(context: Context, name: str) -> Finding:
    """C4: the proved ratio of two students' errors contains the one by a quadrature with the flow under test."""
    from certflow.enclosure import compare_students, student_error

    students = [Interpolant(context.process, knots) for knots in (MANY, FEW)]
    errors = [student_error(context.process, one.exact, one.times, WIDTH, SECONDS) for one in students]
    scope = f"this mixture, interpolants with {MANY} and {FEW} knots, all of p_T"
    if not float(errors[0].lower) > TOLD:
        return Finding(Outcome.NOT_APPLICABLE, "the flow is so straight that interpolants of it do not err", scope)
    proved = compare_students(*errors)
    better, worse = _measured(context, students)
    ratio = worse / better if better else math.nan
    numbers = {"ratio_by_quadrature": f"{ratio:.6g}", **_ends(proved)}
    ends = f"[{below(proved.lower)}, {above(proved.upper)}]"
    what = f"an interpolant with {FEW} knots has {ends} times the error of one with {MANY}"
    low, high = float(proved.lower) * (1 - 2 * QUADRATURE), float(proved.upper) * (1 + 2 * QUADRATURE)
    return _judged(what, scope, numbers, low, ratio, high)


def _measured(context: Context, students: list[Interpolant]) -> list[float]:
    """The relative mean square errors against the flow under test, by quadrature."""
    nodes = quadrature(context.process)
    exact: Floats = flowed(context.process, nodes.z)
    scale = nodes.mean(nodes.x**2)
    return [nodes.mean((student(nodes.z) - exact) ** 2) / scale for student in students]


def _ends(proved: Any) -> dict[str, str]:
    return {"lower": below(proved.lower, 10), "upper": above(proved.upper, 10)}


def _judged(what: str, scope: str, numbers: dict[str, Any], low: float, value: float, high: float) -> Finding:
    """Holds where the value is in between; outside, one of the two is wrong."""
    if not all(map(math.isfinite, (low, value, high))):
        return Finding(Outcome.INCONCLUSIVE, f"{what}: not a finite number", scope, numbers)
    if low <= value <= high:
        return Finding(Outcome.HOLDS, what, scope, numbers)
    witness = {"value": value, "between": [low, high]}
    return Finding(Outcome.VIOLATED, f"{what}, but {value:.6g} by another route", scope, numbers, witness)

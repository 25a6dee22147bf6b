"""`cf.enclosure.student_error` and what else is proved of students: distance, Lipschitz constant, law, comparison.

A student is the composition of maps given by their weights. What is enclosed is the real function that these numbers
denote, in exact arithmetic; not its evaluation in float32, which rounds (proofs/students.md, section 9).
"""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.enclosure.integrals import check_effort
from certflow.enclosure.results import ball_ends
from certflow.enclosure.students.line.distance import supremum
from certflow.enclosure.students.line.error import mean_square
from certflow.enclosure.students.line.flow import LineFlow
from certflow.enclosure.students.line.order import start_of
from certflow.enclosure.students.line.slopes import steepest
from certflow.enclosure.students.line.transport import wasserstein
from certflow.enclosure.students.line.variation import total_variation
from certflow.enclosure.students.maps import ExactMap, check_ends, read_maps, segment_times
from certflow.enclosure.students.plane.result import plane_error, plane_lipschitz
from certflow.enclosure.students.product.error import DEGREES
from certflow.enclosure.students.product.result import product_error
from certflow.enclosure.students.results import (
    ProvedRange,
    StudentCells,
    StudentComparison,
    StudentDistance,
    StudentError,
    StudentLaw,
    StudentLipschitz,
    outwards,
)
from certflow.enclosure.students.rounding import LARGEST
from certflow.errors import InputError
from certflow.law.factors import coordinate_lines
from certflow.numbers.inputs import float_array
from certflow.process import OrnsteinUhlenbeck


def student_error(p: Any, maps: Any, times: Any, rtol: Any = "0.02", seconds: Any = 60) -> StudentError:
    """`E |Psi(X) - Phi(X)|^2 / E |Phi(X)|^2`, `X ~ p_T`, `Phi = Phi_{T -> delta}` exact, from both sides (C2).

    p : an `OrnsteinUhlenbeck`; its mixture in one dimension, in two with one covariance for all components, or in two
        to four a product over the coordinates
    maps : `Psi_1, ..., Psi_K`, see `read_maps`; `Psi = Psi_K o ... o Psi_1`
    times : `T = t_0 > ... > t_K = delta`, exact (text, fractions, floats: the binary numbers that they are), or a grid
    rtol : `upper - lower <= rtol upper` is asked for
    seconds : of search; then the best enclosure so far, `complete` False

    Raises
    ------
    InputError : another dimension, maps, times, rtol or seconds that do not serve.
    NoEnclosure : no finite upper end within the budget.

    >>> import numpy as np, certflow as cf
    >>> from certflow.enclosure.students.maps import ExactMap
    >>> p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0]], "0.04"), t_min="0.01", t_max="3")
    >>> one, zero = np.ones(1), np.zeros(1)
    >>> half = ExactMap((np.array([[0.25]]),), (zero,), "relu", 0.0, zero, one, zero, one)  # x -> x/4
    >>> print(f"{cf.enclosure.student_error(p, half, ['3', '0.01'], rtol='1e-6'):.5}")
    [0.00077995, 0.00077996]

    Source: proofs/C2.md; in two dimensions proofs/students-plane.md.
    """
    found, listed, ends = _subject(p, maps, times)
    gap, limit = check_effort(rtol, seconds, "rtol")
    if found.mixture.dimension > 1:
        return _in_space(found, listed, ends, float(gap), limit)
    flow = LineFlow(found, *ends)
    part = mean_square(flow, listed, float(gap), limit)
    middle, radius = ball_ends(flow.data.second_moment)
    lower, upper = outwards(
        Fraction(part.lower) / (middle + radius),
        Fraction(part.upper) / (middle - radius),
    )
    cells = part.local.cells
    scale = float(middle)
    shown = StudentCells(
        cells.low[:, None], cells.high[:, None], part.local.largest, part.low / scale, part.high / scale
    )
    tail = outwards(0.0, Fraction(part.tail) / (middle - radius))[1]
    return StudentError(lower, upper, part.complete, tail, scale, shown, (repr(found.mixture), *ends))


def _in_space(
    process: OrnsteinUhlenbeck, maps: list[ExactMap], ends: tuple[Fraction, Fraction], gap: float, limit: float
) -> StudentError:
    """In two dimensions or more: a product over the coordinates by its lines, else by the atlas of the plane."""
    lines = coordinate_lines(process.mixture)
    d = process.mixture.dimension
    if lines is not None and d in DEGREES:
        return product_error(process, lines, maps, ends, gap, limit)
    if d > 2:
        required = f"at most 2, or {max(DEGREES)} for a product of laws of the coordinates"
        raise InputError("mixture", f"{d} dimensions", required)
    return plane_error(process, maps, ends, gap, limit)


def student_distance(p: Any, maps: Any, times: Any, box: Any, rtol: Any = "0.02", seconds: Any = 60) -> StudentDistance:
    """`sup |Psi(x) - Phi(x)|` over `x` in a box of the noise end, from both sides (C1).

    box : `(low, high)`, float64 numbers; else as `student_error`

    Raises
    ------
    InputError, NoEnclosure : as `student_error`.

    Source: proofs/C1.md.
    """
    found, listed, ends = _subject(p, maps, times)
    _check_line(listed)
    interval = _interval(box)
    gap, limit = check_effort(rtol, seconds, "rtol")
    part = supremum(LineFlow(found, *ends), listed, interval, float(gap), limit)
    cells = part.local.cells
    shown = StudentCells(cells.low[:, None], cells.high[:, None], part.local.largest)
    return StudentDistance(*outwards(part.lower, part.upper), part.complete, shown)


def student_lipschitz(maps: Any, box: Any, rtol: Any = "0.02", seconds: Any = 60) -> StudentLipschitz:
    """`Lip(Psi)` over a box, from both sides (C3); arguments as `student_distance` has them.

    Raises
    ------
    InputError : as `student_error`.

    Source: proofs/C3.md.
    """
    listed = read_maps(maps)
    gap, limit = check_effort(rtol, seconds, "rtol")
    if listed[0].dimension > 1:
        return plane_lipschitz(listed, box, float(gap), limit)
    part = steepest(listed, _interval(box), float(gap), limit)
    cells = part.found.cells
    shown = StudentCells(cells.low[:, None], cells.high[:, None], part.found.steepest, end="noise")
    return StudentLipschitz(*outwards(part.lower, part.upper), part.complete, shown)


def student_law(p: Any, maps: Any, times: Any, rtol: Any = "0.02", seconds: Any = 60) -> StudentLaw:
    """`W2` and total variation between the law of `Psi(X)`, `X ~ p_T`, and `p_delta`, in one dimension.

    Arguments and errors as `student_error` has them. Where the student is monotone, `W2` is its root mean square error.

    Source: proofs/students.md, section 8.
    """
    found, listed, ends = _subject(p, maps, times)
    _check_line(listed)
    gap, limit = check_effort(rtol, seconds, "rtol")
    until = time.monotonic() + limit
    flow, wanted = LineFlow(found, *ends), float(gap)
    order = start_of(flow, listed, wanted, until)
    error = mean_square(flow, listed, wanted / 4, limit / 3)
    transport = wasserstein(flow, listed, order, error, wanted, until)
    variation = total_variation(flow, listed, order, wanted, until)
    slopes = order.slopes
    monotone = True if (slopes.low >= 0).all() else False if (slopes.high < 0).any() else None
    w2, tv = (ProvedRange(*outwards(r.lower, r.upper), r.complete) for r in (transport, variation))
    return StudentLaw(w2, tv, monotone, (float(slopes.cells.low[0]), float(slopes.cells.high[-1])))


def compare_students(first: StudentError, second: StudentError) -> StudentComparison:
    """The ratio of two mean square errors, second over first, enclosed; and which student is proved better (C4).

    first, second : results of `student_error` for the same law and the same two ends of time

    Raises
    ------
    InputError : results of different laws or times, or what is none; a first error that may be zero.

    Source: proofs/C4.md.
    """
    for field, one in (("first", first), ("second", second)):
        if not isinstance(one, StudentError):
            raise InputError(field, one, "a result of student_error")
    if first.law[0] != second.law[0]:
        raise InputError("second", f"a student of {second.law[0]}", f"the law of the first, {first.law[0]}")
    if first.law != second.law:
        ends = [f"{float(one.law[1])!r} and {float(one.law[2])!r}" for one in (second, first)]
        required = f"exactly those of the first, {ends[1]}: a float is another number than the same text"
        raise InputError("second", f"a student with the ends of time {ends[0]}", required)
    if not first.lower > 0:
        raise InputError("first", first, "an error that is proved positive: ask for a smaller rtol, or exchange them")
    lower, upper = outwards(second.lower / first.upper, second.upper / first.lower)
    better = "first" if lower > 1 else "second" if upper < 1 else None
    return StudentComparison(lower, upper, better)


def _subject(p: Any, maps: Any, times: Any) -> tuple[OrnsteinUhlenbeck, list[ExactMap], tuple[Fraction, Fraction]]:
    """The process, the maps, and the exact ends of time."""
    if not isinstance(p, OrnsteinUhlenbeck):
        raise InputError("p", p, "a certflow.OrnsteinUhlenbeck")
    listed = read_maps(maps)
    exact = segment_times(times, listed)
    check_ends(maps, exact[0], exact[-1])
    if p.mixture.dimension != listed[0].dimension:
        raise InputError("maps", f"maps of R^{listed[0].dimension}", f"maps of R^{p.mixture.dimension}, as the mixture")
    return p, listed, (exact[0], exact[-1])


def _check_line(maps: list[ExactMap]) -> None:
    if maps[0].dimension != 1:
        raise InputError("maps", f"maps of R^{maps[0].dimension}", "maps in one dimension")


def _interval(box: Any) -> tuple[float, float]:
    ends = float_array(box, "box").ravel()
    if ends.shape != (2,) or not (np.abs(ends) < LARGEST).all() or not ends[0] < ends[1]:
        raise InputError("box", box, "two numbers below 2^60 in size, low < high")
    return float(ends[0]), float(ends[1])

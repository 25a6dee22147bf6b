"""The error of students in one dimension (C2, C4): `E|Psi(X) - Phi(X)|^2`, by cells of `y = Phi(X)` and two tails (13).

`E|Psi(X) - Phi(X)|^2 = E|Psi(x(Y)) - Y|^2`, `Y` of the law at `t_min`, `x = F_T^-1 o F_delta`. On a cell x is a cubic
of the file and a radius, which is proved by distribution functions and densities.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple

from .cases import Case, Rule
from .refusals import require
from .sentences import at_least, at_most
from .student_laws import Law, density_factor, variances
from .student_maps import STUDENT, Student, integers
from .student_models import ROOM, Model, Models
from .work import product_steps

#: Integers of a row: width of the cell, `X_0, ..., X_3`, radius.
ROW = 6


class Cell(NamedTuple):
    """`y = middle + half eta`, `x(y)` as a model, the density of Y as one (or None: not used), and a number above the
    cell's mass."""

    middle: int
    half: int
    x: Model
    density: Model | None
    mass: int


class Part(NamedTuple):
    """Of a cell: `int p^2 p_delta` from both sides, p the cubic of the error, or 0; `int r^2 p_delta` from above, r
    what the error is off by; and a number above the error on the cell."""

    low: int
    high: int
    noise: int
    size: int


class Flow:
    """The laws at both times, and the flow backwards on cells."""

    def __init__(self, case: Case):
        require(case.size == 1, "problem.mixture.means", case.size, "means of one coordinate")
        self.case, self.bits, self.models = case, case.arithmetic.bits, Models(case.arithmetic)
        case.work.spend(40 * case.arithmetic.bits + len(case.weights) * 100, "problem.mixture")
        spread, factor = variances(case), density_factor(case.arithmetic)
        self.early = Law(case, self.models, spread, case.t_min, factor)
        self.late = Law(case, self.models, spread, case.t_max, factor)
        self.steps = self.early.steps + 2 * self.late.steps + 200 + 60 * product_steps(3 * self.bits, 2 * self.bits)

    def cell(self, start: int, end: int, cubic: tuple[int, int, int, int], radius: int, field: str) -> Cell:
        """The cell between two points, after the proof that `|x - cubic| <= radius` on it; in units."""
        self.case.work.spend(self.steps, field)
        bits, early, late = self.bits, self.early, self.late
        middle, half = start + end >> 1, end - start >> 1
        if any(cubic[1:]):
            y = early.density((middle, half, 0, 0))
            apart = self.apart(cubic, middle, half, y, field)
            reach = sum(map(abs, cubic[1:])) + radius
            least = late.least(cubic[0] - reach, cubic[0] + reach)
            required = "a radius at least what F_T(X(y)) and F_delta(y) are apart over the least density near"
            require(apart << bits <= least * radius, field, Fraction(radius, self.models.one), required)
            mass = (half * (2 * y[0] + (2 * y[2] // 3) + 1 + 2 * y[5]) >> bits) + 1
            return Cell(middle, half, (*cubic, radius, 0), y, mass)
        low, high = early.distribution(start, field), early.distribution(end, field)
        order = late.distribution(cubic[0] - radius, field)[1] <= low[0]
        order = order and high[1] <= late.distribution(cubic[0] + radius, field)[0]
        required = "a radius such that F_T keeps the order of F_delta at both ends"
        require(order, field, Fraction(radius, self.models.one), required)
        return Cell(middle, half, (*cubic, radius, 0), None, high[1] - low[0])

    def apart(self, cubic: tuple[int, int, int, int], middle: int, half: int, y: Model, field: str) -> int:
        """A number above `|F_T(X) - F_delta(y)|` on a cell: at its middle, and by the derivative in eta."""
        bits, (_, c1, c2, c3) = self.bits, cubic
        (low, high), (below, above) = self.late.distribution(cubic[0], field), self.early.distribution(middle, field)
        p0, p1, p2, p3, _, rest = self.late.density(cubic)
        slopes, total = (c1, 2 * c2, 3 * c3), [0] * 6
        for i, p in enumerate((p0, p1, p2, p3)):
            for j, slope in enumerate(slopes, i):
                total[j] += p * slope
        for i, p in enumerate(y[:4]):
            total[i] -= p * half
        off = rest * sum(map(abs, slopes)) + y[5] * half
        off += sum(-(-abs(x) // j) for j, x in enumerate(total, 1))
        return max(high - below, above - low) + (off >> bits) + 1


def squared_error(case: Case, flow: Flow, student: Student, cells: dict[str, Any], field: str) -> tuple[int, int]:
    """`E|Psi(X) - Phi(X)|^2` from both sides, in units.

    `||p|| - ||r|| <= ||error|| <= ||p|| + ||r||` in the mean square over the cells; and the tails."""
    bits, places, fine = flow.bits, cells["places"], cells["fine"]
    for key in ("places", "fine"):
        require(cells[key] < bits, f"{field}.{key}", cells[key], f"less than the {bits} bits of the arithmetic")
    require(len(cells["rows"]) > 0, f"{field}.rows", cells["rows"], "at least 1 cell")
    at, low, high, noise = cells["start"] << bits - places, 0, 0, 0
    largest, last, tail = flow.models.one << ROOM, len(cells["rows"]) - 1, 0
    for i, text in enumerate(cells["rows"]):
        where = f"{field}.rows[{i}]"
        row = integers(text, where, case.work)
        require(len(row) == ROW, where, len(row), f"{ROW} integers: a width, 4 coefficients, a radius")
        width, *cubic, radius = row[0] << bits - places, *(x << bits - fine for x in row[1:])
        require(width > 0 and radius >= 0, where, text, "a width > 0 and a radius >= 0")
        require(max(map(abs, (at, width, *cubic, radius))) < largest, where, text, f"numbers below 2^{ROOM}")
        cell = flow.cell(at, at + width, tuple(cubic), radius, where)
        case.work.spend(student.steps, where)
        part = part_of(cell, student(cell.x), bits)
        low, high, noise = low + part.low, high + part.high, noise + part.noise
        if i == 0:
            tail += beyond(flow, student, part.size, at, cell.x, -1)
        if i == last:
            tail += beyond(flow, student, part.size, at + width, cell.x, 1)
        at += width
    most, least = (math.isqrt(x << bits) + 1 for x in (high, noise)), math.isqrt(max(low, 0) << bits)
    first, second = most
    kept = max(least - second, 0)
    return kept * kept >> bits, ((first + second) ** 2 >> bits) + 1 + tail


def part_of(cell: Cell, image: Model, bits: int) -> Part:
    """What a cell gives to the mean square, from the student's image of it."""
    e = image[0] - cell.middle, image[1] - cell.half, image[2], image[3]
    off, size = abs(image[4]) + image[5], sum(map(abs, e))
    if cell.density is None:
        return Part(0, 0, ((size + off) ** 2 * cell.mass >> 2 * bits) + 1, size + off)
    squares = [0] * 7
    for i, x in enumerate(e):
        for j, y in enumerate(e, i):
            squares[j] += x * y
    whole = 0
    for k, p in enumerate(cell.density[:4]):
        for n in range(k % 2, 7, 2):
            whole += 2 * squares[n] * p // (n + k + 1)
    wide = 2 * cell.density[5] * size * size + 16
    low, high = ((whole + side * wide) * cell.half >> 3 * bits for side in (-1, 1))
    return Part(low, high + 1, (off * off * cell.mass >> 2 * bits) + 1, size + off)


def beyond(flow: Flow, student: Student, size: int, end: int, x: Model, side: int) -> int:
    """A number above `E |error|^2` beyond an end of the cells: there `|error| <= size + L |x - x(end)| + |y - end|`,
    whose root mean squares add."""
    bits = flow.bits
    flow.case.work.spend(len(flow.case.weights) * 4 * (flow.models.a.steps + 40), "problem.mixture")
    place = x[0] + side * (x[1] + x[3]) + x[2] - side * x[4]
    mass, square = flow.early.beyond(end, side)
    _, far = flow.late.beyond(place, side)
    total = 1
    for factor, mean_square in ((size, mass), (student.steepness, far), (flow.models.one, square)):
        total += (factor * (math.isqrt(mean_square << bits) + 1) >> bits) + 1
    return (total * total >> bits) + 1


def relative_error(case: Case) -> str:
    """C2: `E|Psi(X) - Phi(X)|^2 / E|Phi(X)|^2` is from `lower` to `upper` (13)."""
    flow = Flow(case)
    student = Student(flow.models, case.assertion["maps"], "assertion.maps", case.work)
    low, high = squared_error(case, flow, student, case.proof["cells"], "proof.cells")
    least, most = flow.early.second_moment()
    case.spend(2, "assertion", case.assertion["lower"], case.assertion["upper"])
    case.bound("below", (low << flow.bits) // most, "the relative mean square error", "lower")
    case.bound("above", -((-high << flow.bits) // least), "the relative mean square error", "upper")
    lower, upper = case.said(at_least, "lower"), case.said(at_most, "upper")
    return (
        f"for X of the law at t_max, Phi the flow map to t_min, Psi the {named(student)} of the assertion, "
        f"E|Psi(X)-Phi(X)|^2 / E|Phi(X)|^2 lies in [{lower}, {upper}]"
    )


def comparison(case: Case) -> str:
    """C4: `E|Psi_worse(X) - Phi(X)|^2 >= ratio E|Psi_better(X) - Phi(X)|^2` (13)."""
    flow, found, students = Flow(case), {}, {}
    for key in ("better", "worse"):
        field = f"assertion.{key}"
        students[key] = Student(flow.models, case.assertion[key], field, case.work)
        found[key] = squared_error(case, flow, students[key], case.proof[key], f"proof.{key}")
    case.spend(1, "assertion.ratio", case.assertion["ratio"])
    ratio = case.assertion["ratio"]
    require(ratio >= 1, "assertion.ratio", ratio, "a number >= 1")
    proved = (found["worse"][0] << flow.bits) // found["better"][1]
    case.bound("below", proved, "the ratio of the mean square errors", "ratio")
    return (
        f"for X of the law at t_max, Phi the flow map to t_min, E|B(X)-Phi(X)|^2 >= {case.said(at_least, 'ratio')} "
        f"E|A(X)-Phi(X)|^2, A the {named(students['better'])} that the assertion calls better, B the "
        f"{named(students['worse'])} that it calls worse"
    )


def named(student: Student) -> str:
    """A student in words."""
    count = len(student.maps)
    return f"composition of {count} maps" if count > 1 else "map"


_CELLS = {"start": range(-(2**512), 2**512), "places": range(1024), "fine": range(1024), "rows": [str]}
_PROOFS = "proofs/students.md, proofs/checker.md section 13"
KINDS = ("common-isotropic", "isotropic", "shared", "full")
C2 = [
    Rule(
        "student-cells",
        {"maps": STUDENT, "lower": Fraction, "upper": Fraction},
        {"cells": _CELLS},
        relative_error,
        _PROOFS,
        kind,
    )
    for kind in KINDS
]
C4 = [
    Rule(
        "student-cells",
        {"better": STUDENT, "worse": STUDENT, "ratio": Fraction},
        {"better": _CELLS, "worse": _CELLS},
        comparison,
        _PROOFS,
        kind,
    )
    for kind in KINDS
]

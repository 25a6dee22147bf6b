"""What is proved of students over a product law, as a result (proofs/students-plane.md, section 8)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from fractions import Fraction

from certflow.enclosure.results import ball_ends
from certflow.enclosure.students.maps import ExactMap
from certflow.enclosure.students.product.error import ProductFlow, mean_square
from certflow.enclosure.students.results import StudentCells, StudentError, outwards
from certflow.law.mixture import GaussianMixture
from certflow.process import OrnsteinUhlenbeck


def product_error(
    process: OrnsteinUhlenbeck,
    lines: Sequence[GaussianMixture],
    maps: list[ExactMap],
    ends: tuple[Fraction, Fraction],
    rtol: float,
    seconds: float,
) -> StudentError:
    """`student_error` over the product of the lines' laws."""
    until = time.monotonic() + seconds
    flow = ProductFlow(lines, *ends)
    part = mean_square(flow, maps, rtol, max(until - time.monotonic(), 0.0))
    middle, radius = ball_ends(flow.second_moment)
    lower, upper = outwards(Fraction(part.lower) / (middle + radius), Fraction(part.upper) / (middle - radius))
    centre, half = flow.ends(part.local.places)
    scale = float(middle)
    shown = StudentCells(
        centre - half, centre + half, part.local.largest, part.local.low / scale, part.local.high / scale
    )
    tail = outwards(0.0, Fraction(part.tail) / (middle - radius))[1]
    return StudentError(lower, upper, part.complete, tail, scale, shown, (repr(process.mixture), *ends))

"""What is proved of students in the plane, as results (proofs/students-plane.md, proofs/C3.md)."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.enclosure.students.maps import ExactMap
from certflow.enclosure.students.plane.atlas import kept_atlas
from certflow.enclosure.students.plane.cells import Boxes
from certflow.enclosure.students.plane.error import mean_square
from certflow.enclosure.students.plane.slopes import steepest
from certflow.enclosure.students.results import StudentCells, StudentError, StudentLipschitz, outwards
from certflow.enclosure.students.rounding import LARGEST
from certflow.errors import InputError
from certflow.numbers.inputs import float_array
from certflow.process import OrnsteinUhlenbeck


def plane_error(
    process: OrnsteinUhlenbeck, maps: list[ExactMap], ends: tuple[Fraction, Fraction], rtol: float, seconds: float
) -> StudentError:
    """`student_error` in two dimensions: by the atlas of the flow, which is kept.

    The atlas has at most two thirds of the seconds, if it must be made.
    """
    until = time.monotonic() + seconds
    atlas = kept_atlas(process, *ends, seconds * 2 / 3)
    part = mean_square(atlas, maps, rtol, max(until - time.monotonic(), 0.0))
    low_moment, high_moment = atlas.law.second_moment
    lower, upper = outwards(Fraction(part.lower) / high_moment, Fraction(part.upper) / low_moment)
    scale, boxes = float(low_moment), part.local.charts.boxes
    unit = atlas.law.scale_data
    shown = StudentCells(
        boxes.low * unit, boxes.high * unit, part.local.largest, part.local.low / scale, part.local.high / scale
    )
    tail = outwards(0.0, Fraction(part.tail) / low_moment)[1]
    return StudentError(lower, upper, part.complete, tail, scale, shown, (repr(process.mixture), *ends))


def plane_lipschitz(maps: list[ExactMap], box: Any, rtol: float, seconds: float) -> StudentLipschitz:
    """`student_lipschitz` in two dimensions or more."""
    d = maps[0].dimension
    ends = float_array(box, "box")
    if ends.shape != (2, d) or not (np.abs(ends) < LARGEST).all() or not (ends[0] < ends[1]).all():
        raise InputError("box", box, f"two corners of {d} numbers below 2^60 in size each, low < high")
    part = steepest(maps, Boxes(ends[:1], ends[1:]), rtol, seconds)
    shown = StudentCells(part.boxes.low, part.boxes.high, part.slopes, end="noise")
    return StudentLipschitz(*outwards(part.lower, part.upper), part.complete, shown)

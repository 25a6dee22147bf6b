"""Checks of Lipschitz mismatch, each with the false twins that it must reject."""

from __future__ import annotations

from certflow.claims.check import Check, Twin
from certflow.claims.evidence.builders import trained_check
from certflow.claims.hypotheses import has_bound
from certflow.claims.mismatch import floors, segments, students, twins
from certflow.claims.model import Kind
from certflow.claims.stability.twins import HalfExponent

CHECKS = (
    Check(
        "M1.attained",
        Kind.SAMPLED,
        floors.sup_norm,
        twins=(
            Twin("twice the floor", twins.DoubledFloor),
            Twin("twice the floor", twins.DoubledFloor, "two-variances"),
        ),
    ),
    trained_check(
        "M2.students",
        students.under_no_floor,
        Twin("twice the floor", twins.DoubledFloor),
        applies=students.pair_applies,
    ),
    Check(
        "M2.attained",
        Kind.SAMPLED,
        floors.mean_square,
        floors.pairing_applies,
        (Twin("twice the floor", twins.DoubledFloor), Twin("twice the floor", twins.DoubledFloor, "line-3")),
    ),
    Check(
        "M3.segments",
        Kind.SAMPLED,
        segments.segments_needed,
        has_bound,
        (Twin("half the exponent", HalfExponent),),
    ),
)

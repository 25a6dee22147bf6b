"""Checks of Lipschitz mismatch, each with the false twins that it must reject."""

from __future__ import annotations

from certflow.claims.check import Check, Twin
from certflow.claims.evidence.builders import enclosed_check, trained_check
from certflow.claims.hypotheses import has_bound
from certflow.claims.mismatch import chords, floors, proved, segments, students, twins
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
        "M1.enclosed",
        proved.sup_norm,
        Twin("twice the floor", twins.DoubledFloor, "two-modes-1d"),
        applies=students.pair_applies,
        kind=Kind.ENCLOSURE,
    ),
    trained_check(
        "M2.enclosed",
        proved.mean_square,
        Twin("twice the floor", twins.DoubledFloor, "two-modes-1d"),
        applies=students.pair_applies,
        kind=Kind.ENCLOSURE,
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
    enclosed_check(
        "M3",
        chords.enough_for_a_chord,
        Twin("half the exponent", HalfExponent, "two-modes-1d"),
        applies=chords.within_reach_of_tubes,
    ),
    Check(
        "M3.segments",
        Kind.SAMPLED,
        segments.segments_needed,
        has_bound,
        (Twin("half the exponent", HalfExponent),),
    ),
)

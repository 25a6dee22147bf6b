"""Checks of students given by their weights, each with the false twins that it must reject."""

from __future__ import annotations

from certflow.claims.check import Twin
from certflow.claims.evidence.builders import enclosed_check
from certflow.claims.field.twins import OvershootingFlow
from certflow.claims.stability.twins import HalfExponent
from certflow.claims.students import enclosed

_DOUBLED = Twin("twice the distance", OvershootingFlow, "two-modes-1d")

CHECKS = (
    enclosed_check("C1", enclosed.distance, _DOUBLED, applies=enclosed.on_a_line),
    enclosed_check("C2", enclosed.mean_square, _DOUBLED, applies=enclosed.on_a_line),
    enclosed_check(
        "C3",
        enclosed.steepness,
        Twin("half the exponent", HalfExponent, "two-modes-1d"),
        applies=enclosed.on_a_bounded_line,
    ),
    enclosed_check("C4", enclosed.comparison, _DOUBLED, applies=enclosed.on_a_line),
)

"""Checks of time grids, each with the false twins that it must reject."""

from __future__ import annotations

from certflow.claims.check import Check, Twin
from certflow.claims.evidence.builders import enclosed_check, symbolic_check, trained_check
from certflow.claims.grids import announced, baselines, lambert, nodes, twins
from certflow.claims.hypotheses import COMMON, has_bound, within_reach
from certflow.claims.model import Kind
from certflow.claims.stability.twins import LostPrefactor
from certflow.claims.students.enclosed import on_a_bounded_line

CHECKS = (
    enclosed_check(
        "G1",
        nodes.balanced_grid,
        Twin("lost sqrt(v_s/v_t)", LostPrefactor, "ring-8"),
        applies=within_reach("common-isotropic"),
    ),
    symbolic_check("G2", Twin("A for 2 A", twins.WrongBranch), applies=COMMON),
    Check(
        "G2.inverse",
        Kind.HIGH_PRECISION,
        lambert.lambert_inverse,
        lambert.grows_at_data_end,
        (Twin("A for 2 A", twins.WrongBranch),),
    ),
    enclosed_check(
        "G2",
        nodes.lambert_nodes,
        Twin("A for 2 A", twins.WrongBranch),
        applies=lambert.grows_at_data_end,
    ),
    Check(
        "G3.nodes",
        Kind.HIGH_PRECISION,
        baselines.baseline_nodes,
        twins=(Twin("another interval", twins.WrongInterval),),
    ),
    trained_check(
        "G4.enclosed",
        announced.proved_result,
        Twin("counted from the noise end", twins.NoiseEndGrid, "two-modes-1d"),
        applies=on_a_bounded_line,
        kind=Kind.ENCLOSURE,
    ),
    trained_check(
        "G4.reduction",
        announced.announced_result,
        Twin("counted from the noise end", twins.NoiseEndGrid),
        applies=has_bound,
    ),
)

"""Checks of composed errors, each with the false twins that it must reject."""

from __future__ import annotations

from certflow.claims.check import Check, Twin
from certflow.claims.composition import blocks, fourth, trained, twins
from certflow.claims.evidence.builders import symbolic_check, trained_check
from certflow.claims.evidence.straight import needs_straight_softmax
from certflow.claims.field.twins import LostIdentity
from certflow.claims.hypotheses import has_bound
from certflow.claims.model import Kind

CHECKS = (
    symbolic_check("E1", Twin("opposite sign", twins.ReversedAmplification), applies=has_bound),
    trained_check(
        "E1.path",
        trained.along_the_path,
        Twin("opposite sign", twins.ReversedAmplification),
        applies=has_bound,
    ),
    symbolic_check("E2", Twin("the last error only", twins.ForgottenErrors)),
    trained_check("E2.law", trained.on_the_law, Twin("the last error only", twins.ForgottenErrors)),
    symbolic_check("E3", Twin("the last error only", twins.ForgottenErrors), applies=has_bound),
    trained_check(
        "E3.sum",
        trained.discrete_gronwall,
        Twin("the last error only", twins.ForgottenErrors),
        applies=has_bound,
    ),
    symbolic_check(
        "E4",
        Twin("h for h/2", twins.FullStage),
        Twin("error of the velocity only", twins.ForgottenDiscretisation),
    ),
    Check(
        "E4.composition",
        Kind.SAMPLED,
        blocks.composition,
        has_bound,
        (
            Twin("h for h/2", twins.FullStage),
            Twin("error of the velocity only", twins.ForgottenDiscretisation, "iris"),
            Twin("the last error only", twins.ForgottenErrors, "two-variances"),
        ),
    ),
    Check(
        "E4.fourth",
        Kind.HIGH_PRECISION,
        fourth.fourth_order,
        needs_straight_softmax,
        (Twin("h for h/2", twins.FullStage), Twin("Euler's step", twins.EulerStep)),
    ),
    trained_check("E5.linear", trained.mean_square, Twin("lost identity", LostIdentity)),
)

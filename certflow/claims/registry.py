"""The registry: how each kind of evidence for each statement is obtained, its false twins, and what is to come.

The statements themselves (formula, hypotheses, source) are in `certflow.claims.statements`.
"""

from __future__ import annotations

from certflow.claims import (
    composed,
    empirical,
    empirical_growth,
    empirical_students,
    enclosed,
    enclosed_flow,
    enclosed_nodes,
    enclosed_tubes,
    existence,
    mismatched,
    precise,
    spatial,
    temporal,
    twins,
)
from certflow.claims.builders import (
    COMMON,
    enclosed_check,
    precise_check,
    sampled_check,
    symbolic_check,
    trained_check,
)
from certflow.claims.check import Check, Twin, only, within_reach
from certflow.claims.model import Kind

_FIELD = (
    symbolic_check("S1", Twin("m^2 for m", twins.DoubledTime), Twin("lost 2 pi", twins.LostNormaliser)),
    precise_check(
        "S1.log-density",
        precise.log_density,
        "log-density against a plain sum of exponentials",
        Twin("m^2 for m", twins.DoubledTime),
        Twin("lost 2 pi", twins.LostNormaliser),
    ),
    precise_check(
        "S1.fokker-planck",
        precise.fokker_planck,
        "Fokker-Planck equation by numerical differentiation",
        Twin("m^2 for m", twins.DoubledTime),
        share=0.5,
    ),
    symbolic_check(
        "S2",
        Twin("wrong sign", twins.WrongSignScore),
        Twin("components swapped", twins.SwappedResponsibilities),
    ),
    precise_check(
        "S2.gradient",
        precise.score,
        "score against the gradient by numerical differentiation",
        Twin("wrong sign", twins.WrongSignScore),
        Twin("lost factor m of the mean", twins.LostMeanFactor),
    ),
    precise_check(
        "S2.responsibilities",
        precise.responsibilities,
        "responsibilities against posterior probabilities",
        Twin("components swapped", twins.SwappedResponsibilities),
    ),
    symbolic_check("S3", Twin("1/2 s for s", twins.HalfScoreVelocity), Twin("wrong sign", twins.WrongSignVelocity)),
    precise_check(
        "S3.velocity",
        precise.velocity,
        "velocity against -x - grad log p",
        Twin("1/2 s for s", twins.HalfScoreVelocity),
        Twin("wrong sign", twins.WrongSignVelocity),
    ),
    precise_check(
        "S3.continuity",
        precise.continuity,
        "continuity equation by numerical differentiation",
        Twin("1/2 s for s", twins.HalfScoreVelocity),
        share=0.5,
    ),
    enclosed_check(
        "S3",
        enclosed_tubes.reference_flow,
        Twin("twice the distance", twins.OvershootingFlow),
        applies=enclosed_tubes.tube_applies,
    ),
    symbolic_check("S4", Twin("lost identity", twins.LostIdentity), Twin("index slip", twins.Asymmetric)),
    precise_check(
        "S4.hessian",
        precise.jacobian,
        "Jacobian against second derivatives of the log-density",
        Twin("lost identity", twins.LostIdentity),
        Twin("lost half of the covariance", twins.LostSpread),
    ),
    precise_check(
        "S4.symmetry",
        precise.symmetry,
        "symmetry of the Jacobian",
        Twin("index slip", twins.Asymmetric, "iris"),
    ),
)

_SPATIAL = (
    symbolic_check("L1", Twin("lost identity", twins.LostIdentity), applies=COMMON),
    precise_check(
        "L1.form",
        precise.common_form,
        "Jacobian against the form with Cov(mu)",
        Twin("lost half of the covariance", twins.LostSpread),
        Twin("lost identity", twins.LostIdentity),
        applies=COMMON,
    ),
    symbolic_check(
        "L2", Twin("D/2 for D", twins.RadiusForDiameter), Twin("v for v^2", twins.LostSquare), applies=COMMON
    ),
    sampled_check(
        "L2.bound",
        spatial.two_sided,
        "||J|| <= L(t)",
        Twin("D/2 for D", twins.RadiusForDiameter),
        Twin("v for v^2", twins.LostSquare),
        applies=COMMON,
    ),
    enclosed_check(
        "L2",
        enclosed.closed_rate("two-sided"),
        Twin("D/2 for D", twins.RadiusForDiameter),
        Twin("D for D/2 (loose)", twins.DiameterForRadius, "line-3"),
        Twin("v for v^2", twins.LostSquare, "ring-8"),
    ),
    symbolic_check("L3", Twin("wrong sign", twins.WrongSignGrowth), applies=COMMON),
    sampled_check(
        "L3.growth",
        spatial.one_sided,
        "lambda_max(-J) <= lambda(t)",
        Twin("D/2 for D", twins.RadiusForDiameter),
        Twin("v for v^2", twins.LostSquare),
        applies=COMMON,
    ),
    sampled_check(
        "L3.contraction",
        spatial.contraction,
        "lambda_min(-J) >= 1 - 1/v",
        Twin("lost identity", twins.LostIdentity),
        applies=COMMON,
    ),
    sampled_check(
        "L3.order",
        spatial.ordered_rates,
        "lambda(t) <= L(t)",
        Twin("doubled", twins.DoubledGrowth),
        applies=COMMON,
    ),
    enclosed_check(
        "L3",
        enclosed.closed_rate("one-sided"),
        Twin("wrong sign", twins.WrongSignGrowth),
        Twin("doubled", twins.DoubledGrowth, "grid-4x4"),
    ),
    symbolic_check("L4", Twin("lost identity", twins.LostIdentity), applies=spatial.has_exposed_diameter),
    Check(
        "L4.attained",
        Kind.HIGH_PRECISION,
        spatial.attained,
        spatial.has_exposed_diameter,
        (
            Twin("D for D/2 (loose)", twins.DiameterForRadius),
            Twin("D/2 for D", twins.RadiusForDiameter),
            Twin("v for v^2", twins.LostSquare, "iris"),
        ),
    ),
    enclosed_check(
        "L5",
        enclosed.sharp_value,
        Twin("lost half of the covariance", twins.LostSpread, "ring-8"),
        Twin("lost identity", twins.LostIdentity),
        Twin("doubled", twins.DoubledJacobian, "two-variances"),
        Twin("lost identity", twins.LostIdentity, "wine"),
        applies=enclosed.sharp_value_applies,
    ),
    symbolic_check("L6", Twin("lost identity", twins.LostIdentity, "wine"), applies=only("shared")),
    precise_check(
        "L6.form",
        precise.shared_form,
        "Jacobian against the form with P Cov(mu) P",
        Twin("lost identity", twins.LostIdentity, "wine"),
        applies=only("shared"),
    ),
    sampled_check(
        "L6.bound",
        spatial.two_sided,
        "||J|| <= L(t)",
        Twin("half", twins.HalvedBounds, "wine"),
        applies=only("shared"),
    ),
    sampled_check(
        "L6.growth",
        spatial.one_sided,
        "lambda_max(-J) <= lambda(t)",
        Twin("half", twins.HalvedBounds, "wine"),
        applies=only("shared"),
    ),
    enclosed_check(
        "L6",
        enclosed.sharp_bound,
        Twin("half", twins.HalvedBounds, "wine"),
        applies=enclosed.sharp_applies("shared"),
    ),
    symbolic_check("L7", Twin("doubled", twins.DoubledJacobian, "two-variances"), applies=only("isotropic")),
    Check(
        "L7.pair-term",
        Kind.HIGH_PRECISION,
        spatial.closed_peak,
        only("isotropic"),
        (Twin("half", twins.HalvedBounds, "two-variances"),),
    ),
    sampled_check(
        "L7.bound",
        spatial.two_sided,
        "||J|| <= L(t)",
        Twin("half", twins.HalvedBounds, "two-variances"),
        applies=only("isotropic"),
    ),
    sampled_check(
        "L7.growth",
        spatial.one_sided,
        "lambda_max(-J) <= lambda(t)",
        Twin("half", twins.HalvedBounds, "two-variances"),
        applies=only("isotropic"),
    ),
    enclosed_check(
        "L7",
        enclosed.sharp_bound,
        Twin("half", twins.HalvedBounds, "two-variances"),
        applies=enclosed.sharp_applies("isotropic"),
    ),
    symbolic_check("L8", Twin("doubled", twins.DoubledJacobian, "anisotropic-pair"), applies=only("full")),
    Check(
        "L8.decision",
        Kind.HIGH_PRECISION,
        existence.decision,
        only("full"),
        (
            Twin("always a bound", twins.AlwaysBounded, "anisotropic-pair"),
            Twin("never a bound", twins.NeverBounded, "anisotropic-pair"),
        ),
    ),
    Check(
        "L8.growth",
        Kind.HIGH_PRECISION,
        existence.unbounded_growth,
        existence.no_bound_exists,
        (Twin("always a bound", twins.AlwaysBounded, "anisotropic-pair"),),
    ),
    sampled_check(
        "L8.bound",
        spatial.two_sided,
        "||J|| <= L(t)",
        Twin("half", twins.HalvedBounds, "ordered-pair"),
        applies=existence.bound_exists,
    ),
    Check(
        "L8.ball",
        Kind.SAMPLED,
        existence.ball,
        only("full"),
        (Twin("half", twins.HalvedBounds, "anisotropic-pair"),),
    ),
)

_TEMPORAL = (
    symbolic_check("F1", Twin("half the exponent", twins.HalfExponent), applies=temporal.has_bound),
    Check(
        "F1.pairs",
        Kind.SAMPLED,
        temporal.pair_stability,
        temporal.has_bound,
        (
            Twin("half the exponent", twins.HalfExponent),
            Twin("twice the distance", twins.OvershootingFlow),
            Twin("a tenth of the distance", twins.CollapsingFlow),
        ),
    ),
    enclosed_check(
        "F1",
        enclosed_flow.flow_exponent,
        Twin("half the exponent", twins.HalfExponent),
        applies=within_reach("common-isotropic"),
    ),
    symbolic_check(
        "F2",
        Twin("half", twins.HalfExponent),
        Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor),
        applies=COMMON,
    ),
    Check(
        "F2.quadrature",
        Kind.HIGH_PRECISION,
        temporal.closed_integral,
        COMMON,
        (Twin("half", twins.HalfExponent), Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor)),
    ),
    enclosed_check(
        "F2",
        enclosed_flow.integrated_rates,
        Twin("half", twins.HalfExponent),
        Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor, "random-5"),
    ),
    symbolic_check("F3", Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor), applies=temporal.is_symmetric_pair),
    Check(
        "F3.separatrix",
        Kind.HIGH_PRECISION,
        temporal.separatrix_derivative,
        temporal.is_symmetric_pair,
        (Twin("half the exponent", twins.HalfExponent), Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor)),
    ),
    enclosed_check(
        "F3",
        enclosed_tubes.separatrix,
        Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor),
        applies=temporal.is_symmetric_pair,
    ),
    symbolic_check("F4", Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor), applies=COMMON),
    Check(
        "F4.limit",
        Kind.HIGH_PRECISION,
        temporal.late_amplification,
        COMMON,
        (Twin("half the exponent", twins.HalfExponent), Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor)),
    ),
    enclosed_check(
        "G1",
        enclosed_nodes.balanced_grid,
        Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor, "ring-8"),
        applies=within_reach("common-isotropic"),
    ),
    symbolic_check("G2", Twin("A for 2 A", twins.WrongBranch), applies=COMMON),
    Check(
        "G2.inverse",
        Kind.HIGH_PRECISION,
        temporal.lambert_inverse,
        temporal.grows_at_data_end,
        (Twin("A for 2 A", twins.WrongBranch),),
    ),
    enclosed_check(
        "G2",
        enclosed_nodes.lambert_nodes,
        Twin("A for 2 A", twins.WrongBranch),
        applies=temporal.grows_at_data_end,
    ),
)

_DISTILLED = (
    trained_check(
        "F1.growth",
        empirical_growth.typical_points,
        Twin("half the exponent", twins.HalfExponent),
        applies=temporal.has_bound,
    ),
    trained_check(
        "F3.growth",
        empirical_growth.separatrix,
        Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor),
        Twin("half the exponent", twins.HalfExponent),
        applies=temporal.is_symmetric_pair,
    ),
    trained_check(
        "E1.path",
        empirical.along_the_path,
        Twin("opposite sign", twins.ReversedAmplification),
        applies=temporal.has_bound,
    ),
    trained_check("E2.law", empirical.on_the_law, Twin("the last error only", twins.ForgottenErrors)),
    trained_check(
        "E3.sum",
        empirical.discrete_gronwall,
        Twin("the last error only", twins.ForgottenErrors),
        applies=temporal.has_bound,
    ),
    symbolic_check(
        "E4",
        Twin("h for h/2", twins.FullStage),
        Twin("error of the velocity only", twins.ForgottenDiscretisation),
    ),
    Check(
        "E4.composition",
        Kind.SAMPLED,
        composed.composition,
        temporal.has_bound,
        (
            Twin("h for h/2", twins.FullStage),
            Twin("error of the velocity only", twins.ForgottenDiscretisation, "iris"),
            Twin("the last error only", twins.ForgottenErrors, "two-variances"),
        ),
    ),
    trained_check(
        "M2.students",
        empirical_students.under_no_floor,
        Twin("1/2 for 1/4", twins.DoubledFloor),
        applies=empirical_students.pair_applies,
    ),
    Check(
        "M1.attained",
        Kind.SAMPLED,
        mismatched.sup_norm,
        twins=(
            Twin("1 for 1/2", twins.DoubledFloor),
            Twin("1 for 1/2", twins.DoubledFloor, "two-variances"),
        ),
    ),
    Check(
        "M2.attained",
        Kind.SAMPLED,
        mismatched.mean_square,
        mismatched.pairing_applies,
        (Twin("1/2 for 1/4", twins.DoubledFloor), Twin("1/2 for 1/4", twins.DoubledFloor, "line-3")),
    ),
    Check(
        "M3.segments",
        Kind.SAMPLED,
        mismatched.segments_needed,
        temporal.has_bound,
        (Twin("half the exponent", twins.HalfExponent),),
    ),
    Check(
        "G3.nodes",
        Kind.HIGH_PRECISION,
        mismatched.baseline_nodes,
        twins=(Twin("another interval", twins.WrongInterval),),
    ),
    trained_check("E5.linear", empirical.mean_square, Twin("lost identity", twins.LostIdentity)),
    trained_check(
        "G4.reduction",
        empirical.announced_result,
        Twin("counted from the noise end", twins.NoiseEndGrid),
        applies=temporal.has_bound,
    ),
)

#: Every check, the measured ones of the flow and all of compositions last; reports have the order of `STATEMENTS`.
CHECKS: tuple[Check, ...] = _FIELD + _SPATIAL + _TEMPORAL + _DISTILLED

#: Kinds of evidence that no check here collects yet, by claim; a claim without any check is listed as not yet checked.
PENDING: dict[str, tuple[Kind, ...]] = {
    "L8": (Kind.ENCLOSURE,),
    **dict.fromkeys(("E1", "E2", "E3"), (Kind.SYMBOLIC,)),
    **dict.fromkeys(("A1", "A2", "A3", "A4", "A5", "A6"), (Kind.SYMBOLIC, Kind.HIGH_PRECISION)),
}


def checks_of(claim: str) -> tuple[Check, ...]:
    """The checks of one claim, strongest kind of evidence first."""
    return tuple(sorted((c for c in CHECKS if c.claim == claim), key=lambda check: tuple(Kind).index(check.kind)))

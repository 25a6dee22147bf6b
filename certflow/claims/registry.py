"""The registry: how each kind of evidence for each statement is obtained, its false twins, and what is to come.

The statements themselves (formula, hypotheses, source) are in `certflow.claims.statements`.
"""

from __future__ import annotations

from certflow.claims import existence, precise, spatial, temporal, twins
from certflow.claims.check import Applicability, Check, Twin, everywhere, only
from certflow.claims.derived import derivations
from certflow.claims.model import Kind
from certflow.claims.precise import at_points
from certflow.claims.spatial import bounded_by

_COMMON = only("common-isotropic")
_REACHED = "the largest value reached"


def _symbolic(statement: str, *mistakes: Twin, applies: Applicability = everywhere) -> Check:
    return Check(f"{statement}.derivation", Kind.SYMBOLIC, derivations(statement), applies, mistakes)


def _precise(
    name: str,
    comparison: precise.Comparison,
    what: str,
    *mistakes: Twin,
    applies: Applicability = everywhere,
    share: float = 1.0,
) -> Check:
    return Check(name, Kind.HIGH_PRECISION, at_points(comparison, what, share), applies, mistakes)


def _sampled(name: str, side: spatial.Side, what: str, *mistakes: Twin, applies: Applicability = everywhere) -> Check:
    return Check(name, Kind.SAMPLED, bounded_by(side, what, _REACHED), applies, mistakes)


_FIELD = (
    _symbolic("S1", Twin("m^2 for m", twins.DoubledTime), Twin("lost 2 pi", twins.LostNormaliser)),
    _precise(
        "S1.log-density",
        precise.log_density,
        "log-density against a plain sum of exponentials",
        Twin("m^2 for m", twins.DoubledTime),
        Twin("lost 2 pi", twins.LostNormaliser),
    ),
    _precise(
        "S1.fokker-planck",
        precise.fokker_planck,
        "Fokker-Planck equation by numerical differentiation",
        Twin("m^2 for m", twins.DoubledTime),
        share=0.5,
    ),
    _symbolic(
        "S2",
        Twin("wrong sign", twins.WrongSignScore),
        Twin("components swapped", twins.SwappedResponsibilities),
    ),
    _precise(
        "S2.gradient",
        precise.score,
        "score against the gradient by numerical differentiation",
        Twin("wrong sign", twins.WrongSignScore),
        Twin("lost factor m of the mean", twins.LostMeanFactor),
    ),
    _precise(
        "S2.responsibilities",
        precise.responsibilities,
        "responsibilities against posterior probabilities",
        Twin("components swapped", twins.SwappedResponsibilities),
    ),
    _symbolic("S3", Twin("1/2 s for s", twins.HalfScoreVelocity), Twin("wrong sign", twins.WrongSignVelocity)),
    _precise(
        "S3.velocity",
        precise.velocity,
        "velocity against -x - grad log p",
        Twin("1/2 s for s", twins.HalfScoreVelocity),
        Twin("wrong sign", twins.WrongSignVelocity),
    ),
    _precise(
        "S3.continuity",
        precise.continuity,
        "continuity equation by numerical differentiation",
        Twin("1/2 s for s", twins.HalfScoreVelocity),
        share=0.5,
    ),
    _symbolic("S4", Twin("lost identity", twins.LostIdentity), Twin("index slip", twins.Asymmetric)),
    _precise(
        "S4.hessian",
        precise.jacobian,
        "Jacobian against second derivatives of the log-density",
        Twin("lost identity", twins.LostIdentity),
        Twin("lost half of the covariance", twins.LostSpread),
    ),
    _precise(
        "S4.symmetry",
        precise.symmetry,
        "symmetry of the Jacobian",
        Twin("index slip", twins.Asymmetric, "iris"),
    ),
)

_SPATIAL = (
    _symbolic("L1", Twin("lost identity", twins.LostIdentity), applies=_COMMON),
    _precise(
        "L1.form",
        precise.common_form,
        "Jacobian against the form with Cov(mu)",
        Twin("lost half of the covariance", twins.LostSpread),
        Twin("lost identity", twins.LostIdentity),
        applies=_COMMON,
    ),
    _symbolic("L2", Twin("D/2 for D", twins.RadiusForDiameter), Twin("v for v^2", twins.LostSquare), applies=_COMMON),
    _sampled(
        "L2.bound",
        spatial.two_sided,
        "||J|| <= L(t)",
        Twin("D/2 for D", twins.RadiusForDiameter),
        Twin("v for v^2", twins.LostSquare),
        applies=_COMMON,
    ),
    _symbolic("L3", Twin("wrong sign", twins.WrongSignGrowth), applies=_COMMON),
    _sampled(
        "L3.growth",
        spatial.one_sided,
        "lambda_max(-J) <= lambda(t)",
        Twin("D/2 for D", twins.RadiusForDiameter),
        Twin("v for v^2", twins.LostSquare),
        applies=_COMMON,
    ),
    _sampled(
        "L3.contraction",
        spatial.contraction,
        "lambda_min(-J) >= 1 - 1/v",
        Twin("lost identity", twins.LostIdentity),
        applies=_COMMON,
    ),
    _sampled(
        "L3.order",
        spatial.ordered_rates,
        "lambda(t) <= L(t)",
        Twin("doubled", twins.DoubledGrowth),
        applies=_COMMON,
    ),
    _symbolic("L4", Twin("lost identity", twins.LostIdentity), applies=spatial.has_exposed_diameter),
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
    _symbolic("L6", Twin("lost identity", twins.LostIdentity, "wine"), applies=only("shared")),
    _precise(
        "L6.form",
        precise.shared_form,
        "Jacobian against the form with P Cov(mu) P",
        Twin("lost identity", twins.LostIdentity, "wine"),
        applies=only("shared"),
    ),
    _sampled(
        "L6.bound",
        spatial.two_sided,
        "||J|| <= L(t)",
        Twin("half", twins.HalvedBounds, "wine"),
        applies=only("shared"),
    ),
    _sampled(
        "L6.growth",
        spatial.one_sided,
        "lambda_max(-J) <= lambda(t)",
        Twin("half", twins.HalvedBounds, "wine"),
        applies=only("shared"),
    ),
    _symbolic("L7", Twin("doubled", twins.DoubledJacobian, "two-variances"), applies=only("isotropic")),
    Check(
        "L7.pair-term",
        Kind.HIGH_PRECISION,
        spatial.closed_peak,
        only("isotropic"),
        (Twin("half", twins.HalvedBounds, "two-variances"),),
    ),
    _sampled(
        "L7.bound",
        spatial.two_sided,
        "||J|| <= L(t)",
        Twin("half", twins.HalvedBounds, "two-variances"),
        applies=only("isotropic"),
    ),
    _sampled(
        "L7.growth",
        spatial.one_sided,
        "lambda_max(-J) <= lambda(t)",
        Twin("half", twins.HalvedBounds, "two-variances"),
        applies=only("isotropic"),
    ),
    _symbolic("L8", Twin("doubled", twins.DoubledJacobian, "anisotropic-pair"), applies=only("full")),
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
    _sampled(
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
    _symbolic("F1", Twin("half the exponent", twins.HalfExponent), applies=temporal.has_bound),
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
    _symbolic(
        "F2",
        Twin("half", twins.HalfExponent),
        Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor),
        applies=_COMMON,
    ),
    Check(
        "F2.quadrature",
        Kind.HIGH_PRECISION,
        temporal.closed_integral,
        _COMMON,
        (Twin("half", twins.HalfExponent), Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor)),
    ),
    _symbolic("F3", Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor), applies=temporal.is_symmetric_pair),
    Check(
        "F3.separatrix",
        Kind.HIGH_PRECISION,
        temporal.separatrix_derivative,
        temporal.is_symmetric_pair,
        (Twin("half the exponent", twins.HalfExponent), Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor)),
    ),
    _symbolic("F4", Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor), applies=_COMMON),
    Check(
        "F4.limit",
        Kind.HIGH_PRECISION,
        temporal.late_amplification,
        _COMMON,
        (Twin("half the exponent", twins.HalfExponent), Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor)),
    ),
    _symbolic("G2", Twin("A for 2 A", twins.WrongBranch), applies=_COMMON),
    Check(
        "G2.inverse",
        Kind.HIGH_PRECISION,
        temporal.lambert_inverse,
        temporal.grows_at_data_end,
        (Twin("A for 2 A", twins.WrongBranch),),
    ),
)

#: Every check, in the order of the theory.
CHECKS: tuple[Check, ...] = _FIELD + _SPATIAL + _TEMPORAL

#: Kinds of evidence that later work adds to a claim; a claim with none so far is listed as not yet checked.
PENDING: dict[str, tuple[Kind, ...]] = {
    **dict.fromkeys(("L2", "L3", "L5", "L6", "L7", "L8", "F1", "F2", "F3", "G2"), (Kind.ENCLOSURE,)),
    **dict.fromkeys(("E1", "E2", "E3", "E4"), (Kind.SYMBOLIC, Kind.EMPIRICAL)),
    **dict.fromkeys(("E5", "M1", "M2", "M3", "G1", "G3", "G4"), (Kind.EMPIRICAL,)),
    **dict.fromkeys(("A1", "A2", "A3", "A4", "A5", "A6"), (Kind.SYMBOLIC, Kind.HIGH_PRECISION)),
}


def checks_of(claim: str) -> tuple[Check, ...]:
    """The checks of one claim."""
    return tuple(check for check in CHECKS if check.claim == claim)

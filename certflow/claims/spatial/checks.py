"""Checks of the spatial bounds, each with the false twins that it must reject."""

from __future__ import annotations

from certflow.claims.check import Check, Twin
from certflow.claims.evidence.builders import enclosed_check, precise_check, sampled_check, symbolic_check
from certflow.claims.field.twins import LostIdentity, LostSpread
from certflow.claims.hypotheses import COMMON, only
from certflow.claims.model import Kind
from certflow.claims.spatial import attained, existence, forms, pair_terms, sharp, sides, twins

CHECKS = (
    symbolic_check("L1", Twin("lost identity", LostIdentity), applies=COMMON),
    precise_check(
        "L1.form",
        forms.common_form,
        "Jacobian against the form with Cov(mu)",
        Twin("lost half of the covariance", LostSpread),
        Twin("lost identity", LostIdentity),
        applies=COMMON,
    ),
    symbolic_check(
        "L2", Twin("D/2 for D", twins.RadiusForDiameter), Twin("v for v^2", twins.LostSquare), applies=COMMON
    ),
    sampled_check(
        "L2.bound",
        sides.two_sided,
        "||J|| <= L(t)",
        Twin("D/2 for D", twins.RadiusForDiameter),
        Twin("v for v^2", twins.LostSquare),
        applies=COMMON,
    ),
    enclosed_check(
        "L2",
        sharp.closed_rate("two-sided"),
        Twin("D/2 for D", twins.RadiusForDiameter),
        Twin("D for D/2 (loose)", twins.DiameterForRadius, "line-3"),
        Twin("v for v^2", twins.LostSquare, "ring-8"),
    ),
    symbolic_check("L3", Twin("wrong sign", twins.WrongSignGrowth), applies=COMMON),
    sampled_check(
        "L3.growth",
        sides.one_sided,
        "lambda_max(-J) <= lambda(t)",
        Twin("D/2 for D", twins.RadiusForDiameter),
        Twin("v for v^2", twins.LostSquare),
        applies=COMMON,
    ),
    sampled_check(
        "L3.contraction",
        sides.contraction,
        "lambda_max(J) <= 1/v - 1, which is lambda_min(-J) >= 1 - 1/v",
        Twin("lost identity", LostIdentity),
        applies=COMMON,
    ),
    sampled_check(
        "L3.order",
        sides.ordered_rates,
        "lambda(t) <= L(t)",
        Twin("doubled", twins.DoubledGrowth),
        applies=COMMON,
        of_time=True,
    ),
    enclosed_check(
        "L3",
        sharp.closed_rate("one-sided"),
        Twin("wrong sign", twins.WrongSignGrowth),
        Twin("doubled", twins.DoubledGrowth, "grid-4x4"),
    ),
    symbolic_check("L4", Twin("lost identity", LostIdentity), applies=attained.has_exposed_diameter),
    Check(
        "L4.attained",
        Kind.HIGH_PRECISION,
        attained.attained,
        attained.has_exposed_diameter,
        (
            Twin("D for D/2 (loose)", twins.DiameterForRadius),
            Twin("D/2 for D", twins.RadiusForDiameter),
            Twin("v for v^2", twins.LostSquare, "iris"),
        ),
    ),
    enclosed_check(
        "L5",
        sharp.sharp_value,
        Twin("lost half of the covariance", LostSpread, "ring-8"),
        Twin("lost identity", LostIdentity),
        Twin("doubled", twins.DoubledJacobian, "two-variances"),
        Twin("lost identity", LostIdentity, "wine"),
        applies=sharp.sharp_value_applies,
    ),
    symbolic_check("L6", Twin("lost identity", LostIdentity, "wine"), applies=only("shared")),
    precise_check(
        "L6.form",
        forms.shared_form,
        "Jacobian against the form with P Cov(mu) P",
        Twin("lost identity", LostIdentity, "wine"),
        applies=only("shared"),
    ),
    sampled_check(
        "L6.bound",
        sides.two_sided,
        "||J|| <= L(t)",
        Twin("half", twins.HalvedBounds, "wine"),
        applies=only("shared"),
    ),
    sampled_check(
        "L6.growth",
        sides.one_sided,
        "lambda_max(-J) <= lambda(t)",
        Twin("half", twins.HalvedBounds, "wine"),
        applies=only("shared"),
    ),
    enclosed_check(
        "L6",
        sharp.sharp_bound,
        Twin("half", twins.HalvedBounds, "wine"),
        applies=sharp.sharp_applies("shared"),
    ),
    symbolic_check("L7", Twin("doubled", twins.DoubledJacobian, "two-variances"), applies=only("isotropic")),
    Check(
        "L7.pair-term",
        Kind.HIGH_PRECISION,
        pair_terms.closed_peak,
        only("isotropic"),
        (Twin("half", twins.HalvedBounds, "two-variances"),),
    ),
    sampled_check(
        "L7.bound",
        sides.two_sided,
        "||J|| <= L(t)",
        Twin("half", twins.HalvedBounds, "two-variances"),
        applies=only("isotropic"),
    ),
    sampled_check(
        "L7.growth",
        sides.one_sided,
        "lambda_max(-J) <= lambda(t)",
        Twin("half", twins.HalvedBounds, "two-variances"),
        applies=only("isotropic"),
    ),
    enclosed_check(
        "L7",
        sharp.sharp_bound,
        Twin("half", twins.HalvedBounds, "two-variances"),
        applies=sharp.sharp_applies("isotropic"),
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
        sides.two_sided,
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

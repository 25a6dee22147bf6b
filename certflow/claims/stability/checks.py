"""Checks of the flow map's stability, each with the false twins that it must reject."""

from __future__ import annotations

from certflow.claims.check import Check, Twin
from certflow.claims.evidence.builders import enclosed_check, symbolic_check, trained_check
from certflow.claims.field.twins import OvershootingFlow
from certflow.claims.hypotheses import COMMON, has_bound, is_symmetric_pair, within_reach
from certflow.claims.model import Kind
from certflow.claims.spatial.sharp import sharp_applies
from certflow.claims.stability import closed_forms, exponents, growth, pairs, separatrix, sharp, twins

CHECKS = (
    symbolic_check("F1", Twin("half the exponent", twins.HalfExponent), applies=has_bound),
    Check(
        "F1.pairs",
        Kind.SAMPLED,
        pairs.pair_stability,
        has_bound,
        (
            Twin("half the exponent", twins.HalfExponent),
            Twin("twice the distance", OvershootingFlow),
            Twin("a tenth of the distance", twins.CollapsingFlow),
        ),
    ),
    enclosed_check(
        "F1",
        exponents.flow_exponent,
        Twin("half the exponent", twins.HalfExponent),
        applies=within_reach("common-isotropic"),
    ),
    trained_check(
        "F1.growth",
        growth.typical_points,
        Twin("half the exponent", twins.HalfExponent),
        applies=has_bound,
    ),
    symbolic_check(
        "F2",
        Twin("half the exponent", twins.HalfExponent),
        Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor),
        applies=COMMON,
    ),
    Check(
        "F2.quadrature",
        Kind.HIGH_PRECISION,
        closed_forms.closed_integral,
        COMMON,
        (Twin("half the exponent", twins.HalfExponent), Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor)),
    ),
    enclosed_check(
        "F2",
        exponents.integrated_rates,
        Twin("half the exponent", twins.HalfExponent),
        Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor, "random-5"),
    ),
    symbolic_check("F3", Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor), applies=is_symmetric_pair),
    Check(
        "F3.separatrix",
        Kind.HIGH_PRECISION,
        separatrix.separatrix_derivative,
        is_symmetric_pair,
        (Twin("half the exponent", twins.HalfExponent), Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor)),
    ),
    enclosed_check(
        "F3",
        separatrix.separatrix_tube,
        Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor),
        applies=is_symmetric_pair,
    ),
    trained_check(
        "F3.growth",
        growth.separatrix_growth,
        Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor),
        Twin("half the exponent", twins.HalfExponent),
        applies=is_symmetric_pair,
    ),
    symbolic_check("F4", Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor), applies=COMMON),
    Check(
        "F4.limit",
        Kind.HIGH_PRECISION,
        closed_forms.late_amplification,
        COMMON,
        (Twin("half the exponent", twins.HalfExponent), Twin("lost sqrt(v_s/v_t)", twins.LostPrefactor)),
    ),
    enclosed_check(
        "F5",
        sharp.sharp_exponent,
        Twin("half the exponent", twins.HalfExponent),
        applies=sharp_applies("common-isotropic"),
    ),
)

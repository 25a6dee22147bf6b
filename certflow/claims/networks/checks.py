"""Checks of constructed networks, each with the false twins that it must reject.

Twins with changed networks are judged by the bound that is made anew from their weights.
"""

from __future__ import annotations

from certflow.claims.check import Check, Twin
from certflow.claims.composition.twins import EulerStep, FullStage
from certflow.claims.evidence.builders import enclosed_check, symbolic_check
from certflow.claims.evidence.straight import needs_straight_softmax
from certflow.claims.field.twins import HalfScoreVelocity, WrongSignScore
from certflow.claims.hypotheses import COMMON, within_reach
from certflow.claims.model import Kind
from certflow.claims.networks import blocks, gadgets, scores, sizes, twins
from certflow.claims.networks.altered import needs_common_softmax, needs_softmax

#: Statements that hold for every kind of covariance, of which this chapter checks the network of a common variance.
_COMMON = within_reach("common-isotropic")
_IDENTITY = Twin("1/2 for 1/4", twins.HalfForQuarter), Twin("a square of one ReQU", twins.OneSidedSquare)
_EXPONENTIAL = (
    Twin("exponential of half the degree", twins.HalvedExponential),
    Twin("exponential of a piece fewer", twins.ShorterExponential),
    Twin("exponential of a square fewer", twins.MissingSquare),
    Twin("exponential of a knot fewer", twins.MissingKnot),
    Twin("exponential with a changed weight", twins.ChangedWeight),
)
_RECIPROCAL = (
    Twin("reciprocal of half the degree", twins.HalvedReciprocal),
    Twin("reciprocal of a piece fewer", twins.ShorterReciprocal),
    Twin("reciprocal with a changed weight", twins.ChangedInverse),
)
_TIME = (
    Twin("time of half the degree", twins.HalvedTime),
    Twin("time of a piece fewer", twins.ShorterTime),
    Twin("time with a changed weight", twins.ChangedTime),
)

CHECKS = (
    symbolic_check("A1", *_IDENTITY),
    Check("A1.exact", Kind.HIGH_PRECISION, gadgets.exact_at_random, twins=_IDENTITY),
    symbolic_check("A2", Twin("root without its half", twins.LostHalf), Twin("a knot at fault", twins.ForgottenKnot)),
    enclosed_check("A2", gadgets.exponential_of_weights, *_EXPONENTIAL, applies=needs_softmax),
    symbolic_check("A3", Twin("W(1) for W(0)", twins.WrongPole)),
    enclosed_check("A3", gadgets.reciprocal_of_weights, *_RECIPROCAL, applies=needs_softmax),
    symbolic_check("A4", Twin("1 + c r for 1 + 2 c r", twins.LostTwo), applies=_COMMON),
    Check("A4.poles", Kind.HIGH_PRECISION, gadgets.remainder_of_time, gadgets.has_poles, _TIME),
    symbolic_check(
        "A5", Twin("1 + c r for 1 + 2 c r", twins.LostTwo), Twin("wrong sign", WrongSignScore), applies=_COMMON
    ),
    Check(
        "A5.measured",
        Kind.SAMPLED,
        scores.measured_error,
        needs_softmax,
        (
            _EXPONENTIAL[0],
            _TIME[0],
            Twin("logits without log w", twins.LostLogWeights, "random-5"),
        ),
    ),
    symbolic_check("A6", Twin("rho l for rho (l - log w)", twins.ForgottenWeights), applies=_COMMON),
    enclosed_check(
        "A6",
        scores.recomputed_bound,
        *_EXPONENTIAL,
        *_RECIPROCAL,
        *_TIME,
        Twin("exponential of half the degree", twins.HalvedExponential, "two-variances"),
        Twin("time of half the degree", twins.HalvedTime, "anisotropic-pair"),
        applies=needs_softmax,
    ),
    Check(
        "A6.everywhere",
        Kind.HIGH_PRECISION,
        scores.at_every_point,
        needs_softmax,
        (_EXPONENTIAL[0], _TIME[0], Twin("logits without log w", twins.LostLogWeights, "random-5")),
    ),
    Check(
        "A7.growth",
        Kind.SAMPLED,
        sizes.growth,
        needs_common_softmax,
        (Twin("a layer for each degree", twins.LayerForEachDegree),),
    ),
    symbolic_check("A8", Twin("wrong sign", WrongSignScore), applies=sizes.two_components),
    enclosed_check("A8", sizes.floor, Twin("poles four times nearer", twins.NearerPoles), applies=sizes.two_components),
    symbolic_check("A9", Twin("1/2 s for s", HalfScoreVelocity), applies=COMMON),
    enclosed_check(
        "A9",
        blocks.blocks_in_balls,
        Twin("Euler's step", EulerStep),
        Twin("kappa D^2/8 for kappa D^2/4", twins.HalvedGrowth),
        applies=needs_straight_softmax,
    ),
    Check(
        "A9.blocks",
        Kind.HIGH_PRECISION,
        blocks.blocks_at_points,
        needs_straight_softmax,
        (Twin("Euler's step", EulerStep), Twin("h for h/2", FullStage)),
    ),
    Check(
        "A9.composed",
        Kind.SAMPLED,
        blocks.network_along_the_flow,
        needs_straight_softmax,
        (Twin("Euler's step", EulerStep), Twin("a block fewer", twins.BlockFewer)),
    ),
)

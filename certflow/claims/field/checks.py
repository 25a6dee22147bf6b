"""Checks of the field, each with the false twins that it must reject."""

from __future__ import annotations

from certflow.claims.check import Twin
from certflow.claims.evidence.builders import enclosed_check, precise_check, symbolic_check
from certflow.claims.field import comparisons, flow, twins

CHECKS = (
    symbolic_check("S1", Twin("m^2 for m", twins.DoubledTime), Twin("lost 2 pi", twins.LostNormaliser)),
    precise_check(
        "S1.log-density",
        comparisons.log_density,
        "log-density against a plain sum of exponentials",
        Twin("m^2 for m", twins.DoubledTime),
        Twin("lost 2 pi", twins.LostNormaliser),
    ),
    precise_check(
        "S1.fokker-planck",
        comparisons.fokker_planck,
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
        comparisons.score,
        "score against the gradient by numerical differentiation",
        Twin("wrong sign", twins.WrongSignScore),
        Twin("lost factor m of the mean", twins.LostMeanFactor),
    ),
    precise_check(
        "S2.responsibilities",
        comparisons.responsibilities,
        "responsibilities against posterior probabilities",
        Twin("components swapped", twins.SwappedResponsibilities),
    ),
    symbolic_check("S3", Twin("1/2 s for s", twins.HalfScoreVelocity), Twin("wrong sign", twins.WrongSignVelocity)),
    precise_check(
        "S3.velocity",
        comparisons.velocity,
        "velocity against -x - grad log p",
        Twin("1/2 s for s", twins.HalfScoreVelocity),
        Twin("wrong sign", twins.WrongSignVelocity),
    ),
    precise_check(
        "S3.continuity",
        comparisons.continuity,
        "continuity equation by numerical differentiation",
        Twin("1/2 s for s", twins.HalfScoreVelocity),
        share=0.5,
    ),
    enclosed_check(
        "S3",
        flow.reference_flow,
        Twin("twice the distance", twins.OvershootingFlow),
        applies=flow.tube_applies,
    ),
    symbolic_check("S4", Twin("lost identity", twins.LostIdentity), Twin("index slip", twins.Asymmetric)),
    precise_check(
        "S4.hessian",
        comparisons.jacobian,
        "Jacobian against second derivatives of the log-density",
        Twin("lost identity", twins.LostIdentity),
        Twin("lost half of the covariance", twins.LostSpread),
    ),
    precise_check(
        "S4.symmetry",
        comparisons.symmetry,
        "symmetry of the Jacobian",
        Twin("index slip", twins.Asymmetric, "iris"),
    ),
)

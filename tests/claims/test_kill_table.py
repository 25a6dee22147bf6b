"""Every check accepts the right formulas and rejects each of its false twins."""

from __future__ import annotations

from functools import cache

import pytest
from depth import nightly

from certflow.claims.check import Check, Context, Profile, Twin
from certflow.claims.model import Evidence, Outcome
from certflow.claims.registry import CHECKS, STATEMENTS
from certflow.law.library import load_mixture
from certflow.law.mixture import GaussianMixture
from certflow.process import OrnsteinUhlenbeck

LIGHT = Profile(
    "light",
    precise_points=6,
    sampled_points=1_500,
    flow_pairs=60,
    times=5,
    training_steps=300,
    training_seeds=1,
)
#: They take long, and another twin of the same check is tried every day; of M2.students, which trains many of them, the
#: tests of `certflow.distill.students` are.
DEAR = {
    "E4.composition-error of the velocity only",
    "E4.composition-h for h/2",
    "F1.pairs-a tenth of the distance",
    "F1.pairs-twice the distance",
    "F3.separatrix-half the exponent",
    "L2.enclosed-v for v^2",
    "L5.enclosed-lost half of the covariance",
    "M2.students-twice the floor",
    # Each trains maps for the right formulas and for its own; E1.path and F3.growth are tried every day, and the false
    # twins of what a ledger and a growth say by the tests of `certflow.distill`.
    "E2.law-the last error only",
    "E3.sum-the last error only",
    "E5.linear-lost identity",
    "F1.growth-half the exponent",
    "G4.reduction-counted from the noise end",
}
PAIRS = [
    pytest.param(check, twin, id=name, marks=[nightly] if name in DEAR else [])
    for check in CHECKS
    for twin in check.twins
    for name in [f"{check.name}-{twin.mistake}"]
]


@cache
def law_of(name: str) -> GaussianMixture:
    """One mixture for right and wrong formulas, with which stays what depends on it alone."""
    return load_mixture(name)


@cache
def process_of(formulas: type[OrnsteinUhlenbeck], mixture: str) -> OrnsteinUhlenbeck:
    """One process for all checks, so that maps are trained and suprema sought once."""
    return formulas(law_of(mixture), t_min="0.01", t_max="3")


@cache
def evidence(check: Check, formulas: type[OrnsteinUhlenbeck], mixture: str) -> Evidence:
    return check.run(Context(process_of(formulas, mixture), LIGHT, digits=20, seed=1))


@pytest.mark.parametrize(("check", "twin"), PAIRS)
def test_a_false_twin_is_violated(check: Check, twin: Twin, record_property):
    assert check.applies(law_of(twin.mixture)) is None
    true = evidence(check, OrnsteinUhlenbeck, twin.mixture)
    false = evidence(check, twin.formulas, twin.mixture)
    record_property("kill", f"{check.name} | {check.kind} | {twin.mistake} | {twin.mixture} | {false.outcome}")
    assert true.outcome is Outcome.HOLDS, true
    assert false.outcome is Outcome.VIOLATED, false
    assert false.witness is not None or check.name in ("L4.attained", "L8.growth")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_every_check_has_a_twin_and_a_known_claim(check: Check):
    assert check.twins
    assert check.claim in STATEMENTS


def test_names_of_checks_are_unique():
    names = [check.name for check in CHECKS]
    assert len(names) == len(set(names))

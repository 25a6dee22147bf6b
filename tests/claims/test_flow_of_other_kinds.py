"""S3: the flow map of different variances and of full covariances against a certificate's box, and its false twin."""

from __future__ import annotations

import pytest
from depth import night

import certflow as cf
from certflow.claims.check import Context
from certflow.claims.field.checks import CHECKS
from certflow.claims.field.twins import OvershootingFlow
from certflow.claims.model import Outcome

CHECK = next(check for check in CHECKS if check.name == "S3.enclosed")


@pytest.mark.parametrize("name", ["two-variances", *night("anisotropic-pair", "iris-full")])
def test_the_flow_map_lies_in_the_box_and_its_twin_does_not(name: str) -> None:
    mixture = cf.load_mixture(name)
    assert CHECK.applies(mixture) is None
    found = CHECK.run(Context(cf.OrnsteinUhlenbeck(mixture, "0.1", "2")))
    assert found.outcome is Outcome.HOLDS, found.summary
    assert "that a certificate proves" in found.summary
    twin = CHECK.run(Context(OvershootingFlow(mixture, "0.1", "2")))
    assert twin.outcome is Outcome.VIOLATED, twin.summary


@pytest.mark.parametrize(
    ("name", "words"), [("digits", "K d = 50; here it is 80"), ("wine", "K d^2 = 50; here it is 507")]
)
def test_what_is_out_of_reach_says_why(name: str, words: str) -> None:
    assert words in str(CHECK.applies(cf.load_mixture(name)))

"""What F5 says of a mixture: the enclosed integral, its amplification, its certificate where the profile has one."""

from __future__ import annotations

from typing import Any

import pytest

import certflow as cf
from certflow.claims.check import PROFILES, Context
from certflow.claims.model import Evidence, Outcome
from certflow.claims.registry import checks_of


def evidence(profile: str, process: Any) -> Evidence:
    (check,) = checks_of("F5")
    return check.run(Context(process, PROFILES[profile]))


@pytest.mark.parametrize(("profile", "stems"), [("quick", []), ("full", ["certificates/F5.json"])])
def test_the_integral_and_its_certificate(profile: str, stems: list[str]) -> None:
    """Of two modes the integral is that of the closed form, 6.89038; its exponential is 982.78."""
    found = evidence(profile, cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes")))
    assert found.outcome is Outcome.HOLDS
    assert "int lambda* lies in [6.8903815" in found.summary
    assert "at most 982.8-fold" in found.summary
    assert list(found.certificates) == stems
    assert ("certificate_F5" in found.numbers) == (not stems)


def test_an_exponent_that_is_too_small_has_a_witness() -> None:
    class Lower(cf.OrnsteinUhlenbeck):
        def stability(self, s: Any, t: Any, rate: str = "one-sided") -> Any:
            return super().stability(s, t, rate) - 1

    found = evidence("quick", Lower(cf.load_mixture("two-modes")))
    assert found.outcome is Outcome.VIOLATED
    assert found.witness is not None
    assert found.witness["integral_of_the_sharp_rate"].startswith("int lambda* lies in [6.89038")
    assert found.summary.startswith("the exponent is 5.89038")


def test_where_it_is_not_searched_for() -> None:
    (check,) = checks_of("F5")
    assert check.applies(cf.load_mixture("anisotropic-pair")) is not None
    assert check.applies(cf.load_mixture("iris")) is None

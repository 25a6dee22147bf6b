"""No single corruption of a certificate of other covariances is accepted unless it is true (see mutations_kinds.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mutations_kinds
import pytest
from depth import cases, night
from mutations_kinds import FALSIFIED, GROUPS, certificates, false_certificates, is_true

from certflow.certificate import checker
from certflow.certificate.checker import cases as case_of_a_rule
from certflow.certificate.checker import coverings, sharp_shared
from certflow.certificate.envelope import certificate_text

#: Cases of each group every day.
CASES = 18


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("family", FALSIFIED)
def test_nothing_false_is_accepted(family: str, group: str) -> None:
    tally = mutations_kinds.run(family, group, cases(CASES))
    assert tally.false == []
    assert tally.refused > 0
    if group in ("false, hints", "problem, old hash"):
        assert tally.true == 0


@pytest.mark.parametrize("family", FALSIFIED)
def test_the_oracle_tells_true_from_false(family: str) -> None:
    for content in certificates(family):
        verdict = checker.check(certificate_text(content))
        assert verdict.accepted, verdict.text
        assert is_true(content)
    for content in false_certificates(family):
        assert not checker.check(certificate_text(content)).accepted
        assert not is_true(content)


def always(value: Any) -> Callable[..., Any]:
    return lambda *arguments: value


TWINS: dict[str, tuple[Any, str, Any, str, str]] = {
    "every matrix is positive": (sharp_shared, "definite", True, "L5", "assertion, new hash"),
    "a Taylor rule that always holds": (coverings.Covering, "taylor", True, "L5", "false, hints"),
    "no covering": (coverings.Covering, "cover", None, "L5", "problem, new hash"),
    "any witness": (sharp_shared.MetricLaw, "witnessed", 2**200, "L5", "assertion, new hash"),
    "any bound, L5": (case_of_a_rule.Case, "bound", None, "L5", "assertion, new hash"),
    "any bound, S3": (case_of_a_rule.Case, "bound", None, "S3", "assertion, new hash"),
}
EVERY_DAY = ("every matrix is positive", "any witness", "any bound, S3")


@pytest.mark.parametrize("name", [*EVERY_DAY, *night(*(name for name in TWINS if name not in EVERY_DAY))])
def test_a_broken_checker_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, attribute, value, family, group = TWINS[name]
    certificates(family), false_certificates(family)  # by the honest checker
    monkeypatch.setattr(owner, attribute, always(value))
    assert any(mutations_kinds.run(family, group, 20, seed).false for seed in range(40))

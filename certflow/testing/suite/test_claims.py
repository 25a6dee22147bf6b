"""Every claim of the theory, on the mixture: `cf.verify`, a claim a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from certflow.claims.model import Outcome
from certflow.claims.registry import STATEMENTS

#: Outcomes that say that there was nothing to look at.
_IDLE = (Outcome.NOT_APPLICABLE, Outcome.NOT_CHECKED)


@pytest.mark.parametrize("claim", [pytest.param(claim, marks=pytest.mark.claim(claim)) for claim in STATEMENTS])
def test_claim(certify: Callable[..., Any], mixture: Any, claim: str) -> None:
    report = certify(mixture, [claim])
    (result,) = report.results
    if result.outcome in _IDLE:
        pytest.skip(result.reason)
    report.raise_for_verdict()

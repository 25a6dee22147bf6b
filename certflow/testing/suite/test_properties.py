"""The statements as properties of the mixture, each looked at in drawn points, times, maps and mixtures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from certflow.process import OrnsteinUhlenbeck
from certflow.testing.hearing import tell
from certflow.testing.options import profile_of, seed_of
from certflow.testing.properties import PROPERTIES, Property
from certflow.testing.result import CheckFailed

#: Examples of a property in each profile.
EXAMPLES = {"quick": 20, "full": 200}


@pytest.mark.parametrize(
    "statement", [pytest.param(each, id=each.name, marks=pytest.mark.claim(each.claim)) for each in PROPERTIES]
)
def test_property(pytestconfig: pytest.Config, mixture: Any, statement: Property) -> None:
    reason = statement.applies(mixture)
    if reason is not None:
        pytest.skip(reason)
    examples, seed = EXAMPLES[profile_of(pytestconfig)], seed_of(pytestconfig)
    found = statement.run(OrnsteinUhlenbeck(mixture), seed=seed, examples=examples)
    result = replace(found, check="property", part=statement.name)
    tell(result, mixture=mixture.name)
    if not result:
        raise CheckFailed(result)

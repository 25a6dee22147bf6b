"""Broken files and lists, a few hundred of each kind every day: an answer that is true or one line, never a traceback.

The generator is `fuzzing.inputs`, what may come of an input `fuzzing.targets`; `tools/fuzz.py` runs 100,000 of them.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from depth import cases
from fuzzing.targets import TARGETS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXPLORED = [name for name in TARGETS if name != "command lines"]


@pytest.mark.parametrize("name", EXPLORED)
def test_seeds_give_the_same_inputs_every_day(name: str, tmp_path: Path) -> None:
    target, share = TARGETS[name]
    accepted = [target(random.Random(f"everyday {name} {number}"), tmp_path) for number in range(cases(6 * share))]
    assert any(accepted)
    assert not all(accepted)


@pytest.mark.parametrize("name", EXPLORED)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=cases(40))
@given(draw=st.randoms(use_true_random=False))
def test_hypothesis_finds_no_input_that_is_not_answered(name: str, draw: random.Random, tmp_path: Path) -> None:
    TARGETS[name][0](draw, tmp_path)

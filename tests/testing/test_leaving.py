"""Other people's code that calls `sys.exit` is wrong code, and no end of the process; Ctrl-C is one."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

import certflow as cf
from certflow.testing.result import CheckFailed

MIXTURE = cf.GaussianMixture([1], [[0.5]], [0.25])
OPTIONS: dict[str, dict[str, Any]] = {
    "sampler": {"samples": 100},
    "schedule": {"like": cf.schedules.flow_matching()},
    "grid": {},
    "training_pair": {"schedule": cf.schedules.edm()},
}
KINDS = pytest.mark.parametrize("kind", ["score", "velocity", "flow_map", "lipschitz", *OPTIONS])


def checked(kind: str, error: BaseException) -> None:
    def leaves(*given: Any, **options: Any) -> Any:
        raise error

    check = getattr(importlib.import_module(f"certflow.testing.checks.{kind}"), f"check_{kind}")
    check(leaves, MIXTURE, **OPTIONS.get(kind, {}))


@KINDS
def test_code_that_leaves_the_process_is_wrong(kind: str) -> None:
    with pytest.raises(CheckFailed) as caught:
        checked(kind, SystemExit(0))
    assert any("it raised SystemExit: 0" in each.message for each in caught.value.result.parts)


@KINDS
def test_an_interrupt_passes(kind: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        checked(kind, KeyboardInterrupt())

"""How deep the tests search: CERTFLOW_CASES multiplies their random cases (1 every day, 30 in `.ci/nightly`)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest

SCALE = float(os.environ.get("CERTFLOW_CASES", "1"))


def cases(count: int) -> int:
    """So many cases every day, more in the night."""
    return max(1, int(count * SCALE))


#: What takes long and tells little more than its neighbours is left to the night.
nightly = pytest.mark.skipif(os.environ.get("CERTFLOW_PROFILE") != "nightly", reason="only in the nightly profile")


def night(*values: Any) -> list[Any]:
    """Values of a parameter that are tried in the night; a tuple is those of several parameters."""
    return [pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=nightly) for value in values]


def some(values: Iterable[Any], every: int = 3) -> list[Any]:
    """Cases of one kind, of which each day tries every so-manieth and the night all; tuples as those of `night`."""
    return [case for i, value in enumerate(values) for case in ([value] if i % every == 0 else night(value))]

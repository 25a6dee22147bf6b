"""The options of time grids: their defaults and what they may be."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.errors import InputError


@dataclass(frozen=True)
class Option:
    """One option of a kind of grid: a default and `check(name, value)`, which returns the value as it is kept."""

    default: Any
    check: Callable[[str, Any], Any]


def count(low: int, high: int) -> Callable[[str, Any], int]:
    """An int within [low, high]."""

    def check(name: str, value: Any) -> int:
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or not low <= value <= high:
            raise InputError(name, value, f"an int from {low} to {high}")
        return int(value)

    return check


def positive(name: str, value: Any) -> float:
    """A finite number > 0."""
    if isinstance(value, bool | str | bytes) or not _is_finite(value) or not float(value) > 0:
        raise InputError(name, value, "a finite number > 0")
    return float(value)


def optional(check: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """What `check` accepts, or None for a default that depends on the mixture or the number of segments."""
    return lambda name, value: None if value is None else check(name, value)


def one_of(known: Sequence[str]) -> Callable[[str, Any], str]:
    """One of the names."""

    def check(name: str, value: Any) -> str:
        if value not in known:
            raise InputError(name, value, f"one of {', '.join(known)}")
        return str(value)

    return check


#: What the kinds that look at points of `p_t` draw.
SAMPLES = Option(2048, count(2, 10_000_000))
SEED = Option(0, count(0, 2**63 - 1))


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False

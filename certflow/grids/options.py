"""The options of time grids: their defaults and what they may be."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from certflow.errors import unknown
from certflow.numbers.inputs import real_number, whole_number


@dataclass(frozen=True)
class Option:
    """One option of a kind of grid: a default and `check(name, value)`, which returns the value as it is kept."""

    default: Any
    check: Callable[[str, Any], Any]


def count(low: int, high: int) -> Callable[[str, Any], int]:
    """An int within [low, high]."""

    def check(name: str, value: Any) -> int:
        return whole_number(value, name, low, high)

    return check


def positive(name: str, value: Any) -> float:
    """A finite number > 0."""
    return real_number(value, name, "a finite number > 0", lambda number: 0 < number < math.inf)


def optional(check: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """What `check` accepts, or None for a default that depends on the mixture or the number of segments."""
    return lambda name, value: None if value is None else check(name, value)


def one_of(known: Sequence[str]) -> Callable[[str, Any], str]:
    """One of the names."""

    def check(name: str, value: Any) -> str:
        if value not in known:
            raise unknown(name, value, known)
        return str(value)

    return check


#: What the kinds that look at points of `p_t` draw.
SAMPLES = Option(2048, count(2, 10_000_000))
SEED = Option(0, count(0, 2**63 - 1))

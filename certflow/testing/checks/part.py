"""What a check is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from certflow.testing.result import Result


@dataclass(frozen=True)
class Part:
    """One part of a check: `run` gets what `prepare` of its module has made, and returns what it found."""

    name: str
    run: Callable[[Any], Result]

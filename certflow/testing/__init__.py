"""Tools for testing code against the theory: Hypothesis strategies for mixtures, points and times.

Names load on first use, so that `import certflow.testing` does not import Hypothesis.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "mixtures": "certflow.testing.strategies",
    "points": "certflow.testing.strategies",
    "processes": "certflow.testing.strategies",
    "times": "certflow.testing.strategies",
    "time_pairs": "certflow.testing.strategies",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'certflow.testing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

"""A chapter of the theory: its statements, and the checks that collect evidence for them."""

from __future__ import annotations

from dataclasses import dataclass

from certflow.claims.check import Check
from certflow.claims.statement import Statement


@dataclass(frozen=True)
class Chapter:
    """Statements whose ids share their first letter, in the order of the theory, and their checks."""

    title: str
    statements: tuple[Statement, ...]
    checks: tuple[Check, ...] = ()

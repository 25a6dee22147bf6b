"""Mutants that are left out, each with its reason: no test of what the code computes can tell them from it."""

from __future__ import annotations

#: By `Mutant.key`.
EQUIVALENT: dict[str, str] = {}

"""A whole check of which the parts have something to tell where they pass: which solver it is, where a grid is even."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from certflow.testing.checks.conclusion import concluded
from certflow.testing.checks.part import Part
from certflow.testing.result import Result


def run_parts(check: str, parts: Sequence[Part], prepared: Any) -> Result:
    """The result of all parts, run one after the other, with what they tell; errors as `concluded` has them."""
    result = concluded(check, [part.run(prepared) for part in parts])
    told = [part.message for part in result.parts if part.message]
    return replace(result, message="; ".join([result.message, *told]))

"""What the parts of a check say together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from certflow.testing.checks.part import Part
from certflow.testing.result import CheckFailed, Result


def concluded(check: str, parts: Sequence[Part], prepared: Any) -> Result:
    """All parts, run one after the other, as one result.

    Raises
    ------
    CheckFailed : a part found something: its result is that of the first such part with a cause, or of the first.
    """
    results = tuple(part.run(prepared) for part in parts)
    evaluations = sum(result.evaluations for result in results)
    failed = [result for result in results if not result.passed]
    if not failed:
        told = "; ".join(result.message for result in results if result.message)
        return Result(check, "", True, f"no counterexample in {len(results)} parts: {told}", evaluations, parts=results)
    shown = next((result for result in failed if result.causes), failed[0])
    names = ", ".join(result.part for result in failed)
    message = f"{shown.message} ({len(failed)} of {len(results)} parts failed: {names})"
    raise CheckFailed(
        Result(check, shown.part, False, message, evaluations, shown.counterexample, shown.causes, results)
    )

"""What a whole check says once its parts have run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from certflow.testing.hearing import tell
from certflow.testing.result import CheckFailed, Result


def concluded(check: str, results: Sequence[Result]) -> Result:
    """The result of a whole check, its parts in `.parts`.

    Raises
    ------
    CheckFailed : a part failed: the first that did is shown, with the first causes that any part names.
    """
    parts, evaluations = tuple(results), sum(part.evaluations for part in results)
    failed = [part for part in parts if not part.passed]
    if not failed:
        message = f"{len(parts)} parts found no counterexample among {evaluations} points"
        passed = Result(check, "", True, message, evaluations, parts=parts)
        tell(passed)
        return passed
    first = failed[0]
    causes = next((part.causes for part in failed if part.causes), ())
    example = next((part.counterexample for part in failed if part.counterexample is not None), None)
    shown = first.counterexample or example
    message = f"{first.part}: {first.message}" + (f" ({len(failed)} of {len(parts)} parts failed)")
    whole = replace(
        first,
        part="",
        message=message,
        evaluations=evaluations,
        counterexample=shown,
        causes=causes,
        parts=parts,
    )
    tell(whole)
    raise CheckFailed(whole)

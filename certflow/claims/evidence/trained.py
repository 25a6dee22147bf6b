"""Rows of the experiment on trained maps: which of them count, how they are judged and told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from certflow.claims.check import Context, Finding
from certflow.claims.evidence.measured import judged


def measured_rows(results: Any) -> list[dict[str, Any]]:
    """The rows of maps whose training did not diverge."""
    return [row for row in results.rows if not row["diverged"]]


def no_row_exceeds(
    context: Context,
    results: Any,
    rows: list[dict[str, Any]],
    excess: Callable[[dict[str, Any]], float],
    what: str,
    allowed: float,
    told: dict[str, Any] | None = None,
) -> Finding:
    """A finding that no row is above what is allowed."""
    cases = [(excess(row), {"row": short_row(row)}) for row in rows]
    numbers = {"rows": len(rows), "diverged": results.diverged()} | (told or {})
    return judged(what, cases, allowed, scope_of(context, results), numbers)


def scope_of(context: Context, results: Any) -> str:
    """What was trained, in words."""
    setting = results.setting
    return (
        f"this mixture; {setting['maps']} residual maps of {setting['parameters_per_map']} parameters, "
        f"{setting['settings']['steps']} steps, K in {{{', '.join(map(str, results.segments()))}}}, "
        f"{context.profile.training_seeds} seeds, {setting['settings']['test']} fresh points each"
    )


def short_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row as a witness tells it."""
    return {key: row[key] for key in ("grid", "segments", "seed", "relative_mse", "times") if key in row}

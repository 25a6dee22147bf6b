"""What is proved of the students of an experiment: a table of enclosures, and who is better, in sentences (C2, C4)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from certflow.distill.results import BASELINE, Results, is_enclosed
from certflow.numbers.numerals import above, below
from certflow.report.laboratory.table import Table

NOTE = (
    "The mean over seeds lies in the interval: proved for these very students, tails included, of the real functions "
    "that their weights denote; their evaluation in float32 rounds besides. It says nothing of other trainings."
)


def enclosure_table(results: Results) -> Table:
    """The mean error over seeds, enclosed, a row for each grid and a column for each K; no rows without enclosures."""
    numbers, grids = results.segments(), results.grids()
    cells = {(grid, k): _interval(results.of(grid, k)) for grid in grids for k in numbers}
    rows = [(grid, *(cells[grid, k] or "–" for k in numbers)) for grid in grids if any(cells[grid, k] for k in numbers)]
    short = any("(" in cell for row in rows for cell in row[1:])
    note = f"{NOTE} In parentheses: of how many seeds, where not of all." if short else NOTE
    return Table("Enclosure of the error, end to end", ("grid", *(f"K = {k}" for k in numbers)), tuple(rows), note)


def proved_sentences(results: Results) -> list[str]:
    """Which grids are proved to beat uniform, or to lose to it, with these students; why some are not enclosed."""
    if not any("relative_mse_enclosure" in row for row in results.rows):
        return []
    told = [line for grid in results.grids() if grid != BASELINE for line in _compared(results, grid)]
    reasons = [row["enclosure_reason"] for row in results.rows if row.get("enclosure_reason")]
    for reason in dict.fromkeys(reasons):
        count = reasons.count(reason)
        told.append(f"{count} of {len(results.rows)} students have no enclosure: {reason}.")
    wide = sum(is_enclosed(row) and not row["enclosure_complete"] for row in results.rows)
    if wide:
        are = "enclosure is proved, but wider than asked for: more --certify-seconds may narrow it"
        if wide > 1:
            are = "enclosures are proved, but wider than asked for: more --certify-seconds may narrow them"
        told.append(f"{wide} {are}.")
    return told


def _compared(results: Results, grid: str) -> list[str]:
    return [line for pair in ((grid, BASELINE), (BASELINE, grid)) for line in _better(results, *pair)]


def _better(results: Results, grid: str, other: str) -> list[str]:
    parts = []
    for k in results.segments():
        factors = results.proved(grid, k, other)
        both = {row["seed"] for row in results.of(grid, k) if is_enclosed(row)}
        both &= {row["seed"] for row in results.of(other, k) if is_enclosed(row)}
        if factors:
            seeds = f"{len(factors)} of {len(both)} seeds"
            parts.append(f"at K = {k} for {seeds}, by a factor of {below(Fraction(min(factors.values())), 3)} or more")
    return [f"Proved of these students: {grid} has less error than {other} {'; '.join(parts)}."] if parts else []


def _interval(rows: Sequence[dict[str, Any]]) -> str:
    """`[2.31e-04, 2.37e-04]`, rounded outwards; empty without enclosures."""
    ends = [row["relative_mse_enclosure"] for row in rows if is_enclosed(row)]
    if not ends:
        return ""
    low, high = (sum(Fraction(end[i]) for end in ends) / len(ends) for i in (0, 1))
    text = f"[{below(low, 4)}, {above(high, 4)}]"
    return text if len(ends) == len(rows) else f"{text} ({len(ends)})"

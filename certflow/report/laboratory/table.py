"""A table of texts, as every view of an experiment shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table of texts; the first column is names, the others are numbers.

    best : (row, column) of the cells to be set off
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str
    best: frozenset[tuple[int, int]] = frozenset()

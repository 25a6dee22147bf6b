"""Rows of the study on networks, put together by cell: grids that were compared on the same points."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean
from typing import Any

from certflow.grids.nodes import DISTILLED

#: Labels of the grid from a network's own rate and of the one searched for a solver.
OWN, SEARCHED = "typical-jvp", "optimised"


@dataclass(frozen=True)
class Compared:
    """What was compared on the same points, by grid; maps : a solver, or "distilled" for students."""

    data_set: str
    network: int
    maps: str
    segments: int
    student: int | None
    rows: Mapping[str, Mapping[str, Any]]

    def error(self, grid: str) -> float:
        """The relative mean squared error; infinite where maps diverged."""
        value = self.rows[grid]["relative_mse"]
        return math.inf if value is None else float(value)

    @property
    def best_usual(self) -> str:
        return min((label for label, row in self.rows.items() if row["usual"]), key=self.error)

    def ratio(self, grid: str, against: str | None = None) -> float:
        """The error over that of another grid, the best usual one unless named."""
        return self.error(grid) / self.error(against or self.best_usual)

    @property
    def name(self) -> str:
        seeds = f"network {self.network}" + ("" if self.student is None else f", students {self.student}")
        return f"{self.data_set}, {maps_name(self.maps)}, K = {self.segments}, {seeds}"


def cells_of(rows: Iterable[Mapping[str, Any]]) -> list[Compared]:
    """The cells in the order of their rows."""
    found: dict[tuple[Any, ...], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        key = (row["data_set"], row["network"], row["maps"], row["segments"], row["student"])
        found.setdefault(key, {})[row["grid"]] = row
    return [Compared(name, network, maps, k, seed, own) for (name, network, maps, k, seed), own in found.items()]


def groups_of(cells: Iterable[Compared]) -> dict[tuple[str, str, int], list[Compared]]:
    """Cells that differ in seeds alone, by data set, maps and K."""

    def key(cell: Compared) -> tuple[str, str, int]:
        return cell.data_set, cell.maps, cell.segments

    # sorted keeps the order of equal ones; data sets and maps stay in the order in which they came
    order: dict[tuple[str, str, int], int] = {}
    listed = list(cells)
    for cell in listed:
        order.setdefault(key(cell), len(order))
    listed.sort(key=lambda cell: order[key(cell)])
    return {place: list(own) for place, own in groupby(listed, key)}


def solvers_of(cells: Iterable[Compared], maps: str | None = None) -> list[Compared]:
    """The cells of a solver, or of all of them."""
    return [cell for cell in cells if cell.maps != DISTILLED and maps in (None, cell.maps)]


def students_of(cells: Iterable[Compared]) -> list[Compared]:
    """The cells of students."""
    return [cell for cell in cells if cell.maps == DISTILLED]


def geometric_mean(values: Sequence[float]) -> float:
    return math.exp(fmean(map(math.log, values)))


def group_ratio(group: Sequence[Compared], grid: str) -> float:
    """The geometric mean over seeds of the ratio to the best usual grid."""
    return geometric_mean([cell.ratio(grid) for cell in group])


def maps_name(maps: str) -> str:
    """As a reader knows them."""
    return {"euler": "Euler", "heun": "Heun", "dpmpp-2m": "DPM-Solver++(2M)", DISTILLED: "students"}[maps]

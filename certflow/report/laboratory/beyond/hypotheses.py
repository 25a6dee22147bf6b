"""What was expected of grids on networks before any was trained, and what the rows say of it.

Each rule is decided by values alone, as `reports/laboratory/beyond/expected.md` has it; what is refuted is told like
what is confirmed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from certflow.report.laboratory.beyond.cells import (
    OWN,
    SEARCHED,
    Compared,
    cells_of,
    geometric_mean,
    group_ratio,
    groups_of,
    maps_name,
    solvers_of,
    students_of,
)

#: The numbers of the rules.
NEAR, BAD, NEVER, OTHERWISE, WIDE = 1.05, 10.0, 1.02, 3.0, 2.0
GAINS: Mapping[str, float] = {"euler": 0.98, "heun": 0.85, "dpmpp-2m": 0.70}
MOST, AGREED, FORETOLD, NARROW = 2 / 3, 3 / 4, 0.8, 0.9
#: The number of segments that H3 looks at.
MIDDLE = 8

#: Whether it holds, and what was found; None where nothing was measured that decides it.
Decision = tuple[bool, str] | None


@dataclass(frozen=True)
class Hypothesis:
    """A line of `expected.md`."""

    id: str
    expected: str
    confirmed_if: str
    decide: Callable[[Sequence[Compared]], Decision]


@dataclass(frozen=True)
class Verdict:
    """What the rows say of a hypothesis; holds : None where they say nothing."""

    hypothesis: Hypothesis
    holds: bool | None
    found: str

    @property
    def word(self) -> str:
        return {True: "confirmed", False: "**refuted**", None: "not measured"}[self.holds]


def verdicts(rows: Iterable[Mapping[str, Any]]) -> list[Verdict]:
    """One for each hypothesis."""
    cells = cells_of(rows)
    found = []
    for hypothesis in HYPOTHESES:
        decision = hypothesis.decide(cells)
        found.append(Verdict(hypothesis, *(decision or (None, ""))))
    return found


def _beats_uniform(cells: Sequence[Compared]) -> Decision:
    own = {cell.name: cell.ratio(OWN, "uniform") for cell in students_of(cells)}
    return _each(own, lambda ratio: ratio < 1, "cells", "times the error of uniform")


def _best_for_students(cells: Sequence[Compared]) -> Decision:
    return _each(_ratios(students_of(cells), OWN), lambda ratio: ratio <= NEAR, "groups")


def _bad_for_heun(cells: Sequence[Compared]) -> Decision:
    middle = [cell for cell in solvers_of(cells, "heun") if cell.segments == MIDDLE]
    return _each(_ratios(middle, OWN), lambda ratio: ratio >= BAD, "data sets", least=True)


def _worse_for_euler(cells: Sequence[Compared]) -> Decision:
    return _each(_ratios(solvers_of(cells, "euler"), OWN), lambda ratio: ratio > 1, "groups", least=True)


def _never_loses(cells: Sequence[Compared]) -> Decision:
    some = solvers_of(cells)
    decision = _each({cell.name: cell.ratio(SEARCHED) for cell in some}, lambda ratio: ratio <= NEVER, "cells")
    if decision is None:
        return None
    rows = [cell.rows[SEARCHED] for cell in some]
    below, above = sum(row["ratio_high"] < 1 for row in rows), sum(row["ratio_low"] > 1 for row in rows)
    told = f"the interval of the ratio lies below 1 in {below} cells, above 1 in {above}, holds 1 in the others"
    return decision[0], f"{decision[1]}; {told}"


def _gains(cells: Sequence[Compared]) -> Decision:
    means = {}
    for maps in GAINS:
        ratios = [cell.ratio(SEARCHED) for cell in solvers_of(cells, maps)]
        if not ratios:
            return None
        means[maps] = geometric_mean(ratios)
    told = (f"{maps_name(maps)} {mean:.3f} (wanted {GAINS[maps]:.2f})" for maps, mean in means.items())
    return all(mean <= GAINS[maps] for maps, mean in means.items()), "; ".join(told)


def _flow_matching_for_heun(cells: Sequence[Compared]) -> Decision:
    return _mostly("flow-matching", solvers_of(cells, "heun"))


def _arctan_for_the_others(cells: Sequence[Compared]) -> Decision:
    return _mostly("arctan", [cell for cell in solvers_of(cells) if cell.maps != "heun"])


def _data_decide(cells: Sequence[Compared]) -> Decision:
    groups = [group for group in groups_of(solvers_of(cells)).values() if len(group) > 1]
    if not groups:
        return None
    agreed = sum(len({cell.best_usual for cell in group}) == 1 for group in groups)
    return agreed >= AGREED * len(groups), f"they agree in {agreed} of {len(groups)} groups"


def _bad_what_is_best_for_students(cells: Sequence[Compared]) -> Decision:
    heun = {place[::2]: group for place, group in groups_of(solvers_of(cells, "heun")).items()}
    ratios = {}
    for (data_set, _, segments), group in groups_of(students_of(cells)).items():
        best = min(group[0].rows, key=lambda grid: geometric_mean([cell.error(grid) for cell in group]))
        if (data_set, segments) in heun:
            ratios[f"{data_set}, K = {segments}, {best}"] = group_ratio(heun[data_set, segments], best)
    return _each(ratios, lambda ratio: ratio >= OTHERWISE, "groups", least=True)


def _foretold(cells: Sequence[Compared]) -> Decision:
    rows = [cell.rows[SEARCHED] for cell in solvers_of(cells)]
    if not rows:
        return None
    logs = [math.log(row["relative_mse"] / row["predicted_relative_mse"]) for row in rows]
    inside = sum(abs(log) <= math.log(row["within_factor"]) for log, row in zip(logs, rows, strict=True))
    told = f"within it in {inside} of {len(rows)} cells; error over prediction {math.exp(min(logs)):.2f}"
    return inside >= FORETOLD * len(rows), f"{told} to {math.exp(max(logs)):.2f}"


def _narrow(cells: Sequence[Compared]) -> Decision:
    rows = [row for cell in solvers_of(cells) for row in cell.rows.values() if row["relative_mse"] is not None]
    if not rows:
        return None
    widths = [row["high"] / row["low"] for row in rows]
    narrow = sum(width <= WIDE for width in widths)
    told = f"in {narrow} of {len(rows)} rows; the widest interval has a factor of {max(widths):.1f} between its ends"
    return narrow >= NARROW * len(rows), told


def _ratios(cells: Sequence[Compared], grid: str) -> dict[str, float]:
    """Of each group, by its name."""
    return {
        f"{data_set}, K = {segments}": group_ratio(group, grid)
        for (data_set, _, segments), group in groups_of(cells).items()
    }


def _each(
    ratios: Mapping[str, float],
    holds: Callable[[float], bool],
    what: str,
    unit: str = "times the error of the best usual grid",
    *,
    least: bool = False,
) -> Decision:
    """Whether it holds for each, and the one farthest from it."""
    if not ratios:
        return None
    count = sum(map(holds, ratios.values()))
    worst = (min if least else max)(ratios, key=lambda name: ratios[name])
    other = (max if least else min)(ratios, key=lambda name: ratios[name])
    told = f"so in {count} of {len(ratios)} {what}: from {_times(ratios[worst])} ({worst})"
    return count == len(ratios), f"{told} to {_times(ratios[other])} ({other}) {unit}"


def _mostly(grid: str, cells: Sequence[Compared]) -> Decision:
    if not cells:
        return None
    names = [cell.best_usual for cell in cells]
    counted = sorted({name: names.count(name) for name in names}.items(), key=lambda item: -item[1])
    told = ", ".join(f"{name} in {count}" for name, count in counted)
    near = sum(cell.ratio(grid) <= NEAR for cell in cells)
    told = f"of {len(cells)} cells the best is {told}; {grid} has at most {NEAR:g} times the least error in {near}"
    return names.count(grid) >= MOST * len(cells), told


def _times(ratio: float) -> str:
    return f"{ratio:.3f}" if ratio < 2 else f"{ratio:.3g}"


#: The lines of `expected.md`.
HYPOTHESES = (
    Hypothesis(
        "H1",
        "For students the grid from the network's own rate beats the uniform one.",
        "the error is less in every cell",
        _beats_uniform,
    ),
    Hypothesis(
        "H2",
        "For students that grid is the best, or nearly.",
        "the ratio is at most 1.05 in every group",
        _best_for_students,
    ),
    Hypothesis(
        "H3",
        "For Heun the same grid is bad, as on mixtures (730 times on two modes, K = 8).",
        "at K = 8 the ratio is at least 10 for every data set",
        _bad_for_heun,
    ),
    Hypothesis(
        "H4",
        "For Euler it is worse than the best usual grid, as on mixtures (1.9 times).",
        "the ratio is above 1 in every group",
        _worse_for_euler,
    ),
    Hypothesis(
        "H5",
        "A solver's own grid never loses to the best usual one.",
        "the ratio is at most 1.02 in every cell",
        _never_loses,
    ),
    Hypothesis(
        "H6",
        "A solver's own grid gains what it gains on mixtures.",
        "the geometric mean over all cells is at most 0.98 for Euler, 0.85 for Heun, 0.70 for DPM-Solver++(2M)",
        _gains,
    ),
    Hypothesis(
        "H7",
        "Flow-matching is the best usual grid for Heun, as on mixtures.",
        "it is so in at least two thirds of the cells",
        _flow_matching_for_heun,
    ),
    Hypothesis(
        "H8",
        "Arctan is the best usual grid for Euler and DPM-Solver++(2M), as on mixtures.",
        "it is so in at least two thirds of their cells",
        _arctan_for_the_others,
    ),
    Hypothesis(
        "H9",
        "The data decide which usual grid is best for a solver, not the seed of the network.",
        "all networks agree in at least three quarters of the groups",
        _data_decide,
    ),
    Hypothesis(
        "H10",
        "What is best for students is bad for Heun.",
        "in every group the students' best grid has at least 3 times the error of Heun's best usual one",
        _bad_what_is_best_for_students,
    ),
    Hypothesis(
        "H11",
        "The error that the search predicts is within the factor that it tells.",
        "it is so in at least 80 % of the cells",
        _foretold,
    ),
    Hypothesis(
        "H12",
        "Errors on networks are no longer decided by a few points next to a separatrix.",
        "the interval's ends differ at most by a factor of 2 in at least 90 % of the solvers' rows",
        _narrow,
    ),
)

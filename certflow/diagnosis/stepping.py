"""The nodes that a sampler steps over, read from a list as OU times, and a grid in the words of that list."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from certflow.diagnosis.conventions import LATEST, Convention
from certflow.diagnosis.finding import Finding
from certflow.diagnosis.nodes import unpaired
from certflow.diagnosis.schedule import Schedule
from certflow.diagnosis.shift import shifted
from certflow.numbers.arrays import Floats, Times

#: Errors after which the numbers say nothing of noise levels.
_UNREADABLE = {
    "timesteps-for-sigmas": "the numbers are of another kind than is meant",
    "sigmas-for-timesteps": "the numbers are of another kind than is meant",
    "another-scale": "the numbers are of another kind than is meant",
    "not-a-level": "an entry is no noise level",
    "one-step": "the schedule divides by zero",
}


@dataclass(frozen=True, eq=False)
class Stepping:
    """Nodes above noise level 0.

    times : OU times, strictly decreasing, two or more; pure noise is `LATEST`, where nothing of the data is left
    goes_on : whether the sampler takes one more step, to noise level 0
    owned : whether the last node is the scheduler's own and stands in no list
    pure : whether the first one is pure noise
    """

    times: Times
    goes_on: bool
    owned: bool
    pure: bool


@np.errstate(all="ignore")  # what is no noise level becomes NaN or infinite, and is told below
def stepping(schedule: Schedule, findings: tuple[Finding, ...]) -> Stepping | str:
    """The nodes in the order of the list, or why they cannot be told."""
    convention, where = schedule.convention, schedule.where
    for finding in findings:
        if finding.name in _UNREADABLE:
            return _UNREADABLE[finding.name]
    if schedule.handed and convention.remade:
        setting = convention.remade
        return f"with {setting} {convention.name} makes other noise levels of a list; hand over the scheduler itself"
    if schedule.handed and convention.shift != 1 and where == "timesteps":
        return f"{convention.name} steps over other noise levels (shifted) than those of the timesteps"
    times = convention.ou_times(reached(schedule))
    if np.isnan(times).any():
        return "what noise levels these timesteps are depends on the scheduler, which is not named"
    owned = where == "timesteps" and not schedule.handed and schedule.final > 0
    if owned:
        times = np.append(times, convention.ou_times(np.array([schedule.final])))
    if times.size < 2:
        return "a single noise level above 0 leaves no step between two"
    pure = bool(times[0] == np.inf)
    if pure:
        times[0] = max(LATEST, times[1] + 1)
    if not (np.isfinite(times).all() and (np.diff(times) < 0).all() and times[-1] > 0):
        return f"{where} do not fall strictly"
    ended = bool(schedule.values[-1] == 0) or (schedule.handed and convention.zero in ("added", "either"))
    return Stepping(times, not owned and where != "times" and (ended or where == "timesteps"), owned, pure)


def reached(schedule: Schedule) -> Floats:
    """The noise levels that are stepped over, after the library's shift, each once, without zeros at the end."""
    convention, where = schedule.convention, schedule.where
    values, _ = unpaired(schedule)
    ends = where != "timesteps" or convention.final_timestep or convention.reading == "flow"
    if ends:
        values = values[: int(np.max(np.flatnonzero(values), initial=-1)) + 1]
    if where == "timesteps":
        cut = convention.whole and schedule.handed
        return convention.levels_of(np.trunc(values) if cut else values)
    if schedule.handed and convention.scale == "flow":
        return shifted(values, convention.shift)
    return values


def snapped(schedule: Schedule, times: Times) -> Times:
    """The nodes moved to whole timesteps, no two to the same, where the library has no others; the ends stay."""
    convention = schedule.convention
    if not convention.whole or convention.levels is None or "sigmas" in convention.takes or times.size < 3:
        return times
    steps = np.rint(timesteps_of(convention, levels_at(convention, times)))
    for i in range(1, steps.size):
        steps[i] = min(steps[i], steps[i - 1] - 1)
    for i in range(steps.size - 2, 0, -1):
        steps[i] = max(steps[i], steps[i + 1] + 1)
    moved = convention.ou_times(convention.levels_of(steps))
    moved[0], moved[-1] = times[0], times[-1]
    return moved


def listed(schedule: Schedule, stepped: Stepping, times: Times) -> dict[str, list[float]]:
    """The lists of these nodes, by their names; the ends are the entries that were read."""
    convention, where = schedule.convention, schedule.where
    levels = levels_at(convention, times[: times.size - stepped.owned])
    steps = timesteps_of(convention, levels)
    if schedule.handed and convention.scale == "flow":
        levels = shifted(levels, 1 / convention.shift)
    read, _ = unpaired(schedule)
    values = steps if where == "timesteps" else levels
    values[0] = read[0]
    if not stepped.owned:
        values[-1] = read[values.size - 1]
    if convention.paired and not schedule.handed:
        values, steps = (np.append(v[:1], np.repeat(v[1:], 2)) for v in (values, steps))
    zero = [0.0] if _ends_at_zero(schedule) else []
    found = {where: [*map(_written, values), *zero]}
    if schedule.sigmas is not None and schedule.timesteps is not None and not np.isnan(steps).any():
        found["timesteps"] = list(map(_written, steps))
    return found


def levels_at(convention: Convention, times: Times) -> Floats:
    """The inverse of `convention.ou_times`."""
    if convention.scale == "ou":
        return times.copy()
    sigmas = np.sqrt(np.expm1(2 * times))
    return sigmas / (1 + sigmas) if convention.scale == "flow" else sigmas


def timesteps_of(convention: Convention, levels: Floats) -> Floats:
    """The inverse of `convention.levels_of`; NaN where that is not known."""
    if convention.reading == "flow":
        return convention.steps * levels
    if convention.reading == "clean":
        return 1 - levels
    if convention.reading == "angle":
        return np.arctan(levels / convention.data)
    if convention.reading in ("log", "log-1000"):
        return np.log(levels) / 4 * (1000 if convention.reading == "log-1000" else 1)
    if convention.levels is None:
        return np.full(levels.shape, np.nan)
    known = np.isfinite(convention.levels) & (convention.levels > 0)
    steps: Floats = np.interp(levels, convention.levels[known], np.flatnonzero(known))
    return np.rint(steps) if convention.whole else steps


def _ends_at_zero(schedule: Schedule) -> bool:
    convention = schedule.convention
    if schedule.where == "timesteps":
        return convention.final_timestep
    return schedule.where == "sigmas" and (convention.zero == "given" or bool(schedule.values[-1] == 0))


def _written(value: float) -> float:
    return float(f"{value:.9g}")

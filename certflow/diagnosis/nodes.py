"""Errors of the nodes by themselves: no noise level, out of order, twice, the final 0."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from certflow.diagnosis.finding import Finding
from certflow.diagnosis.schedule import Schedule
from certflow.numbers.arrays import Floats, Indices

#: Levels nearer than this, relatively, are one in the float32 of the libraries.
SAME = 1e-6


def numbers(schedule: Schedule) -> Iterator[Finding]:
    """NaN, infinite and negative entries, and schedules of one step that divide by zero."""
    lists = {schedule.where: schedule.values}
    if schedule.sigmas is not None and schedule.timesteps is not None:
        lists["timesteps"] = schedule.timesteps
    one = schedule.values.size - int(schedule.values[-1] == 0) == 1
    for where, values in lists.items():
        negative = (values < 0) & ~np.array(schedule.signed and where == "timesteps")
        wrong = np.flatnonzero(~np.isfinite(values) | negative)
        if not wrong.size:
            continue
        place = int(wrong[0])
        value = float(values[place])
        if one and not np.isfinite(value):
            why = f"{where}[{place}] is {value:g} in a schedule of one step: n nodes were spread over n - 1 gaps, 0/0"
            yield _one_step(schedule, where, place, value, why)
            return
        more = f" ({wrong.size - 1} more)" if wrong.size > 1 else ""
        mend = schedule.line(f"{where} = [value for value in {where} if 0 <= value < float('inf')]")
        if not schedule.handed and where == "timesteps" and value == -1 and place == values.size - 1 > 1:
            mend = f"scheduler.set_timesteps({place - 1})"  # arange of trailing spacing may have a node too many
        yield Finding("not-a-level", where, place, value, f"{where}[{place}] = {value:g} is no noise level{more}", mend)
    if schedule.where == "sigmas" and not schedule.values.any():
        why = "sigmas[0] = 0: the first step divides by its noise level"
        yield _one_step(schedule, "sigmas", 0, 0.0, why)
    if schedule.convention.terminal and schedule.handed and schedule.evaluations == 1:
        why = "shift_terminal stretches the list between its first node and its last, which are one: 0/0"
        yield _one_step(schedule, schedule.where, 0, float(schedule.values[0]), why)


def _one_step(schedule: Schedule, where: str, place: int, value: float, why: str) -> Finding:
    convention = schedule.convention
    if convention.terminal:
        mend = "scheduler = type(scheduler).from_config(scheduler.config, shift_terminal=None)"
    elif schedule.handed:
        unknown = convention.scale == "ve" and convention.levels is None
        mend = "sigmas = [float(model.sigma_max), 0.0]" if unknown else f"sigmas = [{convention.high:g}, 0.0]"
    else:
        mend = "scheduler.set_timesteps(2)"
    return Finding("one-step", where, place, value, why, mend)


def order(schedule: Schedule) -> Iterator[Finding]:
    """Nodes out of order and nodes that stand twice; the step between two of them does nothing."""
    where = schedule.where
    values, places = unpaired(schedule)
    usable = np.isfinite(values) & ((values >= 0) | np.array(where == "timesteps" and schedule.signed))
    values, places = values[usable], places[usable]
    rises = np.flatnonzero(values[1:] > values[:-1])
    if rises.size:
        place = int(places[rises[0] + 1])
        before = f"{where}[{place}] = {values[rises[0] + 1]:.6g} comes after {values[rises[0]]:.6g}"
        yield Finding(
            "unsorted", where, place, float(values[rises[0] + 1]), f"{before}: noise comes first", schedule.sorted()
        )
    falling = np.argsort(-values, kind="stable")
    values, places = values[falling], places[falling]
    exact = where == "timesteps"
    close = values[:-1] - values[1:] <= (0 if exact else SAME * values[:-1])
    counted = values[1:] > 0
    if exact:
        counted |= (values[1:] < 0) | (not (_leveled(schedule) and schedule.values.any()))  # else `zero` tells of them
    same = np.flatnonzero(close & counted)
    if same.size:
        yield _twice(schedule, values, places, same, rises.size == 0)
    elif schedule.timesteps is not None and schedule.sigmas is None and not schedule.handed:
        last = float(schedule.timesteps[-1])
        reached = schedule.convention.levels_of(schedule.timesteps[-1:])[0]
        if schedule.final > 0 and reached <= schedule.final * (1 + SAME):
            message = f"the last step goes from timestep {last:g} to the level that it has already ({reached:.4g})"
            mend = "scheduler = type(scheduler).from_config(scheduler.config, set_alpha_to_one=True)"
            yield Finding("idle-last-step", where, int(places[-1]), last, message, mend)


def _twice(schedule: Schedule, values: Floats, places: Indices, same: Indices, in_order: bool) -> Finding:
    where, place = schedule.where, int(places[same[0] + 1])
    value = float(values[same[0] + 1])
    more = f" ({same.size - 1} more)" if same.size > 1 else ""
    if value == 0:
        return Finding("zero-doubled", where, place, value, f"{where} end at 0 twice{more}", schedule.sorted())
    again = f"{where}[{place}] = {value:.6g}"
    if in_order and place == schedule.values.size - 1 and not (schedule.handed and schedule.convention.zero == "added"):
        ends = where == "sigmas" and schedule.convention.zero == "given"
        mend = schedule.line(f"{where} = [*{where}[:-1], 0.0]" if ends else f"{where} = {where}[:-1]")
        if not schedule.handed and not schedule.convention.ends_at_zero:
            mend = 'scheduler = type(scheduler).from_config(scheduler.config, final_sigmas_type="zero")'
        return Finding("idle-last-step", where, place, value, f"the last step ends where it starts, {again}", mend)
    mend = schedule.sorted()
    if (values[same] != values[same + 1]).any():  # one in float32, but not for a set
        if in_order and same.size == 1 and np.isfinite(schedule.values).all():
            mend = schedule.line(f"del {where}[{place}]")
        else:
            kept = f"[a for a, b in zip({where}, [*{where}[1:], -1.0]) if a - b > {SAME:g} * a]"
            mend = f"{mend}; {where} = {kept}" if schedule.handed else mend
    return Finding("repeated", where, place, value, f"{again} is the node before it once more{more}", mend)


def zero(schedule: Schedule) -> Iterator[Finding]:
    """The final 0 of a list of noise levels: missing, or there twice."""
    convention, where, values = schedule.convention, schedule.where, schedule.values
    wanted = convention.zero if schedule.handed else "given" if convention.ends_at_zero else "either"
    if not _leveled(schedule) or not values.size:
        return
    zeros, positive = np.flatnonzero(values == 0), np.flatnonzero(np.isfinite(values) & (values > 0))
    if not zeros.size and wanted == "given" and positive.size and not _idle(schedule):
        place = int(positive[-1])
        message = f"{where} end at {values[place]:.6g}: {convention.name} wants the final 0 in the list"
        mend = schedule.line(f"{where} = [*{where}, 0.0]")
        yield Finding("zero-missing", where, place, float(values[place]), message, mend)
    elif (zeros.size > 1 and values.any()) or (zeros.size and wanted == "added"):
        added = f", and {convention.name} adds one itself" if wanted == "added" else " twice"
        keep = "" if wanted == "added" else ", 0.0"
        mend = schedule.line(f"{where} = [*(value for value in {where} if value > 0){keep}]")
        yield Finding("zero-doubled", where, int(zeros[-1]), 0.0, f"{where} end at 0{added}", mend)


def _leveled(schedule: Schedule) -> bool:
    """Whether 0 in the list is the noise level 0."""
    convention = schedule.convention
    return schedule.where == "sigmas" or (
        schedule.where == "timesteps" and (convention.final_timestep or convention.reading == "flow")
    )


def _idle(schedule: Schedule) -> bool:
    """Whether the last step alone does nothing, whose line ends the list at 0."""
    values, _ = unpaired(schedule)
    values = values[np.isfinite(values) & (values >= 0)]
    close = values[:-1] - values[1:] <= SAME * values[:-1]  # or out of order
    return bool(values.size > 1 and values[-2] >= values[-1] > 0 and close[-1] and not close[:-1].any())


def pairs(schedule: Schedule) -> Iterator[Finding]:
    """A scheduler for Heun's method that has lost one of the two entries of a node."""
    values = schedule.values
    if schedule.handed or not schedule.convention.paired or schedule.where != "sigmas":
        return
    inner = values[1 : values.size - (values.size % 2 == 0)]
    whole = inner.size // 2 * 2
    broken = np.flatnonzero(inner[0:whole:2] != inner[1:whole:2])
    if inner.size % 2 or broken.size:
        place = int(1 + 2 * broken[0]) if broken.size else values.size - 2
        message = (
            f"sigmas[{place}] = {values[place]:.6g} stands once, where the second evaluation of its step is missing"
        )
        yield Finding("too-few", "sigmas", place, float(values[place]), message, schedule.fresh)


def unpaired(schedule: Schedule) -> tuple[Floats, Indices]:
    """The nodes and their places; of a scheduler whose nodes stand twice each node once."""
    values = schedule.values
    places = np.arange(values.size)
    if schedule.convention.paired and not schedule.handed and values.size > 2:
        ends = schedule.where == "sigmas" and values.size % 2 == 0  # with the final 0
        places = np.array([0, *range(1, values.size - ends, 2), *([values.size - 1] if ends else [])])
    elif schedule.convention.reading == "log-1000" and schedule.where == "sigmas" and not schedule.handed:
        # A consistency model answers with its denoiser: the final level only says how little noise is added again.
        places = places[: places.size - int(values[-1] == np.float32(schedule.convention.low))]
    return values[places], places

"""Errors between two lists, or a list and a number: timesteps beside sigmas, evaluations beside those asked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from certflow.diagnosis.finding import Finding
from certflow.diagnosis.nodes import SAME
from certflow.diagnosis.schedule import Schedule


def agreement(schedule: Schedule) -> Iterator[Finding]:
    """A timestep that names another noise level than the sigma of its step."""
    if schedule.sigmas is None or schedule.timesteps is None:
        return
    convention = schedule.convention
    count = min(schedule.told.size, schedule.sigmas.size)
    sigmas, timesteps = schedule.sigmas[:count], schedule.told[:count]
    known = np.isfinite(sigmas) & (sigmas > 0) & np.isfinite(timesteps)
    if convention.levels is not None:  # beyond the training range the libraries tell the model the last timestep
        known &= (sigmas >= convention.low * (1 - SAME)) & (sigmas <= convention.high * (1 + SAME))
    offsets = np.where(known, convention.offsets(np.where(known, sigmas, 1.0), timesteps), 0.0)
    wrong = np.flatnonzero(offsets > convention.rounding * (1 + 1e-3) + 1e-3)
    if wrong.size:
        place = int(wrong[0])
        more = f" ({wrong.size - 1} more)" if wrong.size > 1 else ""
        message = (
            f"timesteps[{place}] = {timesteps[place]:.6g} is {offsets[place]:.3g} timesteps from "
            f"sigmas[{place}] = {sigmas[place]:.6g}{more}"
        )
        yield Finding("times-disagree", "timesteps", place, float(timesteps[place]), message, schedule.fresh)


def stride(schedule: Schedule) -> Iterator[Finding]:
    """A scheduler whose steps go down by `N // n`, with timesteps that do not (diffusers' issue 12633)."""
    convention, told = schedule.convention, schedule.told
    count = told.size if schedule.asked is None else schedule.asked
    if not convention.strided or told.size < 2:
        return
    length = convention.steps // count
    wrong = np.flatnonzero(np.abs(told[:-1] - told[1:] - length) > 1)
    if wrong.size:
        place = int(wrong[0] + 1)
        value = float(told[place])
        message = f"timesteps[{place}] = {value:g}, but the step before it ends at {told[place - 1] - length:g}"
        mend = 'scheduler = type(scheduler).from_config(scheduler.config, timestep_spacing="trailing")'
        yield Finding("times-disagree", "timesteps", place, value, message, mend)


def evaluations(schedule: Schedule) -> Iterator[Finding]:
    """Fewer or more evaluations than asked for, or than there are noise levels to step from."""
    found = schedule.evaluations
    if schedule.where == "times" and found < 1:
        message = "one time makes no step: a grid has its first and its last"
        yield Finding("too-few", "times", 0, float(schedule.values[0]), message, "times = [*times, t_min]")
        return
    paired = schedule.convention.paired and not schedule.handed
    if schedule.asked is not None:
        wanted = 2 * schedule.asked - 1 if paired else schedule.asked
        if found != wanted:
            yield _finding(schedule, found, wanted, f"{wanted} are asked for")
            return
    if schedule.sigmas is not None and schedule.timesteps is not None and schedule.sigmas.size:
        ends = schedule.sigmas[-1] == 0
        steps = int((schedule.sigmas > 0).sum()) if ends else schedule.sigmas.size - 1
        if found != steps and (ends or found != steps + 1):
            yield _finding(schedule, found, steps, f"the sigmas have {steps} levels to step from")


def _finding(schedule: Schedule, found: int, wanted: int, why: str) -> Finding:
    name = "too-few" if found < wanted else "too-many"
    where = schedule.where if schedule.timesteps is None else "timesteps"
    code = f"num_inference_steps = {found}" if schedule.where != "times" else f"segments = {found}"
    message = f"{found} evaluation{'s' if found != 1 else ''} in {where}, where {why}"
    return Finding(name, where, None, None, message, schedule.line(code))

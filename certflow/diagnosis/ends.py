"""Errors of the scale: numbers of another kind than the library wants, ends outside the trained range."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from certflow.diagnosis.conventions import FAR_STARTS, HIGHEST
from certflow.diagnosis.finding import Finding
from certflow.diagnosis.nodes import SAME
from certflow.diagnosis.schedule import Schedule, even, whole
from certflow.numbers.arrays import Floats

#: Noise levels of timesteps that stay below this part of the training schedule are taken for sigmas themselves.
_LOWER_PART = 0.16


def scale(schedule: Schedule) -> Iterator[Finding]:
    """Sigmas where timesteps are meant, and the other way round."""
    if schedule.where == "times":
        yield from _times(schedule)
    elif schedule.where == "sigmas":
        yield from _sigmas(schedule)
    yield from _timesteps(schedule)


def _sigmas(schedule: Schedule) -> Iterator[Finding]:
    values, convention = _usable(schedule.values), schedule.convention
    top, place = _top(schedule.values)
    if top <= _highest(schedule):
        return
    if top >= 2 and (whole(values) or even(values)) and not _far(values, top):
        code = "sigmas = [*model.t_to_sigma(torch.tensor(sigmas)).tolist(), 0.0]"
        if convention.reading == "flow":
            code = f"sigmas = [step / {convention.steps} for step in sigmas]"
        elif convention.levels is not None:
            code = "scheduler.set_timesteps(timesteps=sigmas)"
        message = f"sigmas[{place}] = {top:g} is a timestep: noise levels up to {convention.high:.4g} are meant"
        yield Finding("timesteps-for-sigmas", "sigmas", place, top, message, schedule.line(code))
    elif convention.scale == "flow" and top > 1.05:
        message = f"sigmas[{place}] = {top:g}: flow matching has noise levels u = sigma/(1 + sigma) up to 1"
        mend = schedule.line("sigmas = [sigma / (1 + sigma) for sigma in sigmas]")
        yield Finding("another-scale", "sigmas", place, top, message, mend)


def _timesteps(schedule: Schedule) -> Iterator[Finding]:
    timesteps, convention = _usable(schedule.told), schedule.convention
    if not timesteps.size or convention.reading not in ("table", "flow"):
        return
    (top, place), count = _top(schedule.told), convention.steps
    if not _levels_for_timesteps(timesteps, count, convention.reading):
        return
    if convention.reading == "flow":
        level = "sigma" if top <= 1 else "sigma / (1 + sigma)"
        code = f"timesteps = [{count} * {level} for sigma in timesteps]"
    elif "sigmas" in convention.takes:
        code = "scheduler.set_timesteps(sigmas=[*timesteps, 0.0])"
    else:
        levels = "((1 - scheduler.alphas_cumprod) / scheduler.alphas_cumprod) ** 0.5"
        code = f"timesteps = [int(({levels} - sigma).abs().argmin()) for sigma in timesteps]"
    message = f"timesteps[{place}] = {top:g} is a noise level: timesteps up to {count} are meant"
    yield Finding("sigmas-for-timesteps", "timesteps", place, top, message, schedule.line(code))


def _times(schedule: Schedule) -> Iterator[Finding]:
    values = _usable(schedule.values)
    top, place = _top(schedule.values)
    if top <= schedule.convention.high:
        return
    meant = "OU times t = 1/2 log(1 + sigma^2) are meant"
    if values.size > 1 and (whole(values) or even(values)) and top > HIGHEST:
        code = "times = [-math.log(float(scheduler.alphas_cumprod[int(step)])) / 2 for step in times]"
        message = f"times[{place}] = {top:g} is a timestep: {meant}"
        yield Finding("timesteps-for-sigmas", "times", place, top, message, code)
    elif top <= HIGHEST or _far(values, top):
        code = "times = [math.log1p(sigma**2) / 2 for sigma in times if sigma > 0]"
        message = f"times[{place}] = {top:g} is a noise level: {meant}"
        yield Finding("sigmas-for-timesteps", "times", place, top, message, code)


def _levels_for_timesteps(timesteps: Floats, steps: int, reading: str) -> bool:
    """Whether the numbers look like sigmas: in the lowest part of the schedule, falling by powers or with fractions."""
    near = np.round(timesteps)
    timesteps = np.where(np.abs(timesteps - near) <= 1e-3, near, timesteps)  # found by interpolation in float32
    top = timesteps.max()
    fractions = bool(((timesteps > 0) & (timesteps < 1)).any())
    if top <= 1:
        return bool(timesteps.size > int(reading != "flow") or fractions) and bool(timesteps.any())
    if top > max(_LOWER_PART * steps, 20) and not (_far(timesteps, top) and fractions):
        return False
    if fractions or (timesteps.size == 1 and not whole(timesteps)) or (timesteps.size >= 3 and top <= 0.02 * steps):
        return True
    falling = np.sort(timesteps[timesteps > 0])[::-1]
    return bool(
        falling.size >= 3
        and falling[0] - falling[1] >= 2 * (falling[-2] - falling[-1])
        and falling[0] >= 5 * falling[-1]
    )


def ranges(schedule: Schedule) -> Iterator[Finding]:
    """Ends where the model was never trained, by more than half of the outermost gap of its training schedule."""
    where, values, convention = schedule.where, schedule.values, schedule.convention
    usable = _usable(values)
    if not usable.size:
        return
    if where == "timesteps":
        yield from _timestep_range(schedule)
        return
    top, place = _top(values)
    if top > _highest(schedule) and not _far(usable, top):
        message = f"{where}[{place}] = {top:.6g} is above the trained {convention.high:.6g}"
        mend = _ended(schedule, place, "min", f"{convention.high:.6g}")
        yield Finding("out-of-range", where, place, top, message, mend)
    if where == "times" and (values == 0).any():
        place = int(np.flatnonzero(values == 0)[0])
        mend = "times = [time for time in times if time > 0]"
        yield Finding("out-of-range", where, place, 0.0, f"times[{place}] = 0: OU times end above 0, at t_min", mend)
    positive = usable[usable > 0]
    if positive.size and positive.min() < _lowest(schedule):
        low = float(positive.min())
        place = int(np.flatnonzero(values == low)[0])
        message = f"{where}[{place}] = {low:.6g} is below the trained {convention.low:.6g}"
        mend = _ended(schedule, place, "max", f"{convention.low:.6g}")
        yield Finding("out-of-range", where, place, low, message, mend)


def _timestep_range(schedule: Schedule) -> Iterator[Finding]:
    convention = schedule.convention
    last = {"angle": np.pi / 2 + 1e-4, "clean": 1.0, "flow": float(convention.steps)}
    high = last.get(convention.reading, convention.steps - 1.0 + (0.0 if convention.whole else 0.5))
    values = schedule.values
    if convention.reading in ("log", "log-1000") or convention.name.endswith("(assumed)"):
        high = float("inf") if convention.reading != "table" else float(convention.steps)
    top, place = _top(values)
    if top > high:
        message = f"timesteps[{place}] = {top:g} is above the last one that was trained, {high:g}"
        end = f"{np.pi / 2:.5g}" if convention.reading == "angle" else f"{np.floor(high):g}"
        mend = _ended(schedule, place, "min", end)
        yield Finding("out-of-range", "timesteps", place, top, message, mend)


def _ended(schedule: Schedule, place: int, which: str, end: str) -> str:
    """The line that puts an entry at the end of the range; where more would lie there, all of them, once.

    Where lines before it move the entries, its place is another one by then.
    """
    values, high = schedule.values, which == "min"
    alone = np.count_nonzero(values >= float(end) if high else (values > 0) & (values <= float(end))) == 1
    alone &= high or np.count_nonzero(values >= schedule.convention.high * (1 - 1e-5)) <= 1
    if alone and (np.diff(values) < -SAME * values[:-1]).all():
        return schedule.line(f"{schedule.where}[{place}] = {end}")
    return schedule.sorted(f"min(value, {end})" if high else f"max(value, {end}) if value > 0 else value")


def _usable(values: Floats) -> Floats:
    return values[np.isfinite(values) & (values >= 0)]


def _top(values: Floats) -> tuple[float, int]:
    """The largest finite entry and its place; -1 where there is none."""
    finite = np.where(np.isfinite(values), values, -1.0)
    place = int(np.argmax(finite))
    return float(finite[place]), place


def _far(values: Floats, top: float) -> bool:
    """Whether the start is one of the far ones that occur, with nodes that fall by powers after it."""
    return any(abs(top - start) <= 1e-3 * start for start in FAR_STARTS) and not even(values)


def _highest(schedule: Schedule) -> float:
    convention = schedule.convention
    levels = convention.levels
    if levels is None:
        return convention.high * (1 + 1e-4)
    finite = np.sort(levels[np.isfinite(levels)])
    return float(max(finite[-1] * np.sqrt(finite[-1] / finite[-2]), convention.high * (1 + 1e-4)))


def _lowest(schedule: Schedule) -> float:
    convention = schedule.convention
    levels = convention.levels
    if levels is None:
        return convention.low * (1 - 1e-4)
    finite = np.sort(levels[np.isfinite(levels) & (levels > 0)])
    return float(min(finite[0] * np.sqrt(finite[0] / finite[1]), convention.low * (1 - 1e-4)))

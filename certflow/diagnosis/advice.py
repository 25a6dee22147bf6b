"""What is no error and yet costs quality or steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from certflow.diagnosis.finding import Finding
from certflow.diagnosis.schedule import Schedule
from certflow.numbers.arrays import Floats

#: A third of the steps within this part of the quarter circle of `arctan sigma` is a crowd.
_CROWD, _PART = 1 / 3, 0.02
#: A step that changes log sigma by less.
_NOTHING = 1e-3


def first_time(schedule: Schedule) -> Iterator[Finding]:
    """`leading` spacing starts at `(n - 1) N / n`, so that fewer steps start at less noise."""
    convention, told = schedule.convention, schedule.told
    if convention.reading != "table" or not told.size or not np.isfinite(told).all():
        return
    last = convention.steps - 1
    count = (told.size + 1) // 2 if convention.paired and not schedule.handed else told.size
    if told[0] >= last - 1:
        return
    if convention.spacing == "leading" or (convention.spacing is None and _leading(told, convention.steps)):
        how = "leading spacing"
    elif told[0] == 0:
        how = "one step"
    else:
        return
    message = f"timesteps[0] = {told[0]:g} of {last} for n = {count}: {how} starts lower the fewer steps there are"
    mend = 'scheduler = type(scheduler).from_config(scheduler.config, timestep_spacing="trailing")'
    yield Finding("first-time-depends-on-steps", "timesteps", 0, float(told[0]), message, mend)


def _leading(timesteps: Floats, steps: int) -> bool:
    gaps = -np.diff(timesteps)
    return bool(gaps.size and (gaps == steps // timesteps.size).all() and timesteps[-1] in (0, 1))


def crowded(schedule: Schedule) -> Iterator[Finding]:
    """Nodes that follow each other where the denoiser of data of unit scale hardly changes."""
    where = schedule.where
    logs = np.sort(schedule.convention.log_sigmas(schedule.levels()))[::-1]
    if schedule.convention.paired and not schedule.handed:
        logs = np.unique(logs)[::-1]
    logs = logs[logs < np.inf]  # flow matching starts at u = 1
    if logs.size < 6 or not np.isfinite(logs).all():
        return
    gaps = logs[:-1] - logs[1:]
    close = np.flatnonzero((gaps < _NOTHING) & (gaps > 1e-6))
    if close.size:
        place = int(close[0] + 1)
        message = (
            f"node {place} is {gaps[close[0]]:.2g} in log sigma below the one before it: its step does next to nothing"
        )
        mend = schedule.line(f"del {where}[{place}]")
        yield Finding("crowded", where, place, None, message, mend)
        return
    angles = np.arctan(np.exp(logs.clip(-700, 700)))
    most = max(3, int(np.ceil(_CROWD * logs.size)))
    for first, last, end in ((0, most, "noise"), (logs.size - 1 - most, logs.size - 1, "data")):
        span = (angles[first] - angles[last]) / (np.pi / 2)
        if span < _PART:
            message = (
                f"{most} of {logs.size} steps lie at the {end} end within {100 * span:.2g} % of the quarter circle "
                "arctan(sigma)"
            )
            mend = f"sigmas = np.tan(np.linspace({angles[0]:.6g}, {angles[-1]:.6g}, {logs.size}))"
            yield Finding("crowded", where, first, None, message, mend)


def merged(schedule: Schedule) -> Iterator[Finding]:
    """Whole timesteps that stand for several noise levels: the model is told that they are one."""
    timesteps, convention = schedule.told, schedule.convention
    if timesteps.size < 2 or not np.isfinite(timesteps).all():
        return
    if schedule.sigmas is None:
        kept = np.trunc(timesteps) if convention.whole and schedule.handed else timesteps
        same = np.flatnonzero((kept[1:] == kept[:-1]) & (timesteps[1:] != timesteps[:-1]))
    else:
        count = min(timesteps.size, schedule.sigmas.size)
        sigmas = schedule.sigmas[:count]
        apart = np.abs(np.diff(sigmas)) > 1e-6 * sigmas[:-1]
        same = np.flatnonzero((np.diff(timesteps[:count]) == 0) & apart)
    if same.size:
        place = int(same[0] + 1)
        more = f" ({same.size - 1} more)" if same.size > 1 else ""
        message = f"timesteps[{place}] = {timesteps[place]:g} is told for two noise levels{more}"
        mend = schedule.line("timesteps = sorted({round(step) for step in timesteps}, reverse=True)")
        yield Finding("rounding-merges", "timesteps", place, float(timesteps[place]), message, mend)


def added(schedule: Schedule) -> Iterator[Finding]:
    """A final 0 in a list of flow matching whose scheduler is not known."""
    values = schedule.values
    if schedule.convention.zero == "either" and schedule.handed and values.size > 1 and values[-1] == 0:
        message = "FlowMatchEulerDiscreteScheduler and UniPCMultistepScheduler add the final 0 themselves"
        place = values.size - 1
        yield Finding("zero-is-added", "sigmas", place, 0.0, message, "sigmas = sigmas[:-1]")

"""A shift that is applied twice: a list of flow matching that is the scheduler's shift of evenly spaced nodes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from certflow.diagnosis.finding import Finding
from certflow.diagnosis.schedule import Schedule
from certflow.numbers.arrays import Floats

#: Relative distance of the odds `u / (1 - u)` up to which float32 explains that two lists differ.
_CLOSE = 2e-3


def shifted(times: Floats, shift: float) -> Floats:
    """`k u / (1 + (k - 1) u)`, which multiplies the odds `u / (1 - u)` by `k`; twice is once with `k^2`."""
    return shift * times / (1 + (shift - 1) * times)


def twice(schedule: Schedule) -> Iterator[Finding]:
    """The scheduler's own shift in a list that it will shift, or its square in what it holds."""
    convention = schedule.convention
    shift = convention.shift
    if convention.scale != "flow" or shift == 1:
        return
    times = np.sort(schedule.levels())[::-1]
    if times.size < 2:
        return
    once = 1.0 if schedule.handed else shift
    bases = _bases(times.size, shift, convention.steps)
    powers = [power for power in (0, 1, 2) if any(_agree(times, shifted(base, once * shift**power)) for base in bases)]
    if not powers or powers[0] == 0:
        return
    where = schedule.where
    unit = convention.steps if where == "timesteps" else 1
    place = int(np.argmin(np.abs(schedule.values - times[1] * unit)))
    undone = shift ** powers[0]
    if schedule.handed:
        message = f"{where} have the shift already, which the scheduler will apply again: k = {undone:g}"
        code = f"{where} = [u / ({undone:g} - {undone - 1:g} * u) for u in {where}]"
        if unit != 1:
            code = f"timesteps = [t / ({undone:g} - {undone - 1:g} * t / {unit}) for t in timesteps]"
    else:
        message = f"{where} are shifted twice, k = {shift:g}"
        again = [float(f"{value:.6g}") for value in shifted(times, 1 / (once * undone))]
        code = convention.call(f"sigmas=np.array({again})" if convention.whole else f"sigmas={again}")
    yield Finding("shifted-twice", where, place, float(schedule.values[place]), message, code)


def unshifted(schedule: Schedule, times: Floats) -> Floats:
    """The times of a list that is handed over without the shift that they have already."""
    bases = _bases(times.size, schedule.convention.shift, schedule.convention.steps)
    for power in (1, 2):
        undone = schedule.convention.shift**power
        if any(_agree(times, shifted(base, undone)) for base in bases):
            return shifted(times, 1 / undone)
    return times


def end_twice(schedule: Schedule) -> Iterator[Finding]:
    """The last node of a scheduler's own schedule, which it takes from its training schedule after the shift.

    That is so in diffusers (its issue 13243): `FlowMatchEulerDiscreteScheduler` then ends at `k^2`, not at `k`.
    """
    convention, shift = schedule.convention, schedule.convention.shift
    times = schedule.levels()
    if schedule.handed or convention.scale != "flow" or shift == 1 or times.size < 2:
        return
    low = 1 / convention.steps
    if abs(times[-1] / shifted(np.array(low), shift**2) - 1) < _CLOSE:
        place = times.size - 1
        meant = shifted(np.array(low), shift)
        message = f"sigmas[{place}] = {times[-1]:.4g} is shifted twice, once it is {meant:.4g}; the others are right"
        mend = convention.call(f"sigmas=np.linspace(1, {low:g}, {times.size})")
        yield Finding("end-shifted-twice", "sigmas", place, float(times[-1]), message, mend)


def _bases(count: int, shift: float, steps: int) -> list[Floats]:
    """Evenly spaced nodes, as schedulers and pipelines space them before they shift.

    The lowest may be shifted once already: a scheduler of flow matching keeps the shifted end of its training schedule.
    """
    low = 1 / steps
    start = 1 - low
    pairs = [(1.0, low), (1.0, shift * low / (1 + (shift - 1) * low)), (1.0, 1 / count)]
    pairs += [(1.0, 1 - (count - 1) / count * (1 - low)), (start, start / count), (start, low)]
    return [np.linspace(first, last, count) for first, last in pairs]


def _agree(times: Floats, base: Floats) -> bool:
    inner = (times < 1 - 1e-5) & (base < 1 - 1e-5)
    if not inner.any():
        return bool(np.allclose(times, base, atol=2e-5))
    odds = times[inner] / (1 - times[inner]) / (base[inner] / (1 - base[inner]))
    return bool(np.abs(odds - 1).max() <= _CLOSE and np.abs(times - base).max() <= _CLOSE)

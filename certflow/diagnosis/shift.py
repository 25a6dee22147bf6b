"""A shift that is applied twice: a list of flow matching that is the scheduler's shift of evenly spaced nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from certflow.diagnosis.finding import Finding
from certflow.diagnosis.schedule import Schedule
from certflow.numbers.arrays import Floats

#: Relative distance of the odds `u / (1 - u)` up to which float32 explains that two lists differ.
_CLOSE = 2e-3
#: So many nodes are evenly spaced by no accident, wherever they start and end.
_ENOUGH = 4


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
    power = _applied(schedule, times, (once, once * shift, once * shift**2))
    if not power:
        return
    where = schedule.where
    unit = convention.steps if where == "timesteps" else 1
    place = int(np.argmin(np.abs(schedule.values - times[1] * unit)))
    undone = shift**power
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
    shifts = [schedule.convention.shift**power for power in (1, 2)]
    found = _applied(schedule, times, shifts)
    return times if found is None else shifted(times, 1 / shifts[found])


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


def _applied(schedule: Schedule, times: Floats, shifts: Sequence[float]) -> int | None:
    """The first of the shifts that makes these times of evenly spaced ones, by its place; None where none does."""
    unit = schedule.convention.steps if schedule.where == "timesteps" else 1
    decimal = 0.0 if not schedule.handed else _decimal(schedule.values) / unit
    bases = _bases(times.size, schedule.convention.shift, schedule.convention.steps)
    for place, shift in enumerate(shifts):
        plain = shifted(times, 1 / shift)
        own = [np.linspace(plain[0], plain[-1], times.size)] if times.size >= _ENOUGH else []
        if any(_agree(times, shifted(base, shift), decimal) for base in (*bases, *own)):
            return place
    return None


def _decimal(values: Floats) -> float:
    """What the last decimal of a list that was written by hand may be off; 0 where there are more than six."""
    for places in range(1, 6):
        if np.allclose(values, np.round(values, places), rtol=0, atol=1e-9):
            return float(1.2 * 10.0**-places)
    return 0.0


def _bases(count: int, shift: float, steps: int) -> list[Floats]:
    """Evenly spaced nodes, as schedulers and pipelines space them before they shift.

    The lowest may be shifted once already: a scheduler of flow matching keeps the shifted end of its training schedule.
    """
    low = 1 / steps
    start = 1 - low
    pairs = [(1.0, low), (1.0, shift * low / (1 + (shift - 1) * low)), (1.0, 1 / count)]
    pairs += [(1.0, 1 - (count - 1) / count * (1 - low)), (start, start / count), (start, low)]
    return [np.linspace(first, last, count) for first, last in pairs]


def _agree(times: Floats, base: Floats, decimal: float) -> bool:
    """Whether the odds agree as float32 has them, or the times to the last decimal."""
    near = np.abs(times - base)
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = times / (1 - times) / (base / (1 - base))
    inner = (times < 1 - 1e-5) & (base < 1 - 1e-5)
    close = np.where(inner, (np.abs(odds - 1) <= _CLOSE) & (near <= _CLOSE), near <= 2e-5)
    return bool((close | (near <= decimal)).all())

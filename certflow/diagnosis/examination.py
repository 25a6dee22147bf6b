"""`doctor`: a list of steps held against what its library makes of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from certflow.diagnosis import advice, counts, ends, nodes, shift
from certflow.diagnosis.finding import Diagnosis, Finding
from certflow.diagnosis.mending import mended
from certflow.diagnosis.reading import schedule_of
from certflow.diagnosis.schedule import Schedule
from certflow.numbers.arrays import Times

#: How often a list is mended and examined again.
_ROUNDS = 3

#: Errors after which the others say nothing of their own: the numbers are of another kind.
_SCALES = ("timesteps-for-sigmas", "sigmas-for-timesteps", "another-scale")


def doctor(
    steps: Any,
    library: str = "diffusers",
    *,
    scheduler: Any = None,
    num_inference_steps: int | None = None,
    mu: float | None = None,
) -> Diagnosis:
    """What is wrong with a list of sigmas or timesteps, each with a line that mends it.

    Parameters
    ----------
    steps : shape (n,), numbers as they would be handed to the library; a mapping with `sigmas`, `timesteps` or `times`
        and, if one likes, `scheduler`, `num_inference_steps`, `mu`; an export of `TimeGrid.export`; a text or a file
        with one of these; or a scheduler of diffusers, which is read and left as it is
    library : "diffusers"; "k-diffusion", whose samplers take sigmas with the final 0; "ou", times of this package
    scheduler : the class name or the config of the scheduler that is to get the list; without it only what every
        scheduler refuses is an error
    num_inference_steps : how many steps are meant, as diffusers counts them; for a scheduler before its `set_timesteps`
        the number that it is to get
    mu : what a pipeline passes to a scheduler of dynamic shifting

    Returns
    -------
    Diagnosis : `.ok`, `.errors`, `.advice` and, of a list, `.mended`

    Raises
    ------
    InputError : what is no list of numbers; a scheduler that takes none; a number of steps that it refuses.

    Examples
    --------
    >>> import certflow as cf
    >>> found = cf.doctor([14.6, 5.1, 5.1, 1.2], "k-diffusion")
    >>> [(finding.name, finding.index) for finding in found.errors]
    [('repeated', 2), ('zero-missing', 3)]
    >>> found.mended
    {'sigmas': [14.6, 5.1, 1.2, 0.0]}
    >>> config = {"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3}
    >>> cf.doctor([1.0, 0.9, 0.75, 0.5], scheduler=config).errors[0].mend
    'sigmas = [u / (3 - 2 * u) for u in sigmas]'
    """
    with np.errstate(all="ignore"):  # what is no noise level becomes NaN, of which no comparison holds
        schedule = schedule_of(steps, library, scheduler, num_inference_steps, mu)
        findings = tuple(sorted(_examined(schedule), key=lambda finding: not finding.is_error))
        times, list_without = _times(schedule, findings), _mended(schedule, findings)
    return Diagnosis(schedule.convention.name, findings, times, list_without)


def _mended(schedule: Schedule, findings: tuple[Finding, ...]) -> dict[str, list[float]] | None:
    """The mended list, examined itself: what was hidden behind another error is mended too, or nothing is promised."""
    for _ in range(_ROUNDS):
        found = mended(schedule, findings)
        if found is None:
            return None
        values = np.array(next(iter(found.values())))
        if schedule.where == "timesteps":
            schedule = replace(schedule, asked=None, timesteps=values)
        else:
            schedule = replace(schedule, asked=None, sigmas=values)
        findings = tuple(finding for finding in _examined(schedule) if finding.is_error)
        if not findings:
            return found
    return None


def _times(schedule: Schedule, findings: tuple[Finding, ...]) -> Times:
    """The OU times of the nodes; none where the numbers are of another kind than is meant."""
    if any(finding.name in _SCALES for finding in findings):
        return np.zeros(0)
    times = schedule.convention.ou_times(schedule.levels())
    return np.unique(times[np.isfinite(times)])[::-1]


def _examined(schedule: Schedule) -> list[Finding]:
    wrong = list(nodes.numbers(schedule))
    if any(finding.name == "one-step" for finding in wrong):
        return wrong
    found = [*wrong, *ends.scale(schedule)]
    scaled = not any(finding.name in _SCALES for finding in found)
    if scaled or schedule.handed:  # a scheduler may have rounded numbers of another kind to one
        found += [*nodes.order(schedule), *nodes.pairs(schedule)]
    if scaled:
        found += [*nodes.zero(schedule), *ends.ranges(schedule), *shift.twice(schedule)]
    if scaled and not wrong:
        found += [*counts.agreement(schedule), *counts.stride(schedule), *counts.evaluations(schedule)]
        checks = (advice.first_time, advice.crowded, advice.merged, advice.added, shift.end_twice)
        found += chain.from_iterable(check(schedule) for check in checks)
    return found

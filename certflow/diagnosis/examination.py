"""`doctor`: a list of steps held against what its library makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from certflow.diagnosis import advice, counts, ends, nodes, shift
from certflow.diagnosis.finding import Diagnosis, Finding
from certflow.diagnosis.measurement import Measurement
from certflow.diagnosis.measuring import measured
from certflow.diagnosis.mending import mended
from certflow.diagnosis.reading import schedule_of
from certflow.diagnosis.schedule import Schedule
from certflow.diagnosis.stepping import reached
from certflow.errors import InputError
from certflow.numbers.arrays import Times
from certflow.process import OrnsteinUhlenbeck
from certflow.samplers.field import Denoiser

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
    process: OrnsteinUhlenbeck | None = None,
    model: Denoiser | None = None,
    sampler: str | None = None,
    progress: Callable[[int, int], None] | None = None,
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
    process, model : a mixture's process, or a model with `denoiser(x, t)`, `t_min` and `t_max`: `.measured` is then the
        error `E|Psi(X) - Phi(X)|^2 / E|Phi(X)|^2` of these steps beside that of the best ones at the same cost
        (proofs/G4.md, G5.md), from the first noise level of the list to its last above 0, whatever the interval of the
        process; needs torch, takes some seconds
    sampler : the solver, of `certflow.samplers.SOLVERS`; without it the scheduler's own, or Euler's
    progress : called with (parts done, parts in all) while better steps are sought

    Returns
    -------
    Diagnosis : `.ok`, `.errors`, `.advice`, `.measured` and, of a list, `.mended`

    Raises
    ------
    InputError : what is no list of numbers; a scheduler that takes none; a number of steps that it refuses; a sampler
        that is not known or has nothing to run on.

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

    The error that Euler makes with it, to sigma = 1.2, where the final step begins:

    >>> law = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> f"{cf.doctor([14.6, 1.2, 0.0], 'k-diffusion', process=law).measured.listed.relative_mse:.2f}"
    '0.02'
    """
    law = _law(process, model, sampler)
    with np.errstate(all="ignore"):  # what is no noise level becomes NaN, of which no comparison holds
        schedule = schedule_of(steps, library, scheduler, num_inference_steps, mu)
        findings = tuple(sorted(_examined(schedule), key=lambda finding: not finding.is_error))
        times, list_without = _times(schedule, findings), _mended(schedule, findings)
    found = Diagnosis(schedule.convention.name, findings, times, list_without)
    return found if law is None else _with(measured(schedule, findings, law, sampler, progress), schedule, found)


def _law(process: Any, model: Any, sampler: str | None) -> Any:
    """What the solver is run on; None where nothing is to be measured."""
    if process is not None and not isinstance(process, OrnsteinUhlenbeck):
        raise InputError("process", process, "a certflow.OrnsteinUhlenbeck")
    if process is not None and model is not None:
        raise InputError("model", model, "none beside a process")
    law = model if process is None else process
    if law is None and sampler is not None:
        raise InputError("sampler", sampler, "a process or a model on which it is measured")
    return law


def _with(measurement: Measurement, schedule: Schedule, found: Diagnosis) -> Diagnosis:
    """The diagnosis with what was measured; steps that would be handed over have no error, or they are not told."""
    if schedule.target is None and measurement.steps is not None:
        with np.errstate(all="ignore"):
            steps = {name: np.array(values) for name, values in measurement.steps.items()}
            sigmas, timesteps = steps.get("times", steps.get("sigmas")), steps.get("timesteps")
            better = replace(schedule, sigmas=sigmas, timesteps=timesteps)
            wrong = [finding for finding in _examined(better) if finding.is_error]
        if wrong:
            note = f"The best steps are not told before the errors are mended ({wrong[0].name})."
            measurement = replace(measurement, steps=None, mend=None, notes=(*measurement.notes, note))
    advised = found.findings
    if measurement.is_far and measurement.mend is not None:
        ratio, kind = measurement.times_the_best, measurement.kind
        message = f"{ratio:.3g} times the relative MSE of the best steps at the same cost ({kind})"
        advised += (Finding("better-steps", schedule.where, None, ratio, message, measurement.mend),)
    return replace(found, findings=advised, measured=measurement)


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
    times = schedule.convention.ou_times(reached(schedule))
    return np.unique(times[np.isfinite(times) & (times > 0)])[::-1]


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

"""The error of a list with a solver, measured beside that of the grid that is sought for this solver."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import numpy as np

from certflow.diagnosis.finding import Finding
from certflow.diagnosis.measurement import Measurement, Score
from certflow.diagnosis.schedule import Schedule
from certflow.diagnosis.stepping import Stepping, listed, snapped, stepping
from certflow.errors import INSTALL_TORCH, InputError
from certflow.grids.export.schedulers import TAKERS
from certflow.grids.grid import TimeGrid
from certflow.grids.kinds.coordinates import log_sigma
from certflow.numbers.arrays import Floats, Times
from certflow.numbers.inputs import real_number
from certflow.numbers.numerals import figure
from certflow.planning.names import MOST_SEARCHED, NO_GAIN, within_factor
from certflow.planning.time_grid import time_grid
from certflow.process import OrnsteinUhlenbeck
from certflow.samplers.error import squared_errors
from certflow.samplers.field import denoise_of
from certflow.samplers.solvers import Solver, solver_of
from certflow.schedules.model import Model

#: Points, of a mixture and of a model, and their seed: others than the search has seen.
SAMPLES, MODEL_SAMPLES, SEED = 8192, 1024, 1_000_003
#: What is below says nothing of steps: the error of a mixture's flow, and of the fine solve of a model.
FLOORS = (1e-14, 1e-8)
#: Ends of a list that miss those of a model by less, in log sigma, are rounding.
ROUNDING = 5e-3
NONE_BETTER = "these steps"
#: What solvers and searches ask of a model beside its ends.
_ASKED = ("denoiser", "velocity", "flow", "mixture", "shape")


def measured(
    schedule: Schedule,
    findings: tuple[Finding, ...],
    law: Any,
    sampler: str | None,
    progress: Callable[[int, int], None] | None = None,
) -> Measurement:
    """Both errors, of a mixture's process or a model, from the first noise level of the list to its last above 0.

    Raises
    ------
    InputError : a sampler that is not known; what `certflow.samplers.relative_mse` and `cf.time_grid` refuse.
    """
    name = schedule.convention.name
    solver = solver_of(sampler or schedule.convention.solver or "euler")
    chosen = f"the solver of {name}" if schedule.convention.solver else f"the default, as {name} implies none"
    chosen = "asked for" if sampler else chosen
    stepped = stepping(schedule, findings)
    if isinstance(stepped, str):
        return Measurement(solver.name, chosen, stepped)
    between = _between(law, stepped)
    if isinstance(between, str):
        return Measurement(solver.name, chosen, between)
    part, times = between
    kind, found, notes = _best(part, times, solver, progress)
    grids = [times] if found is None else [times, snapped(schedule, found)]
    mixture = isinstance(part, OrnsteinUhlenbeck)
    samples = SAMPLES if mixture else MODEL_SAMPLES
    scores = [score(errors) for errors in squared_errors(part, grids, solver.name, samples=samples, seed=SEED)]
    listed_score, best = scores[0], scores[-1]
    floor = FLOORS[0 if mixture else 1]
    gained = best.relative_mse < NO_GAIN * listed_score.relative_mse and listed_score.relative_mse > floor
    if found is None or not gained:
        kind, best, found = NONE_BETTER, listed_score, None
    result = Measurement(
        solver.name,
        chosen,
        evaluations=solver.cost(times.size - 1 + stepped.goes_on, stepped.goes_on),
        listed=listed_score,
        best=best,
        kind=kind,
        notes=(*notes, *_said(schedule, stepped, solver)),
    )
    return result if found is None else _written(result, schedule, stepped, grids[1])


def score(errors: Floats) -> Score:
    """The mean, and the factor within which it is expected in nine cases of ten."""
    mean = float(errors.mean())
    spread = float(errors.std()) / math.sqrt(errors.size) / mean if mean else 0.0
    return Score(mean, within_factor(spread))


def _between(law: Any, stepped: Stepping) -> tuple[Any, Times] | str:
    """The law on the interval of the list, and the times, whose ends are then those of this interval."""
    times = stepped.times.copy()
    if isinstance(law, OrnsteinUhlenbeck):
        if law.mixture.is_symbolic:
            raise InputError("mixture", "symbolic parameters", "numbers")
        return OrnsteinUhlenbeck(law.mixture, float(times[-1]), float(times[0])), times
    denoise_of(law)
    required = "a number, an end of the OU times of the model"
    low, high = (real_number(getattr(law, end, None), end, required) for end in ("t_min", "t_max"))
    if stepped.pure:
        times[0] = min(times[0], high)
    for place, end, outside in ((0, high, times[0] > high), (-1, low, times[-1] < low)):
        if outside:
            if abs(log_sigma(times[place]) - log_sigma(end)) > ROUNDING:
                ends = f"from {figure(low, 4)} to {figure(high, 4)}"
                return f"t = {figure(times[place], 4)} in OU time is none of the model, which has {ends}"
            times[place] = end
    if not (np.diff(times) < 0).all():
        return "the steps lie at an end of the model's OU times"
    return _part(law, float(times[-1]), float(times[0])), times


def _part(law: Any, t_min: float, t_max: float) -> Any:
    """The model on a part of its interval; the caller's own object may not be written to, nor need it be copied."""
    if isinstance(law, Model):
        return law.between(t_min, t_max)
    known = {name: getattr(law, name) for name in _ASKED if hasattr(law, name)}
    return SimpleNamespace(**known, t_min=t_min, t_max=t_max)


def _best(
    part: Any, times: Times, solver: Solver, progress: Callable[[int, int], None] | None
) -> tuple[str | None, Times | None, tuple[str, ...]]:
    """The kind and the times of the solver's own grid with as many segments; None where there is no choice."""
    segments = times.size - 1
    if segments == 1:
        return None, None, ("One step between two noise levels leaves no choice.",)
    if segments > MOST_SEARCHED:
        return None, None, (f"Beyond {MOST_SEARCHED} segments no better ones are sought.",)
    if find_spec("torch") is None:
        return None, None, (f"The best grid at the same cost is found with torch: {INSTALL_TORCH}.",)
    grid = time_grid(part, segments, "auto", sampler=solver.name, progress=progress)
    return grid.kind, grid.times, ()


def _said(schedule: Schedule, stepped: Stepping, solver: Solver) -> tuple[str, ...]:
    """What is to be known of the ends and of the solver."""
    notes = []
    if stepped.pure:
        notes.append("Pure noise is taken for the last OU time at which anything of the data is left.")
    if stepped.goes_on:
        sigma = math.sqrt(math.expm1(2 * stepped.times[-1]))
        notes.append(f"Left out is the last step, from sigma = {figure(sigma, 4)} to 0: it is the same for both.")
    if solver.name == "heun" and schedule.convention.scale == "flow":
        notes.append("Heun's method is that in sigma, not the one in u of FlowMatchHeunDiscreteScheduler.")
    return tuple(notes)


def _written(found: Measurement, schedule: Schedule, stepped: Stepping, times: Times) -> Measurement:
    """With the steps in the words of the list; where a scheduler holds it, the call that makes it step over them."""
    convention = schedule.convention
    if schedule.target is not None and convention.name in TAKERS:
        nodes = times[:-1] if stepped.owned else times
        try:
            made = TimeGrid("custom", nodes).export("diffusers", scheduler=schedule.target, mu=convention.mu)
        except InputError as error:
            note = f"{convention.name} does not take the best steps ({error.field}: {error.requirement})."
            return replace(found, notes=(*found.notes, note))
        steps = {name: value for name, value in made.arguments.items() if isinstance(value, list)}
        return replace(found, steps=steps, mend=made.code.strip().splitlines()[-1])
    if schedule.target is not None:
        note = f"{convention.name} takes a number of steps and no list: these are for a scheduler that does."
        found = replace(found, notes=(*found.notes, note))
    steps = listed(schedule, stepped, times)
    line = "; ".join(f"{name} = {values}" for name, values in steps.items())
    return replace(found, steps=steps, mend=line)

"""OU times of what a sampler library calls sigmas or timesteps: what `schedulers` writes, read back.

The same word means other numbers in other classes: noise levels (EulerDiscreteScheduler, k-diffusion), times of flow
matching before or after a shift, places on a ramp, angles. `SIGMAS` and `TIMESTEPS` say which, by the way in which a
class takes a grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.grids.export import schedulers
from certflow.grids.export.diffusers import setup
from certflow.grids.export.schedulers import TAKERS, Setup
from certflow.grids.export.training import Training
from certflow.numbers.arrays import Flags, Floats, Times
from certflow.numbers.inputs import float_array

#: Beyond, the square of a noise level is no float64, and its logarithm is its OU time to rounding.
_LARGE = 1e100


@dataclass(frozen=True)
class Form:
    """How a class writes noise levels.

    levels : `levels(setup, values)`, noise levels, falling; zero : what a zero at the end is: the "end" of the list,
    beyond the last node; one that the class "adds" itself; or a "value" like others
    """

    levels: Callable[[Setup, Floats], Floats]
    zero: str = "end"


def times_of_sigmas(sigmas: Any, scheduler: Any, mu: Any, config: dict[str, Any]) -> tuple[Times, dict[str, Any]]:
    """OU times, latest first, and what the grid says of itself."""
    if scheduler is None:
        if config or mu is not None:
            raise InputError("option", next(iter(config), "mu"), "none without a scheduler: sigmas are noise levels")
        return _read(Form(_noise_levels), Setup("", {}, None), sigmas, "sigmas", {"read_from": "sigmas"})
    found = setup(scheduler, mu, config)
    form = SIGMAS.get(TAKERS[found.name][0])
    if form is None:
        raise InputError(
            "scheduler", found.name, "one that takes sigmas (it takes timesteps: from_timesteps), or none: noise levels"
        )
    return _read(form, found, sigmas, "sigmas", {"read_from": "sigmas", "scheduler": found.name})


def times_of_timesteps(timesteps: Any, schedule: Any, mu: Any, config: dict[str, Any]) -> tuple[Times, dict[str, Any]]:
    """OU times, latest first, and what the grid says of itself."""
    read = {"read_from": "timesteps"}
    if callable(ou_time := getattr(schedule, "ou_time", None)):
        if config or mu is not None:
            raise InputError("option", next(iter(config), "mu"), "none beside a noise schedule")
        values = _values(timesteps, "timesteps")
        times = float_array(ou_time(values), "timesteps")
        return _falling(times, values, "timesteps"), {**read, "end": "t_min"}
    if schedule is not None:
        found = setup(schedule, mu, config)
        return _read(TIMESTEPS[TAKERS[found.name][0]], found, timesteps, "timesteps", read | {"scheduler": found.name})
    if not config:
        required = "a scheduler, its config or class name, a noise schedule, or alphas_cumprod= or beta_schedule="
        raise InputError("schedule", schedule, required)
    if mu is not None:
        raise InputError("mu", mu, "no mu without a scheduler")
    Training.of(config)  # an option that is none of a training schedule is told by name
    return _read(Form(_between, "value"), Setup("the schedule", config, None), timesteps, "timesteps", read)


# -- what the numbers are --------------------------------------------------------------------------------------


class _Refused(Exception):
    """A value that is none of its form: its place and what is required."""

    def __init__(self, place: int, requirement: str):
        super().__init__(place, requirement)
        self.place, self.requirement = place, requirement


def _require(good: Flags, requirement: str) -> None:
    if not good.all():
        raise _Refused(int(np.argmin(good)), requirement)


def _noise_levels(setup: Setup, values: Floats) -> Floats:
    return values


def _flow(setup: Setup, values: Floats) -> Floats:
    """`sigma = u / (1 - u)`."""
    _require(values < 1, "a time of flow matching u < 1 (at u = 1, noise alone, t is infinite)")
    return values / (1 - values)


def _before_shift(setup: Setup, values: Floats) -> Floats:
    """`sigma = k s / (1 - s)`, as `u = k s / (1 + (k - 1) s)`."""
    return setup.shift()[0] * _flow(setup, values)


def _flow_timesteps(setup: Setup, values: Floats) -> Floats:
    if setup.name == "MiniMaxH3Scheduler":  # which tells its model 1 - u
        _require(values < 1, "1 - u below 1")
        return (1 - values) / values
    count = int(setup.number("num_train_timesteps", 1000))
    _require(values < count, f"a time of flow matching u < 1 times num_train_timesteps = {count}")
    return values / (count - values)


def _ramp(setup: Setup, values: Floats) -> Floats:
    rho, start, span = setup.ramp()
    powers = start + values * span
    _require(powers > 0, f"a place on the ramp of {setup.name}, from 0 (sigma_max) to 1 (sigma_min)")
    return powers**rho


def _quarter_logs(setup: Setup, values: Floats) -> Floats:
    _require(np.abs(values) < 150, "log(sigma)/4 between -150 and 150")
    return np.exp(4 * values)


def _between(setup: Setup, values: Floats) -> Floats:
    """Between whole timesteps, `log sigma` is linear."""
    steps, sigmas = _table(setup, values)
    return np.exp(np.interp(values, steps, np.log(sigmas)))


def _euler_timesteps(setup: Setup, values: Floats) -> Floats:
    return (_quarter_logs if setup.is_continuous() else _between)(setup, values)


def _heun_timesteps(setup: Setup, values: Floats) -> Floats:
    """Between whole timesteps, `sigma` is linear."""
    levels: Floats = np.interp(values, *_table(setup, values))
    return levels


def _table(setup: Setup, values: Floats) -> tuple[Floats, Floats]:
    sigmas = setup.training().sigmas
    finite = sigmas[np.isfinite(sigmas)]
    _require((values >= 0) & (values <= sigmas.size - 1), f"a timestep of {setup.name}, from 0 to {sigmas.size - 1}")
    _require(values <= finite.size - 1, f"at most {finite.size - 1}: beyond there is no signal, and t is infinite")
    return np.arange(finite.size, dtype=np.float64), finite


def _whole(setup: Setup, values: Floats) -> Floats:
    _require(values == np.rint(values), f"a whole timestep for {setup.name}")
    return _heun_timesteps(setup, values)


def _places(setup: Setup, values: Floats) -> Floats:
    """Whole places on the ramp of a consistency model, listed from the data end."""
    levels = setup.levels()
    inside = (values == np.rint(values)) & (values >= 0) & (values < levels.size)
    _require(inside, f"a whole place of {setup.name}, from 0 (sigma_max) to {levels.size - 1}")
    _require(np.diff(values, prepend=np.inf) < 0, "a smaller place than the one before (listed from the data end)")
    falling: Floats = levels[values.astype(int)][::-1]
    return falling


def _angles(setup: Setup, values: Floats) -> Floats:
    _require(values < math.pi / 2, "an angle below pi/2 (there, noise alone, t is infinite)")
    levels: Floats = setup.number("sigma_data", 0.5) * np.tan(values)
    return levels


#: What `sigmas` are, by how a class takes them.
SIGMAS: dict[Callable[..., Any], Form] = {
    schedulers.euler: Form(_noise_levels),
    schedulers.flow_match: Form(_before_shift, "added"),
    schedulers.flow_listed: Form(_flow),
    schedulers.unipc: Form(_before_shift, "added"),
    schedulers.edm_euler: Form(_ramp, "value"),
}
#: What `timesteps` are: the argument of those classes that take them, else the attribute of the scheduler once set.
TIMESTEPS: dict[Callable[..., Any], Form] = {
    schedulers.euler: Form(_euler_timesteps, "value"),
    schedulers.heun: Form(_heun_timesteps, "value"),
    schedulers.whole_timesteps: Form(_whole, "value"),
    schedulers.flow_match: Form(_flow_timesteps),
    schedulers.unipc: Form(_flow_timesteps),
    schedulers.flow_listed: Form(_flow_timesteps),
    schedulers.edm_euler: Form(_quarter_logs, "value"),
    schedulers.consistency: Form(_places, "value"),
    schedulers.trig: Form(_angles),
}


# -- reading ---------------------------------------------------------------------------------------------------


def _read(form: Form, setup: Setup, given: Any, name: str, said: dict[str, Any]) -> tuple[Times, dict[str, Any]]:
    values = _values(given, name)
    ended = bool(form.zero != "value" and values[-1] == 0)
    if ended and form.zero == "added":
        required = f"no zero at the end, which {setup.name} adds itself (its own sigmas, which end in it, are shifted"
        required += " already: from_timesteps(scheduler.timesteps, scheduler) reads those)"
        raise InputError(f"{name}[{values.size - 1}]", 0.0, required)
    nodes = values[:-1] if ended else values
    if nodes.size < 2:
        raise InputError(name, values.tolist(), "two or more nodes (a zero at the end is none)")
    try:
        if form.zero != "value":
            _require(nodes > 0, "a number > 0 (the last may be 0)")
        levels = form.levels(setup, nodes)
    except _Refused as error:
        raise InputError(f"{name}[{error.place}]", float(nodes[error.place]), error.requirement) from None
    times = np.where(levels < _LARGE, np.log1p(np.minimum(levels, _LARGE) ** 2) / 2, np.log(levels))
    goes_on = ended or ("scheduler" in said and (name == "timesteps" or form.zero != "end"))
    return _falling(times, nodes, name), {**said, "end": "zero" if goes_on else "t_min"}


def _values(given: Any, name: str) -> Floats:
    if hasattr(given, "detach"):
        given = given.detach().cpu().double().numpy()
    values = float_array(given, name)
    if values.ndim != 1 or values.size < 2:
        raise InputError(name, f"shape {values.shape}", "shape (n,), two or more numbers")
    if not np.isfinite(values).all():
        place = int(np.argmin(np.isfinite(values)))
        raise InputError(f"{name}[{place}]", float(values[place]), "a finite number")
    return values


def _falling(times: Times, values: Floats, name: str) -> Times:
    """The times, if each is finite, > 0 and less than the one before; `values` are what was given for them."""
    for place, time in enumerate(times):
        if not 0 < time < math.inf:
            raise InputError(
                f"{name}[{place}]", float(values[place]), f"one whose OU time is finite and > 0, not {time:g}"
            )
        if place and not time < times[place - 1]:
            before = f"{name}[{place - 1}] = {values[place - 1]:g}"
            raise InputError(f"{name}[{place}]", float(values[place]), f"a lower noise level than that of {before}")
    return times

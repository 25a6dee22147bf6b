"""How each scheduler of diffusers takes a grid: what its `set_timesteps` makes of its argument, undone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from certflow.errors import InputError
from certflow.grids.export.formats import flow_times, largest_shift
from certflow.grids.export.training import DEFAULTS as TRAINING
from certflow.grids.export.training import Training
from certflow.grids.nodes import Nodes
from certflow.numbers.arrays import Floats
from certflow.numbers.inputs import real_number

#: Numbers in the precision of a scheduler: float32, float64, whole ones.
Numbers: TypeAlias = NDArray[np.number[Any]]

_VE = "x is the OU state times e^t"
_VP = "x is the OU state x_t itself"
_FLOW = "x is the OU state times e^t / (1 + sigma), that is (1 - u) x_0 + u z"


@dataclass
class Setup:
    """A scheduler: its class name, its config, and what the pipeline passes as `mu`."""

    name: str
    config: dict[str, Any]
    mu: Any

    def training(self) -> Training:
        return Training.of({key: value for key, value in self.config.items() if key in TRAINING})

    def number(self, key: str, default: float) -> float:
        """A positive number of the config."""
        return _positive(key, self.config.get(key, default))

    def shift(self) -> tuple[float, dict[str, Any]]:
        """`k` of the scheduler's own `y = k s / (1 + (k - 1) s)`, and the arguments that go with it."""
        if self.config.get("use_dynamic_shifting"):
            if isinstance(self.mu, bool) or not isinstance(self.mu, int | float) or not math.isfinite(self.mu):
                raise InputError("mu", self.mu, f"the number that {self.name}, which shifts dynamically, gets as mu")
            linear = self.config.get("time_shift_type", "exponential") == "linear"
            mu = float(self.mu)
            return _positive("mu", mu if linear else math.exp(min(mu, 700.0))), {"mu": mu}
        if self.mu is not None:
            raise InputError("mu", self.mu, "no mu unless the scheduler has use_dynamic_shifting")
        return self.number("flow_shift" if self.name == "UniPCMultistepScheduler" else "shift", 1.0), {}

    def is_continuous(self) -> bool:
        """Whether an Euler scheduler tells its model `log(sigma) / 4` for a timestep."""
        return self.config.get("timestep_type") == "continuous" and self.config.get("prediction_type") == "v_prediction"

    def ramp(self) -> tuple[float, float, float]:
        """`rho`, start and span of `sigma^(1/rho)` along the ramp of Karras et al. (2022)."""
        low, high, rho = (self.number(key, value) for key, value in _EDM.items())
        return rho, high ** (1 / rho), low ** (1 / rho) - high ** (1 / rho)

    def levels(self) -> Floats:
        """The ramp at the whole places of a consistency model, falling."""
        rho, start, span = self.ramp()
        levels: Floats = (start + np.linspace(0, 1, int(self.number("num_train_timesteps", 40))) * span) ** rho
        return levels


@dataclass
class Job(Setup):
    """One export under way."""

    grid: Nodes
    sigmas: Floats
    end: str
    notes: list[str] = field(default_factory=list)
    rounding: float = 0.0
    container: str = "list"

    def no(self, *flags: str) -> None:
        """Refuse settings under which the scheduler replaces the grid or fails."""
        for flag in flags:
            if value := self.config.get(flag):
                how = f"{self.name}.from_config(scheduler.config, {flag}={None if flag == 'shift_terminal' else False})"
                raise InputError(flag, value, f"a {self.name} without it, as it would not keep the grid: {how}")

    def moved(self, used: Numbers) -> None:
        self.rounding = max(self.rounding, largest_shift(used, self.sigmas))

    def distinct(self, timesteps: Numbers, what: str) -> None:
        """Two nodes at one timestep: the schedulers find their first step by its timestep, and would skip nodes."""
        if (same := np.flatnonzero(timesteps[1:] == timesteps[:-1])).size:
            pair = f"t = {self.grid.times[same[0]]:.5g} and {self.grid.times[same[0] + 1]:.5g}"
            raise InputError("grid", f"{pair} at the same timestep", f"nodes at different {what} of {self.name}")


def euler(job: Job) -> dict[str, Any]:
    job.moved(job.sigmas.astype(np.float32))
    if not job.is_continuous():
        training = job.training()
        low, high = training.range
        told = job.sigmas.clip(low, high)
        job.moved(told)
        if (told != job.sigmas).any():
            job.notes.append(
                f"Nodes outside the training range, sigma {low:.4g} to {high:.4g}: the sampler steps over them, but "
                f"tells the model its first or last timestep."
            )
        first = training.continuous(told[:2]).astype(np.float32)
        if first[0] == first[1]:
            training.require(job.sigmas, job.name)
            job.distinct(first, "timesteps")
    leading = job.config.get("timestep_spacing") == "leading"
    start = "sqrt(sigmas[0]^2 + 1)" if leading else "sigmas[0]"
    job.notes.append(f"{_VE}; scheduler.init_noise_sigma is {start}.")
    return {"sigmas": [*job.sigmas.tolist(), 0.0] if job.end == "zero" else job.sigmas.tolist()}


def flow_match(job: Job) -> dict[str, Any]:
    job.no("shift_terminal", "invert_sigmas", "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas")
    shift, more = job.shift()
    number: Any = np.float64 if job.name == "FlowMapEulerDiscreteScheduler" else np.float32
    times = flow_times(job.grid)
    asked = times / (shift - (shift - 1) * times)
    given = asked.astype(number)
    used = shift * given / (1 + (shift - 1) * given)
    _check_flow(job, used)
    job.moved(_sigma_of_flow(used))
    job.notes.append(f"{_FLOW}; start from unit noise at u = {times[0]:.6g}. The scheduler adds the final 0 itself.")
    if shift != 1:
        job.notes.append(f"The scheduler's own shift {shift:g} is undone in sigmas, so that it ends at the grid.")
    return {"sigmas": asked.tolist(), **more}


def flow_listed(job: Job) -> dict[str, Any]:
    times = flow_times(job.grid)
    _check_flow(job, times.astype(np.float32))
    job.moved(_sigma_of_flow(times.astype(np.float32)))
    job.notes.append(
        f"{_FLOW}; start from unit noise at u = {times[0]:.6g}. The scheduler does not shift these sigmas."
    )
    return {"sigmas": [*times.tolist(), 0.0]}


def unipc(job: Job) -> dict[str, Any]:
    if not job.config.get("use_flow_sigmas"):
        raise InputError(
            "use_flow_sigmas",
            False,
            "True, else UniPCMultistepScheduler takes no grid; for a model that predicts noise: " + supported(),
        )
    job.no("shift_terminal", "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas")
    shift, more = job.shift()
    times = flow_times(job.grid)
    used = np.where(np.abs(times - 1) < 1e-6, times - 1e-6, times)
    _check_flow(job, used.astype(np.float32))
    job.moved(_sigma_of_flow(used.astype(np.float32)))
    count = int(job.number("num_train_timesteps", 1000))
    told = np.floor(used * count)
    job.distinct(told, "whole timesteps")
    if told[-1] == 0:
        raise InputError(
            "grid", f"u = {times[-1]:.3g} at t_min", f"u = sigma/(1 + sigma) >= 1/{count}, a whole timestep"
        )
    job.moved(_sigma_of_flow(told / count))
    job.container = "numpy"
    job.notes.append(f"{_FLOW}; start from unit noise at u = {times[0]:.6g}. sigmas must be a NumPy array, not a list.")
    job.notes.append(
        "It steps over the exact nodes, but tells the model whole timesteps, rounded down: that is rounding."
    )
    return {"sigmas": (times / (shift - (shift - 1) * times)).tolist(), **more}


def whole_timesteps(job: Job) -> dict[str, Any]:
    job.no("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas", "use_flow_sigmas")
    training = job.training()
    training.require(job.sigmas, job.name)
    timesteps = training.nearest(job.sigmas)
    job.distinct(timesteps, "whole timesteps")
    job.moved(training.sigmas[timesteps])
    job.notes.append(
        f"{_VP}. Nodes are rounded to whole training timesteps: rounding is the largest error in log sigma."
    )
    if job.name.startswith(("LCM", "TCD")):
        job.notes.append("The scheduler warns of timesteps outside its distillation schedule, and uses them.")
    return {"timesteps": timesteps.tolist()}


def heun(job: Job) -> dict[str, Any]:
    job.no("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas")
    training = job.training()
    low, high = training.range
    if job.sigmas[-1] < low * (1 - 1e-6) or job.sigmas[0] > high * (1 + 1e-6):
        training.require(job.sigmas, job.name)
    steps = np.arange(training.sigmas.size)
    timesteps = np.interp(job.sigmas, training.sigmas, steps).astype(np.float32).astype(np.float64)
    job.distinct(timesteps, "timesteps")
    job.moved(np.interp(timesteps, steps, training.sigmas).astype(np.float32))
    leading = job.config.get("timestep_spacing") == "leading"
    start = "sqrt(sigma^2 + 1) of the first node" if leading else "sigma of the first node"
    job.notes.append(f"{_VE}; scheduler.init_noise_sigma is the {start}. Timesteps between the integers are kept.")
    return {"timesteps": timesteps.tolist()}


def edm_euler(job: Job) -> dict[str, Any]:
    if (schedule := job.config.get("sigma_schedule", "karras")) != "karras":
        raise InputError("sigma_schedule", schedule, "karras: EDMEulerScheduler ignores the values of sigmas otherwise")
    rho, start, span = job.ramp()
    ramp = (job.sigmas ** (1 / rho) - start) / span
    job.moved(((start + ramp * span) ** rho).astype(np.float32))
    job.container = "torch.float64"
    job.notes.append(
        "sigmas, a tensor, are not noise levels but places on the scheduler's ramp from sigma_max (0) to sigma_min (1)."
    )
    job.notes.append(
        f"{_VE}. Start from noise times {job.sigmas[0]:.6g}: init_noise_sigma is that of the config's sigma_max."
    )
    return {"sigmas": ramp.tolist()}


def consistency(job: Job) -> dict[str, Any]:
    levels = job.levels()
    training = Training(levels[::-1], {})
    training.require(job.sigmas, job.name)
    indices = levels.size - 1 - training.nearest(job.sigmas)
    job.distinct(indices, "indices")
    job.moved(levels[indices])
    job.notes.append(
        "timesteps are indices of the scheduler's Karras ramp (0 at sigma_max), listed from t_min up: it reverses them."
    )
    job.notes.append(f"{_VE}. Start from noise times {levels[indices[0]]:.6g}; init_noise_sigma is sigma_max.")
    return {"timesteps": indices[::-1].tolist()}


def trig(job: Job) -> dict[str, Any]:
    scale = job.number("sigma_data", 0.5)
    angles = np.arctan(job.sigmas / scale)
    if angles.size > (count := int(job.number("num_train_timesteps", 1000))):
        raise InputError("grid", f"{angles.size} nodes", f"at most num_train_timesteps = {count} for {job.name}")
    job.moved(scale * np.tan(angles.astype(np.float32).astype(np.float64)))
    job.notes.append(
        f"timesteps are the angles arctan(sigma / {scale:g}); x = cos(angle) x_0 + sin(angle) {scale:g} z."
    )
    nones = {"max_timesteps": None, "intermediate_timesteps": None}
    return {"num_inference_steps": angles.size, "timesteps": [*angles.tolist(), 0.0], **nones}


_EDM = {"sigma_min": 0.002, "sigma_max": 80.0, "rho": 7.0}
_SD = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}

#: Schedulers that take a grid: how, and the defaults of their configs that differ from DDPM's.
TAKERS: dict[str, tuple[Callable[[Job], dict[str, Any]], dict[str, Any]]] = {
    "EulerDiscreteScheduler": (euler, {}),
    "HeunDiscreteScheduler": (heun, {"beta_start": 0.00085, "beta_end": 0.012}),
    "DPMSolverMultistepScheduler": (whole_timesteps, {}),
    "DPMSolverSinglestepScheduler": (whole_timesteps, {}),
    "DDPMScheduler": (whole_timesteps, {}),
    "DDPMParallelScheduler": (whole_timesteps, {}),
    "LCMScheduler": (whole_timesteps, _SD),
    "TCDScheduler": (whole_timesteps, _SD),
    "FlowMatchEulerDiscreteScheduler": (flow_match, {}),
    "FlowMatchLCMScheduler": (flow_match, {}),
    "FlowMapEulerDiscreteScheduler": (flow_match, {}),
    "LTXEulerAncestralRFScheduler": (flow_listed, {}),
    "MiniMaxH3Scheduler": (flow_listed, {}),
    "UniPCMultistepScheduler": (unipc, {}),
    "EDMEulerScheduler": (edm_euler, {}),
    "CMStochasticIterativeScheduler": (consistency, {}),
    "SCMScheduler": (trig, {}),
}


def supported() -> str:
    """The names of the schedulers that take a grid."""
    return ", ".join(TAKERS)


def _check_flow(job: Job, times: Numbers) -> None:
    if not (times[0] < 1 and (np.diff(times) < 0).all()):
        raise InputError(
            "grid",
            f"u = sigma/(1 + sigma) = {flow_times(job.grid)[0]:.9g} at t = {job.grid.times[0]:g}",
            f"nodes that differ from each other and from 1 in the float32 of {job.name}",
        )


def _sigma_of_flow(times: Numbers) -> Floats:
    exact = times.astype(np.float64)
    return exact / (1 - exact)


def _positive(key: str, value: Any) -> float:
    return real_number(value, key, "a number > 0", lambda number: 0 < number < math.inf)

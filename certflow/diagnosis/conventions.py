"""What a library makes of a list of steps: which numbers, whether the final 0 is given, which range was trained.

Noise levels are `sigma` (variance exploding), `u = sigma / (1 + sigma)` of flow matching, or OU times `t`. None of this
imports diffusers: a scheduler is read by its attributes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from certflow.errors import InputError, did_you_mean
from certflow.grids.export.schedulers import TAKERS
from certflow.grids.export.stepping import STEPPING, other_multistep, stepping_of
from certflow.grids.export.training import DEFAULTS, Training
from certflow.grids.nodes import DISTILLED
from certflow.numbers.arrays import Floats
from certflow.numbers.inputs import real_number

#: The noise levels that published models are trained on: EDM's lowest, the highest of DDPM's linear schedule.
LOWEST, HIGHEST = 0.002, 157.5
#: Higher starts that occur: Stable Video Diffusion, and a schedule of zero terminal SNR as the libraries cap it.
FAR_STARTS = (700.0, 4096.0)
#: Beyond this OU time less than e^-9.5 of the data is left, below the signal at sigma = 4096.
LATEST = 9.5


@dataclass(frozen=True)
class Convention:
    """What one scheduler or library wants.

    Attributes
    ----------
    name : the scheduler's class, or the library's name
    scale : "ve", "flow" or "ou", what its noise levels are
    takes : which lists it can be handed, "sigmas", "timesteps", "times"; the first is what a plain list is
    zero : the final 0 of noise levels that are handed over: "given", "added" by the library, "none" or "either"
    low, high : the trained noise levels
    reading : how a timestep names a noise level: "table", "flow" (`N u`), "clean" (`1 - u`), "log" (`log(sigma) / 4`),
        "log-1000" or "angle" (`arctan(sigma / sigma_data)`)
    steps : `N`, the number of training timesteps
    levels : the noise level of each training timestep, rising, for "table"
    whole : whether timesteps are whole numbers
    rounding : the largest distance in timesteps that rounding explains: to the nearest, or 1 where fractions are cut
    paired : whether every node but the first stands twice, as Heun's method needs
    begun : whether a new scheduler holds a step for each training timestep already
    strided : whether each step goes down by `N // n`, whatever the next timestep is
    shift : `k` of the scheduler's own `k u / (1 + (k - 1) u)`
    ends_at_zero : whether its own schedule ends at noise level 0
    terminal : whether the schedule is stretched to end at a given level, which one step cannot be
    spacing : its `timestep_spacing`, None where not known
    linear, mu : what the pipeline passes, where the scheduler shifts by `exp(mu)`, or by `mu` itself if it is linear
    rho : the exponent of a scheduler that takes places on its ramp of Karras et al.
    data : the scale of the data in "angle"
    final_timestep : whether a list of timesteps ends with one that stands for noise level 0
    solver : of `certflow.samplers.SOLVERS`, what it is; None where its steps are another method's, as Heun's in `u` are
    remade : the setting by which it makes other noise levels of a list that it is handed, "" where there is none
    """

    name: str
    scale: str = "ve"
    takes: tuple[str, ...] = ("sigmas",)
    zero: str = "given"
    low: float = LOWEST
    high: float = HIGHEST
    reading: str = "table"
    steps: int = 1000
    levels: Floats | None = None
    whole: bool = False
    rounding: float = 0.5
    paired: bool = False
    begun: bool = False
    strided: bool = False
    shift: float = 1.0
    ends_at_zero: bool = True
    terminal: bool = False
    spacing: str | None = None
    linear: bool = False
    mu: float | None = None
    rho: float = 7.0
    data: float = 0.5
    final_timestep: bool = False
    solver: str | None = None
    remade: str = ""

    def call(self, argument: str) -> str:
        """The call of `set_timesteps` with this argument, and with `mu`."""
        return f"scheduler.set_timesteps({argument}{'' if self.mu is None else f', mu={self.mu:g}'})"

    def log_sigmas(self, levels: Floats) -> Floats:
        """Noise levels above 0 as `log sigma`; not finite where there is none."""
        if self.scale == "ou":
            return levels + np.log(-np.expm1(-2 * levels)) / 2
        return np.log(levels / (1 - levels) if self.scale == "flow" else levels)

    def ou_times(self, levels: Floats) -> Floats:
        """Noise levels above 0 as OU times, `t = 1/2 log(1 + sigma^2)`."""
        if self.scale == "ou":
            return levels
        times: Floats = np.logaddexp(0, 2 * self.log_sigmas(levels)) / 2
        return times

    def levels_of(self, timesteps: Floats) -> Floats:
        """The noise levels that timesteps name; NaN where that is not known."""
        if self.reading == "flow":
            return timesteps / self.steps
        if self.reading == "clean":
            return 1 - timesteps
        if self.reading == "angle":
            return self.data * np.tan(timesteps)
        if self.reading in ("log", "log-1000"):
            return np.exp(4 * timesteps / (1000 if self.reading == "log-1000" else 1))
        if self.levels is None:
            return np.full(timesteps.shape, np.nan)
        return np.interp(timesteps, np.arange(self.levels.size), self.levels)

    def offsets(self, sigmas: Floats, timesteps: Floats) -> Floats:
        """How far, in timesteps, each timestep is from its noise level; 0 where that is not known.

        Between whole timesteps libraries interpolate in sigma or in log sigma: the nearer of the two counts.
        """
        if self.reading == "table":
            if self.levels is None:
                return np.zeros(timesteps.shape)
            known = np.isfinite(self.levels) & (self.levels > 0)
            levels, steps = self.levels[known], np.flatnonzero(known)
            plain = np.interp(sigmas, levels, steps)
            logs = np.interp(np.log(sigmas), np.log(levels), steps)
            # zero terminal SNR, capped, may lie below the level before it: the entry itself counts too
            itself = np.abs(self.levels_of(timesteps) - sigmas) <= 1e-5 * sigmas
            return np.where(itself, 0.0, np.minimum(np.abs(plain - timesteps), np.abs(logs - timesteps)))
        if self.reading == "flow":
            return np.abs(self.steps * sigmas - timesteps)
        if self.reading == "clean":
            return np.abs(1 - sigmas - timesteps) * self.steps
        if self.reading in ("log", "log-1000"):
            unit = 1000 if self.reading == "log-1000" else 1
            return np.abs(0.25 * unit * np.log(sigmas) - timesteps) * (1000 / unit)
        return np.zeros(timesteps.shape)


_TIMESTEPS: dict[str, Any] = {"takes": ("timesteps",), "whole": True}
_FLOW: dict[str, Any] = {"scale": "flow", "reading": "flow", "takes": ("sigmas", "timesteps"), "zero": "added"}
_EULER, _MULTISTEP = {"solver": "euler"}, {"solver": "dpmpp-2m"}

#: The schedulers whose steps are understood, and what each wants beyond what its config says.
_ROWS: dict[str, dict[str, Any]] = {
    "EulerDiscreteScheduler": {"takes": ("sigmas", "timesteps")},
    "HeunDiscreteScheduler": {"takes": ("timesteps",), "paired": True, "begun": True},
    "DPMSolverMultistepScheduler": _TIMESTEPS,
    "DPMSolverSinglestepScheduler": _TIMESTEPS,
    "DDPMScheduler": _TIMESTEPS,
    "DDPMParallelScheduler": _TIMESTEPS,
    "LCMScheduler": _TIMESTEPS,
    "TCDScheduler": _TIMESTEPS,
    "FlowMatchEulerDiscreteScheduler": _FLOW,
    "FlowMatchLCMScheduler": _FLOW,
    "FlowMapEulerDiscreteScheduler": {**_FLOW, "begun": True},
    "LTXEulerAncestralRFScheduler": {**_FLOW, "takes": ("sigmas",), "zero": "given", "final_timestep": True},
    "MiniMaxH3Scheduler": {"scale": "flow", "reading": "clean"},
    "UniPCMultistepScheduler": {"takes": ("sigmas",), "zero": "added", "whole": True},
    "EDMEulerScheduler": {"takes": (), "reading": "log", "low": 0.002, "high": 80.0},
    "CMStochasticIterativeScheduler": {
        "takes": (),
        "reading": "log-1000",
        "ends_at_zero": False,
        "high": 80.0,
        "steps": 40,
    },
    "SCMScheduler": {"takes": ("timesteps",), "reading": "angle", "final_timestep": True},
    # Those that take a number of steps only: lists are what they hold.
    "DDIMScheduler": {"takes": (), "whole": True, "strided": True, **_EULER},
    "DDIMParallelScheduler": {"takes": (), "whole": True, "strided": True, **_EULER},
    "DEISMultistepScheduler": {"takes": (), "whole": True, "ends_at_zero": False},
    "EDMDPMSolverMultistepScheduler": {"takes": (), "reading": "log", "low": 0.002, "high": 80.0, **_MULTISTEP},
    "EulerAncestralDiscreteScheduler": {"takes": ()},
    "FlowMatchHeunDiscreteScheduler": {**_FLOW, "takes": (), "paired": True},
    "LMSDiscreteScheduler": {"takes": (), "begun": True},
    "SASolverScheduler": {"takes": (), "whole": True, "ends_at_zero": False},
    "UnCLIPScheduler": {"takes": (), "whole": True},
}

#: The training schedules of DDPM, of Stable Diffusion and of improved DDPM.
PUBLISHED: tuple[dict[str, Any], ...] = (
    {},
    {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
    {"beta_schedule": "squaredcos_cap_v2"},
)

K_DIFFUSION = Convention("k-diffusion")
OU = Convention("ou", "ou", ("times",), "none", 0.0, LATEST)
VE_LIST = Convention("EulerDiscreteScheduler (assumed)", takes=("sigmas", "timesteps"), solver="euler")
HEUN_LIST = replace(VE_LIST, name="HeunDiscreteScheduler (assumed)", takes=(), paired=True, solver="heun")
FLOW_LIST = replace(
    VE_LIST, name="a flow-matching scheduler (assumed)", scale="flow", reading="flow", zero="either", low=0.0, high=1.0
)


#: The entries of a config that are read here.
CONFIG = (
    *DEFAULTS,
    *("shift", "flow_shift", "shift_terminal", "use_dynamic_shifting", "time_shift_type", "use_flow_sigmas"),
    *("prediction_type", "timestep_type", "timestep_spacing", "final_sigmas_type"),
    *("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "invert_sigmas"),
    *("sigma_min", "sigma_max", "sigma_data", "rho", "algorithm_type", "solver_order", "solver_type"),
    *("stochastic_sampling", "eta", "thresholding"),
)


def known_schedulers() -> str:
    """The names of the schedulers whose steps are understood."""
    return ", ".join(_ROWS)


def of_name(scheduler: Any) -> Convention:
    """From a class name, or from a config with its `_class_name`, with the config's defaults where it is silent."""
    config = dict(scheduler) if isinstance(scheduler, Mapping) else {"_class_name": scheduler}
    name = config.get("_class_name")
    if not isinstance(name, str) or name not in _ROWS:
        hint = did_you_mean(name, _ROWS)
        required = f"a config with its _class_name, or one of {known_schedulers()}{hint}"
        raise InputError("scheduler", scheduler, required)
    given = {**TAKERS.get(name, (None, {}))[1], **config}
    training = {key: value for key, value in given.items() if key in DEFAULTS and key != "rescale_betas_zero_snr"}
    levels = None
    if _reading(name, given) == "table":
        levels = Training.of(training).sigmas
        if given.get("rescale_betas_zero_snr"):
            levels = np.array([*levels[:-1], FAR_STARTS[-1]])
    return _filled(name, given, levels)


def fitted(convention: Convention, sigmas: Floats, timesteps: Floats) -> Convention:
    """With the published training schedule that most pairs of a sigma and a timestep are of, if there is one."""
    count = min(sigmas.size, timesteps.size)
    known = np.isfinite(sigmas[:count]) & (sigmas[:count] > 0) & np.isfinite(timesteps[:count])
    if convention.reading != "table" or not known.any():
        return convention
    found = []
    for config in PUBLISHED:
        one = replace(convention, levels=Training.of(config).sigmas)
        found.append((float(np.median(one.offsets(sigmas[:count][known], timesteps[:count][known]))), one))
    offset, best = min(found, key=lambda pair: pair[0])
    return best if offset <= convention.rounding else convention


def of_object(scheduler: Any) -> Convention:
    """From a scheduler of diffusers: its class, config and training schedule."""
    config = getattr(scheduler, "config", None)
    if not isinstance(config, Mapping) or not hasattr(scheduler, "timesteps"):
        raise InputError("steps", scheduler, "numbers, a mapping with sigmas or timesteps, or a scheduler of diffusers")
    names = [base.__name__ for base in type(scheduler).__mro__]
    name = next((name for name in names if name in _ROWS), None)
    if name is None:
        raise InputError("steps", names[0], f"one of {known_schedulers()}; of others the list of sigmas or timesteps")
    given = dict(config)
    if hasattr(type(scheduler), "shift"):  # which set_shift changes, but not in the config
        given["shift"] = scheduler.shift
    alphas = getattr(scheduler, "alphas_cumprod", None)
    levels = None
    if alphas is not None and _reading(name, given) == "table":
        cumulative = np.asarray(alphas.detach().cpu() if hasattr(alphas, "detach") else alphas, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            levels = np.sqrt((1 - cumulative) / cumulative)
    return _filled(name, given, levels)


def _reading(name: str, config: Mapping[str, Any]) -> str:
    if config.get("use_flow_sigmas"):
        return "flow"
    if config.get("timestep_type") == "continuous" and config.get("prediction_type") == "v_prediction":
        return "log"
    return str(_ROWS[name].get("reading", "table"))


def _filled(name: str, config: Mapping[str, Any], levels: Floats | None) -> Convention:
    row = dict(_ROWS[name])
    row["reading"] = _reading(name, config)
    if config.get("use_flow_sigmas"):
        row |= {"scale": "flow"}
    elif name == "UniPCMultistepScheduler":  # which takes sigmas of flow matching only
        row |= {"takes": ()}
    if row.get("scale") == "flow":
        row |= {"low": 0.0, "high": 1.0}
    if levels is not None:
        finite = levels[np.isfinite(levels)]
        row |= {"levels": levels, "low": float(finite[0]), "high": float(finite.max())}
    for end, key, pick in (("low", "sigma_min", min), ("high", "sigma_max", max)):
        if config.get(key) is not None and row.get("scale") != "flow":
            value = _positive(config, key, 1.0)
            row[end] = pick(value, row[end]) if levels is not None else value
    cut = row["reading"] == "flow" or any(config.get(f"use_{kind}_sigmas") for kind in ("exponential", "beta"))
    cut = cut or config.get("beta_schedule") == "squaredcos_cap_v2"
    return Convention(
        **{
            **row,
            "name": name,
            "rounding": 1.0 if cut and row.get("whole") else 0.5,
            "steps": int(_positive(config, "num_train_timesteps", row.get("steps", 1000))),
            "shift": _shift(name, config),
            "ends_at_zero": row.get("ends_at_zero", True) and config.get("final_sigmas_type") != "sigma_min",
            "terminal": bool(config.get("shift_terminal")),
            "spacing": config.get("timestep_spacing"),
            "linear": config.get("time_shift_type") == "linear",
            "rho": _positive(config, "rho", 7.0),
            "data": _positive(config, "sigma_data", 0.5),
            "solver": _solver(name, row.get("solver"), config),
            "remade": _remade(row.get("scale"), config),
        }
    )


def _solver(name: str, usual: str | None, config: Mapping[str, Any]) -> str | None:
    """The solver whose very steps a class takes, which its config may change."""
    if name in STEPPING:
        how = stepping_of(name, config)
        return None if how.why or how.sampler == DISTILLED else how.sampler
    return None if usual == "dpmpp-2m" and other_multistep(config) else usual


def _remade(scale: Any, config: Mapping[str, Any]) -> str:
    """The setting by which a class of flow matching makes other noise levels of a list, by more than its shift."""
    settings = (
        "shift_terminal",
        "invert_sigmas",
        *(f"use_{kind}_sigmas" for kind in ("karras", "exponential", "beta")),
    )
    found = (name for name in (*settings, "use_dynamic_shifting") if scale == "flow" and config.get(name))
    return next(found, "")


def _shift(name: str, config: Mapping[str, Any]) -> float:
    """The scheduler's own shift of a flow list; 1 where it has none or depends on what the pipeline passes."""
    key = "shift" if name.startswith("FlowM") else "flow_shift" if config.get("use_flow_sigmas") else None
    return 1.0 if key is None or config.get("use_dynamic_shifting") else _positive(config, key, 1.0)


def _positive(config: Mapping[str, Any], key: str, default: float) -> float:
    value = config.get(key)
    if value is None:
        return default
    return real_number(value, key, "a number > 0", lambda number: 0 < number < math.inf)

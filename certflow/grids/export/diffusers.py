"""Grids for the schedulers of diffusers: the keywords of `set_timesteps` that make each step over these nodes.

What a scheduler does with a grid depends on its training schedule and its shift, so the scheduler itself, or its
config, is the best thing to hand over. None of this imports diffusers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from certflow.errors import InputError, did_you_mean, unknown
from certflow.grids.export import schedulers
from certflow.grids.export.formats import SINGLE, Export, check_end, final_step, sigmas_of
from certflow.grids.export.schedulers import TAKERS, Job, Setup, supported
from certflow.grids.export.training import DEFAULTS as TRAINING
from certflow.grids.nodes import Nodes

_COUNT = "its set_timesteps takes a number of steps, not a grid"
_TOKENS = "it samples discrete tokens, which have no noise level"
_STAGES = "its set_timesteps replaces a grid by that of its stages"
_GONE = "diffusers has withdrawn it, and its set_timesteps takes a number of steps"

#: Schedulers that take none, each with its reason.
REFUSED: dict[str, str] = {
    **dict.fromkeys(
        (
            "CogVideoXDDIMScheduler",
            "CogVideoXDPMScheduler",
            "ConsistencyDecoderScheduler",
            "CosineDPMSolverMultistepScheduler",
            "DDIMInverseScheduler",
            "DDIMParallelScheduler",
            "DDIMScheduler",
            "DEISMultistepScheduler",
            "DPMSolverMultistepInverseScheduler",
            "DPMSolverSDEScheduler",
            "EDMDPMSolverMultistepScheduler",
            "EulerAncestralDiscreteScheduler",
            "FlowMatchHeunDiscreteScheduler",
            "IPNDMScheduler",
            "KDPM2AncestralDiscreteScheduler",
            "KDPM2DiscreteScheduler",
            "LMSDiscreteScheduler",
            "PNDMScheduler",
            "RFD4ProteinaScheduler",
            "RePaintScheduler",
            "SASolverScheduler",
            "ScoreSdeVeScheduler",
            "UnCLIPScheduler",
        ),
        _COUNT,
    ),
    **dict.fromkeys(("KarrasVeScheduler", "ScoreSdeVpScheduler"), _GONE),
    **dict.fromkeys(
        (
            "AmusedScheduler",
            "BlockRefinementScheduler",
            "DiscreteDDIMScheduler",
            "EntropyBoundScheduler",
            "VQDiffusionScheduler",
        ),
        _TOKENS,
    ),
    **dict.fromkeys(("HeliosScheduler", "HeliosDMDScheduler"), _STAGES),
    "PiflowScheduler": "its set_timesteps refuses any but its own distilled schedule",
    "DDPMWuerstchenScheduler": "it runs on the clamped cosine schedule of its own model",
}

_CONFIG = (
    *TRAINING,
    *("shift", "flow_shift", "use_dynamic_shifting", "time_shift_type", "shift_terminal", "invert_sigmas"),
    *("use_flow_sigmas", "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas"),
    *("prediction_type", "timestep_type", "timestep_spacing", "final_sigmas_type"),
    *("sigma_min", "sigma_max", "sigma_data", "sigma_schedule", "rho"),
)


def to_diffusers(
    grid: Nodes, scheduler: Any = "EulerDiscreteScheduler", end: str = "zero", mu: Any = None, **config: Any
) -> Export:
    """The keywords of `scheduler.set_timesteps`.

    Parameters
    ----------
    scheduler : a scheduler, whose own schedule and shift then count; its config; or a class name
    end : "zero", the noise level to which every scheduler steps on from t_min, or, for EulerDiscreteScheduler, "t_min"
    mu : what the pipeline passes to a scheduler with dynamic shifting
    config : entries of the config, where `scheduler` is a name or a config; `alphas_cumprod` among them
    """
    found = setup(scheduler, mu, config, "scheduler, end, mu or one of ")
    name, build = found.name, TAKERS[found.name][0]
    check_end(end, name, ("zero", "t_min") if build is schedulers.euler else ("zero",))
    job = Job(name, found.config, mu, grid, sigmas_of(grid), end)
    if mu is not None and build not in (schedulers.flow_match, schedulers.unipc):
        raise InputError("mu", mu, f"no mu for {name}")
    arguments = build(job)
    nodes = grid.segments + (end == "zero")
    goal = "noise level 0"
    if job.config.get("final_sigmas_type") == "sigma_min" and build is not schedulers.euler:
        again = name in ("EDMEulerScheduler", "UniPCMultistepScheduler")
        goal = ("t_min again" if again else "the lowest training noise level") + " (final_sigmas_type sigma_min)"
    elif name == "TCDScheduler":
        goal = "training timestep 0"
    evaluations = 2 * nodes - 1 if build is schedulers.heun else nodes
    notes = (final_step(grid, evaluations, end=end, goal=goal), *job.notes)
    return Export(
        "diffusers",
        name,
        arguments,
        job.rounding > SINGLE,
        job.rounding,
        notes,
        _code(name, arguments, job.container),
        job.container,
        grid.sampler,
        evaluations,
    )


def setup(scheduler: Any, mu: Any, config: Mapping[str, Any], also: str = "scheduler, mu or one of ") -> Setup:
    """A scheduler, its config or its class name, with entries of the config for the latter two."""
    name, own, fixed = _identify(scheduler)
    for option, value in config.items():
        if option not in _CONFIG:
            raise unknown("option", option, _CONFIG, before=also)
        if fixed:
            raise InputError(option, value, "no such option beside a scheduler object, whose own config counts")
    return Setup(name, {**TAKERS[name][1], **own, **config}, mu)


def training_ends(scheduler: Any, **config: Any) -> tuple[float, float] | None:
    """The OU times of the lowest and the highest noise level on which networks for this scheduler are trained.

    None where the training has no such ends: flow matching, angles, continuous timesteps.
    """
    found = setup(scheduler, None, config)
    build = TAKERS[found.name][0]
    if build in (schedulers.edm_euler, schedulers.consistency):
        rho, start, span = found.ramp()
        ends = ((start + span) ** rho, start**rho)
    elif build in (schedulers.whole_timesteps, schedulers.heun, schedulers.euler) and not found.is_continuous():
        ends = found.training().range
    else:
        return None
    low, high = (0.5 * math.log1p(sigma**2) for sigma in ends)
    return low, high


def _identify(scheduler: Any) -> tuple[str, dict[str, Any], bool]:
    """The class name, the config and whether it comes from an object."""
    if isinstance(scheduler, str):
        return _known(scheduler, (scheduler,)), {}, False
    if isinstance(scheduler, Mapping):
        name = scheduler.get("_class_name")
        if not isinstance(name, str):
            raise InputError("scheduler", dict(scheduler), "a config with its _class_name, as in scheduler_config.json")
        return _known(name, (name,)), dict(scheduler), False
    config = getattr(scheduler, "config", None)
    if not isinstance(config, Mapping):
        raise InputError("scheduler", scheduler, "a diffusers scheduler, its config or its class name")
    name = _known(type(scheduler).__name__, tuple(base.__name__ for base in type(scheduler).__mro__))
    own = dict(config)
    if (alphas := getattr(scheduler, "alphas_cumprod", None)) is not None:
        own["alphas_cumprod"] = alphas
    if name.startswith("FlowMatch"):
        own["shift"] = getattr(scheduler, "shift", own.get("shift", 1.0))
    return name, own, True


def _known(name: str, candidates: tuple[str, ...]) -> str:
    for candidate in candidates:
        if candidate in TAKERS:
            return candidate
        if candidate in REFUSED:
            raise InputError("scheduler", name, f"one that takes a grid ({REFUSED[candidate]}): {supported()}")
    required = "a scheduler of diffusers that takes a grid: " + supported()
    raise InputError("scheduler", name, required + did_you_mean(name, TAKERS))


def _code(name: str, arguments: Mapping[str, Any], container: str) -> str:
    def written(value: Any) -> str:
        if not isinstance(value, list) or container == "list":
            return repr(value)
        return f"np.array({value})" if container == "numpy" else f"torch.tensor({value}, dtype={container})"

    imports = {"list": "", "numpy": "import numpy as np\n"}.get(container, "import torch\n")
    call = ", ".join(f"{key}={written(value)}" for key, value in arguments.items())
    return f"{imports}\n# scheduler: the {name} of the model\nscheduler.set_timesteps({call})\n".lstrip()

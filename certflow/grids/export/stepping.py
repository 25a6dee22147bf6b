"""With which solver a target steps over its nodes, and how often it asks its model.

A grid is made for one solver (`certflow.samplers`); a sampler library has many classes. `STEPPING` says of each class
of diffusers and each function of k-diffusion that takes a grid which solver's grid suits it: its own, or the nearest
there is, and then why a prediction for that solver does not hold for the class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from certflow.errors import InputError, did_you_mean
from certflow.grids.export.diffusers import REFUSED
from certflow.grids.export.karras import SAMPLERS, UNTIMED
from certflow.grids.export.schedulers import TAKERS
from certflow.grids.nodes import DISTILLED


@dataclass(frozen=True)
class Stepping:
    """How a target of an export steps.

    format, name : of the export, and of the class or function
    sampler : the solver (`certflow.samplers.SOLVERS`) whose grid suits it, or "distilled": it runs trained maps
    why : why what is predicted for that sampler does not hold for this target; empty where it takes these very steps
    per_step : evaluations of the model in a step above noise level 0; the last step, to 0, has one
    """

    format: str
    name: str
    sampler: str
    why: str = ""
    per_step: int = 1

    def evaluations(self, segments: int) -> int:
        """Of the model, over the `K` segments and the step from `t_min` to noise level 0.

        >>> from certflow.grids.export.stepping import stepping_of
        >>> stepping_of("EulerDiscreteScheduler").evaluations(6), stepping_of("HeunDiscreteScheduler").evaluations(6)
        (7, 13)
        """
        return self.per_step * segments + 1


_NOISE = "it adds noise after every step"
_JUMPS = "it jumps to the data from every node and adds noise again"

_DIFFUSERS: dict[str, tuple[str, str]] = {
    "EulerDiscreteScheduler": ("euler", ""),
    "HeunDiscreteScheduler": ("heun", ""),
    "DPMSolverMultistepScheduler": ("dpmpp-2m", ""),
    "DPMSolverSinglestepScheduler": (
        "dpmpp-2m",
        "it takes the steps of DPM-Solver++ in pairs that forget what was before",
    ),
    "DDPMScheduler": ("euler", _NOISE),
    "DDPMParallelScheduler": ("euler", _NOISE),
    "LCMScheduler": (DISTILLED, _JUMPS),
    "TCDScheduler": (DISTILLED, "it steps beyond the node and adds noise again"),
    "FlowMatchEulerDiscreteScheduler": ("euler", ""),
    "FlowMatchLCMScheduler": (DISTILLED, _JUMPS),
    "FlowMapEulerDiscreteScheduler": (DISTILLED, ""),
    "LTXEulerAncestralRFScheduler": ("euler", _NOISE),
    "MiniMaxH3Scheduler": ("euler", ""),
    "UniPCMultistepScheduler": ("dpmpp-2m", "it corrects each step of a predictor of order 2 by the next evaluation"),
    "EDMEulerScheduler": ("euler", ""),
    "CMStochasticIterativeScheduler": (DISTILLED, _JUMPS),
    "SCMScheduler": (DISTILLED, _JUMPS),
}
_K_DIFFUSION: dict[str, tuple[str, str]] = {
    "sample_euler": ("euler", ""),
    "sample_euler_ancestral": ("euler", _NOISE),
    "sample_heun": ("heun", ""),
    "sample_dpm_2": ("heun", "its second evaluation is in the middle of the step, not at its end"),
    "sample_dpm_2_ancestral": ("heun", _NOISE),
    "sample_lms": ("dpmpp-2m", "it extrapolates the slope from up to four steps"),
    "sample_dpmpp_2s_ancestral": ("heun", _NOISE),
    "sample_dpmpp_sde": ("heun", _NOISE),
    "sample_dpmpp_2m": ("dpmpp-2m", ""),
    "sample_dpmpp_2m_sde": ("dpmpp-2m", _NOISE),
    "sample_dpmpp_3m_sde": ("dpmpp-2m", _NOISE),
}

#: Every target by its name.
STEPPING: dict[str, Stepping] = {
    **{
        name: Stepping("diffusers", name, *how, 2 if name == "HeunDiscreteScheduler" else 1)
        for name, how in _DIFFUSERS.items()
    },
    **{name: Stepping("k-diffusion", name, *how, SAMPLERS[name]) for name, how in _K_DIFFUSION.items()},
    "edm_sampler": Stepping("edm", "edm_sampler", "heun", "", 2),
}

#: The plain target of a format for a sampler; what is distilled goes over its nodes as Euler's method does.
PLAIN: dict[str, dict[str, str]] = {
    "diffusers": {
        DISTILLED: "EulerDiscreteScheduler",
        "euler": "EulerDiscreteScheduler",
        "heun": "HeunDiscreteScheduler",
        "dpmpp-2m": "DPMSolverMultistepScheduler",
    },
    "k-diffusion": {
        DISTILLED: "sample_euler",
        "euler": "sample_euler",
        "heun": "sample_heun",
        "dpmpp-2m": "sample_dpmpp_2m",
    },
    "edm": dict.fromkeys((DISTILLED, "euler", "heun", "dpmpp-2m"), "edm_sampler"),
}


def stepping_of(name: str, config: Mapping[str, Any] | None = None) -> Stepping:
    """How the class or function of this name steps; `config` is that of a scheduler, whose settings can change it.

    Raises
    ------
    InputError : no such name, or one that takes no grid.
    """
    if name not in STEPPING:
        there = f"of diffusers {', '.join(TAKERS)}; of k-diffusion {', '.join(SAMPLERS)}"
        reason = f" ({REFUSED[name]})" if name in REFUSED else " (this one chooses its own)" if name in UNTIMED else ""
        raise InputError("scheduler", name, f"one that takes a grid{reason}: {there}{did_you_mean(name, STEPPING)}")
    found, given = STEPPING[name], config or {}
    if found.name == "LTXEulerAncestralRFScheduler" and given.get("eta") == 0:
        return replace(found, why="")
    if given.get("stochastic_sampling"):
        return replace(found, why=_NOISE)
    if found.sampler == "dpmpp-2m" and (other := other_multistep(given)):
        return replace(found, why=other)
    return found


def other_multistep(config: Mapping[str, Any]) -> str:
    """Why a class with this config takes other steps than those of DPM-Solver++(2M); empty where it does take them."""
    if (order := config.get("solver_order", 2)) != 2:
        return f"it is set to order {order}"
    if (kind := config.get("algorithm_type", "dpmsolver++")) != "dpmsolver++":
        return f"it is set to {kind}"
    if config.get("solver_type") == "heun":  # all others become the midpoint's, which is the method
        return "its second order is set to that of Heun's method"
    return "it cuts the predicted data off (thresholding)" if config.get("thresholding") else ""

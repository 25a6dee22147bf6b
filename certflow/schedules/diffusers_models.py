"""The network of a diffusers pipeline with its scheduler: what it predicts, on which schedule (proofs/N2.md).

None of this imports diffusers. Three families of schedulers say it:

- those with `alphas_cumprod` and `prediction_type` (DDPM, Stable Diffusion, DiT ...): the timestep is the index;
- those of flow matching (SD3, Flux ...): `x = (1 - sigma) x_0 + sigma z`, the network predicts `epsilon - sample`;
- EDM's, where the scheduler makes a denoiser of the network: `D = c_skip x + c_out F(c_in x, c_noise)`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from certflow.errors import InputError
from certflow.numbers.inputs import at_least_single
from certflow.schedules.families import edm, flow_matching
from certflow.schedules.schedule import Schedule
from certflow.schedules.table import from_alphas_cumprod

#: Schedulers of flow matching, by class name.
FLOWS = (
    "FlowMatchEulerDiscreteScheduler",
    "FlowMatchHeunDiscreteScheduler",
    "FlowMatchLCMScheduler",
    "LTXEulerAncestralRFScheduler",
)

#: How the class names of networks begin whose pipelines hand them sigma, not the scheduler's timestep.
UNIT_TIME = ("AuraFlow", "Chroma", "Flux", "Krea2", "LongCat", "OvisImage", "PRX", "QwenImage")

#: Those whose pipelines turn the time or the sign of the prediction round, move the time, or precondition themselves.
OTHERS = ("AceStep", "Cosmos", "GlmImage", "HiDream", "Lumina", "Mochi", "Nucleus", "ZImage")


#: What the networks of schedulers with `alphas_cumprod` may predict, in the words of their configs.
_NAMES = {
    "epsilon": "epsilon",
    "sample": "sample",
    "original_sample": "sample",
    "v_prediction": "v_prediction",
}


@dataclass(frozen=True)
class Read:
    """The arguments of `Model`."""

    f: Any
    predicts: str
    schedule: Schedule
    time_scale: Any = 1.0
    t_min: float | None = None
    t_max: float | None = None


class Network:
    """`network(x, timestep=tau, **conditioning)` as a function of tensors, in the network's own dtype and device.

    Of a network that says a variance beside the mean, in further channels, the mean.
    """

    def __init__(self, network: Any):
        self.network = network
        first, *rest = inspect.signature(network.forward).parameters.values()
        names = [value for value in rest if value.name not in ("timestep", "return_dict")]
        self.plain = {"return_dict": False} if len(names) < len(rest) - 1 else {}
        time = inspect.Parameter("timestep", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        keywords = [value.replace(kind=inspect.Parameter.KEYWORD_ONLY) for value in names]
        self.__signature__ = inspect.Signature([first.replace(name="x"), time, *keywords])

    def __call__(self, x: Any, timestep: Any, **conditioning: Any) -> Any:
        own = next(self.network.parameters())
        x, timestep = x.to(own.device, own.dtype), timestep.to(own.device)
        out = self.network(x, timestep=timestep.to(at_least_single(own.dtype)), **conditioning, **self.plain)
        out = out[0] if isinstance(out, tuple) else getattr(out, "sample", out)
        doubled = getattr(out, "ndim", 0) == x.ndim and out.shape[1] == 2 * x.shape[1]
        return out[:, : x.shape[1]] if doubled else out


class Preconditioned(Network):
    """EDM's denoiser `D = c_skip x + c_out F(c_in x, c_noise)` of a network `F`, a function of `x = x_0 + sigma z`.

    With `s` the scale of the data: `c_skip = s^2/(sigma^2 + s^2)`, `c_out = sign sigma s/sqrt(sigma^2 + s^2)`,
    `c_in = 1/sqrt(sigma^2 + s^2)` (Karras et al. 2022).
    """

    def __init__(self, network: Any, sign: int, scale: float, c_noise: Callable[[Any], Any]):
        super().__init__(network)
        self.sign, self.scale, self.c_noise = sign, scale, c_noise

    def __call__(self, x: Any, timestep: Any, **conditioning: Any) -> Any:
        level = timestep.reshape(-1, *[1] * (x.ndim - 1))
        total = level**2 + self.scale**2
        said = super().__call__(x / total.sqrt(), self.c_noise(timestep), **conditioning).to(x)
        return (self.scale**2 / total) * x + (self.sign * level * self.scale / total.sqrt()) * said


def read(network: Any, scheduler: Any, time_scale: Any = None) -> Read:
    """What `Model` wants to know of the network and the scheduler of a pipeline.

    Raises
    ------
    InputError : objects of another kind, or a scheduler that does not say it.
    """
    config = getattr(scheduler, "config", None)
    if not isinstance(config, Mapping):
        raise InputError("scheduler", scheduler, "a scheduler of diffusers, an object with its config")
    if not callable(getattr(network, "forward", None)) or not callable(getattr(network, "parameters", None)):
        raise InputError("network", network, "the UNet or transformer of a pipeline, a torch.nn.Module")
    named = type(network).__name__
    if named.startswith(OTHERS):
        required = "a network whose pipeline hands it the scheduler's time and takes what it says as it is"
        raise InputError("network", named, f"{required}; else a function of its own for cf.Model")
    names = {base.__name__ for base in type(scheduler).__mro__}
    if names.intersection(FLOWS):
        if config.get("invert_sigmas"):
            raise InputError("scheduler", "invert_sigmas True", "a scheduler whose sigma is the share of the noise")
        shift = 1.0 if config.get("use_dynamic_shifting") else getattr(scheduler, "shift", 1.0)
        return _flow(network, config, shift, "flow_prediction", time_scale)
    predicts = config.get("prediction_type")
    if hasattr(scheduler, "precondition_noise"):
        levels = (config["sigma_min"], config["sigma_max"])
        return _edm(network, predicts, scheduler.precondition_noise, config["sigma_data"], levels, time_scale)
    if getattr(scheduler, "alphas_cumprod", None) is None:
        known = "with alphas_cumprod and prediction_type, of flow matching, or EDM's"
        raise InputError("scheduler", type(scheduler).__name__, f"one that says what its network predicts: {known}")
    if config.get("use_flow_sigmas"):
        if predicts not in ("epsilon", "sample", "flow_prediction"):
            raise _unknown(predicts, "epsilon, sample or flow_prediction, beside use_flow_sigmas")
        return _flow(network, config, config.get("flow_shift", 1.0), predicts, time_scale)
    if predicts not in _NAMES:
        raise _unknown(predicts, "epsilon, sample or v_prediction")
    alphas = scheduler.alphas_cumprod.detach().cpu().numpy().copy()
    if config.get("rescale_betas_zero_snr"):
        alphas[-1] = 0.0  # as in training; some schedulers put a small number there, to have a finite sigma
    schedule = from_alphas_cumprod(alphas)
    if config.get("timestep_type") == "continuous" and predicts == "v_prediction":
        low, high = (math.sqrt(math.expm1(2 * t)) for t in (schedule.t_min, schedule.t_max))
        levels = (config.get("sigma_min") or low, config.get("sigma_max") or high)
        return _edm(network, predicts, lambda sigma: sigma.log() / 4, 1.0, levels, time_scale)
    return Read(Network(network), _NAMES[predicts], schedule, 1.0 if time_scale is None else time_scale)


def sample_shape(network: Any) -> tuple[int, ...] | None:
    """The shape of one image or latent, from the config of a network in two dimensions; None where it does not say."""
    config = getattr(network, "config", {})
    size, channels = config.get("sample_size"), config.get("in_channels")
    if "2D" not in type(network).__name__ or not isinstance(channels, int):
        return None
    if isinstance(size, int):
        return (channels, size, size)
    return (channels, *size) if isinstance(size, list | tuple) and len(size) == 2 else None


def _flow(network: Any, config: Mapping[str, Any], shift: Any, predicts: str, time_scale: Any) -> Read:
    if time_scale is None:
        named = type(network).__name__
        time_scale = 1.0 if named.startswith(UNIT_TIME) else config.get("num_train_timesteps", 1000)
        if named.startswith("Sana"):
            time_scale *= getattr(network, "config", {}).get("timestep_scale", 1.0)
    return Read(Network(network), predicts, flow_matching(shift), time_scale)


def _edm(
    network: Any, predicts: Any, c_noise: Callable[[Any], Any], scale: float, levels: tuple[Any, Any], time_scale: Any
) -> Read:
    signs = {"epsilon": 1, "v_prediction": -1}
    if predicts not in signs:
        raise _unknown(predicts, "epsilon or v_prediction, for EDM's preconditioning")
    if time_scale is not None:
        raise InputError("time_scale", time_scale, "none: EDM's preconditioning says what the network takes")
    schedule = edm()
    t_min, t_max = (float(schedule.ou_time(level)) for level in levels)
    return Read(Preconditioned(network, signs[predicts], scale, c_noise), "sample", schedule, 1.0, t_min, t_max)


def _unknown(predicts: Any, required: str) -> InputError:
    return InputError("prediction_type", predicts, f"{required} in the scheduler's config")

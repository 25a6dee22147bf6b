"""The program that `certflow grid --code` prints: a sampler library over the grid, with a network that is known.

In the place of the user's network stands the exact one of the mixture, in the library's own convention, so that the
program runs as it is and its samples can be held against the mixture. Each family of classes has one way of telling
its network where it is and one thing that it wants to be told (proofs/N2.md).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from certflow.commands.grid_request import Target
from certflow.errors import InputError
from certflow.grids.export.formats import Export

#: How many points the program samples.
POINTS = 1000

_LAW = """process = cf.OrnsteinUhlenbeck(cf.load_mixture({mixture!r}), t_min={t_min!r}, t_max={t_max!r})
"""

_DENOISER = '''

def model(x, sigma):
    """E[data | x], x = data + sigma noise, of the mixture: your denoiser goes here."""
    sigma = sigma[:, None]
    m = 1 / (1 + sigma**2) ** 0.5
    return x + sigma**2 * m * process.score(m * x, -m[:, 0].log())


'''

_INDEX = """schedule = cf.schedules.from_alphas_cumprod(scheduler.alphas_cumprod)
"""

_NOISE = '''

def model(x, timestep):
    """{says}, of the mixture: your network goes here."""
    t = {time}
    m = (-t).exp().float()
    noise = -((1 - m**2) ** 0.5) * process.score(x, t)
    return {answer}


'''

_FLOW = '''

def model(x, timestep):
    """{says}, of the mixture: your network goes here."""
    u = {place}
    scale = ((1 - u) ** 2 + u**2) ** 0.5
    noise = -u / scale * process.score(x / scale, -((1 - u) / scale).log())
    return {answer}


'''

_PRECONDITIONED = '''

def model(x, timestep):
    """EDM's network, its preconditioning undone, of the mixture: your network goes here."""
    sigma, scale = {sigma}, scheduler.config.sigma_data
    x = x * (sigma**2 + scale**2) ** 0.5
    m = 1 / (1 + sigma**2) ** 0.5
    data = x + sigma**2 * m * process.score(m * x, -m.log())
    {skip}
    return (data - c_skip * x) / c_out


'''

_ANGLES = '''

def model(x, timestep):
    """The velocity along the angle, of the mixture: your network goes here."""
    sigma = scheduler.config.sigma_data * timestep.tan()
    x, m = x / timestep.cos(), 1 / (1 + sigma**2) ** 0.5
    data = x + sigma**2 * m * process.score(m * x, -m.log())
    return (timestep.cos() ** 2 * x - data) / timestep.sin()


'''

_SKIPS = {
    "EDMEulerScheduler": (
        "(4 * timestep).exp()",
        "c_skip, c_out = scale**2 / (sigma**2 + scale**2), {sign}sigma * scale / (sigma**2 + scale**2) ** 0.5",
    ),
    "CMStochasticIterativeScheduler": (
        "(timestep / 250).exp()",
        "c_skip, c_out = scheduler.get_scalings_for_boundary_condition(sigma)",
    ),
}
_ANSWERS = {
    "epsilon": ("The noise in x", "noise"),
    "sample": ("The data in x", "(x - (1 - m**2) ** 0.5 * noise) / m"),
    "v_prediction": ("The velocity m noise - s data", "(noise - (1 - m**2) ** 0.5 * x) / m"),
}
_FLOW_ANSWERS = {
    "flow_prediction": ("Noise minus data", "(noise - x) / (1 - u)"),
    "epsilon": ("The noise in x", "noise"),
    "sample": ("The data in x", "(x - u * noise) / (1 - u)"),
}
#: `t` of an index of the training schedule, and of `log(sigma) / 4`, which the network of a "continuous" class is told.
_TIMES = (
    "schedule.ou_time(torch.as_tensor(timestep, dtype=torch.float64))",
    "(8 * timestep.double()).exp().log1p() / 2",
)
#: Where a class lists the end of its last step among its timesteps.
_LISTED = ("LTXEulerAncestralRFScheduler", "SCMScheduler")


def program(export: Export, target: Target, mixture: str, ends: tuple[str, str]) -> str:
    """Python that runs as it stands, with the library of the target and certflow installed; it ends with `samples`.

    Raises
    ------
    InputError : a config whose network predicts what its class does not take.
    """
    law = _LAW.format(mixture=mixture, t_min=ends[0].strip(), t_max=ends[1].strip())
    if export.format == "k-diffusion":
        lists = f"sigmas = torch.tensor({export.arguments['sigmas']})\n"
        imports = f"import torch\nfrom k_diffusion.sampling import {export.target}\n\nimport certflow as cf\n\n"
        run = (
            f"noise = torch.randn({POINTS}, process.mixture.dimension)\n"
            f"samples = {export.target}(model, noise * sigmas[0], sigmas)\n"
        )
        return imports + law + _DENOISER + lists + run
    name = export.target
    imports = f"import torch\nfrom diffusers import {name}\n\nimport certflow as cf\n\n"
    numpy = "import numpy as np\n" if export.container == "numpy" else ""
    return (
        numpy
        + imports
        + law
        + _scheduler(target)
        + _model(target)
        + export.code.splitlines()[-1]
        + "\n"
        + _loop(target, export)
    )


def _scheduler(target: Target) -> str:
    name, config = target.stepping.name, target.config
    if target.from_file:
        return f"scheduler = {name}.from_config({config!r})\n"
    return f"scheduler = {name}({', '.join(f'{key}={value!r}' for key, value in config.items())})\n"


def _model(target: Target) -> str:
    name = target.stepping.name
    prediction = target.config.get("prediction_type", "trigflow" if name == "SCMScheduler" else "epsilon")
    if name == "SCMScheduler":
        _known(name, prediction, ("trigflow",))
        return _ANGLES
    if name in _SKIPS:
        sigma, skip = _SKIPS[name]
        if name == "EDMEulerScheduler":
            _known(name, prediction, ("epsilon", "v_prediction"))
        return _PRECONDITIONED.format(sigma=sigma, skip=skip.format(sign="-" if prediction == "v_prediction" else ""))
    if name == "MiniMaxH3Scheduler":
        return _FLOW.format(says="Data minus noise", place="1 - timestep", answer="(x - noise) / (1 - u)")
    if name.startswith("Flow") or name in ("LTXEulerAncestralRFScheduler", "UniPCMultistepScheduler"):
        place = f"timestep / {target.config.get('num_train_timesteps', 1000)}"
        if name != "UniPCMultistepScheduler":  # the others know one
            prediction = "flow_prediction"
        says, answer = _FLOW_ANSWERS[_known(name, prediction, _FLOW_ANSWERS)]
        return _FLOW.format(says=says, place=place, answer=answer)
    says, answer = _ANSWERS[_known(name, prediction, _ANSWERS)]
    continuous = target.config.get("timestep_type") == "continuous" and prediction == "v_prediction"
    model = _NOISE.format(says=says, answer=answer, time=_TIMES[continuous])
    return model if continuous else _INDEX + model


def _known(name: str, prediction: Any, known: Collection[str]) -> str:
    """What the network of a class predicts, once it is found to be something that the class takes."""
    if not isinstance(prediction, str) or prediction not in known:
        raise InputError("prediction_type", prediction, f"{' or '.join(known)} with {name}")
    return prediction


def _loop(target: Target, export: Export) -> str:
    name = target.stepping.name
    start = {"EDMEulerScheduler": " * scheduler.sigmas[0]", "CMStochasticIterativeScheduler": " * scheduler.sigmas[0]"}
    spread = start.get(name, " * scheduler.init_noise_sigma" if _scales(name) else "")
    spread = " * scheduler.config.sigma_data" if name == "SCMScheduler" else spread
    steps = "scheduler.timesteps[:-1]" if name in _LISTED else "scheduler.timesteps"
    seen = "scheduler.scale_model_input(x, timestep)" if _scales(name) else "x"
    return (
        f"x = torch.randn({POINTS}, process.mixture.dimension){spread}\n"
        f"for timestep in {steps}:\n"
        f"    output = model({seen}, timestep)\n"
        "    x = scheduler.step(output, timestep, x).prev_sample\n"
        "samples = x\n"
    )


def _scales(name: str) -> bool:
    """Whether the class scales what its network gets, so that its loop has to ask for it."""
    return name in ("EulerDiscreteScheduler", "HeunDiscreteScheduler", *_SKIPS)

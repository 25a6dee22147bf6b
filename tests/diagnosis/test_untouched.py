"""No error in the schedules that the installed libraries make, and none in what certflow exports for them."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from depth import nightly, some

import certflow as cf
from certflow.grids.export.schedulers import TAKERS
from certflow.grids.grid import TimeGrid

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning",
    "ignore:invalid value encountered:RuntimeWarning",
)

STEPS = (1, 2, 4, 8, 20, 50)
STABLE = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
TABLE: list[dict[str, Any]] = [
    {},
    STABLE,
    {**STABLE, "timestep_spacing": "leading", "steps_offset": 1},
    {**STABLE, "timestep_spacing": "linspace"},
    {"beta_schedule": "squaredcos_cap_v2"},
    {"timestep_spacing": "leading", "steps_offset": 1},
    {"beta_schedule": "squaredcos_cap_v2", "timestep_spacing": "leading", "steps_offset": 1},
    {**STABLE, "timestep_spacing": "trailing", "prediction_type": "v_prediction", "rescale_betas_zero_snr": True},
    {"beta_schedule": "squaredcos_cap_v2", "timestep_spacing": "trailing", "rescale_betas_zero_snr": True},
]
KARRAS: list[dict[str, Any]] = [{**STABLE, f"use_{kind}_sigmas": True} for kind in ("karras", "exponential", "beta")]
FLOW: list[dict[str, Any]] = [
    {},
    {"shift": 3.0},
    {"shift": 7.0},
    {"use_dynamic_shifting": True},
    {"use_karras_sigmas": True},
    {"use_beta_sigmas": True},
    {"invert_sigmas": True},
]
FLOW_SIGMAS: list[dict[str, Any]] = [
    {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": shift} for shift in (1.0, 3.0)
]
VIDEO = {
    "use_karras_sigmas": True,
    "sigma_min": 0.002,
    "sigma_max": 700.0,
    "timestep_type": "continuous",
    "prediction_type": "v_prediction",
    **STABLE,
}

#: The defaults and what published models set.
CONFIGS: dict[str, list[dict[str, Any]]] = {
    "EulerDiscrete": [*TABLE, *KARRAS, VIDEO],
    "HeunDiscrete": [*TABLE[:-2], *KARRAS],
    "DPMSolverMultistep": [
        *TABLE,
        *KARRAS,
        *FLOW_SIGMAS,
        {**STABLE, "use_lu_lambdas": True},
        {"beta_schedule": "squaredcos_cap_v2", "use_karras_sigmas": True},
    ],
    "DPMSolverSinglestep": [{}, STABLE, *KARRAS, *FLOW_SIGMAS],
    "DDPM": TABLE,
    "DDPMParallel": TABLE,
    "LCM": TABLE,
    "TCD": TABLE,
    "FlowMatchEulerDiscrete": FLOW,
    "FlowMatchLCM": FLOW,
    "FlowMapEulerDiscrete": [{}, {"shift": 5.0}],
    "LTXEulerAncestralRF": [{}],
    "MiniMaxH3": [{}],
    "UniPCMultistep": [*TABLE, *KARRAS, *FLOW_SIGMAS],
    "EDMEuler": [{}, {"sigma_schedule": "exponential"}, {"sigma_min": 0.3, "sigma_max": 500.0}],
    "CMStochasticIterative": [{}, {"num_train_timesteps": 151}],
    "SCM": [{}],
}
OTHERS = ("DDIM", "DDIMParallel", "DEISMultistep", "EDMDPMSolverMultistep", "EulerAncestralDiscrete")
OTHERS = (*OTHERS, "FlowMatchHeunDiscrete", "LMSDiscrete", "SASolver", "UnCLIP")


def refuses(name: str, steps: int, config: dict[str, Any]) -> bool:
    """What the libraries themselves cannot do."""
    if name in ("MiniMaxH3", "UnCLIP"):
        return steps < 2
    return name == "CMStochasticIterative" and steps > config.get("num_train_timesteps", 40)


def test_the_schedulers_that_exports_know_are_all_here():
    assert {f"{name}Scheduler" for name in CONFIGS} == set(TAKERS)


@pytest.mark.parametrize("name", some([*CONFIGS, *OTHERS], 2))
def test_a_scheduler_that_nobody_has_touched_has_no_error(make, name):
    examined = 0
    for config in CONFIGS.get(name, [{}]):
        mu = 1.15 if config.get("use_dynamic_shifting") else None
        for steps in STEPS:
            if refuses(name, steps, config):
                continue
            scheduler = make(name, steps, mu=mu, **config)
            found = cf.doctor(scheduler, mu=mu)
            assert found.ok, (config, steps, found.errors)
            assert found.mended is None
            examined += 1
    assert examined >= 4


def test_a_scheduler_is_read_and_left_as_it_is(make):
    scheduler = make("EulerDiscrete")
    before = copy.deepcopy(vars(scheduler))
    assert cf.doctor(scheduler, num_inference_steps=8).ok
    assert scheduler.num_inference_steps is None
    assert all(np.array_equal(vars(scheduler)[key], before[key]) for key in ("timesteps", "sigmas"))
    assert (
        cf.doctor(make("EulerDiscrete", 8)).times.tolist() == cf.doctor(scheduler, num_inference_steps=8).times.tolist()
    )


@pytest.mark.parametrize("steps", STEPS)
def test_the_schedules_of_k_diffusion_have_no_error(k_diffusion, steps):
    for sigmas in (
        k_diffusion.get_sigmas_karras(steps, 0.0292, 14.6146),
        k_diffusion.get_sigmas_karras(steps, 0.002, 80.0),
        k_diffusion.get_sigmas_exponential(steps, 0.0292, 14.6146),
        k_diffusion.get_sigmas_polyexponential(steps, 0.0292, 14.6146),
        k_diffusion.get_sigmas_vp(steps),
    ):
        found = cf.doctor(sigmas, "k-diffusion", num_inference_steps=steps)
        assert found.ok, found.errors
        np.testing.assert_allclose(np.sqrt(np.expm1(2 * found.times)), sigmas[:-1].double(), rtol=1e-6)


@pytest.mark.parametrize("name", TAKERS)
def test_what_is_exported_has_no_error(name):
    grid = TimeGrid("custom", [2.5, 1.8, 1.1, 0.6, 0.25, 0.05])
    config = {"use_flow_sigmas": True} if name == "UniPCMultistepScheduler" else {}
    made = grid.export("diffusers", scheduler=name, **config)
    found = cf.doctor({"scheduler": name, **made.arguments, **config})
    assert found.ok, found.errors
    if not config:
        assert cf.doctor(made.mapping()).times.tolist() == found.times.tolist()
    assert np.abs(np.log(found.times[: grid.times.size] / grid.times)).max() < 0.15


def test_what_is_exported_for_other_libraries_has_no_error():
    grid = TimeGrid("custom", [2.5, 1.8, 1.1, 0.6, 0.25, 0.05])
    assert cf.doctor(grid.export("k-diffusion").mapping()).ok
    assert cf.doctor(grid.export("edm", tolerance=9).mapping()).ok
    assert cf.doctor(grid.export("json").mapping(), "ou").times.tolist() == grid.times.tolist()


@nightly
@pytest.mark.parametrize("name", CONFIGS)
def test_no_number_of_steps_makes_an_error(make, name):
    for config in CONFIGS[name]:
        mu = 1.15 if config.get("use_dynamic_shifting") else None
        for steps in range(1, 101):
            if not refuses(name, steps, config) and not (name in ("LCM", "TCD") and steps > 50):
                scheduler = make(name, steps, mu=mu, **config)
                found = cf.doctor(scheduler, mu=mu)
                if scheduler.timesteps.min() == -1 and config.get("timestep_spacing") == "trailing":
                    continue  # the test below
                assert found.ok, (config, steps, found.errors)


@pytest.mark.parametrize("name", ["EulerDiscrete", "DPMSolverMultistep", "DDPM", "DDIM", "UniPCMultistep"])
def test_a_node_too_many_of_trailing_spacing_is_found(make, name):
    """`np.arange(1000, 0, -1000 / 61)` has 62 entries, for the last is 1e-13: the libraries make timestep -1 of it."""
    scheduler = make(name, 61, timestep_spacing="trailing")
    assert scheduler.timesteps[-1] == -1
    found = cf.doctor(scheduler)
    assert [(finding.name, finding.index, finding.value) for finding in found.errors] == [("not-a-level", 61, -1)]
    assert found.errors[0].mend == "scheduler.set_timesteps(60)"
    scheduler.set_timesteps(60)
    assert cf.doctor(scheduler).ok

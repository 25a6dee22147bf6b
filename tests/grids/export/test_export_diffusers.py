"""The schedulers of the installed diffusers, set to exported grids and run."""

from __future__ import annotations

import importlib
import inspect
import json
import logging
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from certflow.errors import InputError
from certflow.grids.export import Export, export
from certflow.grids.export.diffusers import REFUSED
from certflow.grids.export.formats import SINGLE
from certflow.grids.export.schedulers import TAKERS
from certflow.grids.export.training import DEFAULTS, Training
from certflow.grids.grid import TimeGrid
from certflow.law.library import load_mixture
from certflow.process import OrnsteinUhlenbeck

# diffusers turns tensors into arrays in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

GRID = TimeGrid("custom", np.array([2.5, 1.8, 1.1, 0.6, 0.25, 0.05]))
SIGMAS = np.sqrt(np.expm1(2 * GRID.times))
FLOW = SIGMAS / (1 + SIGMAS)
PROCESS = OrnsteinUhlenbeck(load_mixture("ring-8"), t_min="0.01", t_max="6")
STABLE = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
ROUNDED = ("DPMSolverMultistep", "DPMSolverSinglestep", "DDPM", "DDPMParallel", "LCM", "TCD")


@pytest.fixture(scope="module")
def diffusers() -> Any:
    module = importlib.import_module("diffusers")
    logging.getLogger("diffusers").setLevel(logging.ERROR)
    return module


@pytest.fixture
def make(diffusers) -> Callable[..., Any]:
    return lambda name, **config: getattr(diffusers, f"{name}Scheduler")(**config)


def apply(scheduler: Any, grid: TimeGrid = GRID, **options: Any) -> Export:
    """Export for this scheduler and set it so."""
    made = export(grid, "diffusers", scheduler=scheduler, **options)
    assert made.target == type(scheduler).__name__
    scheduler.set_timesteps(**(made.arguments if made.container == "list" else made.keywords()))
    return made


def floats(tensor: Any) -> np.ndarray:
    return torch.as_tensor(tensor).to(torch.float64).numpy()


# -- which schedulers there are --------------------------------------------------------------------------------


def test_every_scheduler_of_diffusers_is_supported_or_refused_by_name(diffusers):
    there = {name for name in dir(diffusers.schedulers) if name.endswith("Scheduler")}
    there |= {name for name in dir(diffusers) if name.endswith("Scheduler")}
    assert not set(TAKERS) & set(REFUSED)
    assert there - {"Scheduler"} == set(TAKERS) | set(REFUSED)


@pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_scheduler_really_takes_no_grid(diffusers, name):
    """A version whose `set_timesteps` takes `timesteps` or `sigmas` after all fails here, and can be supported."""
    with pytest.raises(InputError, match=name) as refused:
        export(GRID, "diffusers", scheduler=name)
    assert REFUSED[name] in str(refused.value)
    assert "EulerDiscreteScheduler" in str(refused.value)
    if name in ("KarrasVeScheduler", "ScoreSdeVpScheduler"):
        return
    set_timesteps = getattr(diffusers.schedulers, name).set_timesteps
    taken = {"timesteps", "sigmas"} & set(inspect.signature(set_timesteps).parameters)
    if name == "PiflowScheduler":
        with pytest.raises(ValueError, match="only supports its configured"):
            diffusers.PiflowScheduler().set_timesteps(sigmas=FLOW.tolist())
    elif name in ("HeliosScheduler", "HeliosDMDScheduler"):
        scheduler = getattr(diffusers, name)()
        scheduler.set_timesteps(6, stage_index=0, sigmas=FLOW)
        ours = set(scheduler.sigmas.numpy().round(6)) & set(FLOW.round(6))
        assert not ours
    elif name == "DDPMWuerstchenScheduler":
        assert taken == {"timesteps"}
    else:
        assert not taken


def test_the_defaults_of_a_name_are_those_of_its_class(diffusers):
    for name, (_, special) in TAKERS.items():
        expected = {**DEFAULTS, "shift": 1.0, "flow_shift": 1.0, "sigma_data": 0.5, **special}
        if name == "CMStochasticIterativeScheduler":
            expected["num_train_timesteps"] = 40
        if name == "MiniMaxH3Scheduler":
            del expected["shift"]  # which it applies to its own sigmas only
        if name in ("EDMEulerScheduler", "CMStochasticIterativeScheduler"):
            expected |= {"sigma_min": 0.002, "sigma_max": 80.0, "rho": 7.0}
        parameters = inspect.signature(getattr(diffusers, name).__init__).parameters
        for key, value in expected.items():
            assert key not in parameters or parameters[key].default == value, (name, key)


@pytest.mark.parametrize("config", [{}, STABLE, {"beta_schedule": "squaredcos_cap_v2"}, {"trained_betas": [0.1, 0.2]}])
def test_the_training_schedule_is_that_of_the_library(make, config):
    theirs = floats(make("EulerDiscrete", **config).alphas_cumprod)
    np.testing.assert_allclose(Training.of(config).sigmas, np.sqrt((1 - theirs) / theirs), rtol=3e-4)


# -- what they make of the grid --------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [{}, STABLE, {"timestep_spacing": "leading"}, {"use_karras_sigmas": True}])
def test_euler_steps_over_the_nodes_and_tells_the_model_where_it_is(make, config):
    scheduler = make("EulerDiscrete", **config)
    made = apply(scheduler)
    assert not made.lossy
    np.testing.assert_allclose(floats(scheduler.sigmas), [*SIGMAS, 0], rtol=1e-6)
    alphas = floats(scheduler.alphas_cumprod)
    logs = np.interp(floats(scheduler.timesteps), np.arange(1000), 0.5 * np.log((1 - alphas) / alphas))
    np.testing.assert_allclose(np.exp(logs), SIGMAS, rtol=1e-4)
    np.testing.assert_allclose(1 / (1 + np.exp(2 * logs)), np.exp(-2 * GRID.times), rtol=1e-3)
    spread = floats(scheduler.init_noise_sigma)
    leading = config.get("timestep_spacing") == "leading"
    assert spread == pytest.approx(np.hypot(SIGMAS[0], 1) if leading else SIGMAS[0], rel=1e-6)
    assert ("sqrt(sigmas[0]^2 + 1)" in made.notes[1]) == leading


def test_euler_stops_at_t_min_when_asked(make):
    scheduler = make("EulerDiscrete")
    apply(scheduler, end="t_min")
    np.testing.assert_allclose(floats(scheduler.sigmas), SIGMAS, rtol=1e-6)
    assert len(scheduler.timesteps) == GRID.segments


def test_euler_with_continuous_timesteps_has_no_training_range(make):
    scheduler = make("EulerDiscrete", timestep_type="continuous", prediction_type="v_prediction", **STABLE)
    made = apply(scheduler, TimeGrid("custom", [5.0, 4.0, 0.1]))
    assert not made.lossy
    np.testing.assert_allclose(floats(scheduler.timesteps), 0.25 * np.log(np.sqrt(np.expm1([10.0, 8, 0.2]))), rtol=1e-5)


def test_euler_beyond_its_training_range_tells_the_model_its_last_timestep(make):
    scheduler = make("EulerDiscrete", **STABLE)
    made = apply(scheduler, TimeGrid("custom", [3.0, 1.0, 0.1]))
    assert made.lossy
    assert floats(scheduler.timesteps)[0] == 999
    with pytest.raises(InputError, match="training range"):  # two nodes at timestep 999: it would start at the second
        export(TimeGrid("custom", [3.0, 2.9, 0.1]), "diffusers", scheduler=scheduler)
    scheduler.set_timesteps(sigmas=[20.0, 18.0, 0.4, 0.0])
    assert scheduler.index_for_timestep(scheduler.timesteps[0]) == 1


@pytest.mark.parametrize("name", ["FlowMatchEulerDiscrete", "FlowMatchLCM", "FlowMapEulerDiscrete"])
@pytest.mark.parametrize("shift", [1.0, 3.0, 0.5])
def test_flow_matching_ends_at_the_nodes_after_its_own_shift(make, name, shift):
    scheduler = make(name, shift=shift)
    made = apply(scheduler)
    assert not made.lossy
    np.testing.assert_allclose(floats(scheduler.sigmas), [*FLOW, 0], rtol=1e-6)
    np.testing.assert_allclose(floats(scheduler.timesteps), 1000 * FLOW, rtol=1e-6)
    assert made.arguments == export(GRID, "diffusers", scheduler=type(scheduler).__name__, shift=shift).arguments
    assert made.arguments == export(GRID, "diffusers", scheduler=json.loads(scheduler.to_json_string())).arguments


@pytest.mark.parametrize("name", ["FlowMatchEulerDiscrete", "FlowMatchLCM", "UniPCMultistep"])
@pytest.mark.parametrize("kind", ["exponential", "linear"])
def test_dynamic_shifting_is_undone_for_the_mu_that_the_pipeline_passes(make, name, kind):
    unipc = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"} if name.startswith("UniPC") else {}
    scheduler = make(name, use_dynamic_shifting=True, time_shift_type=kind, **unipc)
    made = apply(scheduler, mu=1.15)
    assert made.arguments["mu"] == 1.15
    np.testing.assert_allclose(floats(scheduler.sigmas), [*FLOW, 0], rtol=2e-6)


def test_a_shift_set_after_construction_counts(make):
    scheduler = make("FlowMatchEulerDiscrete", shift=3.0)
    scheduler.set_shift(6.0)
    apply(scheduler)
    np.testing.assert_allclose(floats(scheduler.sigmas), [*FLOW, 0], rtol=1e-6)


def test_flow_schedulers_that_take_the_final_zero_too(make):
    ltx, h3 = make("LTXEulerAncestralRF"), make("MiniMaxH3")
    for scheduler in (ltx, h3):
        assert not apply(scheduler).lossy
        np.testing.assert_allclose(floats(scheduler.sigmas), [*FLOW, 0], rtol=1e-6)
    np.testing.assert_allclose(floats(ltx.timesteps), [*(1000 * FLOW), 0], rtol=1e-6)
    np.testing.assert_allclose(floats(h3.timesteps), 1 - FLOW, rtol=2e-6)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_unipc_steps_over_the_nodes_but_tells_whole_timesteps(make, shift):
    scheduler = make("UniPCMultistep", use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=shift)
    made = apply(scheduler)
    np.testing.assert_allclose(floats(scheduler.sigmas), [*FLOW, 0], rtol=1e-6)
    told = floats(scheduler.timesteps) / 1000
    assert made.lossy
    assert made.rounding == pytest.approx(np.abs(np.log(told / (1 - told) / SIGMAS)).max(), rel=1e-6)
    with pytest.raises(TypeError):
        scheduler.set_timesteps(sigmas=made.arguments["sigmas"])


@pytest.mark.parametrize("name", ROUNDED)
@pytest.mark.parametrize("config", [{}, STABLE])
def test_whole_timesteps_are_the_nearest_and_their_error_is_told(make, name, config):
    scheduler = make(name, **config)
    made = apply(scheduler)
    timesteps, alphas = scheduler.timesteps.numpy(), floats(scheduler.alphas_cumprod)
    levels = 0.5 * np.log((1 - alphas) / alphas)
    error = np.abs(levels[timesteps] - np.log(SIGMAS))
    assert timesteps.tolist() == made.arguments["timesteps"]
    np.testing.assert_array_equal(timesteps, np.abs(levels[:, None] - np.log(SIGMAS)).argmin(0))
    assert made.rounding == pytest.approx(error.max(), rel=1e-6)
    assert made.lossy == (error.max() > SINGLE)
    if name.startswith("DPM"):
        np.testing.assert_allclose(floats(scheduler.sigmas), [*np.exp(levels[timesteps]), 0], rtol=1e-5)
    assert made.arguments == export(GRID, "diffusers", scheduler=type(scheduler).__name__, **config).arguments


def test_a_grid_of_training_timesteps_is_not_lossy(make):
    scheduler = make("DPMSolverMultistep", **STABLE)
    alphas = floats(scheduler.alphas_cumprod)
    made = apply(scheduler, TimeGrid("custom", -0.5 * np.log(alphas[[999, 640, 217, 3]])))
    assert not made.lossy
    assert made.arguments == {"timesteps": [999, 640, 217, 3]}


def test_zero_terminal_snr_is_taken_from_the_scheduler(make):
    for name in ("DDPM", "LCM", "TCD", "EulerDiscrete", "DPMSolverMultistep"):
        scheduler = make(name, rescale_betas_zero_snr=True, **STABLE)
        made = apply(scheduler, TimeGrid("custom", [3.2, 1.0, 0.1]))
        if name != "EulerDiscrete":
            steps = scheduler.timesteps.numpy()
            used = -0.5 * np.log(floats(scheduler.alphas_cumprod)[steps])
            np.testing.assert_allclose(used, [3.2, 1.0, 0.1], rtol=2e-2)
        assert made.lossy == (name != "EulerDiscrete")


@pytest.mark.parametrize("config", [{}, STABLE, {"beta_schedule": "exp"}])
def test_heun_keeps_timesteps_between_the_integers(make, config):
    scheduler = make("HeunDiscrete", **config)
    grid = GRID if config != {"beta_schedule": "exp"} else TimeGrid("custom", GRID.times * 0.9)
    made = apply(scheduler, grid)
    sigmas = np.sqrt(np.expm1(2 * grid.times))
    assert not made.lossy
    assert len(scheduler.timesteps) == 2 * len(sigmas) - 1
    assert made.notes[0].startswith(f"{len(scheduler.timesteps)} model evaluations")
    np.testing.assert_allclose(floats(scheduler.sigmas), [sigmas[0], *sigmas[1:].repeat(2), 0], rtol=1e-5)
    alphas = floats(scheduler.alphas_cumprod)
    told = np.interp(floats(scheduler.timesteps), np.arange(1000), np.sqrt((1 - alphas) / alphas))
    np.testing.assert_allclose(told, [sigmas[0], *sigmas[1:].repeat(2)], rtol=1e-5)


def test_edm_euler_warps_its_ramp_onto_the_nodes(make):
    for config in ({}, {"sigma_min": 0.01, "sigma_max": 30.0, "rho": 3.0}):
        scheduler = make("EDMEuler", **config)
        assert not apply(scheduler).lossy
        np.testing.assert_allclose(floats(scheduler.sigmas), [*SIGMAS, 0], rtol=1e-6)
        np.testing.assert_allclose(floats(scheduler.timesteps), 0.25 * np.log(SIGMAS), rtol=1e-5, atol=1e-6)
    with pytest.raises(AttributeError):
        scheduler.set_timesteps(sigmas=SIGMAS.tolist())


def test_consistency_models_round_to_their_ramp(make):
    scheduler = make("CMStochasticIterative", num_train_timesteps=1000)
    made = apply(scheduler)
    used = floats(scheduler.sigmas)
    np.testing.assert_allclose(used[:-1], SIGMAS, rtol=2e-2)
    assert made.rounding == pytest.approx(np.abs(np.log(used[:-1] / SIGMAS)).max(), rel=1e-4)
    assert made.lossy
    with pytest.raises(InputError, match="indices"):
        apply(make("CMStochasticIterative"), TimeGrid("custom", [2.5, 2.45, 0.1]))


def test_scm_takes_the_angles(make):
    scheduler = make("SCM")
    assert not apply(scheduler).lossy
    np.testing.assert_allclose(0.5 * np.tan(floats(scheduler.timesteps)), [*SIGMAS, 0], rtol=1e-5)


# -- and run ---------------------------------------------------------------------------------------------------


class Model:
    """The exact mixture as a network: it sees the VP state and its OU time, and predicts noise or x_0."""

    def __init__(self) -> None:
        self.evaluations = 0

    def noise(self, x: torch.Tensor, t: float) -> torch.Tensor:
        self.evaluations += 1
        x = x.to(torch.float64)
        return -float(np.sqrt(-np.expm1(-2 * t))) * PROCESS.score(x, t)

    def denoised(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        t = 0.5 * np.log1p(sigma**2)
        return x.to(torch.float64) - sigma * self.noise(x * np.exp(-t), t)


def own_steps(x: torch.Tensor, sigmas: np.ndarray, *, heun: bool = False) -> torch.Tensor:
    """`dx/dsigma = (x - D(x, sigma)) / sigma`, `x` variance-exploding, from node to node and on to 0."""
    model, x = Model(), x.to(torch.float64)
    nodes = [*sigmas.tolist(), 0.0]
    for sigma, following in pairwise(nodes):
        first = (x - model.denoised(x, sigma)) / sigma
        step = x + (following - sigma) * first
        if heun and following > 0:
            step = x + (following - sigma) * (first + (step - model.denoised(step, following)) / following) / 2
        x = step
    return x


def start(seed: int = 7) -> torch.Tensor:
    return torch.randn(6, 2, generator=torch.Generator().manual_seed(seed))


def told_time(scheduler: Any, timestep: torch.Tensor, *, log: bool = True) -> float:
    """The OU time that a timestep stands for under the scheduler's own `alphas_cumprod`."""
    alphas = floats(scheduler.alphas_cumprod)
    sigmas = np.sqrt((1 - alphas) / alphas)
    place = float(timestep), np.arange(alphas.size)
    sigma = np.exp(np.interp(*place, np.log(sigmas))) if log else np.interp(*place, sigmas)
    return 0.5 * float(np.log1p(sigma**2))


@pytest.mark.parametrize(("name", "heun"), [("EulerDiscrete", False), ("HeunDiscrete", True)])
def test_a_loop_of_a_variance_exploding_scheduler_is_our_own(make, name, heun):
    scheduler, model = make(name, **STABLE), Model()
    made = apply(scheduler)
    x = begin = start() * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        seen = scheduler.scale_model_input(x, timestep)
        x = scheduler.step(
            model.noise(seen, told_time(scheduler, timestep, log=not heun)).float(), timestep, x
        ).prev_sample
    np.testing.assert_allclose(x, own_steps(begin, SIGMAS, heun=heun), atol=1e-4)
    assert made.notes[0].startswith(f"{model.evaluations} model evaluations")


def test_the_state_before_the_last_step_lies_at_t_min(make):
    to_zero, to_t_min = make("EulerDiscrete"), make("EulerDiscrete")
    apply(to_zero)
    apply(to_t_min, end="t_min")
    ends = []
    for scheduler, steps in ((to_zero, GRID.segments), (to_t_min, None)):
        x, model = start() * scheduler.init_noise_sigma, Model()
        for timestep in scheduler.timesteps[:steps]:
            seen = scheduler.scale_model_input(x, timestep)
            x = scheduler.step(model.noise(seen, told_time(scheduler, timestep)).float(), timestep, x).prev_sample
        assert model.evaluations == GRID.segments
        ends.append(x)
    np.testing.assert_array_equal(*ends)


@pytest.mark.parametrize("name", ["FlowMatchEulerDiscrete", "FlowMapEulerDiscrete", "MiniMaxH3"])
def test_a_loop_of_a_flow_matching_scheduler_is_euler_in_sigma(make, name):
    """Euler in `u` of `(1 - u) x_0 + u z` is Euler in `sigma` of `x_0 + sigma z`."""
    scheduler, model = make(name, shift=3.0), Model()
    made, x = apply(scheduler), start()
    begin = x * (1 + SIGMAS[0])
    for timestep in scheduler.timesteps:
        u = 1 - float(timestep) if name == "MiniMaxH3" else float(timestep) / 1000
        sigma = u / (1 - u)
        clean = model.denoised(x * (1 + sigma), sigma)
        velocity = (x - clean) / u
        x = scheduler.step((-velocity if name == "MiniMaxH3" else velocity).float(), timestep, x).prev_sample
    np.testing.assert_allclose(x, own_steps(begin, SIGMAS), atol=1e-4)
    assert made.notes[0].startswith(f"{model.evaluations} model evaluations")


def test_a_loop_of_unipc_of_order_one_is_euler_in_sigma(make):
    scheduler = make(
        "UniPCMultistep",
        use_flow_sigmas=True,
        prediction_type="flow_prediction",
        solver_order=1,
        disable_corrector=list(range(10)),
    )
    apply(scheduler)
    model, x = Model(), start()
    begin = x * (1 + SIGMAS[0])
    for timestep, sigma in zip(scheduler.timesteps, SIGMAS, strict=True):
        clean = model.denoised(x * (1 + sigma), sigma)
        x = scheduler.step(((x - clean) * (1 + sigma) / sigma).float(), timestep, x).prev_sample
    np.testing.assert_allclose(x, own_steps(begin, SIGMAS), atol=1e-4)


def test_a_loop_of_dpm_solver_of_order_one_is_euler_over_the_rounded_nodes(make):
    scheduler, model = make("DPMSolverMultistep", solver_order=1, **STABLE), Model()
    made, x = apply(scheduler), start()
    used = floats(scheduler.sigmas)[:-1]
    begin = x * np.hypot(1, used[0])
    for timestep in scheduler.timesteps:
        x = scheduler.step(model.noise(x, told_time(scheduler, timestep)).float(), timestep, x).prev_sample
    np.testing.assert_allclose(x, own_steps(begin, used), atol=1e-4)
    assert made.notes[0].startswith(f"{model.evaluations} model evaluations")


def test_a_loop_of_edm_euler_is_our_own(make):
    scheduler, model = make("EDMEuler"), Model()
    apply(scheduler)
    x = begin = start() * float(SIGMAS[0])
    for timestep in scheduler.timesteps:
        scheduler.scale_model_input(x, timestep)
        clean = model.denoised(x, float(torch.exp(4 * timestep)))
        zeros = torch.zeros_like(x)
        x = scheduler.step(zeros, timestep, x, pred_original_sample=clean.float()).prev_sample
    np.testing.assert_allclose(x, own_steps(begin, SIGMAS), atol=1e-4)


@pytest.mark.parametrize("name", ["LCM", "TCD", "DDPM", "CMStochasticIterative", "SCM", "FlowMatchLCM"])
def test_a_stochastic_scheduler_runs_through_all_nodes(make, name):
    config = {"clip_denoised": False, "num_train_timesteps": 1000} if name.startswith("CM") else {}
    scheduler = make(name, **config)
    made, x = apply(scheduler), start()
    timesteps = scheduler.timesteps[:-1] if name == "SCM" else scheduler.timesteps
    assert made.notes[0].startswith(f"{len(timesteps)} model evaluations")
    for timestep in timesteps:
        seen = scheduler.scale_model_input(x, timestep) if hasattr(scheduler, "scale_model_input") else x
        x = scheduler.step(0.1 * seen, timestep, x, generator=torch.Generator().manual_seed(1)).prev_sample
    assert torch.isfinite(x).all()


# -- what is handed over ---------------------------------------------------------------------------------------


def test_a_scheduler_brings_its_own_config(make):
    scheduler = make("EulerDiscrete", **STABLE)
    with pytest.raises(InputError, match="whose own config counts"):
        export(GRID, "diffusers", scheduler=scheduler, beta_start=0.1)
    config = json.loads(scheduler.to_json_string())  # what scheduler_config.json holds
    assert export(GRID, "diffusers", scheduler=config) == export(GRID, "diffusers", scheduler=scheduler)
    with pytest.raises(InputError, match="DDIMScheduler"):
        export(GRID, "diffusers", scheduler=make("DDIM"))


def test_a_subclass_counts_as_its_base(diffusers):
    class Mine(diffusers.EulerDiscreteScheduler):
        pass

    assert export(GRID, "diffusers", scheduler=Mine()).target == "EulerDiscreteScheduler"


def test_alphas_cumprod_may_be_given_for_a_name(make):
    scheduler = make("DDPM", **STABLE)
    given = export(GRID, "diffusers", scheduler="DDPMScheduler", alphas_cumprod=scheduler.alphas_cumprod)
    assert given == export(GRID, "diffusers", scheduler=scheduler)


@pytest.mark.parametrize("name", TAKERS)
def test_the_code_sets_the_scheduler(diffusers, name):
    config = {"use_flow_sigmas": True} if name.startswith("UniPC") else {}
    scheduler = getattr(diffusers, name)(**config)
    made = apply(scheduler)
    timesteps = scheduler.timesteps.clone()
    exec(compile(made.code, name, "exec"), {"scheduler": scheduler})
    assert torch.equal(scheduler.timesteps, timesteps)

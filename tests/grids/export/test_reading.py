"""Grids read back from what exports write, for every format and every scheduler; what is no grid, in one line."""

from __future__ import annotations

import importlib
import json
import logging
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from certflow.errors import InputError
from certflow.grids import TimeGrid
from certflow.grids.export.schedulers import TAKERS

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

GRID = TimeGrid("custom", np.array([2.5, 1.8, 1.1, 0.6, 0.25, 0.05]))
STABLE = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
FLOW = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
CONTINUOUS = {"timestep_type": "continuous", "prediction_type": "v_prediction"}
#: Every scheduler with its defaults, and those with a config that changes what the numbers mean.
CASES: list[tuple[str, dict[str, Any]]] = [
    *((name, FLOW if name.startswith("UniPC") else {}) for name in TAKERS),
    *((name, STABLE) for name in ("EulerDiscreteScheduler", "HeunDiscreteScheduler", "DDPMScheduler")),
    ("DDPMScheduler", {"beta_schedule": "squaredcos_cap_v2"}),
    ("DDPMScheduler", {"trained_betas": np.linspace(1e-4, 0.03, 600).tolist()}),
    ("EulerDiscreteScheduler", CONTINUOUS),
    ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0}),
    ("FlowMatchLCMScheduler", {"shift": 0.5}),
    ("UniPCMultistepScheduler", {**FLOW, "flow_shift": 5.0}),
    ("EDMEulerScheduler", {"sigma_max": 100.0, "rho": 3.0}),
    ("CMStochasticIterativeScheduler", {"num_train_timesteps": 300}),
    ("SCMScheduler", {"sigma_data": 1.5}),
]


def shifts(grid: TimeGrid, goal: TimeGrid = GRID) -> float:
    """Largest difference of log sigma, each by its own formula from the time."""
    assert grid.segments == goal.segments
    logs = [g.times + np.log(-np.expm1(-2 * g.times)) / 2 for g in (grid, goal)]
    return float(np.abs(logs[0] - logs[1]).max())


def read(arguments: dict[str, Any], scheduler: Any, **options: Any) -> TimeGrid:
    if "sigmas" in arguments:
        return TimeGrid.from_sigmas(arguments["sigmas"], scheduler, **options)
    return TimeGrid.from_timesteps(arguments["timesteps"], scheduler, **options)


# -- what exports write ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "config"), CASES)
def test_what_is_written_for_a_scheduler_comes_back(name: str, config: dict[str, Any]) -> None:
    """Up to the rounding that the export tells, which float32 and whole timesteps make."""
    made = GRID.export("diffusers", scheduler=name, **config)
    found = read(made.arguments, name, **config)
    whole = "timesteps" in made.arguments and name not in ("HeunDiscreteScheduler", "SCMScheduler")
    assert shifts(found) < (made.rounding * (1 + 1e-6) + 1e-12 if whole else 1e-12 + 1e-5 * name.startswith("Heun"))
    if whole:
        assert shifts(found) == pytest.approx(made.rounding, rel=1e-3)
    assert (found.kind, found.options["end"], found.options["scheduler"]) == ("custom", "zero", name)
    assert json.loads(json.dumps(dict(found.options))) == dict(found.options)
    again = found.export("diffusers", scheduler=name, **config).arguments
    key = next(key for key in ("sigmas", "timesteps") if key in again)
    np.testing.assert_allclose(again[key], made.arguments[key], rtol=1e-9)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(("name", "config"), CASES)
def test_a_scheduler_that_is_set_tells_its_grid(name: str, config: dict[str, Any]) -> None:
    """From the installed library: its own `timesteps`, in its own dtype, beside the object or its config."""
    logging.getLogger("diffusers").setLevel(logging.ERROR)
    scheduler = getattr(importlib.import_module("diffusers"), name)(**config)
    made = GRID.export("diffusers", scheduler=scheduler)
    scheduler.set_timesteps(**(made.arguments if made.container == "list" else made.keywords()))
    found = read(made.arguments, scheduler)
    assert shifts(found, read(made.arguments, json.loads(scheduler.to_json_string()))) < 1e-6
    if name == "CMStochasticIterativeScheduler":
        return  # its timesteps are logarithms, not places
    steps = scheduler.timesteps
    if name == "HeunDiscreteScheduler":
        steps = steps[::2]  # each but the first is listed twice
    told = TimeGrid.from_timesteps(steps, scheduler)
    rounding = made.rounding if name.startswith("UniPC") else 1e-3 if name.startswith("Euler") else 1e-5
    assert shifts(told, found) <= rounding * (1 + 1e-6)


def test_dynamic_shifting_needs_its_mu() -> None:
    for kind in ("exponential", "linear"):
        config = {"use_dynamic_shifting": True, "time_shift_type": kind}
        made = GRID.export("diffusers", scheduler="FlowMatchEulerDiscreteScheduler", mu=1.15, **config)
        found = TimeGrid.from_sigmas(made.arguments["sigmas"], "FlowMatchEulerDiscreteScheduler", mu=1.15, **config)
        assert shifts(found) < 1e-12
        with pytest.raises(InputError, match="gets as mu"):
            TimeGrid.from_sigmas(made.arguments["sigmas"], "FlowMatchEulerDiscreteScheduler", **config)


@pytest.mark.parametrize("end", ["zero", "t_min"])
def test_sigmas_of_k_diffusion_and_euler_come_back(end: str) -> None:
    made = GRID.export("k-diffusion", end=end).arguments["sigmas"]
    for values in (made, np.array(made), tuple(made), torch.tensor(made, dtype=torch.float64)):
        found = TimeGrid.from_sigmas(values)
        np.testing.assert_allclose(found.times, GRID.times, rtol=1e-14)
        assert dict(found.options) == {"read_from": "sigmas", "end": end}
    again = TimeGrid.from_sigmas(GRID.export("diffusers", end=end).arguments["sigmas"], "EulerDiscreteScheduler")
    np.testing.assert_allclose(again.times, GRID.times, rtol=1e-14)
    assert again.options["end"] == end
    assert shifts(TimeGrid.from_sigmas(torch.tensor(made))) < 1e-6


def test_numbers_of_edm_come_back() -> None:
    """The nodes that `edm_sampler` makes of its four numbers."""
    sigmas = (20 ** (1 / 7) + np.arange(9) / 8 * (0.1 ** (1 / 7) - 20 ** (1 / 7))) ** 7
    grid = TimeGrid.from_sigmas(sigmas)
    told = grid.export("edm").arguments
    high, low, rho = told["sigma_max"], told["sigma_min"], told["rho"]
    steps = np.arange(told["num_steps"]) / (told["num_steps"] - 1)
    nodes = (high ** (1 / rho) + steps * (low ** (1 / rho) - high ** (1 / rho))) ** rho
    assert shifts(TimeGrid.from_sigmas([*nodes, 0]), grid) < 1e-9


def test_names_of_nodes_in_json_come_back() -> None:
    document = GRID.export("json", **STABLE).mapping()
    assert shifts(TimeGrid.from_sigmas(document["sigmas"])) < 1e-13
    assert shifts(TimeGrid.from_sigmas(document["flow_times"], "FlowMatchEulerDiscreteScheduler")) < 1e-13
    found = TimeGrid.from_timesteps(document["timesteps"], **document["training"])
    assert shifts(found) < 1e-10
    assert dict(found.options) == {"read_from": "timesteps", "end": "t_min"}


@given(st.lists(st.floats(1e-150, 1e150), min_size=2, max_size=8, unique=True))
def test_every_noise_level_has_its_time(sigmas: list[float]) -> None:
    sigmas.sort(reverse=True)
    assume(all(a > b * (1 + 1e-9) for a, b in pairwise(sigmas)))  # float64 times tell them apart
    times = TimeGrid.from_sigmas(sigmas).times
    for sigma, time in zip(sigmas, times, strict=True):
        exact = math.log(sigma) if sigma > 1e9 else math.log1p(sigma**2) / 2
        assert time == pytest.approx(exact, rel=1e-14)


# -- schedules that are no scheduler ---------------------------------------------------------------------------


def test_a_training_schedule_is_given_by_alphas_cumprod() -> None:
    """`t = -log(alpha_bar) / 2`; between two, log sigma is linear."""
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    alphas = np.cumprod(1 - betas)
    for values in (alphas, alphas.tolist(), torch.tensor(alphas)):
        found = TimeGrid.from_timesteps([999, 500, 20, 0], alphas_cumprod=values)
        np.testing.assert_allclose(found.times, -np.log(alphas[[999, 500, 20, 0]]) / 2, rtol=1e-12)
    logs = np.log((1 - alphas) / alphas) / 2
    half = TimeGrid.from_timesteps([500.25, 20], alphas_cumprod=alphas).times[0]
    assert math.log(math.expm1(2 * half)) / 2 == pytest.approx(0.75 * logs[500] + 0.25 * logs[501], rel=1e-12)
    with pytest.raises(InputError, match="whole timestep"):
        TimeGrid.from_timesteps([500.25, 20], "DDPMScheduler", alphas_cumprod=alphas)


def test_a_noise_schedule_knows_its_own_time() -> None:
    class Linear:
        def ou_time(self, tau: Any) -> Any:
            return np.asarray(tau) / 10

    found = TimeGrid.from_timesteps([20, 10, 1], Linear())
    assert found.times.tolist() == [2.0, 1.0, 0.1]
    with pytest.raises(InputError, match=r"timesteps\[1\].*lower noise level"):
        TimeGrid.from_timesteps([10, 20], Linear())
    with pytest.raises(InputError, match="none beside a noise schedule"):
        TimeGrid.from_timesteps([20, 10], Linear(), shift=3)


# -- what is refused -------------------------------------------------------------------------------------------

ZERO_SNR = [0.9, 0.5, 0.1, 0.0]
BAD_SIGMAS: list[tuple[Any, Any, dict[str, Any], str]] = [
    (
        [3.0, 1.0, 1.0, 0.0],
        None,
        {},
        r"sigmas\[2\]: got 1.0; required: a lower noise level than that of sigmas\[1\] = 1",
    ),
    ([1.0, 3.0], None, {}, r"sigmas\[1\]: got 3.0"),
    ([3.0, float("nan"), 1.0], None, {}, r"sigmas\[1\]: got nan; required: a finite number"),
    ([float("inf"), 1.0], None, {}, r"sigmas\[0\]: got inf"),
    ([3.0, -1.0], None, {}, r"sigmas\[1\]: got -1.0; required: a number > 0"),
    ([3.0, 0.0, 0.0], None, {}, r"sigmas\[1\]: got 0.0"),
    ([3.0, 0.0], None, {}, "two or more nodes"),
    ([3.0], None, {}, r"shape \(n,\)"),
    ([[3.0, 1.0]], None, {}, r"shape \(n,\)"),
    (None, None, {}, "sigmas"),
    ("3, 1", None, {}, "sigmas"),
    ([3.0, "a"], None, {}, "sigmas"),
    ([3.0, True], None, {}, "booleans"),
    ([1.0, 1e-200], None, {}, "finite and > 0"),
    ([3.0, 1.0], None, {"shift": 3}, "none without a scheduler"),
    ([3.0, 1.0], "DDPMScheduler", {}, "from_timesteps"),
    ([3.0, 1.0], "MagicScheduler", {}, "EulerDiscreteScheduler"),
    ([3.0, 1.0], "DDIMScheduler", {}, "takes a number of steps"),
    ([3.0, 1.0], 7, {}, "its config or its class name"),
    (
        [1.0, 0.5],
        "FlowMatchEulerDiscreteScheduler",
        {},
        r"sigmas\[0\]: got 1.0; required: a time of flow matching u < 1",
    ),
    ([900.0, 500.0], "FlowMatchEulerDiscreteScheduler", {}, "u < 1"),
    ([0.9, 0.5, 0.0], "FlowMatchEulerDiscreteScheduler", {}, "adds itself"),
    ([0.9, 0.5], "FlowMatchEulerDiscreteScheduler", {"shift": -1}, "a number > 0"),
    ([0.9, 0.5], "FlowMatchEulerDiscreteScheduler", {"steps": 1}, "scheduler, mu or one of"),
    ([0.0, 7.0], "EDMEulerScheduler", {}, "a place on the ramp"),
]
BAD_TIMESTEPS: list[tuple[Any, Any, dict[str, Any], str]] = [
    ([900, 500], None, {}, "a scheduler, its config or class name"),
    ([900, 500], None, {"shift": 3}, "one of beta_schedule"),
    ([900, 900, 1], "DDPMScheduler", {}, r"timesteps\[1\]: got 900.0"),
    ([1, 900], "DDPMScheduler", {}, r"timesteps\[1\]"),
    (
        [1000, 1],
        "DDPMScheduler",
        {},
        r"timesteps\[0\]: got 1000.0; required: a timestep of DDPMScheduler, from 0 to 999",
    ),
    ([900, -1], "DDPMScheduler", {}, "from 0 to 999"),
    ([900.5, 1], "LCMScheduler", {}, "a whole timestep"),
    ([900, 500], "DDPMScheduler", {"num_train_timesteps": 600}, "from 0 to 599"),
    ([3, 1], None, {"alphas_cumprod": ZERO_SNR}, "there is no signal"),
    ([2.5, 1], None, {"alphas_cumprod": ZERO_SNR}, "at most 2"),
    ([900, 500], None, {"alphas_cumprod": [0.5, 0.9]}, "strictly falling"),
    ([None, 500], None, STABLE, "timesteps"),
    ([1000.0, 500.0], "FlowMatchEulerDiscreteScheduler", {}, "num_train_timesteps = 1000"),
    ([1.6, 0.5, 0.0], "SCMScheduler", {}, "below pi/2"),
    ([2, 10], "CMStochasticIterativeScheduler", {}, "listed from the data end"),
    ([40, 2], "CMStochasticIterativeScheduler", {}, "from 0"),
    ([900.0, 500.0], "EDMEulerScheduler", {}, r"log\(sigma\)/4"),
    ([0.1, 0.0], "MiniMaxH3Scheduler", {}, "two or more"),
]


@pytest.mark.parametrize(("values", "scheduler", "config", "line"), BAD_SIGMAS)
def test_sigmas_that_are_no_grid(values: Any, scheduler: Any, config: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError, match=line) as refused:
        TimeGrid.from_sigmas(values, scheduler, **config)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("values", "schedule", "config", "line"), BAD_TIMESTEPS)
def test_timesteps_that_are_no_grid(values: Any, schedule: Any, config: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError, match=line) as refused:
        TimeGrid.from_timesteps(values, schedule, **config)
    assert "\n" not in str(refused.value)

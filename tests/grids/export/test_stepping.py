"""Which solver's grid suits a target, and that its programs run: `commands/test_grid_code.py` counts and compares."""

from __future__ import annotations

import numpy as np
import pytest

from certflow.errors import InputError
from certflow.grids.export.karras import SAMPLERS
from certflow.grids.export.schedulers import TAKERS
from certflow.grids.export.stepping import PLAIN, STEPPING, stepping_of
from certflow.grids.grid import TimeGrid, from_json
from certflow.samplers.solvers import SOLVERS

GRID = [2.5, 1.8, 1.1, 0.6, 0.25, 0.05]


def test_every_target_is_there():
    assert set(STEPPING) == {*TAKERS, *SAMPLERS, "edm_sampler"}
    assert {how.sampler for how in STEPPING.values()} == {"distilled", *SOLVERS}
    assert all(how.name == name for name, how in STEPPING.items())


def test_the_plain_targets_of_a_solver_take_its_very_steps():
    for format, targets in PLAIN.items():
        for sampler, name in targets.items():
            how = STEPPING[name]
            assert (how.format, how.why) == (format, "")
            assert format == "edm" or sampler in ("distilled", how.sampler)


@pytest.mark.parametrize("name", STEPPING)
def test_an_export_counts_as_its_target_does(name):
    how = STEPPING[name]
    kind = {"rho": 7.0} if how.format == "edm" else {}
    grid = TimeGrid("custom", GRID if how.format != "edm" else [2.0, 0.5], kind, how.sampler)
    config = {"use_flow_sigmas": True} if name.startswith("UniPC") else {}
    if name.startswith("CM"):
        config["num_train_timesteps"] = 1000
    options = {"diffusers": {"scheduler": name, **config}, "k-diffusion": {"sampler": name}}.get(how.format, {})
    made = grid.export(how.format, **options)
    assert (made.evaluations, made.sampler) == (how.evaluations(grid.segments), how.sampler)
    assert made.notes[0].startswith(f"{made.evaluations} model evaluations")
    assert made.mapping()["evaluations"] == made.evaluations
    assert made.mapping()["sampler"] == how.sampler
    assert not [note for note in made.notes if "is meant" in note]


@pytest.mark.parametrize("end", ["zero", "t_min"])
def test_an_export_that_stops_at_t_min_saves_the_last_evaluation(end):
    for format, options in (("diffusers", {}), ("k-diffusion", {"sampler": "sample_heun"})):
        made = TimeGrid("custom", GRID).export(format, end=end, **options)
        assert made.evaluations == (5 if format == "diffusers" else 10) + (end == "zero")


@pytest.mark.parametrize(
    ("sampler", "target", "told"),
    [
        ("distilled", "EulerDiscreteScheduler", "meant for trained maps"),
        ("heun", "EulerDiscreteScheduler", "meant for heun"),
        ("euler", "EulerDiscreteScheduler", ""),
        ("distilled", "LCMScheduler", ""),
        ("euler", "LCMScheduler", ""),
    ],
)
def test_a_grid_on_another_target_says_so(sampler, target, told):
    notes = " ".join(TimeGrid("typical", GRID, {}, sampler).export("diffusers", scheduler=target).notes)
    assert ("is meant" in notes) == bool(told)
    assert told in notes


def test_nodes_of_ones_own_are_not_judged():
    assert "is meant" not in " ".join(TimeGrid("custom", GRID).export("diffusers").notes)


@pytest.mark.parametrize("sampler", ["distilled", "euler", "heun", "dpmpp-2m"])
def test_the_maps_of_a_grid_are_told_and_come_back(sampler):
    grid = TimeGrid("optimised", GRID, {"reason": "x"}, sampler)
    document = grid.export("json").mapping()
    assert document["sampler"] == sampler
    assert from_json(document).sampler == sampler
    assert repr(grid).startswith(f"TimeGrid(optimised{'' if sampler == 'distilled' else f' for {sampler}'}, K=5: 2.5")
    del document["sampler"]  # as documents were written before
    assert from_json(document).sampler == "distilled"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("DDIMScheduler", "its set_timesteps takes a number of steps"),
        ("sample_dpm_fast", "this one chooses its own"),
        ("Heun", "one that takes a grid: of diffusers EulerDiscreteScheduler, "),
        ("Heun", "of k-diffusion sample_euler, "),
    ],
)
def test_what_takes_no_grid_is_refused_with_what_does(name, told):
    with pytest.raises(InputError) as refused:
        stepping_of(name)
    assert told in str(refused.value)


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
@pytest.mark.parametrize(
    "config",
    [
        {},
        {"solver_type": "bh2"},
        {"solver_type": "heun"},
        {"solver_order": 1},
        {"solver_order": 3},
        {"algorithm_type": "sde-dpmsolver++"},
        {"thresholding": True},
        {"lower_order_final": False},
        {"euler_at_final": True},
    ],
)
def test_the_steps_of_a_multistep_scheduler_are_those_of_its_solver_just_where_nothing_is_said(config):
    """DPM-Solver++(2M) written out on the noise levels that diffusers has, and Euler's step on to 0."""
    torch, diffusers = pytest.importorskip("torch"), pytest.importorskip("diffusers")
    grid = TimeGrid("custom", GRID).export("diffusers", scheduler="DPMSolverMultistepScheduler")
    made = diffusers.DPMSolverMultistepScheduler(**{"final_sigmas_type": "zero", "prediction_type": "sample", **config})
    made.set_timesteps(timesteps=grid.arguments["timesteps"])
    levels = made.sigmas.double().numpy()
    x, generator = torch.full((1, 1, 1, 2), 1.3, dtype=torch.float64), torch.Generator().manual_seed(0)
    z, past, before = 1.3 * np.hypot(1, levels[0]), None, 0.0
    for timestep, sigma, after in zip(made.timesteps, levels[:-1], levels[1:], strict=True):
        m = 1 / np.hypot(1, sigma)
        x = made.step(2 * torch.tanh(x / m), timestep, x, generator=generator).prev_sample
        data = float(2 * np.tanh(z))
        slope = 0.0 if past is None or after == 0 else (data - past) / np.log(before / sigma) * np.log(sigma / after)
        z = after / sigma * z + (1 - after / sigma) * (data + slope / 2)
        past, before = data, sigma
    same = abs(float(x.flatten()[0]) - z) < 1e-5
    assert same == (stepping_of("DPMSolverMultistepScheduler", config).why == "")

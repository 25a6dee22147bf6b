"""Exports that need no other library: JSON there and back, EDM's four numbers, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certflow.errors import InputError
from certflow.grids.export import FORMATS, export, from_json, load
from certflow.grids.export.karras import karras, to_edm
from certflow.grids.grid import TimeGrid

GRID = TimeGrid("custom", np.array([2.5, 1.3, 0.6, 0.2, 0.05]), {"seed": 3, "note": "x"})


def grid_of_sigmas(sigmas: Any, kind: str = "custom", **options: Any) -> TimeGrid:
    return TimeGrid(kind, 0.5 * np.log1p(np.asarray(sigmas, dtype=float) ** 2), options)


def same(left: TimeGrid, right: TimeGrid) -> bool:
    return left.kind == right.kind and left.options == right.options and left.times.tobytes() == right.times.tobytes()


# -- JSON ------------------------------------------------------------------------------------------------------


def test_json_names_every_node_and_comes_back_exactly(tmp_path):
    made = export(GRID, "json")
    document = json.loads(made.text())
    alpha_bar, sigma = np.exp(-2 * GRID.times), GRID.sigmas
    assert not made.lossy
    np.testing.assert_allclose(document["alpha_bar"], alpha_bar)
    np.testing.assert_allclose(document["sigmas"], sigma)
    np.testing.assert_allclose(document["log_snr"], np.log(alpha_bar / (1 - alpha_bar)))
    np.testing.assert_allclose(document["flow_times"], sigma / (1 + sigma))
    assert same(from_json(made.text()), GRID)
    assert same(from_json(made.mapping()), GRID)
    (tmp_path / "grid.json").write_text(made.text(), encoding="utf-8")
    assert same(load(tmp_path / "grid.json"), GRID)


@given(st.lists(st.floats(1e-300, 1e300), min_size=2, max_size=12, unique=True))
def test_json_keeps_every_bit_of_any_grid(times):
    grid = TimeGrid("custom", np.array(sorted(times, reverse=True)))
    assert same(from_json(export(grid, "json").text()), grid)


def test_json_timesteps_invert_the_training_schedule():
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    alphas = np.cumprod(1 - betas)
    grid = TimeGrid("custom", -0.5 * np.log(alphas[[900, 500, 20]]))
    options = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
    document = export(grid, "json", **options).mapping()
    np.testing.assert_allclose(document["timesteps"], [900, 500, 20], atol=0.01)
    assert document["training"]["beta_schedule"] == "scaled_linear"
    assert export(TimeGrid("custom", [3.0, 1.0, 1e-5]), "json", **options).mapping()["timesteps"][::2] == [None, None]


@pytest.mark.parametrize(
    ("document", "line"),
    [
        ("{", "JSON"),
        ("[" * 100_000, "JSON"),
        ('{"times": [' + "9" * 5000 + "]}", "JSON"),
        ("[1]", "a JSON object"),
        ({"schema": "certflow/report/1"}, "certflow/grid/1"),
        ({"schema": "certflow/grid/1", "kind": "custom"}, "times (a list)"),
        ({"schema": "certflow/grid/1", "kind": "custom", "times": [2.0, "1"]}, "numbers"),
        ({"schema": "certflow/grid/1", "kind": "custom", "times": [1.0, 2.0]}, "strictly decreasing"),
        ({"schema": "certflow/grid/1", "kind": "custom", "times": [2.0, 1.0], "sigmas": [7.0, 1.0]}, "same file"),
        ({"schema": "certflow/grid/1", "kind": "custom", "times": [2.0, 1.0], "sigmas": [10**400, 1]}, "same file"),
    ],
)
def test_json_that_is_no_grid_is_refused(document, line):
    with pytest.raises(InputError, match=line.replace("(", r"\(").replace(")", r"\)")):
        from_json(document)


def test_files_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(InputError, match="a readable JSON file"):
        load(tmp_path / "none.json")
    with pytest.raises(InputError, match="JSON values"):
        export(TimeGrid("custom", [2.0, 1.0], {"seed": {1}}), "json")


# -- EDM -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rho", [1.0, 3.0, 7.0, 12.5, -2.0])
@pytest.mark.parametrize("named", [True, False])
def test_edm_holds_a_karras_grid_exactly(rho, named):
    grid = grid_of_sigmas(karras(9, 0.02, 20.0, rho), "karras", **({"rho": rho} if named else {}))
    made = to_edm(grid)
    assert not made.lossy
    assert made.arguments["num_steps"] == 9
    assert made.arguments["rho"] == pytest.approx(rho, rel=1e-9)
    np.testing.assert_allclose(_edm_nodes(made.arguments), grid.sigmas, rtol=1e-12 if named else 1e-9)
    assert "17 model evaluations" in made.notes[0]


def test_edm_reaches_geometric_nodes_by_a_large_exponent():
    made = to_edm(grid_of_sigmas(np.geomspace(20, 0.02, 9)))
    assert not made.lossy
    assert abs(made.arguments["rho"]) > 1e4


def test_edm_fits_the_best_exponent_and_says_what_is_lost():
    sigmas = karras(9, 0.02, 20.0, 7.0)
    sigmas[1:-1] *= np.exp(0.05 * np.array([1, -1, 1, -1, 1, -1, 1]))
    grid = grid_of_sigmas(sigmas)
    made = to_edm(grid)
    assert made.lossy
    assert made.rounding == pytest.approx(np.abs(np.log(_edm_nodes(made.arguments) / grid.sigmas)).max(), rel=1e-9)
    for other in (0.9, 0.99, 1.01, 1.1):
        nodes = _edm_nodes({**made.arguments, "rho": made.arguments["rho"] * other})
        assert np.abs(np.log(nodes / grid.sigmas)).max() > made.rounding
    with pytest.raises(InputError, match="k-diffusion takes any"):
        to_edm(grid, tolerance=0.01)
    with pytest.raises(InputError, match="tolerance"):
        to_edm(grid, tolerance=-1)


def test_edm_of_one_segment_has_nothing_to_fit():
    assert to_edm(TimeGrid("custom", [2.0, 0.1])).arguments["rho"] == 7.0


def _edm_nodes(arguments: dict[str, Any]) -> np.ndarray:
    """`edm_sampler` of github.com/NVlabs/edm, its time step discretization, without the final 0."""
    import torch

    num_steps, low, high, rho = (arguments[key] for key in ("num_steps", "sigma_min", "sigma_max", "rho"))
    index = torch.arange(num_steps, dtype=torch.float64)
    steps = (high ** (1 / rho) + index / (num_steps - 1) * (low ** (1 / rho) - high ** (1 / rho))) ** rho
    return steps.numpy()


# -- what is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("format", "options", "line"),
    [
        ("onnx", {}, "one of diffusers, k-diffusion, edm, json"),
        ("edm", {"rho": 7}, "one of tolerance"),
        ("json", {"shift": 3}, "one of beta_schedule"),
        ("k-diffusion", {"sampler": "sample_dpm_adaptive"}, "chooses its own"),
        ("k-diffusion", {"sampler": "sample_magic"}, "one of sample_euler"),
        ("k-diffusion", {"end": "never"}, "'zero' or 't_min'"),
        ("diffusers", {"steps": 3}, "scheduler, end, mu or one of"),
        ("diffusers", {"scheduler": "DDIMScheduler"}, "takes a number of steps.*EulerDiscreteScheduler"),
        ("diffusers", {"scheduler": "MagicScheduler"}, "EulerDiscreteScheduler"),
        ("diffusers", {"scheduler": 7}, "its config or its class name"),
        ("diffusers", {"scheduler": {"shift": 3}}, "_class_name"),
        ("diffusers", {"mu": 1.0}, "no mu for EulerDiscreteScheduler"),
        ("diffusers", {"scheduler": "HeunDiscreteScheduler", "end": "t_min"}, "'zero' for HeunDiscreteScheduler"),
        ("diffusers", {"scheduler": "UniPCMultistepScheduler"}, "use_flow_sigmas"),
        ("diffusers", {"scheduler": "DPMSolverMultistepScheduler", "use_karras_sigmas": True}, "from_config"),
        ("diffusers", {"scheduler": "FlowMatchEulerDiscreteScheduler", "shift_terminal": 0.1}, "shift_terminal=None"),
        ("diffusers", {"scheduler": "FlowMatchEulerDiscreteScheduler", "shift": -3}, "a number > 0"),
        ("diffusers", {"scheduler": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": True}, "gets as mu"),
        ("diffusers", {"scheduler": "FlowMatchEulerDiscreteScheduler", "mu": 1.0}, "use_dynamic_shifting"),
        ("diffusers", {"scheduler": "DDPMScheduler", "beta_schedule": "sigmoid"}, "alphas_cumprod"),
        ("diffusers", {"scheduler": "DDPMScheduler", "beta_end": 2}, "between 0 and 1"),
        ("diffusers", {"scheduler": "DDPMScheduler", "num_train_timesteps": 1}, "a whole number from 2"),
        ("diffusers", {"scheduler": "DDPMScheduler", "alphas_cumprod": [0.5, 0.9]}, "strictly falling"),
        ("diffusers", {"scheduler": "DDPMScheduler", "rescale_betas_zero_snr": True}, "without that last step"),
        ("diffusers", {"scheduler": "EDMEulerScheduler", "sigma_schedule": "exponential"}, "karras"),
    ],
)
def test_a_refusal_is_one_line_that_says_what_is_possible(format, options, line):
    with pytest.raises(InputError, match=line) as refused:
        export(GRID, format, **options)
    assert "\n" not in str(refused.value)


def test_only_grids_are_exported_and_only_those_that_float32_can_hold():
    with pytest.raises(InputError, match="TimeGrid"):
        export([2.0, 1.0], "json")
    for format in set(FORMATS) - {"json"}:
        with pytest.raises(InputError, match="float32"):
            export(TimeGrid("custom", [400.0, 1.0]), format)
    with pytest.raises(InputError, match="differ from each other and from 1"):
        export(TimeGrid("custom", [20.0, 1.0]), "diffusers", scheduler="FlowMatchEulerDiscreteScheduler")


def test_nodes_outside_of_the_training_range_are_refused_where_they_would_move():
    stable = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
    late = TimeGrid("custom", [3.0, 1.0, 0.1])
    for scheduler in ("DPMSolverMultistepScheduler", "HeunDiscreteScheduler", "LCMScheduler"):
        with pytest.raises(InputError, match=r"t from 0\.00042\d* to 2\.684"):
            export(late, "diffusers", scheduler=scheduler, **stable)
    with pytest.raises(InputError, match="whole timesteps"):
        export(TimeGrid("custom", [1.0, 0.9999, 0.1]), "diffusers", scheduler="DDPMScheduler")
    made = export(late, "diffusers", **stable)
    assert made.lossy
    assert made.rounding == pytest.approx(np.log(late.sigmas[0] / 14.6146), abs=1e-4)
    with pytest.raises(InputError, match="training range of EulerDiscreteScheduler"):
        export(TimeGrid("custom", [3.0, 2.9, 0.1]), "diffusers", **stable)


# -- what every export says ------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_every_export_is_plain_json_with_code_that_compiles(format):
    made = export(GRID, format, **({"tolerance": 1.0} if format == "edm" else {}))
    assert json.loads(made.text()) == json.loads(json.dumps(made.mapping()))
    compile(made.code, format, "exec")
    assert made.notes
    assert made.format == format
    if format != "json":
        assert f"t_min = {GRID.times[-1]:g}" in made.notes[0]


def test_stopping_at_t_min_saves_the_last_evaluation():
    for format in ("diffusers", "k-diffusion"):
        to_zero, to_t_min = export(GRID, format), export(GRID, format, end="t_min")
        assert to_zero.arguments["sigmas"] == [*to_t_min.arguments["sigmas"], 0.0]
        assert to_zero.notes[0].startswith("5 model evaluations")
        assert to_t_min.notes[0].startswith("4 model evaluations")

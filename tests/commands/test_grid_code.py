"""What `certflow grid --code` prints, run with the installed diffusers and k-diffusion, beside solvers written here."""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
import sys
import types
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from libraries import modules_kept, sampling_alone

import certflow as cf
from certflow.commands.grid_code import POINTS, program
from certflow.commands.grid_request import Target, request_of
from certflow.errors import InputError
from certflow.grids.export.stepping import STEPPING
from certflow.grids.export.training import Training

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Should have t[ab]:UserWarning:torchsde"),
]

ENDS = ("0.01", "2.5")
GRID = cf.time_grid(cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), *ENDS), 6, "logsnr")
SIGMAS = np.sqrt(np.expm1(2 * GRID.times))


def target_of(name: str) -> Target:
    found = request_of(None, None, None, None, None, None, None, name, True).target
    assert found is not None
    return found


def printed(target: Target) -> str:
    format = target.stepping.format
    return program(GRID.export(format, **target.options), target, "two-modes", ENDS)


def denoised(z: np.ndarray, sigma: float) -> np.ndarray:
    """`E[x_0 | x_0 + sigma n = z]` of modes at (-1, 0) and (1, 0) of variance 0.04."""
    variance = 0.04 + sigma**2
    mean = np.tanh(z[:, :1] / variance) * np.array([[1.0, 0.0]])
    return (0.04 * z + sigma**2 * mean) / variance


def own_samples(z: np.ndarray, sigmas: np.ndarray, sampler: str) -> np.ndarray:
    """Euler, Heun or DPM-Solver++(2M) from node to node, and Euler's step on to 0."""
    before: tuple[float, np.ndarray] | None = None
    for a, b in pairwise([*sigmas, 0.0]):
        data = denoised(z, a)
        slope = (z - data) / a
        after = z + (b - a) * slope
        if b > 0 and sampler == "heun":
            after = z + (b - a) * (slope + (after - denoised(after, b)) / b) / 2
        if b > 0 and sampler == "dpmpp-2m" and before is not None:
            ratio = np.log(before[0] / a) / np.log(a / b)
            after = b / a * z + (1 - b / a) * (data + (data - before[1]) / (2 * ratio))
        z, before = after, (a, data)
    return z


class Counted:
    """How often the exact network of the mixture was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.evaluations, score = 0, cf.OrnsteinUhlenbeck.score

        def counted(process: cf.OrnsteinUhlenbeck, x: Any, t: Any) -> Any:
            self.evaluations += 1
            return score(process, x, t)

        monkeypatch.setattr(cf.OrnsteinUhlenbeck, "score", counted)


def run(text: str) -> tuple[dict[str, Any], np.ndarray]:
    """The names that the program leaves, and the noise from which it began."""
    torch.manual_seed(3)
    noise = torch.randn(POINTS, 2).double().numpy()
    torch.manual_seed(3)
    names: dict[str, Any] = {}
    exec(compile(text, "printed", "exec"), names)
    return names, noise


def held(samples: Any) -> np.ndarray:
    """The samples, once they are found to lie around the two modes, half of them around each."""
    found = samples.double().numpy()
    assert found.shape == (POINTS, 2)
    assert np.hypot(np.abs(found[:, 0]) - 1, found[:, 1]).max() < 1.2
    assert 0.12 < np.hypot(np.abs(found[:, 0]) - 1, found[:, 1]).mean() < 0.3
    assert abs((found[:, 0] > 0).mean() - 0.5) < 0.06
    return found


# -- diffusers -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def diffusers() -> Any:
    module = importlib.import_module("diffusers")
    logging.getLogger("diffusers").setLevel(logging.ERROR)
    return module


DIFFUSERS = [name for name, how in STEPPING.items() if how.format == "diffusers"]


@pytest.mark.usefixtures("diffusers")
@pytest.mark.parametrize("name", DIFFUSERS)
def test_the_program_of_a_scheduler_samples_the_mixture(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    target = target_of(name)
    names, noise = run(printed(target))
    assert counted.evaluations == target.stepping.evaluations(GRID.segments)
    samples, solver = held(names["samples"]), target.stepping.sampler
    if target.stepping.why:
        return
    sigmas = SIGMAS
    if name == "DPMSolverMultistepScheduler":  # it rounds to whole timesteps
        sigmas = names["scheduler"].sigmas[:-1].double().numpy()
    spread = {"Flow": 1 + sigmas[0], "Mini": 1 + sigmas[0], "DPMS": np.hypot(1, sigmas[0])}.get(name[:4], sigmas[0])
    own = own_samples(noise * spread, sigmas, "euler" if solver == "distilled" else solver)
    np.testing.assert_allclose(samples, own, atol=3e-3)


@pytest.mark.parametrize(
    ("name", "config", "sampler"),
    [
        ("EulerDiscreteScheduler", {"prediction_type": "v_prediction", "beta_schedule": "scaled_linear"}, "euler"),
        ("HeunDiscreteScheduler", {"prediction_type": "sample", "beta_start": 0.0001, "beta_end": 0.02}, "heun"),
        ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0}, "euler"),
        ("EDMEulerScheduler", {"prediction_type": "v_prediction", "sigma_data": 1.0}, "euler"),
        ("EulerDiscreteScheduler", {"prediction_type": "v_prediction", "timestep_type": "continuous"}, "euler"),
    ],
)
def test_the_config_in_a_file_counts(
    diffusers: Any, name: str, config: dict[str, Any], sampler: str, tmp_path: Path
) -> None:
    getattr(diffusers, name)(**config).save_config(tmp_path)
    target = target_of(str(tmp_path / "scheduler_config.json"))
    assert (target.stepping.name, target.stepping.sampler) == (name, sampler)
    names, noise = run(printed(target))
    assert {key: names["scheduler"].config[key] for key in config} == config
    spread = 1 + SIGMAS[0] if name.startswith("Flow") else SIGMAS[0]
    np.testing.assert_allclose(held(names["samples"]), own_samples(noise * spread, SIGMAS, sampler), atol=3e-3)


@pytest.mark.parametrize(
    ("name", "config", "sampler", "why"),
    [
        ("DPMSolverMultistepScheduler", {"solver_order": 3}, "dpmpp-2m", "it is set to order 3"),
        ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}, "dpmpp-2m", "set to sde-dpmsolver++"),
        ("FlowMatchEulerDiscreteScheduler", {"stochastic_sampling": True}, "euler", "adds noise"),
        ("LTXEulerAncestralRFScheduler", {"eta": 0.0}, "euler", ""),
        ("LTXEulerAncestralRFScheduler", {"eta": 0.5}, "euler", "adds noise"),
    ],
)
def test_settings_of_a_config_change_how_a_class_steps(
    name: str, config: dict[str, Any], sampler: str, why: str, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"_class_name": name, "_diffusers_version": "0.42.1", **config}))
    how = target_of(str(tmp_path / "a.json")).stepping
    assert (how.name, how.sampler) == (name, sampler)
    assert why in how.why
    assert bool(how.why) == bool(why)


@pytest.mark.usefixtures("diffusers")
@pytest.mark.parametrize("predicts", ["flow_prediction", "epsilon", "sample"])
def test_whatever_unipc_is_told_of_the_network_its_program_samples_the_mixture(predicts: str, tmp_path: Path) -> None:
    config = {"_class_name": "UniPCMultistepScheduler", "use_flow_sigmas": True, "prediction_type": predicts}
    (tmp_path / "a.json").write_text(json.dumps(config))
    held(run(printed(target_of(str(tmp_path / "a.json"))))[0]["samples"])


@pytest.mark.parametrize(
    ("name", "prediction"),
    [
        ("EulerDiscreteScheduler", "flow_prediction"),
        ("LCMScheduler", 7),
        ("UniPCMultistepScheduler", "v_prediction"),  # diffusers reads it as on a variance preserving schedule
        ("EDMEulerScheduler", "sample"),
        ("SCMScheduler", "epsilon"),
    ],
)
def test_a_prediction_that_the_class_does_not_take_is_refused(name: str, prediction: Any, tmp_path: Path) -> None:
    more = {"use_flow_sigmas": True} if name.startswith("UniPC") else {}
    (tmp_path / "a.json").write_text(json.dumps({"_class_name": name, "prediction_type": prediction, **more}))
    with pytest.raises(InputError, match=f"^prediction_type: got .*; required: .* with {name}$"):
        printed(target_of(str(tmp_path / "a.json")))


def test_the_ends_of_a_training_range_are_those_of_its_schedule() -> None:
    from certflow.grids.export.diffusers import training_ends

    betas = np.linspace(0.00085, 0.012, 1000)
    alphas = np.cumprod(1 - betas)
    assert training_ends("HeunDiscreteScheduler") == pytest.approx(-np.log(alphas[[0, -1]]) / 2, rel=1e-4)
    assert training_ends("EDMEulerScheduler") == pytest.approx(np.log1p(np.array([0.002, 80]) ** 2) / 2)
    assert training_ends("FlowMatchEulerDiscreteScheduler") is None
    assert Training.of({}).range[1] == pytest.approx(157.4, rel=1e-3)


# -- k-diffusion -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sampling() -> Any:
    with modules_kept():
        return sampling_alone()


K_DIFFUSION = [name for name, how in STEPPING.items() if how.format == "k-diffusion"]


@pytest.mark.parametrize("name", K_DIFFUSION)
def test_the_program_of_a_function_samples_the_mixture(
    sampling: Any, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "k_diffusion", types.ModuleType("k_diffusion"))
    monkeypatch.setitem(sys.modules, "k_diffusion.sampling", sampling)
    counted = Counted(monkeypatch)
    target = target_of(name)
    names, noise = run(printed(target))
    assert counted.evaluations == target.stepping.evaluations(GRID.segments)
    samples = held(names["samples"])
    if not target.stepping.why:
        own = own_samples(noise * SIGMAS[0], SIGMAS, target.stepping.sampler)
        np.testing.assert_allclose(samples, own, atol=1e-4)
    capsys.readouterr()  # its bar


# -- the command -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("diffusers")
def test_the_command_prints_the_program_and_nothing_else(command: Callable[..., Any]) -> None:
    line = ("--segments", "3", "--kind", "typical", "--sampler", "distilled", "--scheduler", "LCMScheduler", "--code")
    ended = command("grid", "two-modes", *line)
    assert ended.code == 0
    names, _ = run(ended.out)
    assert len(names["scheduler"].timesteps) == 4
    assert "t_max = 2.6" in ended.err  # the training of the class ends before 3
    assert "4 evaluations of the model" in ended.err
    assert "no prediction holds: it jumps to the data" in ended.err

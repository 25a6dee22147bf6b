"""The samplers of the installed k-diffusion, run over exported grids."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from depth import night
from libraries import modules_kept, sampling_alone

from certflow.grids.export import export
from certflow.grids.export.karras import SAMPLERS, UNTIMED, karras
from certflow.grids.grid import TimeGrid
from certflow.law.library import load_mixture
from certflow.process import OrnsteinUhlenbeck

GRID = TimeGrid("custom", np.array([2.5, 1.8, 1.1, 0.6, 0.25, 0.05]))
PROCESS = OrnsteinUhlenbeck(load_mixture("ring-8"), t_min="0.01", t_max="6")


@pytest.fixture(scope="module")
def sampling() -> Iterator[Any]:
    """The installed `k_diffusion.sampling`; `sys.modules` is left as it was.

    `import k_diffusion` also loads its metrics and image models, and needs a torchvision built for this torch.
    Where that fails, `sampling` is loaded alone.
    """
    with modules_kept():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the many packages that this import loads
                module = importlib.import_module("k_diffusion.sampling")
        except (ImportError, RuntimeError):
            module = sampling_alone()
        yield module


class Denoiser:
    """`E[x_0 | x_0 + sigma z]` of the mixture, from the score of the OU process; counts its evaluations."""

    def __init__(self) -> None:
        self.evaluations = 0

    def __call__(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        self.evaluations += 1
        sigma = sigma.to(torch.float64)[:, None]
        t = 0.5 * torch.log1p(sigma**2)
        m = torch.exp(-t)
        score = m * PROCESS.score(x.to(torch.float64) * m, t[:, 0])
        return (x + sigma**2 * score).to(x.dtype)


def noise(count: int = 6) -> torch.Tensor:
    return torch.randn(count, 2, generator=torch.Generator().manual_seed(5))


def own_steps(x: torch.Tensor, grid: TimeGrid, *, heun: bool = False) -> torch.Tensor:
    """`dx/dsigma = (x - D(x, sigma)) / sigma` from node to node and on to sigma = 0, in float64."""
    denoise, x = Denoiser(), x.to(torch.float64)

    def slope(y: torch.Tensor, sigma: float) -> torch.Tensor:
        return (y - denoise(y, torch.full((len(y),), sigma, dtype=torch.float64))) / sigma

    nodes = [*np.sqrt(np.expm1(2 * grid.times)).tolist(), 0.0]
    for sigma, following in pairwise(nodes):
        first = slope(x, sigma)
        step = x + (following - sigma) * first
        if heun and following > 0:
            step = x + (following - sigma) * (first + slope(step, following)) / 2
        x = step
    return x


def test_sample_euler_takes_our_own_steps(sampling):
    made = export(GRID, "k-diffusion")
    sigmas, model = made.keywords()["sigmas"], Denoiser()
    start = noise() * sigmas[0]
    result = sampling.sample_euler(model, start, sigmas, disable=True)
    np.testing.assert_allclose(result, own_steps(start, GRID), atol=2e-5)
    assert made.notes[0].startswith(f"{model.evaluations} model evaluations")


def test_sample_heun_takes_our_own_steps(sampling):
    made = export(GRID, "k-diffusion", sampler="sample_heun")
    sigmas, model = made.keywords()["sigmas"], Denoiser()
    start = noise() * sigmas[0]
    result = sampling.sample_heun(model, start, sigmas, disable=True)
    np.testing.assert_allclose(result, own_steps(start, GRID, heun=True), atol=2e-5)
    assert made.notes[0].startswith(f"{model.evaluations} model evaluations")


@pytest.mark.filterwarnings("ignore:Should have t[ab]:UserWarning:torchsde")  # float32 ends of its Brownian path
@pytest.mark.parametrize("end", ["zero", "t_min"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_runs_with_the_evaluations_that_the_notes_say(sampling, sampler, end):
    made = export(GRID, "k-diffusion", sampler=sampler, end=end)
    sigmas, model, seen = made.keywords()["sigmas"], Denoiser(), []
    result = getattr(sampling, sampler)(
        model, noise() * sigmas[0], sigmas, disable=True, callback=lambda state: seen.append(float(state["sigma"]))
    )
    assert torch.isfinite(result).all()
    assert made.notes[0].startswith(f"{model.evaluations} model evaluations")
    np.testing.assert_allclose(seen, GRID.sigmas if end == "zero" else GRID.sigmas[:-1], rtol=1e-6)


def test_all_samplers_of_the_library_are_known(sampling):
    functions = {name for name in dir(sampling) if name.startswith("sample_")}
    timed = {name for name in functions if "sigmas" in inspect.signature(getattr(sampling, name)).parameters}
    assert timed == set(SAMPLERS)
    assert functions - timed == set(UNTIMED)


def test_dpmpp_2m_over_many_nodes_is_the_flow(sampling):
    """Over 64 nodes it is near the map of our own Heun steps over 100, from the same noise."""
    some, more = (TimeGrid("custom", np.geomspace(4, 0.01, count)) for count in (64, 100))
    sigmas = export(some, "k-diffusion", sampler="sample_dpmpp_2m").keywords()["sigmas"]
    start = noise() * sigmas[0]
    result = sampling.sample_dpmpp_2m(Denoiser(), start, sigmas, disable=True)
    np.testing.assert_allclose(result, own_steps(start, more, heun=True), atol=1e-2)


def test_unit_noise_times_the_first_sigma_gives_samples_of_the_mixture(sampling):
    """The convention of the initial noise: from it the moments of the mixture come out, from unit noise they do not."""
    sigmas = export(TimeGrid("custom", np.geomspace(4, 0.01, 20)), "k-diffusion").keywords()["sigmas"]
    mixture, start = PROCESS.mixture, noise(400)
    means, weights = np.asarray(mixture.means, float), np.asarray(mixture.weights, float)
    spread = float((weights[:, None] * means**2).sum()) + 2 * float(np.asarray(mixture.covariances, float).ravel()[0])

    def second_moment(scale: float) -> float:
        samples = sampling.sample_heun(Denoiser(), start * scale, sigmas, disable=True)
        return float((samples**2).sum(1).mean())

    assert second_moment(float(sigmas[0])) == pytest.approx(spread, rel=0.05)
    assert second_moment(1.0) < 0.8 * spread


def test_edm_nodes_are_those_of_get_sigmas_karras(sampling):
    sigmas = karras(9, 0.02, 20.0, 7.0)
    arguments = export(TimeGrid("karras", 0.5 * np.log1p(sigmas**2)), "edm").arguments
    theirs = sampling.get_sigmas_karras(
        arguments["num_steps"], arguments["sigma_min"], arguments["sigma_max"], arguments["rho"]
    )
    np.testing.assert_allclose(theirs[:-1], sigmas, rtol=1e-5)
    assert theirs[-1] == 0


#: Runs what `export` printed, for one standard normal variable a column: its denoiser is `x / (1 + sigma^2)`.
#: A torchvision that was not built for this torch fails at its import; images have no part in this.
RUN = """
import importlib.abc, importlib.machinery, sys, types, unittest.mock
import torch

class Pictures(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == "torchvision":
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        module.__getattr__ = lambda name: unittest.mock.MagicMock()
        return module
    def exec_module(self, module):
        pass

try:
    import torchvision
except (ImportError, RuntimeError):
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    sys.meta_path.insert(0, Pictures())

noise = torch.ones(3, 2)
def model(x, sigma):
    return x / (1 + sigma[:, None] ** 2)
exec(sys.stdin.read())
import k_diffusion
assert k_diffusion.sampling.__file__.endswith("k_diffusion/sampling.py")
print(samples.double().mean().item(), samples.shape == noise.shape)
"""


@pytest.mark.parametrize("sampler", ["sample_heun", *night("sample_euler")])
def test_the_exported_code_runs_as_it_is_printed(sampler):
    """With the whole library imported, as whoever pastes the code does."""
    if importlib.util.find_spec("pkg_resources") is None:
        pytest.skip(
            "k-diffusion imports pkg_resources: setuptools below 81, as constraints.txt has it, is not installed"
        )
    code = export(GRID, "k-diffusion", sampler=sampler).code
    environment = os.environ | {"TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1"}
    words = [sys.executable, "-W", "ignore", "-c", RUN]
    ended = subprocess.run(words, input=code, capture_output=True, text=True, env=environment, timeout=300)
    assert ended.returncode == 0, ended.stderr
    value, same_shape = ended.stdout.split()
    assert same_shape == "True"
    x = float(GRID.sigmas[0])
    for sigma, following in pairwise([*GRID.sigmas, 0.0]):
        slope = x * sigma / (1 + sigma**2)
        step = x + (following - sigma) * slope
        if sampler == "sample_heun" and following > 0:
            step = x + (following - sigma) * (slope + step * following / (1 + following**2)) / 2
        x = step
    assert float(value) == pytest.approx(x, rel=1e-5)

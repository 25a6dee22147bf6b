"""The solvers of the installed diffusers and k-diffusion, on the same nodes with the same exact denoiser."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from typing import Any

import numpy as np
import pytest
import torch
from libraries import modules_kept, sampling_alone

import certflow as cf

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

TIMES = np.array([1.6, 1.1, 0.7, 0.35, 0.12, 0.03])
SIGMAS = np.sqrt(np.expm1(2 * TIMES))
PROCESS = cf.OrnsteinUhlenbeck(cf.load_mixture("ring-8"), "0.01", "6")


def denoiser(z: torch.Tensor, sigma: float) -> torch.Tensor:
    """`E[x_0 | x_0 + sigma n = z]` of ring-8 in float64, by means and variance, without the package's score."""
    mixture = PROCESS.mixture
    means, variance = torch.tensor(mixture.means), float(np.ravel(mixture.covariances)[0])
    z = z.double()
    weights = torch.softmax(-torch.cdist(z, means).square() / (2 * (variance + sigma**2)), dim=1)
    return (variance * z + sigma**2 * (weights @ means)) / (variance + sigma**2)


def noise() -> torch.Tensor:
    return torch.randn(16, 2, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


def ours(z: torch.Tensor, sigmas: np.ndarray, sampler: str) -> torch.Tensor:
    """From `z` at the first sigma to `z` at the last."""
    times = np.log1p(np.square(sigmas.astype(np.float64))) / 2
    x = cf.samplers.run(PROCESS, z.double() * float(np.exp(-times[0])), times, sampler)
    return x * float(np.exp(times[-1]))


# -- k-diffusion: in float64, to rounding ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def sampling() -> Any:
    with modules_kept():
        return sampling_alone()


@pytest.mark.parametrize("end", ["zero", "last"])
@pytest.mark.parametrize(
    ("function", "sampler"), [("sample_euler", "euler"), ("sample_heun", "heun"), ("sample_dpmpp_2m", "dpmpp-2m")]
)
def test_k_diffusion(sampling, function, sampler, end):
    sigmas = np.append(SIGMAS, 0.0) if end == "zero" else SIGMAS
    start = noise() * sigmas[0]
    theirs = getattr(sampling, function)(
        lambda z, sigma: denoiser(z, float(sigma[0])), start, torch.from_numpy(sigmas), disable=True
    )
    np.testing.assert_allclose(ours(start, sigmas, sampler), theirs, atol=1e-12)


# -- diffusers: in float32, as its schedulers keep their sigmas ------------------------------------------------


@pytest.fixture(scope="module")
def diffusers() -> Any:
    module = importlib.import_module("diffusers")
    logging.getLogger("diffusers").setLevel(logging.ERROR)
    return module


def stepped(scheduler: Any, z: torch.Tensor, variance_preserving: bool) -> torch.Tensor:
    """The scheduler's own loop, with `epsilon = (z - D)/sigma` at the sigma that it stands at."""
    x = z / (1 + float(scheduler.sigmas[0]) ** 2) ** 0.5 if variance_preserving else z
    for t in scheduler.timesteps:
        if scheduler.step_index is None:
            scheduler._init_step_index(t)
        sigma = float(scheduler.sigmas[scheduler.step_index])
        at = x * (1 + sigma**2) ** 0.5 if variance_preserving else x
        x = scheduler.step(((at.double() - denoiser(at, sigma)) / sigma).to(x.dtype), t, x).prev_sample
    return x


@pytest.mark.parametrize("end", ["zero", "sigma_min"])
def test_diffusers_euler(diffusers, end):
    scheduler = diffusers.EulerDiscreteScheduler(final_sigmas_type=end)
    scheduler.set_timesteps(sigmas=[*SIGMAS.tolist(), *([0.0] if end == "zero" else [SIGMAS[-1]])])
    sigmas = scheduler.sigmas.double().numpy()
    sigmas = sigmas if end == "zero" else sigmas[:-1]
    np.testing.assert_allclose(sigmas[: len(SIGMAS)], SIGMAS, rtol=1e-6)
    start = noise() * sigmas[0]
    np.testing.assert_allclose(ours(start, sigmas, "euler"), stepped(scheduler, start, False), atol=1e-6)


def test_diffusers_heun(diffusers):
    """Its sigmas stand twice but for the first and the last, which is 0; there the step is Euler's, as ours is."""
    scheduler = diffusers.HeunDiscreteScheduler(beta_schedule="scaled_linear")
    scheduler.set_timesteps(timesteps=[500, 380, 250, 120, 30, 3])
    sigmas = np.unique(scheduler.sigmas.double().numpy())[::-1]
    assert len(sigmas) == 7
    start = noise() * sigmas[0]
    np.testing.assert_allclose(ours(start, sigmas, "heun"), stepped(scheduler, start, False), atol=1e-6)


@pytest.mark.parametrize("end", ["zero", "sigma_min"])
def test_diffusers_dpm_solver_multistep(diffusers, end):
    """In variance-preserving coordinates; told not to lower its order at the end, as it does below 15 steps."""
    scheduler = diffusers.DPMSolverMultistepScheduler(final_sigmas_type=end, lower_order_final=False)
    scheduler.set_timesteps(timesteps=[500, 380, 250, 120, 30, 3])
    sigmas = scheduler.sigmas.double().numpy()
    start = noise() * sigmas[0]
    theirs = stepped(scheduler, start, True) * (1 + float(sigmas[-1]) ** 2) ** 0.5
    np.testing.assert_allclose(ours(start, sigmas, "dpmpp-2m"), theirs, atol=1e-6)


def test_diffusers_ddim_is_euler_in_sigma(diffusers):
    scheduler = diffusers.DDIMScheduler(clip_sample=False, beta_schedule="scaled_linear")
    scheduler.set_timesteps(8)
    kept = [float(scheduler.alphas_cumprod[t]) for t in scheduler.timesteps]
    sigmas = np.array([*(np.sqrt((1 - a) / a) for a in kept), 0.0])
    assert float(scheduler.final_alpha_cumprod) == 1
    start = noise() * sigmas[0]
    x = start * kept[0] ** 0.5
    for t, a in zip(scheduler.timesteps, kept, strict=True):
        sigma = ((1 - a) / a) ** 0.5
        x = scheduler.step((x / a**0.5 - denoiser(x / a**0.5, sigma)) / sigma, t, x).prev_sample
    np.testing.assert_allclose(ours(start, sigmas, "euler"), x, atol=1e-6)

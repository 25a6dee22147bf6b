"""Grids for k-diffusion, whose samplers take any, and for the sampler of EDM (Karras et al. 2022), which does not."""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.errors import InputError, unknown
from certflow.grids.export.formats import SINGLE, Export, check_end, final_step, largest_shift, sigmas_of
from certflow.grids.nodes import Nodes
from certflow.numbers.arrays import Floats
from certflow.numbers.inputs import real_number

#: k-diffusion's samplers that take `sigmas`, with their model evaluations per step above noise level 0.
SAMPLERS = {
    "sample_euler": 1,
    "sample_euler_ancestral": 1,
    "sample_heun": 2,
    "sample_dpm_2": 2,
    "sample_dpm_2_ancestral": 2,
    "sample_lms": 1,
    "sample_dpmpp_2s_ancestral": 2,
    "sample_dpmpp_sde": 2,
    "sample_dpmpp_2m": 1,
    "sample_dpmpp_2m_sde": 1,
    "sample_dpmpp_3m_sde": 1,
}

#: Those that take `sigma_min` and `sigma_max` and choose their own steps.
UNTIMED = ("sample_dpm_fast", "sample_dpm_adaptive")

#: The largest error in log sigma that a fitted exponent may leave unless the caller says otherwise.
TOLERANCE = 0.1

#: The search range of 1/rho, apart from its middle, where the nodes are geometric and rho infinite.
_LARGEST_POWER = 20.0
_SMALLEST_POWER = 1e-7


def to_k_diffusion(grid: Nodes, sampler: str = "sample_euler", end: str = "zero") -> Export:
    """`sigmas`, falling, for any sampler of k-diffusion that takes them."""
    if sampler in UNTIMED:
        raise InputError("sampler", sampler, "one that takes sigmas (this one chooses its own): " + ", ".join(SAMPLERS))
    if sampler not in SAMPLERS:
        raise unknown("sampler", sampler, SAMPLERS)
    check_end(end, sampler)
    sigmas = sigmas_of(grid)
    values = [*sigmas.tolist(), 0.0] if end == "zero" else sigmas.tolist()
    rounding = largest_shift(sigmas.astype(np.float32), sigmas)
    per_step = SAMPLERS[sampler]
    evaluations = per_step * grid.segments + (end == "zero")
    notes = (
        final_step(grid, evaluations, end=end),
        "Start from x = noise * sigmas[0], noise of unit variance; the state at time t is x_t e^t of the OU process.",
        "rounding is that of a float32 tensor, in log sigma.",
    )
    code = (
        "import torch\n"
        f"from k_diffusion.sampling import {sampler}\n\n"
        f"sigmas = torch.tensor({values}, device=noise.device)\n"
        f"samples = {sampler}(model, noise * sigmas[0], sigmas)\n"
    )
    lossy = rounding > SINGLE
    container, arguments = "torch.float32", {"sigmas": values}
    return Export("k-diffusion", sampler, arguments, lossy, rounding, notes, code, container, grid.sampler, evaluations)


def to_edm(grid: Nodes, tolerance: Any = TOLERANCE) -> Export:
    """`num_steps`, `sigma_min`, `sigma_max` and `rho` of `edm_sampler`: exact for a Karras grid, else fitted."""
    tolerance = real_number(tolerance, "tolerance", "a number >= 0, in log sigma", lambda error: error >= 0)
    sigmas = sigmas_of(grid)
    rho = _rho(grid, sigmas)
    rounding = largest_shift(karras(grid.segments + 1, sigmas[-1], sigmas[0], rho), sigmas)
    if rounding > max(tolerance, SINGLE):
        raise InputError(
            "grid",
            f"kind {grid.kind}, {rounding:.2g} in log sigma from the nearest Karras grid (rho = {rho:.4g})",
            f"at most tolerance = {tolerance:g}, as edm_sampler takes no other grid; k-diffusion takes any",
        )
    lossy = rounding > SINGLE
    arguments = {
        "num_steps": grid.segments + 1,
        "sigma_min": float(sigmas[-1]),
        "sigma_max": float(sigmas[0]),
        "rho": rho,
    }
    fitted = f"rho is fitted: the nodes move by up to {rounding:.3g} in log sigma." if lossy else "The nodes are exact."
    evaluations = 2 * grid.segments + 1
    notes = (
        final_step(grid, evaluations),
        fitted,
        "edm_sampler clips sigma_min and sigma_max to those of the network and starts from noise * sigma_max; "
        "the state at time t is x_t e^t of the OU process.",
    )
    call = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    code = f"# edm_sampler of generate.py, github.com/NVlabs/edm\nsamples = edm_sampler(net, latents, {call})\n"
    return Export(
        "edm",
        "edm_sampler",
        arguments,
        lossy,
        rounding,
        notes,
        code,
        sampler=grid.sampler,
        evaluations=evaluations,
    )


def karras(count: int, sigma_min: float, sigma_max: float, rho: float) -> Floats:
    """The nodes of Karras et al. (2022), (5), as `edm_sampler` computes them, without the final 0."""
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    sigmas: Floats = (high + np.arange(count) / (count - 1) * (low - high)) ** rho
    return sigmas


def _rho(grid: Nodes, sigmas: Floats) -> float:
    """The exponent whose Karras grid is nearest in the largest error of log sigma.

    With the ends held fixed every inner node rises with `1/rho`, so the largest and the smallest signed errors
    do too, and at the best exponent they are opposite: the root of a rising function.
    """
    from scipy.optimize import brentq

    if sigmas.size == 2:
        return 7.0
    for known in (grid.options.get("rho"), 7.0):
        if isinstance(known, int | float) and not isinstance(known, bool) and known:
            with np.errstate(all="ignore"):
                nodes = karras(sigmas.size, sigmas[-1], sigmas[0], float(known))
                if np.isfinite(nodes).all() and largest_shift(nodes, sigmas) < 1e-12:
                    return float(known)

    def balance(power: float) -> float:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            errors = (np.log(_power_mean(sigmas, power)) - np.log(sigmas))[1:-1]
        return float(errors.max() + errors.min())

    limit = min(_LARGEST_POWER, 500 / np.log(sigmas[0] / sigmas[-1]))
    if balance(limit) <= 0:
        power = limit
    elif balance(-limit) >= 0:
        power = -limit
    else:
        power = brentq(balance, -limit, limit, xtol=1e-15)
    if abs(power) < _SMALLEST_POWER:
        power = _SMALLEST_POWER
    return float(1 / power)


def _power_mean(sigmas: Floats, power: float) -> Floats:
    """`karras` as a function of `power = 1/rho`, stable through `power = 0` (geometric nodes)."""
    ramp = np.linspace(0, 1, sigmas.size)
    span = np.log(sigmas[-1]) - np.log(sigmas[0])
    if abs(power * span) < 1e-9:
        logs = ramp * span * (1 + (1 - ramp) * power * span / 2)
    else:
        logs = np.log1p(ramp * np.expm1(power * span)) / power
    nodes: Floats = sigmas[0] * np.exp(logs)
    return nodes

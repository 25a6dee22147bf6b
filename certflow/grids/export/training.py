"""The training schedule of a discrete-time diffusion model: its noise level at each of `N` timesteps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from certflow.errors import InputError, unknown
from certflow.numbers.arrays import Floats, Indices
from certflow.numbers.inputs import float_array, real_number, whole_number
from certflow.schedules.table import checked

#: Numbers in float32, as the libraries keep a schedule.
Singles: TypeAlias = NDArray[np.float32]

#: What names a schedule, with the values of DDPM (Ho et al. 2020).
DEFAULTS: dict[str, Any] = {
    "beta_schedule": "linear",
    "beta_start": 0.0001,
    "beta_end": 0.02,
    "num_train_timesteps": 1000,
    "trained_betas": None,
    "rescale_betas_zero_snr": False,
    "alphas_cumprod": None,
}

#: Schedulers with this setting end at a step without signal, which some replace by a constant above the one before.
_ZERO_SNR = (
    "False, and without that last step: the name of the scheduler, with alphas_cumprod=scheduler.alphas_cumprod[:-1]"
)

_BETA_SCHEDULES = ("linear", "scaled_linear", "squaredcos_cap_v2")


@dataclass(frozen=True)
class Training:
    """`sigmas[n]`, rising, of training timestep `n`; `named` says where they come from."""

    sigmas: Floats
    named: dict[str, Any]

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Training:
        """From `alphas_cumprod`, from `trained_betas` or from a named beta schedule."""
        other = [name for name in config if name not in DEFAULTS]
        if other:
            raise unknown("option", other[0], DEFAULTS)
        named = {name: value for name, value in {**DEFAULTS, **config}.items() if value is not None}
        if "alphas_cumprod" in named:
            alphas = _cumulative(named["alphas_cumprod"], bool(named.get("rescale_betas_zero_snr")))
            return cls(_sigmas(alphas), {"alphas_cumprod": f"given, N = {alphas.size}"})
        if named.pop("rescale_betas_zero_snr", False):
            raise InputError("rescale_betas_zero_snr", True, _ZERO_SNR)
        if "trained_betas" in named:
            betas = float_array(named["trained_betas"], "trained_betas").astype(np.float32)
            named = {"trained_betas": f"given, N = {betas.size}"}
        else:
            betas = _betas(named)
        # The libraries multiply float32 factors, in double precision on the CPU.
        alphas = np.cumprod((np.float32(1) - betas).astype(np.float64)).astype(np.float32)
        return cls(_sigmas(_cumulative(alphas)), named)

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest finite noise level."""
        finite = self.sigmas[np.isfinite(self.sigmas)]
        return float(finite[0]), float(finite[-1])

    def continuous(self, sigmas: Floats) -> Floats:
        """Timesteps between the integers, linear in log sigma; NaN outside the schedule."""
        finite = self.sigmas[np.isfinite(self.sigmas)]
        steps = np.interp(np.log(sigmas), np.log(finite), np.arange(finite.size))
        outside = (sigmas < finite[0] * (1 - 1e-7)) | (sigmas > finite[-1] * (1 + 1e-7))
        return np.where(outside, np.nan, steps)

    def nearest(self, sigmas: Floats) -> Indices:
        """The integer timesteps nearest in log sigma."""
        finite = np.log(self.sigmas[np.isfinite(self.sigmas)])
        above = np.searchsorted(finite, np.log(sigmas)).clip(1, finite.size - 1)
        below = above - 1
        closer_below = np.log(sigmas) - finite[below] < finite[above] - np.log(sigmas)
        return np.where(closer_below, below, above)

    def require(self, sigmas: Floats, name: str) -> None:
        """Refuse nodes outside the schedule by more than half of its outermost gap."""
        finite = np.log(self.sigmas[np.isfinite(self.sigmas)])
        low, high = finite[0] - (finite[1] - finite[0]) / 2, finite[-1] + (finite[-1] - finite[-2]) / 2
        logs = np.log(sigmas)
        if logs[-1] < low or logs[0] > high:
            first, last = (0.5 * math.log1p(math.exp(2 * float(end))) for end in (finite[0], finite[-1]))
            raise InputError(
                "grid",
                f"t from {_time(sigmas[-1]):.5g} to {_time(sigmas[0]):.5g}",
                f"times in the training range of {name}, t from {first:.5g} to {last:.5g} "
                f"(sigma {self.range[0]:.4g} to {self.range[1]:.4g})",
            )


def _time(sigma: float) -> float:
    return 0.5 * math.log1p(float(sigma) ** 2)


def _betas(config: Mapping[str, Any]) -> Singles:
    schedule, count = config["beta_schedule"], config["num_train_timesteps"]
    if schedule not in _BETA_SCHEDULES:
        raise unknown("beta_schedule", schedule, _BETA_SCHEDULES, after="; or give the scheduler or alphas_cumprod")
    count = whole_number(count, "num_train_timesteps", 2, 1_000_000, "a whole number from 2 to 1000000")
    if schedule == "squaredcos_cap_v2":
        levels = np.cos((np.arange(count + 1) / count + 0.008) / 1.008 * np.pi / 2) ** 2
        betas: Singles = np.minimum(1 - levels[1:] / levels[:-1], 0.999).astype(np.float32)
        return betas
    start, end = (
        real_number(config[name], name, "a number between 0 and 1", lambda beta: 0 < beta < 1)
        for name in ("beta_start", "beta_end")
    )
    if schedule == "scaled_linear":
        return np.linspace(start**0.5, end**0.5, count, dtype=np.float32) ** 2
    return np.linspace(start, end, count, dtype=np.float32)


def _cumulative(values: Any, zero_snr: bool = False) -> Floats:
    """`alphas_cumprod` of a scheduler; what the rescaling to zero SNR has made of it is told by its name."""
    try:
        return checked(values)
    except InputError as error:
        if zero_snr:
            what = f"True, with {error.value} in {error.field}"
            raise InputError("rescale_betas_zero_snr", what, _ZERO_SNR) from None
        raise


def _sigmas(alphas: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.sqrt((1 - alphas) / alphas)

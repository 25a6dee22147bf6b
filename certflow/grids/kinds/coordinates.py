"""Grids that are uniform in a fixed coordinate `q(t)` (proofs/G3.md).

`sigma = sqrt(e^{2t} - 1)` is the noise level of the variance-exploding convention (EDM, k-diffusion); everything is
computed from `log sigma = t + 1/2 log(1 - e^{-2t})`, which float64 represents for every `t`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.grids.fields import Field, field_of
from certflow.numbers.arrays import Times
from certflow.process import OrnsteinUhlenbeck

Map = Callable[[Any], Any]


def log_sigma(t: Any) -> Any:
    """`log sqrt(e^{2t} - 1)`, minus the log-SNR `ln(m / sqrt(1 - m^2))`."""
    return t + np.log(-np.expm1(-2 * np.asarray(t, dtype=np.float64))) / 2


def time_of_log_sigma(w: Any) -> Any:
    """`t = 1/2 log(1 + e^{2w})`."""
    return np.logaddexp(0.0, 2 * np.asarray(w, dtype=np.float64)) / 2


@dataclass(frozen=True)
class Coordinate:
    """An increasing `q(t)` and its inverse."""

    forward: Map
    inverse: Map


def nodes(
    process: OrnsteinUhlenbeck | Field, segments: int, *, kind: str, **options: Any
) -> tuple[Times, dict[str, float]]:
    """`q(t_k) = q(t_max) + (k/K) (q(t_min) - q(t_max))`, latest first, shape (K + 1,).

    | kind | `q` | source |
    |---|---|---|
    | uniform | `t` | |
    | quadratic | `sqrt(t)` | Song, Meng, Ermon 2020 (DDIM), appendix D.2 |
    | cosine | the phase of `m = cos(theta)/cos(theta_0)`, see `cosine` | Nichol, Dhariwal 2021, eq. 17 |
    | geometric | `log t` | |
    | logsnr, exponential | `log sigma` | Lu et al. 2022 (DPM-Solver); k-diffusion `get_sigmas_exponential` |
    | karras | `sigma^(1/rho)` | Karras et al. 2022 (EDM), eq. 5 |
    | polyexponential | `(log(sigma/sigma_min) / log(sigma_max/sigma_min))^(1/rho)` | k-diffusion |
    | flow-matching | `sigma/(k + sigma)`, see `flow_matching` | Esser et al. 2024 (SD3), eq. 23 |
    | arctan | `arctan(sigma/c)`, see `arctan` | Sabour et al. 2024 (AYS), theorem 3.1 |
    """
    found: dict[str, float] = {}
    if kind == "arctan":
        found["scale"] = options["scale"] or data_scale(process)
        options = {"scale": found["scale"]}
    if kind == "polyexponential":
        options["ends"] = tuple(float(log_sigma(t)) for t in (process.t_max, process.t_min))
    coordinate = _COORDINATES[kind](**options)
    ramp = np.arange(segments + 1) / segments
    with np.errstate(all="ignore"):  # at times like 1e300; nodes that are lost to it are refused afterwards
        first, last = (coordinate.forward(t) for t in (process.t_max, process.t_min))
        return coordinate.inverse(first + ramp * (last - first)), found


def karras(rho: float) -> Coordinate:
    """`q = sigma^(1/rho)`."""
    return Coordinate(lambda t: np.exp(log_sigma(t) / rho), lambda q: time_of_log_sigma(rho * np.log(q)))


def polyexponential(rho: float, ends: tuple[float, float]) -> Coordinate:
    """`q = ((w - w_K)/(w_0 - w_K))^(1/rho)`, `w = log sigma`, `w_0` and `w_K` its ends."""
    high, low = ends
    return Coordinate(
        lambda t: np.clip((log_sigma(t) - low) / (high - low), 0, 1) ** (1 / rho),
        lambda q: time_of_log_sigma(low + (high - low) * np.maximum(q, 0.0) ** rho),
    )


def flow_matching(shift: float) -> Coordinate:
    """`q = sigma/(k + sigma)`.

    With `u = sigma/(1 + sigma)`, the time of `x_u = (1 - u) x_0 + u z`, a schedule that is uniform in `q` and then
    shifted by `u = k q/(1 + (k-1) q)` has `sigma = u/(1 - u) = k q/(1 - q)`: a shift by `k` is a scale of `sigma`.
    """
    return Coordinate(
        lambda t: 1 / (1 + np.exp(math.log(shift) - log_sigma(t))),
        lambda q: time_of_log_sigma(math.log(shift) + np.log(q) - np.log1p(-q)),
    )


def arctan(scale: float) -> Coordinate:
    """`q = arctan(sigma/c)`.

    One Euler step in `sigma` from `c tan a` to `c tan b` on a Gaussian of scale `c` multiplies the point by
    `cos(a - b) cos(a)/cos(b)`, the exact flow by `cos(a)/cos(b)`: the product of the `cos(a - b)` is largest when all
    differences are equal.
    """
    return Coordinate(
        lambda t: np.arctan(np.exp(log_sigma(t) - math.log(scale))),
        lambda q: time_of_log_sigma(math.log(scale) + np.log(np.tan(q))),
    )


def cosine(offset: float) -> Coordinate:
    """`q = theta - theta_0`, where `m = cos(theta)/cos(theta_0)` and `theta_0 = (pi/2) s/(1 + s)`, `s` the offset.

    This is the cosine schedule of improved DDPM, `alpha_bar = m^2 = f(tau)/f(0)`,
    `f(tau) = cos^2((pi/2) (tau + s)/(1 + s))`, uniform in `tau` between the two ends. Both directions avoid the
    cancellation of `theta - theta_0` near the data end.
    """
    start = math.pi / 2 * offset / (1 + offset)
    square = math.cos(start) ** 2

    def forward(t: Any) -> Any:
        # w = cos^2 theta_0 - cos^2 theta; tan(theta) - tan(theta_0) without its cancellation
        w = -square * np.expm1(-2 * np.asarray(t, dtype=np.float64))
        rest = square * np.exp(-2 * np.asarray(t, dtype=np.float64))
        tangent = np.sqrt((1 - rest) / rest)
        difference = w / (square * rest) / (tangent + math.tan(start))
        return np.arctan2(difference, 1 + tangent * math.tan(start))

    def inverse(q: Any) -> Any:
        w = np.sin(q) * np.sin(q + 2 * start)
        return -np.log1p(-w / square) / 2

    return Coordinate(forward, inverse)


def data_scale(process: OrnsteinUhlenbeck | Field) -> float:
    """`sqrt(tr Cov(X_0) / d)`: the standard deviation of a coordinate of the data, in root mean square."""
    return field_of(process).data_scale


_COORDINATES: dict[str, Callable[..., Coordinate]] = {
    "uniform": lambda: Coordinate(lambda t: t, lambda q: q),
    "quadratic": lambda: Coordinate(np.sqrt, np.square),
    "cosine": cosine,
    "geometric": lambda: Coordinate(np.log, np.exp),
    "logsnr": lambda: Coordinate(log_sigma, time_of_log_sigma),
    "karras": karras,
    "exponential": lambda: Coordinate(log_sigma, time_of_log_sigma),
    "polyexponential": polyexponential,
    "flow-matching": flow_matching,
    "arctan": arctan,
}

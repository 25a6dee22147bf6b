"""Steps that samplers are known by, each written once from its formula, so that a sampler can be named.

All in OU coordinates, with the velocity `u` of `dx/dt = u(x, t)`. Along a trajectory, with `sigma = sqrt(e^{2t} - 1)`,
`m = e^{-t}`, `z = x/m` and the noise `eps = sigma m (x + u)`,

    dx/dt = u,    dz/dsigma = eps,    dz/dlog(sigma) = sigma eps,    D = z - sigma eps .

A step of a Runge-Kutta method in `t`, in `sigma` or in `log sigma` is another step each time; DDIM without noise is
Euler's in `sigma` (proofs/G6.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from certflow.numbers.arrays import Points

#: `u(x, t)` at points of shape (n, d) and one time.
Velocity = Callable[[Points, float], Points]
#: `f(y, c)`, the right side of `dy/dc = f`.
Slope = Callable[[Points, float], Points]
#: One step of `dy/dc = f` from `c` to `c + h`.
Step = Callable[[Slope, Points, float, float], Points]
#: A solver that keeps what went before; its last argument is the factor of the history, of `r = h'/h`.
Multistep = Callable[..., Points]


@dataclass(frozen=True)
class KnownSolver:
    """A sampler with a name: `run(velocity, x, times)` is `x` at the last of the descending times."""

    name: str
    title: str  #: as a sentence names it
    order: int
    run: Callable[[Velocity, Points, list[float]], Points]


def sigma_of(t: float) -> float:
    """`sqrt(e^{2t} - 1)`."""
    return math.sqrt(math.expm1(2 * t))


def time_of(sigma: float) -> float:
    """`log(1 + sigma^2) / 2`."""
    return math.log1p(sigma * sigma) / 2


def _noise(velocity: Velocity, z: Points, sigma: float) -> Points:
    """`eps = sigma m (x + u)` at `z = x/m`."""
    t = time_of(sigma)
    m = math.exp(-t)
    x = m * z
    return sigma * m * (x + velocity(x, t))


def denoised(velocity: Velocity, z: Points, sigma: float) -> Points:
    """`D = z - sigma eps`."""
    return z - sigma * _noise(velocity, z, sigma)


# -- one step in any coordinate --------------------------------------------------------------------------------


def euler(f: Slope, y: Points, c: float, h: float) -> Points:
    """`y + h f(y, c)`."""
    return y + h * f(y, c)


def heun(f: Slope, y: Points, c: float, h: float) -> Points:
    """`y + h (f(y, c) + f(y + h f(y, c), c + h))/2`."""
    first = f(y, c)
    return y + h / 2 * (first + f(y + h * first, c + h))


def _midpoint(f: Slope, y: Points, c: float, h: float) -> Points:
    return y + h * f(y + h / 2 * f(y, c), c + h / 2)


def _ralston(f: Slope, y: Points, c: float, h: float) -> Points:
    first = f(y, c)
    return y + h / 4 * (first + 3 * f(y + 2 * h / 3 * first, c + 2 * h / 3))


def _rk4(f: Slope, y: Points, c: float, h: float) -> Points:
    k1 = f(y, c)
    k2 = f(y + h / 2 * k1, c + h / 2)
    k3 = f(y + h / 2 * k2, c + h / 2)
    k4 = f(y + h * k3, c + h)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def in_t(step: Step) -> Callable[[Velocity, Points, list[float]], Points]:
    """A sampler by steps of `dx/dt = u`."""

    def run(velocity: Velocity, x: Points, times: list[float]) -> Points:
        for a, b in pairwise(times):
            x = step(velocity, x, a, b - a)
        return x

    return run


def in_sigma(step: Step) -> Callable[[Velocity, Points, list[float]], Points]:
    """A sampler by steps of `dz/dsigma = eps`."""

    def run(velocity: Velocity, x: Points, times: list[float]) -> Points:
        z = x * math.exp(times[0])
        for a, b in pairwise(map(sigma_of, times)):
            z = step(lambda z, sigma: _noise(velocity, z, sigma), z, a, b - a)
        return z * math.exp(-times[-1])

    return run


def in_log_sigma(step: Step) -> Callable[[Velocity, Points, list[float]], Points]:
    """A sampler by steps of `dz/dlog(sigma) = sigma eps`."""

    def slope(velocity: Velocity) -> Slope:
        return lambda z, log: math.exp(log) * _noise(velocity, z, math.exp(log))

    def run(velocity: Velocity, x: Points, times: list[float]) -> Points:
        z = x * math.exp(times[0])
        for a, b in pairwise(math.log(sigma_of(t)) for t in times):
            z = step(slope(velocity), z, a, b - a)
        return z * math.exp(-times[-1])

    return run


# -- steps that keep what went before --------------------------------------------------------------------------


def _half(r: float) -> float:
    """`1/(2 r)`, `r` the step before over this one: the factor of the difference of two evaluations."""
    return 1 / (2 * r)


def adams_bashforth(inside: Callable[[Step], Callable[[Velocity, Points, list[float]], Points]]) -> Multistep:
    """`y + h (f + (f - f')/(2 r))` in a coordinate, primes for the step before, `r = h'/h`; Euler first.

    In `sigma` it is the linear multistep method of order 2 (LMS; on an even grid PLMS of order 2).
    """

    def run(velocity: Velocity, x: Points, times: list[float], share: Callable[[float], float] = _half) -> Points:
        past: list[tuple[Points, float]] = []

        def step(f: Slope, y: Points, c: float, h: float) -> Points:
            now = f(y, c)
            used = now if not past else now + share(past[-1][1] / h) * (now - past[-1][0])
            past.append((now, h))
            return y + h * used

        return inside(step)(velocity, x, times)

    return run


def dpmpp_2m(velocity: Velocity, x: Points, times: list[float], share: Callable[[float], float] = _half) -> Points:
    """`(sigma_b/sigma_a) z + (1 - sigma_b/sigma_a) (D + (D - D')/(2 r))`, `r = h'/h`, `h` the step of `-log sigma`.

    share : the factor of `D - D'`, of `r`; another one than `1/(2 r)` is a fault
    """
    z, past = x * math.exp(times[0]), None
    for a, b in pairwise(map(sigma_of, times)):
        now, h = denoised(velocity, z, a), math.log(a / b)
        used = now if past is None else now + share(past[1] / h) * (now - past[0])
        z, past = b / a * z + (1 - b / a) * used, (now, h)
    return z * math.exp(-times[-1])


# -- exponential steps of two stages ---------------------------------------------------------------------------


def _dpmpp_2s(velocity: Velocity, x: Points, times: list[float]) -> Points:
    """The denoiser in the middle of `log sigma`, reached by an exponential Euler step."""
    z = x * math.exp(times[0])
    for a, b in pairwise(map(sigma_of, times)):
        middle = math.sqrt(a * b)
        between = middle / a * z + (1 - middle / a) * denoised(velocity, z, a)
        z = b / a * z + (1 - b / a) * denoised(velocity, between, middle)
    return z * math.exp(-times[-1])


def _dpm_solver_2(velocity: Velocity, x: Points, times: list[float]) -> Points:
    """The noise in the middle of `log sigma`."""
    z = x * math.exp(times[0])
    for a, b in pairwise(map(sigma_of, times)):
        middle = math.sqrt(a * b)
        between = z + (middle - a) * _noise(velocity, z, a)
        z = z + (b - a) * _noise(velocity, between, middle)
    return z * math.exp(-times[-1])


#: By name.
KNOWN_SOLVERS: Mapping[str, KnownSolver] = {
    solver.name: solver
    for solver in (
        KnownSolver("euler", "Euler in sigma (DDIM without noise)", 1, in_sigma(euler)),
        KnownSolver("euler-t", "Euler in t", 1, in_t(euler)),
        KnownSolver("euler-log-sigma", "Euler in log sigma", 1, in_log_sigma(euler)),
        KnownSolver("heun", "Heun in sigma", 2, in_sigma(heun)),
        KnownSolver("heun-t", "Heun in t", 2, in_t(heun)),
        KnownSolver("heun-log-sigma", "Heun in log sigma", 2, in_log_sigma(heun)),
        KnownSolver("midpoint", "the midpoint rule in sigma", 2, in_sigma(_midpoint)),
        KnownSolver("midpoint-t", "the midpoint rule in t", 2, in_t(_midpoint)),
        KnownSolver("ralston-t", "Ralston's rule in t", 2, in_t(_ralston)),
        KnownSolver("dpm-solver-2", "DPM-Solver-2", 2, _dpm_solver_2),
        KnownSolver("dpmpp-2s", "DPM-Solver++(2S)", 2, _dpmpp_2s),
        KnownSolver("dpmpp-2m", "DPM-Solver++(2M)", 2, dpmpp_2m),
        KnownSolver("ab2", "Adams-Bashforth of order 2 in sigma (LMS)", 2, adams_bashforth(in_sigma)),
        KnownSolver("ab2-t", "Adams-Bashforth of order 2 in t", 2, adams_bashforth(in_t)),
        KnownSolver("rk4", "the classical Runge-Kutta method in sigma", 4, in_sigma(_rk4)),
        KnownSolver("rk4-t", "the classical Runge-Kutta method in t", 4, in_t(_rk4)),
    )
}


def apart(first: Points, second: Points, middle: bool = False) -> float:
    """The largest, or the median, over rows of `max_j |a_ij - b_ij| / max(1, max_j |b_ij|)`; infinite of no numbers."""
    if not np.isfinite(first).all():
        return math.inf
    gaps = np.abs(first - second).max(axis=1) / np.maximum(1.0, np.abs(second).max(axis=1))
    return float(np.median(gaps) if middle else gaps.max())

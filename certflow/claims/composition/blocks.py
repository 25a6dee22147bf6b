"""Residual blocks: the local error of Euler and midpoint blocks, and of their composition, by E3 (E4)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from certflow.claims.check import Context, Finding
from certflow.claims.evidence.measured import judged
from certflow.claims.evidence.sampling import marginal_points
from certflow.composition.blocks import ORDERS
from certflow.composition.propagation import exp_or_inf, log_gronwall_bound
from certflow.flow.reference import trajectories
from certflow.numbers.arrays import Floats
from certflow.numbers.numerals import exponential
from certflow.process import OrnsteinUhlenbeck

#: Segments of the grid, uniform in log-SNR; errors of the velocity.
SEGMENTS, VELOCITY_ERRORS = 12, (0.0, 0.05)
#: Times in a segment at which derivatives along the trajectory are looked at; step of their differences, over t.
NODES, STEP = 17, 1e-4
#: How well a trajectory is known at these times: a maximum over some of them has fewer digits.
NEAR = 1e-5
#: Error of the reference flow and of rounding, in units of the root of `E|Phi|^2`.
ROUNDING = 1e-9

Field = Callable[[Floats, Any], Floats]


@dataclass
class _Run:
    """One method with one learned velocity: where its composition has got to, and the bounds of its blocks so far."""

    method: str
    eta: float
    learned: Field
    path: Floats
    bounds: list[float] = field(default_factory=list)
    worst: float = 0.0


def composition(context: Context, name: str) -> Finding:
    """E4: no block errs by more than its bound, no composition by more than E3 makes of these bounds.

    `M_2` and `M_3` are the largest found at some times of each exact trajectory, `eta` that of a wave whose size is
    known, and `L` the bound of L2.
    """
    from certflow.grids.registry import grid_of_kind

    process, rng = context.process, context.rng(name)
    times = grid_of_kind(process, SEGMENTS, "logsnr").times.tolist()
    count = max(8, context.profile.flow_pairs // 25)
    start = marginal_points(process, np.full(count, process.t_max), rng)
    end = process.flow(start, process.t_max, process.t_min)
    scale = math.sqrt(float((end**2).sum(1).mean()))
    runs = [
        _Run(method, eta, _with_wave(process.velocity, eta, rng, process.mixture.dimension), start)
        for method, eta in itertools.product(ORDERS, VELOCITY_ERRORS)
    ]
    cases: list[tuple[float, dict[str, Any]]] = []
    for t, s in itertools.pairwise(times):
        found = _trajectories(process, np.concatenate([run.path for run in runs]), t, s)
        lipschitz = float(process.lipschitz_bound((t + s) / 2))
        for i, run in enumerate(runs):
            target, second, third = (np.split(values, len(runs))[i] for values in found)
            moved = process.residual_block(run.path, t, t - s, run.method, run.learned)
            error = np.linalg.norm(moved - target, axis=1)
            bound = process.block_error_bound(t - s, run.eta, lipschitz, second, third, run.method)
            ratio = error / (bound + ROUNDING * scale)
            worst = int(ratio.argmax())
            where = {"method": run.method, "eta": run.eta, "t": t, "s": s, "x": run.path[worst].tolist()}
            cases.append((float(ratio[worst]), {**where, "error": float(error[worst]), "bound": float(bound[worst])}))
            run.worst = max(run.worst, float(ratio[worst]))
            run.bounds.append(float(bound.max()))
            run.path = moved
    told: dict[str, Any] = {}
    shares = []
    for run in runs:
        last = float(np.linalg.norm(run.path - end, axis=1).max())
        whole = _log_bound(process, times, run.bounds)
        bound = exponential(whole, 3)
        witness = {"method": run.method, "eta": run.eta, "error_at_the_end": last, "bound_at_the_end": bound}
        shares.append(_log(last) - float(np.logaddexp(whole, _log(ROUNDING * scale))))
        cases.append((exp_or_inf(shares[-1]), witness))
        told[f"{run.method}, eta = {run.eta:g}"] = {
            "largest_local_error_over_bound": f"{run.worst:.3f}",
            "error_at_the_end": f"{last:.2e}",
            "bound_at_the_end": bound,
        }
    scope = f"this mixture, {SEGMENTS} segments uniform in log-SNR, {count} sampled trajectories"
    composed = exponential(max(shares), 2)
    largest = f"{max(run.worst for run in runs):.3f} of its bound for one block, {composed} for a composition"
    return judged("error over its bound", cases, 1.0, scope, told, f"the largest error is {largest}")


def _log_bound(process: Any, times: list[float], errors: list[float]) -> float:
    """The logarithm of the bound of E3; where that is beyond float64, from its formula in logarithms."""
    whole = float(process.error_bound(times, errors))
    if math.isfinite(whole):
        return _log(whole)
    exponent = log_gronwall_bound(process, times, errors)
    return exponent if whole == exp_or_inf(exponent) and math.isfinite(exponent) else math.nan


def _log(value: float) -> float:
    return math.log(value) if value else -math.inf


def _with_wave(velocity: Field, size: float, rng: np.random.Generator, dimension: int) -> Field:
    """`u + size w`, `|w| <= 1`: a wave in a fixed direction."""
    direction = rng.standard_normal(dimension)
    direction /= np.linalg.norm(direction)
    frequency, phase = 3 * rng.standard_normal(dimension), rng.uniform(0, 2 * np.pi)

    def learned(x: Floats, t: float) -> Floats:
        return velocity(x, t) + size * np.cos(x @ frequency + phase + t)[:, None] * direction

    return learned


def _trajectories(process: Any, x: Floats, t: float, s: float) -> tuple[Floats, Floats, Floats]:
    """`Phi_{t -> s}(x)`, and of each trajectory the largest `|x''|` and `|x'''|` at some times, the ends among them."""
    times = np.linspace(t, s, NODES)
    path, clock = trajectories(process, x, times, rtol=NEAR), times[:, None]
    acceleration = _derivative(process, lambda y, r: -process.velocity(y, r))
    jerk = _derivative(process, acceleration)
    second, third = (np.linalg.norm(found(path, clock), axis=-1).max(axis=0) for found in (acceleration, jerk))
    return process.flow(x, t, s), second, third


def _derivative(process: OrnsteinUhlenbeck, quantity: Field) -> Field:
    """`d/dh` along trajectories in the direction of sampling, by central differences along their tangents."""

    def derived(x: Floats, t: Any) -> Floats:
        step = STEP * t
        tangent = step[..., None] * process.velocity(x, t)
        slope: Floats = (quantity(x - tangent, t - step) - quantity(x + tangent, t + step)) / (2 * step[..., None])
        return slope

    return derived

"""Pairs of trajectories: how distances grow and shrink along the reference flow, against the bounds of F1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.claims.check import Context, Finding
from certflow.claims.evidence.sampling import marginal_points, tie_points, witness
from certflow.claims.model import Outcome
from certflow.numbers.arrays import Floats
from certflow.numbers.numerals import exponential


def pair_stability(context: Context, name: str) -> Finding:
    """F1: `exp(int (1 - 1/v)) |x-y| <= |Phi x - Phi y| <= exp(int lambda) |x-y| <= exp(int L) |x-y|` on pairs.

    Upper bounds are compared in logarithms, since the factors pass the largest float64 long before their exponents do.
    """
    process, rng = context.process, context.rng(name)
    count = context.profile.flow_pairs
    middle = float(np.sqrt(process.t_min * process.t_max))
    intervals = [(process.t_max, process.t_min), (middle, process.t_min), (process.t_max, middle)]
    scope = f"this mixture, {count} pairs of points in each of {len(intervals)} intervals of time, half near ties"
    grown: list[_Growth] = []
    worst, where = -np.inf, None
    lower_worst = np.inf
    for start, end in intervals:
        times = np.full(count, start)
        x = np.where(
            np.arange(count)[:, None] % 2 == 0,
            tie_points(process, times, rng),
            marginal_points(process, times, rng),
        )
        y = x + _directions(context, rng, count) * 10 ** rng.uniform(-5, 0, size=(count, 1))
        images = process.flow(np.concatenate([x, y]), start, end, rtol=1e-11)
        before = np.linalg.norm(x - y, axis=1)
        after = np.linalg.norm(images[:count] - images[count:], axis=1)
        one, two = (float(process.stability(end, start, rate)) for rate in ("one-sided", "two-sided"))
        if not np.isfinite(after).all() or not np.isfinite([one, two]).all():
            return Finding(Outcome.INCONCLUSIVE, "flow map or integrated rate: not a finite number", scope)
        # An error of 1e-10 in each image, relative to the largest, moves the ratio by 2e-10 / |x - y| or so.
        slack = 2e-10 * (1 + np.linalg.norm(images, axis=1).max())
        with np.errstate(divide="ignore"):  # a distance within the error of the flow has grown by nothing for sure
            logs = np.log(np.maximum(after - slack, 0)) - np.log(before)
        k = int(np.argmax(logs))
        grown.append(_Growth(float(logs[k]), one, two, start, end))
        excess = max(float(logs[k]) - min(_exponents(process, end, start, one, two)), one - two - 1e-9 * (1 + abs(two)))
        if excess > worst:
            worst = excess
            where = {**witness(x[k], start), "y": [float(c).hex() for c in y[k]], "t_to": end.hex()}
        if context.mixture.kind == "common-isotropic":
            shrink = _contraction(context, end, start)
            lower = (after + slack) / before / shrink
            if lower.min() < lower_worst:
                lower_worst = float(lower.min())
                low = int(np.argmin(lower))
                low_where = {
                    **witness(x[low], start),
                    "y": [float(c).hex() for c in y[low]],
                    "t_to": end.hex(),
                }
    largest = max(grown, key=lambda growth: growth.log)
    numbers: dict[str, Any] = {"pairs": count * len(intervals), **largest.numbers()}
    if worst > 0:
        return Finding(
            Outcome.VIOLATED, f"growth exceeds the bound, by a factor {exponential(worst)}", scope, numbers, where
        )
    if lower_worst < 1:
        return Finding(
            Outcome.VIOLATED,
            f"contraction below the lower bound, ratio {lower_worst:.6g}",
            scope,
            numbers,
            low_where,
        )
    if not np.isfinite(largest.log):
        return Finding(Outcome.INCONCLUSIVE, "every distance is within the error of the flow map", scope, numbers)
    return Finding(Outcome.HOLDS, largest.text(), scope, numbers)


@dataclass(frozen=True)
class _Growth:
    """The largest growth of a sampled pair over one interval of time, and the bounds over the same: logarithms."""

    log: float
    one_sided: float
    two_sided: float
    start: float
    end: float

    def text(self) -> str:
        return (
            f"largest growth on sampled pairs {exponential(self.log)}, from t = {self.start:.4g} to {self.end:.4g}, "
            f"where the bound exp(int lambda) is {exponential(self.one_sided)}"
        )

    def numbers(self) -> dict[str, Any]:
        return {
            "largest_measured_growth": exponential(self.log),
            "its_bound_exp_int_lambda": exponential(self.one_sided),
            "its_bound_exp_int_L": exponential(self.two_sided),
            "from_t_to_t": [f"{self.start:.6g}", f"{self.end:.6g}"],
        }


def _exponents(process: Any, s: float, t: float, *integrals: float) -> list[float]:
    """The integrated rates, and the logarithms of the amplification where that is a finite number."""
    factors = [float(process.amplification(s, t, rate)) for rate in ("one-sided", "two-sided")]
    return [*integrals, *(float(np.log(factor)) for factor in factors if 0 < factor < np.inf)]


def _directions(context: Context, rng: np.random.Generator, count: int) -> Floats:
    """Unit vectors: half random, half along the difference of two random means (where growth is worst)."""
    means = context.mixture.means
    steps = rng.standard_normal((count, means.shape[1]))
    pairs = rng.integers(len(means), size=(count, 2))
    along = means[pairs[:, 0]] - means[pairs[:, 1]]
    use = (np.linalg.norm(along, axis=1) > 0) & (np.arange(count) % 4 < 2)
    steps[use] = along[use]
    directions: Floats = steps / np.linalg.norm(steps, axis=1, keepdims=True)
    return directions


def _contraction(context: Context, s: float, t: float) -> float:
    """`exp(int_s^t (1 - 1/v)) = sqrt(v_s / v_t)`, written out."""
    variance = float(context.mixture.covariances)
    v_s, v_t = (variance * np.exp(-2 * y) - np.expm1(-2 * y) for y in (s, t))
    return float(np.sqrt(v_s / v_t))

"""Where the checks look: points of the marginals, points near ties of components, times on a log scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.claims.digits import mp
from certflow.numbers.arrays import Floats
from certflow.process import OrnsteinUhlenbeck


def log_times(process: OrnsteinUhlenbeck, count: int) -> Floats:
    """`count` times from `t_min` to `t_max`, evenly in `log t`, ends included."""
    times = np.geomspace(process.t_min, process.t_max, count)
    times[0], times[-1] = process.t_min, process.t_max
    return times


def marginal_points(process: OrnsteinUhlenbeck, t: Floats, rng: np.random.Generator) -> Floats:
    """One point of `p_t` for each time, shape (T, d)."""
    start = process.mixture.sample(len(t), seed=int(rng.integers(2**32)))
    m = np.exp(-t)[:, None]
    points: Floats = m * start + np.sqrt(1 - m**2) * rng.standard_normal(start.shape)
    return points


def tie_points(process: OrnsteinUhlenbeck, t: Floats, rng: np.random.Generator) -> Floats:
    """For each time a point where two random components are about equally likely, shape (T, d).

    Bisection of `gamma_i - gamma_j` on the segment between their means, then moved a little off.
    """
    mixture = process.mixture
    count = mixture.n_components
    points = marginal_points(process, t, rng)
    if count == 1:
        return points
    first = rng.integers(count, size=len(t))
    second = (first + 1 + rng.integers(count - 1, size=len(t))) % count
    m = np.exp(-t)[:, None]
    start, end = m * mixture.means[first], m * mixture.means[second]
    low, high = np.zeros(len(t)), np.ones(len(t))
    rows = np.arange(len(t))
    for _ in range(25):
        middle = (low + high) / 2
        gamma = process.responsibilities(start + middle[:, None] * (end - start), t)
        ahead = gamma[rows, first] > gamma[rows, second]
        low, high = np.where(ahead, middle, low), np.where(ahead, high, middle)
    ties = start + ((low + high) / 2)[:, None] * (end - start)
    near: Floats = ties + rng.standard_normal(points.shape) * (0.05 * rng.random(len(t)) ** 4)[:, None]
    return near


def spread_points(process: OrnsteinUhlenbeck, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Points and times for a sampled check: half near ties, a third typical, the rest wide."""
    t = np.exp(rng.uniform(np.log(process.t_min), np.log(process.t_max), size=count))
    t[: max(1, count // 20)] = process.t_min
    x = marginal_points(process, t, rng)
    ties = np.arange(count) % 2 == 0
    x[ties] = tie_points(process, t[ties], rng)
    wide = np.arange(count) % 6 == 5
    x[wide] *= 10 ** rng.uniform(0, 3, size=(int(wide.sum()), 1))
    return x, t


def precise_points(process: OrnsteinUhlenbeck, count: int, rng: np.random.Generator) -> list[tuple[list[Any], Any]]:
    """A few points (exact binary numbers) as mpmath numbers: `[(x, t), ...]`."""
    x, t = spread_points(process, count, rng)
    order = rng.permutation(count)
    return [([mp.mpf(float(c)) for c in x[i]], mp.mpf(float(t[i]))) for i in order]


def witness(x: Any, t: Any) -> dict[str, Any]:
    """A replayable point: exact texts of the numbers."""

    def text(value: Any) -> str:
        return float(value).hex() if isinstance(value, float | np.floating) else mp.nstr(value, 40)

    return {"x": [text(c) for c in x], "t": text(t)}

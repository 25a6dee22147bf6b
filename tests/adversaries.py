"""Points at which float64 formulas lose digits: far out, on the tie sets, next to critical points."""

from __future__ import annotations

import numpy as np


def wide_spread(process, rng, count, reach=1e3, earliest=1e-6, latest=50.0):
    """Points of every size from 1e-3 to `reach`, times from `earliest` to `latest`, log-uniform."""
    d = process.mixture.dimension
    x = rng.standard_normal((count, d))
    x *= (10 ** rng.uniform(-3, np.log10(reach), count) / np.linalg.norm(x, axis=1))[:, None]
    return x, 10 ** rng.uniform(np.log10(earliest), np.log10(latest), count)


def tie_points(process, rng, count, reach=1e3, earliest=1e-6):
    """Points within rounding of a set on which the largest responsibility changes hands, up to `reach` away."""
    mixture = process.mixture
    d, means = mixture.dimension, mixture.means
    # Bisection of all segments at once; those without a change are drawn again.
    points, times = np.empty((0, d)), np.empty(0)
    for _ in range(60):
        n = 2 * count
        t = 10 ** rng.uniform(np.log10(earliest), 0.5, n)
        radius = 10 ** rng.uniform(-1, np.log10(reach), n)
        start = rng.standard_normal((n, d))
        start *= (radius / np.linalg.norm(start, axis=1))[:, None]
        pairs = rng.integers(0, len(means), (n, 2))
        step = (means[pairs[:, 0]] - means[pairs[:, 1]]) * (rng.uniform(0.1, 3, n) * np.exp(-t))[:, None]
        low, high = start + step, start - step
        across = rng.random(n) < 0.3
        if d == 1:
            low, high = -abs(low), abs(high)
        high[across] = -low[across]
        winner = process.responsibilities(low, t).argmax(axis=1)
        changes = winner != process.responsibilities(high, t).argmax(axis=1)
        low, high, t, winner = low[changes], high[changes], t[changes], winner[changes]
        for _ in range(50):
            middle = (low + high) / 2
            same = process.responsibilities(middle, t).argmax(axis=1) == winner
            low, high = np.where(same[:, None], middle, low), np.where(same[:, None], high, middle)
        points, times = np.concatenate([points, low]), np.concatenate([times, t])
        if len(points) >= count:
            break
    points, times = points[:count], times[:count]
    return points * (1 + rng.integers(-2, 3, points.shape) * 2.0**-52), times


def critical_points(process, rng, count, earliest=1e-6):
    """Points within 1e-8 to 1e-25 of points where the score vanishes (Newton), and next to the origin."""
    mixture = process.mixture
    d, means = mixture.dimension, mixture.means
    t = 10 ** rng.uniform(np.log10(earliest), 0.5, count)
    pairs = rng.integers(0, len(means), (count, 2))
    x = (means[pairs[:, 0]] + means[pairs[:, 1]]) / 2 * np.exp(-t)[:, None]
    x = x + 1e-3 * rng.standard_normal((count, d))
    for _ in range(8):
        slope = -process.jacobian(x, t) - np.eye(d)
        step = np.linalg.solve(slope + 1e-12 * np.eye(d), process.score(x, t)[:, :, None])[:, :, 0]
        size = np.linalg.norm(step, axis=1)
        x = np.where((size < 1)[:, None], x - step, x)
    x = x + rng.standard_normal((count, d)) * (10 ** rng.uniform(-25, -8, count))[:, None]
    x[:: max(1, count // 8)] *= 1e-18
    return x, t

"""Exact draws at the noise end, where trajectories start: those that train maps and those that measure errors."""

from __future__ import annotations

import numpy as np
import torch

from certflow.law.noised import noised
from certflow.numbers.arrays import Points
from certflow.process import OrnsteinUhlenbeck

#: What the points are for: each purpose has draws of its own.
POOL, TEST = 0, 1


def draw(process: OrnsteinUhlenbeck, count: int, seed: int, purpose: int) -> torch.Tensor:
    """`count` exact draws of `p_T`, `T = t_max`: `X_T = m X_0 + sqrt(1 - m^2) Z`; shape (count, d), float64."""
    first, second = stream_seeds(seed, purpose)
    return noise(process.mixture.sample(count, seed=first), process.t_max, second)


def noise(data: Points, t: float, seed: int) -> torch.Tensor:
    """`m X_0 + sqrt(1 - m^2) Z` for given rows `X_0`."""
    return torch.from_numpy(noised(data, t, np.random.default_rng(seed).standard_normal(data.shape)))


def stream_seeds(seed: int, purpose: int) -> tuple[int, int]:
    """Two independent seeds for a seed and a purpose."""
    first, second = np.random.SeedSequence([seed, purpose]).generate_state(2, np.uint64)
    return int(first), int(second)

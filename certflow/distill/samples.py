"""Exact points of trajectories: what maps are trained on and what errors are measured on."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from certflow.distill.reference import ReferenceFlow
from certflow.process import OrnsteinUhlenbeck

#: What the points are for: each purpose has draws of its own.
POOL, TEST = 0, 1


def noised(process: OrnsteinUhlenbeck, count: int, seed: int, purpose: int) -> torch.Tensor:
    """`count` exact draws of `p_T`, `T = t_max`: `X_T = m X_0 + sqrt(1 - m^2) Z`; shape (count, d), float64."""
    numbers = np.random.SeedSequence([seed, purpose]).generate_state(2, np.uint64)
    start = process.mixture.sample(count, seed=int(numbers[0]))
    m = math.exp(-process.t_max)
    noise = np.random.default_rng(int(numbers[1])).standard_normal(start.shape)
    return torch.from_numpy(m * start + math.sqrt(-math.expm1(-2 * process.t_max)) * noise)


def pool(
    flow: ReferenceFlow, process: OrnsteinUhlenbeck, count: int, seeds: Sequence[int], times: Sequence[float]
) -> torch.Tensor:
    """Training points in float32, shape (seeds, times, count, d)."""
    draws = torch.cat([noised(process, count, seed, POOL) for seed in seeds]).to(flow.device)
    nodes = flow.nodes(draws, times, torch.float32)
    return nodes.reshape(len(times), len(seeds), count, -1).transpose(0, 1).contiguous()

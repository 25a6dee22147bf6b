"""Weighted points of the law at the data end, from which errors of trained maps are measured (proofs/G4.md).

Students err most where few draws fall, between the modes: of 4,096 draws a handful decide the mean of a squared error.
So points are not drawn but placed, where they cost least: `E f(Y) ~ sum_i w_i f(y_i)`, `Y ~ p_delta`.

- One dimension: two Gauss rules of different fineness along the graph of the flow (`certflow.flow.quantile_map`).
- More: `BLOCKS` nets of Sobol, each scrambled by itself, half of the points spread over the components and half over
  components `SPREAD` times as wide, with weights `p_delta / q <= 2`, `q` the density of the points.

Points come in blocks, each of which estimates by itself: how far they differ says how good their mean is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from certflow.flow.quantile_map import QuantileMap
from certflow.process import OrnsteinUhlenbeck

#: Nets that are scrambled by themselves; the standard error of their mean is itself known to 18 %.
BLOCKS = 16
#: How much wider the second half of the points lies than the law.
SPREAD = 2.0
#: Panels of the quantile map that each of the two rules of one dimension joins to one.
JOINED = (2, 4)
#: Bits of a coordinate of a net (those that torch gives).
BITS = 30


@dataclass(frozen=True)
class Sample:
    """Points of `p_delta` and what each stands for.

    points : shape (N, d), float64
    weights : shape (N,), positive, of sum about 1
    sizes : so many consecutive points form each block; all blocks weigh the same
    """

    points: torch.Tensor
    weights: torch.Tensor
    sizes: tuple[int, ...]

    def on(self, device: torch.device) -> Sample:
        """The same on another device."""
        return Sample(self.points.to(device), self.weights.to(device), self.sizes)


def even_sample(points: torch.Tensor) -> Sample:
    """Independent draws, all of the same weight, in `BLOCKS` blocks (or as many as there are draws) of like size."""
    count = len(points)
    sizes = tuple(len(part) for part in torch.arange(count).tensor_split(min(BLOCKS, count)))
    return Sample(points, torch.full((count,), 1 / count, dtype=torch.float64, device=points.device), sizes)


def sample_of(process: OrnsteinUhlenbeck, count: int, seed: int) -> Sample:
    """At least `count` points of `p_delta`; in one dimension a quadrature, whatever `count` and `seed`.

    Parameters
    ----------
    process : its mixture at `t_min`
    count : rounded up to `BLOCKS` times a power of two
    seed : of the scrambling; nets of one seed and of different length share their first points
    """
    return _quadrature(process) if process.mixture.dimension == 1 else _nets(process, count, seed)


def _quadrature(process: OrnsteinUhlenbeck) -> Sample:
    flow = QuantileMap(process)
    ends = flow.panels()
    rules = [flow.nodes(np.unique(np.append(ends[::joined], ends[-1]))) for joined in JOINED]
    points = torch.from_numpy(np.concatenate([rule.x for rule in rules])).unsqueeze(1)
    weights = torch.from_numpy(np.concatenate([rule.weights for rule in rules]) / len(rules))
    return Sample(points, weights, tuple(len(rule.x) for rule in rules))


def _nets(process: OrnsteinUhlenbeck, count: int, seed: int) -> Sample:
    mixture, d = process.mixture, process.mixture.dimension
    m = math.exp(-process.t_min)
    covariances = m * m * mixture.covariance_matrices - math.expm1(-2 * process.t_min) * np.eye(d)
    roots = torch.from_numpy(np.linalg.cholesky(covariances))
    means = torch.from_numpy(m * mixture.means)
    shares = torch.from_numpy(np.asarray(mixture.weights / mixture.weights.sum(), dtype=np.float64))
    size = 1 << max(0, math.ceil(math.log2(count / BLOCKS)))
    seeds = np.random.SeedSequence([seed, BLOCKS]).generate_state(BLOCKS, np.uint32)
    uniform = torch.cat([_net(d + 1, size, int(one)) for one in seeds])
    ends = torch.cumsum(torch.cat([shares, shares]) / 2, 0)
    place = torch.searchsorted(ends, uniform[:, 0].contiguous(), right=True).clamp(max=2 * len(shares) - 1)
    component = place % len(shares)
    factor = torch.where(place < len(shares), 1.0, SPREAD).unsqueeze(1)
    normal = torch.special.ndtri(uniform[:, 1:]) * factor
    points = torch.empty_like(normal)
    for k in range(len(shares)):
        points[component == k] = means[k] + normal[component == k] @ roots[k].T
    narrow, wide = [], []
    for k, share in enumerate(shares):
        standard = torch.linalg.solve_triangular(roots[k], (points - means[k]).T, upper=False)
        squares = standard.square().sum(0) / 2
        level = share.log() - roots[k].diagonal().log().sum()
        narrow.append(level - squares)
        wide.append(level - squares / SPREAD**2 - d * math.log(SPREAD))
    density = torch.logsumexp(torch.stack(narrow), 0)
    proposal = torch.logsumexp(torch.stack([*narrow, *wide]), 0) - math.log(2)
    return Sample(points, (density - proposal).exp() / len(points), (size,) * BLOCKS)


def _net(dimension: int, size: int, seed: int) -> torch.Tensor:
    """A scrambled Sobol net in the open unit cube, shape (size, dimension), float64."""
    engine = torch.quasirandom.SobolEngine(dimension, scramble=True, seed=seed)
    first = engine.quasi.double() / 2**BITS  # torch rounds its first point to the default dtype, up to 1
    points = engine.draw(size, dtype=torch.float64)
    points[0] = first
    return points + 0.5 ** (BITS + 1)

"""One dimension: training pairs without sampling noise, and trained maps held against an exact quadrature."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from certflow.distill.maps.residual import Normalisers, ResidualMaps
from certflow.distill.settings import Progress, Steps
from certflow.flow.quantile_map import Nodes, QuantileMap
from certflow.numbers.arrays import Floats, Points

#: Points evaluated at a time.
CHUNK = 8192

#: Takes points and returns values and slopes, all of shape (N,).
Student = Callable[[Floats], tuple[Floats, Floats]]


def part_of(progress: Progress | None, index: int, parts: int, what: str) -> Steps | None:
    """What to tell `train` of the part `index` of `parts` equally long ones."""
    if progress is None:
        return None
    return lambda done, total: progress(index * total + done, parts * total, what)


def stratified(flow: QuantileMap, nodes: Nodes, count: int) -> tuple[Floats, Floats]:
    """`(z_i, Phi(z_i))`, one in each of `count` parts of equal mass; shapes (count,).

    In random order, always the same: neighbours in the pool come into one mini-batch (`certflow.distill.training`).
    """
    middle = np.cumsum(nodes.weights) - nodes.weights / 2
    shares = (np.random.default_rng(0).permutation(count) + 0.5) / count
    return flow.at(np.interp(shares, middle, nodes.z + nodes.x))


def in_float64(maps: ResidualMaps) -> ResidualMaps:
    """The same maps computing in float64, so that a budget holds to its rounding."""
    twin = copy.deepcopy(maps).double()
    normalisers = maps.normalisers
    names = normalisers.__dataclass_fields__
    twin.normalisers = Normalisers(*(getattr(normalisers, name).double() for name in names))
    return twin


def student(maps: ResidualMaps, index: int) -> Student:
    """One map of a stack in float64, as a function of points (N,)."""
    device = next(maps.parameters()).device

    def evaluate(z: Points) -> tuple[Floats, Floats]:
        values, slopes = [], []
        for start in range(0, len(z), CHUNK):
            x = torch.from_numpy(np.ascontiguousarray(z[start : start + CHUNK])).to(device).requires_grad_(True)
            with torch.enable_grad():
                y = maps(x.reshape(1, -1, 1), [index]).reshape(-1)
                (slope,) = torch.autograd.grad(y.sum(), x)
            values.append(y.detach().cpu().numpy())
            slopes.append(slope.cpu().numpy())
        return np.concatenate(values), np.concatenate(slopes)

    return evaluate


def composed(students: list[Student]) -> Student:
    """`Psi_K o ... o Psi_1` and its derivative, by the chain rule."""

    def evaluate(z: Points) -> tuple[Floats, Floats]:
        slope = np.ones_like(z)
        for one in students:
            z, factor = one(z)
            slope = slope * factor
        return z, slope

    return evaluate


@dataclass(frozen=True)
class Measured:
    """Of a student: `E|g - Phi|^2`, its estimated error, the largest `|g'|` at the nodes."""

    error: float
    uncertainty: float
    steepest: float


class Measure:
    """`E|g(X) - Phi(X)|^2` by quadrature: on panels cut in four, and the distance to the uncut ones as its error.

    The kinks of a piecewise linear `g` limit a Gauss rule, not its order.
    """

    def __init__(self, flow: QuantileMap):
        self.flow = flow
        self.coarse = flow.nodes()
        ends = flow.panels()
        parts = np.interp(np.arange(4 * len(ends) - 3) / 4, np.arange(len(ends)), ends)
        self.fine = flow.nodes(parts)

    def __call__(self, one: Student) -> Measured:
        values, slopes = one(self.fine.z)
        rough, _ = one(self.coarse.z)
        error = self.fine.mean((values - self.fine.x) ** 2)
        other = self.coarse.mean((rough - self.coarse.x) ** 2)
        return Measured(error, abs(error - other), float(np.abs(slopes).max()))

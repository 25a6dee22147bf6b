"""Stacks of residual maps `x + N(x)`, one small network for each segment, evaluated and trained together.

    Psi(x) = x + b + c * MLP((x - a) / r),

`a, r, b, c` the normalisers of the segment (mean and standard deviation of its input, mean and standard deviation of
what it adds), coordinate by coordinate. Without them the late segments of a grid, which move points by little, learn
at another pace than the early ones. The linear layers of the `n` networks are stacked, shape (n, in, out), so that a
layer of all of them is one batched product.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from certflow.distill.maps.activations import ACTIVATIONS
from certflow.errors import InputError, unknown

#: More than what float32 errs in a spectral norm, relative: a budget is kept in exact arithmetic too.
ROUNDING = 1e-5


NORMALISERS = ("input_mean", "input_scale", "output_mean", "output_scale")


@dataclass(frozen=True)
class Normalisers:
    """`a, r, b, c`, each of shape (n, 1, d)."""

    input_mean: torch.Tensor
    input_scale: torch.Tensor
    output_mean: torch.Tensor
    output_scale: torch.Tensor

    @staticmethod
    def stack(parts: Sequence[Normalisers]) -> Normalisers:
        """Those of several stacks, one after another."""
        return Normalisers(*(torch.cat([getattr(part, name) for part in parts]) for name in NORMALISERS))

    def to(self, device: torch.device | str) -> Normalisers:
        """The same on another device."""
        return Normalisers(*(getattr(self, name).to(device) for name in NORMALISERS))

    def select(self, index: Any) -> Normalisers:
        """Those of some of the maps, of all for None."""
        return Normalisers(*(_some(getattr(self, name), index) for name in NORMALISERS))


class ResidualMaps(torch.nn.Module):
    """`n` residual maps from R^d to R^d.

    Parameters
    ----------
    normalisers : of the segments
    hidden, depth : width and number of the hidden layers
    activation : "silu", "tanh", "relu" or "groupsort" (pairs sorted; `hidden` must be even)
    seeds : one int for each map, from which its weights are drawn: a map does not depend on the others in the stack
    lipschitz : None, or a budget B > 1: every map is `B`-Lipschitz, by dividing each layer by what its spectral norm
        exceeds its share of the budget

    The call takes (n, N, d) and returns the same shape.
    """

    def __init__(
        self,
        normalisers: Normalisers,
        hidden: int = 32,
        depth: int = 2,
        activation: str = "silu",
        seeds: tuple[int, ...] = (),
        lipschitz: float | None = None,
    ):
        super().__init__()
        check_shape(hidden, activation, lipschitz)
        count, _, dimension = normalisers.input_mean.shape
        if len(seeds) != count:
            raise InputError("seeds", f"{len(seeds)} seeds", f"one for each of {count} maps")
        self.normalisers = normalisers
        self.activation = ACTIVATIONS[activation]
        self.lipschitz = lipschitz
        sizes = [dimension, *[hidden] * depth, dimension]
        single: Any = {"dtype": torch.float32, "device": "cpu"}  # whatever the defaults: a seed names one network
        weights = [torch.empty(count, a, b, **single) for a, b in itertools.pairwise(sizes)]
        biases = [torch.empty(count, 1, b, **single) for b in sizes[1:]]
        for i, seed in enumerate(seeds):
            generator = torch.Generator().manual_seed(seed)
            for weight, bias in zip(weights, biases, strict=True):
                bound = 1 / math.sqrt(weight.shape[1])
                weight[i].uniform_(-bound, bound, generator=generator)
                bias[i].uniform_(-bound, bound, generator=generator)
        like = normalisers.input_mean
        self.weights = torch.nn.ParameterList(w.to(like) for w in weights)
        self.biases = torch.nn.ParameterList(b.to(like) for b in biases)

    def effective_weights(self, select: Any = None) -> list[torch.Tensor]:
        """The matrices that are applied: within the budget, if there is one."""
        weights = [_some(weight, select) for weight in self.weights]
        if self.lipschitz is None:
            return weights
        share = self._share(self.normalisers.select(select)).reshape(-1, 1, 1)
        return [w / torch.clamp(_spectral_norms(w) / share, min=1.0) for w in weights]

    def _share(self, normalisers: Normalisers) -> torch.Tensor:
        """What the spectral norm of each layer may be, so that the map is B-Lipschitz; shape (n,)."""
        assert self.lipschitz is not None
        gain = normalisers.output_scale.amax((1, 2)) / normalisers.input_scale.amin((1, 2))
        layers = len(self.weights)
        share = ((self.lipschitz - 1) / (gain * self.activation.slope ** (layers - 1))) ** (1 / layers)
        return (1 - ROUNDING) * share

    def network(self, z: torch.Tensor, select: Any = None) -> torch.Tensor:
        """`MLP(z)`: normalised points in, what the maps add in units of its spread out; shape (n, N, d)."""
        weights = self.effective_weights(select)
        for i, (weight, bias) in enumerate(zip(weights, self.biases, strict=True)):
            z = _affine(z, weight, _some(bias, select))
            if i < len(weights) - 1:
                z = self.activation.function(z)
        return z

    def forward(self, x: torch.Tensor, select: Any = None) -> torch.Tensor:
        """`Psi(x)`, shape (n, N, d); `select` takes some of the maps."""
        n = self.normalisers.select(select)
        return x + n.output_mean + n.output_scale * self.network((x - n.input_mean) / n.input_scale, select)

    @torch.no_grad()
    def exact_maps(self) -> list[dict[str, Any]]:
        """The maps as numbers, one after another: the fields of an `ExactMap` of `cf.enclosure`, `s = 1`."""
        weights = self.effective_weights()
        return [
            {
                "weights": tuple(w[i] for w in weights),
                "biases": tuple(b[i, 0] for b in self.biases),
                "activation": self.activation_name,
                "skip": 1.0,
                **{part: getattr(self.normalisers, part)[i, 0] for part in NORMALISERS},
            }
            for i in range(len(self.normalisers.input_mean))
        ]

    @torch.no_grad()
    def lipschitz_bounds(self) -> torch.Tensor:
        """`Lip(Psi) <= 1 + max(c) / min(r) * slope^depth * prod of spectral norms`; shape (n,), float64."""
        gain = self.normalisers.output_scale.double().amax((1, 2)) / self.normalisers.input_scale.double().amin((1, 2))
        product = gain * self.activation.slope ** (len(self.weights) - 1)
        for weight in self.effective_weights():
            product = product * _spectral_norms(weight.double()).flatten()
        return 1 + product

    def like(self, normalisers: Normalisers) -> ResidualMaps:
        """A stack of the same shape of network for other segments; its weights are yet to be set."""
        hidden, depth, count = self.weights[0].shape[2], len(self.weights) - 1, len(normalisers.input_mean)
        return ResidualMaps(normalisers, hidden, depth, self.activation_name, (0,) * count, self.lipschitz)

    def taken(self, indices: Sequence[int]) -> ResidualMaps:
        """Some of the maps as a stack of their own, with numbers of their own."""
        chosen = list(indices)
        stack = self.like(self.normalisers.select(chosen))
        stack.load_state_dict({name: value[chosen] for name, value in self.state_dict().items()})
        return stack.requires_grad_(False)

    @property
    def activation_name(self) -> str:
        """As the call takes it."""
        return next(name for name, one in ACTIVATIONS.items() if one == self.activation)  # a copy is another object

    def parameters_per_map(self) -> int:
        """Number of weights and biases of one map."""
        return sum(p[0].numel() for p in self.parameters())


class ResidualMap(torch.nn.Module):
    """One map of a stack, with numbers of its own: takes points (..., d) and returns the same shape and dtype.

    It computes in the dtype of its weights, float32 after training.
    """

    def __init__(self, stack: ResidualMaps, index: int):
        super().__init__()
        self.stack = stack.taken([index])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`Psi(x)`."""
        own = x.to(self.stack.normalisers.input_mean)
        mapped: torch.Tensor = self.stack(own.reshape(1, -1, x.shape[-1]))
        return mapped.reshape(x.shape).to(x)

    def exact_maps(self) -> list[dict[str, Any]]:
        """The map in exact form, a list of one (`ResidualMaps.exact_maps`)."""
        return self.stack.exact_maps()


def check_shape(hidden: Any, activation: Any, lipschitz: Any) -> None:
    """Raises InputError for a network that there is not."""
    if activation not in ACTIVATIONS:
        raise unknown("activation", activation, ACTIVATIONS)
    if activation == "groupsort" and hidden % 2:
        raise InputError("hidden", hidden, "an even number (groupsort sorts pairs)")
    number = isinstance(lipschitz, int | float) and not isinstance(lipschitz, bool)
    if lipschitz is not None and not (number and 1 < lipschitz < math.inf):
        raise InputError("lipschitz", lipschitz, "None, or a budget B > 1 (a residual map of budget 1 is a shift)")


def _spectral_norms(weight: torch.Tensor) -> torch.Tensor:
    """Of each matrix, shape (n, 1, 1); NaN for one that is not finite, where LAPACK would refuse the whole stack."""
    finite = torch.isfinite(weight).flatten(1).all(1).view(-1, 1, 1)
    norms = torch.linalg.matrix_norm(torch.where(finite, weight, 0.0), ord=2, keepdim=True)
    return torch.where(finite, norms, math.nan)


def _some(stacked: torch.Tensor, index: Any) -> torch.Tensor:
    """Part of a stack; all of it, without a copy in the backward pass, for None."""
    return stacked if index is None else stacked[index]


def _affine(z: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """`z W + b`."""
    if is_narrow(weight):
        return torch.bmm(weight.mT, z.mT).mT + bias
    return torch.baddbmm(bias, z, weight)


def is_narrow(weight: torch.Tensor) -> bool:
    """Whether `W` has so few columns that BLAS is faster, up to six times, where the products have few rows instead."""
    return 4 * weight.shape[2] <= weight.shape[1]


def normalisers_of(inputs: torch.Tensor, outputs: torch.Tensor) -> Normalisers:
    """From what goes in and comes out, shapes (n, N, d): means and standard deviations, in the dtype of the inputs.

    A coordinate that is not moved at all gets the scale of the others, or 1.
    """
    statistics = []
    for values in (inputs, outputs - inputs):
        mean = values.mean(1, keepdim=True, dtype=torch.float64)
        spread = torch.linalg.vector_norm(values - mean.to(values.dtype), dim=1, keepdim=True, dtype=torch.float64)
        scale = spread / math.sqrt(values.shape[1] - 1)
        largest = scale.amax(2, keepdim=True)
        floor = torch.where(largest > 0, 1e-6 * largest, torch.ones_like(largest))
        statistics += [mean, torch.maximum(scale, floor)]
    return Normalisers(*(part.to(inputs.dtype) for part in statistics))

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
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from certflow.errors import InputError


def _max_min(x: torch.Tensor) -> torch.Tensor:
    """GroupSort of pairs: gradients keep their norm, so Lipschitz networks can be tight (Anil, Lucas, Grosse 2019)."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat([torch.maximum(first, second), torch.minimum(first, second)], dim=-1)


#: Activations and the Lipschitz constant of each; that of SiLU is max of `s(x) (1 + x (1 - s(x)))`, rounded up.
ACTIVATIONS: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], float]] = {
    "silu": (torch.nn.functional.silu, 1.09984),
    "tanh": (torch.tanh, 1.0),
    "relu": (torch.relu, 1.0),
    "groupsort": (_max_min, 1.0),
}


@dataclass(frozen=True)
class Normalisers:
    """`a, r, b, c`, each of shape (n, 1, d)."""

    input_mean: torch.Tensor
    input_scale: torch.Tensor
    output_mean: torch.Tensor
    output_scale: torch.Tensor

    def select(self, index: Any) -> Normalisers:
        """Those of some of the maps."""
        return Normalisers(*(getattr(self, name)[index] for name in self.__dataclass_fields__))


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
        if activation not in ACTIVATIONS:
            raise InputError("activation", activation, f"one of {', '.join(ACTIVATIONS)}")
        if lipschitz is not None and not 1 < lipschitz < math.inf:
            raise InputError("lipschitz", lipschitz, "None, or a budget B > 1 (a residual map of budget 1 is a shift)")
        count, _, dimension = normalisers.input_mean.shape
        if len(seeds) != count:
            raise InputError("seeds", f"{len(seeds)} seeds", f"one for each of {count} maps")
        self.normalisers = normalisers
        self.activation, self.slope = ACTIVATIONS[activation]
        self.lipschitz = lipschitz
        sizes = [dimension, *[hidden] * depth, dimension]
        weights = [torch.empty(count, a, b) for a, b in itertools.pairwise(sizes)]
        biases = [torch.zeros(count, 1, b) for b in sizes[1:]]
        for i, seed in enumerate(seeds):
            generator = torch.Generator().manual_seed(seed)
            for weight, bias in zip(weights, biases, strict=True):
                bound = 1 / math.sqrt(weight.shape[1])
                weight[i].uniform_(-bound, bound, generator=generator)
                bias[i].uniform_(-bound, bound, generator=generator)
        like = normalisers.input_mean
        self.weights = torch.nn.ParameterList(w.to(like) for w in weights)
        self.biases = torch.nn.ParameterList(b.to(like) for b in biases)

    def effective_weights(self, select: Any = slice(None)) -> list[torch.Tensor]:
        """The matrices that are applied: within the budget, if there is one."""
        weights = [weight[select] for weight in self.weights]
        if self.lipschitz is None:
            return weights
        share = self._share(self.normalisers.select(select)).reshape(-1, 1, 1)
        norms = [torch.linalg.matrix_norm(w, ord=2, keepdim=True) for w in weights]
        return [w / torch.clamp(n / share, min=1.0) for w, n in zip(weights, norms, strict=True)]

    def _share(self, normalisers: Normalisers) -> torch.Tensor:
        """What the spectral norm of each layer may be, so that the map is B-Lipschitz; shape (n,)."""
        assert self.lipschitz is not None
        gain = normalisers.output_scale.amax((1, 2)) / normalisers.input_scale.amin((1, 2))
        layers = len(self.weights)
        return ((self.lipschitz - 1) / (gain * self.slope ** (layers - 1))) ** (1 / layers)

    def _network(self, z: torch.Tensor, select: Any = slice(None)) -> torch.Tensor:
        weights = self.effective_weights(select)
        for i, (weight, bias) in enumerate(zip(weights, self.biases, strict=True)):
            z = torch.baddbmm(bias[select], z, weight)
            if i < len(weights) - 1:
                z = self.activation(z)
        return z

    def residual(self, x: torch.Tensor, select: Any = slice(None)) -> torch.Tensor:
        """What the maps add, in units of the output scale: `MLP((x - a) / r)`."""
        n = self.normalisers.select(select)
        return self._network((x - n.input_mean) / n.input_scale, select)

    def forward(self, x: torch.Tensor, select: Any = slice(None)) -> torch.Tensor:
        """`Psi(x)`, shape (n, N, d); `select` takes some of the maps."""
        n = self.normalisers.select(select)
        return x + n.output_mean + n.output_scale * self.residual(x, select)

    @torch.no_grad()
    def lipschitz_bounds(self) -> torch.Tensor:
        """`Lip(Psi) <= 1 + max(c) / min(r) * slope^depth * prod of spectral norms`; shape (n,), float64."""
        gain = self.normalisers.output_scale.double().amax((1, 2)) / self.normalisers.input_scale.double().amin((1, 2))
        product = gain * self.slope ** (len(self.weights) - 1)
        for weight in self.effective_weights():
            product = product * torch.linalg.matrix_norm(weight.double(), ord=2)
        return 1 + product

    def parameters_per_map(self) -> int:
        """Number of weights and biases of one map."""
        return sum(p[0].numel() for p in self.parameters())


def normalisers_of(inputs: torch.Tensor, outputs: torch.Tensor) -> Normalisers:
    """From what goes in and comes out, shapes (n, N, d): means and standard deviations, in the dtype of the inputs.

    A coordinate that is not moved at all gets the scale of the others, or 1.
    """
    added = outputs.double() - inputs.double()
    statistics = []
    for values in (inputs.double(), added):
        mean, scale = values.mean(1, keepdim=True), values.std(1, keepdim=True)
        largest = scale.amax(2, keepdim=True)
        floor = torch.where(largest > 0, 1e-6 * largest, torch.ones_like(largest))
        statistics += [mean, torch.maximum(scale, floor)]
    return Normalisers(*(part.to(inputs.dtype) for part in statistics))

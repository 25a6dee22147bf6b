"""Activations of residual maps, each with its derivative by hand.

`torch.autograd` computes the sigmoid of a SiLU twice and keeps every intermediate result in memory of its own; with
the two calls below a layer works in two buffers that stay in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

Tensor = torch.Tensor


@dataclass(frozen=True)
class Activation:
    """`s(x)` of a layer.

    function : `x -> s(x)`
    slope : its Lipschitz constant, rounded up
    keep : `keep(x, kept)` writes `s(x)` over `x`, and into `kept`, of the same shape, what `pull` wants
    pull : `pull(g, h, kept)` writes `s'(x)^T g` over `kept`, from `h = s(x)`
    """

    function: Callable[[Tensor], Tensor]
    slope: float
    keep: Callable[[Tensor, Tensor], None]
    pull: Callable[[Tensor, Tensor, Tensor], None]


def _silu(x: Tensor, kept: Tensor) -> None:
    torch.sigmoid(x, out=kept)
    x.mul_(kept)


def _silu_pull(g: Tensor, h: Tensor, kept: Tensor) -> None:
    """`s' = sigma + x sigma (1 - sigma) = sigma + (1 - sigma) h`."""
    torch.lerp(kept, kept.new_ones(()), h, out=kept).mul_(g)


def _tanh(x: Tensor, kept: Tensor) -> None:
    x.tanh_()


def _tanh_pull(g: Tensor, h: Tensor, kept: Tensor) -> None:
    """`s' = 1 - h^2`."""
    torch.mul(h, h, out=kept).neg_().add_(1).mul_(g)


def _relu(x: Tensor, kept: Tensor) -> None:
    x.relu_()


def _relu_pull(g: Tensor, h: Tensor, kept: Tensor) -> None:
    torch.mul(g, h > 0, out=kept)


def _max_min(x: Tensor) -> Tensor:
    """GroupSort of pairs: gradients keep their norm, so Lipschitz networks can be tight (Anil, Lucas, Grosse 2019)."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat([torch.maximum(first, second), torch.minimum(first, second)], dim=-1)


def _group_sort(x: Tensor, kept: Tensor) -> None:
    first, second = x.chunk(2, dim=-1)
    kept.copy_((first >= second).repeat(1, 1, 2))
    x.copy_(_max_min(x))


def _group_sort_pull(g: Tensor, h: Tensor, kept: Tensor) -> None:
    """Where the pair was in order the gradient passes as it is, elsewhere its halves change places."""
    swapped = torch.cat(g.chunk(2, dim=-1)[::-1], dim=-1)
    kept.copy_(torch.where(kept > 0, g, swapped))


ACTIVATIONS: dict[str, Activation] = {
    # max of `sigma(x) (1 + x (1 - sigma(x)))`, rounded up
    "silu": Activation(torch.nn.functional.silu, 1.09984, _silu, _silu_pull),
    "tanh": Activation(torch.tanh, 1.0, _tanh, _tanh_pull),
    "relu": Activation(torch.relu, 1.0, _relu, _relu_pull),
    "groupsort": Activation(_max_min, 1.0, _group_sort, _group_sort_pull),
}

"""torch functions whose values are computed outside torch, with derivatives of every order.

Of `y = f(x_1, ..., x_n)`, elementwise, the partial derivatives are given as formulas in `y, x_1, ..., x_n` that torch
can follow: the derivative of a derivative is found by the chain rule through `y` again. So a root or a quadrature,
of which an iteration gives the value, is differentiated implicitly and exactly, backwards and forwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

Tensor = torch.Tensor


def elementwise(values: Callable[..., Tensor], slopes: Callable[..., Sequence[Tensor]], *inputs: Tensor) -> Tensor:
    """`f(x_1, ..., x_n)`, of the shape to which the inputs broadcast.

    values : `(x_1, ..., x_n) -> f`, of plain tensors: no transformation of torch is at work on them
    slopes : `(f, x_1, ..., x_n) -> (df/dx_1, ..., df/dx_n)`, in operations that torch differentiates
    """
    return _Elementwise.apply(values, slopes, *torch.broadcast_tensors(*inputs))


class _Elementwise(torch.autograd.Function):
    """`elementwise`, for autograd and for `torch.func`."""

    @staticmethod
    def forward(values: Any, slopes: Any, *inputs: Tensor) -> Tensor:
        return values(*inputs)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        _, ctx.slopes, *given = inputs
        ctx.save_for_backward(output, *given)
        ctx.save_for_forward(output, *given)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        slopes = ctx.slopes(*ctx.saved_tensors)
        return None, None, *(gradients[0] * slope for slope in slopes)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        slopes = ctx.slopes(*ctx.saved_tensors)
        return sum(tangent * slope for tangent, slope in zip(tangents[2:], slopes, strict=True) if tangent is not None)

    @staticmethod
    def vmap(info: Any, in_dims: Any, values: Any, slopes: Any, *inputs: Tensor) -> tuple[Tensor, int]:
        moved = [part if at is None else part.movedim(at, 0) for part, at in zip(inputs, in_dims[2:], strict=True)]
        return elementwise(values, slopes, *moved), 0

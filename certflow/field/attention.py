"""Score, velocity and log-density of very many components of one variance, on torch, in bounded memory.

The score of a data set is attention: points ask, means answer. With `y = m p x`, `c = m^2 p / 2` the logits are

    l_k = y . mu_k - c |mu_k|^2 + log w_k,

and of them the field needs `L = log sum_k e^{l_k}` and the average `sum_k gamma_k mu_k` alone. Both are summed tile by
tile, a tile being some points by some components, about a running maximum (the online softmax: Milakov and Gimelshein,
arXiv:1805.02867; as attention: Rabe and Staats, arXiv:2112.05682). Beside one tile this takes memory for a few arrays
of the size of the points, whatever K is.

`L` is the cumulant function of the statistics `(mu_k, -|mu_k|^2)` in the parameters `(y, c)`: its derivatives are their
averages, and those of the averages are their covariances, of which a second pass over the tiles makes the products
with vectors that torch asks for, backwards and forwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeGuard

import torch

from certflow.field.components import Components, IsotropicComponents

#: Logits of one tile, and its points at most: on a CPU a tile stays near the cores, elsewhere it keeps a device busy.
TILE = {"cpu": 2**18}
TILE_ELSEWHERE = 2**26
POINTS = {"cpu": 2**9}
POINTS_ELSEWHERE = 2**13
#: Components whose logits are so far below the largest one found count for nothing.
LEAST_LOGIT = -70.0
#: The quantities that are made of the logarithm of the sum and the average of the means.
QUANTITIES = ("log_density", "score", "velocity")


def is_streamed(components: Components, quantity: str) -> TypeGuard[IsotropicComponents]:
    """Whether `streamed` can make this: not while torch compiles, which plans memory by itself, and not where forward
    derivatives are nested, of which torch follows a function of our own in the innermost only."""
    if not isinstance(components, IsotropicComponents) or not components.common or quantity not in QUANTITIES:
        return False
    return not (torch.compiler.is_compiling() or _nested_forward())


def _nested_forward() -> bool:
    """Are there two forward derivatives or more around this call?"""
    functorch = torch._C._functorch  # no public name tells it
    levels = functorch.get_interpreter_stack() or ()
    return sum(level.key() == functorch.TransformType.Jvp for level in levels) > 1


def streamed(components: IsotropicComponents, quantity: str, x: torch.Tensor) -> torch.Tensor:
    """One of `QUANTITIES` at points (N, d): differentiable in `x` and `t` (see `is_streamed`)."""
    law = (components.means, -components.parameters.square_norms, components.log_weights)
    y, c = components.m * components.p * x, components.m2 * components.p / 2
    log_sum, mean, _ = _moments_at(y, c, *law)
    if quantity == "log_density":
        result: torch.Tensor = log_sum + components.log_scale(x)
    else:
        result = getattr(components, f"{quantity}_about")(x, mean)
    return result


class _Moments(torch.autograd.Function):
    """`L` (N,), the averages of the means (N, d) and of the heights (N,) in `y` (N, d) and `c` (N, 1) or (1, 1)."""

    @staticmethod
    def forward(y: Any, c: Any, means: Any, heights: Any, log_weights: Any) -> Any:
        return _by_points(_moments, (y, c), (means, heights, log_weights))

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs, *output)
        ctx.save_for_forward(*inputs, *output)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, by_log: Any, by_mean: Any, by_height: Any) -> Any:
        y, c, *law, log_sum, mean, height = ctx.saved_tensors
        along_y, along_c = torch.zeros_like(mean), torch.zeros_like(mean[:, :1])
        if by_log is not None:
            along_y, along_c = by_log[:, None] * mean, (by_log * height)[:, None]
        if by_mean is not None or by_height is not None:
            direction = _direction(by_mean, by_height, mean)
            first, second = _covariances_at(y, c, *direction, log_sum, mean, height, *law)
            along_y, along_c = along_y + first, along_c + second[:, None]
        return along_y, _as_rows_of(c, along_c), None, None, None

    @staticmethod
    def jvp(ctx: Any, y_moved: Any, c_moved: Any, *_: Any) -> Any:
        y, c, *law, log_sum, mean, height = ctx.saved_tensors
        towards, upwards = _direction(y_moved, None if c_moved is None else c_moved.expand(len(y), 1)[:, 0], mean)
        moved = _covariances_at(y, c, towards, upwards, log_sum, mean, height, *law)
        return (towards * mean).sum(-1) + upwards * height, *moved

    @staticmethod
    def vmap(info: Any, in_dims: Any, *values: Any) -> Any:
        return _folded(_Moments, info.batch_size, in_dims, values, 2)


class _Covariances(torch.autograd.Function):
    """Covariances of the means (N, d) and of the heights (N,) with `towards . mu_k + upwards height_k`.

    towards, upwards : shapes (N, d), (N,);  log_sum, mean, height : what `_Moments` gives at `y` and `c`

    Its own derivatives are those of the formula with all logits of some points: of one tile, or of one point.
    """

    @staticmethod
    def forward(*values: Any) -> Any:
        return _by_points(_covariances, values[:7], values[7:])

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs[:4], *inputs[7:])
        ctx.save_for_forward(*inputs[:4], *inputs[7:])

    @staticmethod
    def backward(ctx: Any, *given: Any) -> Any:
        y, c, towards, upwards, *law = ctx.saved_tensors

        def pulled(*values: Any) -> Any:
            return torch.func.vjp(partial(_plain_covariances, law), *values[:4])[1](values[4:])

        values = (y, c.expand(len(y), 1), towards, upwards, *given)
        along_y, along_c, *along = _by_points(pulled, values, (), _tile(y) // len(law[0]))
        return along_y, _as_rows_of(c, along_c), *along, *[None] * 6

    @staticmethod
    def jvp(ctx: Any, y_moved: Any, c_moved: Any, *moved: Any) -> Any:
        y, c, towards, upwards, *law = ctx.saved_tensors

        def pushed(*values: Any) -> Any:
            return torch.func.jvp(partial(_plain_covariances, law), values[:4], values[4:])[1]

        one = (len(y), 1)
        values = (y, c.expand(one), towards, upwards, y_moved, c_moved.expand(one), *moved[:2])
        values = tuple(value.clone() for value in values)  # `jvp` takes no expanded ones
        return _by_points(pushed, values, (), _tile(y) // len(law[0]))

    @staticmethod
    def vmap(info: Any, in_dims: Any, *values: Any) -> Any:
        return _folded(_Covariances, info.batch_size, in_dims, values, 7)


_moments_at: Callable[..., Any] = _Moments.apply
_covariances_at: Callable[..., Any] = _Covariances.apply


def _moments(y: Any, c: Any, means: Any, heights: Any, log_weights: Any) -> Any:
    top = torch.full_like(y[:, :1], -math.inf)
    total, height, mean = torch.zeros_like(top), torch.zeros_like(top), torch.zeros_like(y)
    for part in _tiles(y, len(means)):
        logits = _logits(y, c, means[part], heights[part], log_weights[part])
        higher = torch.maximum(top, logits.amax(1, keepdim=True))
        shares, kept = _exponentials(logits.sub_(higher)), torch.exp(top - higher)
        total = total * kept + shares.sum(1, keepdim=True)
        mean = torch.addmm(mean * kept, shares, means[part])
        height = torch.addmm(height * kept, shares, heights[part, None])
        top = higher
    return (top + total.log())[:, 0], mean / total, (height / total)[:, 0]


def _covariances(
    y: Any, c: Any, towards: Any, upwards: Any, log_sum: Any, mean: Any, height: Any, *law: Any
) -> tuple[Any, Any]:
    middle = (towards * mean).sum(-1) + upwards * height
    total, by_height = torch.zeros_like(log_sum[:, None]), torch.zeros_like(log_sum[:, None])
    by_mean = torch.zeros_like(y)
    for part in _tiles(y, len(law[0])):
        means, heights, log_weights = (values[part] for values in law)
        gamma = _exponentials(_logits(y, c, means, heights, log_weights).sub_(log_sum[:, None]))
        offsets = torch.addcmul(-middle[:, None], upwards[:, None], heights)
        shares = gamma * torch.addmm(offsets, towards, means.T)  # (torch may batch directions: nothing in place)
        total = total + shares.sum(1, keepdim=True)
        by_mean = torch.addmm(by_mean, shares, means)
        by_height = torch.addmm(by_height, shares, heights[:, None])
    return by_mean - total * mean, (by_height - total * height[:, None])[:, 0]


def _plain_covariances(law: Sequence[Any], y: Any, c: Any, towards: Any, upwards: Any) -> tuple[Any, Any]:
    """As `_covariances`, with all logits at once."""
    means, heights, _ = law
    gamma = torch.softmax(_logits(y, c, *law), dim=1)
    shares = gamma * (towards @ means.T + torch.outer(upwards, heights))
    total = shares.sum(1, keepdim=True)
    return shares @ means - total * (gamma @ means), shares @ heights - total[:, 0] * (gamma @ heights)


def _logits(y: Any, c: Any, means: Any, heights: Any, log_weights: Any) -> Any:
    return torch.addmm(torch.addcmul(log_weights, c, heights), y, means.T)


def _exponentials(logits: Any) -> Any:
    """In place, and 0 below e^-70: a CPU takes many times as long for exponentials that float64 or float32 hardly hold.

    A million components that are left out have less than 1e-24 of the weight of the largest one.
    """
    return torch.threshold_(logits.clamp_min_(LEAST_LOGIT).exp_(), 1.01 * math.exp(LEAST_LOGIT), 0.0)


def _direction(towards: Any, upwards: Any, mean: Any) -> tuple[Any, Any]:
    """A direction in the parameters; what torch does not move is moved by 0."""
    towards = torch.zeros_like(mean) if towards is None else towards
    return towards, torch.zeros_like(mean[:, 0]) if upwards is None else upwards


def _as_rows_of(c: Any, along: Any) -> Any:
    """The derivative in `c`, of one row or of those of the points, from that of each point."""
    return along if len(c) == len(along) else along.sum(0, keepdim=True)


def _parts(count: int, length: int) -> Iterator[slice]:
    length = max(1, length)
    return (slice(start, min(start + length, count)) for start in range(0, count, length))


def _tile(y: Any) -> int:
    return TILE.get(y.device.type, TILE_ELSEWHERE)


def _tiles(y: Any, components: int) -> Iterator[slice]:
    return _parts(components, _tile(y) // len(y))


def _by_points(
    function: Callable[..., Any], values: Sequence[Any], law: Sequence[Any], most: int | None = None
) -> tuple[Any, ...]:
    """The function for some points at a time: of each array its rows, of an array of one row that row."""
    count, device = len(values[0]), values[0].device.type
    parts = [
        function(*(value if len(value) == 1 else value[part] for value in values), *law)
        for part in _parts(count, POINTS.get(device, POINTS_ELSEWHERE) if most is None else most)
    ]
    return tuple(torch.cat(found) for found in zip(*parts, strict=True))


def _folded(function: Any, size: int, dims: Any, values: tuple[Any, ...], count: int) -> tuple[Any, Any]:
    """The rule for `torch.vmap`: the first `count` arrays have rows, which are stacked; the others are the law's."""
    moved = [
        value.expand(size, *value.shape) if dim is None else value.movedim(dim, 0)
        for value, dim in zip(values[:count], dims[:count], strict=True)
    ]
    rows = moved[0].shape[1]
    stacked = [value.expand(size, rows, *value.shape[2:]).flatten(0, 1) for value in moved]
    found = function.apply(*stacked, *values[count:])
    return tuple(part.unflatten(0, (size, rows)) for part in found), (0,) * len(found)

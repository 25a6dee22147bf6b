"""Quantities that torch takes: it calls `__torch_function__` in place of its own functions, methods are found by name.

A network that is run on them says which function of real numbers it is; an operation that is not known is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from certflow.enclosure.students.score.quantities import Quantity, floats, read, unknown_operation


class TorchQuantity(Quantity):
    """A `Quantity` to torch."""

    @property
    def dtype(self) -> Any:
        """What code is told: float64."""
        import torch

        return torch.float64

    @property
    def device(self) -> Any:
        """What code is told: the CPU."""
        import torch

        return torch.device("cpu")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in OPERATIONS:
            raise AttributeError(name)
        return lambda *args, **keywords: OPERATIONS[name](self, *args, **keywords)

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(function, "__name__", str(function))
        name = name.strip("_") if name.startswith("__") else name  # relu_ is not relu: it changes its argument
        if name not in OPERATIONS:
            raise unknown_operation(f"torch.{name}")
        return OPERATIONS[name](*args, **(kwargs or {}))


def _any(value: Any, *others: Any) -> Quantity:
    """The first argument as a quantity like the others."""
    if isinstance(value, Quantity):
        return value
    return read(next(other for other in others if isinstance(other, Quantity)), value)


def _linear(x: Any, weight: Any, bias: Any = None) -> Quantity:
    if isinstance(weight, Quantity) or isinstance(bias, Quantity):
        raise unknown_operation("weights that depend on x or on the time")
    return _any(x).affine(floats(weight).T, None if bias is None else floats(bias))


def cat(parts: Sequence[Any], dim: int = 0, axis: int | None = None) -> Quantity:
    """Rows side by side, `dim` 1 or -1."""
    like = next(part for part in parts if isinstance(part, Quantity))
    rows = [_any(part, like) for part in parts]
    if (dim if axis is None else axis) not in (1, -1) or not all(part.axes == 2 for part in rows):
        raise unknown_operation("cat along the rows")
    if all(part.numbers is not None for part in rows):
        return like.of_numbers(like.algebra, np.concatenate([part.numbers for part in rows]))
    return type(like)(like.algebra, like.algebra.joined([part.rows() for part in rows]))


def _activation(kind: str) -> Callable[..., Quantity]:
    def call(x: Quantity, inplace: bool = False) -> Quantity:
        return x.replaced(x.activated(kind)) if inplace else x.activated(kind)

    return call


def _function(name: str) -> Callable[..., Quantity]:
    """A function of numbers, by its method of balls."""

    def call(x: Quantity) -> Quantity:
        return x.of_time(lambda ball: getattr(ball, name)(), name)

    return call


#: What torch's functions and the methods of tensors become, by name.
OPERATIONS: dict[str, Callable[..., Any]] = {
    "linear": _linear,
    "cat": cat,
    "concat": cat,
    "concatenate": cat,
    "matmul": lambda x, w: _any(x, w) @ w,
    "add": lambda x, y: _any(x, y) + y,
    "radd": lambda x, y: _any(x, y) + y,
    "sub": lambda x, y: _any(x, y) - y,
    "rsub": lambda x, y: _any(y, x) - x,
    "mul": lambda x, y: _any(x, y) * y,
    "rmul": lambda x, y: _any(x, y) * y,
    "div": lambda x, y: _any(x, y) / y,
    "truediv": lambda x, y: _any(x, y) / y,
    "true_divide": lambda x, y: _any(x, y) / y,
    "neg": lambda x: -x,
    "square": Quantity.square,
    "pow": Quantity.__pow__,
    "silu": _activation("silu"),
    "tanh": _activation("tanh"),
    "relu": _activation("relu"),
    **{name: _function(name) for name in ("sin", "cos", "exp", "log", "sqrt")},
    "unsqueeze": Quantity.unsqueeze,
    "squeeze": Quantity.squeeze,
    "reshape": Quantity.reshape,
    "view": Quantity.reshape,
    "expand": Quantity.expand,
    "clone": lambda x, memory_format=None: x.clone(),
    **dict.fromkeys(("float", "double", "to", "contiguous", "type", "detach"), Quantity.itself),
}

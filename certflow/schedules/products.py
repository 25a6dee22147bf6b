"""Derivatives of a model in a direction: forward mode, or central differences where there is none (proofs/N3.md)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.numbers.inputs import is_tensor
from certflow.schedules.callables import Call
from certflow.schedules.schedule import known

#: How a product was computed, in its `.method`.
FORWARD, DIFFERENCES = "forward mode", "central differences"


class Product(np.ndarray):
    """A NumPy array that says how it was computed; what is computed from it says nothing."""

    method: str | None = None


def labelled(array: Any, method: str) -> Any:
    """The array with its `.method`: a tensor itself, a NumPy array as a `Product`."""
    result: Any = array if is_tensor(array) else np.asarray(array).view(Product)
    result.method = method
    return result


def directional(call: Call, x: Any, tau: Any, v: Any, width: Any, dtype: Any) -> tuple[Any, str]:
    """`d/dh f(x + h v, tau)` at `h = 0`, shape of `x`, and how it was computed.

    x, v : shape (N, ...); width : the length on which `f` varies, broadcastable to `x`; dtype : that of the call
    """
    if call.takes_tensors(x):
        found = _forward(call, x, tau, v, dtype)
        if found is not None and (_moves(found) or not _moves(_differences(call, x, tau, v, width, dtype))):
            return found, FORWARD
    return _differences(call, x, tau, v, width, dtype), DIFFERENCES


def _moves(product: Any) -> bool:
    """Whether a product is not zero throughout: it is where a function has cut itself off from its argument."""
    return known(product == 0) is not True if is_tensor(product) else bool(product.any())


def _forward(call: Call, x: Any, tau: Any, v: Any, dtype: Any) -> Any:
    """`torch.func.jvp`; None where an operation of `f` has no such derivative."""
    import torch

    if is_tensor(x):
        try:
            with _with_forward_rules():
                _, product = torch.func.jvp(lambda z: call(z, tau, dtype), (x,), (v,))  # type: ignore[misc]
        # what is wrong with the call itself differences meet too
        except (InputError, NotImplementedError, RuntimeError, TypeError):
            return None
        return product
    with torch.no_grad():
        rows, times, directions = (torch.from_numpy(np.ascontiguousarray(array)) for array in (x, tau, v))
        product = _forward(call, rows, times, directions, getattr(torch, np.dtype(dtype).name))
    return None if product is None else product.numpy()


@contextmanager
def _with_forward_rules() -> Iterator[None]:
    """Where torch's own layers have forward derivatives: attention by matrix products, norms of groups in one block.

    The fused kernels of attention have none, and that of `group_norm` views its input as if it were contiguous.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    class Contiguous(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if function in (torch.group_norm, torch.nn.functional.group_norm):
                args = (args[0].clone(memory_format=torch.contiguous_format), *args[1:])
            return function(*args, **(kwargs or {}))

    with warnings.catch_warnings(), Contiguous():
        # torch's own: it scripts its rules for forward derivatives when the first of them is taken
        warnings.filterwarnings("ignore", ".torch.jit.script. is deprecated")
        try:
            from torch.nn.attention import SDPBackend, sdpa_kernel
        except ImportError:  # torch 2.2
            yield
            return
        with sdpa_kernel(SDPBackend.MATH):
            yield


def _differences(call: Call, x: Any, tau: Any, v: Any, width: Any, dtype: Any) -> Any:
    """`(f(x + h v) - f(x - h v)) / 2h`, `h |v| = eps^{1/3} width` in root mean square over the entries of each row."""
    eps = call.roundoff(x, tau, dtype)
    axes = tuple(range(1, x.ndim))
    size = (v * v).mean(axes) ** 0.5 if axes else abs(v)
    size = size.reshape(-1, *[1] * len(axes))
    h = eps ** (1 / 3) * width / (size + (size == 0))
    return (call(x + h * v, tau, dtype) - call(x - h * v, tau, dtype)) / (2 * h)

"""The kinds of number behind one small interface, and the choice among them."""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.arithmetic.base import Arithmetic
from certflow.arithmetic.floats import FloatArithmetic
from certflow.errors import InputError
from certflow.exact import is_symbolic

__all__ = ["Arithmetic", "FloatArithmetic", "arithmetic_of", "is_tensor", "plain_float"]

_FLOATS = FloatArithmetic()


def arithmetic_of(*values: Any) -> Arithmetic:
    """The arithmetic that the given data belong to.

    torch tensors win over everything; then SymPy expressions, Arb balls and mpmath numbers (alone or in
    object arrays or lists); all else is float64.
    """
    for value in values:
        if is_tensor(value):
            from certflow.arithmetic.tensors import TorchArithmetic

            if not value.dtype.is_floating_point:
                raise InputError("x", f"a torch tensor of {value.dtype}", "a tensor of a floating dtype")
            return TorchArithmetic(value.dtype, value.device)
    names = {_family(entry) for value in values for entry in _entries(value)} - {""}
    if len(names) > 1:
        raise InputError("x, t", f"a mixture of {' and '.join(sorted(names))} numbers", "one kind of number")
    if not names:
        return _FLOATS
    from certflow.arithmetic import objects

    table = {"sympy": objects.SympyArithmetic, "arb": objects.ArbArithmetic, "mpmath": objects.MpmathArithmetic}
    return table[names.pop()]()


def is_tensor(value: Any) -> bool:
    """True for a torch tensor, of a subclass too (told without importing torch)."""
    return hasattr(value, "__torch_function__")


def plain_float(value: Any, field: str) -> float:
    """A number for a result that is a float. Raises `InputError` for a tensor that torch differentiates."""
    if is_tensor(value):
        from torch.autograd import forward_ad

        if value.requires_grad or forward_ad.unpack_dual(value).tangent is not None:
            requirement = "a number: the result is a float, without derivatives (detach the tensor)"
            raise InputError(field, "a tensor that requires grad", requirement)
    return float(value)


def _entries(value: Any) -> list[Any]:
    if isinstance(value, np.ndarray):
        return list(value.flat) if value.dtype == object else []
    if isinstance(value, list | tuple):
        return [entry for part in value for entry in _entries(part)]
    return [value]


def _family(value: Any) -> str:
    if is_symbolic(value):
        return "sympy"
    module = type(value).__module__
    if module.startswith("flint"):
        return "arb"
    if module.startswith("mpmath"):
        return "mpmath"
    return ""

"""The kinds of number behind one small interface, and the choice among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.numbers.exact import is_symbolic
from certflow.numbers.floats import FLOATS, FloatArithmetic
from certflow.numbers.inputs import is_tensor
from certflow.numbers.interface import Arithmetic

__all__ = ["Arithmetic", "FloatArithmetic", "arithmetic_of"]


def arithmetic_of(*values: Any, fields: Sequence[str] = ("x", "t")) -> Arithmetic:
    """The arithmetic that the given data belong to; `fields` are their names, for errors.

    torch tensors win over everything; then SymPy expressions, Arb balls and mpmath numbers (alone or in
    object arrays or lists); all else is float64.
    """
    unknown = [(i, value) for i, value in enumerate(values) if not _is_plain(value)]
    if not unknown:
        return FLOATS
    for i, value in unknown:
        if is_tensor(value):
            from certflow.numbers.tensors import TorchArithmetic

            if not value.dtype.is_floating_point:
                raise InputError(fields[i], f"a torch tensor of {value.dtype}", "a tensor of a floating dtype")
            return TorchArithmetic(value.dtype, value.device)
    entries = [entry for _, value in unknown for entry in _entries(value)]
    names = {_family(entry) for entry in entries} - {""}
    if len(names) > 1:
        raise InputError("x, t", f"a mixture of {' and '.join(sorted(names))} numbers", "one kind of number")
    if not names:
        return FLOATS
    from certflow.numbers import balls, objects

    if "mpmath" in names:
        contexts = [entry.context for entry in entries if hasattr(entry, "_mpf_") and hasattr(entry, "context")]
        return objects.MpmathArithmetic(contexts[0] if contexts else None)
    return objects.SympyArithmetic() if "sympy" in names else balls.ArbArithmetic()


def _is_plain(value: Any) -> bool:
    """Whether this is what most calls are of, told at once: a float, a list of them, an array of numbers of NumPy."""
    kind = type(value)
    if kind is np.ndarray:
        return bool(value.dtype.kind != "O")
    return kind is float or (kind is list and all(type(entry) is float for entry in value))


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

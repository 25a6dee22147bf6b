"""The user's function: in which arrays it is called, and what is refused of what it returns."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from certflow.errors import InputError, unknown
from certflow.numbers.inputs import at_least_single, is_followed, is_tensor
from certflow.schedules.networks import first_parameter, is_module, network_of
from certflow.schedules.schedule import known

#: The arrays that a function takes: torch tensors, NumPy arrays, or whichever the caller has.
ARRAYS = ("torch", "numpy", "same")


class Call:
    """`f(x, tau, **conditioning)`, `x` of shape (N, ...), `tau` of shape (N,), held to its promise.

    arrays : one of `ARRAYS`, in the caller's dtype; default: for a `torch.nn.Module`, and for a function that calls
        one, tensors of the dtype and on the device of its parameters, for others what the caller has; times are never
        shorter than float32
    conditioning : keywords that `f` is called with; an array of one row (first axis of length 1) stands for every row

    Raises
    ------
    InputError : `f` is not callable, or does not take a keyword.
    """

    def __init__(self, f: Any, arrays: str | None, conditioning: Mapping[str, Any]):
        if not callable(f):
            raise InputError("f", f, "a callable f(x, tau)")
        if arrays is not None and not (isinstance(arrays, str) and arrays in ARRAYS):
            raise unknown("arrays", arrays, ARRAYS)
        self.f, self.conditioning = f, dict(conditioning)
        self.network = network_of(f)
        self.own = arrays is None and self.network is not None
        self.arrays = arrays or ("torch" if self.own else "same")
        _check_call(f.forward if is_module(f) else f, self.conditioning)

    def takes_tensors(self, x: Any) -> bool:
        """Whether `f` is called with tensors where the caller has `x`."""
        return self.arrays == "torch" or (self.arrays == "same" and is_tensor(x))

    def __call__(self, x: Any, tau: Any, dtype: Any) -> Any:
        """What `f` says, as an array of the kind, dtype and device of `x`; `dtype` is that in which `f` is called.

        Raises
        ------
        InputError : another shape than that of `x`, NaN or infinity, or no array; when torch goes backwards through
            what a callable has computed in NumPy.
        """
        if not is_tensor(x):
            out = self._without_graph(x, tau, dtype) if self.arrays == "torch" else self._said(x, tau, dtype)
            return np.asarray(out.detach().cpu().double() if is_tensor(out) else out, dtype=np.float64)
        import torch

        out = self._said(x, tau, dtype)
        tensor = out if is_tensor(out) else torch.as_tensor(out)
        if not is_tensor(out) and (is_followed(x) or is_followed(tau)):
            tensor = _cut_off(tensor, x, tau)
        return tensor.to(dtype=x.dtype, device=x.device)

    def roundoff(self, x: Any, tau: Any, dtype: Any) -> float:
        """That of the numbers which `f` takes or returns, whichever are shorter."""
        own = first_parameter(self.network)
        arrays = (self._handed(x, dtype), self._said(x, tau, dtype), *(() if own is None else (own,)))
        return max(map(_roundoff, arrays))

    def _without_graph(self, x: Any, tau: Any, dtype: Any) -> Any:
        """What `f` returns to a caller who cannot differentiate it."""
        import torch

        with torch.no_grad():
            return self._said(x, tau, dtype)

    def _said(self, x: Any, tau: Any, dtype: Any) -> Any:
        """What `f` returns, once it is what is required."""
        conditioning = {name: _rows(value, len(x)) for name, value in self.conditioning.items()}
        try:
            out = self.f(self._handed(x, dtype), self._times(tau, dtype), **conditioning)
        except (IndexError, RuntimeError, ValueError) as error:
            _check_rows(conditioning, len(x), error)
            raise
        self._check(out, x, tau)
        return out

    def _times(self, tau: Any, dtype: Any) -> Any:
        """The times as `f` takes them, never shorter than float32: the 999th of 1,000 steps is no bfloat16."""
        return self._handed(tau, tau.dtype if is_tensor(tau) else dtype, times=True)

    def _handed(self, array: Any, dtype: Any, times: bool = False) -> Any:
        """The array as `f` takes it."""
        if not is_tensor(array):
            if not self.takes_tensors(array):
                return array.astype(dtype, copy=False)
            import torch

            array, dtype = torch.from_numpy(np.ascontiguousarray(array)), getattr(torch, np.dtype(dtype).name)
        own = first_parameter(self.network) if self.own else None
        if own is not None:
            array, dtype = array.to(own.device), own.dtype
        if times or (self.arrays == "numpy" and str(dtype) == "torch.bfloat16"):  # which NumPy does not have
            dtype = at_least_single(dtype)
        return array.detach().to(dtype).cpu().numpy() if self.arrays == "numpy" else array.to(dtype)

    def _check(self, out: Any, x: Any, tau: Any) -> None:
        required = f"an array of the shape of x, {tuple(x.shape)}"
        if not (isinstance(out, np.ndarray) or is_tensor(out)):
            what = f"{type(out).__name__} returned"
            if isinstance(out, tuple) or hasattr(out, "sample"):
                required += " (the network of a diffusers pipeline: Model.from_diffusers)"
            raise InputError("model", what, required)
        if tuple(out.shape) != tuple(x.shape):
            raise InputError("model", f"shape {tuple(out.shape)} returned", required)
        real = out.is_floating_point() if is_tensor(out) else out.dtype.kind in "fiu"
        if not real:
            raise InputError("model", f"{out.dtype} returned", "real numbers")
        finite = out.isfinite() if is_tensor(out) else np.isfinite(out)
        if (known(finite) if is_tensor(out) else bool(finite.all())) is False:
            row = next(i for i, good in enumerate(finite) if not good.all())
            bad = out[row][~finite[row]].flatten()[0]
            where = f"{float(bad)} returned in row {row}, at tau = {float(tau[row]):.6g}"
            raise InputError("model", where, "finite numbers")


def _cut_off(result: Any, x: Any, tau: Any) -> Any:
    """What NumPy has made of `x` and `tau`: that it depends on them torch is told, and how it does not know."""
    import torch

    class NumPy(torch.autograd.Function):
        @staticmethod
        def forward(result: Any, x: Any, tau: Any) -> Any:
            return result.clone()

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            pass

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            raise InputError("model", "NumPy arrays", "a callable of torch tensors, for derivatives by torch")

    return NumPy.apply(result, x, tau)  # type: ignore[no-untyped-call]


def _roundoff(array: Any) -> float:
    if not is_tensor(array):
        return float(np.finfo(array.dtype if array.dtype.kind == "f" else np.float64).eps)
    import torch

    return torch.finfo(array.dtype).eps


def _check_call(f: Callable[..., Any], conditioning: Mapping[str, Any]) -> None:
    """Refuse keywords that a function does not take, and a function that needs others, where it can be asked."""
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):
        return
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    accepted = list(signature.parameters)[2:]
    for name, value in conditioning.items():
        if name not in accepted and inspect.Parameter.VAR_KEYWORD not in kinds:
            names = ", ".join(accepted) or "it has none"
            raise InputError(name, value, f"a keyword of Model or of the callable itself: {names}")
    try:
        signature.bind(None, None, **conditioning)
    except TypeError as error:
        required = "a callable that can be called as f(x, tau) with the keywords that are given"
        raise InputError("f", f"{error}", required) from None


def _rows(value: Any, count: int) -> Any:
    """The conditioning of so many rows: one row is repeated, anything else is handed on."""
    shape = tuple(getattr(value, "shape", ()))
    if len(shape) == 0 or shape[0] != 1 or count == 1:
        return value
    if is_tensor(value):
        return value.expand((count, *shape[1:]))
    return np.repeat(value, count, axis=0)


def _check_rows(conditioning: Mapping[str, Any], count: int, error: Exception) -> None:
    """Name the keyword of another number of rows than `x`, once a call has failed: a table of classes is right."""
    for name, value in conditioning.items():
        shape = tuple(getattr(value, "shape", ()))
        if shape and shape[0] != count and not isinstance(error, InputError):
            said = (str(error).splitlines() or [type(error).__name__])[0]
            required = f"one row, or one for each of the {count} rows of x in a call (the callable failed: {said})"
            raise InputError(name, f"shape {shape}", required) from error

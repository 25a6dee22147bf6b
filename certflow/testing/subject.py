"""How a check calls other people's code: in which arrays and dtype, and what it refuses of what comes back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.numbers.arrays import Floats
from certflow.numbers.inputs import is_tensor
from certflow.schedules.networks import first_parameter, network_of
from certflow.testing.precision import PRECISIONS, Precision, precision_of


class Misbehaviour(Exception):
    """The code does not do what a call of it must: it raises, or returns another thing than numbers of the shape."""

    def __init__(self, message: str, inputs: dict[str, Any], got: Any = None):
        super().__init__(message)
        self.message, self.inputs, self.got = message, inputs, got

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.inputs, self.got), self.__dict__


@dataclass
class Subject:
    """A callable that takes rows: `f(x, ...)`, every argument of shape (N, ...), results of shape (N, ...).

    Attributes
    ----------
    f : what is called
    names : its arguments, in the order of the call, for messages
    arrays : "numpy" or "torch", in which it is called
    precision : the format of its arguments and results, the coarser of the two
    device : where tensors are made; None for NumPy
    calls, rows : how often it was called, with how many rows together
    changed : arguments that it wrote into
    """

    f: Callable[..., Any]
    names: tuple[str, ...]
    arrays: str
    precision: Precision
    device: Any = None
    calls: int = field(default=0)
    rows: int = field(default=0)
    changed: set[str] = field(default_factory=set)

    @classmethod
    def of(
        cls, f: Any, names: tuple[str, ...], probe: tuple[Floats, ...], shape: tuple[int, ...], dtype: Any = None
    ) -> Subject:
        """Find in which arrays `f` is called: tensors for a `torch.nn.Module` or what calls one, in the dtype of its
        parameters; else the first of NumPy's float64 and torch's dtypes (where torch is loaded) in which it answers;
        where it answers in none, the one whose error is least likely to be that of another kind of array.

        probe : arguments of a few rows; shape : of the result for one row; dtype : where it is told

        Raises
        ------
        InputError : no callable, or a dtype that is none of the four.
        """
        if not callable(f):
            raise InputError("subject", f, f"a callable f({', '.join(names)})")
        found = None if dtype is None else precision_of(dtype)
        network = network_of(f)
        if network is not None:
            parameter = first_parameter(network)
            own = "float32" if parameter is None else str(parameter.dtype)
            return cls(f, names, "torch", found or precision_of(own), None if parameter is None else parameter.device)
        tried = [cls(f, names, arrays, each) for arrays, each in _ways(found, dtype)]
        strange = []
        for subject in tried:
            try:
                out = subject._raw(probe)
            except (Exception, SystemExit) as error:  # it may take another kind of array
                strange.append(2 if isinstance(error, TypeError | AttributeError) else 1)
                continue
            strange.append(0)
            if tuple(getattr(out, "shape", ())) == (len(probe[0]), *shape):
                subject.precision = _coarser(subject.precision, out) if found is None else found
                return subject
        return tried[int(np.argmin(strange))]

    def __call__(self, *arguments: Floats, shape: tuple[int, ...]) -> Floats:
        """What it says of rows, as float64; `shape` is that of the result for one row.

        Raises
        ------
        Misbehaviour : it raises, returns no real numbers, or numbers of another shape.
        """
        inputs = dict(zip(self.names, arguments, strict=True))
        handed = [self._handed(each) for each in arguments]
        kept = [_plain(each) for each in handed]
        try:
            out = self._call(handed)
        except (Exception, SystemExit) as error:
            said = (str(error).splitlines() or [""])[0]
            sizes = ", ".join(f"{name} {each.shape}" for name, each in inputs.items())
            message = f"called with {sizes} it raised {type(error).__name__}: {said}"
            raise Misbehaviour(message, _first_rows(inputs)) from error
        required = (np.shape(arguments[0])[0] if np.ndim(arguments[0]) else 1, *shape)
        for name, before, after in zip(self.names, kept, handed, strict=True):
            if not np.array_equal(before, _plain(after), equal_nan=True):
                self.changed.add(name)
        return self._read(out, required, inputs)

    def _raw(self, arguments: tuple[Floats, ...]) -> Any:
        return self._call([self._handed(each) for each in arguments])

    def _call(self, handed: list[Any]) -> Any:
        self.calls += 1
        self.rows += len(handed[0]) if handed[0].ndim else 1
        if self.arrays == "torch":
            return self.f(*handed)
        with np.errstate(all="ignore"):
            return self.f(*handed)

    def _handed(self, array: Floats) -> Any:
        """A fresh array in the kind and dtype of the subject."""
        if self.arrays == "numpy":
            return np.array(array, dtype=self.precision.name)
        import torch

        return torch.tensor(np.array(array, order="C"), dtype=getattr(torch, self.precision.name), device=self.device)

    def _read(self, out: Any, required: tuple[int, ...], inputs: dict[str, Any]) -> Floats:
        if not (is_tensor(out) or isinstance(out, np.ndarray | np.generic)):
            raise Misbehaviour(f"it returned {type(out).__name__}, no array", _first_rows(inputs), out)
        shape = tuple(out.shape)
        if shape != required:
            message = f"it returned the shape {shape}, where {required} is right"
            raise Misbehaviour(message, _first_rows(inputs), shape)
        real = out.is_floating_point() if is_tensor(out) else out.dtype.kind in "fiu"
        if not real:
            raise Misbehaviour(f"it returned numbers of {out.dtype}, no real ones", _first_rows(inputs))
        return _plain(out)


def _ways(found: Precision | None, dtype: Any) -> Iterator[tuple[str, Precision]]:
    """Kinds of arrays and formats to try, in order."""
    if not (is_torch_dtype(dtype) or (found is not None and found.name == "bfloat16")):
        yield "numpy", found or PRECISIONS["float64"]
    if "torch" in sys.modules or is_torch_dtype(dtype) or (found is not None and found.name == "bfloat16"):
        for each in (found,) if found is not None else tuple(PRECISIONS.values()):
            yield "torch", each


def is_torch_dtype(dtype: Any) -> bool:
    """Whether this is `torch.float32` or the like (told without importing torch)."""
    return type(dtype).__module__ == "torch"


def _coarser(precision: Precision, out: Any) -> Precision:
    """The format of what came back, where it is coarser than what was handed over."""
    name = str(out.dtype).removeprefix("torch.")
    back = PRECISIONS.get(name, precision)
    return back if back.digits < precision.digits else precision


def _plain(array: Any) -> Floats:
    """A copy as float64."""
    if is_tensor(array):
        array = array.detach().cpu().double().numpy()
    return np.array(array, dtype=np.float64)


def _first_rows(inputs: dict[str, Any]) -> dict[str, Any]:
    """What is shown of many rows: no more than two."""
    return {name: np.asarray(value)[:2] if np.ndim(value) else value for name, value in inputs.items()}

"""What a caller hands over, numbers and names of files: refused in one line where something would be lost on the way.

NumPy drops a mask, the imaginary part of a number and the unit of a date without a word, and takes True for 1.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from certflow.errors import InputError, unknown
from certflow.numbers.arrays import Floats
from certflow.numbers.exact import check_plain, exact_number, is_whole

_NUMBERS = "real numbers"


def whole_number(value: Any, field: str, low: int = 0, high: int | None = None, requirement: str = "") -> int:
    """An int within [low, high], Python's or NumPy's; True and False are none."""
    if not is_whole(value) or value < low or (high is not None and value > high):
        text = f"an int from {low} to {high}" if high is not None else f"an int >= {low}"
        raise InputError(field, value, requirement or text)
    return int(value)


def seed_numbers(seeds: Any, most: int, requirement: str) -> tuple[int, ...]:
    """Which seeds: as listed, or the first so many; one more than `most` of them tells of too many."""
    if is_whole(seeds):
        return tuple(range(min(int(seeds), most + 1)))
    if isinstance(seeds, str | bytes) or not isinstance(seeds, Sequence | np.ndarray):
        raise InputError("seeds", seeds, requirement)
    return tuple(whole_number(seed, "seeds", 0, 2**32 - 1, requirement) for seed in seeds)


def real_number(value: Any, field: str, requirement: str, accepts: Callable[[float], bool] = np.isfinite) -> float:
    """A real number (no text) that the condition accepts, nearest float64; infinite where that is accepted.

    A tensor that torch differentiates is refused: the float knows nothing of it.
    """
    if is_followed(value):
        raise InputError(
            field, "a tensor that requires grad", f"{requirement}, without derivatives (detach the tensor)"
        )
    try:
        check_plain(value, field, requirement)
        number = value.item() if getattr(value, "ndim", 1) == 0 else value  # NumPy, torch: one number
        if isinstance(number, str):
            raise InputError(field, value, requirement)
        result = number if isinstance(number, float) else float(exact_number(number, field))
    except (InputError, OverflowError, RuntimeError, ValueError):
        raise InputError(field, value, requirement) from None
    if not accepts(result):
        raise InputError(field, value, requirement)
    return result


def one_of(value: Any, field: str, names: Iterable[str]) -> str:
    """One of some names.

    Raises
    ------
    InputError : another text, or what is none.
    """
    listed = tuple(names)
    if not isinstance(value, str) or value not in listed:
        raise unknown(field, value, listed)
    return value


def file_path(value: Any, field: str, requirement: str) -> Path:
    """The path that a text or an `os.PathLike` object of text names; no file system has a name with a zero character.

    Raises
    ------
    InputError : bytes, a number, or a text that is the name of no file.
    """
    try:
        text = os.fspath(value)
        named = isinstance(text, str) and "\0" not in text and bool(os.fsencode(text) or not text)
    except (TypeError, UnicodeEncodeError):
        named = False
    if not named:
        raise InputError(field, value, requirement)
    return Path(text)


def is_tensor(value: Any) -> bool:
    """True for a torch tensor, of a subclass too (told without importing torch)."""
    return hasattr(value, "__torch_function__")


def at_least_single(dtype: Any) -> Any:
    """A floating dtype of torch itself, or float32 where it is shorter."""
    import torch

    return dtype if torch.finfo(dtype).bits >= 32 else torch.float32


def is_followed(value: Any) -> bool:
    """Whether torch differentiates with respect to this, backwards or forwards."""
    if not is_tensor(value):
        return False
    from torch.autograd import forward_ad

    return not has_memory(value) or value.requires_grad or forward_ad.unpack_dual(value).tangent is not None


def has_memory(tensor: Any) -> bool:
    """False for a tensor that a transformation of `torch.func` has wrapped."""
    try:
        tensor.data_ptr()
    except RuntimeError:
        return False
    return True


def joint_shape(*shapes: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape to which arrays of these shapes broadcast; None where there is none."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def check_shapes(arrays: Mapping[str, Any]) -> None:
    """Refuse the first of some named numbers or arrays whose shape does not broadcast with those before it."""
    joint: tuple[int, ...] = ()
    for field, array in arrays.items():
        shape = tuple(getattr(array, "shape", ()))
        wider = joint_shape(joint, shape)
        if wider is None:
            raise InputError(field, f"shape {shape}", f"a scalar or a shape that broadcasts with {joint}")
        joint = wider


def float_array(value: Any, field: str) -> Floats:
    """Real numbers, lists or arrays of them, as float64; text and fractions to the nearest float64.

    Raises
    ------
    InputError : masked entries, complex numbers, booleans, dates, ragged lists, or what is no number.
    """
    kind = type(value)
    if kind is np.ndarray and value.dtype == np.float64:
        found: Floats = value
        return found
    if kind is float or (kind is list and all(type(entry) is float for entry in value)):
        return np.array(value, dtype=np.float64)
    check_plain(value, field)
    _check_booleans(value, field)
    try:
        array = np.asarray(_readable(value))
        if array.dtype.kind in "fiu":
            return array.astype(np.float64, copy=False)
    except RuntimeError:
        raise InputError(field, value, f"{_NUMBERS}: of a tensor with a graph, tensor.detach()") from None
    except (TypeError, ValueError):
        tensor = _first_tensor(value)
        if tensor is not None:  # of bfloat16, sparse, on another device
            what = f"a tensor of {tensor.dtype}, {tensor.layout}, on {tensor.device}"
            raise InputError(field, what, f"{_NUMBERS} that NumPy can read: tensor.cpu().double(), dense") from None
        raise InputError(field, value, f"{_NUMBERS}, in rows of equal length") from None
    if array.dtype.kind not in "OU":  # complex numbers in a list, or a frame of dates
        raise InputError(field, value, _NUMBERS)
    result = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        place = field + "".join(f"[{i}]" for i in index)
        try:
            result[index] = float(exact_number(array[index], place))
        except OverflowError:
            raise InputError(place, array[index], "a number within 1.8e308 in size") from None
    return result


def _first_tensor(value: Any) -> Any:
    """The first tensor in a list that NumPy cannot read by itself, or the value if it is one; else None."""
    if isinstance(value, list | tuple):
        return next((tensor for tensor in map(_first_tensor, value) if tensor is not None), None)
    if not is_tensor(value):
        return None
    try:
        np.asarray(value)
    except (TypeError, ValueError):
        return value
    return None


def _check_booleans(value: Any, field: str) -> None:
    """Python's True and False, of which NumPy makes 1.0 and 0.0 beside other numbers."""
    if isinstance(value, list | tuple):
        for i, entry in enumerate(value):
            _check_booleans(entry, f"{field}[{i}]")
    elif isinstance(value, bool):
        raise InputError(field, value, f"{_NUMBERS}, not booleans")


def _readable(value: Any) -> Any:
    """One number in a form of which NumPy does not make an array of characters or digits."""
    return np.array(value, dtype=object) if isinstance(value, (str, Fraction)) else value

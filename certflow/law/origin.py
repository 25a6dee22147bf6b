"""How a mixture was made, `origin`: free-form JSON values, checked before they are written to a file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from certflow.errors import InputError

#: Lists and objects inside each other; readers of TOML and JSON differ in how many they take.
MAX_NESTING = 32

_REQUIRED = "a JSON value: text, a finite number, true, false, null, or a list or an object (with text keys) of such"


def settled_origin(origin: Any) -> dict[str, Any]:
    """The origin as a file would give it back, so that it is the same before and after; of its own, to change at will.

    What no file can hold makes no mixture useless: such an origin stays as it was given, until it is to be saved.
    """
    try:
        return plain_origin(origin)
    except InputError:
        if not isinstance(origin, Mapping):
            raise
        return dict(origin)


def plain_origin(origin: Any, null: bool = True) -> dict[str, Any]:
    """The origin in Python's own types (NumPy's numbers and arrays, and tuples, become these), as a file has it.

    null : whether the file can hold None (TOML cannot)

    Raises
    ------
    InputError : a value that would not come back from a file.
    """
    if not isinstance(origin, Mapping):
        raise InputError("origin", origin, "an object: text keys and JSON values")
    result: dict[str, Any] = _plain(origin, "origin", null, 0)
    return result


def check_text(text: Any, field: str) -> None:
    """Refuse what is no text, or cannot be written in UTF-8 (half of a surrogate pair)."""
    if not isinstance(text, str):
        raise InputError(field, text, "a text")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(field, ascii(text), "a text of whole Unicode characters") from None


def _plain(value: Any, field: str, null: bool, depth: int) -> Any:
    if depth > MAX_NESTING:
        raise InputError(field, value, f"lists and objects at most {MAX_NESTING} deep")
    if isinstance(value, np.generic | np.ndarray) and value.dtype.kind in "biufU":
        value = value.tolist()
    if isinstance(value, Mapping):
        for key in value:
            check_text(key, f"{field}: key")
        return {str(key): _plain(entry, f"{field}.{key}", null, depth + 1) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry, f"{field}[{i}]", null, depth + 1) for i, entry in enumerate(value)]
    if value is None and not null:
        raise InputError(field, value, "a value that TOML has: leave it out, or save as .json")
    if isinstance(value, str):
        check_text(value, field)
        return str(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 10**4000:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    raise InputError(field, value, _REQUIRED)

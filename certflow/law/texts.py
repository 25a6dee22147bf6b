"""JSON and TOML texts whose numbers stay as they are written, the files that hold them, and TOML of a JSON object.

What mixture files (`certflow.law.formats`) and specifications of sweeps are read with: a number is read as its digits,
so that who wants the decimal that is written has it.
"""

from __future__ import annotations

import datetime
import json
import tomllib
from collections.abc import Callable, Iterable, Iterator
from math import isfinite
from pathlib import Path
from typing import Any

from certflow.errors import InputError

#: Lists and objects inside one another, at most; the parameters need four.
MAX_DEPTH = 50


class Number(str):
    """A number of a JSON or TOML file, kept as the text that is written."""


def file_content(path: Path, field: str, most: int) -> bytes:
    """What a file holds. Raises `InputError`, about `field`: not readable, larger than `most` bytes, or empty."""
    name = str(path)
    try:
        size = path.stat().st_size
        if size > most:
            raise InputError(field, f"{name} of {size} bytes", f"a file of at most {most} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(field, name, f"a readable file ({error.strerror})") from None
    if not content.strip():
        raise InputError(field, name, "a file that is not empty")
    return content


def decoded(content: bytes, name: str, field: str) -> str:
    """The text that bytes are. Raises `InputError`, about `field`: not UTF-8."""
    try:
        return content.decode("utf-8-sig")  # editors of Windows begin a file with a mark
    except UnicodeDecodeError:
        raise InputError(field, name, "a text file in UTF-8") from None


def parse_json(text: str, name: str) -> Any:
    """The JSON value of a text, numbers as they are written. Raises `InputError`: not JSON, a key twice, too deep."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            keys = [key for key, _ in pairs]
            duplicate = next(key for key in keys if keys.count(key) > 1)
            raise InputError(duplicate, "the key twice", "each key once")
        return result

    def refuse(constant: str) -> Any:
        raise InputError("MIXTURE", constant, "finite numbers")

    try:
        found = json.loads(text, parse_float=Number, parse_int=Number, parse_constant=refuse, object_pairs_hook=unique)
        return _shallow(found, name, "JSON")
    except json.JSONDecodeError as error:
        raise InputError("MIXTURE", name, f"valid JSON (line {error.lineno}: {error.msg})") from None
    except RecursionError:
        raise InputError("MIXTURE", name, "JSON that is not nested so deeply") from None


def parse_toml(text: str, name: str, field: str = "MIXTURE") -> Any:
    """The value of a TOML text, dates as texts. Raises `InputError`, about `field`, as `parse_json`."""
    try:
        found = tomllib.loads(text, parse_float=_digits)
    except ValueError as error:  # tomllib lets some errors of numbers and dates through as they are
        raise InputError(field, name, f"valid TOML ({error})") from None
    except RecursionError:
        raise InputError(field, name, "TOML that is not nested so deeply") from None
    return _jsonable(_shallow(found, name, "TOML", field))


def _digits(text: str) -> Number:
    return Number(text.replace("_", ""))  # TOML may group digits: 1_000.5


def _shallow(found: Any, name: str, form: str, field: str = "MIXTURE") -> Any:
    """What was parsed, unless its lists and objects are nested too deeply for whoever walks through them."""
    level, depth = [found], 0
    while level := [entry for value in level for entry in _entries(value)]:
        depth += 1
        if depth > MAX_DEPTH:
            raise InputError(field, name, f"{form} that is not nested so deeply (at most {MAX_DEPTH})")
    return found


def _entries(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _jsonable(value: Any) -> Any:
    """TOML's dates and times as the texts that are written, since an `origin` must go into JSON too."""
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _jsonable(entry) for key, entry in value.items()}
    return [_jsonable(entry) for entry in value] if isinstance(value, list) else value


def _number(text: str) -> int | float | str:
    """The number; the text itself where no number of JSON is near it (`1e999`, a million digits, TOML's `nan`)."""
    try:
        number = int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        return str(text)
    return number if isinstance(number, int) or isfinite(number) else str(text)


def as_numbers(value: Any, number: Callable[[str], Any] = _number) -> Any:
    """A value with its numbers as numbers again, by `number` from the digits that are written."""
    if isinstance(value, Number):
        return number(value)
    if isinstance(value, dict):
        return {key: as_numbers(entry, number) for key, entry in value.items()}
    return [as_numbers(entry, number) for entry in value] if isinstance(value, list) else value


def toml_text(mapping: dict[str, Any]) -> str:
    """TOML of a mapping whose values are texts, numbers, nested lists and mappings."""
    return "\n".join(_toml_lines(mapping, "")) + "\n"


def _toml_lines(table: dict[str, Any], prefix: str) -> Iterator[str]:
    for key, value in table.items():
        if not isinstance(value, dict):
            yield f"{_toml_key(key)} = {_toml_value(value)}"
    for key, value in table.items():
        if isinstance(value, dict):
            yield f"\n[{prefix}{_toml_key(key)}]"
            yield from _toml_lines(value, f"{prefix}{_toml_key(key)}.")


def _toml_key(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isalnum() and key.isascii() else _toml_value(key)


def _toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml_key(key)} = {_toml_value(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # a JSON text is TOML's but for DEL

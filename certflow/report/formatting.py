"""Values as a reader sees them: clean text, rounded figures, durations, abbreviated JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# Explicit direction marks could make a page read otherwise than its source does.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """`text` with every character that XML or HTML forbids made visible.

    Control characters become their pictures (NUL is shown as U+2400); lone surrogates,
    non-characters and direction overrides become U+FFFD.
    """
    return _UNPRINTABLE.sub(_picture, text)


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def number(value: float, digits: int = 5) -> str:
    """`value` to `digits` significant digits: `1.2346 × 10⁻⁵`, a true minus sign, `∞`, `not a number`."""
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    mantissa, _, exponent = f"{value:.{digits}g}".partition("e")
    shown = mantissa.replace("-", "−")
    return f"{shown} × 10{str(int(exponent)).translate(SUPERSCRIPT)}" if exponent else shown


def value_text(value: Any, *, entries: int = 40) -> str:
    """A figure of a report as text: floats rounded, strings as they are, long lists shortened."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str | int):
        return clean(str(value))
    if isinstance(value, Mapping):
        return "; ".join(
            f"{clean(str(k)).replace('_', ' ')}: {value_text(v, entries=entries)}" for k, v in value.items()
        )
    if isinstance(value, Sequence):
        shown = [value_text(v, entries=entries) for v in value[:entries]]
        more = [f"… {len(value) - entries:,} more"] if len(value) > entries else []
        return "(" + ", ".join(shown + more) + ")"
    return clean(str(value))


def rows_of(value: Any) -> tuple[list[str], list[list[str]]] | None:
    """Head and rows of a figure that is a table: a list of mappings with the same keys; None for any other."""
    if not isinstance(value, list | tuple) or not value or not all(isinstance(entry, Mapping) for entry in value):
        return None
    keys = list(value[0])
    if any(list(entry) != keys for entry in value):
        return None
    head = [clean(str(key)).replace("_", " ") for key in keys]
    return head, [[value_text(entry[key]) for key in keys] for entry in value]


def duration(seconds: float) -> str:
    """Wall time for a reader: `0.42 s`, `12.3 s`, `3 min 05 s`, `1 h 02 min`."""
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def plain(value: Any) -> Any:
    """`value` as JSON can hold it, losing nothing: an infinite or undefined float becomes its name.

    JSON has no infinity; Pydantic reads `"Infinity"` back into a float field. A number of any type that
    JSON does not know (a fraction, a ball) is written as its own exact text.
    """
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    for unwrap in ("tolist", "item"):  # NumPy arrays and scalars, torch tensors
        if hasattr(value, unwrap):
            return plain(getattr(value, unwrap)())
    return str(value)


def count_entries(value: Any) -> int:
    """How many scalars a JSON value holds."""
    if isinstance(value, Mapping):
        return sum(map(count_entries, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(count_entries, value))
    return 1


def abbreviate(value: Any, entries: int = 200) -> Any:
    """A JSON value cut to about `entries` scalars per list; each cut says how many items it leaves out."""
    if isinstance(value, Mapping):
        return {key: abbreviate(item, entries) for key, item in value.items()}
    if not isinstance(value, list | tuple) or count_entries(value) <= entries:
        return value
    kept: list[Any] = []
    left = entries
    for item in value:
        if left <= 0:
            break
        kept.append(abbreviate(item, left))
        left -= count_entries(kept[-1])
    return [*kept, f"… {len(value) - len(kept):,} more"] if len(kept) < len(value) else kept


def json_text(value: Any, width: int = 88) -> str:
    """Indented JSON in which whatever fits on a line stays on it, so that a matrix reads as one."""
    return _json_lines(plain(value), 0, width)


def _json_lines(value: Any, indent: int, width: int) -> str:
    one_line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not value or not isinstance(value, dict | list) or indent + len(one_line) <= width:
        return one_line
    step = indent + 2
    if isinstance(value, dict):
        items = [
            f"{json.dumps(key, ensure_ascii=False)}: {_json_lines(item, step, width)}" for key, item in value.items()
        ]
    elif any(isinstance(item, dict | list) for item in value):
        items = [_json_lines(item, step, width) for item in value]
    else:
        items = _filled([json.dumps(item, ensure_ascii=False) for item in value], width - step)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    body = (",\n" + " " * step).join(items)
    return f"{opening}\n{' ' * step}{body}\n{' ' * indent}{closing}"


def _filled(tokens: list[str], width: int) -> list[str]:
    """Scalars packed into lines of at most `width` characters (a longer one has a line to itself)."""
    lines = [tokens[0]]
    for token in tokens[1:]:
        if len(lines[-1]) + len(token) + 3 > width:
            lines.append(token)
        else:
            lines[-1] += f", {token}"
    return lines

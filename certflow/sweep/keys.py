"""Tables of a specification, read key by key: what is wrong is told in one line that names the key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from certflow.errors import InputError, did_you_mean, missing, nearest
from certflow.law.texts import as_numbers
from certflow.numbers.exact import exact_number, nearest_float
from certflow.numbers.inputs import one_of, whole_number


class Keys:
    """The keys of one table, by their full names `mixtures[2].sigma`; `finish` refuses those that nobody asked for.

    Decimals are floats, but for `exact`, if the table holds them as they are written (`certflow.law.texts.Number`).
    """

    def __init__(self, table: Any, name: str):
        if not isinstance(table, Mapping):
            raise InputError(name or "the specification", table, "a table of keys and values")
        self.written, self.table, self.name = table, as_numbers(dict(table), float), name
        self.asked: list[str] = []

    def full(self, key: str) -> str:
        """The key with the name of its table."""
        return f"{self.name}.{key}" if self.name else key

    def __contains__(self, key: str) -> bool:
        self.asked.append(key)
        return key in self.table

    def value(self, key: str, default: Any = None) -> Any:
        """What is written, or the default."""
        self.asked.append(key)
        return self.table.get(key, default)

    def exact(self, key: str, default: Any) -> Any:
        """What is written, decimals as their digits, or the default."""
        self.asked.append(key)
        return self.written.get(key, default)

    def required(self, key: str, requirement: str) -> Any:
        """What is written; refused where nothing is."""
        if key not in self:
            near = nearest(key, self.table)
            raise missing(self.full(key), requirement if near is None else f"{requirement} (there is {near})")
        return self.table[key]

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty."""
        found = self.required(key, "a text") if default is None else self.value(key, default)
        if not isinstance(found, str) or not found.strip():
            raise InputError(self.full(key), found, "a text")
        return found

    def choice(self, key: str, known: Iterable[str], default: str | None = None) -> str:
        """One of some names."""
        names = list(known)
        found = self.required(key, f"one of {', '.join(names)}") if default is None else self.value(key, default)
        return one_of(found, self.full(key), names)

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number within [low, high]."""
        return whole_number(self.value(key, default), self.full(key), low, high)

    def number(self, key: str, default: Any, low: float, high: float) -> float:
        """A number within [low, high]."""
        return bounded(self.value(key, default), self.full(key), low, high)

    def tables(self, key: str) -> list[Keys]:
        """The tables `[[key]]`, none where it is not there."""
        found = self.value(key, [])
        if not isinstance(found, list):
            raise InputError(self.full(key), found, f"tables, each under a line [[{self.full(key)}]]")
        return [Keys(table, f"{self.full(key)}[{place}]") for place, table in enumerate(found)]

    def finish(self) -> None:
        """Refuse keys that have no meaning here."""
        for key, value in self.table.items():
            if key not in self.asked:
                known = list(dict.fromkeys(self.asked))
                raise InputError(
                    self.full(key), value, f"no such key (known: {', '.join(known)}){did_you_mean(key, known)}"
                )


def bounded(value: Any, field: str, low: float, high: float) -> float:
    """A number within [low, high], written as a number or as a text."""
    requirement = f"a number from {low:g} to {high:g}"
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        raise InputError(field, value, requirement)
    try:
        found = nearest_float(exact_number(value, field))
    except InputError:
        raise InputError(field, value, requirement) from None
    if not low <= found <= high:
        raise InputError(field, value, requirement)
    return found


def every(value: Any, field: str, check: Callable[[Any, str], Any]) -> list[Any]:
    """One value, or a list of them: each checked, none twice."""
    listed = value if isinstance(value, list) else [value]
    if not listed:
        raise InputError(field, value, "at least one value")
    found = [
        check(each, f"{field}[{place}]" if isinstance(value, list) else field) for place, each in enumerate(listed)
    ]
    for place, each in enumerate(found):
        if each in found[:place]:
            raise InputError(f"{field}[{place}]", listed[place], "each value once")
    return found

"""Where the code of a statement lies: the file, the line and the text of a function, by its dotted name.

Sources are read as text, so that nothing is loaded to say where it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import dedent

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Place:
    """A function, a method or a class of the package: its dotted name, its file below the folder that holds the
    package, the line where it begins, and its text."""

    name: str
    path: str
    line: int
    text: str


@cache
def place_of(name: str) -> Place | None:
    """The place of a dotted name such as `certflow.bounds.rates.lipschitz_bound`; None where no file tells it.

    A method that a class inherits from another is told by the class.

    >>> place_of("certflow.bounds.rates.lipschitz_bound").path
    'certflow/bounds/rates.py'
    """
    words = name.split(".")
    if not all(word.isidentifier() for word in words):
        return None
    for length in range(len(words) - 1, 0, -1):
        path = Path(*words[:length]).with_suffix(".py")
        lines = _lines(path)
        if lines:
            found = _within(lines, words[length:])
            return None if found is None else Place(name, path.as_posix(), found[0] + 1, _text(lines, *found))
    return None


@cache
def _lines(path: Path) -> tuple[str, ...]:
    """The lines of a source file; none where it cannot be read."""
    try:
        return tuple((_ROOT / path).read_text(encoding="utf-8").splitlines())
    except OSError:
        return ()


def _within(lines: tuple[str, ...], words: list[str]) -> tuple[int, int] | None:
    """First line, and the one after the last, of what these words define, one inside the other."""
    start, end, found = 0, len(lines), None
    for depth, word in enumerate(words):
        indent = 4 * depth * " "
        opening = re.compile(rf"{indent}(?:async )?(?:def|class) {re.escape(word)}\b")
        first = next((k for k in range(start, end) if opening.match(lines[k])), None)
        if first is None:
            return found
        after = re.compile(rf"{indent}[^\s)]")  # a closing parenthesis still belongs to the head
        last = next((k for k in range(first + 1, end) if after.match(lines[k])), end)
        while lines[first - 1].startswith(f"{indent}@"):
            first -= 1
        found = start, end = first, last
    return found


def _text(lines: tuple[str, ...], start: int, end: int) -> str:
    return dedent("\n".join(lines[start:end])).rstrip()

"""Tables that fit the terminal: texts are wrapped, columns of numbers go below each other; no number is ever cut."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from textwrap import fill, wrap

#: Columns of running text where nobody says how many there are.
WIDTH = 96
#: A text is not wrapped to fewer columns than this.
_LEAST = 12
_BETWEEN = "  "


def columns() -> int | None:
    """The columns that there are: of COLUMNS, of a terminal; None where the output has no width."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isascii() and asked.isdigit() and int(asked):
        return max(int(asked), 20)
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def filled(text: str, first: str = "", indent: str = "") -> str:
    """Running text in lines that fit, `first` before the first of them and `indent` before the others.

    A word stays whole, also one that is longer than a line or has hyphens.
    """
    width = min(WIDTH, columns() or WIDTH)
    return fill(
        text, width, initial_indent=first, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 0) -> str:
    """Aligned columns, the first `left` of them to the left, the others to the right.

    Where they are wider than the terminal, texts on the left are wrapped; if that is not enough, columns that do not
    fit follow below, each block with the first column again.
    """
    limit = columns()
    natural = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    if limit is None or _total(natural) <= limit:
        return _lines(head, rows, natural, left)
    widths = _shrunk(natural, head, rows, left, limit)
    blocks = _blocks(widths, limit)
    return "\n\n".join(
        _lines(
            [head[i] for i in block],
            [[row[i] for i in block] for row in rows],
            [widths[i] for i in block],
            sum(i < left for i in block),
        )
        for block in blocks
    )


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_BETWEEN) * (len(widths) - 1)


def _shrunk(
    widths: Sequence[int], head: Sequence[str], rows: Sequence[Sequence[str]], left: int, limit: int
) -> list[int]:
    """Widths with the widest texts made narrower, down to their longest word, while the table is too wide."""
    found = list(widths)
    least = [
        max(len(word) for row in (head, *rows) for word in (row[i].split() or [""])) if i < left else widths[i]
        for i in range(len(found))
    ]
    least = [min(max(low, _LEAST), width) for low, width in zip(least, found, strict=True)]
    while _total(found) > limit:
        room = [i for i in range(left) if found[i] > least[i]]
        if not room:
            break
        widest = max(room, key=lambda i: found[i])
        found[widest] -= 1
    return found


def _blocks(widths: Sequence[int], limit: int) -> list[list[int]]:
    """Columns that fit beside each other, each block but for the first beginning with the first column."""
    blocks: list[list[int]] = [[]]
    for i in range(len(widths)):
        block = [*blocks[-1], i]
        if _total([widths[j] for j in block]) > limit and len(blocks[-1]) > (len(blocks) > 1):
            blocks.append([0, i])
        else:
            blocks[-1] = block
    return blocks


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], left: int) -> str:
    lines = [*_wrapped(head, widths, left), *_wrapped(["─" * width for width in widths], widths, left)]
    return "\n".join([*lines, *(line for row in rows for line in _wrapped(row, widths, left))])


def _wrapped(cells: Sequence[str], widths: Sequence[int], left: int) -> list[str]:
    """A row in as many lines as its longest text needs; what is not text stands on the first."""
    parts = [
        (wrap(cell, width, break_long_words=False, break_on_hyphens=False) or [""]) if len(cell) > width else [cell]
        for cell, width in zip(cells, widths, strict=True)
    ]
    lines = []
    for place in range(max(map(len, parts))):
        texts = [part[place] if place < len(part) else "" for part in parts]
        padded = [
            text.ljust(width) if i < left else text.rjust(width)
            for i, (text, width) in enumerate(zip(texts, widths, strict=True))
        ]
        lines.append(_BETWEEN.join(padded).rstrip())
    return lines

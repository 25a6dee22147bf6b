"""The fenced blocks of the pages: what is run, in which language, what it must print.

A comment before a block says what it is, and no reader sees it: `<!-- file: mine.json -->`, `<!-- nightly -->`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
#: Every page whose examples are run: README and `docs/`.
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_BLOCK = re.compile(r"(?:^<!-- ([^\n]*) -->\n)?^```(\w*)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
_NUMBER = r"-?\d[\d.,]*(?:e[+-]?\d+)?"


@dataclass(frozen=True)
class Block:
    """A fenced block with the comment before it; `shown` is the block of text right after it, if there is one."""

    page: str
    line: int
    note: str
    language: str
    text: str
    shown: str | None = None
    shown_note: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(path: Path) -> list[Block]:
    """The blocks of a page in order; one of text that follows a block of code at once is what that one prints."""
    source = path.read_text(encoding="utf-8")
    page = str(path.relative_to(ROOT))
    found: list[Block] = []
    end = -1
    for match in _BLOCK.finditer(source):
        note, language, text = match[1] or "", match[2], match[3]
        between = source[end : match.start()] if end >= 0 else "first"
        end = match.end()
        if language == "text" and not between.strip() and found and found[-1].language in ("python", "sh"):
            last = found.pop()
            found.append(Block(last.page, last.line, last.note, last.language, last.text, text, note))
        elif language == "" and text.startswith("$ "):
            line, _, shown = text.partition("\n")
            found.append(Block(page, source[: match.start()].count("\n") + 1, note, "sh", f"{line[2:]}\n", shown))
        else:
            found.append(Block(page, source[: match.start()].count("\n") + 1, note, language, text))
    return found


def without_numbers(text: str) -> list[list[str]]:
    """The words of each line, each number as `#`: what stays the same where training differs."""
    return [re.sub(_NUMBER, "#", line).split() for line in text.splitlines()]


def is_shown(shown: str, printed: str) -> bool:
    """Whether the lines of a page are what was printed; a line `...` stands for any lines."""
    parts = [re.escape(part.strip("\n")) for part in re.split(r"^\s*\.\.\.\n?", shown, flags=re.MULTILINE)]
    lines = "\n".join(line.rstrip() for line in printed.strip("\n").splitlines())
    return re.fullmatch(".*".join(parts), lines, flags=re.DOTALL) is not None

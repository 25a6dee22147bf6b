"""Proof pages that an earlier run typeset: some two thousand formulas, the same in every report.

A page is served as it was typeset of the same text by the same code and libraries: all of these are in the name of its
file. A folder that cannot be read or written, and a file that is damaged, count as nothing kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from markupsafe import Markup

from certflow.atomic import write_text_atomic
from certflow.claims.fingerprint import edited_since_loaded, source_digest
from certflow.claims.kept import folder

#: Of one page, as many stay, by different texts, places and versions of the code.
_MOST = 8

#: What typesets: a text, the anchors of pages by their file, the level of the title.
Typesetter = Callable[[str, Mapping[str, str], int], Markup]


class KeptPages:
    """What was typeset before, and what `typesetter` makes now, which is kept."""

    def __init__(self, typesetter: Typesetter):
        self.typesetter = typesetter
        self.source = source_digest()
        self.folder = None if self.source is None or edited_since_loaded() else folder("pages")

    def page(self, name: str, text: str, anchors: Mapping[str, str], level: int) -> Markup:
        """The page of that name as HTML; `anchors` and `level` as `render_page` has them."""
        if self.folder is None:
            return self.typesetter(text, anchors, level)
        path = self.folder / f"{name}-{self._key(text, anchors, level)}.html"
        found = _read(path)
        if found is None:
            found = self.typesetter(text, anchors, level)
            _write(path, found, self.folder.glob(f"{name}-*.html"))
        return found

    def _key(self, text: str, anchors: Mapping[str, str], level: int) -> str:
        led = {file: anchor for file, anchor in anchors.items() if file in text}
        content = [text, led, level, self.source, _versions()]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _read(path: Path) -> Markup | None:
    """The page in a file whose first line is the digest of the others."""
    with contextlib.suppress(OSError, ValueError):
        digest, _, page = path.read_text(encoding="utf-8").partition("\n")
        if digest == _digest(page):
            return Markup(page)
    return None


def _write(path: Path, page: Markup, others: Iterator[Path]) -> None:
    with contextlib.suppress(OSError, ValueError):
        write_text_atomic(path, f"{_digest(page)}\n{page}")
        ages = [(other.stat().st_mtime, other) for other in others]
        for _, other in sorted(ages, reverse=True)[_MOST:]:
            other.unlink(missing_ok=True)


def _digest(page: str) -> str:
    return hashlib.sha256(page.encode()).hexdigest()


@cache
def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in ("latex2mathml", "markdown-it-py", "markupsafe")}

"""The proof pages as text: Markdown with LaTeX between dollar signs, one page for each statement and each lemma."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9]+(-[a-z0-9]+)*")


@cache
def proof_page(name: str) -> str | None:
    """The text of `proofs/NAME.md`; None where there is no such page."""
    page = _folder() / f"{name}.md"
    return page.read_text(encoding="utf-8") if _NAME.fullmatch(name) and page.is_file() else None


def _folder() -> Traversable:
    """Installed, the pages lie in the package; in a checkout, beside it."""
    installed = files("certflow") / "proofs"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "proofs"

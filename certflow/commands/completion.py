"""What a shell offers after Tab: names of mixtures and files, ids of claims, words that an option takes.

Nothing heavy is loaded for it: names of built-in mixtures are those of their files, ids of claims are read from the
text of the modules that state them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import certflow

_HOME = Path(certflow.__file__).parent
_MIXTURE_FILES = (".json", ".toml", ".npz")


def mixtures(incomplete: str) -> list[str]:
    """Built-in names, mixture files, and the directories that lead to more."""
    names = sorted(path.stem for path in (_HOME / "law" / "mixtures").glob("*.json"))
    return [name for name in names if name.startswith(incomplete)] + _files(incomplete, _MIXTURE_FILES)


def claims(incomplete: str) -> list[str]:
    """Ids of claims, begun in upper or lower case, as what is typed must stay; of a list the last one."""
    before, comma, last = incomplete.rpartition(",")
    return [before + comma + last + claim[len(last) :] for claim in claim_ids() if claim.startswith(last.upper())]


def claim_ids() -> list[str]:
    """The ids in the order of their chapters' files."""
    found = []
    for path in sorted((_HOME / "claims").glob("*/statements.py")):
        found += re.findall(r"\b(?:id=|Statement\(\s*)\"([A-Z][0-9]+)\"", path.read_text(encoding="utf-8"))
    return found


def among(words: Iterable[str], several: bool = False) -> Callable[[str], list[str]]:
    """The words that a text may become; where `several` are listed with commas, the last of them."""
    known = tuple(words)

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",") if several else ("", "", incomplete)
        return [before + comma + word for word in known if word.startswith(last)]

    return complete


def _files(incomplete: str, suffixes: tuple[str, ...]) -> list[str]:
    folder, _, start = incomplete.rpartition("/")
    try:
        inside = sorted(Path(folder or ("/" if incomplete.startswith("/") else ".")).iterdir())
    except OSError:
        return []
    head = incomplete[: len(incomplete) - len(start)]
    names = [
        path.name + "/" * path.is_dir()
        for path in inside
        if path.name.startswith(start) and (start or not path.name.startswith("."))
        if path.is_dir() or path.suffix in suffixes
    ]
    return [head + name for name in names]

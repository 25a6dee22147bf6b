"""What a reader needs of a theorem file: its comments, its definitions and the theorem, without the proofs."""

from __future__ import annotations

import re

_PARTS = re.compile(
    r"^(?:\(\*\*.*?\*\)$|(?:Definition|Fixpoint) .*?\.$|Theorem .*?\.(?=\nProof))", re.MULTILINE | re.DOTALL
)


def statement_of(text: str) -> str:
    """The comments, the definitions and the theorem of a theorem file, in its order."""
    return "\n".join(_PARTS.findall(text)) + "\n"

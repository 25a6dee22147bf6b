"""Bisections of a cell as trees, and the codes of their leaves: on this side written and read here alone.

A leaf says what settles its cell (proofs/sharp.md): "P1,2" the pair rule with the points 1 and 2, "T" the Taylor rule,
"F3" the covering of face 3, "R2" that of region 2. The checker of certificates has a reader of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BY_TAYLOR = "T"


def by_pair(i: int, j: int) -> str:
    """The leaf of a cell that the pair rule settles with the points `i` and `j`."""
    return f"P{i},{j}"


def by_face(number: int) -> str:
    """The leaf of a cone that the covering of a face settles."""
    return f"F{number}"


def by_region(number: int) -> str:
    """The leaf of a cell inside a region that has a covering of its own."""
    return f"R{number}"


def _face_of(token: int | str) -> int | None:
    return int(token[1:]) if isinstance(token, str) and token[0] == "F" else None


@dataclass
class Tree:
    """A binary tree in preorder: an `int` is the axis that is bisected, a `str` the code of a settled leaf."""

    tokens: list[int | str]

    @property
    def leaves(self) -> int:
        """Number of settled cells."""
        return sum(isinstance(token, str) for token in self.tokens)

    @property
    def faces(self) -> set[int]:
        """Numbers of the faces whose coverings settle leaves."""
        return {face for token in self.tokens if (face := _face_of(token)) is not None}

    def text(self, places: Mapping[int, int]) -> str:
        """The tokens in one line, as a certificate has them; `places` are the numbers of the faces there."""
        words = (token if (face := _face_of(token)) is None else by_face(places[face]) for token in self.tokens)
        return " ".join(map(str, words))

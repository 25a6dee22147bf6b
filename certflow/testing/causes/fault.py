"""A fault that code may have: its name, a sentence, and what code with it would be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from certflow.testing.causes.code import Asked, Code


def factor_text(factor: float) -> str:
    """A factor to six digits; one next to 1 by how far it is from it, which six digits would not show."""
    apart = factor - 1
    return f"(1 {'-' if apart < 0 else '+'} {abs(apart):.3g})" if 0 < abs(apart) < 1e-3 else f"{factor:.6g}"


@dataclass(frozen=True)
class Fault:
    """`make(code, asked)` is the code with the fault, from code without; `batch`: what it says depends on all rows."""

    name: str
    sentence: str
    make: Callable[[Code, Asked], Code]
    batch: bool = False


#: No fault at all.
NONE = Fault("", "", lambda code, _: code)

"""The theories of `proofs/coq` that a theorem file requires, and the axioms on which it may rest."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

#: The theory that speaks of instances.
INSTANCE = "Witness"
_NEEDED = re.compile(r"^From Certflow Require Import ([\w ]+)\.$", re.MULTILINE)


def theories(name: str = INSTANCE) -> list[str]:
    """The theories that `name` needs and itself, each after those that it needs."""
    found: dict[str, None] = {}

    def add(theory: str) -> None:
        for line in _NEEDED.findall(theory_text(theory)):
            for needed in line.split():
                add(needed)
        found.setdefault(theory)

    add(name)
    return list(found)


@cache
def theory_text(name: str) -> str:
    """The text of `proofs/coq/NAME.v`."""
    return (_folder() / f"{name}.v").read_text(encoding="utf-8")


def program_text(name: str) -> str:
    """The text of a file of `proofs/coq/extract`, from which the proved checker is built."""
    return (_folder() / "extract" / name).read_text(encoding="utf-8")


def listed_axioms() -> set[str]:
    """The axioms on which the theories may rest, and those of the kernel's integers, which `interval` needs."""
    names = (_folder() / name for name in ("axioms.txt", "axioms-interval.txt"))
    return {axiom for path in names for axiom in path.read_text(encoding="utf-8").split()}


def _folder() -> Traversable:
    """Installed, the theories lie in the package; in a checkout, beside it."""
    installed = files("certflow") / "proofs" / "coq"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "proofs" / "coq"

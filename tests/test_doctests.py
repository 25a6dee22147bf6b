"""The examples in docstrings print what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "certflow"

#: Modules with an example.
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module(name: str) -> None:
    failed, attempted = doctest.testmod(importlib.import_module(name))
    assert attempted > 0
    assert failed == 0


def test_every_public_method_of_the_process_has_an_example() -> None:
    from certflow import OrnsteinUhlenbeck

    methods = {name: member for name, member in vars(OrnsteinUhlenbeck).items() if not name.startswith("_")}
    assert [name for name, member in methods.items() if ">>> " not in (member.__doc__ or "")] == []

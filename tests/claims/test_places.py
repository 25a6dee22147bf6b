"""The places of code, found in the text of the sources, held against what `inspect` says of the loaded objects."""

from __future__ import annotations

import inspect
from functools import reduce
from importlib import import_module

import pytest

from certflow.claims.places import place_of
from certflow.claims.registry import STATEMENTS

NAMES = sorted({name for statement in STATEMENTS.values() for name in statement.code})


def loaded(name: str) -> object:
    """The object itself: the longest prefix that is a module, then attributes."""
    words = name.split(".")
    for length in range(len(words) - 1, 0, -1):
        try:
            module = import_module(".".join(words[:length]))
        except ModuleNotFoundError as missing:
            if missing.name == "torch":
                raise
            continue
        return inspect.unwrap(reduce(getattr, words[length:], module))
    raise AssertionError(name)


@pytest.mark.parametrize("name", NAMES)
def test_file_line_and_text(name: str) -> None:
    found = place_of(name)
    lines, first = inspect.getsourcelines(loaded(name))
    assert (found.line, found.text) == (first, inspect.cleandoc("\n" + "".join(lines)).rstrip())
    assert inspect.getsourcefile(loaded(name)).endswith(found.path)


@pytest.mark.parametrize(
    "name", ["certflow.process.nothing", "certflow.nowhere.at_all", "numpy.linalg.norm", "..", "certflow"]
)
def test_no_place(name: str) -> None:
    assert place_of(name) is None


def test_what_is_inherited_is_told_by_the_class() -> None:
    """`ValueError` gives its methods to our error; the class is where they are."""
    assert place_of("certflow.errors.InputError.with_traceback").text.startswith("class InputError(")

"""The files of the built-in mixtures, by name."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from certflow.law.formats import Parameters, parameters_of
from certflow.law.texts import parse_json


@cache
def builtin_names() -> tuple[str, ...]:
    """Names of the built-in mixtures, in alphabetical order."""
    folder = files("certflow.law") / "mixtures"
    return tuple(sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".json")))


def builtin_parameters(name: str) -> Parameters:
    """What the file of a built-in mixture says."""
    text = (files("certflow.law") / "mixtures" / f"{name}.json").read_text(encoding="utf-8")
    return parameters_of(parse_json(text, name))

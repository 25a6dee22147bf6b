"""The object that `MODULE:NAME` names, imported from here as Python would."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from certflow.errors import InputError
from certflow.schedules.model import Model

_REQUIRED = "MODULE:NAME, a module that can be imported from here and what it calls a model"


@dataclass(frozen=True)
class Named:
    """What was found, and Python that finds it again: as `model`, a `cf.Model`, or as `f`, any other callable."""

    value: Any
    code: str


def named(text: str, field: str) -> Named:
    """The object of `MODULE:NAME`; NAME may have dots. A function that takes nothing is called: it makes the model.

    Within `here()` modules of the current directory are found too.

    Raises
    ------
    InputError : another form, a module that cannot be imported or fails, a name that it does not have, or a class.
    """
    module, _, name = text.partition(":")
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*", text):
        raise InputError(field, text, f"{_REQUIRED} (score:noise for noise in score.py)")
    importlib.invalidate_caches()
    try:
        found: Any = importlib.import_module(module)
    except (Exception, SystemExit) as error:  # whatever the module raises
        raise InputError(field, text, f"{_REQUIRED} ({type(error).__name__}: {error})") from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise InputError(field, text, f"{_REQUIRED} (it has no {part})")
        found = getattr(found, part)
    made = _takes_nothing(found)
    if made:
        try:
            found = found()
        except (Exception, SystemExit) as error:  # whatever the function raises
            raise InputError(field, text, f"a function that makes a model ({type(error).__name__}: {error})") from error
    if isinstance(found, type) or not (callable(found) or isinstance(found, Model)):
        raise InputError(field, text, f"a cf.Model or a callable f(x, tau), not {_kind(found)}")
    variable = "model" if isinstance(found, Model) else "f"
    return Named(found, f"import {module}\n{variable} = {module}.{name}{'()' if made else ''}")


@contextmanager
def here() -> Iterator[None]:
    """Within the block, modules of the current directory are found first, as `python -c` finds them."""
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def _takes_nothing(found: Any) -> bool:
    return inspect.isfunction(found) and not inspect.signature(found).parameters


def _kind(found: Any) -> str:
    return f"the class {found.__name__}" if isinstance(found, type) else f"an object of type {type(found).__name__}"

"""Objects that a command line names: `MODULE:NAME`, and a noise schedule by its name with options."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import certflow.schedules as schedules
from certflow.errors import InputError, unknown
from certflow.numbers.exact import exact_number
from certflow.schedules.model import Model
from certflow.schedules.schedule import Schedule

#: The schedules of `cf.schedules` by their names on the command line.
SCHEDULES = ("edm", "flow-matching", "variance-preserving", "scaled-linear", "cosine", "ornstein-uhlenbeck")

_REQUIRED = "MODULE:NAME, a module that can be imported from here and what it calls a model"
_ABSENT = object()
_FORM = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True)
class Named:
    """What was found, and Python that finds it again: as `model`, a `cf.Model`, or as `f`, any other callable."""

    value: Any
    code: str


def named(text: str, field: str, models: bool = True) -> Named:
    """The object of `MODULE:NAME`; NAME may have dots. A function that takes nothing is called: it makes the object.

    models : whether a `cf.Model` will do, beside callables

    Raises
    ------
    InputError : another form, a module that cannot be imported or fails, a name that it does not have, or a class.
    """
    if not _FORM.fullmatch(text):
        raise InputError(field, text, f"{_REQUIRED} (score:noise for noise in score.py)")
    module, _, name = text.partition(":")
    importlib.invalidate_caches()
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part, _ABSENT)
            if found is _ABSENT:
                break
    except (Exception, SystemExit) as error:  # whatever the module raises, or what it looks its names up with
        raise InputError(field, text, f"{_REQUIRED} ({_told(error)})") from error
    if found is _ABSENT:
        raise InputError(field, text, f"{_REQUIRED} (it has no {part})")
    made = inspect.isfunction(found) and not inspect.signature(found).parameters
    if made:
        try:
            found = found()
        except (Exception, SystemExit) as error:  # whatever the function raises
            raise InputError(field, text, f"a function that makes a model ({_told(error)})") from error
    model = isinstance(found, Model)
    if isinstance(found, type) or not (models if model else callable(found)):
        wanted = f"{'a cf.Model or ' if models else ''}a callable f(x, tau)"
        raise InputError(field, text, f"{wanted}, not {_kind(found)}")
    return Named(found, f"import {module}\n{'model' if model else 'f'} = {module}.{name}{'()' if made else ''}")


@contextmanager
def modules_of(folder: Path) -> Iterator[None]:
    """Within the block, modules of a folder are found first, as `python -c` finds them there."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def schedule_named(text: str, field: str) -> Schedule:
    """The noise schedule `NAME` or `NAME:KEY=VALUE,KEY=VALUE` of `cf.schedules`; `_` in NAME stands for `-` as well.

    Raises
    ------
    InputError : no such schedule, options that it does not have or has twice, a value that it does not take.
    """
    name, _, listed = text.partition(":")
    name = name.replace("_", "-")  # as Python has them
    if name not in SCHEDULES:
        raise unknown(field, name, SCHEDULES)
    make = getattr(schedules, name.replace("-", "_"))
    known = list(inspect.signature(make).parameters)
    given: dict[str, Any] = {}
    for part in filter(None, listed.split(",")):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or key not in known or key in given:
            takes = f"options key=value of {name}, each once: {', '.join(known)}"
            raise InputError(field, text, takes if known else f"{name} without options")
        given[key] = _number(value, f"{field} {name}:{key}")
    try:
        made: Schedule = make(**given)
    except InputError as error:
        raise InputError(f"{field} {name}:{error.field}", error.value, error.requirement) from None
    return made


def _number(text: str, field: str) -> float:
    """The number that is written; a whole one as an int, which counts are."""
    try:
        number = float(exact_number(text, field))
    except OverflowError:
        raise InputError(field, text, "a number within 1.8e308 in size") from None
    return int(number) if number.is_integer() else number


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _kind(found: Any) -> str:
    return f"the class {found.__name__}" if isinstance(found, type) else f"an object of type {type(found).__name__}"

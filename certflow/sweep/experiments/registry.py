"""The experiments by name, and those of one's own."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from certflow.errors import InputError
from certflow.sweep.experiments.experiment import Experiment, Measured
from certflow.sweep.experiments.exponents import EXPONENTS
from certflow.sweep.experiments.segments import SEGMENTS
from certflow.sweep.experiments.solvers import SOLVER_GRIDS
from certflow.sweep.experiments.students import STUDENT_GRIDS

#: By name.
EXPERIMENTS: Mapping[str, Experiment] = {each.name: each for each in (EXPONENTS, SOLVER_GRIDS, STUDENT_GRIDS, SEGMENTS)}

_CALL = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", re.ASCII)


def call_of(text: Any, field: str, folder: Path | None = None) -> Any:
    """The function `MODULE:FUNCTION`, called as `function(process, **options)`, returns figures by name.

    folder : where modules are found first

    Raises
    ------
    InputError : another form, a module that cannot be imported, or no function in it.
    """
    required = "MODULE:FUNCTION, a function of a process that returns figures by name"
    if not isinstance(text, str) or not _CALL.fullmatch(text):
        raise InputError(field, text, required)
    module, _, name = text.partition(":")
    if folder is not None:
        _found_first(folder, module)
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:  # whatever the module raises
        raise InputError(field, text, f"{required} ({type(error).__name__}: {error})") from error
    if not callable(found):
        raise InputError(field, text, required)
    return found


def _found_first(folder: Path, module: str) -> None:
    """Modules are looked for in the folder first; one of the same name that came from elsewhere is loaded anew."""
    while str(folder) in sys.path:
        sys.path.remove(str(folder))
    sys.path.insert(0, str(folder))
    there = folder / f"{module.replace('.', os.sep)}.py"
    loaded = getattr(sys.modules.get(module), "__file__", None)
    if loaded is not None and there.exists() and Path(loaded).resolve() != there.resolve():
        del sys.modules[module]
    importlib.invalidate_caches()


def measured_by(call: Any, process: Any, options: Mapping[str, Any]) -> Measured:
    """What a function of one's own returns: a mapping of figures, or what an experiment returns.

    Raises
    ------
    TypeError : neither.
    """
    found = call(process, **options)
    if isinstance(found, Measured):
        return found
    if not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found):
        raise TypeError(f"{call.__module__}:{call.__qualname__} returned {type(found).__name__}, not figures by name")
    return Measured(dict(found))


def source_of(call: Any) -> str:
    """The text of the module of a function, which says what it computes.

    Raises
    ------
    InputError : there is none, as of a function of C.
    """
    try:
        return Path(inspect.getfile(inspect.unwrap(call))).read_text(encoding="utf-8")
    except (OSError, TypeError, UnicodeDecodeError):
        raise InputError("call", call, "a function whose source can be read") from None

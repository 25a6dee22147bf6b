"""Objects that a command line names: `MODULE:NAME`, and a noise schedule by its name."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from certflow.errors import InputError

_REQUIRED = "MODULE:NAME, a module that can be imported and a function in it"


def attribute_named(text: str, field: str, folder: Path) -> Any:
    """What `MODULE:NAME` names; modules are looked for in `folder` too.

    Raises
    ------
    InputError : it has another form, the module cannot be imported (the error says why), the name is not in it.
    """
    module, _, name = text.partition(":")
    if not module or not name:
        raise InputError(field, text, _REQUIRED)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        found: Any = importlib.import_module(module)
    except (Exception, SystemExit) as error:  # whatever the code of a user's module raises
        raise InputError(field, text, f"{_REQUIRED} ({type(error).__name__}: {error})") from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise InputError(field, text, f"{_REQUIRED} (no {part} in it)")
        found = getattr(found, part)
    if not callable(found):
        raise InputError(field, text, f"{_REQUIRED} ({name} is a {type(found).__name__})")
    return found


def schedule_named(name: str, field: str) -> Any:
    """The noise schedule `cf.schedules.NAME()`, with its usual parameters; `-` stands for `_` as well.

    Raises
    ------
    InputError : no such schedule.
    """
    from certflow import schedules

    makers = [
        each for each in schedules.__all__ if each[0].islower() and each not in ("typical_rate", "from_alphas_cumprod")
    ]
    function = name.replace("-", "_")  # as commands write it
    if function not in makers:
        raise InputError(field, name, f"one of {', '.join(makers)}")
    return getattr(schedules, function)()

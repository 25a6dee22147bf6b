"""Names of a package that load on first use, so that importing it stays light."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from certflow.errors import INSTALL_TORCH, InputError

#: How what a name may need is installed.
_INSTALL = {"torch": INSTALL_TORCH, "hypothesis": "pip install hypothesis"}


def attributes(
    package: str, homes: Mapping[str, str], extra: tuple[str, ...] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package whose names live in the modules `homes`.

    A name whose home is empty is a package below this one; `extra` names are listed beside them.
    A name whose module needs torch or Hypothesis, where it is not installed, is refused with the line that installs it.
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            home = homes[name]
            return getattr(import_module(home), name) if home else import_module(f"{package}.{name}")
        except ModuleNotFoundError as missing:
            if missing.name not in _INSTALL:
                raise
            raise InputError(missing.name, "not installed", _INSTALL[missing.name]) from None

    return load, lambda: sorted({*homes, *extra})


_WAITING: dict[str, Callable[[], None]] = {}


def when_loaded(module: str, act: Callable[[], None]) -> None:
    """Act now where the module is loaded, else when it is and says so by `loaded`; of several the last one acts."""
    if module in sys.modules:
        act()
    else:
        _WAITING[module] = act


def loaded(module: str) -> None:
    """What a module says at its end, for whom `when_loaded` has act then."""
    _WAITING.pop(module, lambda: None)()

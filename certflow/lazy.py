"""Names of a package that load on first use, so that importing it stays light."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def attributes(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package whose names live in the modules `homes`.

    A name whose module needs torch, where torch is not installed, is refused with the line that says how to install it.
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            return getattr(import_module(homes[name]), name)
        except ModuleNotFoundError as missing:
            if missing.name != "torch":
                raise
            from certflow.errors import InputError

            raise InputError("torch", "not installed", "pip install 'certflow[torch]'") from None

    return load, lambda: sorted(homes)

"""The distillation laboratory: trained residual maps held against the theory (cf.distill; needs torch).

Names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES: dict[str, str] = {
    "run": "certflow.distill.experiment",
    "Settings": "certflow.distill.settings",
    "Results": "certflow.distill.results",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        try:
            return getattr(import_module(_HOMES[name]), name)
        except ModuleNotFoundError as missing:
            if missing.name != "torch":
                raise
            from certflow.errors import InputError

            raise InputError("torch", "not installed", "pip install 'certflow[torch]'") from None
    raise AttributeError(f"module 'certflow.distill' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

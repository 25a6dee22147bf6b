"""certflow: checkable mathematical claims about flow distillation of Gaussian mixtures.

Names load on first use: `import certflow` imports neither torch nor SymPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "GaussianMixture": "certflow.law.mixture",
    "OrnsteinUhlenbeck": "certflow.process",
    "load_mixture": "certflow.law.library",
    "builtin_mixtures": "certflow.law.library",
    "verify": "certflow.verification",
    "time_grid": "certflow.planning.time_grid",
    "TimeGrid": "certflow.grids.grid",
    "InputError": "certflow.errors",
    "NoGlobalBound": "certflow.errors",
}

#: Packages that are reached as attributes, `cf.distill.run(...)`.
_PACKAGES = ("distill", "enclosure", "grids", "testing")

__all__ = ["__version__", *_PACKAGES, *_HOMES]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"certflow.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'certflow' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

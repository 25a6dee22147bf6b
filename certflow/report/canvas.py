"""Matplotlib as the figures take it: without a backend, and without the settings of whoever runs them.

Every figure is a `Figure` that is saved to a file, which needs no backend. Yet `import matplotlib` fails where
`MPLBACKEND` names one that is not installed, as in a shell that a notebook opened. So all of its names come from here.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from certflow.errors import InputError


@contextmanager
def _unset(name: str) -> Iterator[str | None]:
    value = os.environ.pop(name, None)
    try:
        yield value
    finally:
        if value is not None:
            os.environ[name] = value


@contextmanager
def quiet() -> Iterator[None]:
    """Within the block, Matplotlib says nothing: of a mistaken `matplotlibrc`, of which no figure takes anything, or of
    a letter of somebody's name that no face of its own has.
    """
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
            yield
    finally:
        logger.setLevel(level)


def _load() -> None:
    """Load Matplotlib, which does not start with a `matplotlibrc` that is not in UTF-8 or cannot be opened."""
    try:
        importlib.import_module("matplotlib")
    except (OSError, UnicodeError):
        here = os.path.abspath("matplotlibrc")  # which Matplotlib looks for first
        path = here if os.path.exists(here) else os.environ.get("MATPLOTLIBRC", "that of the user")
        raise InputError("matplotlibrc", path, "a file in UTF-8 that can be read") from None


_first = "matplotlib" not in sys.modules
with _unset("MPLBACKEND") as _backend, quiet():
    _load()
    import matplotlib as mpl
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.path import Path
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
if _first and _backend:
    with suppress(ValueError):  # what Matplotlib does with the variable, for what its user draws afterwards
        mpl.rcParams["backend"] = _backend

__all__ = [
    "Axes",
    "Axis",
    "Figure",
    "FixedLocator",
    "FuncFormatter",
    "Line2D",
    "MaxNLocator",
    "NullLocator",
    "Path",
    "PathCollection",
    "default_style",
    "mpl",
    "quiet",
]


@contextmanager
def default_style() -> Iterator[None]:
    """Within the block, the settings that Matplotlib ships, and none of a `matplotlibrc`."""
    with mpl.rc_context():
        mpl.rcdefaults()
        yield

"""Matplotlib as the figures take it: without a backend, and without the settings of whoever runs them.

Every figure is a `Figure` that is saved to a file, which needs no backend. Yet `import matplotlib` fails where
`MPLBACKEND` names one that is not installed, as in a shell that a notebook opened. So all of its names come from here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def _unset(name: str) -> Iterator[str | None]:
    value = os.environ.pop(name, None)
    try:
        yield value
    finally:
        if value is not None:
            os.environ[name] = value


_first = "matplotlib" not in sys.modules
with _unset("MPLBACKEND") as _backend:
    import matplotlib as mpl
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
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
    "default_style",
    "mpl",
]


@contextmanager
def default_style() -> Iterator[None]:
    """Within the block, the settings that Matplotlib ships, and none of a `matplotlibrc`."""
    with mpl.rc_context():
        mpl.rcdefaults()
        yield

"""Exports of time grids. Every JSON export prints `from certflow.grids.export import load`, which reads it back.

Names load on first use.
"""

from __future__ import annotations

from certflow.lazy import attributes

_HOMES: dict[str, str] = {
    "Export": "certflow.grids.export.formats",
    "FORMATS": "certflow.grids.export.targets",
    "export": "certflow.grids.export.targets",
    "from_json": "certflow.grids.grid",
    "load": "certflow.grids.grid",
}

__all__ = list(_HOMES)
__getattr__, __dir__ = attributes(__name__, _HOMES)

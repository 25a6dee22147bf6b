"""A model held against the exact one: how far it is off, where, why, and what that makes of its samples.

Names load on first use. `cf.audit` is the function; the room has another name, or importing it would take its place.
"""

from __future__ import annotations

from certflow.lazy import attributes

_HOMES: dict[str, str] = {
    "audit": "certflow.auditing.examination",
    "Audit": "certflow.auditing.examination",
}

__all__ = list(_HOMES)
__getattr__, __dir__ = attributes(__name__, _HOMES)

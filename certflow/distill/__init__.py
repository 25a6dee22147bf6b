"""The distillation laboratory: trained residual maps held against the theory (cf.distill; needs torch).

Names load on first use.
"""

from __future__ import annotations

from certflow.lazy import attributes

_HOMES: dict[str, str] = {
    "run": "certflow.distill.experiment",
    "certify": "certflow.distill.enclosed",
    "Settings": "certflow.distill.settings",
    "Results": "certflow.distill.results",
    "Growth": "certflow.distill.results",
    "Student": "certflow.distill.students.kept",
    "load_students": "certflow.distill.students.kept",
}

__all__ = list(_HOMES)
__getattr__, __dir__ = attributes(__name__, _HOMES)

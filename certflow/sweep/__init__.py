"""Many mixtures, many questions: claims and experiments over families of mixtures, here or on a Dask cluster.

Names load on first use (`docs/sweep.md`).
"""

from __future__ import annotations

from certflow.lazy import attributes

_HOMES: dict[str, str] = {
    "run": "certflow.sweep.running",
    "Sweep": "certflow.sweep.running",
    "Specification": "certflow.sweep.specification",
    "read_specification": "certflow.sweep.specification",
    "Task": "certflow.sweep.tasks",
    "Result": "certflow.sweep.results",
    "EXPERIMENTS": "certflow.sweep.experiments.registry",
}

__all__ = list(_HOMES)
__getattr__, __dir__ = attributes(__name__, _HOMES)

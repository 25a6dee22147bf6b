"""Noise schedules, and what models predict on them (proofs/N1.md to N3): `cf.schedules.edm()`, `cf.Model`.

Names load on first use.
"""

from __future__ import annotations

from certflow.lazy import attributes

_HOMES: dict[str, str] = {
    "Schedule": "certflow.schedules.schedule",
    "edm": "certflow.schedules.families",
    "flow_matching": "certflow.schedules.families",
    "variance_preserving": "certflow.schedules.families",
    "cosine": "certflow.schedules.families",
    "ornstein_uhlenbeck": "certflow.schedules.families",
    "scaled_linear": "certflow.schedules.table",
    "from_alphas_cumprod": "certflow.schedules.table",
    "PREDICTIONS": "certflow.schedules.predictions",
    "Model": "certflow.schedules.model",
    "typical_rate": "certflow.schedules.rates",
}

__all__ = list(_HOMES)
__getattr__, __dir__ = attributes(__name__, _HOMES)

"""Time grids of few-step samplers, all in Ornstein-Uhlenbeck time (proofs/G1.md to G4).

Names load on first use.
"""

from __future__ import annotations

from certflow.lazy import attributes

_HOMES: dict[str, str] = {
    "TimeGrid": "certflow.grids.grid",
    "grid_of_kind": "certflow.grids.registry",
    "KINDS": "certflow.grids.registry",
    "grid_from_rate": "certflow.grids.rates",
    "RateCurve": "certflow.grids.rates",
    "typical_rate": "certflow.grids.kinds.typical",
    "sharp_rates": "certflow.grids.kinds.sharp_table",
    "entropy_rate": "certflow.grids.kinds.entropic",
    "score_rate": "certflow.grids.kinds.score_optimal",
}

__all__ = list(_HOMES)
__getattr__, __dir__ = attributes(__name__, _HOMES)

"""Rigorous enclosures: sharp rates over all x, integrals over time, grid nodes and flow tubes (cf.enclosure).

Names load on first use. Every result is a pair of exact numbers, rounded outwards; a search that runs out of its
budget says so and gives the best enclosure that it has proved.
"""

from __future__ import annotations

from certflow.lazy import attributes

_HOMES: dict[str, str] = {
    "Enclosure": "certflow.enclosure.results",
    "SharpRate": "certflow.enclosure.suprema.rate",
    "SharpStability": "certflow.enclosure.suprema.exponent",
    "sharp_rate": "certflow.enclosure.suprema.sharp",
    "sharp_stability": "certflow.enclosure.suprema.exponent",
    "FlowTube": "certflow.enclosure.tubes.tube",
    "flow_tube": "certflow.enclosure.tubes.tube",
    "IntegralEnclosure": "certflow.enclosure.integrals",
    "NoEnclosure": "certflow.errors",
    "integrate": "certflow.enclosure.integrals",
    "stability": "certflow.enclosure.integrals",
    "amplification": "certflow.enclosure.integrals",
    "RateBounds": "certflow.enclosure.closed_forms",
    "rate_bounds": "certflow.enclosure.closed_forms",
    "ScoreError": "certflow.enclosure.students.score.error",
    "score_error": "certflow.enclosure.students.score.error",
    "balanced_nodes": "certflow.enclosure.nodes",
}

__all__ = list(_HOMES)
__getattr__, __dir__ = attributes(__name__, _HOMES)

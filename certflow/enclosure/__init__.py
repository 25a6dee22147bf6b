"""Rigorous enclosures: sharp rates over all x, integrals over time, grid nodes, flow tubes and students (cf.enclosure).

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
    "SamplerError": "certflow.enclosure.students.score.sampler",
    "ScoreError": "certflow.enclosure.students.score.error",
    "sampler_error": "certflow.enclosure.students.score.sampler",
    "score_error": "certflow.enclosure.students.score.error",
    "balanced_nodes": "certflow.enclosure.nodes",
    "StudentComparison": "certflow.enclosure.students.results",
    "StudentDistance": "certflow.enclosure.students.results",
    "StudentError": "certflow.enclosure.students.results",
    "StudentLaw": "certflow.enclosure.students.results",
    "StudentLipschitz": "certflow.enclosure.students.results",
    "FlowAtlas": "certflow.enclosure.students.plane.atlas",
    "compare_students": "certflow.enclosure.students.error",
    "flow_atlas": "certflow.enclosure.students.plane.atlas",
    "student_distance": "certflow.enclosure.students.error",
    "student_error": "certflow.enclosure.students.error",
    "student_law": "certflow.enclosure.students.error",
    "student_lipschitz": "certflow.enclosure.students.error",
}

__all__ = list(_HOMES)
__getattr__, __dir__ = attributes(__name__, _HOMES)

"""Constructive ReLU–ReQU networks for the score, with proved errors (proofs/A1.md to A9.md): `cf.networks`.

Names load on first use.
"""

from __future__ import annotations

from certflow.lazy import attributes

_HOMES: dict[str, str] = {
    "relu_requ_score": "certflow.networks.score",
    "constructed_score": "certflow.networks.constructed",
    "ConstructedScore": "certflow.networks.constructed",
    "measured": "certflow.networks.measuring",
    "rounding": "certflow.networks.conditioning",
    "depth_floor": "certflow.networks.floor",
    "residual_network": "certflow.networks.residual.network",
    "flow_map_network": "certflow.networks.residual.flow_map",
    "save": "certflow.networks.export",
}

__all__ = list(_HOMES)
__getattr__, __dir__ = attributes(__name__, _HOMES)

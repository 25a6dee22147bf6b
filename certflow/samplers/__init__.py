"""Solvers of the probability-flow equation in few steps, those that samplers use (proofs/G6.md).

Names load on first use; no torch is needed.
"""

from __future__ import annotations

from certflow.lazy import attributes

_HOMES: dict[str, str] = {
    "run": "certflow.samplers.rollout",
    "relative_mse": "certflow.samplers.error",
    "SOLVERS": "certflow.samplers.solvers",
    "Solver": "certflow.samplers.solvers",
    "Denoiser": "certflow.samplers.field",
    "Flow": "certflow.samplers.field",
}

__all__ = list(_HOMES)
__getattr__, __dir__ = attributes(__name__, _HOMES)

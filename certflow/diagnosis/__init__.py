"""What is wrong with a list of sigmas or timesteps, and a line that mends it.

Names load on first use.
"""

from __future__ import annotations

from certflow.lazy import attributes

_HOMES: dict[str, str] = {
    "doctor": "certflow.diagnosis.examination",
    "Diagnosis": "certflow.diagnosis.finding",
    "Finding": "certflow.diagnosis.finding",
    "ERRORS": "certflow.diagnosis.finding",
    "ADVICE": "certflow.diagnosis.finding",
}

__all__ = list(_HOMES)
__getattr__, __dir__ = attributes(__name__, _HOMES)

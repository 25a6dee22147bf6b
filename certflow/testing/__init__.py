"""Tools for testing code against the theory: Hypothesis strategies for mixtures, points and times.

Names load on first use, so that `import certflow.testing` does not import Hypothesis.
"""

from __future__ import annotations

from certflow.lazy import attributes

_HOMES: dict[str, str] = {
    "check_flow_map": "certflow.testing.checks.flow_map",
    "check_jacobian": "certflow.testing.checks.jacobian",
    "check_lipschitz": "certflow.testing.checks.lipschitz",
    "check_log_density": "certflow.testing.checks.log_density",
    "check_score": "certflow.testing.checks.score",
    "check_velocity": "certflow.testing.checks.velocity",
    "mixtures": "certflow.testing.strategies",
    "points": "certflow.testing.strategies",
    "processes": "certflow.testing.strategies",
    "times": "certflow.testing.strategies",
    "time_pairs": "certflow.testing.strategies",
}

__all__ = list(_HOMES)
__getattr__, __dir__ = attributes(__name__, _HOMES)

"""Tools for testing code against the theory: checks of other people's code, Hypothesis strategies.

Names load on first use, so that `import certflow.testing` does not import Hypothesis.
"""

from __future__ import annotations

from certflow.lazy import attributes

_HOMES: dict[str, str] = {
    "check_flow_map": "certflow.testing.checks.flow_map",
    "check_grid": "certflow.testing.checks.grid",
    "check_jacobian": "certflow.testing.checks.jacobian",
    "check_lipschitz": "certflow.testing.checks.lipschitz",
    "check_log_density": "certflow.testing.checks.log_density",
    "check_sampler": "certflow.testing.checks.sampler",
    "check_schedule": "certflow.testing.checks.schedule",
    "check_score": "certflow.testing.checks.score",
    "check_training_pair": "certflow.testing.checks.training_pair",
    "check_velocity": "certflow.testing.checks.velocity",
    "mixtures": "certflow.testing.strategies",
    "points": "certflow.testing.strategies",
    "processes": "certflow.testing.strategies",
    "times": "certflow.testing.strategies",
    "time_pairs": "certflow.testing.strategies",
}

__all__ = list(_HOMES)
__getattr__, __dir__ = attributes(__name__, _HOMES)

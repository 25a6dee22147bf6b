"""Tools for testing code against the theory: checks of other people's code, pytest cases, Hypothesis strategies.

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
    "CheckFailed": "certflow.testing.result",
    "decimals": "certflow.testing.strategies",
    "lipschitz_maps": "certflow.testing.strategies",
    "LipschitzMap": "certflow.testing.maps",
    "mixtures": "certflow.testing.strategies",
    "parametrize_with_checks": "certflow.testing.parametrize",
    "places": "certflow.testing.strategies",
    "planted_models": "certflow.testing.strategies",
    "PlantedModel": "certflow.testing.planted",
    "points": "certflow.testing.strategies",
    "processes": "certflow.testing.strategies",
    "Result": "certflow.testing.result",
    "schedules": "certflow.testing.strategies",
    "time_grids": "certflow.testing.strategies",
    "time_pairs": "certflow.testing.strategies",
    "times": "certflow.testing.strategies",
}

__all__ = list(_HOMES)
__getattr__, __dir__ = attributes(__name__, _HOMES)

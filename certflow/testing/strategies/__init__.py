"""Hypothesis strategies for mixtures, places, times, grids, maps, schedules and models.

Every number is built from small integers, so that what Hypothesis reports is short, and what is drawn is constructed to
satisfy its conditions, never filtered. What a failing example shrinks towards stands with each strategy.

::

    from hypothesis import given
    from certflow.testing import mixtures, points

    @given(mixtures(kinds=["isotropic"], max_dimension=2), points(2))
    def test_the_density_is_finite(mixture, x): ...
"""

from __future__ import annotations

from certflow.testing.strategies.maps import lipschitz_maps
from certflow.testing.strategies.mixtures import mixtures
from certflow.testing.strategies.models import planted_models
from certflow.testing.strategies.numbers import decimals
from certflow.testing.strategies.places import places
from certflow.testing.strategies.points import points
from certflow.testing.strategies.processes import processes
from certflow.testing.strategies.schedules import schedules
from certflow.testing.strategies.times import time_grids, time_pairs, times

__all__ = [
    "decimals",
    "lipschitz_maps",
    "mixtures",
    "places",
    "planted_models",
    "points",
    "processes",
    "schedules",
    "time_grids",
    "time_pairs",
    "times",
]

"""Points are where they say: ties between two components, both ends of time, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

import certflow as cf
from certflow.testing.probes import KINDS, places


@pytest.mark.parametrize("name", ["two-modes", "two-variances", "iris-full", "line-3"])
def test_ties_are_ties(name: str) -> None:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture(name))
    found = places(process.mixture, 0.01, 3, 32, 0)
    rows = found.of("ties")
    gamma = np.sort(process.responsibilities(found.x[rows], found.t[rows]), axis=1)
    tied = np.isclose(gamma[:, -1], gamma[:, -2], rtol=1e-6)
    assert tied.mean() > 0.3  # between others there may be a third component that is nearer


def test_kinds_and_ends() -> None:
    found = places(cf.load_mixture("ring-8"), 0.01, 3, 32, 0)
    assert all(found.of(kind).any() for kind in KINDS)
    assert set(found.t[found.of("ends of time")]) == {0.01, 3}
    assert found.t.min() >= 0.01
    assert found.t.max() <= 3
    again = places(cf.load_mixture("ring-8"), 0.01, 3, 32, 0)
    np.testing.assert_array_equal(found.x, again.x)


def test_far_points_are_far_of_a_wide_component_too() -> None:
    found = places(cf.GaussianMixture([1], [[0, 0]], 10_000), 0.01, 3.0, 64, 0)
    assert np.linalg.norm(found.x[found.of("far points")], axis=1).min() >= 300

"""The growth that is measured, against closed forms, and what the figure of the rates shows of it."""

from __future__ import annotations

import numpy as np
import pytest

import certflow as cf
from certflow.report.curves import POINTS, curves, measured_growth, points_in
from certflow.report.plots import rates


def test_the_growth_of_a_normal_law_is_that_of_its_jacobian() -> None:
    """Points move as the deviation `(1 + m^2 (v - 1))^{1/2}` does, wherever they are: every quantile is its rate."""
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0.3, -1]], 5), t_min="0.01", t_max=3)
    for t, *found in measured_growth(process, points=8, times=4):
        grown = np.exp(-2 * t) * 4
        np.testing.assert_allclose(found, grown / (1 + grown), rtol=1e-12)


def test_measured_growth_is_below_the_bound_and_attained_between_two_modes() -> None:
    """On the line through two equal modes `-J` has its largest value midway, which draws at late times come near."""
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3")
    found = np.array(measured_growth(process))
    assert found.shape == (32, 4)
    bound = process.growth_rate_bound(found[:, 0])
    assert (found[:, 1] <= found[:, 2]).all()
    assert (found[:, 2] <= found[:, 3]).all()
    assert (found[:, 3] <= bound * (1 + 1e-9)).all()
    assert (found[:, 3] / bound).max() > 0.99
    assert measured_growth(process) == measured_growth(process)


def test_fewer_draws_where_jacobians_are_large() -> None:
    small = cf.OrnsteinUhlenbeck(cf.load_mixture("iris"), "0.01", "3")
    large = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0] * 200], 1), "0.01", "3")
    assert points_in(small) == POINTS
    assert 8 <= points_in(large) < POINTS


def test_the_figure_of_the_rates_shows_what_was_measured() -> None:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("line-3"), "0.01", "3")
    found = curves(process, count=12)
    assert found.measured_points == POINTS
    bare = rates(found.model_copy(update={"measured": (), "measured_points": 0}))
    assert rates(found).count("LineCollection") == bare.count("LineCollection")
    assert rates(found).count("FillBetween") > bare.count("FillBetween")


@pytest.mark.parametrize("name", ["anisotropic-pair"])
def test_no_bound_no_measurement(name: str) -> None:
    assert curves(cf.OrnsteinUhlenbeck(cf.load_mixture(name), "0.01", "3"), count=4).measured == ()

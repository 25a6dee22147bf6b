"""A constructed score: its bound for every point in float64, of any size, and norms that are not float64 numbers."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np
import pytest

import certflow as cf
from certflow.certificate import checker
from certflow.certificate.envelope import certificate_text
from certflow.certificate.networks import network_certificate
from certflow.networks.constructed import constructed_score
from certflow.networks.measuring import measured


@cache
def score(mean: str, variance: str, p_norm: object = 2):
    mixture = cf.GaussianMixture(weights=["1"], means=[[mean]], covariances=variance)
    return constructed_score(cf.OrnsteinUhlenbeck(mixture, "0.01", "3"), "1e-2", p_norm)


@pytest.mark.parametrize("size", [0.0, 1e-300, 1e-170, 1e-3, 1.0, 1e160, 1e300])
@pytest.mark.parametrize("mean", ["0", "0.5"])
def test_the_bound_at_points_of_every_size(mean, size):
    """`A + B |x|` in fractions, where squares of entries leave float64 too."""
    made = score(mean, "0.04")
    a, b = map(Fraction, made.everywhere)
    found = made.pointwise_bound([[size], [-size]])
    assert found.shape == (2,)
    for value in map(Fraction, found.tolist()):
        exact = a + b * Fraction(size)
        assert exact <= value <= exact * Fraction(1 + 1e-11)


@pytest.mark.parametrize("size", [1e200, np.inf])
def test_a_bound_that_does_not_grow_is_the_same_far_out(size):
    made = score("0.5", "1")
    assert made.slope == 0
    assert made.offset <= made.pointwise_bound([size]) <= made.offset * (1 + 1e-11)


def test_the_bound_is_not_a_number_where_a_point_is_none():
    assert np.isnan(score("0.5", "1").pointwise_bound([[np.nan]])).all()


def test_a_norm_slightly_beyond_2_is_not_that_of_2():
    """What is proved in `L^2` is not proved in `L^p`, `p > 2`, however near."""
    assert score("0.5", "0.04", "2").p_norm == 2
    assert score("0.5", "0.04", "2.00000000000000000000001").p_norm > 2


def test_one_standard_normal_component_has_a_network_without_error():
    """`N = s = -x` exactly: a certificate that says so, and no draw is further off but for rounding."""
    made = score("0", "1")
    assert (made.error_bound, made.everywhere) == (0, (0, 0))
    assert checker.check(certificate_text(network_certificate(made))).accepted
    assert measured(made, 20, 3).share <= 1

"""A sample held against a mixture along directions: what chance explains passes, what is wrong is named."""

from __future__ import annotations

import numpy as np
import pytest

import certflow as cf
from certflow.testing.projections import largest_gap

MIXTURE = cf.GaussianMixture([0.25, 0.75], [[-1, 0.5], [1, 0]], [[[0.25, 0.1], [0.1, 0.5]], [[0.1, 0], [0, 0.3]]])
T = 0.2


def draws(seed, mixture=MIXTURE, n=2000):
    data = mixture.sample(n, seed=seed)
    normal = np.random.default_rng(seed + 1000).standard_normal(data.shape)
    return np.exp(-T) * data + np.sqrt(1 - np.exp(-2 * T)) * normal


def normal_like(x):
    """Of the same mean and variance."""
    return np.random.default_rng(0).multivariate_normal(x.mean(0), np.cov(x.T), len(x))


def test_draws_of_the_law_are_within_chance():
    excesses = [largest_gap(draws(seed), MIXTURE, T, level=1e-3, seed=seed).excess for seed in range(60)]
    assert max(excesses) < 1
    assert np.median(excesses) > 0.4, "the limits are not far from what chance does"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda x: x + 0.15, "mean"),
        (lambda x: 1.2 * x, "variance"),
        (lambda x: normal_like(x), "distribution function"),
    ],
)
def test_what_is_wrong_is_named(change, what):
    gap = largest_gap(change(draws(3)), MIXTURE, T, level=1e-6)
    assert gap.excess > 1
    assert gap.what == what


def test_an_error_that_still_falls_is_allowed():
    points = draws(5)
    assert largest_gap(points + 0.2, MIXTURE, T, level=1e-6).excess > 1
    assert largest_gap(points + 0.2, MIXTURE, T, level=1e-6, before=points + 0.8).excess < 1
    assert largest_gap(points + 0.2, MIXTURE, T, level=1e-6, before=points + 0.21).excess > 1

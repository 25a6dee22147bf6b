"""Extreme sizes: |x| = 1e8, t = 1e-9 and 50, sigma = 1e-6, weights of 1e-300, K = 10,000, d = 1,000."""

from __future__ import annotations

import warnings

import mpmath
import numpy as np
import pytest
from depth import nightly
from oracle import Oracle, dec, relative_error

import certflow as cf

TIMES = (1e-9, 1e-3, 1.0, 50.0)
FAR = [[1e8, -1e8], [0.0, 1e8], [1e8 / 3, -1e8], [1e-9, 2.0], [0.0, 0.0]]
NEAR = [[1e8, -1e8], [-1.00001, 0.0], [-1.0, 0.0], [0.0, 0.0], [-1 + 1e-6, 1e-6]]
MEANS = [[-1, 0], [1, "1/3"]]

CASES = {
    "narrow": (["0.3", "0.7"], MEANS, "1e-12", FAR),
    "wide": (["0.3", "0.7"], MEANS, "1e6", FAR),
    "unit": (["0.3", "0.7"], MEANS, 1, FAR),
    "narrow and wide": (["0.3", "0.7"], MEANS, ["1e-12", 1], NEAR),
    "flat shared": (["0.3", "0.7"], MEANS, [["1e-12", 0], [0, 1]], NEAR),
    "flat and round": (["0.3", "0.7"], MEANS, [[["1e-12", 0], [0, 1]], [[1, "0.3"], ["0.3", "0.5"]]], NEAR),
    "tiny weight": (["1e-300", 1], MEANS, "0.01", [[1e8, -1e8], [-3.0, 0], [-60.0, 0], [-7.89, 0]]),
    "tiny binary weight": ([1e-300, 1.0], [[-1, 0], [1, 0.3]], [0.01, 0.02], [[1e8, -1e8], [-60.0, 0], [-9.0, 0]]),
    "weight below float64": (["1e-400", 1], MEANS, "0.01", [[-3.0, 0], [-60.0, 0], [-7.89, 0], [-9.5, 0]]),
    "one component": ([1], [[0.1, 0]], "1e-12", [[1e8, -1e8], [0.1, 0], [1e-200, 0.0]]),
}


@pytest.mark.parametrize("case", CASES)
def test_every_quantity_is_right(case):
    weights, means, covariances, points = CASES[case]
    mixture = cf.GaussianMixture(weights, means, covariances)
    p, oracle = cf.OrnsteinUhlenbeck(mixture, "1e-9", 50), Oracle(mixture)
    for t in TIMES:
        for x in points:
            exact = oracle.at(x, t)
            for quantity in ("score", "velocity", "jacobian"):
                value = getattr(p, quantity)(x, t)
                assert relative_error(value, exact[quantity]) <= 1e-12, (quantity, x, t)
            density = float(p.log_density(x, t))
            assert abs(float(dec(density) - exact["log_density"][()])) <= 1e-12 * max(1, abs(density))
            gamma = p.responsibilities(x, t)
            assert (
                max(abs(float(dec(float(a)) - b)) for a, b in zip(gamma, exact["responsibilities"], strict=True))
                <= 1e-12
            )


@pytest.mark.parametrize("case", CASES)
def test_bounds_and_stability_are_finite_or_refused(case):
    weights, means, covariances, _ = CASES[case]
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, covariances), "1e-9", 50)
    for t in TIMES:
        assert 0 < p.ball_bound(10.0, t) < np.inf
        assert 0 <= p.outside_probability(10.0, t) <= 1
        try:
            bound, rate = p.lipschitz_bound(t), p.growth_rate_bound(t)
        except cf.NoGlobalBound:
            assert case == "flat and round"
            continue
        assert np.isfinite(bound)
        assert rate <= bound * (1 + 1e-12)
    if case != "flat and round":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", category=UserWarning)
            assert np.isfinite(p.stability(1e-9, 50.0))
            assert p.stability(1e-9, 50.0) <= p.stability(1e-9, 50.0, "two-sided") * (1 + 1e-9)


@nightly
def test_ten_thousand_components():
    rng = np.random.default_rng(0)
    count = 10_000
    means = rng.standard_normal((count, 2))
    weights = np.full(count, 1 / count)
    for covariances in (0.01, rng.uniform(0.01, 1, count)):
        p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, covariances), "1e-9", 50)
        for t in TIMES:
            x = np.array([[1e8, -1e8], [0.1, 0.0], [1e3, 3.0]])
            for quantity in ("log_density", "responsibilities", "score", "velocity", "jacobian"):
                assert np.isfinite(getattr(p, quantity)(x, t)).all()
            assert p.outside_probability(10.0, t) <= 1
    assert cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, 0.01)).lipschitz_bound(0.5) > 0
    with pytest.raises(cf.InputError, match="mixture: got '10000 different covariances'; required: at most 300"):
        p.lipschitz_bound(0.5)
    with pytest.raises(cf.InputError, match="at most 300"):
        p.ball_bound(1.0, 0.5)


def test_sum_over_ten_thousand_components_is_right():
    """Equal components are one: `K` copies of a mixture give the same field."""
    copies = 5000
    single = cf.GaussianMixture([0.25, 0.75], [[-1.0, 0], [1, 0.5]], [0.04, 0.25])
    many = cf.GaussianMixture(
        np.repeat([0.25, 0.75], copies) / copies,
        np.repeat([[-1.0, 0], [1, 0.5]], copies, axis=0),
        np.repeat([0.04, 0.25], copies),
    )
    x = np.array([[0.1, 0.2], [30.0, -40.0], [-0.3, 0.0]])
    for quantity in ("log_density", "score", "velocity", "jacobian"):
        wanted = getattr(cf.OrnsteinUhlenbeck(single), quantity)(x, 0.1)
        value = getattr(cf.OrnsteinUhlenbeck(many), quantity)(x, 0.1)
        np.testing.assert_allclose(value, wanted, rtol=2e-12, atol=2e-12)


def test_a_thousand_dimensions():
    rng = np.random.default_rng(1)
    d = 1000
    mixture = cf.GaussianMixture([0.5, 0.5], np.round(rng.standard_normal((2, d)), 3), 0.01)
    p = cf.OrnsteinUhlenbeck(mixture, "1e-9", 50)
    tie = mixture.means.mean(axis=0) * np.exp(-1.0)
    for x, t in ((np.full(d, 1e8), 1e-9), (tie, 1.0), (rng.standard_normal(d), 0.3)):
        for quantity in ("log_density", "responsibilities", "score", "velocity", "jacobian"):
            assert np.isfinite(getattr(p, quantity)(x, t)).all()
    exact = Oracle.isotropic(mixture).at(tie, 1.0)
    assert relative_error(p.score(tie, 1.0), exact["score"]) <= 1e-12
    assert relative_error(p.velocity(tie, 1.0), exact["velocity"]) <= 1e-12


@pytest.mark.parametrize("size", [100, 300])
def test_large_matrices(size):
    """Ordinary points of a mixture with a full matrix; `P C = I` tells that the matrix is right."""
    rng = np.random.default_rng(2)
    root = rng.standard_normal((size, size)) / np.sqrt(size)
    sigma = root @ root.T + 0.1 * np.eye(size)
    sigma = (sigma + sigma.T) / 2
    mixture = cf.GaussianMixture([1.0], [np.zeros(size)], sigma)
    p, t, x = cf.OrnsteinUhlenbeck(mixture, "1e-9", 50), 0.3, rng.standard_normal(size)
    m2 = np.exp(-2 * t)
    inverse = np.linalg.inv(m2 * sigma + (1 - m2) * np.eye(size))
    np.testing.assert_allclose(p.score(x, t), -inverse @ x, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(p.jacobian(x, t), inverse - np.eye(size), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("x", "t"), [([np.nan, 0.0], 1.0), ([1.0, 0.0], np.nan), ([np.inf, 0.0], 1.0)])
def test_nan_and_infinity_are_refused(x, t):
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0, 0]], 1))
    with pytest.raises(cf.InputError):
        p.score(x, t)
    for bound in (p.lipschitz_bound, p.growth_rate_bound):
        with pytest.raises(cf.InputError):
            bound(np.nan)


def test_parameters_beyond_float64_are_an_error_there_and_fine_elsewhere():
    import mpmath

    mixture = cf.GaussianMixture([1], [["1e400"]], 1)
    p = cf.OrnsteinUhlenbeck(mixture)
    with pytest.raises(cf.InputError, match=r"a number beyond 1.8e308"):
        p.score([0.0], 1.0)
    far = cf.GaussianMixture([1], [["1e300"]], 1)
    assert cf.OrnsteinUhlenbeck(far).score([0.0], 1.0)[0] == pytest.approx(np.exp(-1) * 1e300)
    x = np.array([mpmath.mpf(0)], dtype=object)
    value = cf.OrnsteinUhlenbeck(far).score(x, mpmath.mpf(1))[0]
    assert abs(value / (mpmath.exp(-1) * mpmath.mpf(10) ** 300) - 1) < 1e-14


@pytest.mark.parametrize("size", ["1e200", "1e400", "1e700"])
@pytest.mark.parametrize("quantity", ["score", "velocity", "log_density"])
def test_means_beyond_float64_in_mpmath(quantity, size):
    """Next to one mean the other component is `e^{-1e800}` of it: what is left is one Gaussian, to all digits."""
    mixture = cf.GaussianMixture(["0.5", "0.5"], [[f"-{size}"], [size]], "0.04")
    with mpmath.workdps(30):
        t = mpmath.mpf("0.5")
        offset = mpmath.mpf("0.25")
        with mpmath.workdps(1500):
            m = mpmath.exp(-t)
            v = 1 - m**2 * (1 - mpmath.mpf(4) / 100)
            x = m * mpmath.mpf(size) + offset
            wanted = {
                "score": -offset / v,
                "velocity": offset / v - x,
                "log_density": -mpmath.log(2) - mpmath.log(2 * mpmath.pi * v) / 2 - offset**2 / (2 * v),
            }
        found = getattr(cf.OrnsteinUhlenbeck(mixture), quantity)(np.array([x]), t)
        found = found if quantity == "log_density" else found[0]
        assert abs(found / wanted[quantity] - 1) < mpmath.mpf("1e-27")

"""The mixture: kinds, views, sampling, exact weights; what is refused and how it is said."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy

import certflow as cf

MEANS = [[-1, 0], [1, "1/3"]]
SPD = [["0.3", "0.1"], ["0.1", "0.2"]]


@pytest.mark.parametrize(
    ("covariances", "kind"),
    [("0.04", "common-isotropic"), (["0.04", 1], "isotropic"), (SPD, "shared"), ([SPD, SPD], "full")],
)
def test_kinds_and_views(covariances, kind):
    mixture = cf.GaussianMixture(["0.5", "1/2"], MEANS, covariances, name="test", origin={"seed": 1})
    assert mixture.kind == kind
    assert (mixture.n_components, mixture.dimension) == (2, 2)
    assert mixture.covariance_matrices.shape == (2, 2, 2)
    assert mixture.exact_means.fractions[1, 1] == Fraction(1, 3)
    assert mixture.means[1, 1] == 1 / 3
    assert mixture.diameter_squared == 4 + Fraction(1, 9)
    assert mixture.diameter == pytest.approx((4 + 1 / 9) ** 0.5, rel=1e-15)
    assert repr(mixture).startswith("cf.GaussianMixture([0.5, 0.5], [[-1, 0], [1, '1/3']], ")
    assert repr(mixture).endswith(", name='test')")
    full = np.array([[[0.3, 0.1], [0.1, 0.2]]] * 2)
    wanted = {"common-isotropic": 0.04 * np.eye(2), "isotropic": np.array([0.04, 1])[:, None, None] * np.eye(2)}
    np.testing.assert_allclose(mixture.covariance_matrices, np.broadcast_to(wanted.get(kind, full), (2, 2, 2)))


def test_weights_are_divided_by_their_exact_sum():
    mixture = cf.GaussianMixture(["0.333333333", "0.333333333", "0.333333333"], [[0], [1], [2]], 1)
    assert mixture.exact_weights.fractions.tolist() == [Fraction(1, 3)] * 3
    assert mixture.weight_total == 1
    binary = cf.GaussianMixture([0.1] * 10, [[k] for k in range(10)], 1)
    assert binary.weight_total == 10 * Fraction(0.1)
    assert binary.weight_total != 1
    exact = cf.GaussianMixture(["0.1"] * 10, [[k] for k in range(10)], 1)
    x = cf.OrnsteinUhlenbeck(binary).log_density([0.3], 0.2)
    assert x == pytest.approx(cf.OrnsteinUhlenbeck(exact).log_density([0.3], 0.2), rel=1e-14)


@pytest.mark.parametrize(
    ("weights", "means", "covariances", "message"),
    [
        ([], [], 1, "weights: got .*; required: a list of K >= 1 numbers"),
        (1, [[0]], 1, "weights: got .*; required: a list"),
        ([[1]], [[0]], 1, "weights: got "),
        ([0.5, 0.4], MEANS, 1, "weights: got 'a sum of 0.9'; required: a sum within 1e-9 of 1"),
        (["0.5", "0.500000002"], MEANS, 1, "weights: got 'a sum of"),
        (["1e400", "0.5"], MEANS, 1, "weights: got 'a sum of more than 1.8e308'; required: a sum within 1e-9 of 1"),
        ([1.0, 0.0], MEANS, 1, r"weights\[1\]: got 0.0; required: a number > 0"),
        (["1.5", "-0.5"], MEANS, 1, r"weights\[1\]: got '-1/2'; required: a number > 0"),
        ([0.5, np.nan], MEANS, 1, r"weights\[1\]: got .*nan"),
        ([1], [0], 1, r"means: got 'shape \(1,\)'; required: shape \(K, d\)"),
        ([1], [[]], 1, r"means: got 'shape \(1, 0\)'"),
        ([1], MEANS, 1, "means: got '2 rows'; required: one row for each of the 1 weights"),
        ([0.5, 0.5], [[0, 1], [2]], 1, "means: got .*; required: rows of equal length"),
        ([0.5, 0.5], MEANS, [1, 2, 3], r"covariances: got 'shape \(3,\)'; required: one variance, shape \(2,\)"),
        ([0.5, 0.5], MEANS, 0, "covariances: got 0.0; required: a variance > 0"),
        ([0.5, 0.5], MEANS, ["0.1", "-1/3"], r"covariances\[1\]: got '-1/3'; required: a variance > 0"),
        ([1], [[0, 0]], [[1, 0], [0.1, 1]], r"covariances\[0\]\[1\]: got .* across the diagonal"),
        ([1], [[0, 0]], [[1, 2], [2, 1]], "covariances: got .*; required: a positive definite matrix"),
        ([0.5, 0.5], MEANS, [SPD, [[1, 1], [1, 1]]], r"covariances\[1\]: got .*; required: a positive definite"),
    ],
)
def test_bad_parameters(weights, means, covariances, message):
    with pytest.raises(cf.InputError, match=message):
        cf.GaussianMixture(weights, means, covariances)


@pytest.mark.parametrize("covariances", ["0.04", ["0.04", 1], SPD, [SPD, [[1, 0], [0, "0.5"]]]])
def test_samples_have_the_moments_of_the_law(covariances):
    mixture, n = cf.GaussianMixture(["0.3", "0.7"], MEANS, covariances), 200_000
    x = mixture.sample(n, seed=3)
    mean = mixture.weights @ mixture.means
    offsets = mixture.means - mean
    second = np.einsum(
        "k,kij->ij", mixture.weights, mixture.covariance_matrices + offsets[:, :, None] * offsets[:, None]
    )
    np.testing.assert_allclose(x.mean(axis=0), mean, atol=0.02)
    np.testing.assert_allclose(np.cov(x.T), second, atol=0.02)
    assert (mixture.sample(5, seed=3) == mixture.sample(5, seed=3)).all()
    assert mixture.sample(0).shape == (0, 2)
    for bad in (-1, 2.5, "3"):
        with pytest.raises(cf.InputError, match=r"n: got .*; required: a number of points"):
            mixture.sample(bad)


def test_symbolic_mixture():
    a = sympy.Symbol("a", positive=True)
    mixture = cf.GaussianMixture([sympy.Rational(1, 2)] * 2, [[-a], [a]], a**2)
    assert mixture.is_symbolic
    assert sympy.simplify(mixture.diameter_squared - 4 * a**2) == 0
    with pytest.raises(cf.InputError, match="symbolic parameters"):
        cf.OrnsteinUhlenbeck(mixture).score([0.1], 0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("two-modes", 0.01, 3), "mixture: got 'two-modes'; required: a certflow.GaussianMixture"),
        ((0, 3), "t_min: got 0; required: a time > 0"),
        (("1e-400", 1), "t_min: got '1e-400'; required: a time between 1e-300 and 1e300"),
        ((5e-324, 1), "t_min: got 5e-324; required: a time between 1e-300 and 1e300"),
        (("9e-301", 1), "t_min: got '9e-301'; required: a time between 1e-300 and 1e300"),
        ((1, "1e400"), "t_max: got '1e400'; required: a time between 1e-300 and 1e300"),
        ((1, 10**400), "required: a time between 1e-300 and 1e300"),
        (("1e400", "1e500"), "t_min: got '1e400'; required: a time between 1e-300 and 1e300"),
        ((1, -1), "t_max: got -1; required: a time > t_min = 1"),
        ((2, "1/2"), "t_max: got '1/2'; required: a time > t_min = 2"),
        ((1, 1), "t_max"),
        ((float("nan"), 1), "t_min: got nan"),
        (("x", 1), "t_min: got 'x'"),
    ],
)
def test_bad_process(arguments, message):
    mixture = cf.load_mixture("two-modes")
    with pytest.raises(cf.InputError, match=message):
        cf.OrnsteinUhlenbeck(*(arguments if len(arguments) == 3 else (mixture, *arguments)))


def test_process_keeps_exact_times():
    p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "10/3")
    assert (p.exact_t_min, p.exact_t_max) == (Fraction(1, 100), Fraction(10, 3))
    assert (p.t_min, p.t_max) == (0.01, 10 / 3)
    assert repr(p) == "cf.OrnsteinUhlenbeck(cf.load_mixture('two-modes'), t_min='0.01', t_max='10/3')"


def test_the_ends_of_the_range_of_times_belong_to_it():
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "1e-300", "1e300")
    assert (process.t_min, process.t_max) == (1e-300, 1e300)

"""Closed Gaussian moments against Gauss–Hermite quadrature, which is exact for these polynomials (A6)."""

from __future__ import annotations

import numpy as np
import pytest

from certflow.networks.general import moments

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(12)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
Z = np.array(np.meshgrid(NODES, NODES, indexing="ij"))
W = np.outer(WEIGHTS, WEIGHTS)
TAU, RHO = np.array([0.3, 0.7]), np.array([0.5, 0.2])


def quadratic(constant, tau, rho):
    return constant + sum(tau[i] * Z[i] - rho[i] * (Z[i] ** 2 - 1) / 2 for i in range(2))


def test_fourth_moment_of_a_quadratic():
    value = moments.logit_fourth(np.array([0.4]), np.array([TAU**2]), np.array([RHO]), 1)
    assert value == pytest.approx((W * quadratic(0.4, TAU, -RHO) ** 4).sum())
    for tau, rho, constant in ((TAU, RHO, 0.4), (-TAU, [0.5, -0.2], 0.4), (TAU / 2, RHO, -0.2)):
        assert (W * quadratic(constant, tau, rho) ** 4).sum() <= value


def test_coordinates_of_one_variance_share_a_column():
    value = moments.logit_fourth(np.array([0.4]), np.array([[(TAU**2).sum()]]), np.array([[0.5]]), 2)
    assert value == pytest.approx((W * quadratic(0.4, TAU, [-0.5, -0.5]) ** 4).sum())


def test_moments_of_forces():
    precision = np.array([[4.0, 0.5]])
    force = precision[0, 0] * Z[0] ** 2 + precision[0, 1] * Z[1] ** 2
    assert moments.force_second(precision, 1) == pytest.approx((W * force).sum())
    assert moments.force_fourth(precision, 1) == pytest.approx((W * force**2).sum())
    assert moments.force_fourth(np.array([[4.0]]), 2) == pytest.approx((W * (4 * Z[0] ** 2 + 4 * Z[1] ** 2) ** 2).sum())


def test_error_of_a_force():
    drift, means, precision = np.array([0.3, -0.1]), np.array([1.0, 2.0]), np.array([4.0, 0.5])
    square = sum((drift[i] * means[i] - RHO[i] * Z[i] * np.sqrt(precision[i])) ** 2 for i in range(2))
    value = moments.force_error(drift[None], means[None] ** 2, RHO[None], precision[None], 1)
    assert value == pytest.approx((W * square).sum())

"""Sizes whose squares underflow or overflow: no bound is taken there, and the results are right all the same."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import certflow as cf
from certflow.field.fused import rows


def normal(mean: float, variance: float, t: float, x: float) -> tuple[float, float, float]:
    """Score, velocity and Jacobian of one component at a point of a line, by 700 digits."""
    with mpmath.workdps(700):
        m = mpmath.exp(-mpmath.mpf(t))
        v = mpmath.mpf(variance) * m**2 + 1 - m**2
        score = -(mpmath.mpf(x) - m * mpmath.mpf(mean)) / v
        return float(score), float(-mpmath.mpf(x) - score), float(1 / v - 1)


#: Mean, variance, time, point.
CASES = [
    (1e-170, 1.0, 0.5, 3e-170),
    (-3e-200, 0.5, 1e-3, 2e-200),
    (0.0, 0.25, 0.5, 1e-180),
    (2.0, 0.25, 0.5, 1e-200),
    (1e-160, 1e-200, 1e-200, 2e-160),
    (1.0, 1e-200, 1e-200, 1.0 + 2**-50),
    (1e100, 1e200, 1e-3, 1e100 * (1 + 3e-14)),
    (1e150, 1.0, 0.5, 6e149),
]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("kind", ["common-isotropic", "isotropic", "shared", "full"])
def test_one_component(kind, case, monkeypatch):
    """As one point, as two, and as many on the road of the compiled formulas."""
    mean, variance, t, x = case
    matrices = kind in ("shared", "full")
    one = [[variance]] if matrices else variance
    law = cf.GaussianMixture([1], [[mean]], one if kind in ("common-isotropic", "shared") else [one])
    p, exact = cf.OrnsteinUhlenbeck(law), normal(mean, variance, t, x)
    roads = [np.array([x]), np.array([[x], [x]])]
    monkeypatch.setattr(rows, "LARGE", 0)
    roads.append(np.full((70, 1), x))
    for points in roads:
        for quantity, value in zip(("score", "velocity", "jacobian"), exact, strict=True):
            found = getattr(p, quantity)(points, t).ravel()
            np.testing.assert_allclose(found, value, rtol=1e-12, err_msg=f"{quantity}, {len(points)} points")


def test_zero_is_no_extreme():
    """At the origin, of a centred normal law, of which all is zero, and between two modes: exactly zero, and fast."""
    for means in ([[0.0]], [[-1.0], [1.0]]):
        p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1 / len(means)] * len(means), means, 0.25))
        np.testing.assert_array_equal(p.score(np.zeros((2, 1)), 0.5), np.zeros((2, 1)))

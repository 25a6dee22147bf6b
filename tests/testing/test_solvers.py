"""Known solvers against each other, their orders, and the solvers of the package."""

from __future__ import annotations

import numpy as np
import pytest

import certflow as cf
from certflow.testing.sampling import even_nodes, gaussian_flow, gaussian_velocity
from certflow.testing.solvers import KNOWN_SOLVERS, apart, sigma_of, time_of

X = np.random.default_rng(2).standard_normal((9, 2))


@pytest.mark.parametrize("name", KNOWN_SOLVERS)
def test_the_order_of_a_known_solver(name):
    solver = KNOWN_SOLVERS[name]
    exact = gaussian_flow(X, 2.0, 0.1)
    ends = [solver.run(gaussian_velocity, X, even_nodes(2.0, 0.1, count).tolist()) for count in (32, 64)]
    slope = np.log2(apart(ends[0], exact) / apart(ends[1], exact))
    assert solver.order - 0.2 < slope < solver.order + 1.2


@pytest.mark.parametrize("name", ["euler", "heun", "dpmpp-2m"])
def test_solvers_of_the_package_are_the_known_ones(name):
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    times = [2.0, 1.1, 0.7, 0.2, 0.05]
    known = KNOWN_SOLVERS[name].run(process.velocity, X, times)
    np.testing.assert_allclose(known, cf.samplers.run(process, X, times, name), rtol=1e-11, atol=1e-12)


def test_no_two_known_solvers_are_one():
    times = [2.0, 1.1, 0.7, 0.2, 0.1]
    ends = [solver.run(gaussian_velocity, X, times) for solver in KNOWN_SOLVERS.values()]
    assert min(apart(a, b) for i, a in enumerate(ends) for b in ends[:i]) > 1e-5


def test_the_gaussian_is_that_of_the_process():
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0.5, 0.5]], 0.25))
    for t in (0.01, 0.4, 3.0):
        np.testing.assert_allclose(gaussian_velocity(X, t), process.velocity(X, t), rtol=1e-9, atol=1e-13)
        assert time_of(sigma_of(t)) == pytest.approx(t, rel=1e-13)
    np.testing.assert_allclose(gaussian_flow(X, 3.0, 0.01), process.flow(X, 3, "0.01"), rtol=1e-8)

"""GITS: the costs on one Gaussian in closed form, and the choice of nodes by brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import certflow as cf
from certflow.grids.kinds.gits import step_costs

GAUSSIAN = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0, 0]], "0.25"))


def test_costs_on_one_gaussian() -> None:
    """Flow `y ~ sqrt(c^2 + sigma^2)`, one Euler step multiplies by `(c^2 + a b)/(c^2 + a^2)`."""
    times = np.geomspace(3, 0.01, 6)
    start = GAUSSIAN.mixture.sample(50, seed=3)
    costs = step_costs(GAUSSIAN, start, times, "l2")
    sigma = np.sqrt(np.expm1(2 * times))
    size = np.linalg.norm(start, axis=1).mean() * math.exp(3)
    for i, j in itertools.product(range(6), range(6)):
        if i >= j:
            assert costs[i, j] == np.inf
            continue
        a, b = sigma[i], sigma[j]
        here, there = (math.sqrt((0.25 + s * s) / (0.25 + sigma[0] ** 2)) for s in (a, b))
        step = here * (0.25 + a * b) / (0.25 + a * a)
        assert costs[i, j] == pytest.approx(size * abs(step - there), rel=1e-4)


def test_straight_trajectories_do_not_deviate() -> None:
    """On one Gaussian every trajectory is a straight line, and Euler stays on it: all deviations are zero."""
    costs = step_costs(GAUSSIAN, GAUSSIAN.mixture.sample(20, seed=0), np.geomspace(3, 0.01, 5), "deviation")
    assert np.abs(costs[np.triu_indices(5, 1)]).max() < 1e-5 * math.exp(3)


def test_deviation_by_hand() -> None:
    """The definition for one trajectory, with cross products in the plane."""
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("random-5"))
    times = np.geomspace(3, 0.01, 6)
    start = np.array([[0.7, -0.4]])
    costs = step_costs(process, start, times, "deviation")
    flow = np.array([start[0], *(process.flow(start[0], 3.0, t, rtol=1e-9) for t in times[1:])])
    y, sigma = flow * np.exp(times)[:, None], np.sqrt(np.expm1(2 * times))
    line = y[-1] - y[0]

    def distance(point: np.ndarray) -> float:
        offset = point - y[0]
        return abs(line[0] * offset[1] - line[1] * offset[0]) / math.hypot(*line)

    h = 1e-5
    for i, j in ((0, 1), (0, 5), (2, 4), (3, 5)):
        # the slope dy/dsigma from the trajectory itself
        ahead, behind = (
            process.flow(start[0], 3.0, times[i] + e, rtol=1e-11) * math.exp(times[i] + e) for e in (h, -h)
        )
        levels = [math.sqrt(math.expm1(2 * (times[i] + e))) for e in (h, -h)]
        slope = (ahead - behind) / (levels[0] - levels[1])
        reached = y[i] + (sigma[j] - sigma[i]) * slope
        assert costs[i, j] == pytest.approx(distance(reached) - distance(y[j]), abs=1e-4)


@pytest.mark.parametrize("metric", ["l2", "deviation"])
def test_nodes_by_brute_force(metric: str) -> None:
    """All choices of 3 inner nodes out of 9, weighted 1, 1.15, 1.15^2, 1.15^3."""
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("random-5"))
    grid = cf.time_grid(process, 4, "gits", candidates=11, metric=metric, samples=32, seed=1)
    times = cf.time_grid(process, 10, "karras").times
    data, noise = process.mixture.sample(32, seed=1), np.random.default_rng([1, 1]).standard_normal((32, 2))
    start = math.exp(-3) * data + math.sqrt(-math.expm1(-6)) * noise
    costs = step_costs(process, start, times, metric)
    every = [(0, *inner, 10) for inner in itertools.combinations(range(1, 10), 3)]
    best = min(every, key=lambda p: sum(1.15**k * costs[i, j] for k, (i, j) in enumerate(itertools.pairwise(p))))
    assert grid.times == pytest.approx(times[list(best)], rel=1e-12)
    assert grid.options["candidates"] == 11


def test_candidates_grow_with_the_segments() -> None:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("iris"))
    assert cf.time_grid(process, 8, "gits", samples=4).options["candidates"] == 61
    assert cf.time_grid(process, 40, "gits", samples=4).options["candidates"] == 81
    with pytest.raises(cf.InputError, match="more than segments = 8"):
        cf.time_grid(process, 8, "gits", candidates=8)


def test_no_deviation_in_one_dimension() -> None:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("line-3"))
    with pytest.raises(cf.InputError, match="one dimension"):
        cf.time_grid(process, 4, "gits", metric="deviation")
    assert cf.time_grid(process, 4, "gits", samples=16).segments == 4

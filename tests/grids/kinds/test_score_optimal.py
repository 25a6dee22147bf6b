"""Score-optimal grids against the path of one Gaussian in closed form, and against quadrature in one dimension."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad

import certflow as cf
from certflow.grids import score_rate


def test_one_gaussian() -> None:
    """`s = -x/v`: `E |ds/dt|^2 = d v'^2 / v^3` and `v' = 2 c m^2`; the sampled `x` only enters through `E |x|^2`."""
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0, 0]], "0.09"), "0.001", "2")
    times = np.geomspace(0.001, 2, 9)
    m2 = np.exp(-2 * times)
    v = 1 - 0.91 * m2
    exact = np.sqrt(1 - m2) * 2 * 0.91 * m2 / v**1.5 * math.sqrt(2)
    assert score_rate(process, times, samples=200_000) == pytest.approx(exact, rel=5e-3)


def test_two_modes_by_quadrature() -> None:
    """The score and its derivative in time from the density, in one dimension."""
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [["-1"], ["1"]], "0.04"))

    def score(x: float, t: float) -> tuple[float, float]:
        m, m2 = math.exp(-t), math.exp(-2 * t)
        v = 0.04 * m2 + 1 - m2
        return (-x + m * math.tanh(m * x / v)) / v, v

    def speed(t: float) -> float:
        m = math.exp(-t)
        v = score(0.0, t)[1]

        def integrand(x: float) -> float:
            density = sum(math.exp(-((x - a) ** 2) / (2 * v)) for a in (-m, m)) / (2 * math.sqrt(2 * math.pi * v))
            h = 1e-5 * t
            return density * ((score(x, t + h)[0] - score(x, t - h)[0]) / (2 * h)) ** 2

        return math.sqrt(-math.expm1(-2 * t) * quad(integrand, -6, 6, limit=500, points=[-m, 0, m])[0])

    times = np.array([0.01, 0.08, 0.4, 1.5])
    assert score_rate(process, times, samples=400_000) == pytest.approx([speed(t) for t in times], rel=0.01)
    grid = cf.time_grid(process, 3, "score-optimal", samples=200_000)
    parts = [quad(speed, b, a, epsrel=1e-4)[0] for a, b in zip(grid.times[:-1], grid.times[1:], strict=True)]
    assert parts == pytest.approx([sum(parts) / 3] * 3, rel=0.01)


def test_the_cost_of_a_small_step_is_the_squared_length() -> None:
    """`L_c(t, t') = v(t')^2 E |s_t' - s_t|^2 = delta(t) (t' - t)^2 + ...`, the definition of the paper."""
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("random-5"))
    data, noise = process.mixture.sample(64, seed=0), np.random.default_rng([0, 1]).standard_normal((64, 2))
    t, step = 0.2, 1e-5
    x = math.exp(-t) * data + math.sqrt(-math.expm1(-2 * t)) * noise
    cost = -math.expm1(-2 * (t + step)) * ((process.score(x, t + step) - process.score(x, t)) ** 2).sum(axis=1).mean()
    assert math.sqrt(cost) / step == pytest.approx(score_rate(process, [t], samples=64)[0], rel=1e-3)

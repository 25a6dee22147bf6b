"""Align Your Steps: the reduction to the mmse, the cost, and the minimum, each against something independent."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize

import certflow as cf
from certflow.grids.kinds.ays import Cost, cheapest_path, mmse

ENDS = math.log(0.05), math.log(8.0)


def gaussian_mmse(s: np.ndarray | float, c: float = 0.5) -> np.ndarray | float:
    """One coordinate of scale `c` observed with noise `s`."""
    return c * c * s * s / (c * c + s * s)


def gaussian_cost(a: float, b: float, c: float = 0.5) -> float:
    """The integral of the bound on one segment, in closed form."""
    k = c * c

    def primitive(s: float) -> float:  # of s^-3 mmse = k / (s (k + s^2))
        return math.log(s) - math.log(k + s * s) / 2

    return gaussian_mmse(a, c) * (b**-2 - a**-2) / 2 - (primitive(a) - primitive(b))


@pytest.fixture(scope="module")
def cost() -> Cost:
    w = np.linspace(*ENDS, 129)
    return Cost(w, gaussian_mmse(np.exp(w)))


def process(scale: str = "0.25", dimension: int = 3) -> cf.OrnsteinUhlenbeck:
    t_min, t_max = (math.log1p(math.exp(2 * w)) / 2 for w in ENDS)
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0] * dimension], scale), t_min, t_max)


def test_difference_of_denoisers_is_difference_of_mmse() -> None:
    """`E |D_s - D_s'|^2 = mmse(s') - mmse(s)` for two modes at +-1 in one dimension, both sides by quadrature."""
    s, later = 0.6, 1.1
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    weights = weights / weights.sum()

    def denoiser(x: np.ndarray, noise: float) -> np.ndarray:
        """Modes of variance 0.04."""
        v = 0.04 + noise**2
        mean = np.tanh(x / v)
        return (0.04 * x + noise**2 * mean) / v

    x = 1 + math.sqrt(0.04 + s * s) * nodes  # by symmetry the mode at 1 is enough
    y = x[:, None] + math.sqrt(later**2 - s**2) * nodes
    left = weights @ ((denoiser(x, s)[:, None] - denoiser(y, later)) ** 2) @ weights
    z = 1 + math.sqrt(0.04 + later**2) * nodes
    right = weights @ denoiser(x, s) ** 2 - weights @ denoiser(z, later) ** 2
    assert left == pytest.approx(right, rel=1e-9)
    line = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [["-1"], ["1"]], "0.04"))
    for noise, values in ((s, denoiser(x, s)), (later, denoiser(z, later))):
        exact = 1.04 - weights @ values**2
        found = mmse(line, [math.log1p(noise**2) / 2], samples=200_000, seed=0)
        assert found == pytest.approx([exact], rel=0.02)


def test_mmse_of_a_gaussian_is_exact() -> None:
    here = process()
    times = np.geomspace(here.t_min, here.t_max, 7)
    sigma = np.sqrt(np.expm1(2 * times))
    assert mmse(here, times, samples=4, seed=0) == pytest.approx(3 * gaussian_mmse(sigma), rel=1e-11)


def test_cost_of_a_segment(cost: Cost) -> None:
    """Against the definition, integrated: `int s^-3 (mmse(a) - mmse(s)) ds`."""
    for a, b in ((8.0, 0.05), (1.0, 0.3), (0.06, 0.051)):
        integral = quad(lambda s, a=a: s**-3 * (gaussian_mmse(a) - gaussian_mmse(s)), b, a, epsrel=1e-12)[0]
        assert gaussian_cost(a, b) == pytest.approx(integral, rel=1e-9)
        assert cost.segment(math.log(a), math.log(b)) == pytest.approx(integral, rel=1e-5)


def test_derivatives_by_differences(cost: Cost) -> None:
    w = np.linspace(ENDS[1], ENDS[0], 6)
    w[1:-1] += [0.1, -0.2, 0.05, 0.0]
    gradient, diagonal, side = cost.derivatives(w)
    for i in range(4):
        up, down = w.copy(), w.copy()
        up[i + 1], down[i + 1] = w[i + 1] + 1e-5, w[i + 1] - 1e-5
        assert gradient[i] == pytest.approx((cost.total(up) - cost.total(down)) / 2e-5, rel=1e-6)
        column = (cost.derivatives(up)[0] - cost.derivatives(down)[0]) / 2e-5
        assert diagonal[i] == pytest.approx(column[i], rel=1e-6)
        if i < 3:
            assert side[i] == pytest.approx(column[i + 1], rel=1e-6)


@pytest.mark.parametrize("segments", [2, 3, 6])
def test_the_minimum_on_one_gaussian(segments: int) -> None:
    """The closed-form total, minimised from many starts without the code's cost or its dynamic programming."""
    grid = cf.time_grid(process(), segments, "ays", samples=4)
    high, low = math.exp(ENDS[1]), math.exp(ENDS[0])

    def total(logs: np.ndarray) -> float:
        s = np.concatenate([[high], np.exp(np.sort(logs)[::-1]), [low]])
        return sum(gaussian_cost(a, b) for a, b in itertools.pairwise(s))

    rng = np.random.default_rng(0)
    starts = rng.uniform(*ENDS, (12, segments - 1))
    best = min(
        (
            minimize(total, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 20_000})
            for start in starts
        ),
        key=lambda found: found.fun,
    )
    assert total(np.log(grid.sigmas[1:-1])) == pytest.approx(best.fun, rel=1e-9)
    assert np.log(grid.sigmas[1:-1]) == pytest.approx(np.sort(best.x)[::-1], abs=1e-4)


def test_many_segments_have_the_limiting_density_and_not_that_of_arctan() -> None:
    """Density `1/(s (c^2 + s^2))`: the integral `log(s^2/(c^2 + s^2))/(2 c^2)` is in equal steps."""
    grid = cf.time_grid(process(), 400, "ays", samples=4)
    steps = np.diff(np.log(grid.sigmas**2 / (0.25 + grid.sigmas**2)))
    assert steps[5:] == pytest.approx([steps[5:].mean()] * 395, rel=0.02)
    arctan = np.diff(np.arctan(grid.sigmas / 0.5))
    assert arctan.min() / arctan.max() > 3  # negative steps: the spread of what arctan would make equal


def test_cheapest_path_by_brute_force() -> None:
    rng = np.random.default_rng(1)
    for segments, coefficient in ((1, 1.0), (2, 1.0), (3, 1.15), (4, 0.8), (8, 1.15)):
        costs = np.full((9, 9), np.inf)
        upper = np.triu_indices(9, 1)
        costs[upper] = rng.uniform(-0.2, 1, upper[0].size)

        def total(path: tuple[int, ...], costs: np.ndarray = costs, coefficient: float = coefficient) -> float:
            return sum(coefficient**k * costs[i, j] for k, (i, j) in enumerate(itertools.pairwise(path)))

        every = [(0, *inner, 8) for inner in itertools.combinations(range(1, 8), segments - 1)]
        best = min(every, key=total)
        assert tuple(cheapest_path(costs, segments, coefficient)) == best


def test_no_perturbation_is_cheaper() -> None:
    """A mixture: the sampled cost itself, which the grid must minimise."""
    here = cf.OrnsteinUhlenbeck(cf.load_mixture("ring-8"))
    grid = cf.time_grid(here, 5, "ays", samples=256)
    ends = np.log(grid.sigmas[[-1, 0]])
    table = np.linspace(*ends, 129)
    times = np.log1p(np.exp(2 * table)) / 2
    cost = Cost(table, mmse(here, times, samples=256, seed=0))
    best = cost.total(np.log(grid.sigmas))
    rng = np.random.default_rng(2)
    for scale in (1e-3, 1e-2, 0.2):
        for _ in range(30):
            other = np.log(grid.sigmas)
            other[1:-1] += scale * rng.standard_normal(4)
            if (np.diff(other) < 0).all():
                assert cost.total(other) >= best


def test_limits() -> None:
    with pytest.raises(cf.InputError, match="at most 500 segments"):
        cf.time_grid(process(), 501, "ays")
    with pytest.raises(cf.InputError, match="at most 300 for kind ays"):
        cf.time_grid(cf.OrnsteinUhlenbeck(cf.load_mixture("iris"), "1", "301"), 5, "ays")

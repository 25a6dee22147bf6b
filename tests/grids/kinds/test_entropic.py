"""Entropic time against entropies: of one Gaussian, of the density by quadrature, of the choice of a far mode."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

import certflow as cf
from certflow.grids import RateCurve, entropy_rate

KINDS = {
    "isotropic": "0.09",
    "shared": [["0.25", "0.1"], ["0.1", "0.09"]],
    "per component": [[["0.25", "0.1"], ["0.1", "0.09"]]],
}


def conditional_entropy(eigenvalues: list[float], t: float) -> float:
    """`H[X_0|X_t]` of one Gaussian: the posterior has the eigenvalues `v sigma^2/(v + sigma^2)`."""
    square = math.expm1(2 * t)
    return sum(0.5 * math.log(2 * math.pi * math.e * v * square / (v + square)) for v in eigenvalues)


@pytest.mark.parametrize("kind", KINDS)
def test_one_gaussian(kind: str) -> None:
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[1, 2]], KINDS[kind]), "1e-4", "3")
    values = np.linalg.eigvalsh(process.mixture.covariance_matrices[0].astype(float)).tolist()
    h = 1e-5
    times = np.array([1e-3, 0.02, 0.4, 2.5])
    slopes = [
        (conditional_entropy(values, t * (1 + h)) - conditional_entropy(values, t * (1 - h))) / (2 * h * t)
        for t in times
    ]
    assert entropy_rate(process, times, samples=2) == pytest.approx(slopes, rel=1e-7)
    rescaled = entropy_rate(process, times, "rescaled", samples=2)
    assert rescaled == pytest.approx(np.array(slopes) * np.sqrt(np.expm1(2 * times)), rel=1e-7)
    nodes = cf.time_grid(process, 6, "entropic", samples=2).times
    steps = np.diff([conditional_entropy(values, t) for t in nodes])
    assert steps == pytest.approx([steps.mean()] * 6, rel=1e-4)


@pytest.mark.parametrize("variance", ["0.25", "2"])
def test_rescaled_is_the_arctan_grid_of_one_gaussian(variance: str) -> None:
    """`sigma dH/dsigma = v d/(v + sigma^2)`, a multiple of the derivative of `arctan(sigma/sqrt v)`."""
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0] * 3], variance), "1e-3", "3")
    grid = cf.time_grid(process, 7, "entropic", "rescaled", samples=2)
    assert grid.times == pytest.approx(cf.time_grid(process, 7, "arctan").times, rel=1e-4)
    assert grid.options["rate"] == "rescaled"


def test_two_far_modes_hold_one_bit() -> None:
    """What is beyond the entropy within a mode is that of which mode: `ln 2` in all, whatever the interval beyond."""
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [[-1], [1]], "1e-4"), "1e-5", "8")
    times = np.geomspace(1e-5, 8, 97)
    times[[0, -1]] = process.t_min, process.t_max
    within = conditional_entropy([1e-4], 8.0) - conditional_entropy([1e-4], 1e-5)
    curves = [RateCurve(times, entropy_rate(process, times, samples=1000, seed=seed)) for seed in range(5)]
    bits = np.array([curve.cumulative(8.0) for curve in curves]) - within
    spread = bits.std(ddof=1) / math.sqrt(5)
    assert spread < 0.02
    assert bits.mean() == pytest.approx(math.log(2), abs=4 * spread)


def test_two_modes_by_quadrature() -> None:
    """`H[X_0|X_t] = H[X_0] + H[X_t|X_0] - H[X_t]`, the last from the density of one dimension."""
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.3", "0.7"], [["-1"], ["0.5"]], ["0.04", "0.25"]))

    def entropy(t: float) -> float:
        m2 = math.exp(-2 * t)
        parts = [(0.3, -1.0, 0.04), (0.7, 0.5, 0.25)]

        def integrand(x: float) -> float:
            density = sum(
                w * math.exp(-((x - math.sqrt(m2) * a) ** 2) / (2 * c)) / math.sqrt(2 * math.pi * c)
                for w, a, v in parts
                for c in [m2 * v + 1 - m2]
            )
            return -density * math.log(density)

        marginal = quad(integrand, -7, 7, limit=200, epsabs=1e-12)[0]
        return 0.5 * math.log(2 * math.pi * math.e * (1 - m2)) - marginal

    grid = cf.time_grid(process, 4, "entropic", samples=30_000)
    steps = [entropy(a) - entropy(b) for a, b in pairwise(grid.times)]
    assert steps == pytest.approx([sum(steps) / 4] * 4, rel=0.02)
    assert all(step > 0 for step in steps)


def test_what_is_drawn_is_kept() -> None:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("ring-8"))
    first, again, other = (cf.time_grid(process, 4, "entropic", samples=64, seed=seed) for seed in (3, 3, 4))
    assert first.times.tobytes() == again.times.tobytes() != other.times.tobytes()
    assert dict(first.options) == {"rate": "entropy", "samples": 64, "seed": 3}


def test_an_interval_down_to_1e_300() -> None:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("ring-8"), "1e-300", "30")
    for rate in ("entropy", "rescaled"):
        assert cf.time_grid(process, 3, "entropic", rate, samples=8).segments == 3
    with pytest.raises(cf.InputError, match="at most 300 for kind entropic"):
        cf.time_grid(cf.OrnsteinUhlenbeck(process.mixture, 1, 301), 3, "entropic")

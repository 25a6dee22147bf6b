"""Typical rates against quadrature of a density written out independently."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

import certflow as cf
from certflow.grids import entropy_rate, score_rate, typical_rate

LINE = cf.GaussianMixture(["0.3", "0.7"], [["-1"], ["0.5"]], ["0.04", "0.09"])
PROCESS = cf.OrnsteinUhlenbeck(LINE, "0.01", "3")


def moments(t: float, power: int) -> float:
    """`E |J|^power` in one dimension, `J = -1 - (log p)''` by second differences of the density itself."""
    m2 = math.exp(-2 * t)
    laws = [(w, math.exp(-t) * mu, s * m2 + 1 - m2) for w, mu, s in ((0.3, -1, 0.04), (0.7, 0.5, 0.09))]

    def derivatives(x: float) -> tuple[float, float, float]:
        p = dp = ddp = 0.0
        for w, mu, v in laws:
            part = w * math.exp(-((x - mu) ** 2) / (2 * v)) / math.sqrt(2 * math.pi * v)
            p, dp, ddp = p + part, dp - part * (x - mu) / v, ddp + part * ((x - mu) ** 2 / v**2 - 1 / v)
        return p, dp, ddp

    def integrand(x: float) -> float:
        p, dp, ddp = derivatives(x)
        return p * abs(-1 - (ddp / p - (dp / p) ** 2)) ** power if p > 1e-280 else 0.0

    return quad(integrand, -8, 8, limit=2000, points=[mu for _, mu, _ in laws])[0]


@pytest.mark.parametrize("t", [0.01, 0.05, 0.3, 1.0])
def test_one_dimension_by_quadrature(t: float) -> None:
    frobenius = typical_rate(PROCESS, [t], samples=200_000)
    spectral = typical_rate(PROCESS, [t], "spectral", samples=200_000)
    assert frobenius == pytest.approx([math.sqrt(moments(t, 2))], rel=0.01)
    assert spectral == pytest.approx([moments(t, 1)], rel=0.01)


def test_one_gaussian_exactly() -> None:
    """`J = (1/v - 1) I`: no sampling error at all, in any dimension."""
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[1, 2, 3]], "0.25"))
    times = np.array([0.01, 0.4, 2.0])
    v = 0.25 * np.exp(-2 * times) - np.expm1(-2 * times)
    assert typical_rate(process, times, samples=8) == pytest.approx((1 / v - 1) * math.sqrt(3), rel=1e-12)
    assert typical_rate(process, times, "spectral", samples=8) == pytest.approx(1 / v - 1, rel=1e-12)
    grid = cf.time_grid(process, 4, "typical", samples=8)
    parts = -np.log(0.25 * np.exp(-2 * grid.times) - np.expm1(-2 * grid.times)) / 2  # int (1/v - 1) = 1/2 ln v
    assert np.diff(parts) == pytest.approx([np.diff(parts).mean()] * 4, rel=1e-5)


def test_equal_integrals_by_quadrature() -> None:
    grid = cf.time_grid(PROCESS, 4, "typical", samples=100_000)
    parts = [
        quad(lambda y: math.sqrt(moments(math.exp(y), 2)) * math.exp(y), *np.log([a, b]), epsrel=1e-4)[0]
        for a, b in zip(grid.times[1:], grid.times[:-1], strict=True)
    ]
    assert parts == pytest.approx([sum(parts) / 4] * 4, rel=0.02)


def test_full_covariances_by_rejection_free_sampling() -> None:
    """The two norms of one matrix bound each other; the seed decides the points and nothing else does."""
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("anisotropic-pair"))
    times = np.geomspace(0.01, 3, 5)
    frobenius, spectral = (typical_rate(process, times, rate, samples=500) for rate in ("frobenius", "spectral"))
    assert (spectral <= frobenius).all()
    assert np.array_equal(frobenius, typical_rate(process, times, samples=500, seed=0))
    assert not np.array_equal(frobenius, typical_rate(process, times, samples=500, seed=1))
    points = process.mixture.sample(500, seed=0)
    at = typical_rate(process, [1e-9], samples=500)
    assert at == pytest.approx([math.sqrt((process.jacobian(points, 1e-9) ** 2).sum(axis=(1, 2)).mean())], rel=1e-3)


def test_options_are_kept() -> None:
    grid = cf.time_grid(PROCESS, 3, "typical", rate="spectral", samples=16, seed=5)
    assert dict(grid.options) == {"rate": "spectral", "samples": 16, "seed": 5}
    assert np.array_equal(grid.times, cf.time_grid(PROCESS, 3, "typical", rate="spectral", samples=16, seed=5).times)


def test_nothing_moves() -> None:
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0, 0]], "1"))
    for kind in ("typical", "score-optimal"):
        with pytest.raises(cf.InputError, match="here"):
            cf.time_grid(process, 4, kind, samples=16)


@pytest.mark.parametrize("rate", [typical_rate, score_rate, entropy_rate])
def test_as_many_points_as_the_page_says(rate: Callable[..., Any]) -> None:
    """`docs/your-own-model.md`: 2,048, as the grids take."""
    assert rate(PROCESS, [0.3]) == rate(PROCESS, [0.3], samples=2048)
    assert rate(PROCESS, [0.3]) != rate(PROCESS, [0.3], samples=2049)

"""The stability-balanced grid against proved brackets, against quadrature with mpmath, and as a minimiser."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from depth import night
from scipy.integrate import quad
from scipy.optimize import brentq

import certflow as cf

BOUNDED = ["two-modes", "iris", "ring-8", "grid-4x4", "modes-16d", "line-3", "random-5"]


def load(name: str, t_min: str = "0.01", t_max: str = "3") -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.load_mixture(name), t_min, t_max)


def law(variance: Any, half: Any) -> cf.GaussianMixture:
    return cf.GaussianMixture(["0.5", "0.5"], [[f"-{half}", "0"], [half, "0"]], variance)


@pytest.mark.parametrize("rate", ["one-sided", "two-sided"])
@pytest.mark.parametrize("name", BOUNDED)
def test_nodes_lie_in_their_proved_brackets(name: str, rate: str) -> None:
    """`cf.enclosure.balanced_nodes` proves 20 digits; float64 is within 2e-14 of them."""
    for t_min, segments in (("0.01", 8), ("1e-6", 5)):
        process = load(name, t_min)
        grid = cf.time_grid(process, segments, rate=rate)
        for time, node in zip(grid.times, cf.enclosure.balanced_nodes(process, segments, rate, 20), strict=True):
            assert time >= float(node.lower) * (1 - 2e-14)
            assert time <= float(node.upper) * (1 + 2e-14)


@pytest.mark.parametrize("rate", ["one-sided", *night("two-sided")])
@pytest.mark.parametrize("name", ["two-variances", *night("wine")])
def test_nodes_by_quadrature_and_root_finding(name: str, rate: str) -> None:
    """Other covariances: the rate at single times, integrated by mpmath, inverted by brentq."""
    process = load(name)
    bound = process.growth_rate_bound if rate == "one-sided" else process.lipschitz_bound

    def integral(t: float) -> float:
        logs = np.linspace(np.log(0.01), np.log(t), 7)
        with mpmath.workdps(20):
            value = mpmath.quad(lambda y: float(bound(float(mpmath.exp(y)))) * mpmath.exp(y), list(map(float, logs)))
        return float(value)

    total = integral(3.0)
    grid = cf.time_grid(process, 3, rate=rate)
    for k in (1, 2):
        node = brentq(lambda t, k=k: integral(t) - total * (3 - k) / 3, 0.011, 2.9, xtol=1e-10)
        assert grid.times[k] == pytest.approx(node, rel=1e-6)


@pytest.mark.parametrize("name", ["two-modes", "two-variances"])
def test_no_other_grid_has_a_smaller_largest_exponent(name: str) -> None:
    """G1: any perturbation of the nodes raises the largest exponent of a segment."""
    process = load(name)
    rng = np.random.default_rng(0)
    times = cf.time_grid(process, 6).times

    def largest(nodes: np.ndarray) -> float:
        return float(process.stability(nodes[1:], nodes[:-1]).max())

    best = largest(times)
    assert best == pytest.approx(float(process.stability(0.01, 3.0)) / 6, rel=1e-9)
    for scale in (1e-4, 1e-2, 0.1):
        for _ in range(20):
            other = times.copy()
            other[1:-1] *= np.exp(scale * rng.standard_normal(5))
            if (np.diff(other) < 0).all():
                assert largest(other) > best


def test_the_stretch_where_the_flow_contracts_needs_no_node() -> None:
    """`lambda < 0` once `v > D^2/(4c)`: nodes have equal integrals of the positive part."""
    process = cf.OrnsteinUhlenbeck(law("0.04", "0.6"), "0.01", "3")

    def positive(t: float) -> float:
        m2 = np.exp(-2 * t)
        v = 0.04 * m2 - np.expm1(-2 * t)
        return max(0.0, 1 - 1 / v + m2 * 1.44 / (4 * v * v))

    end = -np.log((1 - 1.44 / (4 * 0.96)) / 0.96) / 2  # v = D^2/(4c)
    grid = cf.time_grid(process, 5)
    assert grid.options["positive_until"] == pytest.approx(end, rel=1e-12)
    assert grid.times[1] < end < 3
    parts = [
        quad(positive, b, a, points=[end] if b < end < a else None, epsabs=1e-13)[0]
        for a, b in zip(grid.times[:-1], grid.times[1:], strict=True)
    ]
    assert parts == pytest.approx([sum(parts) / 5] * 5, rel=1e-8)
    assert "positive_until" not in cf.time_grid(load("two-modes"), 5).options


def test_a_law_that_only_contracts_is_refused() -> None:
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0, 0]], "0.25"))
    with pytest.raises(cf.InputError, match="positive somewhere"):
        cf.time_grid(process, 4)
    assert cf.time_grid(process, 4, rate="two-sided").segments == 4
    wide = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0, 0]], "4"))
    assert cf.time_grid(wide, 4).segments == 4


@pytest.mark.parametrize("name", ["anisotropic-pair", "iris-full"])
def test_without_a_global_bound_the_typical_rate_is_suggested(name: str) -> None:
    with pytest.raises(cf.InputError) as caught:
        cf.time_grid(load(name), 4)
    assert caught.value.field == "mixture"
    assert 'kind "typical"' in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("variance", ["1", "1.44", "0.9999999999", "1e-6"])
def test_every_branch_of_the_closed_form(variance: str) -> None:
    process = cf.OrnsteinUhlenbeck(law(variance, "3"), "0.001", "2")
    grid = cf.time_grid(process, 9)
    exponents = process.stability(grid.times[1:], grid.times[:-1])
    assert exponents == pytest.approx([exponents.mean()] * 9, rel=1e-9)


def test_a_thousand_segments() -> None:
    process = load("two-modes")
    grid = cf.time_grid(process, 1000)
    exponents = process.stability(grid.times[1:], grid.times[:-1])
    assert exponents == pytest.approx([exponents.mean()] * 1000, rel=1e-9)


@pytest.mark.parametrize("name", ["two-modes", "iris", "ring-8", "line-3"])
def test_nodes_are_found_in_a_few_sweeps(name: str) -> None:
    """Newton's method ends where nothing moves: each sweep is one look at the integral of all nodes."""
    looks = []

    class Watched(cf.OrnsteinUhlenbeck):
        def stability(self, *arguments: Any, **options: Any) -> Any:
            looks.append(arguments)
            return super().stability(*arguments, **options)

    cf.time_grid(Watched(cf.load_mixture(name), "0.01", "3"), 32, rate="two-sided")
    assert 2 <= len(looks) <= 12

"""Weighted points of the law at the data end: known moments, errors of known size, honest uncertainty."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from depth import night
from scipy.integrate import quad
from scipy.stats import norm

import certflow as cf
from certflow.distill import Settings, experiment
from certflow.distill.experiment import PRECISION, measure
from certflow.distill.ledger import Maps, Trajectories, ledger, trajectories
from certflow.distill.plan import Plan, make_plan
from certflow.distill.reference import ReferenceFlow
from certflow.distill.training import train
from certflow.distill.weighted import BLOCKS, even_sample, sample_of

SMALL = Settings(hidden=16, steps=300, batch=64, pool=2048, test=1024, warmup=10)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def process(name: str) -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.load_mixture(name), "0.01", "3")


def exact_moments(p: cf.OrnsteinUhlenbeck) -> tuple[np.ndarray, np.ndarray]:
    """Mean and second moments of `p_delta`, by the formulas of a mixture."""
    m, law = math.exp(-p.t_min), p.mixture
    weights, means = law.weights / law.weights.sum(), m * law.means
    covariances = m * m * law.covariance_matrices + (1 - m * m) * np.eye(law.dimension)
    second = covariances + means[:, :, None] * means[:, None, :]
    return weights @ means, np.einsum("k,kij->ij", weights, second)


@pytest.mark.parametrize("name", ["two-modes-1d", "triangle", "anisotropic-pair", "two-variances", "iris-full"])
def test_moments_are_those_of_the_law(name):
    p = process(name)
    sample = sample_of(p, 4096, 3)
    points, weights = sample.points.numpy(), sample.weights.numpy()
    mean, second = exact_moments(p)
    scale = np.trace(second)
    assert weights.min() > 0
    assert weights.sum() == pytest.approx(1, abs=5e-3)
    np.testing.assert_allclose(weights @ points, mean, atol=5e-3 * math.sqrt(scale))
    np.testing.assert_allclose(points.T @ (weights[:, None] * points), second, atol=1e-2 * scale)
    assert sum(sample.sizes) == len(points)


def test_more_points_lie_where_few_draws_fall():
    """At less than `e^{-7}` of the largest density: the law has 0.1 % of its mass there, the points a twentieth."""
    p = process("triangle")
    sample = sample_of(p, 4096, 0)
    height = p.log_density(sample.points, p.t_min)
    far = height < height.max() - 7
    draws = p.log_density(p.mixture.sample(100_000, seed=1) * math.exp(-p.t_min), p.t_min)
    share = float((draws < float(height.max()) - 7).mean())
    assert far.sum() > 0.04 * len(far) > 20 * share * len(far)
    assert float(sample.weights.max()) <= 2.0 / len(far)


def test_nets_of_one_seed_share_their_first_points():
    p = process("triangle")
    few, many, other = sample_of(p, 256, 5), sample_of(p, 512, 5), sample_of(p, 256, 6)
    blocks = many.points.split(many.sizes)
    for short, long in zip(few.points.split(few.sizes), blocks, strict=True):
        torch.testing.assert_close(short, long[: len(short)])
    assert few.sizes == (16,) * BLOCKS
    assert not torch.equal(few.points, other.points)


# -- the standard error ------------------------------------------------------------------------------------------


def statistic(points: torch.Tensor, errors: torch.Tensor, sample: Any) -> tuple[float, float]:
    tests = Trajectories(points.unsqueeze(0), torch.empty(0), sample)
    return tests.mean_square(errors) / tests.scale, tests.standard_error(errors)


def test_of_independent_draws_it_is_the_textbook_one():
    """`Var(e - r s) / (N (E s)^2)`, the linearised ratio, for draws in blocks of one size."""
    generator = torch.Generator().manual_seed(1)
    points = torch.randn(64_000, 2, generator=generator, dtype=torch.float64)
    errors = 0.1 * points.abs()
    ratio, found = statistic(points, errors, even_sample(points))
    squares, own = errors.square().sum(1), points.square().sum(1)
    assert ratio == pytest.approx(float(squares.sum() / own.sum()))
    assert found < 1e-15  # the ratio is one constant
    errors = 0.1 * points.square()
    ratio, found = statistic(points, errors, even_sample(points))
    rest = errors.square().sum(1) - ratio * own
    assert found == pytest.approx(float(rest.std() / own.mean()) / math.sqrt(len(points)), rel=0.5)


def test_it_is_honest_over_many_seeds():
    """Errors as students make them, in a thin layer between modes: estimates scatter as their standard errors say."""
    p = process("triangle")

    def estimate(seed: int, count: int) -> tuple[float, float]:
        sample = sample_of(p, count, seed)
        layer = torch.exp(-(sample.points[:, :1] / 0.1).square() / 2)
        return statistic(sample.points, layer, sample)

    found = np.array([estimate(seed, 512) for seed in range(60)])
    exact = layer_mean(p) / np.trace(exact_moments(p)[1])
    assert found[:, 0].mean() == pytest.approx(exact, abs=4 * found[:, 0].std() / math.sqrt(60))
    assert 0.7 < found[:, 0].std() / math.sqrt((found[:, 1] ** 2).mean()) < 1.4
    assert estimate(0, 16_384)[0] == pytest.approx(exact, rel=0.01)


def layer_mean(p: cf.OrnsteinUhlenbeck) -> float:
    """`E exp(-(x_1 / 0.1)^2)` over `p_delta`, by the product of two Gaussians."""
    m = math.exp(-p.t_min)
    variance = m * m / 16 + 1 - m * m
    spread = variance + 0.005
    values = [math.exp(-((m * a) ** 2) / 2 / spread) * math.sqrt(0.005 / spread) for a in (1, -0.5, -0.5)]
    return sum(values) / 3


def test_unweighted_points_would_be_found_out():
    """The false twin: the points of the wide half counted like draws."""
    p = process("triangle")
    sample = sample_of(p, 16_384, 0)
    layer = torch.exp(-(sample.points[:, :1] / 0.1).square() / 2)
    exact = layer_mean(p) / np.trace(exact_moments(p)[1])
    ratio, error = statistic(sample.points, layer, sample)
    assert abs(ratio - exact) < 4 * error
    assert error < 0.01 * exact
    wrong = replace(sample, weights=torch.full_like(sample.weights, 1 / len(sample.weights)))
    ratio, error = statistic(sample.points, layer, wrong)
    assert abs(ratio - exact) > 10 * error


# -- trained maps ------------------------------------------------------------------------------------------------


def trained(name: str, settings: Settings) -> tuple[Plan, ReferenceFlow, Maps]:
    p = process(name)
    plan = make_plan(p, ["typical"], [2, 4], 1, settings)
    flow = ReferenceFlow(p)
    return plan, flow, Maps(train(plan.segments, flow.pool(settings.pool, plan.seeds, plan.times), settings))


def composed(plan: Plan, maps: Any, entry: Any, x: torch.Tensor) -> torch.Tensor:
    for start, end in pairwise(plan.nodes(entry)):
        x = maps.apply((0, start, end), x)
    return x


def test_in_one_dimension_it_is_an_exact_quadrature():
    """Against SciPy's, cell by cell in `y`, with the distribution functions of SciPy."""
    plan, flow, maps = trained("two-modes-1d", SMALL)
    m = {t: math.exp(-t) for t in (plan.process.t_min, plan.process.t_max)}
    width = {t: math.sqrt(a * a * 0.04 + 1 - a * a) for t, a in m.items()}
    late, early = plan.process.t_max, plan.process.t_min

    def share(x: Any, t: float) -> Any:
        return (norm.cdf((x - m[t]) / width[t]) + norm.cdf((x + m[t]) / width[t])) / 2

    def density(y: Any) -> Any:
        return (norm.pdf(y, m[early], width[early]) + norm.pdf(y, -m[early], width[early])) / 2

    x = np.linspace(-7, 7, 100_001)
    y = np.linspace(-3, 3, 24_001)
    y = (y[1:] + y[:-1]) / 2
    start = np.interp(share(y, early), share(x, late), x)  # Phi^{-1}, to 1e-9
    scale = quad(lambda v: v * v * density(v), -4, 4, points=[-1, 0, 1], limit=500)[0]
    tests = trajectories(plan, flow, flow.sample(1, 0))
    for entry in plan.entries:
        row = ledger(plan, entry, 0, maps, tests)
        ends = composed(plan, maps, entry, torch.from_numpy(start).unsqueeze(1))[:, 0].numpy()
        expected = ((ends - y) ** 2 * density(y)).sum() * (y[1] - y[0]) / scale
        assert row["relative_mse"] == pytest.approx(expected, rel=2e-5)
        assert row["standard_error"] < 1e-5 * row["relative_mse"]


@pytest.mark.parametrize("name", ["triangle", *night("ring-8")])
def test_in_the_plane_it_is_within_two_percent(name):
    """Against independent nets of ten times as many points."""
    plan, flow, maps = trained(name, SMALL)
    tests = trajectories(plan, flow, flow.sample(4096, 0))
    sample = flow.sample(10 * len(tests.sample.points), 999)
    nodes = flow.nodes(sample.points, plan.times[::-1]).flip(0)
    large = Trajectories(nodes, torch.empty(0), sample)
    for entry in plan.entries:
        row = ledger(plan, entry, 0, maps, tests)
        error = composed(plan, maps, entry, large.points[0]) - large.points[-1]
        better, own = large.mean_square(error) / large.scale, large.standard_error(error)
        assert own < row["standard_error"] <= 2 * PRECISION * row["relative_mse"]  # a quarter of the usual points
        assert abs(row["relative_mse"] - better) <= 4 * math.hypot(row["standard_error"], own)


def test_more_points_are_taken_where_too_few_were(monkeypatch):
    plan, flow, maps = trained("triangle", SMALL)
    asked: list[int] = []
    plain = flow.sample
    monkeypatch.setattr(flow, "sample", lambda count, seed: asked.append(count) or plain(count, seed))
    few = replace(plan, settings=replace(plan.settings, test=64))
    rows = measure(few, flow, maps, False, lambda *_: None)
    assert asked[0] == 64
    assert max(asked) == 256
    assert all(row["standard_error"] > 0 for row in rows)
    asked.clear()
    monkeypatch.setattr(experiment, "PRECISION", 10.0)
    measure(few, flow, maps, False, lambda *_: None)
    assert asked == [64]

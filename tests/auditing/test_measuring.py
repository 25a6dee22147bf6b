"""Errors over time against what they must be: closed forms, and quadrature in one dimension that shares nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

import certflow as cf
from certflow.auditing.intervals import GROUPS, ratio_of_norms
from certflow.auditing.measuring import Draws, Moment, grid, moment
from certflow.auditing.subject import Subject
from certflow.schedules.families import ornstein_uhlenbeck
from certflow.schedules.model import Model

WEIGHTS, MEANS, VARIANCES = (0.3, 0.7), (-1.0, 1.5), (0.04, 0.25)


@pytest.fixture(scope="module")
def line() -> cf.OrnsteinUhlenbeck:
    """A mixture on the line."""
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(list(WEIGHTS), [[m] for m in MEANS], list(VARIANCES)))


@pytest.fixture(scope="module")
def plane() -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.load_mixture("ring-8"))


def subject(f, dimension: int) -> Subject:
    return Subject(Model(f, "score", ornstein_uhlenbeck(), shape=(dimension,)), dimension, "")


def measured(f, process, quantity: str = "score", samples: int = 4096, count: int = 3, seed: int = 0) -> list[Moment]:
    draws, own = Draws.of(process, samples, seed), subject(f, process.mixture.dimension)
    return [moment(own, process, quantity, draws, t, 0.05 / count) for t in grid(process, count).tolist()]


def mean_square_on_the_line(quantity: str, t: float) -> float:
    """`E|q|^2` over `p_t` by the trapezoidal rule, from the density alone: `s = p'/p` by central differences."""
    m, h = math.exp(-t), 1e-5
    x = np.linspace(-9, 9, 72_001)

    def density(y):
        parts = [
            w * np.exp(-((y - m * mean) ** 2) / (2 * v)) / math.sqrt(2 * math.pi * v)
            for w, mean, v in zip(WEIGHTS, MEANS, [m * m * s + 1 - m * m for s in VARIANCES], strict=True)
        ]
        return sum(parts)

    p = density(x)
    s = (density(x + h) - density(x - h)) / (2 * h) / np.maximum(p, 1e-200)
    n2 = 1 - m * m
    values = {"score": s, "velocity": -x - s, "denoiser": (x + n2 * s) / m, "noise": -math.sqrt(n2) * s}[quantity]
    return float(np.sum(values**2 * p) * (x[1] - x[0]))


@pytest.mark.parametrize("factor", [0.1, -1e-3, 1e-6])
def test_a_factor_is_the_relative_error_at_every_time(plane, factor):
    for found in measured(lambda x, t: (1 + factor) * plane.score(x, t), plane, samples=512):
        assert found.error.value == pytest.approx(abs(factor), rel=1e-8)
        assert found.error.low == pytest.approx(abs(factor), rel=1e-8)
        assert found.error.high == pytest.approx(abs(factor), rel=1e-8)


@pytest.mark.parametrize(
    ("quantity", "factor"),
    [
        ("score", lambda t: 1.0),
        ("velocity", lambda t: 1.0),
        ("denoiser", lambda t: (1 - math.exp(-2 * t)) / math.exp(-t)),
        ("noise", lambda t: math.sqrt(1 - math.exp(-2 * t))),
    ],
)
def test_intervals_have_the_error_of_an_added_constant(line, quantity, factor):
    for found in measured(lambda x, t: line.score(x, t) + 0.2, line, quantity):
        root = math.sqrt(mean_square_on_the_line(quantity, found.t))
        true = 0.2 * factor(found.t) / root
        assert found.error.low <= true <= found.error.high
        assert found.error.high < 1.3 * found.error.low
        assert not found.error.low <= 1.3 * true <= found.error.high
        assert found.size == pytest.approx(root, rel=0.1)


def test_an_exact_model_has_no_error_but_rounding(plane, line):
    assert all(found.error.value == 0 for found in measured(plane.score, plane, samples=256))
    single = lambda x, t: line.score(x, t).astype(np.float32)  # noqa: E731
    assert all(0 < found.error.value < 1e-6 for found in measured(single, line, samples=256))


def test_the_worst_draw_is_the_worst(line):
    def wrong(x, t):
        return line.score(x, t) + np.where(x > 1.0, 0.5, 0.0) * x

    (found, *_) = measured(wrong, line, samples=512)
    x = Draws.of(line, 512, 0).x(found.t)
    assert found.worst.x == x.max()
    assert found.worst.error == pytest.approx(0.5 * x.max())
    assert found.heaviest == pytest.approx(x.max() ** 2 / (x[x > 1.0] ** 2).sum())


def test_intervals_miss_as_seldom_as_they_say():
    """Draws that err in one case of 40, by very different amounts: 200 intervals of 95 %."""
    missed = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        errors = np.where(generator.random(4096) < 0.025, generator.exponential(size=4096) ** 2, 0.0)
        found = ratio_of_norms(errors, generator.exponential(size=4096), 0.05)
        missed += not found.low <= math.sqrt(0.025 * 2) <= found.high
    assert 1 <= missed <= 20  # 10 are expected; more than 20 come once in 1,000


def test_an_error_of_one_draw_settles_nothing():
    errors = np.zeros(640)
    errors[7] = 1.0
    found = ratio_of_norms(errors, np.ones(640), 0.05)
    assert (found.low, found.high) == (0.0, math.inf)
    assert ratio_of_norms(0 * errors, np.ones(640), 0.05).high == 0.0


def test_draws_that_no_group_divides_are_counted():
    values = np.arange(1.0, 3 * GROUPS + 12)
    found = ratio_of_norms(values, np.ones(len(values)), 0.05)
    assert found.value == pytest.approx(math.sqrt(values.mean()))
    assert found.low < found.value < found.high


def test_an_error_beyond_float64_is_refused(line):
    with pytest.raises(cf.InputError, match=r"model: got '1e\+200 at t = 0.01'; required: numbers whose squares"):
        measured(lambda x, t: 0 * x + 1e200, line, samples=256)

"""OptimalSteps: on one Gaussian in closed form, by exhaustive enumeration, and by its definition in other words."""

from __future__ import annotations

import itertools
import math
from functools import cache

import numpy as np
import pytest

import certflow as cf
from certflow.grids.kinds.optimal_steps import cheapest_rollout

GAUSSIAN = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0, 0]], "0.25"))


def test_one_gaussian_has_the_arctan_grid() -> None:
    """One step from `c tan a` to `c tan b` multiplies by `cos(a - b) cos(a)/cos(b)`: equal angles are the best.

    Euler falls short of the exact flow in every step, so the longest rollout is the nearest one and the recursion
    finds the best of all choices.
    """
    first, last = (math.atan(math.sqrt(math.expm1(2 * t)) / 0.5) for t in (3.0, 0.01))
    times = np.log1p((0.5 * np.tan(np.linspace(first, last, 25))) ** 2) / 2
    start = GAUSSIAN.mixture.sample(10, seed=0)
    for segments in (1, 2, 4, 6, 24):
        found = cheapest_rollout(GAUSSIAN, start, times, segments)
        assert found.tolist() == list(range(0, 25, 24 // segments))


def test_one_gaussian_by_enumeration() -> None:
    """All choices of 3 inner nodes out of 11, by the known factors."""
    grid = cf.time_grid(GAUSSIAN, 4, "optimal-steps", candidates=13, samples=8, seed=1)
    candidates = cf.time_grid(GAUSSIAN, 12, "flow-matching").times
    angles = np.arctan(np.sqrt(np.expm1(2 * candidates)) / 0.5)
    every = [(0, *inner, 12) for inner in itertools.combinations(range(1, 12), 3)]
    best = max(every, key=lambda path: math.prod(math.cos(angles[i] - angles[j]) for i, j in itertools.pairwise(path)))
    assert grid.times.tolist() == pytest.approx(candidates[list(best)], rel=1e-12)
    assert dict(grid.options) == {"candidates": 13, "shift": 1.0, "samples": 8, "seed": 1}


class Student:
    """Euler steps in `sigma` in the variance-exploding convention, written down from its definition."""

    def __init__(self, name: str, candidates: int, rows: int, shift: float = 1.0):
        self.process = cf.OrnsteinUhlenbeck(cf.load_mixture(name))
        self.times = cf.time_grid(self.process, candidates - 1, "flow-matching", shift=shift).times
        data, d = self.process.mixture.sample(rows, seed=1), self.process.mixture.dimension
        noise = np.random.default_rng([1, 1]).standard_normal((rows, d))
        start = math.exp(-3) * data + math.sqrt(-math.expm1(-6)) * noise
        self.teacher = [start, *(self.process.flow(start, 3.0, t, rtol=1e-8) for t in self.times[1:])]
        self.last = candidates - 1

    def step(self, x: np.ndarray, i: int, j: int) -> np.ndarray:
        m, after = math.exp(-self.times[i]), math.exp(-self.times[j])
        here, there = (math.sqrt(math.expm1(2 * self.times[k])) for k in (i, j))
        slope = -here * m * self.process.score(x, self.times[i])
        return after * (x / m + (there - here) * slope)

    def rollout(self, path: tuple[int, ...]) -> np.ndarray:
        x = self.teacher[0]
        for i, j in itertools.pairwise(path):
            x = self.step(x, i, j)
        return x

    def error(self, x: np.ndarray, j: int) -> float:
        return float(((x - self.teacher[j]) ** 2).sum(axis=1).mean())


@pytest.mark.parametrize("name", ["random-5", "two-variances", "ordered-pair", "iris-full", "line-3"])
def test_two_steps_by_enumeration(name: str) -> None:
    """With one inner node the recursion looks at every choice; all kinds of covariance."""
    student = Student(name, 12, 24)
    grid = cf.time_grid(student.process, 2, "optimal-steps", candidates=12, samples=24, seed=1)
    best = min(range(1, 11), key=lambda i: student.error(student.rollout((0, i, 11)), 11))
    assert grid.times[1] == student.times[best]


@pytest.mark.parametrize("segments", [3, 5])
def test_more_steps_by_the_definition(segments: int) -> None:
    """The best way to `j` in `k` steps ends with one step from the best way to some `i` in `k - 1`."""
    student = Student("random-5", 12, 24, shift=0.5)

    @cache
    def way(j: int, k: int) -> tuple[int, ...]:
        if k == 1:
            return (0, j)
        ways = [(*way(i, k - 1), j) for i in range(k - 1, j)]
        return min(ways, key=lambda path: student.error(student.rollout(path), j))

    options = {"candidates": 12, "samples": 24, "seed": 1, "shift": 0.5}
    grid = cf.time_grid(student.process, segments, "optimal-steps", **options)
    assert grid.times.tolist() == student.times[list(way(student.last, segments))].tolist()


def test_candidates_grow_with_the_segments() -> None:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    assert cf.time_grid(process, 1, "optimal-steps").options["candidates"] == 201
    assert cf.time_grid(process, 60, "optimal-steps", samples=2).options["candidates"] == 241


def test_candidates_that_float64_cannot_tell_apart() -> None:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), 1.0, 1.0 + 1e-15)
    with pytest.raises(cf.InputError, match="float64 cannot tell all apart"):
        cf.time_grid(process, 2, "optimal-steps")
    with pytest.raises(cf.InputError, match="at most 300 for kind optimal-steps"):
        cf.time_grid(cf.OrnsteinUhlenbeck(process.mixture, 1, 301), 2, "optimal-steps")


def test_late_times_take_the_denoiser_from_the_velocity() -> None:
    """At `t = 60` the sum `x + (1 - m^2) s` has lost all digits; the first step from there is as from `t = 9`."""
    mixture = cf.load_mixture("two-modes")
    late, early = (
        cf.time_grid(cf.OrnsteinUhlenbeck(mixture, "0.001", t_max), 4, "optimal-steps", samples=16, candidates=65)
        for t_max in ("60", "9")
    )
    assert late.sigmas[1:] == pytest.approx(early.sigmas[1:], rel=2e-3)

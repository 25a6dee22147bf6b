"""Grids of a model with data, kind by kind: against the mixture that it is the model of, and in closed form.

The models are written here from Bayes' rule, in the state `x_0 + sigma z`; of the package they know nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from depth import some

import certflow as cf
from certflow.grids import KINDS, grid_from_rate, score_rate
from certflow.grids.fields import MixtureField
from certflow.grids.kinds.gits import step_costs
from certflow.grids.kinds.optimal_steps import cheapest_rollout
from certflow.grids.model_field import BATCH, ModelField
from certflow.grids.rates import log_times
from certflow.grids.registry import grid_of_kind

WEIGHTS, MEANS, VARIANCES = (np.array(part) for part in ([0.3, 0.7], [[-1.0, 0.4], [0.6, -0.2]], [0.05, 0.15]))
LAW = cf.OrnsteinUhlenbeck(cf.GaussianMixture(WEIGHTS, MEANS, VARIANCES), "0.01", "3")
ENDS = {"t_min": "0.01", "t_max": "3"}
DATA = LAW.mixture.sample(40_000, seed=123)
SAMPLED = [kind for kind, entry in KINDS.items() if "samples" in entry.options]
VARIANCE = 0.25


def bayes(means: Any = MEANS, variances: Any = VARIANCES) -> Callable[[Any, Any], Any]:
    """`E[x_0 | x_0 + sigma z = x]`."""

    def denoiser(x: Any, sigma: Any) -> Any:
        v = variances + sigma[:, None] ** 2
        gap = x[:, None, :] - means
        logits = np.log(WEIGHTS) - x.shape[1] / 2 * np.log(v) - (gap**2).sum(2) / (2 * v)
        gamma = np.exp(logits - logits.max(1, keepdims=True))
        gamma /= gamma.sum(1, keepdims=True)
        return (gamma[:, :, None] * (means + (variances / v)[:, :, None] * gap)).sum(1)

    return denoiser


def linear(x: Any, sigma: Any) -> Any:
    """The denoiser of `N(0, VARIANCE)`, for arrays and tensors of any shape."""
    return VARIANCE / (VARIANCE + sigma.reshape(-1, *[1] * (x.ndim - 1)) ** 2) * x


def model_of(denoiser: Callable[[Any, Any], Any], **options: Any) -> cf.Model:
    return cf.Model(denoiser, "sample", cf.schedules.edm(), **(ENDS | options))


MODEL = model_of(bayes())
#: Everything is more spread out than the data say.
WRONG = model_of(bayes(1.5 * MEANS, 9 * VARIANCES))


# -- the field at given points -------------------------------------------------------------------------------


def test_one_field_is_the_other() -> None:
    exact, found = MixtureField(LAW), ModelField(MODEL, DATA)
    x = found.draws(2 * BATCH + 3, 7).at(0.2)
    np.testing.assert_allclose(found.score(x, 0.2), exact.score(x, 0.2), rtol=1e-9, atol=1e-10)
    states, times = np.stack([x[:9], 0.5 * x[:9]]), np.array([0.3, 1.7])
    for ours, theirs in zip(found.predictions(states, times), exact.predictions(states, times), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)
    for time in (0.01, 0.2, 3.0):
        (ours, width), (theirs, usual) = found.score_change(x, time), exact.score_change(x, time)
        share = 1e-4 if time == 0.2 else 0.05  # to first order at the ends
        np.testing.assert_allclose(ours / width, theirs / usual, rtol=share, atol=share * np.abs(theirs).max() / usual)
    times = np.geomspace(3, 0.01, 7)
    paths = found.trajectories(x[:50], times)
    np.testing.assert_allclose(paths, exact.trajectories(x[:50], times), atol=1e-4)
    assert (found.dimension, found.named) == (2, ("data", "shape (40000, 2)"))
    assert found.data_scale == pytest.approx(exact.data_scale, rel=0.01)


def test_the_costs_of_gits_at_the_same_points() -> None:
    start, times = ModelField(MODEL, DATA).draws(40, 2).at(3.0), np.geomspace(3, 0.01, 8)
    for metric in ("l2", "deviation"):
        found, exact = (step_costs(field, start, times, metric) for field in (ModelField(MODEL, DATA), LAW))
        upper = np.triu_indices(8, 1)
        np.testing.assert_allclose(found[upper], exact[upper], rtol=2e-3, atol=2e-4)
        wrong = step_costs(ModelField(WRONG, DATA), start, times, metric)
        assert np.abs(wrong[upper] - exact[upper]).max() > 0.1 * np.abs(exact[upper]).max()


@pytest.mark.parametrize("segments", [1, 2, 5])
def test_the_rollouts_of_optimal_steps_at_the_same_points(segments: int) -> None:
    start, times = ModelField(MODEL, DATA).draws(40, 2).at(3.0), np.geomspace(3, 0.01, 31)
    found, exact = (cheapest_rollout(field, start, times, segments) for field in (ModelField(MODEL, DATA), LAW))
    assert found.tolist() == exact.tolist()
    wrong = cheapest_rollout(ModelField(WRONG, DATA), start, times, segments)
    assert segments == 1 or wrong.tolist() != exact.tolist()


def test_every_row_goes_through_in_batches() -> None:
    seen: list[tuple[int, ...]] = []

    def watched(x: Any, sigma: Any) -> Any:
        seen.append(x.shape)
        assert sigma.shape == x.shape[:1]
        return linear(x, sigma)

    images = np.random.default_rng(0).standard_normal((30, 3, 2, 2))
    field = ModelField(model_of(watched, shape=(3, 2, 2)), images)
    x = field.draws(BATCH + 5, 0).at(0.5)
    assert x.shape == (BATCH + 5, 12)
    times = np.linspace(0.1, 2, len(x))
    expected = VARIANCE * np.exp(-times) / (-np.expm1(-2 * times) + np.exp(-2 * times) * VARIANCE)
    np.testing.assert_allclose(field.denoiser(x, times), expected[:, None] * x, rtol=1e-9)
    assert seen == [(BATCH, 3, 2, 2), (5, 3, 2, 2)]


# -- grids from draws of their own ---------------------------------------------------------------------------


def nodes(of: Any, kind: str, seeds: range, samples: int, **options: Any) -> np.ndarray:
    """Logarithms of the inner nodes, shape (seeds, K - 1)."""
    grids = (grid_of_kind(of, 4, kind, samples=samples, seed=seed, **options) for seed in seeds)
    return np.array([np.log(grid.times[1:-1]) for grid in grids])


def distance(found: np.ndarray, exact: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far two means over seeds lie apart, and the standard error of that."""
    error = np.sqrt(found.var(axis=0, ddof=1) / len(found) + exact.var(axis=0, ddof=1) / len(exact))
    return np.abs(found.mean(axis=0) - exact.mean(axis=0)), error


@pytest.mark.parametrize("kind", some(SAMPLED, 2))
def test_grids_agree_within_their_sampling_error_and_not_with_a_wrong_score(kind: str) -> None:
    """The mean of either side over seeds has a standard error; nodes are no finer than a table or the candidates."""
    options, seeds, samples, resolution = {}, range(7), 256, 1e-3
    if "candidates" in KINDS[kind].options:
        options, seeds, samples = {"candidates": 41}, range(5), 32
        resolution = math.log(3 / 0.01) / 40
    found, exact = (nodes(of, kind, seeds, samples, **options) for of in (ModelField(MODEL, DATA), LAW))
    apart, error = distance(found, exact)
    assert (apart < 4.5 * error + resolution).all()
    assert error.max() < 0.15
    wrong = nodes(ModelField(WRONG, DATA), kind, range(2), samples, **options)
    assert (distance(wrong, exact)[0] > 6 * error + resolution).any()


def test_score_optimal_of_the_same_points_has_no_sampling_error() -> None:
    field = ModelField(MODEL, DATA)

    class Same(MixtureField):
        def draws(self, samples: int, seed: int) -> Any:
            return field.draws(samples, seed)

    times = log_times(field, 9)
    found, exact = (score_rate(of, times, samples=300) for of in (field, Same(LAW)))
    np.testing.assert_allclose(found[1:-1], exact[1:-1], rtol=1e-7)
    np.testing.assert_allclose(found, exact, rtol=1e-4)


def test_typical_is_the_public_rate_of_a_model() -> None:
    grid = cf.time_grid(MODEL, 5, "typical", data=DATA, samples=200, seed=4)
    times = log_times(MODEL, 97)
    rate = cf.schedules.typical_rate(MODEL, DATA, times, samples=200, seed=4)
    assert grid.times.tolist() == grid_from_rate((0.01, 3.0), times, rate.values, 5).times.tolist()
    assert dict(grid.options) == {"rate": "frobenius", "samples": 200, "seed": 4, "method": "central differences"}


# -- one Gaussian, in closed form ----------------------------------------------------------------------------

GAUSSIAN = model_of(linear)
ROWS = math.sqrt(VARIANCE) * np.random.default_rng(3).standard_normal((20_000, 2))


def balanced(integral: Callable[[Any], Any], segments: int) -> np.ndarray:
    """Inner nodes with equal steps of a primitive, by bisection."""
    low, high = integral(np.array(0.01)), integral(np.array(3.0))
    found = []
    for k in range(segments - 1, 0, -1):
        left, right, goal = 0.01, 3.0, low + (high - low) * k / segments
        for _ in range(80):
            middle = (left + right) / 2
            left, right = (middle, right) if integral(np.array(middle)) < goal else (left, middle)
        found.append(left)
    return np.array(found)


def test_typical_of_one_gaussian() -> None:
    """`|J| = m^2 (1 - v)/c`, `c = 1 - m^2 (1 - v)`: a primitive is `log(c) / 2`, whatever the points."""
    grid = cf.time_grid(GAUSSIAN, 5, "typical", data=ROWS, samples=8)
    expected = balanced(lambda t: np.log(1 - np.exp(-2 * t) * (1 - VARIANCE)), 5)
    np.testing.assert_allclose(grid.times[1:-1], expected, rtol=1e-4)


def test_score_optimal_of_one_gaussian() -> None:
    """`sqrt(delta) = 2 n m^2 (1 - v) c^{-3/2}`; points enter by the mean of their squares alone."""
    grid = cf.time_grid(GAUSSIAN, 5, "score-optimal", data=ROWS, samples=4_000)
    fine = np.geomspace(0.01, 3, 20_001)
    m2 = np.exp(-2 * fine)
    rate = np.sqrt(1 - m2) * m2 * (1 - m2 * (1 - VARIANCE)) ** -1.5
    whole = np.concatenate([[0], np.cumsum((rate[1:] + rate[:-1]) / 2 * np.diff(fine))])
    np.testing.assert_allclose(grid.times[1:-1], balanced(lambda t: np.interp(t, fine, whole), 5), rtol=0.01)


def test_rescaled_entropic_and_arctan_of_one_gaussian() -> None:
    """Equal angles `arctan(sigma / sqrt v)`; the mean squared error of `n d` normal numbers errs by `sqrt(2/(n d))`."""
    angles = balanced(lambda t: np.arctan(np.sqrt(np.expm1(2 * t) / VARIANCE)), 5)
    grid = cf.time_grid(GAUSSIAN, 5, "entropic", "rescaled", data=ROWS, samples=20_000)
    np.testing.assert_allclose(grid.times[1:-1], angles, rtol=5 * math.sqrt(2 / 40_000))
    grid = cf.time_grid(GAUSSIAN, 5, "arctan", data=ROWS)
    assert grid.options["scale"] == pytest.approx(math.sqrt(VARIANCE), rel=0.02)
    np.testing.assert_allclose(grid.times[1:-1], angles, rtol=0.03)
    assert cf.time_grid(GAUSSIAN, 5, "arctan").options["scale"] == 1.0


def test_ays_of_one_gaussian() -> None:
    """The mixture's nodes come from its exact error, `d v sigma^2 / (v + sigma^2)`."""
    law = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0, 0]], VARIANCE), "0.01", "3")
    exact = cf.time_grid(law, 5, "ays", samples=2)
    grid = cf.time_grid(GAUSSIAN, 5, "ays", data=ROWS, samples=20_000)
    np.testing.assert_allclose(grid.times[1:-1], exact.times[1:-1], rtol=5 * math.sqrt(2 / 40_000))


def test_optimal_steps_and_gits_of_one_gaussian() -> None:
    """Candidates at equal angles: equal angles are the best; one Euler step has a known factor."""
    c, start = math.sqrt(VARIANCE), ROWS[:20]
    first, last = (math.atan(math.sqrt(math.expm1(2 * t)) / c) for t in (3.0, 0.01))
    times = np.log1p((c * np.tan(np.linspace(first, last, 25))) ** 2) / 2
    times[0], times[-1] = 3.0, 0.01
    field = ModelField(GAUSSIAN, ROWS)
    for segments in (2, 4, 6, 24):
        assert cheapest_rollout(field, start, times, segments).tolist() == list(range(0, 25, 24 // segments))
    times = times[::4]
    costs, sigma = step_costs(field, start, times, "l2"), np.sqrt(np.expm1(2 * times))
    size = np.linalg.norm(start, axis=1).mean() * math.exp(3)
    for i, j in itertools.combinations(range(7), 2):
        here, there = (math.sqrt((VARIANCE + sigma[k] ** 2) / (VARIANCE + sigma[0] ** 2)) for k in (i, j))
        step = here * (VARIANCE + sigma[i] * sigma[j]) / (VARIANCE + sigma[i] ** 2)
        assert costs[i, j] == pytest.approx(size * abs(step - there), rel=1e-2, abs=1e-4)


# -- arrays and precision ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"stability-balanced"}))
def test_every_kind_of_images_in_torch(kind: str) -> None:
    torch = pytest.importorskip("torch")
    shapes = set()

    def denoiser(x: Any, sigma: Any) -> Any:
        shapes.add((tuple(x.shape[1:]), x.dtype))
        return linear(x, sigma)

    images = 0.5 * torch.randn(40, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    few = {"samples": 8} if kind in SAMPLED else {}
    few |= {"candidates": 21} if "candidates" in KINDS[kind].options else {}
    grid = cf.time_grid(model_of(denoiser, shape=(3, 8, 8)), 4, kind, data=images, **few)
    assert (grid.kind, grid.times[0], grid.times[-1]) == (kind, 3.0, 0.01)
    assert shapes <= {((3, 8, 8), torch.float32)}
    assert bool(shapes) == (kind in SAMPLED)


def test_the_difference_in_time_is_not_rounding_in_float32() -> None:
    """With the step of float64, the change of a float32 score is mostly rounding where it is small."""
    torch = pytest.importorskip("torch")

    def denoiser(x: Any, sigma: Any) -> Any:
        return torch.from_numpy(bayes()(x.double().numpy(), sigma.double().numpy())).to(x.dtype)

    single = ModelField(model_of(denoiser), torch.from_numpy(DATA).float())
    double = ModelField(MODEL, DATA)
    assert single.step == pytest.approx(2 ** (-23 / 3))
    assert double.step == pytest.approx(2 ** (-52 / 3))
    times = np.geomspace(0.02, 2.9, 9)
    rough, exact = (score_rate(field, times, samples=400) for field in (single, double))
    np.testing.assert_allclose(rough, exact, rtol=2e-3)
    single.step = double.step
    assert np.abs(score_rate(single, times, samples=400) / exact - 1).max() > 0.05


def test_a_law_at_rest_has_neither_rate_in_any_precision() -> None:
    torch = pytest.importorskip("torch")
    model = cf.Model(lambda x, t: -x, "score", cf.schedules.ornstein_uhlenbeck(), **ENDS)
    for data in (ROWS, torch.from_numpy(ROWS).float()):
        with pytest.raises(cf.InputError, match=r"^kind: got 'score-optimal'; required: a law whose score changes"):
            cf.time_grid(model, 4, "score-optimal", data=data, samples=16)
        with pytest.raises(cf.InputError, match=r"^rate: got 'frobenius'; required: a rate that is positive somewhere"):
            cf.time_grid(model, 4, "typical", data=data, samples=16)


def test_whole_numbers_are_data_too() -> None:
    torch = pytest.importorskip("torch")
    rows = torch.tensor([[0, 1], [2, 3], [1, 1]])
    found = [cf.time_grid(GAUSSIAN, 3, "typical", data=data, samples=8).times for data in (rows, rows.tolist())]
    np.testing.assert_allclose(*found, rtol=1e-5)

"""Grids for a solver: the known optimum of one Gaussian, the shortest path against all paths, points and weights."""

from __future__ import annotations

import math
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from depth import nightly

import certflow as cf
from certflow.errors import InputError

torch = pytest.importorskip("torch")

from certflow.grids.grid import from_json  # noqa: E402
from certflow.planning import solver_grids, solver_path  # noqa: E402
from certflow.planning.solver_grids import _chosen, named_grids, solver_grid, within  # noqa: E402
from certflow.planning.solver_points import Sample, fine_ends, log_spread, screened, starts  # noqa: E402
from certflow.planning.solver_search import Search  # noqa: E402
from certflow.samplers import SOLVERS  # noqa: E402
from certflow.samplers.solvers import solver_of  # noqa: E402

VARIANCE = 0.3
LAW = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3")


class Gaussian:
    """The denoiser of `N(0, VARIANCE)` in every coordinate of an image of 1 x 2 x 2: no mixture of the package."""

    t_min, t_max, shape = 0.01, 3.0, (1, 2, 2)

    def denoiser(self, x: Any, t: Any) -> Any:
        m = (-t).exp() if isinstance(t, torch.Tensor) else math.exp(-t)
        return VARIANCE * m * x / (1 - m**2 + m**2 * VARIANCE)


def number(t: Any) -> float:
    return float(t.detach()) if isinstance(t, torch.Tensor) else float(t)


class Blind(Gaussian):
    """A model that computes in NumPy: no gradient passes through it."""

    def denoiser(self, x: Any, t: Any) -> Any:
        return torch.as_tensor(super().denoiser(x.detach().numpy(), number(t)))


class Half(Gaussian):
    """A model that loses the gradient of the time alone, as one with a table of noise levels does."""

    def denoiser(self, x: Any, t: Any) -> Any:
        return super().denoiser(x, number(t))


def equal_angles(segments: int) -> np.ndarray:
    """The only best grid of Euler on one Gaussian (G6): equal steps in `arctan(sigma / sqrt(v))`."""
    c = math.sqrt(VARIANCE)
    angles = np.linspace(*(math.atan(math.sqrt(math.expm1(2 * t)) / c) for t in (3.0, 0.01)), segments + 1)
    return np.log1p((c * np.tan(angles)) ** 2) / 2


@pytest.mark.parametrize("model", [Gaussian(), Blind(), Half()], ids=["gradients", "differences", "half a gradient"])
def test_euler_on_one_gaussian_has_a_known_optimum(model):
    grid = solver_grid(model, 4, "euler", samples=64)
    assert grid.sampler == "euler"
    np.testing.assert_allclose(grid.times, equal_angles(4), rtol=0.02)
    assert (grid.times[0], grid.times[-1]) == (3.0, 0.01)
    angle = math.atan(math.sqrt(math.expm1(6) / VARIANCE)) - math.atan(math.sqrt(math.expm1(0.02) / VARIANCE))
    assert grid.options["predicted_relative_mse"] == pytest.approx((1 - math.cos(angle / 4) ** 4) ** 2, rel=1e-3)


def test_a_named_grid_that_is_best_keeps_its_name():
    """The mixture's arctan grid has the scale of its data and is that optimum."""
    law = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0]], "0.3"), "0.01", "3")
    grid = cf.time_grid(law, 3, kind="auto", sampler="euler", samples=64)
    np.testing.assert_allclose(grid.times, equal_angles(3), rtol=0.02)
    error = (1 - np.prod(np.cos(np.diff([math.atan(s / math.sqrt(VARIANCE)) for s in grid.sigmas])))) ** 2
    best = (1 - math.cos(np.ptp([math.atan(s / math.sqrt(VARIANCE)) for s in grid.sigmas]) / 3) ** 3) ** 2
    assert error <= best * (1 + 1e-3)


@nightly  # every day the optima of Gaussians, which are known
@pytest.mark.parametrize(("sampler", "gain"), [("heun", 0.92), ("euler", 0.98), ("dpmpp-2m", 0.75)])
def test_two_modes_on_fresh_points(sampler, gain):
    """Below named kinds, as predicted; trials found an optimum of 5.8e-4 for Heun."""
    seen: list[tuple[int, int]] = []
    grid = cf.time_grid(
        LAW, 8, "auto", sampler=sampler, samples=512, progress=lambda done, total: seen.append((done, total))
    )
    assert (grid.kind, grid.sampler) == ("optimised", sampler)
    assert set(grid.options) == {"predicted_relative_mse", "within_factor", "reason"}
    assert "the best named grid, on" in grid.options["reason"]
    assert grid.options["within_factor"] < 1.5
    assert seen == [(k, 5) for k in range(1, 6)]
    kinds = ("flow-matching", "arctan", "karras", "logsnr", "quadratic", "typical")
    named = {kind: cf.time_grid(LAW, 8, kind).times for kind in kinds}
    x = starts(LAW, 3000, 9, None)
    exact = torch.from_numpy(LAW.flow(x.numpy(), 3, "0.01", rtol=1e-7))
    fresh = Sample(x, exact, torch.full((3000,), 1 / 3000, dtype=torch.float64))
    error = {kind: float(fresh.errors(LAW, times, sampler).mean()) for kind, times in named.items()}
    own = float(fresh.errors(LAW, grid.times, sampler).mean())
    assert own < gain * min(error.values())
    assert own == pytest.approx(grid.options["predicted_relative_mse"], rel=0.25)


def test_a_seed_repeats():
    first, again, other = (
        solver_grid(Gaussian(), 2, "heun", samples=64, seed=seed).times.tolist() for seed in (3, 3, 4)
    )
    assert first == again
    assert first == pytest.approx(other, rel=1e-3)


def test_one_segment_has_no_choice():
    grid = solver_grid(Gaussian(), 1, "heun", samples=64)
    assert grid.times.tolist() == [3.0, 0.01]


def test_a_tolerance_takes_the_fewest_segments():
    model = Gaussian()
    grid = within(model, None, "euler", 0.02, samples=64)
    angle = np.ptp([math.atan(math.sqrt(math.expm1(2 * t) / VARIANCE)) for t in (3.0, 0.01)])
    errors = {k: (1 - math.cos(angle / k) ** k) ** 2 for k in (1, 2, 3, 4, 6, 8)}
    assert grid.segments == min(k for k, error in errors.items() if error <= 0.02)
    with pytest.raises(InputError, match=r"^tolerance: got 1e-09; required: at least .* up to K = 2$"):
        within(model, 2, "euler", 1e-9, samples=64)


# -- the shortest path -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("segments", range(1, 6))
@pytest.mark.parametrize("multistep", [False, True])
def test_the_shortest_path_against_all_paths(segments, multistep):
    rng = np.random.default_rng(segments)
    steps = solver_path._steps(6, 1, multistep)
    costs = {step: float(rng.uniform(1, 3)) for step in steps}

    def total(path: tuple[int, ...]) -> float:
        if not multistep:
            return sum(costs[edge] for edge in pairwise(path))
        return costs[path[:2]] + sum(costs[path[i : i + 3]] for i in range(len(path) - 2))

    every = [(0, *inner, 5) for inner in combinations(range(1, 5), segments - 1)]
    find = solver_path._pairs_path if multistep else solver_path._path
    assert tuple(find(costs, 6, segments)) == min(every, key=total)


@pytest.mark.parametrize("sampler", SOLVERS)
def test_carried_errors_on_one_gaussian(sampler):
    """A step multiplies by a number, and the flow carries by one: no point is needed to say what a step costs."""
    times, x = np.array([3.0, 1.2, 0.4, 0.01]), torch.ones(2, 1, 2, 2, dtype=torch.float64)
    sigmas = [math.sqrt(math.expm1(2 * t)) for t in times]
    flow = [math.sqrt((VARIANCE + s * s) / (VARIANCE + sigmas[0] ** 2)) for s in sigmas]
    share = [VARIANCE / (VARIANCE + s * s) for s in sigmas]
    step = (0, 1, 2) if sampler == "dpmpp-2m" else (1, 2)
    (found,) = solver_path.carried_errors(Gaussian(), x, SOLVERS[sampler], times, [step])
    a, b = sigmas[1], sigmas[2]
    if sampler == "dpmpp-2m":
        r = math.log(sigmas[0] / a) / math.log(a / b)
        mixed = share[1] * flow[1] + (share[1] * flow[1] - share[0] * flow[0]) / (2 * r)
        reached = b / a * flow[1] + (1 - b / a) * mixed
    else:
        first = (1 - share[1]) / a
        slope = first if sampler == "euler" else (first + (1 - share[2]) / b * (1 + (b - a) * first)) / 2
        reached = flow[1] * (1 + (b - a) * slope)
    z0 = math.exp(3.0)  # of x = 1; four coordinates
    exact = abs(reached / flow[2] - 1) * flow[3] * z0 * math.exp(-0.01) * 2
    assert found == pytest.approx(exact, rel=1e-3)


# -- points and weights ----------------------------------------------------------------------------------------


def test_kept_points_have_the_mean_of_all():
    """Of a grid that had no part in the choice too; and a smaller spread of those that had."""
    law = cf.OrnsteinUhlenbeck(cf.load_mixture("random-5"), "0.01", "3")
    grids = [cf.time_grid(law, 6, kind).times for kind in ("karras", "uniform")]
    pool = starts(law, 4000, 1, None)
    fine = fine_ends(law, pool, 6)
    exact = torch.from_numpy(law.flow(pool.numpy(), 3, "0.01", rtol=1e-8))
    every = Sample(pool, exact, torch.full((4000,), 1 / 4000, dtype=torch.float64))
    kept = [screened(law, pool, fine, grids[:1], "heun", 400, seed) for seed in range(3)]
    for sample in kept:
        assert len(sample.x) <= 401
        assert float(sample.weights.sum()) == pytest.approx(1)
    for times in grids:
        truth = float(every.errors(law, times, "heun").mean())
        means = [float(sample.weights @ sample.errors(law, times, "heun")) for sample in kept]
        assert np.mean(means) == pytest.approx(truth, rel=0.1)
    few = Sample(pool[:400], exact[:400], torch.full((400,), 1 / 400, dtype=torch.float64))
    spread = log_spread(kept[0].errors(law, grids[0], "heun"), kept[0].weights)
    assert spread < 0.6 * log_spread(few.errors(law, grids[0], "heun"), few.weights)


@pytest.mark.parametrize(
    ("model", "points"),
    [pytest.param(LAW, 64, id="mixture", marks=nightly), pytest.param(Gaussian(), 16, id="model")],
)
def test_the_path_of_a_model_looks_at_fewer_points(model, points, monkeypatch):
    """A multistep solver carries thousands of edges, each for every point."""
    seen = []

    def spy(law, x, solver, segments):
        seen.append(len(x))
        return solver_path.shortest_path(law, x, solver, segments)

    monkeypatch.setattr(solver_grids, "shortest_path", spy)
    solver_grid(model, 2, "dpmpp-2m", samples=256)
    assert seen == [points]


def test_the_gradient_of_the_error_is_that_of_differences():
    law = cf.OrnsteinUhlenbeck(cf.load_mixture("two-variances"), "0.01", "3")
    for sampler in SOLVERS.values():
        search = Search(law, sampler, 64, 0, None)
        points, start = search.plain(200), cf.time_grid(law, 4, "karras").times
        theta = np.array([0.3, -0.2, 0.1, 0.0])
        slope = search.log_error(points, theta, start, True)[1]
        for i in range(4):
            step = 1e-5 * np.eye(4)[i]
            high, low = (search.log_error(points, theta + s * step, start, False)[0] for s in (1, -1))
            assert slope[i] == pytest.approx((high - low) / 2e-5, rel=1e-4, abs=1e-7)


def test_data_of_a_model_are_noised():
    rows = np.full((5, 1, 2, 2), 7.0)
    found = starts(Gaussian(), 4000, 0, rows)
    assert found.shape == (4000, 1, 2, 2)
    assert float(found.mean()) == pytest.approx(7 * math.exp(-3), abs=0.05)
    assert float(found.std()) == pytest.approx(math.sqrt(1 - math.exp(-6)), abs=0.03)


class Point(Gaussian):
    """The denoiser of one point, of which Euler's steps in `sigma` are exact."""

    def denoiser(self, x: Any, t: Any) -> Any:
        return 0 * x + 0.7


def test_a_named_grid_whose_error_is_that_of_the_reference_keeps_its_name():
    found = solver_grid(Point(), 6, "euler", samples=64)
    assert found.options["predicted_relative_mse"] < 1e-8
    assert found.kind != "optimised"
    assert found.options["reason"].startswith(f"no grid that the search found is better than {found.kind} on")


def test_a_search_that_gains_less_than_is_told_keeps_the_named_grid():
    search = Search(Gaussian(), solver_of("euler"), 64, 0, None)
    held, times = search.plain(64), {"karras": np.array([3.0, 0.01]), "optimised-0": np.array([3.0, 0.01])}
    for gain, kind in ((0.9949, "optimised"), (0.9951, "karras"), (1.0, "karras"), (1.1, "karras")):
        errors = {"karras": torch.ones(64, dtype=torch.float64)}
        errors["optimised-0"] = gain * errors["karras"]
        found = _chosen(times, errors, held, ["karras"], solver_of("euler"))
        assert found.kind == kind
        assert "1.00 times" not in found.options["reason"]


def test_data_of_no_spread_have_the_scale_of_none():
    found, plain = named_grids(Gaussian(), 4, np.full((5, 1, 2, 2), 7.0)), named_grids(Gaussian(), 4)
    assert found.keys() == plain.keys()
    assert found["arctan"].tolist() == plain["arctan"].tolist()


def test_the_scale_of_data_is_that_of_their_spread_wherever_they_lie():
    rows = np.random.default_rng(0).normal(size=(9, 1, 2, 2))
    away = rows + np.array([[[[100.0, -100.0], [0.0, 7.0]]]])
    assert named_grids(Gaussian(), 4, away)["arctan"] == pytest.approx(named_grids(Gaussian(), 4, rows)["arctan"])


# -- what a grid says ------------------------------------------------------------------------------------------


def test_a_named_kind_is_the_same_for_all_and_says_for_which():
    law = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    usual, own = cf.time_grid(law, 4, "karras"), cf.time_grid(law, 4, "karras", sampler="heun")
    assert (usual.sampler, own.sampler) == ("distilled", "heun")
    assert usual.times.tolist() == own.times.tolist()
    document = own.export("json").text()
    assert from_json(document).sampler == "heun"
    assert usual.export("json").mapping()["sampler"] == "distilled"
    assert from_json(usual.export("json").text()).sampler == "distilled"
    with pytest.raises(InputError, match=r"^sampler: got 3; required: distilled or the name of a solver$"):
        from_json(own.export("json").mapping() | {"sampler": 3})


class Endless(Gaussian):
    t_max = math.inf


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"sampler": "ddpm"}, "sampler: got 'ddpm'; required: one of distilled, euler, heun, dpmpp-2m"),
        ({"segments": 0}, "segments: got 0; required: an int from 1 to 100 for a solver's grid"),
        ({"segments": 101}, "segments: got 101; required: an int from 1 to 100 for a solver's grid"),
        ({"segments": None}, "segments: got None; required: a number of segments, or a tolerance"),
        ({"samples": 3}, "samples: got 3; required: an int from 64 to 1000000"),
        ({"seed": -1}, "seed: got -1; required: an int from 0 to 4294967295"),
        (
            {"settings": 1},
            "settings: got 1; required: no settings for a plan, which compares kinds with their defaults",
        ),
        ({"rate": "sharp"}, "rate: got 'sharp'; required: no rate for a plan"),
        ({"tolerance": 2}, "tolerance: got 2; required: a relative mean squared error between 0 and 1"),
        ({"tolerance": 0.1, "kind": "karras"}, "kind: got 'karras'; required: auto for a tolerance with sampler heun"),
        ({"data": [[1.0, 2.0]]}, "data: got 'shape (1, 2)'; required: no data with a mixture"),
        (
            {"process": Gaussian(), "data": [[1.0]]},
            "data: got 'shape (1, 1)'; required: rows of the model's samples, shape (n, 1, 2, 2)",
        ),
        ({"process": Endless()}, "t_max: got inf; required: a number, an end of the model"),
        ({"process": object()}, "model: got <object"),
        ({"process": Gaussian(), "kind": "karras"}, "process: got <"),
    ],
)
def test_bad_input_is_one_line(change, line):
    given = {"process": LAW, "segments": 4, "kind": "auto", "sampler": "heun"} | change
    with pytest.raises(InputError) as refused:
        cf.time_grid(**given)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)


def test_symbols_are_refused_in_one_line():
    import sympy

    law = cf.GaussianMixture([1], [[0]], sympy.Symbol("v", positive=True))
    with pytest.raises(InputError, match=r"^mixture: got 'symbolic parameters'"):
        cf.time_grid(cf.OrnsteinUhlenbeck(law), 4, "auto", sampler="euler")


@pytest.mark.parametrize("arrays", [None, pytest.param("numpy", marks=nightly)])
def test_a_callable_of_numpy_has_a_grid_by_differences(arrays: str | None) -> None:
    """The least error of Euler's method on `N(0, v)` is that of nodes evenly in `arctan(sigma / sqrt v)`."""

    def plain(x: Any, sigma: Any) -> np.ndarray:
        found: np.ndarray = 0.25 / (0.25 + np.asarray(sigma)[:, None] ** 2) * np.asarray(x)
        return found

    model = cf.Model(plain, "sample", cf.schedules.edm(), shape=(2,), t_min=0.01, t_max=3, arrays=arrays)
    found = cf.time_grid(model, 3, sampler="euler", samples=64)
    angles = np.arctan(found.sigmas / 0.5)
    assert np.diff(angles) == pytest.approx(np.full(3, (angles[-1] - angles[0]) / 3), rel=0.05)

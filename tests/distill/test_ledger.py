"""The ledger of maps whose errors are known (the exact flow plus a wave) against differences of `certflow.flow`."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

import certflow as cf
from certflow.distill.carried import exact_entries
from certflow.distill.ledger import Maps, TestSet, ledger
from certflow.distill.ledger import test_set as make_test_set
from certflow.distill.plan import Plan, make_plan
from certflow.distill.reference import ReferenceFlow
from certflow.distill.settings import Settings
from certflow.distill.training import train
from certflow.flow import flow_map
from certflow.grids.grid import TimeGrid

LAWS = {
    "two modes": cf.GaussianMixture([0.5, 0.5], [[-1.0], [1.0]], 0.09),
    "three in the plane": cf.GaussianMixture([0.2, 0.5, 0.3], [[-1.0, 0.0], [1.0, 0.3], [0.0, 1.0]], 0.16),
}
TIMES = (3.0, 0.8, 0.2, 0.01)
COUNT = 64


class Waves:
    """`Psi(x) = Phi(x) + size sin(3 x + k)`, standing in for trained maps; its Lipschitz bounds are given."""

    def __init__(self, plan: Plan, flow: ReferenceFlow, size: float, bound: float = math.inf):
        self.plan, self.flow, self.size, self.broken = plan, flow, size, set()
        self.limit = bound

    def apply(self, where: tuple[int, int, int], x: torch.Tensor) -> torch.Tensor:
        _, start, end = where
        return self.flow.map(x, self.plan.times[start], self.plan.times[end]) + self.size * torch.sin(3 * x + start)

    def bound(self, where: tuple[int, int, int]) -> float:
        return self.limit


def prepared(law: str, size: float, bound: float = math.inf) -> tuple[Plan, ReferenceFlow, Any, TestSet]:
    process = cf.OrnsteinUhlenbeck(LAWS[law], "0.01", "3")
    grid = TimeGrid("custom", np.array(TIMES))
    plan = make_plan(process, [grid, "uniform"], [2], [3], Settings(test=COUNT))
    flow = ReferenceFlow(process, steps=64)
    return plan, flow, Waves(plan, flow, size, bound), make_test_set(plan, flow, 3)


def mean_square(values: np.ndarray) -> float:
    return float(np.mean(np.sum(values**2, axis=1)))


def by_hand(plan: Plan, tests: TestSet, size: float) -> dict[str, Any]:
    """Every entry by the adaptive flow: what becomes of an error, by differences along it."""
    process = plan.process
    exact = [tests.points[0].numpy()]
    for t, s in pairwise(TIMES):
        exact.append(flow_map(process, exact[-1], t, s, rtol=1e-13))
    starts = [plan.times.index(t) for t in TIMES]
    errors = [size * np.sin(3 * y + start) for y, start in zip(exact[:-1], starts[:-1], strict=True)]
    carried, exactly = [], []
    for error, y, t in zip(errors, exact[1:], TIMES[1:], strict=True):
        if t == TIMES[-1]:
            carried.append(error)
            exactly.append(error)
            continue
        h = 1e-4 / max(1e-12, float(np.abs(error).max()))
        up, down = (flow_map(process, y + sign * h * error, t, TIMES[-1], rtol=1e-13) for sign in (1, -1))
        carried.append((up - down) / (2 * h))
        exactly.append(flow_map(process, y + error, t, TIMES[-1], rtol=1e-13) - exact[-1])
    path, arrivals = exact[0], [exact[-1]]
    for (t, s), start in zip(pairwise(TIMES), starts, strict=False):
        path = flow_map(process, path, t, s, rtol=1e-13) + size * np.sin(3 * path + start)
        arrivals.append(path if s == TIMES[-1] else flow_map(process, path, s, TIMES[-1], rtol=1e-13))
    scale = mean_square(exact[-1])
    amplified = [mean_square(one) / scale for one in carried]
    return {
        "relative_mse": mean_square(path - exact[-1]) / scale,
        "local": [mean_square(one) / scale for one in errors],
        "amplified": amplified,
        "first_order": mean_square(sum(carried)) / scale,
        "incoherent": sum(amplified),
        "coherent": sum(math.sqrt(a) for a in amplified) ** 2,
        "exact_amplified": [mean_square(one) / scale for one in exactly],
        "linear_amplified": amplified,
        "path_amplified": [mean_square(b - a) / scale for a, b in pairwise(arrivals)],
        "end_to_end": mean_square(path - exact[-1]) / scale,
    }


@pytest.mark.parametrize("law", sorted(LAWS))
def test_every_entry_against_differences(law):
    size = 1e-3
    plan, flow, maps, tests = prepared(law, size)
    row = ledger(plan, plan.entries[0], 0, maps, tests)
    row |= exact_entries(plan, plan.entries[:1], 0, maps, tests, flow)[0]
    for name, expected in by_hand(plan, tests, size).items():
        assert row[name] == pytest.approx(expected, rel=1e-4), name
    assert row["small_amplified"] == pytest.approx(row["amplified"], rel=1e-2)
    assert row["grid"] == "custom"
    assert (row["segments"], row["seed"], row["diverged"]) == (3, 3, [])
    assert row["times"] == list(TIMES)


@pytest.mark.parametrize("law", sorted(LAWS))
def test_small_errors_are_first_order(law):
    plan, _, maps, tests = prepared(law, 1e-6)
    row = ledger(plan, plan.entries[0], 0, maps, tests)
    assert row["relative_mse"] == pytest.approx(row["first_order"], rel=1e-3)
    assert row["first_order"] <= row["coherent"] * (1 + 1e-12)  # the triangle inequality
    assert row["local"][-1] == pytest.approx(row["amplified"][-1])  # nothing is still to come


@pytest.mark.parametrize("size", [1e-6, 0.02, 1.0])
@pytest.mark.parametrize("law", sorted(LAWS))
def test_along_the_learned_path_the_coherent_sum_is_a_bound(law, size):
    """However large the errors are, as long as the flow is exact."""
    plan, flow, maps, tests = prepared(law, size)
    row = exact_entries(plan, plan.entries[:1], 0, maps, tests, flow)[0]
    bound = sum(map(math.sqrt, row["path_amplified"])) ** 2
    assert row["path_coherent"] == pytest.approx(bound, rel=1e-12)
    assert 0 < row["end_to_end"] <= bound * (1 + 1e-12)
    assert row["path_amplified"][0] == pytest.approx(row["exact_amplified"][0], rel=1e-6)  # there the paths agree


@pytest.mark.parametrize("law", sorted(LAWS))
def test_derivatives_at_some_of_the_points(law):
    """What contains them is then a mean over these; everything else is a mean over all."""
    plan, _, maps, tests = prepared(law, 0.02)
    some = COUNT // 3
    row = ledger(plan, plan.entries[0], 0, maps, TestSet(tests.points, tests.derivatives[:, :some]))
    alone = TestSet(tests.points[:, :some], tests.derivatives[:, :some])
    first, full = (ledger(plan, plan.entries[0], 0, maps, part) for part in (alone, tests))
    assert (row["relative_mse"], row["local"]) == (full["relative_mse"], full["local"])
    for name in ("amplified", "first_order", "incoherent", "coherent"):
        expected = np.array(first[name]) * alone.scale / tests.scale
        np.testing.assert_allclose(row[name], expected, rtol=1e-9)
        assert row[name] != full[name]


@pytest.mark.parametrize("law", sorted(LAWS))
def test_e1_and_e3_hold_and_with_a_smaller_exponent_they_do_not(law, monkeypatch):
    plan, flow, maps, tests = prepared(law, 0.02)
    row = exact_entries(plan, plan.entries[:1], 0, maps, tests, flow)[0]
    assert row["excess_e1"] <= 1e-7
    assert row["largest"] <= row["bound_e3"] * (1 + 1e-7)
    assert row["path_errors"][-1] ** 2 <= row["largest"] * tests.scale
    monkeypatch.setattr(flow, "factors", lambda times: [0.1] * 3)  # the false twin: tenfold contraction
    assert exact_entries(plan, plan.entries[:1], 0, maps, tests, flow)[0]["excess_e1"] > 1e-3


def test_e1_is_sharp_at_the_separatrix():
    """Two modes: next to the midway point an error grows by all that E1 allows, so a tenth less of it is too little."""
    plan, flow, maps, tests = prepared("two modes", 1e-3)
    near = torch.linspace(-1e-4, 1e-4, COUNT, dtype=torch.float64).unsqueeze(1)
    tests = TestSet(flow.nodes(near, plan.times), tests.derivatives)
    row = exact_entries(plan, plan.entries[:1], 0, maps, tests, flow)[0]
    assert row["excess_e1"] <= 1e-7
    factors = flow.factors(TIMES)
    flow.factors = lambda times: [f**0.9 for f in factors]  # type: ignore[method-assign]
    assert exact_entries(plan, plan.entries[:1], 0, maps, tests, flow)[0]["excess_e1"] > 1e-4
    assert row["largest"] <= row["bound_e3"] * (1 + 1e-7)
    plan.process.error_bound = lambda times, errors: sum(errors)  # type: ignore[method-assign]  # not amplified
    wrong = exact_entries(plan, plan.entries[:1], 0, maps, tests, flow)[0]
    assert wrong["largest"] > 1.5 * wrong["bound_e3"]


def test_without_a_global_bound_there_is_no_e1():
    law = cf.GaussianMixture([0.5, 0.5], [[-1, 0], [1, 0]], [[[0.1, 0], [0, 0.4]], [[0.4, 0], [0, 0.1]]])
    process = cf.OrnsteinUhlenbeck(law, "0.01", "3")
    plan = make_plan(process, ["uniform"], [2], 1, Settings(test=COUNT))
    flow = ReferenceFlow(process)
    tests = make_test_set(plan, flow, 0)
    row = exact_entries(plan, plan.entries[:1], 0, Waves(plan, flow, 1e-3), tests, flow)[0]
    assert "path_errors" in row
    assert not {"excess_e1", "bound_e3", "largest"} & set(row)


def test_a_huge_exponent_gives_an_infinite_bound():
    for deviation in (0.03, 0.01):  # the amplification is about e^550, and more than float64 holds
        law = cf.GaussianMixture([0.5, 0.5], [[-1.0], [1.0]], deviation**2)
        process = cf.OrnsteinUhlenbeck(law, "1e-6", "3")
        plan = make_plan(process, ["uniform"], [2], 1, Settings(test=COUNT))
        flow = ReferenceFlow(process)
        tests = make_test_set(plan, flow, 0)
        row = exact_entries(plan, plan.entries[:1], 0, Waves(plan, flow, 1e-3), tests, flow)[0]
        assert row["bound_e3"] == math.inf


# -- trained maps -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained() -> tuple[Plan, ReferenceFlow, Any, TestSet]:
    process = cf.OrnsteinUhlenbeck(LAWS["two modes"], "0.01", "3")
    plan = make_plan(process, ["uniform", "logsnr"], [1, 3], 1, Settings(hidden=16, steps=200, pool=1024, test=256))
    flow = ReferenceFlow(process)
    stacks = train(plan.segments, flow.pool(1024, plan.seeds, plan.times), plan.settings)
    return plan, flow, stacks, make_test_set(plan, flow, 0)


def test_e2_holds_and_without_the_lipschitz_constants_it_does_not(trained):
    plan, flow, stacks, tests = trained
    maps = Maps(stacks)
    for entry in plan.entries:
        row = ledger(plan, entry, 0, maps, tests)
        assert row["relative_mse"] <= row["bound_e2"] * (1 + 1e-6)
        roots = [math.sqrt(e) for e in row["local"]]
        bounds = row["lipschitz_bounds"]
        own = sum(e * math.prod(bounds[k + 1 :]) for k, e in enumerate(roots)) ** 2
        assert row["bound_e2"] == pytest.approx(own)
    growing = Waves(plan, flow, 0.05, bound=0.5)  # the false twin: maps said to contract that do not
    rows = [ledger(plan, entry, 0, growing, tests) for entry in plan.entries]
    assert any(row["relative_mse"] > row["bound_e2"] for row in rows)


def test_maps_are_found_wherever_they_are(trained):
    plan, _, stacks, tests = trained
    maps = Maps(stacks)
    for segment in plan.segments:
        where = (segment.seed, segment.start, segment.end)
        x = tests.points[segment.start, :20]
        (stack,) = stacks
        index = stack.segments.index(segment)
        full = stack.maps(x.float().expand(len(stack.segments), -1, -1))[index]
        torch.testing.assert_close(maps.apply(where, x), full.double(), rtol=1e-5, atol=1e-6)
        # a trained map is near the flow, one of another segment is not
        error = (maps.apply(where, x) - tests.points[segment.end, :20]).square().mean()
        assert error < 0.05 * tests.points[segment.end].square().mean()
        assert maps.bound(where) == stack.maps.lipschitz_bounds()[index]


def test_a_diverged_segment_is_named_and_not_measured(trained):
    plan, _, stacks, tests = trained
    entry = plan.entries[1]
    nodes = plan.nodes(entry)
    index = next(i for i, s in enumerate(stacks[0].segments) if (s.start, s.end) == (nodes[1], nodes[2]))
    stack = replace(stacks[0], losses=stacks[0].losses.clone())
    stack.losses[index] = math.nan
    row = ledger(plan, entry, 0, Maps([stack]), tests)
    assert row["diverged"] == [2]
    assert row["relative_mse"] is None
    assert "local" not in row


def test_a_composition_that_overflows_is_diverged():
    plan, _, maps, tests = prepared("two modes", 1e-3)
    plain = maps.apply
    maps.apply = lambda where, x: plain(where, x) if where[1] == 0 else x * math.inf
    row = ledger(plan, plan.entries[0], 0, maps, tests)
    assert row["diverged"] == [2]
    assert row["relative_mse"] is None

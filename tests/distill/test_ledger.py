"""The ledger of maps whose errors are known, and of trained ones."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from depth import night
from waves import COUNT, LAWS, Waves, prepared

import certflow as cf
from certflow.distill.ledger import Maps, Trajectories, drawn_trajectories, ledger, trajectories
from certflow.distill.plan import Plan, make_plan
from certflow.distill.reference import ReferenceFlow
from certflow.distill.settings import Settings
from certflow.distill.training import train
from certflow.distill.weighted import even_sample


@pytest.mark.parametrize("law", sorted(LAWS))
def test_small_errors_are_first_order(law):
    plan, _, maps, tests = prepared(law, 1e-6)
    row = ledger(plan, plan.entries[0], 0, maps, tests)
    assert row["relative_mse"] == pytest.approx(row["first_order"], rel=1e-3)
    assert row["first_order"] <= row["coherent"] * (1 + 1e-12)  # the triangle inequality
    assert row["local"][-1] == pytest.approx(row["amplified"][-1])  # nothing is still to come


@pytest.mark.parametrize("law", ["three in the plane", *night("two modes")])
def test_derivatives_at_some_of_the_points(law):
    """What contains them is then a mean over these; everything else is a mean over all."""
    plan, _, maps, tests = prepared(law, 0.02)
    some = COUNT // 3
    row = ledger(plan, plan.entries[0], 0, maps, replace(tests, derivatives=tests.derivatives[:, :some]))
    alone = Trajectories(tests.points[:, :some], tests.derivatives[:, :some], even_sample(tests.points[-1, :some]))
    first, full = (ledger(plan, plan.entries[0], 0, maps, part) for part in (alone, tests))
    assert (row["relative_mse"], row["local"]) == (full["relative_mse"], full["local"])
    for name in ("amplified", "first_order", "incoherent", "coherent"):
        expected = np.array(first[name]) * alone.scale / tests.scale
        np.testing.assert_allclose(row[name], expected, rtol=1e-9)
        assert row[name] != full[name]


# -- trained maps -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained() -> tuple[Plan, ReferenceFlow, Any, Trajectories]:
    process = cf.OrnsteinUhlenbeck(LAWS["two modes"], "0.01", "3")
    plan = make_plan(process, ["uniform", "logsnr"], [1, 3], 1, Settings(hidden=16, steps=200, pool=1024, test=256))
    flow = ReferenceFlow(process)
    stacks = train(plan.segments, flow.pool(1024, plan.seeds, plan.times), plan.settings)
    return plan, flow, stacks, trajectories(plan, flow, flow.sample(256, 0))


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
    plan, flow, stacks, _ = trained
    tests, maps = drawn_trajectories(plan, flow, 0, 20), Maps(stacks)
    for segment in plan.segments:
        where = (segment.seed, segment.start, segment.end)
        x = tests.points[segment.start]
        (stack,) = stacks
        index = stack.segments.index(segment)
        full = stack.maps(x.float().expand(len(stack.segments), -1, -1))[index]
        torch.testing.assert_close(maps.apply(where, x), full.double(), rtol=1e-5, atol=1e-6)
        # a trained map is near the flow, one of another segment is not
        error = (maps.apply(where, x) - tests.points[segment.end]).square().mean()
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

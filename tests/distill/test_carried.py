"""Errors carried by the flow, of maps whose errors are known, against differences of `certflow.flow.reference`."""

from __future__ import annotations

import math

import pytest
import torch
from depth import night
from waves import COUNT, LAWS, TIMES, Waves, by_hand, prepared

import certflow as cf
from certflow.distill.carried import exact_entries
from certflow.distill.ledger import Trajectories, drawn_trajectories, ledger, trajectories
from certflow.distill.plan import make_plan
from certflow.distill.reference import ReferenceFlow
from certflow.distill.settings import Settings
from certflow.distill.weighted import even_sample


@pytest.mark.parametrize("law", ["three in the plane", *night("two modes")])
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
def test_errors_far_below_that_of_the_reference_flow_are_told(law):
    """Draws are integrated down, as what starts beside them is; up from the end their error was taken for growth."""
    plan, _, _, _ = prepared(law, 1e-6)
    flow = ReferenceFlow(plan.process, steps=8)
    maps, draws = Waves(plan, flow, 1e-6), drawn_trajectories(plan, flow, 3, COUNT)
    row = exact_entries(plan, plan.entries[:1], 0, maps, draws, flow)[0]
    assert row["small_amplified"] == pytest.approx(row["linear_amplified"], rel=2e-2)
    up = trajectories(plan, flow, draws.sample)
    other = exact_entries(plan, plan.entries[:1], 0, maps, up, flow)[0]
    assert other["small_amplified"][0] > 2 * other["linear_amplified"][0]


@pytest.mark.parametrize("size", [1.0, *night(1e-6, 0.02)])
@pytest.mark.parametrize("law", ["three in the plane", *night("two modes")])
def test_along_the_learned_path_the_coherent_sum_is_a_bound(law, size):
    """However large the errors are, as long as the flow is exact."""
    plan, flow, maps, tests = prepared(law, size)
    row = exact_entries(plan, plan.entries[:1], 0, maps, tests, flow)[0]
    bound = sum(map(math.sqrt, row["path_amplified"])) ** 2
    assert row["path_coherent"] == pytest.approx(bound, rel=1e-12)
    assert 0 < row["end_to_end"] <= bound * (1 + 1e-12)
    assert row["path_amplified"][0] == pytest.approx(row["exact_amplified"][0], rel=1e-6)  # there the paths agree


@pytest.mark.parametrize("law", ["three in the plane", *night("two modes")])
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
    points = flow.nodes(near, plan.times)
    tests = Trajectories(points, tests.derivatives, even_sample(points[-1]))
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
    tests = drawn_trajectories(plan, flow, 0, COUNT)
    row = exact_entries(plan, plan.entries[:1], 0, Waves(plan, flow, 1e-3), tests, flow)[0]
    assert "path_errors" in row
    assert not {"excess_e1", "bound_e3", "largest"} & set(row)


@pytest.mark.parametrize("deviation", [*night(0.03), 0.01])
def test_a_huge_exponent_gives_an_infinite_bound(deviation):
    """The amplification is about e^550, and more than float64 holds."""
    law = cf.GaussianMixture([0.5, 0.5], [[-1.0], [1.0]], deviation**2)
    process = cf.OrnsteinUhlenbeck(law, "1e-6", "3")
    plan = make_plan(process, ["uniform"], [2], 1, Settings(test=COUNT))
    flow = ReferenceFlow(process)
    tests = drawn_trajectories(plan, flow, 0, COUNT)
    row = exact_entries(plan, plan.entries[:1], 0, Waves(plan, flow, 1e-3), tests, flow)[0]
    assert row["bound_e3"] == math.inf

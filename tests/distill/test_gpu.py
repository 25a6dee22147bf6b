"""A GPU computes what the CPU does: reference flow, training, ledger, experiment (skipped where there is none)."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import certflow as cf
from certflow.distill import Settings, run, training
from certflow.distill.carried import exact_entries
from certflow.distill.cuda_graphs import CudaGraphs
from certflow.distill.growth import growth
from certflow.distill.ledger import Maps, drawn_trajectories, ledger, trajectories
from certflow.distill.plan import make_plan
from certflow.distill.reference import ReferenceFlow
from certflow.distill.training import Segment, Trained, graphs_on, stepper_of, train
from certflow.planning.pilot import Pilot

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")

LAWS = {
    "common-isotropic": "two-modes",
    "isotropic": "two-variances",
    "shared": "iris",
    "full": "anisotropic-pair",
}
SMALL = Settings(hidden=16, steps=200, batch=64, pool=1024, test=512, warmup=10)


def process(name: str) -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.load_mixture(name), "0.01", "3")


@pytest.mark.parametrize("name", LAWS.values(), ids=LAWS)
def test_the_reference_flow_and_its_derivatives(name):
    p = process(name)
    here, there = ReferenceFlow(p), ReferenceFlow(p, "cuda")
    x = here.draw(300, 0, 0)
    torch.testing.assert_close(there.draw(300, 0, 0).cpu(), x, rtol=0, atol=0)
    torch.testing.assert_close(there.map(x.cuda(), 3.0, 0.01).cpu(), here.map(x, 3.0, 0.01), rtol=1e-10, atol=1e-10)
    for mine, its in zip(
        here.derivatives(x, (0.01, 0.3, 3.0), adjoint=True),
        there.derivatives(x.cuda(), (0.01, 0.3, 3.0), adjoint=True),
        strict=True,
    ):
        torch.testing.assert_close(its.cpu(), mine, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("lipschitz", [None, 3.0])
@pytest.mark.parametrize("activation", ["silu", "tanh", "relu", "groupsort"])
def test_training_goes_the_same_way(activation, lipschitz):
    """Rounding differs and grows with the steps, so the first ones are compared; mini-batches are the same."""
    p = process("two-modes")
    settings = replace(SMALL, steps=20, activation=activation, lipschitz=lipschitz)
    plan = make_plan(p, ["uniform", "logsnr"], [3], 2, settings)
    pool = ReferenceFlow(p).pool(settings.pool, plan.seeds, plan.times)
    (here,), (there,) = train(plan.segments, pool, settings), train(plan.segments, pool.cuda(), settings)
    torch.testing.assert_close(there.losses.cpu(), here.losses, rtol=1e-3, atol=0)
    for mine, its in zip(here.maps.parameters(), there.maps.parameters(), strict=True):
        assert its.device.type == "cuda"
        assert float((its.cpu() - mine).abs().max()) < 1e-2


# -- CUDA graphs ------------------------------------------------------------------------------------------------


def stack(settings: Settings) -> tuple[tuple[Segment, ...], torch.Tensor]:
    p = process("two-modes")
    plan = make_plan(p, ["uniform", "logsnr"], [3], 2, settings)
    return plan.segments, ReferenceFlow(p, "cuda").pool(settings.pool, plan.seeds, plan.times)


def same(left: list[Trained], right: list[Trained]) -> bool:
    states = [[*one.maps.parameters(), one.losses] for stacks in (left, right) for one in stacks]
    return all(torch.equal(a, b) for a, b in zip(*states, strict=True))


@pytest.mark.parametrize("activation", ["silu", "tanh", "relu", "groupsort"])
def test_a_graph_trains_as_steps_one_by_one_do(activation):
    settings = replace(SMALL, activation=activation)
    segments, pool = stack(settings)
    graphs = CudaGraphs(pool.device)
    recorded, plain = (stepper_of(segments, pool, settings, how) for how in (graphs, None))
    for steps in (2, 20, 20):  # an epoch has 16
        torch.testing.assert_close(recorded.run(steps), plain.run(steps), rtol=1e-3, atol=0)
    assert recorded.refused == ""
    assert recorded.replay is not None
    assert plain.replay is None
    for mine, its in zip(recorded.regression.maps.parameters(), plain.regression.maps.parameters(), strict=True):
        assert float((mine - its).abs().max()) < 1e-2
    assert torch.cuda.current_stream() == torch.cuda.default_stream()


def test_a_budget_is_stepped_one_by_one():
    settings = replace(SMALL, lipschitz=3.0, steps=10)
    segments, pool = stack(settings)
    assert graphs_on(pool.device, settings) is None
    (trained,) = train(segments, pool, settings)
    assert trained.refused == ""


@pytest.mark.parametrize("at", [10, 30, 50])
def test_interrupted_with_graphs_it_goes_on_where_it_was(tmp_path, monkeypatch, at):
    monkeypatch.setattr(training, "ROUND", 10)
    settings = replace(SMALL, steps=60)
    segments, pool = stack(settings)
    whole = train(segments, pool, settings)

    def stop(done: int, total: int) -> None:
        if done == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(segments, pool, settings, stop, tmp_path)
    assert same(train(segments, pool, settings, None, tmp_path), whole)
    assert whole[0].refused == ""


def test_the_memory_of_a_graph_comes_back():
    segments, pool = stack(SMALL)
    left = []
    for _ in range(3):
        train(segments, pool, SMALL)
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        left.append((torch.cuda.memory_allocated(), torch.cuda.memory_reserved()))
    assert left[1] == left[2]


def test_a_step_that_waits_for_the_device_is_refused():
    """In a process of its own: after a capture that failed no other is tried."""
    code = """
import torch
from certflow.distill.cuda_graphs import CudaGraphs
graphs, x = CudaGraphs(torch.device("cuda", 0)), torch.zeros(1, device="cuda")
for _ in range(2):
    try:
        with graphs.aside():
            graphs.captured(lambda: x.add_(float(x)))
    except RuntimeError as error:
        print(str(error).splitlines()[0])
    assert torch.cuda.current_stream() == torch.cuda.default_stream()
    assert float(x.add_(1)) > 0
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    first, second = done.stdout.splitlines()
    assert first == second


def test_the_same_maps_have_the_same_ledger():
    p = process("two-modes")
    plan = make_plan(p, ["logsnr", "typical"], [3], 1, SMALL)
    pool = ReferenceFlow(p).pool(SMALL.pool, plan.seeds, plan.times)
    (here,) = train(plan.segments, pool, SMALL)
    rows = []
    for device in ("cpu", "cuda"):
        flow = ReferenceFlow(p, device)
        maps = Maps([moved(here, device)])
        tests, draws = trajectories(plan, flow, flow.sample(SMALL.test, 0)), drawn_trajectories(plan, flow, 0)
        exact = exact_entries(plan, plan.entries, 0, maps, draws, flow)
        rows.append([ledger(plan, entry, 0, maps, tests) | own for entry, own in zip(plan.entries, exact, strict=True)])
    for mine, its in zip(*rows, strict=True):
        for name in ("relative_mse", "local", "amplified", "exact_amplified", "path_amplified", "path_coherent"):
            np.testing.assert_allclose(its[name], mine[name], rtol=1e-3, err_msg=name)
        assert its["excess_e1"] <= 1e-5


def moved(trained: Trained, device: str) -> Trained:
    """The same maps elsewhere."""
    maps = trained.maps
    normalisers = replace(
        maps.normalisers, **{name: getattr(maps.normalisers, name).to(device) for name in vars(maps.normalisers)}
    )
    maps = maps.to(device)
    maps.normalisers = normalisers
    return Trained(trained.segments, maps, trained.losses.to(device))


def small(**changed: Any) -> Any:
    given: dict[str, Any] = {"grids": ["uniform", "stability-balanced"], "segments": [1, 3], "seeds": 2}
    return run(cf.load_mixture("two-modes"), **given | {"device": "cuda", "settings": SMALL} | changed)


def test_an_experiment_comes_out_the_same_twice_and_much_as_on_the_cpu(tmp_path):
    there, here = small(), small(device="cpu")
    assert small(device="auto").rows == there.rows
    assert there.setting["device"] == torch.cuda.get_device_name()
    for mine, its in zip(here.rows, there.rows, strict=True):
        assert its["relative_mse"] == pytest.approx(mine["relative_mse"], rel=0.5)  # rounding parts the trainings

    def stop(done: int, total: int, what: str) -> None:
        if what.endswith("maps") and done == 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small(out=tmp_path, progress=stop)
    assert small(out=tmp_path).rows == there.rows


def test_growth_and_pilot():
    p = process("two-modes")
    there, here = growth(p, 1, "cuda", 64), growth(p, 1, "cpu", 64)
    np.testing.assert_allclose(there.typical, here.typical, rtol=1e-6, atol=1e-9)
    assert there.separatrix is not None
    assert here.separatrix is not None
    np.testing.assert_allclose(there.separatrix, here.separatrix, rtol=1e-9, atol=1e-9)
    times = cf.time_grid(p, 17, "typical").times
    pilot = Pilot(p, times.tolist(), np.linspace(0, 1, 18), replace(SMALL, steps=50), "cuda")
    assert 0 < pilot.predict(times[[0, 8, 17]]).relative_mse < 1

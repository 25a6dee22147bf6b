"""A GPU computes what the CPU does: reference flow, training, ledger, experiment (skipped where there is none)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import certflow as cf
from certflow.distill import Settings, run
from certflow.distill.carried import exact_entries
from certflow.distill.growth import growth
from certflow.distill.ledger import Maps, drawn_trajectories, ledger, trajectories
from certflow.distill.plan import make_plan
from certflow.distill.reference import ReferenceFlow
from certflow.distill.training import Trained, train
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

"""The reference flow on tensors against `certflow.flow.reference`, quantile transforms and differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from depth import night
from scipy.optimize import brentq
from scipy.stats import norm

import certflow as cf
from certflow.distill.reference import Parcel, ReferenceFlow, device_of
from certflow.distill.samples import POOL, TEST, draw
from certflow.errors import InputError
from certflow.flow.reference import flow_map, flow_with_derivative

MEANS = [[-1.0, 0.2], [0.8, -0.3], [0.1, 1.0]]
MATRIX = [[0.3, 0.1], [0.1, 0.2]]
COVARIANCES = {
    "common-isotropic": 0.09,
    "isotropic": [0.04, 0.3, 1.7],
    "shared": MATRIX,
    "full": [MATRIX, [[0.1, 0.0], [0.0, 2.0]], [[0.5, -0.2], [-0.2, 0.4]]],
}
KINDS = ["full", *night("common-isotropic", "isotropic", "shared")]
#: Times from the noise to the data, and back.
DOWN, UP = (3.0, 0.6, 0.01), (0.01, 0.6, 3.0)


def process(kind: str) -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture([0.5, 0.3, 0.2], MEANS, COVARIANCES[kind]), "0.01", "3")


def points(count: int = 40, seed: int = 0) -> torch.Tensor:
    return 1.5 * torch.randn(count, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", ["full", *night("common-isotropic", "isotropic", "shared")])
@pytest.mark.parametrize(("t_from", "t_to"), [(3.0, 0.01), *night((0.01, 3.0)), (1.0, 1.0)])
def test_equals_the_adaptive_flow(kind, t_from, t_to):
    p, x = process(kind), points(6)
    found = ReferenceFlow(p, steps=256).map(x, t_from, t_to)
    exact = flow_map(p, x.numpy(), t_from, t_to, rtol=5e-14) if t_from != t_to else x.numpy()
    np.testing.assert_allclose(found.numpy(), exact, rtol=1e-10, atol=1e-11)
    assert found.dtype == torch.float64


@pytest.mark.parametrize(("means", "variances"), [([-1.0, 1.0], [0.09, 0.09]), ([-1.0, 0.5], [0.04, 0.2])])
def test_equals_the_quantile_transform(means, variances):
    law = cf.GaussianMixture([0.4, 0.6], [[m] for m in means], variances)
    x = torch.tensor([[-2.0], [-0.5], [-0.05], [0.3], [1.0], [2.5]], dtype=torch.float64)

    def distribution(t, z):
        m = np.exp(-t)
        scales = np.sqrt(m**2 * np.array(variances) + 1 - m**2)
        return np.dot([0.4, 0.6], norm.cdf((z - m * np.array(means)) / scales))

    levels = [distribution(3.0, float(one)) for one in x]
    expected = [brentq(lambda z, q=q: distribution(0.01, z) - q, -9, 9, xtol=1e-14) for q in levels]
    found = ReferenceFlow(cf.OrnsteinUhlenbeck(law), steps=128).map(x, 3.0, 0.01)
    np.testing.assert_allclose(found[:, 0].numpy(), expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_nodes_are_the_maps_from_the_start(kind):
    flow, x = ReferenceFlow(process(kind), steps=32), points()
    times = (3.0, 1.0, 0.3, 0.01)
    nodes = flow.nodes(x, times)
    for node, t in zip(nodes, times, strict=True):
        torch.testing.assert_close(node, flow.map(x, 3.0, t), rtol=1e-6, atol=1e-6)
    rounded = flow.nodes(x, times, torch.float32)
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, nodes.float())


def test_chunks_do_not_show(monkeypatch):
    flow, x = ReferenceFlow(process("full")), points(25)
    times = (3.0, 0.5, 0.01)
    whole, parts = flow.nodes(x, times), [x[:10], x[10:20], x[20:]]
    parcels = [Parcel(part, start, (2,)) for start, part in enumerate(parts)]
    carried = [end for (end,) in flow.carry(parcels, times)]
    monkeypatch.setattr("certflow.distill.reference.CHUNK", {"cpu": 7})
    torch.testing.assert_close(flow.nodes(x, times), whole, rtol=1e-13, atol=1e-13)
    for (one,), other in zip(flow.carry(parcels, times), carried, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_parcels_are_carried_as_by_separate_maps(kind):
    flow, x = ReferenceFlow(process(kind), steps=32), points(30)
    times = (2.0, 0.7, 0.2, 0.05, 0.01)
    stops = [(1, 4), (4,), (3,), (2, 3, 4), (4, 4)]
    starts = [0, 0, 2, 1, 4]
    parcels = [Parcel(x[6 * i : 6 * i + 6], starts[i], stops[i]) for i in range(5)]
    for parcel, ends in zip(parcels, flow.carry(parcels, times), strict=True):
        assert len(ends) == len(parcel.stops)
        for end, stop in zip(ends, parcel.stops, strict=True):
            expected = flow.map(parcel.points, times[parcel.start], times[stop])
            torch.testing.assert_close(end, expected, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(flow.carry(parcels[4:], times)[0][0], parcels[4].points, rtol=0, atol=0)
    assert flow.carry([], times) == []


# -- derivatives ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "times"),
    [
        ("full", DOWN),
        *night(("common-isotropic", UP), ("full", UP), ("common-isotropic", DOWN)),
        *night(*((kind, times) for kind in ("isotropic", "shared") for times in (DOWN, UP))),
    ],
)
def test_derivatives_against_the_variational_equation_of_the_adaptive_flow(kind, times):
    p, x = process(kind), points(4)
    flow = ReferenceFlow(p, steps=64)
    nodes, derivatives = flow.derivatives(x, times)
    assert torch.equal(derivatives[0], torch.eye(2, dtype=torch.float64).expand(4, 2, 2))
    for i in (1, 2):
        point, derivative = flow_with_derivative(p, x.numpy(), times[0], times[i], rtol=1e-12)
        np.testing.assert_allclose(nodes[i].numpy(), point, rtol=1e-7, atol=1e-8)
        np.testing.assert_allclose(derivatives[i].numpy(), derivative, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["full", *night("common-isotropic", "isotropic", "shared")])
def test_adjoint_derivatives_against_differences(kind):
    """`M_i = D Phi_{t_i -> t_0}(x_i)`: differences of the flow back, from the points that were reached."""
    flow, x = ReferenceFlow(process(kind), steps=32), points(12)
    times, h = (0.01, 0.2, 3.0), 1e-5
    reached, adjoint = flow.derivatives(x, times, adjoint=True)
    for i in (1, 2):
        for k in range(2):
            step = h * torch.eye(2, dtype=torch.float64)[k]
            up, down = (flow.map(reached[i] + sign * step, times[i], times[0]) for sign in (1, -1))
            torch.testing.assert_close(adjoint[i, :, :, k], (up - down) / (2 * h), rtol=1e-4, atol=1e-6)


def test_the_adjoint_is_not_the_forward_derivative():
    """The false twin: `D Phi_{t_0 -> t_i}` in its place, or the transpose."""
    flow, x = ReferenceFlow(process("full"), steps=80), points(12)
    _, adjoint = flow.derivatives(x, (0.01, 1.0), adjoint=True)
    _, forward = flow.derivatives(x, (0.01, 1.0))
    identity = torch.eye(2, dtype=torch.float64).expand(12, 2, 2)
    torch.testing.assert_close(adjoint[1] @ forward[1], identity, rtol=0, atol=1e-7)
    assert (adjoint[1] - forward[1]).norm() > 1
    assert (adjoint[1] - adjoint[1].mT).norm() > 0.01


@pytest.mark.parametrize(("deviation", "t_min"), [*night((0.3, "0.01")), (0.05, "0.001")])
def test_derivatives_stay_with_the_points_that_went_down(deviation, t_min):
    """Up from the data end along exact trajectories: they come back to where they started, however stiff the flow."""
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([0.5, 0.5], [[-1.0], [1.0]], deviation**2), t_min, "3")
    flow = ReferenceFlow(p)
    x = draw(p, 2000, 0, TEST)
    flow.choose_steps(x, p.t_max, p.t_min)
    flow.steps *= 2
    down = flow.nodes(x, (p.t_max, 0.2, 0.05, p.t_min))
    up, _ = flow.derivatives(down[-1], (p.t_min, 0.05, 0.2, p.t_max), adjoint=True)
    assert (up.flip(0) - down).square().mean() < 1e-9


# -- the error estimate -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tolerance", [1e-6, *night(1e-10), 1e-14])
def test_the_estimate_is_the_error(kind, tolerance):
    p = process(kind)
    x = draw(p, 100, 0, TEST)
    flow = ReferenceFlow(p)
    estimate = flow.choose_steps(x, 3.0, 0.01, tolerance)
    assert estimate <= tolerance
    exact = flow_map(p, x.numpy(), 3.0, 0.01, rtol=1e-12)
    error = np.sum((flow.map(x, 3.0, 0.01).numpy() - exact) ** 2) / np.sum(exact**2)
    assert estimate / 4 <= error <= 4 * estimate
    coarser = ReferenceFlow(p, steps=flow.steps // 2)
    if flow.steps > 8:  # no more steps than needed
        worse = np.sum((coarser.map(x, 3.0, 0.01).numpy() - exact) ** 2) / np.sum(exact**2)
        assert worse > tolerance / 4


def test_a_tolerance_out_of_reach_is_told():
    p = process("full")
    flow = ReferenceFlow(p)
    estimate = flow.choose_steps(draw(p, 100, 0, TEST), 3.0, 0.01, 1e-40)
    assert flow.steps == 128
    assert 1e-40 < estimate < 1e-12


# -- draws, devices -----------------------------------------------------------------------------------------------


def test_draws_follow_the_law_at_the_noise_end():
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([0.25, 0.75], [[-2.0], [1.0]], 0.09), 0.01, 0.5)
    x = draw(p, 40_000, 0, POOL)[:, 0].numpy()
    m = np.exp(-0.5)
    for q in (-1.0, 0.0, 0.5, 1.5):
        exact = np.dot([0.25, 0.75], norm.cdf((q - m * np.array([-2, 1])) / np.sqrt(0.09 * m**2 + 1 - m**2)))
        assert np.mean(x <= q) == pytest.approx(exact, abs=5 * np.sqrt(exact * (1 - exact) / 40_000))


def test_each_seed_and_purpose_has_draws_of_its_own():
    p = process("shared")
    draws = [draw(p, 5, seed, purpose) for seed in (0, 1) for purpose in (POOL, TEST)]
    assert len({tuple(one.flatten().tolist()) for one in draws}) == 4
    assert torch.equal(draws[0], draw(p, 5, 0, POOL))


def test_pool_is_seed_by_time_by_point():
    p = process("isotropic")
    flow = ReferenceFlow(p)
    pool = flow.pool(6, (4, 2), (3.0, 0.5, 0.01))
    assert pool.shape == (2, 3, 6, 2)
    assert pool.dtype == torch.float32
    torch.testing.assert_close(pool[1, 2], flow.map(draw(p, 6, 2, POOL), 3.0, 0.01).float())


def test_devices():
    assert device_of("cpu") == torch.device("cpu")
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert device_of("auto") == torch.device(expected)
    for name in ("cuda:99", "tpu", "cuda" if not torch.cuda.is_available() else "cuda:98"):
        with pytest.raises(InputError, match=r"^device: got .*; required: one of auto, cpu.*what this machine has"):
            device_of(name)

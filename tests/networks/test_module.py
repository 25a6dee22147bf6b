"""A network as a torch module: its values, its derivatives, and what torch's own tools do with it."""

from __future__ import annotations

import copy
import io

import numpy as np
import pytest
import torch
from small import POINTS, TIMES, expected, network

from certflow.errors import InputError
from certflow.networks import module as home
from certflow.networks.module import Affine, NetworkModule, ReluRequ

RIGHT = np.array([expected(*point, time) for point, time in zip(POINTS, TIMES, strict=True)], dtype=float)
X = np.array(POINTS, dtype=float)
T = np.array(TIMES, dtype=float)


@pytest.mark.parametrize(("arithmetic", "tolerance"), [("float64", 1e-15), ("float32", 1e-6)])
def test_values(arithmetic: str, tolerance: float) -> None:
    made = NetworkModule(network(), arithmetic)
    found = made(torch.tensor(X), torch.tensor(T))
    assert found.dtype == getattr(torch, arithmetic)
    np.testing.assert_allclose(found.numpy(), RIGHT, rtol=tolerance)
    np.testing.assert_array_equal(made(X, T).numpy(), found.numpy())


def test_it_is_affine_maps_relu_and_requ_alone() -> None:
    made = NetworkModule(network())
    kinds = [type(part) for part in made.modules() if not list(part.children())]
    assert kinds == [ReluRequ, ReluRequ, ReluRequ, Affine]
    assert [(layer.relus, len(layer.weight)) for layer in made.layers] == [(2, 8), (5, 5), (0, 6)]
    assert (made.depth, made.width, made.neurons) == (3, 8, 19)
    rows = [neuron.row for layer in network().layers for neuron in layer] + network().outputs
    assert made.parameters_count == sum(len(row.weights) + (row.bias != 0) for row in rows)


def test_derivatives_in_x_and_t() -> None:
    """Where `x t > y`: `d (x t)^2 = 2 x t (t, 0; x)`, `d (x t y^2) = (t y^2, 2 x t y; x y^2)`."""
    made = NetworkModule(network())
    x, t = torch.tensor([1.5, -0.25], dtype=torch.float64), torch.tensor(0.5, dtype=torch.float64)
    in_x, in_t = torch.func.jacrev(made, argnums=(0, 1))(x, t)
    torch.testing.assert_close(in_x, torch.tensor([[0.75, 0], [0.03125, -0.375], [0, 0]], dtype=torch.float64))
    torch.testing.assert_close(in_t, torch.tensor([2.25, 0.09375, 0], dtype=torch.float64))
    x.requires_grad_()
    made(x, t)[0].backward()
    torch.testing.assert_close(x.grad, in_x[0])
    assert all(parameter.grad is None for parameter in made.parameters())


def test_torch_has_its_weights() -> None:
    made, other = NetworkModule(network()), NetworkModule(network())
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    assert other(X, T).abs().max() == 0
    other.load_state_dict(made.state_dict())
    assert torch.equal(other(X, T), made(X, T))
    short = copy.deepcopy(made).to(torch.float32)
    assert short(X, T).dtype == torch.float32
    np.testing.assert_allclose(short(X, T).numpy(), RIGHT, rtol=1e-6)
    buffer = io.BytesIO()
    torch.save(made, buffer)
    buffer.seek(0)
    assert torch.equal(torch.load(buffer, weights_only=False)(X, T), made(X, T))


def test_it_can_be_trained_where_that_is_asked_for() -> None:
    made = NetworkModule(network())
    assert not made(X, T).requires_grad
    made.requires_grad_()
    made(X, T).sum().backward()
    assert made.outputs.bias.grad.tolist() == [4, 4, 4]


def test_points_go_through_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in memory does not grow with the points, but for the answer."""
    monkeypatch.setattr(home, "CHUNK", 16)
    made = NetworkModule(network())
    seen = []
    for layer in made.layers:
        layer.register_forward_hook(lambda _, given, __: seen.append(given[0].shape[1]))
    x = np.random.default_rng(0).normal(size=(100, 2))
    found = made(x, 0.5)
    assert max(seen) == 16
    assert len(seen) == 3 * 7
    torch.testing.assert_close(found, torch.cat([made(row[None], 0.5) for row in x]), rtol=1e-12, atol=1e-14)


def test_shapes() -> None:
    made = NetworkModule(network())
    x = np.random.default_rng(0).normal(size=(4, 3, 2))
    t = np.array([0.1, 0.5, 1.0])
    found = made(x, t)
    assert found.shape == (4, 3, 3)
    mapped = torch.vmap(torch.vmap(made), in_dims=(0, None))(torch.tensor(x), torch.tensor(t))
    torch.testing.assert_close(mapped, found, rtol=1e-14, atol=1e-14)
    assert made(np.empty((0, 2)), 0.5).shape == (0, 3)
    assert made([0.5, 1.0], 0.25).shape == (3,)


def test_bad_input() -> None:
    made = NetworkModule(network())
    with pytest.raises(InputError, match=r"x: got 'shape \(4, 3\)'; required: shape \(\.\.\., 2\)"):
        made(torch.zeros(4, 3), 0.5)
    with pytest.raises(InputError, match=r"t: got 'shape \(3,\)'"):
        made(torch.zeros(4, 2), torch.zeros(3))
    with pytest.raises(InputError, match="arithmetic: got 'arb'; required: one of float64, float32"):
        NetworkModule(network(), "arb")

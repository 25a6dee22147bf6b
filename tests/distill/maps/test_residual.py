"""Stacks of residual maps against one `torch.nn.Sequential` for each map; Lipschitz budgets against true Jacobians."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from certflow.distill.maps.activations import ACTIVATIONS
from certflow.distill.maps.residual import Normalisers, ResidualMaps, normalisers_of
from certflow.errors import InputError


class GroupSort(torch.nn.Module):
    """Pairs (i, i + half), larger first, written with `sort`."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pairs = x.reshape(len(x), 2, -1).sort(dim=1, descending=True).values
        return pairs.reshape(len(x), -1)


LAYERS: dict[str, type[torch.nn.Module]] = {
    "silu": torch.nn.SiLU,
    "tanh": torch.nn.Tanh,
    "relu": torch.nn.ReLU,
    "groupsort": GroupSort,
}


def normalisers(count: int, dimension: int, seed: int = 0) -> Normalisers:
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.rand(4, count, 1, dimension, generator=generator, dtype=torch.float64)
    return Normalisers(drawn[0] - 0.5, drawn[1] + 0.5, drawn[2] - 0.5, drawn[3] + 0.2)


def stack(count: int = 3, dimension: int = 2, factor: float = 1.0, **options: Any) -> ResidualMaps:
    maps = ResidualMaps(normalisers(count, dimension), seeds=tuple(range(5, 5 + count)), **{"hidden": 8, **options})
    with torch.no_grad():
        for weight in maps.weights:
            weight *= factor
    return maps


def alone(maps: ResidualMaps, i: int, activation: str) -> tuple[Normalisers, torch.nn.Sequential]:
    """Map `i` as a chain of `Linear` layers, with its normalisers."""
    layers: list[torch.nn.Module] = []
    for weight, bias in zip(maps.effective_weights(), maps.biases, strict=True):
        linear = torch.nn.Linear(weight.shape[1], weight.shape[2], dtype=weight.dtype)
        linear.load_state_dict({"weight": weight[i].T.detach(), "bias": bias[i, 0].detach()})
        layers += [linear, LAYERS[activation]()]
    n = maps.normalisers
    own = Normalisers(n.input_mean[i], n.input_scale[i], n.output_mean[i], n.output_scale[i])
    return own, torch.nn.Sequential(*layers[:-1])


def points(count: int, rows: int, dimension: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(count, rows, dimension, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize(("dimension", "depth"), [(1, 1), (2, 2), (12, 3)])
@pytest.mark.parametrize("lipschitz", [None, 1.5])
def test_a_stack_is_its_maps_one_by_one(activation, dimension, depth, lipschitz):
    maps = stack(dimension=dimension, depth=depth, activation=activation, lipschitz=lipschitz, factor=2.0)
    x = points(3, 20, dimension)
    together = maps(x)
    for i in range(3):
        n, net = alone(maps, i, activation)
        expected = x[i] + n.output_mean + n.output_scale * net((x[i] - n.input_mean) / n.input_scale)
        torch.testing.assert_close(together[i], expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(maps(x[1:2], [1])[0], together[1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("dimension", [1, 3, 12])
def test_gradients_are_those_of_the_maps_one_by_one(activation, dimension):
    maps = stack(dimension=dimension, activation=activation)
    x = points(3, 20, dimension)
    maps(x).square().sum().backward()
    for i in range(3):
        n, net = alone(maps, i, activation)
        (x[i] + n.output_mean + n.output_scale * net((x[i] - n.input_mean) / n.input_scale)).square().sum().backward()
        linear = [layer for layer in net if isinstance(layer, torch.nn.Linear)]
        for layer, weight, bias in zip(linear, maps.weights, maps.biases, strict=True):
            torch.testing.assert_close(weight.grad[i], layer.weight.grad.T, rtol=1e-10, atol=1e-12)
            torch.testing.assert_close(bias.grad[i, 0], layer.bias.grad, rtol=1e-10, atol=1e-12)


def test_gradients_against_differences():
    maps = stack(count=2, dimension=2)
    x = points(2, 3, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, *_: maps(x), (x, *maps.parameters()))


def test_weights_of_a_map_depend_on_its_seed_alone():
    many = ResidualMaps(normalisers(4, 2), seeds=(3, 1, 4, 15))
    one = ResidualMaps(normalisers(1, 2), seeds=(4,))
    for weight, own in zip(many.parameters(), one.parameters(), strict=True):
        assert torch.equal(weight[2], own[0])
        assert not torch.equal(weight[1], own[0])


def jacobians(maps: ResidualMaps, x: torch.Tensor) -> torch.Tensor:
    """Of map `i` at the points `x[i]`, row by row with autograd; shape (n, N, d, d)."""
    x = x.clone().requires_grad_()
    y = maps(x)
    rows = [torch.autograd.grad(y[..., k].sum(), x, retain_graph=True)[0] for k in range(x.shape[2])]
    return torch.stack(rows, dim=2).detach()


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("budget", [1.01, 2.0, 30.0])
def test_a_budget_is_never_exceeded(activation, budget):
    maps = stack(activation=activation, lipschitz=budget, factor=20.0)
    x = 3 * points(3, 400, 2)
    assert torch.linalg.matrix_norm(jacobians(maps, x), ord=2).max() <= budget
    y = maps(x)
    quotients = (y[:, :200] - y[:, 200:]).norm(dim=2) / (x[:, :200] - x[:, 200:]).norm(dim=2)
    assert quotients.max() <= budget
    bounds = maps.lipschitz_bounds()
    assert (bounds <= budget).all()
    assert (bounds >= 1 + (budget - 1) * (1 - 1e-3)).all()  # with such weights the budget is used up


def test_a_budget_in_float32_is_kept_in_exact_arithmetic():
    n = normalisers(40, 2)
    single = Normalisers(*(getattr(n, name).float() for name in n.__dataclass_fields__))
    maps = ResidualMaps(single, seeds=tuple(range(40)), lipschitz=4.0)
    with torch.no_grad():
        for weight in maps.weights:
            weight *= 30
    assert maps.lipschitz_bounds().max() <= 4.0


def test_without_a_budget_the_same_maps_exceed_it():
    """The false twin: what the budget holds back."""
    maps = stack(factor=20.0)
    assert torch.linalg.matrix_norm(jacobians(maps, points(3, 400, 2)), ord=2).max() > 30


def test_weights_within_the_budget_are_left_alone():
    maps = stack(lipschitz=1000.0)
    for weight, effective in zip(maps.weights, maps.effective_weights(), strict=True):
        assert torch.equal(weight, effective)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("factor", [0.1, 1.0, 10.0])
def test_lipschitz_bounds_bound(activation, factor):
    maps = stack(activation=activation, factor=factor)
    norms = torch.linalg.matrix_norm(jacobians(maps, 3 * points(3, 400, 2)), ord=2).amax(1)
    assert (norms <= maps.lipschitz_bounds()).all()


def test_slopes_of_the_activations():
    x = torch.linspace(-30, 30, 600_001, dtype=torch.float64, requires_grad=True)
    for name, activation in ACTIVATIONS.items():
        if name != "groupsort":  # a permutation at every point
            largest = torch.autograd.grad(activation.function(x).sum(), x)[0].abs().max()
            assert activation.slope - 1e-5 <= largest <= activation.slope


def test_a_map_that_is_not_finite_does_not_touch_the_others():
    maps = stack(lipschitz=2.0, factor=5.0)
    x = points(3, 10, 2)
    before, bounds = maps(x), maps.lipschitz_bounds()
    with torch.no_grad():
        maps.weights[1][1, 0, 0] = torch.nan
    after = maps(x)
    assert torch.equal(after[[0, 2]], before[[0, 2]])
    assert after[1].isnan().all()
    assert maps.lipschitz_bounds().isnan().tolist() == [False, True, False]
    torch.testing.assert_close(maps.lipschitz_bounds()[[0, 2]], bounds[[0, 2]])
    after[[0, 2]].sum().backward()
    assert all(p.grad[[0, 2]].isfinite().all() for p in maps.parameters())


def test_normalisers_are_means_and_deviations():
    x = 3 + 2 * points(2, 500, 3)
    y = x + torch.tensor([1.0, 0.0, -2.0]) * points(2, 500, 3, seed=2) + 7
    n = normalisers_of(x, y)
    torch.testing.assert_close(n.input_mean[1, 0], x[1].mean(0))
    torch.testing.assert_close(n.input_scale[1, 0], x[1].std(0))
    torch.testing.assert_close(n.output_mean[0, 0], (y - x)[0].mean(0))
    scale = n.output_scale[0, 0]
    torch.testing.assert_close(scale[[0, 2]], (y - x)[0].std(0)[[0, 2]])
    assert scale[1] == pytest.approx(1e-6 * float(scale.max()))  # added nothing but the shift: no division by 0
    assert (normalisers_of(x, x).output_scale == 1).all()


def test_parameters_per_map():
    assert stack(dimension=2, hidden=32).parameters_per_map() == 2 * 32 + 32 + 32 * 32 + 32 + 32 * 2 + 2


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"activation": "gelu"}, "activation"),
        ({"activation": "groupsort", "hidden": 7}, "hidden"),
        ({"lipschitz": 1.0}, "lipschitz"),
        ({"lipschitz": float("nan")}, "lipschitz"),
        ({"lipschitz": float("inf")}, "lipschitz"),
        ({"lipschitz": "2"}, "lipschitz"),
        ({"lipschitz": True}, "lipschitz"),
        ({"seeds": (1, 2)}, "seeds"),
    ],
)
def test_bad_input(options, field):
    with pytest.raises(InputError, match=f"^{field}: got .*; required: "):
        ResidualMaps(normalisers(3, 2), **{"seeds": (1, 2, 3), **options})

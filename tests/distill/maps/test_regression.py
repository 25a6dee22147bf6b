"""Losses and gradients by hand against `torch.autograd`, and against differences of the loss itself."""

from __future__ import annotations

import pytest
import torch

from certflow.distill.maps import regression
from certflow.distill.maps.activations import ACTIVATIONS
from certflow.distill.maps.regression import Regression
from certflow.distill.maps.residual import Normalisers, ResidualMaps

BATCH = 24


def maps_of(count: int, dimension: int, **options) -> ResidualMaps:
    generator = torch.Generator().manual_seed(4)
    drawn = torch.rand(4, count, 1, dimension, generator=generator, dtype=torch.float64) + 0.3
    return ResidualMaps(Normalisers(*drawn), seeds=tuple(range(count)), **{"hidden": 8, **options})


def data(count: int, dimension: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(9)
    z, y = torch.randn(2, count, BATCH, dimension, generator=generator, dtype=torch.float64)
    return z, y, torch.rand(count, 1, dimension, generator=generator, dtype=torch.float64)


def loss(maps: ResidualMaps, z: torch.Tensor, y: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return ((maps.network(z) - y).square() * weights).sum((1, 2))


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize(("dimension", "depth"), [(1, 1), (2, 2), (12, 3)])
@pytest.mark.parametrize("lipschitz", [None, 1.5])
@pytest.mark.parametrize("size", [2, 5, 32])
def test_against_autograd(monkeypatch, activation, dimension, depth, lipschitz, size):
    monkeypatch.setattr(regression, "SLICE", size)
    options = {"activation": activation, "depth": depth, "lipschitz": lipschitz}
    own, other = maps_of(5, dimension, **options), maps_of(5, dimension, **options)
    z, y, weights = data(5, dimension)
    by_hand = Regression(own, weights, BATCH)
    for _ in range(2):  # nothing is left over from one step to the next
        losses = by_hand(lambda a, b: (z[a:b], y[a:b]))
        other.zero_grad()
        expected = loss(other, z, y, weights)
        expected.sum().backward()
        torch.testing.assert_close(losses, expected.detach(), rtol=1e-12, atol=1e-14)
        for mine, theirs in zip(own.parameters(), other.parameters(), strict=True):
            assert torch.equal(mine, theirs)
            torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-10, atol=1e-13)
    flat = torch.cat([p.grad.flatten() for p in [*own.weights, *own.biases]])
    assert torch.equal(by_hand.parameters.grad, flat)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_against_differences(activation):
    maps = maps_of(2, 2, activation=activation)
    z, y, weights = data(2, 2)
    by_hand = Regression(maps, weights, BATCH)
    by_hand(lambda a, b: (z[a:b], y[a:b]))
    gradient, step = by_hand.parameters.grad.clone(), 1e-6
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for _ in range(5):
            direction = torch.randn(len(gradient), generator=generator, dtype=torch.float64)
            ends = []
            for sign in (1, -1):
                by_hand.parameters += sign * step * direction
                ends.append(loss(maps, z, y, weights).sum())
                by_hand.parameters -= sign * step * direction
            slope = (ends[0] - ends[1]) / (2 * step)
            torch.testing.assert_close(gradient @ direction, slope, rtol=1e-6, atol=1e-7)


def test_a_step_of_the_flat_parameters_moves_the_maps():
    maps = maps_of(3, 2)
    z, y, weights = data(3, 2)
    by_hand = Regression(maps, weights, BATCH)
    before = by_hand(lambda a, b: (z[a:b], y[a:b]))
    with torch.no_grad():
        by_hand.parameters -= 0.01 * by_hand.parameters.grad
    assert (by_hand(lambda a, b: (z[a:b], y[a:b])) < before).all()
    assert (loss(maps, z, y, weights) < before).all()


def test_a_map_that_is_not_finite_leaves_the_others_alone():
    maps, twin = maps_of(4, 2), maps_of(4, 2)
    z, y, weights = data(4, 2)
    with torch.no_grad():
        maps.weights[1][2, 0, 0] = torch.nan
    broken, fine = (Regression(m, weights, BATCH) for m in (maps, twin))
    losses, expected = (r(lambda a, b: (z[a:b], y[a:b])) for r in (broken, fine))
    rest = [0, 1, 3]
    assert losses[2].isnan()
    assert torch.equal(losses[rest], expected[rest])
    for mine, theirs in zip(maps.parameters(), twin.parameters(), strict=True):
        assert torch.equal(mine.grad[rest], theirs.grad[rest])

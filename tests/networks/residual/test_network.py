"""Residual networks: the field, the blocks with exact weights, and the bound in every run (A9, E4)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from depth import night, nightly
from flint import arb, fmpq

import certflow as cf
from certflow.errors import InputError
from certflow.networks.common.law import common_law
from certflow.networks.graph import Network
from certflow.networks.residual.field import constructed_field
from certflow.networks.residual.grids import KINDS, Segment
from certflow.networks.residual.methods import METHODS
from certflow.networks.residual.network import FloatField, ResidualNetwork, residual_network
from certflow.numbers.precision import ball_precision


@pytest.fixture(scope="module")
def process() -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))


@pytest.fixture(scope="module")
def network(process: cf.OrnsteinUhlenbeck) -> ResidualNetwork:
    return residual_network(process, 60)


def points() -> np.ndarray:
    """Far points, typical ones, and both sides of the tie down to 1e-6."""
    first = np.concatenate([np.linspace(-4, 4, 81), [1e-6, -1e-4, 1e-3, 1e-2, 60.0]])
    return np.stack([first, np.cos(5 * first)], axis=1)


def measured(network: ResidualNetwork, process: cf.OrnsteinUhlenbeck) -> float:
    return float(np.abs(network(points()[:, : process.mixture.dimension]) - target(process)).max())


@cache
def target(process: cf.OrnsteinUhlenbeck) -> np.ndarray:
    return np.asarray(process.flow(points()[:, : process.mixture.dimension], process.t_max, process.t_min, rtol=1e-11))


def evaluated(network: Network, inputs: list[float]) -> list[float]:
    """The network by its exact weights in balls of 400 bits."""
    with ball_precision(400):
        here = [arb(value) for value in inputs]
        for layer in network.layers:
            rows = [sum((arb(w) * here[i] for i, w in n.row.weights.items()), arb(n.row.bias)) for n in layer]
            here = [z.max(arb(0)) ** (2 if n.square else 1) for z, n in zip(rows, layer, strict=True)]
        rows = [sum((arb(w) * here[i] for i, w in row.weights.items()), arb(row.bias)) for row in network.outputs]
        assert all(row.rad() < 1e-60 for row in rows)
        return [float(row.mid()) for row in rows]


def test_sixty_blocks_of_the_fourth_order(network: ResidualNetwork, process: cf.OrnsteinUhlenbeck) -> None:
    """What is asked for of two modes with sigma = 0.2: proved sup error at most 1e-2 with at most 60 blocks."""
    assert len(network.blocks) == 60
    assert measured(network, process) <= network.error_bound <= 1e-2
    assert sum(network.parts.values()) == pytest.approx(network.error_bound)


@nightly
def test_six_hundred_midpoint_blocks(process: cf.OrnsteinUhlenbeck) -> None:
    found = residual_network(process, 600, "midpoint")
    assert len(found.blocks) == 600
    assert measured(found, process) <= found.error_bound <= 1e-2


@cache
def later() -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), t_min="0.1", t_max="2")


@pytest.mark.parametrize(
    ("method", "grid"),
    [
        *[("midpoint", grid) for grid in KINDS],
        *night(*[(method, grid) for method in ("euler", "rk4") for grid in KINDS]),
    ],
)
def test_the_bound_holds_in_every_run(method: str, grid: str) -> None:
    p = later()
    found = residual_network(p, 20, method, grid)
    assert measured(found, p) <= found.error_bound


def test_the_bound_of_three_modes_holds() -> None:
    p = cf.OrnsteinUhlenbeck(cf.load_mixture("line-3"), t_min="0.5", t_max="2")
    found = residual_network(p, 40)
    assert measured(found, p) <= found.error_bound < 1


@pytest.mark.parametrize("twin", ["euler", "one block fewer", "a node moved", "another weight"])
def test_a_false_network_exceeds_the_stated_bound(
    twin: str, network: ResidualNetwork, process: cf.OrnsteinUhlenbeck
) -> None:
    _, *others = network.segments
    twins = {
        "euler": replace(network, method=METHODS["euler"]),
        "one block fewer": replace(network, segments=tuple(others)),
        "a node moved": replace(network, segments=(*network.segments[:-1], _shorter(network.segments[-1]))),
        "another weight": replace(network, field=replace(network.field, log_weights=(fmpq(1, 50), fmpq(0)))),
    }
    assert measured(twins[twin], process) > network.error_bound


def _shorter(segment: Segment) -> Segment:
    return Segment(segment.lower, segment.upper - (segment.upper - segment.lower) / 10)


@pytest.mark.parametrize("name", ["two-modes", *night("ring-8")])
def test_the_field_is_within_its_error(name: str) -> None:
    p = cf.OrnsteinUhlenbeck(cf.load_mixture(name))
    field = constructed_field(common_law(p), 1e-6)
    error = float(field.error)
    rng = np.random.default_rng(5)
    zeta = rng.standard_normal((400, 2)) * rng.choice([0.01, 1, 40], (400, 1))
    for kappa in (0.05, 1.0, 5.0):
        logits = np.log(p.mixture.weights) + kappa * zeta @ p.mixture.means.T
        logits = logits - kappa**2 / 2 * (p.mixture.means**2).sum(1)
        gamma = np.exp(logits - logits.max(1, keepdims=True))
        exact = (gamma / gamma.sum(1, keepdims=True)) @ p.mixture.means
        found = np.abs(FloatField.of(field, zeta)(zeta, kappa) - exact).max()
        assert error * 1e-4 < found <= error <= 1e-6


def test_a_block_has_exact_weights(network: ResidualNetwork) -> None:
    """The block as one network, in balls, is the step in float64 up to rounding."""
    block = network.blocks[41]
    found = evaluated(block.network, [0.3, -1.4])
    field = FloatField.of(network.field, np.zeros((1, 2)))
    kappa, h = (int(number.p) / int(number.q) for number in (block.kappa, block.h))
    step = METHODS["rk4"].in_floats().step(field, np.array([[0.3, -1.4]]), kappa, h)[0]
    assert step == pytest.approx(found, abs=1e-12)
    assert block.network.depth == METHODS["rk4"].stages * network.field.network.depth


def test_blocks_compose_to_one_network(network: ResidualNetwork) -> None:
    two = network.network(network.blocks[:2])
    one_by_one = evaluated(network.blocks[1].network, evaluated(network.blocks[0].network, [0.2, 0.7]))
    assert evaluated(two, [0.2, 0.7]) == pytest.approx(one_by_one, abs=1e-14)
    assert network.depth == 30 * two.depth
    assert network.neurons == 30 * two.neurons


def test_nodes_are_those_of_the_interval(network: ResidualNetwork) -> None:
    ends = [float(end.mid()) for end in network.coordinates.ends]
    assert [float(int(k.p) / int(k.q)) for k in (network.segments[0].lower, network.segments[-1].upper)] == ends
    assert all(a.upper == b.lower for a, b in zip(network.segments, network.segments[1:], strict=False))


def test_torch_gives_the_same(network: ResidualNetwork) -> None:
    torch = pytest.importorskip("torch")
    x = points()
    assert np.abs(network(torch.tensor(x)).numpy() - network(x)).max() < 1e-12


def test_one_mode_is_followed_exactly() -> None:
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[2, 1]], "0.3"))
    found = residual_network(p, 2, "euler")
    assert measured(found, p) <= 1e-9
    assert found.error_bound < 1e-15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"blocks": 0}, "blocks: got 0; required: an int from 1 to 1000000"),
        ({"blocks": 4, "method": "heun"}, "method: got 'heun'; required: one of euler, midpoint, rk4"),
        ({"blocks": 4, "grid": "log"}, "grid: got 'log'; required: one of balanced, uniform-kappa, uniform-time"),
        ({"blocks": 4, "field_error": 2}, "field_error: got 2; required: a number between 0 and 1"),
    ],
)
def test_bad_input(process: cf.OrnsteinUhlenbeck, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        residual_network(process, **arguments)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_points_of_another_dimension(network: ResidualNetwork) -> None:
    with pytest.raises(InputError, match=r"^x: got 'shape \(3,\)'; required: shape \(\.\.\., 2\)$"):
        network(np.zeros(3))


@pytest.mark.parametrize("means", [[["1"], ["-1"]], [["1"], ["-1"], ["0"]]])
def test_an_interval_that_ends_late(means: list[list[str]]) -> None:
    """`kappa_T = e^{-50}` is far below the places of the nodes of other intervals; the bound is finite all the same."""
    mixture = cf.GaussianMixture(weights=[Fraction(1, len(means))] * len(means), means=means, covariances="0.5")
    network = residual_network(cf.OrnsteinUhlenbeck(mixture, "0.5", "50"), 16, "midpoint")
    assert 0 < network.segments[0].lower < fmpq(1, 10**20)
    assert 0 < network.error_bound < 1e3

"""The flow map of two modes as one gadget: its proved error, and discs under the flow (A9)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from depth import night
from flint import arb, fmpq

import certflow as cf
from certflow.errors import InputError
from certflow.networks.graph import Network
from certflow.networks.matrices import matrices
from certflow.networks.residual.flow_map import FlowMap, flow_map_network
from certflow.networks.residual.tube import LineFlow
from certflow.numbers.precision import ball_precision


def evaluated(found: FlowMap, x: np.ndarray) -> np.ndarray:
    """`sqrt(v_delta) F(x/sqrt(v_T))` in float64."""
    first, last = (float(scale.mid()) for scale in found.coordinates.scales)
    here, layers = x / first, matrices(found.network)
    for layer in layers[:-1]:
        here = here @ layer.weight.T + layer.bias
        here = here * (here > 0)
        here[:, layer.relus :] **= 2
    return np.asarray((here @ layers[-1].weight.T + layers[-1].bias) * last)


def points() -> np.ndarray:
    first = np.concatenate([np.linspace(-4, 4, 201), [1e-6, 1e-3, 1e-2, 70.0, -70.0]])
    return np.stack([first, np.sin(3 * first)], axis=1)


@pytest.mark.parametrize(("low", "high", "eps"), [("0.3", "2", 1e-3), *night(("0.01", "3", 1e-2), ("0.1", "2", 1e-5))])
def test_the_flow_map_in_one_gadget(low: str, high: str, eps: float) -> None:
    p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), t_min=low, t_max=high)
    found = flow_map_network(p, eps)
    error = np.abs(evaluated(found, points()) - p.flow(points(), p.t_max, p.t_min, rtol=1e-11)).max()
    assert eps * 1e-3 < error <= found.error_bound <= eps
    assert found.network.depth <= 4
    shifted = replace(found, network=flow_of(found, fmpq(1, 40)))
    wrong = np.abs(evaluated(shifted, points()) - p.flow(points(), p.t_max, p.t_min, rtol=1e-11)).max()
    assert wrong > found.error_bound  # a false twin: one weight is off


def flow_of(found: FlowMap, change: fmpq) -> Network:
    """The network with the bias of its first output changed."""
    first, *others = found.network.outputs
    return replace(found.network, outputs=[replace(first, bias=first.bias + change), *others])


def test_a_disc_holds_the_images_of_its_points() -> None:
    """Complex points too, by steps of the fourth order in complex128."""
    with ball_precision(128):
        flow = LineFlow(arb("0.2"), fmpq(1, 10), fmpq(2), 1.0)
        found = flow.image(arb("0.4"), arb("0.08"))
    assert found is not None
    centre, radius = (float(number.mid()) for number in found)
    z = 0.4 + 0.08 * np.concatenate([np.exp(2j * np.pi * np.arange(24) / 24), [0, 0.5j]])
    h = (2 - 0.1) / 2000
    for i in range(2000):
        K = 0.1 + i * h
        a = np.tanh(K * z + 0.2)
        b = np.tanh((K + h / 2) * (z + h / 2 * a) + 0.2)
        c = np.tanh((K + h / 2) * (z + h / 2 * b) + 0.2)
        d = np.tanh((K + h) * (z + h * c) + 0.2)
        z = z + h / 6 * (a + 2 * b + 2 * c + d)
    assert 0.3 * radius < np.abs(z - centre).max() <= radius


def test_three_modes_have_no_such_gadget() -> None:
    with pytest.raises(InputError, match=r"^p: got 'a mixture of 3 components'; required: two different modes$"):
        flow_map_network(cf.OrnsteinUhlenbeck(cf.load_mixture("line-3")), 1e-2)


def test_an_error_below_what_the_steps_are_made_for() -> None:
    with pytest.raises(InputError, match=r"^eps: got 1e-09; required: a number from 1e-07 to 1$"):
        flow_map_network(cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes")), 1e-9)


def test_an_interval_that_ends_too_late() -> None:
    p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), t_min="0.2", t_max="50")
    with pytest.raises(InputError, match=r"^t_max: got 50\.0; required: a time at which the modes"):
        flow_map_network(p, 1e-2)

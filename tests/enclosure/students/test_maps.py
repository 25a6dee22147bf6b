"""Maps read exactly: networks of torch, stacks of the laboratory, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from certflow.enclosure.students.maps import ExactMap, lipschitz_bound, read_maps
from certflow.errors import InputError

ONE, ZERO = np.ones(1), np.zeros(1)


def test_a_network_of_torch_is_read_exactly():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(2, 5), torch.nn.Tanh(), torch.nn.Sequential(torch.nn.Linear(5, 2, bias=False))
    )
    (found,) = read_maps(network)
    assert found.activation == "tanh"
    assert found.skip == 0
    x = torch.randn(7, 2, dtype=torch.float64)
    expected = network.double()(x).detach().numpy()
    assert np.abs(found(x.numpy()) - expected).max() < 1e-14
    assert (found.weights[0] == network[0].weight.detach().numpy().T).all()


def test_a_stack_of_the_laboratory_is_read_exactly():
    torch = pytest.importorskip("torch")
    from certflow.distill.maps.residual import Normalisers, ResidualMaps

    parts = [torch.rand(3, 1, 2) + 0.5 for _ in range(4)]
    for name in ("silu", "tanh", "relu", "groupsort"):
        maps = ResidualMaps(Normalisers(*parts), hidden=6, activation=name, seeds=(1, 2, 3), lipschitz=4.0)
        found = read_maps([maps])
        x = torch.randn(3, 9, 2)
        expected = maps(x).detach().numpy()
        for i, one in enumerate(found):
            assert one.activation == name
            assert np.abs(one(x[i].double().numpy()) - expected[i]).max() < 1e-5


def test_the_crude_lipschitz_bound():
    rng = np.random.default_rng(0)
    for name in ("silu", "tanh", "relu", "groupsort"):
        matrices = (rng.normal(size=(1, 8)), rng.normal(size=(8, 8)), rng.normal(size=(8, 1)))
        biases = (rng.normal(size=8), rng.normal(size=8), rng.normal(size=1))
        one = ExactMap(matrices, biases, name, 1.0, ZERO, 0.5 * ONE, ZERO, 2 * ONE)
        x = np.linspace(-3, 3, 2001)[:, None]
        steepest = np.abs(np.diff(one(x)[:, 0]) / np.diff(x[:, 0])).max()
        assert steepest <= one.lipschitz_bound()
        assert lipschitz_bound([one, one]) >= one.lipschitz_bound() ** 2


WRONG = {
    "activation": {"activation": "gelu"},
    "weights": {"weights": (np.ones((2, 1)),)},
    "biases": {"biases": ()},
    "input_scale": {"input_scale": np.array([0.0])},
    "output_scale": {"output_scale": np.ones(2)},
    "output_mean": {"output_mean": np.array([np.nan])},
    "skip": {"skip": 1e30},
}


@pytest.mark.parametrize("field", WRONG)
def test_what_is_no_map(field):
    fields = {
        "weights": (np.ones((1, 1)),),
        "biases": (ZERO,),
        "activation": "relu",
        "skip": 1.0,
        "input_mean": ZERO,
        "input_scale": ONE,
        "output_mean": ZERO,
        "output_scale": ONE,
    }
    ExactMap(**fields)
    with pytest.raises(InputError) as caught:
        ExactMap(**fields | WRONG[field])
    assert caught.value.field == field


def test_networks_that_are_refused():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    for network in (
        nn.Sequential(nn.Linear(1, 2), nn.GELU(), nn.Linear(2, 1)),
        nn.Sequential(nn.Linear(1, 2), nn.Tanh(), nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)),
        nn.Sequential(nn.Linear(1, 2), nn.Linear(2, 1)),
        nn.Sequential(nn.Linear(1, 2), nn.Tanh()),
        nn.Sequential(),
        nn.Linear(1, 2),
    ):
        with pytest.raises(InputError):
            read_maps(network)

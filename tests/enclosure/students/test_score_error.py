"""The L2 error of score networks contains an independent quadrature, is narrow, is false where a part is left out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from depth import night
from score_oracle import (
    density_and_score,
    panels,
    process,
    rows_score,
    score_error,
    trained,
    trained_score,
)

import certflow as cf
from certflow.enclosure.students.score import error, field, integral
from certflow.errors import InputError, NoEnclosure

NARROW = 0.05


def small(activation: type[torch.nn.Module], inputs: int = 2, outputs: int = 1, seed: int = 0) -> torch.nn.Sequential:
    torch.manual_seed(seed)
    layers = [torch.nn.Linear(inputs, 16), activation(), torch.nn.Linear(16, 16), activation()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(16, outputs)).requires_grad_(False)


def with_time(network: torch.nn.Module, x: np.ndarray, t: float) -> np.ndarray:
    """The network in float64 on `x` with `t` appended."""
    rows = torch.from_numpy(np.stack([x, np.full_like(x, t)], axis=1))
    return network.double()(rows)[:, 0].numpy()


class ReQU(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x) ** 2


@pytest.mark.parametrize("t", ["0.03", "0.3", *night("0.01", "0.1", "1", "2")])
def test_a_trained_network(t: str) -> None:
    truth = score_error(lambda x: trained_score(x, float(t)), float(t))
    found = cf.enclosure.score_error(process(), trained(), t)
    assert truth[0] in found.error
    assert truth[1] in found
    assert found.complete
    assert found.upper - found.lower <= NARROW * found.upper
    assert found.cells < 200  # work, not seconds
    fine = cf.enclosure.score_error(process(), trained(), t, rtol="1e-5")
    assert truth[0] in fine.error
    assert truth[1] in fine
    assert fine.complete
    assert fine.cells < 1500


@pytest.mark.parametrize(("eps", "t"), [("1e-2", "0.01"), ("1e-3", "0.1"), *night(("1e-2", "1"), ("1e-3", "2"))])
def test_a_constructed_network(eps: str, t: str) -> None:
    network = cf.networks.relu_requ_score(process(), eps, arithmetic="arb")
    truth = score_error(rows_score(network.exact_layers(), float(t)), float(t), count=6000)
    found = cf.enclosure.score_error(process(), network, t)
    assert truth[0] in found.error
    assert found.complete
    assert found.cells < 1000
    assert 0 < found.error.upper <= network.error_bound**2


def test_other_variances_and_a_module_in_torch() -> None:
    p = process("uneven")
    network = cf.networks.relu_requ_score(p, "1e-2")
    truth = score_error(rows_score(network.exact_layers(), 0.3), 0.3, "uneven", count=6000)
    found = cf.enclosure.score_error(p, network, "0.3")
    assert truth[0] in found.error
    assert found.complete


@pytest.mark.parametrize("activation", [torch.nn.SiLU, torch.nn.Tanh, torch.nn.ReLU, ReQU])
def test_modules_with_the_time_appended_or_beside(activation: type[torch.nn.Module]) -> None:
    network = small(activation)
    truth = score_error(lambda x: with_time(network, x, 0.2), 0.2, "uneven")

    class Beside(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network

        def forward(self, x, t):
            return self.inner(torch.cat([x, t[:, None]], 1))

    for one in (network, Beside()):
        found = cf.enclosure.score_error(process("uneven"), one, "0.2", rtol="1e-3")
        assert truth[0] in found.error
        assert truth[1] in found
        assert found.complete


def predicted(kind: str):
    """A model of a kind, and the score that it says, written out."""
    network = small(torch.nn.SiLU)

    def f(x, tau):
        return network(torch.cat([x, tau.unsqueeze(1) / 10], dim=1))

    def said(x, tau):
        return with_time(network, x, tau / 10)

    if kind == "epsilon":  # variance preserving, beta from 0.1 to 20: t = tau/20 + 19.9 tau^2/4
        schedule = cf.schedules.variance_preserving()

        def score(x, t):
            tau = (-0.1 + math.sqrt(0.01 + 4 * 19.9 * t)) / 19.9
            return -said(x, tau) / math.sqrt(1 - math.exp(-2 * t))
    elif kind == "v_prediction":  # cosine: v = a epsilon - b sample, x = a sample + b epsilon
        schedule = cf.schedules.cosine()

        def score(x, t):
            a, b = math.exp(-t), math.sqrt(1 - math.exp(-2 * t))
            start = 0.008 / 1.008 * math.pi / 2
            tau = math.acos(a * math.cos(start)) / (math.pi / 2) * 1.008 - 0.008
            return -(a * said(x, tau) + b * x) / b
    else:  # flow matching: x' = (1 - tau) x_0 + tau z, f = z - x_0; z = x' + (1 - tau) f
        schedule = cf.schedules.flow_matching()

        def score(x, t):
            m, n = math.exp(-t), math.sqrt(1 - math.exp(-2 * t))
            tau, r = n / (m + n), 1 / (m + n)
            return -(r * x + (1 - tau) * said(r * x, tau)) / n

    return cf.Model(f, kind, schedule, shape=(1,)), score


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "flow_prediction"])
def test_predictions_and_schedules(kind: str) -> None:
    model, score = predicted(kind)
    truth = score_error(lambda x: score(x, 0.25), 0.25)
    found = cf.enclosure.score_error(process(), model, "0.25", rtol="1e-4")
    assert truth[0] in found.error
    assert truth[1] in found
    assert found.complete


def test_a_case_in_closed_form() -> None:
    """The score of one Gaussian is linear: with a bias of 1/8 the error is 1/64, and `E|s|^2 = 1/v`."""
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0]], "0.25"), t_min="0.01")
    v = math.exp(-0.2) * 0.25 + 1 - math.exp(-0.2)
    network = torch.nn.Linear(2, 1).double()
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[-1 / v, 0.0]]))
        network.bias.fill_(0.125)
    found = cf.enclosure.score_error(p, network, "0.1", rtol="1e-6")
    assert 1 / 64 in found.error
    assert v / 64 in found
    assert found.complete
    assert found.error.width < 1e-6 / 64


def test_the_score_of_another_process() -> None:
    other = process()
    found = cf.enclosure.score_error(process("uneven"), other, "0.3", rtol="1e-4")
    truth = score_error(lambda x: density_and_score(x, 0.3)[1], 0.3, "uneven")
    assert truth[1] in found
    assert found.complete


def test_two_dimensions() -> None:
    """A product of two laws, and a network of both coordinates."""
    means = [[a, b] for a in (-1, 1) for b in (-1, 1)]
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1/4"] * 4, means, "0.04"), t_min="0.01")
    network = small(torch.nn.SiLU, 3, 2)
    found = cf.enclosure.score_error(p, network, "0.5", rtol="0.05")
    x, w = panels(-6, 6, 60)
    density, score = density_and_score(x, 0.5)
    rows = torch.from_numpy(np.stack([*(g.ravel() for g in np.meshgrid(x, x, indexing="ij"))], axis=1))
    said = network.double()(torch.cat([rows, torch.full((len(rows), 1), 0.5)], 1)).numpy()
    exact = np.stack([np.repeat(score, len(x)), np.tile(score, len(x))], axis=1)
    mass = np.outer(w * density, w * density).ravel()
    truth = float((mass * ((said - exact) ** 2).sum(1)).sum())
    assert truth in found.error
    assert found.complete
    assert found.cells < 3000


def test_below_the_rounding_of_float64_the_known_bound_remains() -> None:
    network = cf.networks.relu_requ_score(process(), "1e-30", arithmetic="arb")
    found = cf.enclosure.score_error(process(), network, "0.5", seconds=0.01)
    assert not found.complete
    assert found.lower == 0
    assert found.error.upper <= 1.001 * network.error_bound**2


# -- false twins: each must give an enclosure that the oracle contradicts --------------------------------------


def false(monkeypatch: pytest.MonkeyPatch, t: str = "0.1", **keywords: object) -> bool:
    truth = score_error(lambda x: trained_score(x, 0.1), 0.1)
    found = cf.enclosure.score_error(process(), trained(), t, **keywords)
    return truth[0] not in found.error


def test_without_a_twin_it_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not false(monkeypatch)


def test_twin_without_remainders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integral, "_rest", lambda basis, models: np.zeros_like(models.remainder))
    assert false(monkeypatch)


def test_twin_with_an_uncut_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error, "REACHES", (1.0,))
    monkeypatch.setattr(field.Field, "beyond", lambda *_: 0.0)
    assert false(monkeypatch)


def test_twin_with_the_score_of_a_wrong_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert false(monkeypatch, "0.11")


def test_twin_with_weights_moved() -> None:
    """By 1e-3: another network than the one that was asked for."""
    network = small(torch.nn.SiLU)
    truth = score_error(lambda x: with_time(network, x, 0.2), 0.2)
    moved = small(torch.nn.SiLU)
    moved[0].weight.data += 1e-3
    found = cf.enclosure.score_error(process(), moved, "0.2", rtol="1e-6")
    assert truth[0] not in found.error


# -- refusals --------------------------------------------------------------------------------------------------


def test_out_of_the_interval_nothing_is_known_of_a_constructed_network() -> None:
    network = cf.networks.relu_requ_score(process(), "1e-2", arithmetic="arb")
    with pytest.raises(NoEnclosure, match="t_min <= t <= t_max"):
        cf.enclosure.score_error(process(), network, "0.001", seconds=0.5)


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (lambda x: x, "a torch.nn.Module"),
        (torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Softplus(), torch.nn.Linear(4, 1)), "softplus"),
        (torch.nn.Sequential(torch.nn.Linear(3, 1)), "network"),
        (torch.nn.Sequential(torch.nn.Linear(2, 2)), "rows of 2 numbers"),
        (torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Softmax(1)), "softmax"),
    ],
)
def test_networks_that_cannot_be_read(network: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        cf.enclosure.score_error(process(), network, "0.1")


@pytest.mark.parametrize(
    ("keywords", "said"), [({"t": 0}, "time in"), ({"rtol": 2}, "gap"), ({"seconds": 0}, "seconds"), ({"p": None}, "p")]
)
def test_arguments_out_of_range(keywords: dict, said: str) -> None:
    arguments = {"p": process(), "network": trained(), "t": "0.1"} | keywords
    with pytest.raises(InputError, match=said):
        cf.enclosure.score_error(**arguments)

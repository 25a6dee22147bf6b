"""The end-to-end error of a solver with a network contains an independent one, and is false where a part is missing."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from depth import night
from score_oracle import (
    density_and_score,
    flow_end,
    process,
    rows_score,
    sampler_error,
    solved,
    trained,
    trained_score,
)

import certflow as cf
from certflow.enclosure.students.score import field, integral, sampler
from certflow.errors import InputError

TIMES = ["3", "1", "0.3", "0.1", "0.01"]
FLOATS = [float(t) for t in TIMES]
NAMES = ("euler", "heun", "dpmpp-2m")


@pytest.mark.parametrize("name", NAMES)
def test_a_trained_network(name: str) -> None:
    truth = sampler_error(trained_score, FLOATS, name)
    found = cf.enclosure.sampler_error(process(), trained(), TIMES, name)
    assert truth in found
    assert found.complete
    assert found.upper - found.lower <= 0.05 * found.upper
    assert found.cells < 300
    fine = cf.enclosure.sampler_error(process(), trained(), TIMES, name, rtol="1e-4")
    assert truth in fine
    assert fine.complete
    assert fine.cells < 1500


@pytest.mark.parametrize("name", ["dpmpp-2m", *night("euler", "heun")])
def test_a_constructed_network(name: str) -> None:
    network = cf.networks.relu_requ_score(process(), "1e-2", arithmetic="arb")
    layers = network.exact_layers()
    truth = sampler_error(lambda x, t: rows_score(layers, t)(x), FLOATS, name)
    found = cf.enclosure.sampler_error(process(), network, TIMES, name)
    assert truth in found
    assert found.complete
    assert found.cells < 2000


@pytest.mark.parametrize("name", NAMES)
def test_the_solver_alone(name: str) -> None:
    """With the exact score of a mixture of two variances."""
    truth = sampler_error(lambda x, t: density_and_score(x, t, "uneven")[1], FLOATS, name, "uneven")
    found = cf.enclosure.sampler_error(process("uneven"), process("uneven"), TIMES, name, rtol="1e-3")
    assert truth in found
    assert found.complete


def test_one_gaussian_in_closed_form() -> None:
    """Flow and Euler steps are linear: `Phi(x) = sqrt(v_delta/v_T) x`, and each step multiplies by a known number."""
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0]], "0.25"), t_min="0.01", t_max="3")

    def variance(t: float) -> float:
        return 0.25 * math.exp(-2 * t) + 1 - math.exp(-2 * t)

    factor = math.exp(FLOATS[0])
    for t, u in itertools.pairwise(FLOATS):
        a, b = (math.sqrt(math.expm1(2 * s)) for s in (t, u))
        denoiser = 0.25 * math.exp(-2 * t) / variance(t)  # D = 0.25 m/v x, x = m z
        factor *= 1 + (b - a) * (1 - denoiser) / a
    factor *= math.exp(-FLOATS[-1])
    truth = (factor / math.sqrt(variance(0.01) / variance(3.0)) - 1) ** 2
    found = cf.enclosure.sampler_error(p, p, TIMES, "euler", rtol="1e-5")
    assert truth in found
    assert found.complete


def test_models_of_the_error_contain_it_at_points() -> None:
    """By the oracle's flow and solver, on wide cells."""
    network = sampler.read_network(trained(), process())
    run = sampler.Run(process(), network, sampler.solver_times(TIMES), sampler.solver_of("heun"))
    low = np.array([[-1.25], [0.5], [1.0]])
    models = run.errors(low, low + 0.0625)
    size = run.basis.size
    radius = np.abs(models.coefficients[size:, :, 0]).sum(0) + models.remainder[:, 0]
    assert (radius < 1.0).all()
    for eta in (-1.0, 0.3, 1.0):
        y = low[:, 0] + 0.03125 * (1 + eta)
        truth = solved(trained_score, flow_end(y, 0.01, 3.0), FLOATS, "heun") - y
        value = sum(models.coefficients[k, :, 0] * eta**k for k in range(size))
        assert (np.abs(truth - value) <= radius + 1e-9).all()


# -- false twins -----------------------------------------------------------------------------------------------


def false(times: list[str] = TIMES, model: object = None) -> bool:
    truth = sampler_error(trained_score, FLOATS, "euler")
    return truth not in cf.enclosure.sampler_error(process(), model or trained(), times, "euler")


def test_without_a_twin_it_is_true() -> None:
    assert not false()


def false_for_a_line(monkeypatch: pytest.MonkeyPatch, told: bool = True) -> bool:
    """Of a score `1/8 - x`, whose Euler steps are affine, with a flow that is 0.01 off, as its error says if `told`."""
    network = torch.nn.Linear(2, 1).double().requires_grad_(False)
    network.weight.copy_(torch.tensor([[-1.0, 0.0]]))
    network.bias.fill_(0.125)
    truth = sampler_error(lambda x, t: 0.125 - x, FLOATS, "euler")

    def moved(self, cells, degree):
        x, error = preimages(self, cells, degree)
        x[0] += 0.01
        return x, error + 0.0101 * told

    preimages = sampler.LineFlow.preimages
    monkeypatch.setattr(sampler.LineFlow, "preimages", moved)
    return truth not in cf.enclosure.sampler_error(process(), network, TIMES, "euler", rtol="1e-4", seconds=0.1)


def test_without_a_twin_it_is_true_for_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not false_for_a_line(monkeypatch)


def test_twin_without_symbols(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integral, "_rest", lambda _, models: models.remainder)
    assert false_for_a_line(monkeypatch)


def test_twin_without_the_error_of_the_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    assert false_for_a_line(monkeypatch, told=False)


def test_twin_with_an_uncut_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "REACHES", (1.2,))
    monkeypatch.setattr(field.Field, "beyond", lambda *_: 0.0)
    assert false()


def test_twin_with_half_a_grid() -> None:
    assert false(["3", "1", "0.3", "0.01"])


def test_twin_with_the_network_at_a_wrong_time() -> None:
    network = trained()
    slow = cf.Model(lambda z, s: network.call.f(z, s * 1.01), "sample", cf.schedules.edm(), shape=(1,))
    assert false(model=slow)


# -- refusals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"sampler": "ddpm"}, "sampler"),
        ({"times": ["1", "2"]}, "fall"),
        ({"times": ["1", 0]}, "last > 0"),
        ({"times": "3, 1"}, "times"),
        ({"p": cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))}, "dimension 2"),
        ({"model": 3}, "torch.nn.Module"),
    ],
)
def test_arguments_out_of_range(keywords: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        cf.enclosure.sampler_error(**{"p": process(), "model": trained(), "times": TIMES} | keywords)

"""`relu_requ_score`: every kind of covariance and of number, norms, sizes, and what it refuses in one line."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch
from depth import nightly
from flint import arb

import certflow as cf
from certflow.networks.constructed import constructed_score
from certflow.networks.module import NetworkModule

PAIR = cf.GaussianMixture(["0.5", "0.5"], [["-1", "0"], ["1", "0"]], "0.04")
#: The same two modes by other covariances.
KINDS = {
    "common-isotropic": "0.04",
    "isotropic": ["0.04", "0.09"],
    "shared": [["0.04", "0.01"], ["0.01", "0.09"]],
    "full": [[["0.04", "0"], ["0", "0.09"]], [["0.09", "0.01"], ["0.01", "0.04"]]],
}


def process(kind: str = "common-isotropic", t_min: str = "0.05") -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [["-1", "0"], ["1", "0"]], KINDS[kind]), t_min, "1")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_covariance_has_a_module_as_near_as_it_proves(kind: str) -> None:
    p = process(kind)
    network = cf.networks.relu_requ_score(p, "1e-3")
    assert p.mixture.kind == kind
    assert isinstance(network, NetworkModule)
    assert isinstance(network, torch.nn.Module)
    assert network.error_bound <= 1e-3
    assert sum(network.parts.values()) == pytest.approx(network.error_bound, rel=1e-9)
    assert (network.depth, network.width) == (len(network.layers), max(len(layer.weight) for layer in network.layers))
    x = torch.tensor(np.random.default_rng(0).normal(size=(200, 2)))
    for t in (0.0501, 0.3, 0.999):
        off = (network(x, t) - p.score(x, t)).norm(dim=1).numpy()
        assert (off <= network.pointwise_bound(x)).all()
        assert off.max() > 1e-9


def test_the_same_weights_in_mpmath_arb_and_float32() -> None:
    p = process()
    whole = cf.networks.relu_requ_score(p, "1e-2", arithmetic="mpmath")
    balls = cf.networks.relu_requ_score(p, "1e-2", arithmetic="arb")
    single = cf.networks.relu_requ_score(p, "1e-2", arithmetic="float32")
    (value,) = whole([mpmath.mpf("0.1"), mpmath.mpf("-0.3")], mpmath.mpf("0.25"))[:1]
    (ball,) = balls([arb("0.1"), arb("-0.3")], arb("0.25"))[:1]
    assert abs(float(ball.mid()) - float(value)) < 1e-13
    assert single(torch.tensor([0.1, -0.3]), 0.25)[0].item() == pytest.approx(float(value), abs=1e-4)
    assert {whole.error_bound, balls.error_bound, single.error_bound} == {whole.error_bound}


def test_errors_below_what_a_float_can_hold() -> None:
    p = process(t_min="0.5")
    network = cf.networks.relu_requ_score(p, "1e-25", arithmetic="arb")
    assert network.error_bound <= 1e-25
    with mpmath.workdps(60):
        x, t = [mpmath.mpf("0.7"), mpmath.mpf("0.2")], mpmath.mpf("0.6")
        off = [a - b for a, b in zip(network(x, t), p.score(x, t), strict=True)]
        assert 0 < abs(off[0]) < 1e-23


def test_norms_above_two_come_from_the_bound_for_every_x() -> None:
    """Against the moments of `X_t` by draws: `A + B ||X_t||_4` is at most what is proved, and not far below it."""
    p = process()
    score = constructed_score(p, "1e-3", 4)
    assert score.error_bound <= 1e-3
    sizes = [np.linalg.norm(p.mixture.sample(20000, seed=0), axis=1)]
    sizes.append(np.linalg.norm(np.random.default_rng(1).normal(size=(20000, 2)), axis=1))
    moment = max(float((size**4).mean() ** 0.25) for size in sizes)
    assert score.offset + score.slope * moment <= score.error_bound <= score.offset + 3 * score.slope * moment
    assert constructed_score(p, "1e-3", 1).error_bound == constructed_score(p, "1e-3", 2).error_bound


def test_the_error_is_bounded_in_every_norm_for_unit_variance_alone() -> None:
    unit = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [["-1"], ["1"]], "1"), "0.05", "1")
    score = constructed_score(unit, "1e-3", math.inf)
    assert (score.slope, score.error_bound) == (0.0, score.offset)
    with pytest.raises(cf.InputError, match="p_norm: got inf; required: a finite number: the error grows with"):
        constructed_score(process(), "1e-3", math.inf)


def test_one_component_needs_no_exponential() -> None:
    single = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1"], [["2", "-1"]], "0.09"), "0.05", "1")
    score = constructed_score(single, "1e-6")
    assert set(score.parts) == {"linear"}
    assert score.network.depth == score.plan.time_level + 1


@pytest.mark.parametrize(
    ("eps", "norm", "arithmetic", "told"),
    [
        ("0", 2, "float64", "eps: got '0'; required: an error in (0, 1]"),
        (1.5, 2, "float64", "eps: got 1.5; required: an error in (0, 1]"),
        ("1e-201", 2, "arb", "eps: got '1e-201'; required: an error of at least 1e-200"),
        ("small", 2, "arb", "eps: got 'small'; required: a finite number"),
        (1e-3, 0.5, "float64", "p_norm: got 0.5; required: a number from 1 to 1000, or infinity"),
        (1e-3, 1e300, "float64", "p_norm: got 1e+300; required: a number from 1 to 1000, or infinity"),
        (1e-3, 2, "float16", "arithmetic: got 'float16'; required: one of float64, float32, mpmath, arb"),
        ("1e-14", 2, "float64", "about what float64 rounds"),
        ("1e-6", 2, "float32", "about what float32 rounds"),
    ],
)
def test_what_cannot_be_had_is_refused_in_one_line(eps, norm, arithmetic, told) -> None:
    with pytest.raises(cf.InputError) as refused:
        cf.networks.relu_requ_score(process(), eps, norm, arithmetic)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_symbols_have_no_network() -> None:
    import sympy

    mixture = cf.GaussianMixture(["0.5", "0.5"], [["-1"], ["1"]], sympy.Symbol("s", positive=True))
    with pytest.raises(cf.InputError, match="mixture"):
        constructed_score(cf.OrnsteinUhlenbeck(mixture), "1e-2")


@nightly
@pytest.mark.parametrize("name", ["two-modes", "ring-8", "modes-16d"])
def test_forty_digits(name: str) -> None:
    score = constructed_score(cf.OrnsteinUhlenbeck(cf.load_mixture(name)), "1e-40")
    assert score.error_bound <= 1e-40
    assert score.network.depth <= {"two-modes": 19, "ring-8": 21, "modes-16d": 21}[name]

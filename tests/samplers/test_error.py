"""The end-to-end error of a solver: against closed forms and the quantile map of one dimension."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

import certflow as cf
from certflow.errors import InputError

VARIANCE = 0.3


class Gaussian:
    """A model of `N(0, variance)` in every coordinate: `E[x_0 | x] = variance m x / (1 - m^2 + m^2 variance)`."""

    t_min, t_max = 0.001, 5.0

    def __init__(self, shape: Any = (1, 3)):
        if shape is not None:
            self.shape = shape

    def denoiser(self, x: Any, t: Any) -> Any:
        m = np.exp(-t)
        return VARIANCE * m * x / (1 - m**2 + m**2 * VARIANCE)


def one_euler_step(t_from: float, t_to: float) -> tuple[float, float]:
    """What Euler and the flow multiply `x` by."""
    a, b = (math.sqrt(math.expm1(2 * t)) for t in (t_from, t_to))
    shrink = math.exp(t_from - t_to)
    euler = 1 + (b - a) * a / (VARIANCE + a * a)
    return shrink * euler, shrink * math.sqrt((VARIANCE + b * b) / (VARIANCE + a * a))


def test_one_gaussian_has_the_same_error_whatever_the_draws():
    euler, flow = one_euler_step(3.0, 0.01)
    law = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0, 0]], "0.3"), "0.01", "3")
    for model in (law, Gaussian()):
        for seed in (0, 5):
            found = cf.samplers.relative_mse(model, [3.0, 0.01], "euler", samples=50, seed=seed)
            assert found == pytest.approx((euler / flow - 1) ** 2, rel=1e-5)


def test_the_error_on_a_line_against_quantiles():
    """`X ~ p_T`, `Phi = F_delta^{-1} o F_T`: the two distribution functions are written here, and Euler's step too."""
    means, s2 = np.array([-1.0, 1.0]), 0.09
    law = cf.GaussianMixture(["1/2", "1/2"], [[-1], [1]], "0.09")
    process = cf.OrnsteinUhlenbeck(law, "0.01", "3")
    found = cf.samplers.relative_mse(process, [3.0, 0.4, 0.01], "euler", samples=20_000, seed=1)

    def distribution(x: np.ndarray, t: float) -> np.ndarray:
        m = math.exp(-t)
        return ndtr((x[..., None] - m * means) / math.sqrt(1 - m * m + m * m * s2)).mean(-1)

    def quantile(q: np.ndarray, t: float) -> np.ndarray:
        low, high = np.full_like(q, -9.0), np.full_like(q, 9.0)
        for _ in range(60):
            middle = (low + high) / 2
            below = distribution(middle, t) < q
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return (low + high) / 2

    def denoiser(x: np.ndarray, t: float) -> np.ndarray:
        m = math.exp(-t)
        v = 1 - m * m + m * m * s2
        weights = np.exp(-((x[..., None] - m * means) ** 2) / (2 * v))
        each = means + m * s2 / v * (x[..., None] - m * means)
        return (weights * each).sum(-1) / weights.sum(-1)

    q = ndtr(ndtri((np.arange(20_000) + 0.5) / 20_000))  # evenly spread: an integral, not draws
    x = quantile(q, 3.0)
    z = x * math.exp(3.0)
    for a, b in ((3.0, 0.4), (0.4, 0.01)):
        sigma, following = (math.sqrt(math.expm1(2 * t)) for t in (a, b))
        z = z + (following - sigma) * (z - denoiser(z * math.exp(-a), a)) / sigma
    phi = quantile(q, 0.01)
    exact = ((z * math.exp(-0.01) - phi) ** 2).mean() / (phi**2).mean()
    assert found == pytest.approx(exact, rel=0.05)


def test_seeds_and_samples_matter_and_repeat():
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    values = [
        cf.samplers.relative_mse(process, [3.0, 0.5, 0.01], "heun", samples=samples, seed=seed)
        for samples, seed in ((64, 0), (64, 0), (64, 1), (128, 0))
    ]
    assert values[0] == values[1]
    assert len(set(values)) == 3


class Rough(Gaussian):
    """No steps resolve a denoiser that jumps wildly in time."""

    def denoiser(self, x: Any, t: Any) -> Any:
        return super().denoiser(x, t) + 1e4 * np.sin(1e7 * t)


class Lost(Gaussian):
    def denoiser(self, x: Any, t: Any) -> Any:
        return np.nan * x


class Tensors(Gaussian):
    """It asks of its points what arrays do not have."""

    def denoiser(self, x: Any, t: Any) -> Any:
        return x.detach()


class Network(Gaussian):
    def denoiser(self, x: Any, t: Any) -> Any:
        return x.sum(dim=1)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"model": Tensors()}, 'model: got "AttributeError ('),
        ({"model": Network()}, 'model: got "TypeError ('),
        ({"model": Gaussian}, "model: got 'Gaussian'; required: an object of this class, not the class itself"),
        ({"model": cf.OrnsteinUhlenbeck}, "model: got 'OrnsteinUhlenbeck'; required: an object of this class"),
        ({"samples": 0}, "samples: got 0; required: an int from 1 to 10000000"),
        ({"seed": -1}, "seed: got -1; required: an int >= 0"),
        ({"times": [1.0, 0.0]}, "times: got 0.0; required: a last time > 0, where the flow has its end"),
        ({"sampler": "ddim"}, "sampler: got 'ddim'; required: one of euler, heun, dpmpp-2m"),
        ({"model": Gaussian(shape=None)}, "model: got <"),
        ({"model": Rough()}, "model: got 'a flow known to "),
        ({"model": Lost()}, "model: got 'a flow known to nan'; required: one that 64 steps a unit resolve to 1e-5"),
    ],
)
def test_bad_input_is_one_line(change, line):
    given = {"model": Gaussian(), "times": [2.0, 1.0], "sampler": "euler"} | change
    with pytest.raises(InputError) as refused:
        cf.samplers.relative_mse(**given)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)

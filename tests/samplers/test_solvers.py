"""The solvers on laws of which every step is known in closed form, and their order."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest

import certflow as cf
from certflow.errors import InputError
from certflow.samplers import SOLVERS
from certflow.samplers.field import Flow, Node, denoise_of

torch = pytest.importorskip("torch")

SIGMAS = [9.0, 4.0, 1.5, 0.7, 0.25]
VARIANCE, MEAN = 0.3, 0.8


def times_of(sigmas: list[float]) -> np.ndarray:
    return np.log1p(np.square(sigmas)) / 2


class Exact:
    """A model with the denoiser of a product of Gaussians `N(mean, variance)`, which is no `OrnsteinUhlenbeck`.

    `E[x_0 | z] = mean + variance / (variance + sigma^2) (z - mean)`, `z = e^t x`, by conditioning. Counts its calls.
    """

    t_min, t_max, shape = 0.001, 5.0, (1, 2, 2)

    def __init__(self, mean: Any = MEAN, variance: Any = VARIANCE):
        self.mean, self.variance, self.calls = mean, variance, 0

    def denoiser(self, x: Any, t: Any) -> Any:
        self.calls += 1
        exp = torch.exp if isinstance(t, torch.Tensor) else np.exp
        share = self.variance / (self.variance + exp(2 * t) - 1)
        return self.mean + share * (exp(t) * x - self.mean)


def factors(sampler: str, sigmas: list[Any], variance: Any) -> Any:
    """What the solver multiplies `z - mean` by, written out for `d = f z`, `f = sigma / (variance + sigma^2)`."""
    value, before = 1, None
    f = {s: s / (variance + s * s) for s in sigmas}
    for a, b in pairwise(sigmas):
        h, denoised = b - a, variance / (variance + a * a) * value
        if sampler == "euler":
            value = value * (1 + h * f[a])
        elif sampler == "heun":
            value = value * (1 + h * (f[a] + f[b] * (1 + h * f[a])) / 2)
        elif before is None:
            value, before = b / a * value + (1 - b / a) * denoised, (a, denoised)
        else:
            r = mpmath.log(before[0] / a) / mpmath.log(a / b)
            mixed = (1 + 1 / (2 * r)) * denoised - before[1] / (2 * r)
            value, before = b / a * value - mpmath.expm1(mpmath.log(b / a)) * mixed, (a, denoised)
    return value


@pytest.mark.parametrize("sampler", SOLVERS)
def test_one_gaussian_is_multiplied_by_known_factors_in_thirty_digits(sampler):
    """The coefficients and the convention of a solver: any other one has other factors."""
    mpmath.mp.dps = 40
    law = cf.GaussianMixture([1], [["0.8"]], "0.3")
    process = cf.OrnsteinUhlenbeck(law, "0.01", "4")
    sigmas = [mpmath.mpf(s) for s in ("9", "4", "1.5", "0.7", "0.25")]
    times = np.array([mpmath.log1p(s * s) / 2 for s in sigmas], dtype=object)
    start, mean = mpmath.mpf("-1.25"), mpmath.mpf("0.8")
    found = cf.samplers.run(process, np.array([start], dtype=object), times, sampler)[0]
    z = mean + factors(sampler, sigmas, mpmath.mpf("0.3")) * (start * mpmath.exp(times[0]) - mean)
    assert abs(found - z * mpmath.exp(-times[-1])) < mpmath.mpf(10) ** -30


@pytest.mark.parametrize("sampler", SOLVERS)
@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_a_model_that_is_no_mixture(sampler, kind):
    model, times = Exact(), times_of(SIGMAS)
    x = np.random.default_rng(1).standard_normal((5, *Exact.shape))
    found = cf.samplers.run(model, x if kind == "numpy" else torch.from_numpy(x), times, sampler)
    z = MEAN + float(factors(sampler, SIGMAS, VARIANCE)) * (x * math.exp(times[0]) - MEAN)
    assert isinstance(found, np.ndarray if kind == "numpy" else torch.Tensor)
    np.testing.assert_allclose(found, z * math.exp(-times[-1]), rtol=1e-13, atol=1e-14)
    assert model.calls == SOLVERS[sampler].cost(len(SIGMAS) - 1)


@pytest.mark.parametrize("sampler", SOLVERS)
def test_a_last_node_at_zero_ends_at_the_denoiser(sampler):
    """Nothing is evaluated there; the multistep solver forgets the step before."""
    model, times = Exact(), np.array([*times_of(SIGMAS), 0.0])
    x = np.random.default_rng(2).standard_normal((3, *Exact.shape))
    found = cf.samplers.run(model, x, times, sampler)
    assert model.calls == SOLVERS[sampler].cost(len(SIGMAS), ends_at_zero=True)
    before = cf.samplers.run(model, x, times[:-1], sampler)
    np.testing.assert_allclose(found, model.denoiser(before, times[-2]), rtol=1e-13)


@pytest.mark.parametrize("sampler", SOLVERS)
def test_a_point_mass_is_exact_in_sigma(sampler):
    """`z` goes along a straight line to the point; a step in OU time, even a small one, does not end on it."""
    model, x = Exact(variance=0.0), np.array([[1.0, -2.0]])
    times = times_of([9.0, 2.0, 0.1])
    line = MEAN + 0.1 / 9 * (x * math.exp(times[0]) - MEAN)
    np.testing.assert_allclose(cf.samplers.run(model, x, times, sampler), line * math.exp(-times[-1]), rtol=1e-13)
    velocity = x - math.exp(times[0]) * model.denoiser(x, times[0])  # u = -x - s = (m^2 x - m D) / (1 - m^2)
    velocity *= math.exp(-2 * times[0]) / -math.expm1(-2 * times[0])
    stepped = x - (times[0] - times[1]) * velocity
    exact = (MEAN + 2 / 9 * (x * math.exp(times[0]) - MEAN)) * math.exp(-times[1])
    assert abs(stepped - exact).max() > 0.05


def test_eulers_factor_in_angles_on_one_gaussian():
    """In the angle `arctan(sigma/c)` a step of width `w` has a factor `cos w` beyond the flow's."""
    c, K = math.sqrt(VARIANCE), 6
    angles = np.linspace(math.atan(20 / c), math.atan(0.1 / c), K + 1)
    x = np.array([[0.3]])
    found = cf.samplers.run(Exact(mean=0.0), x, times_of(list(c * np.tan(angles))), "euler")
    flow = math.sqrt((VARIANCE + 0.01) / (VARIANCE + 400)) * x * math.sqrt(401) / math.sqrt(1.01)
    np.testing.assert_allclose(found / flow, math.cos(angles[0] - angles[1]) ** K, rtol=1e-12)


@pytest.mark.parametrize(("sampler", "order"), [("euler", 1), ("heun", 2), ("dpmpp-2m", 2)])
def test_the_order_of_the_error(sampler, order):
    """G6: slopes 1, 2, 2 of the root mean square error, ring-8, arctan grid."""
    assert SOLVERS[sampler].order == order
    process, numbers = cf.OrnsteinUhlenbeck(cf.load_mixture("ring-8"), "0.01", "3"), [128, 256, 512]
    rng = np.random.default_rng(3)
    x = math.exp(-3) * process.mixture.sample(200, seed=3) + math.sqrt(-math.expm1(-6)) * rng.standard_normal((200, 2))
    exact = process.flow(x, 3, "0.01")
    errors = [
        np.sqrt(((cf.samplers.run(process, torch.from_numpy(x), grid, sampler).numpy() - exact) ** 2).sum(1).mean())
        for grid in (cf.time_grid(process, number, "arctan") for number in numbers)
    ]
    assert np.polyfit(np.log(numbers), np.log(errors), 1)[0] == pytest.approx(-order, abs=0.1)


# -- kinds of number -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["two-modes", "anisotropic-pair", "wine"])
@pytest.mark.parametrize("sampler", SOLVERS)
def test_torch_is_numpy(name, sampler):
    process = cf.OrnsteinUhlenbeck(cf.load_mixture(name), "0.01", "3")
    x = np.random.default_rng(0).standard_normal((7, process.mixture.dimension))
    grid = cf.time_grid(process, 5, "karras")
    found = cf.samplers.run(process, x, grid, sampler)
    np.testing.assert_allclose(cf.samplers.run(process, torch.from_numpy(x), grid, sampler), found, rtol=1e-10)
    single = cf.samplers.run(process, torch.from_numpy(x).float(), torch.tensor(grid.times), sampler)
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single, found, atol=2e-4)


@pytest.mark.parametrize("sampler", SOLVERS)
def test_gradients_pass_through_points_and_times(sampler):
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-variances"), "0.01", "3")
    x = torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    times = torch.tensor([3.0, 1.1, 0.4, 0.05], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, t: cf.samplers.run(process, x, t, sampler), (x, times))


@pytest.mark.parametrize("sampler", SOLVERS)
def test_a_last_node_at_zero_has_derivatives(sampler):
    times = torch.tensor([3.0, 0.4, 0.0], dtype=torch.float64, requires_grad=True)
    cf.samplers.run(Exact(), torch.ones(2, *Exact.shape, dtype=torch.float64), times, sampler).sum().backward()
    assert torch.isfinite(times.grad).all()


@pytest.mark.parametrize("t", [1e-4, 0.3, 14.0])
def test_the_denoiser_of_a_mixture_at_both_ends(t):
    """Against the posterior mean in 60 digits; at the noise end Tweedie's formula of the score loses six of them."""
    mpmath.mp.dps = 60
    law = cf.GaussianMixture(["1/3", "2/3"], [["-1"], ["1/2"]], ["0.25", "0.04"])
    x, sigma = mpmath.mpf("0.7"), mpmath.sqrt(mpmath.expm1(2 * mpmath.mpf(t)))
    z, total, mean = x * mpmath.exp(mpmath.mpf(t)), mpmath.mpf(0), mpmath.mpf(0)
    for w, mu, v in ((1, -1, "0.25"), (2, "0.5", "0.04")):
        mu, v = mpmath.mpf(mu), mpmath.mpf(v)
        weight = w * mpmath.exp(-((z - mu) ** 2) / (2 * (v + sigma**2))) / mpmath.sqrt(v + sigma**2)
        total, mean = total + weight, mean + weight * (mu + v / (v + sigma**2) * (z - mu))
    node = Node(t, math.exp(-t), math.sqrt(math.expm1(2 * t)), None)
    found = denoise_of(cf.OrnsteinUhlenbeck(law))(np.array([0.7]), node)[0]
    assert abs(found - float(mean / total)) < 1e-13
    assert isinstance(cf.OrnsteinUhlenbeck(law), Flow)


# -- bad input -------------------------------------------------------------------------------------------------


class Flat(Exact):
    def denoiser(self, x: Any, t: Any) -> Any:
        return super().denoiser(x, t).reshape(len(x), -1)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"sampler": "ddpm"}, "sampler: got 'ddpm'; required: one of euler, heun, dpmpp-2m"),
        ({"sampler": None}, "sampler: got None; required: one of euler, heun, dpmpp-2m"),
        ({"times": [3.0]}, "times: got 'shape (1,)'; required: shape (K + 1,), at least two times"),
        ({"times": [[3.0, 1.0]]}, "times: got 'shape (1, 2)'; required: shape (K + 1,), at least two times"),
        ({"times": [1.0, 1.0]}, "times: got [1.0, 1.0]; required: times strictly decreasing, at most 350, none neg"),
        ({"times": [1.0, -0.5]}, "times: got [1.0, -0.5]; required: times strictly decreasing, at most 350, none neg"),
        ({"times": [400.0, 1.0]}, "times: got [400.0, 1.0]; required: times strictly decreasing, at most 350, none"),
        ({"times": [1.0, math.nan]}, "times: got [1.0, nan]; required: times strictly decreasing, at most 350, none"),
        ({"times": "soon"}, "times: got 'soon'; required: "),
        ({"model": Exact}, "model: got 'Exact'; required: an object of this class, not the class itself"),
        ({"model": cf.Model}, "model: got 'Model'; required: an object of this class, not the class itself"),
        ({"model": object()}, "model: got <object object"),
        ({"model": Flat()}, "model: got 'a result of shape (2, 4)'; required: the shape of its points, (2, 1, 2, 2)"),
        (
            {"x": torch.ones(2, 1, 2, 2, dtype=torch.int64)},
            "x: got 'a torch tensor of torch.int64'; required: a tensor",
        ),
    ],
)
def test_bad_input_is_one_line(change, line):
    given = {"model": Exact(), "x": np.ones((2, 1, 2, 2)), "times": [2.0, 1.0], "sampler": "euler"} | change
    with pytest.raises(InputError) as refused:
        cf.samplers.run(**given)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)

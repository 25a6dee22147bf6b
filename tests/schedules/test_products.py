"""Jacobian–vector products and their typical size (N3): the Jacobian of the mixture, closed forms, and what is said."""

from __future__ import annotations

import math

import numpy as np
import pytest
from exact import MEANS, SCHEDULES, VARIANCES, WEIGHTS, prediction

import certflow as cf
from certflow.errors import InputError
from certflow.schedules import PREDICTIONS

torch = pytest.importorskip("torch")

PROCESS = cf.OrnsteinUhlenbeck(cf.GaussianMixture(WEIGHTS, MEANS, VARIANCES))
X = np.random.default_rng(5).standard_normal((12, 2))
V = np.random.default_rng(6).standard_normal((12, 2))


def by_numpy(name: str, predicts: str) -> cf.Model:
    make, ab = SCHEDULES[name]
    return cf.Model(lambda x, tau: prediction(predicts, x, *ab(tau)), predicts, make(cf.schedules))


def by_torch(name: str, arrays=None) -> cf.Model:
    """The score of the user's own `x`, by the process, which torch differentiates."""
    s = SCHEDULES[name][0](cf.schedules)

    def f(x, tau):
        t = s.ou_time(tau)
        r = s.scale_at(t)[:, None]
        return PROCESS.score(x / r, t) / r

    return cf.Model(f, "score", s, arrays=arrays)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("t", [0.05, 0.4, 2.0])
def test_forward_mode_is_the_jacobian(name, t):
    expected = np.einsum("nij,nj->ni", PROCESS.jacobian(X, t), V)
    found = by_torch(name).jacobian_product(torch.from_numpy(X), t, torch.from_numpy(V))
    assert isinstance(found, torch.Tensor)
    assert found.method == "forward mode"
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10)
    found = by_torch(name, "torch").jacobian_product(X, t, V)
    assert isinstance(found, np.ndarray)
    assert found.method == "forward mode"
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("predicts", PREDICTIONS)
def test_central_differences_are_the_jacobian(name, predicts):
    m = by_numpy(name, predicts)
    for t in (0.05, 0.4, 2.0):
        expected = np.einsum("nij,nj->ni", PROCESS.jacobian(X, t), V)
        found = m.jacobian_product(X, t, V)
        assert found.method == "central differences"
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7 * np.abs(expected).max())


def test_times_and_directions_broadcast():
    t = np.geomspace(0.05, 2, 12)
    found = by_torch("edm").jacobian_product(torch.from_numpy(X), t, [1.0, 0.0])
    np.testing.assert_allclose(found, PROCESS.jacobian(X, t)[:, :, 0], rtol=1e-9, atol=1e-10)
    one = by_numpy("edm", "sample").jacobian_product(X[0], 0.4, V[0])
    np.testing.assert_allclose(one, PROCESS.jacobian(X[0], 0.4) @ V[0], rtol=1e-6)


def test_a_direction_of_zero():
    found = by_numpy("edm", "sample").jacobian_product(X, 0.4, 0 * X)
    assert (found == 0).all()


def test_what_follows_from_a_product_says_nothing_of_a_method():
    found = by_numpy("edm", "sample").jacobian_product(X, 0.4, V)
    assert (found * 2).method is None
    assert found.method == "central differences"


def cut(x):
    return torch.sin(x.detach())


def through_numpy(x):
    return torch.from_numpy(np.sin(x.numpy()))


@torch.inference_mode()
def inferred(x):
    return torch.sin(x)


class Opaque(torch.autograd.Function):
    """An operation without a forward derivative."""

    @staticmethod
    def forward(ctx, x):
        return torch.sin(x)


@pytest.mark.parametrize("f", [cut, through_numpy, inferred, Opaque.apply])
def test_callables_without_derivatives_get_differences(f):
    """Those that cut themselves off would have the derivative 0 in forward mode, with no error."""
    m = cf.Model(lambda x, tau: f(x), "sample", cf.schedules.ornstein_uhlenbeck())
    x, t = torch.from_numpy(X), 0.4
    found = m.jacobian_product(x, t, torch.from_numpy(V))
    assert found.method == "central differences"
    shrink, variance = math.exp(-t), -math.expm1(-2 * t)
    np.testing.assert_allclose(found, (shrink**2 * V - shrink * np.cos(X) * V) / variance, rtol=1e-7, atol=1e-8)


def test_a_constant_has_the_derivative_zero_by_forward_mode():
    m = cf.Model(lambda x, tau: torch.ones_like(x), "sample", cf.schedules.ornstein_uhlenbeck())
    found = m.jacobian_product(torch.from_numpy(X), 0.4, torch.from_numpy(V))
    assert found.method == "forward mode"
    np.testing.assert_allclose(found, math.exp(-0.8) / -math.expm1(-0.8) * V, rtol=1e-13)


def test_differences_of_short_numbers():
    """A callable that computes in float32: the step is one for its digits, whatever the dtype of the points."""
    m = cf.Model(lambda x, tau: np.sin(x.astype(np.float32)), "sample", cf.schedules.ornstein_uhlenbeck())
    shrink, variance = math.exp(-0.4), -math.expm1(-0.8)
    expected = (shrink**2 * V - shrink * np.cos(X) * V) / variance
    np.testing.assert_allclose(m.jacobian_product(X, 0.4, V), expected, rtol=3e-3, atol=3e-3)


def test_products_are_differentiable():
    x = torch.from_numpy(X[:3]).requires_grad_()
    m = by_torch("flow")
    assert torch.autograd.gradcheck(lambda z: m.jacobian_product(z, 0.4, torch.from_numpy(V[:3])), (x,))


# -- the typical rate ------------------------------------------------------------------------------------------

TIMES = [0.05, 0.3, 1.0, 2.5]


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_the_typical_rate_of_a_mixture(kind):
    """Against the whole Jacobian at other points of the same law, within five standard errors."""
    data = PROCESS.mixture.sample(4000, seed=7)
    model = by_torch("vp") if kind == "torch" else by_numpy("vp", "sample")
    found = cf.schedules.typical_rate(model, torch.from_numpy(data) if kind == "torch" else data, TIMES, samples=3000)
    assert found.method == {"numpy": "central differences", "torch": "forward mode"}[kind]
    rng = np.random.default_rng(8)
    other = PROCESS.mixture.sample(20_000, seed=9)
    for t, value, error in zip(TIMES, found.values, found.standard_errors, strict=True):
        x = math.exp(-t) * other + math.sqrt(-math.expm1(-2 * t)) * rng.standard_normal(other.shape)
        squares = (PROCESS.jacobian(x, t) ** 2).sum((1, 2))
        exact = math.sqrt(squares.mean())
        assert abs(value - exact) < 5 * math.hypot(error, squares.std() / math.sqrt(len(x)) / (2 * exact))
        assert 0 < error < 0.2 * value


def test_the_typical_rate_of_a_linear_model():
    """`D = A x`: `J = (m^2 - m A) / n^2` everywhere, and random signs are right for its mean of squares alone."""
    matrix = np.array([[0.5, -0.4, 0.1], [0.2, 0.3, 0.0], [0.0, 0.6, -0.2]])
    m = cf.Model(lambda x, tau: x @ matrix.T, "sample", cf.schedules.ornstein_uhlenbeck())
    found = cf.schedules.typical_rate(m, np.zeros((1, 3)), [0.3], samples=20_000, batch=5000)
    shrink, variance = math.exp(-0.3), -math.expm1(-0.6)
    exact = np.linalg.norm((shrink**2 * np.eye(3) - shrink * matrix) / variance)
    assert abs(found.values[0] - exact) < 5 * found.standard_errors[0]
    assert found.standard_errors[0] < 0.01 * exact


def test_rows_of_images_a_seed_and_batches():
    m = cf.Model(lambda x, tau: torch.tanh(x), "sample", cf.schedules.edm(), shape=(1, 4, 4))
    data = torch.randn(30, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    first, parts = (cf.schedules.typical_rate(m, data, [0.5], samples=64, batch=size) for size in (64, 7))
    np.testing.assert_allclose(first.values, parts.values, rtol=1e-5)
    other = cf.schedules.typical_rate(m, data, [0.5], samples=64, seed=1)
    assert other.values[0] != first.values[0]


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.int16])
def test_noise_is_added_to_whole_numbers_as_it_is(dtype):
    data = torch.arange(12).reshape(6, 2).to(dtype)
    m = cf.Model(lambda x, tau: torch.tanh(x), "sample", cf.schedules.edm())
    found = cf.schedules.typical_rate(m, data, [0.3, 1.0], samples=64)
    expected = cf.schedules.typical_rate(m, data.double(), [0.3, 1.0], samples=64)
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": np.zeros((0, 2))}, "data: got 'shape"),
        ({"data": np.zeros(2)}, "data: got 'shape"),
        ({"data": torch.ones(3, 2) > 0}, "data: got .*; required: real numbers, not booleans"),
        ({"times": 0.5}, "times: got 'shape"),
        ({"times": [0.5, -1]}, r"times: got \[0.5, -1\]; required: finite times > 0"),
        ({"samples": 1}, "samples: got 1"),
        ({"model": PROCESS}, "model: got .*; required: a certflow.Model"),
        ({"model": None}, "model: got None; required: a certflow.Model"),
        ({"model": len}, "model: got .*; required: a certflow.Model"),
        ({"batch": 0}, "batch: got 0"),
        ({"seed": -1}, "seed: got -1"),
    ],
)
def test_bad_input(options, message):
    given = {"model": by_numpy("edm", "sample"), "data": np.zeros((3, 2)), "times": [0.5], **options}
    with pytest.raises(InputError, match=message):
        cf.schedules.typical_rate(**given)

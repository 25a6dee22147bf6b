"""The score network: exact denoisers in its place, differences, the linear denoiser that training must find."""

from __future__ import annotations

import math

import numpy as np
import pytest

import certflow as cf

torch = pytest.importorskip("torch")

from certflow.distill.beyond.network_flow import NetworkFlow  # noqa: E402
from certflow.distill.beyond.score_network import Denoiser, denoising_loss, model_of, train_denoiser  # noqa: E402
from certflow.distill.samples import POOL, TEST  # noqa: E402

LAW = cf.GaussianMixture([0.6, 0.4], [[-0.8, 0.3], [0.9, -0.4]], [0.1, 0.3])
PROCESS = cf.OrnsteinUhlenbeck(LAW, "0.05", "3")
DATA = LAW.sample(4000, seed=11)


class Tweedie(torch.nn.Module):
    """The exact denoiser of a mixture: `E[X_0 | X_t = x] = (x + (1 - m^2) s(x, t)) / m`, `x = m z`."""

    def forward(self, z, sigma):
        t = math.log1p(float(sigma[0]) ** 2) / 2
        m = math.exp(-t)
        return (m * z + (1 - m * m) * PROCESS.score(m * z, t)) / m


@pytest.fixture(scope="module")
def exact():
    model = cf.Model(Tweedie(), "sample", cf.schedules.edm(), shape=(2,), t_min="0.05", t_max="3")
    return NetworkFlow(model, DATA, PROCESS)


@pytest.fixture(scope="module")
def untrained():
    network = Denoiser(2, hidden=16, seed=4).double().requires_grad_(False)
    return NetworkFlow(model_of(network, 0.05, 3.0), DATA, PROCESS)


def points(count: int = 20) -> torch.Tensor:
    return torch.randn(count, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


# -- an exact denoiser in the place of the network -------------------------------------------------------------


@pytest.mark.parametrize("t", [0.05, 0.5, 3.0])
def test_with_the_exact_denoiser_it_is_the_flow_of_the_mixture(exact, t):
    x = points()
    np.testing.assert_allclose(exact.velocity(x, t), PROCESS.velocity(x.numpy(), t), rtol=1e-8, atol=1e-10)
    velocity, jacobian = exact.velocity_and_jacobian(x, t)
    np.testing.assert_allclose(velocity, PROCESS.velocity(x.numpy(), t), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(jacobian, PROCESS.jacobian(x.numpy(), t), rtol=1e-7, atol=1e-9)


def test_its_trajectories_and_their_derivatives(exact):
    x, h = points(6), 1e-5
    np.testing.assert_allclose(exact.map(x, 1.0, 0.1), PROCESS.flow(x.numpy(), 1.0, 0.1), rtol=1e-5, atol=1e-6)
    _, derivatives = exact.derivatives(x, (1.0, 0.1))
    for k, step in enumerate(h * np.eye(2)):
        gap = PROCESS.flow(x.numpy() + step, 1.0, 0.1) - PROCESS.flow(x.numpy() - step, 1.0, 0.1)
        np.testing.assert_allclose(derivatives[1, :, :, k], gap / (2 * h), rtol=1e-3, atol=1e-4)
    assert exact.factors((1.0, 0.1)) is None


# -- the network -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("t", [0.05, 0.7, 3.0])
def test_the_jacobian_of_the_network_against_differences(untrained, t):
    x, h = points(), 1e-5
    velocity, jacobian = untrained.velocity_and_jacobian(x, t)
    torch.testing.assert_close(velocity, untrained.velocity(x, t))
    for k, step in enumerate(h * torch.eye(2, dtype=torch.float64)):
        gap = (untrained.velocity(x + step, t) - untrained.velocity(x - step, t)) / (2 * h)
        torch.testing.assert_close(jacobian[:, :, k], gap, rtol=1e-6, atol=1e-7)
    assert (jacobian - jacobian.transpose(1, 2)).abs().max() > 0.01 * jacobian.abs().max()  # so its transpose fails


def test_training_finds_the_linear_denoiser_of_one_gaussian():
    """`E[X_0 | z] = mu + C (C + sigma^2)^{-1} (z - mu)`, `z = X_0 + sigma Z`."""
    mean, covariance = np.array([0.3, -0.2]), np.array([[1.0, 0.5], [0.5, 0.6]])
    data = np.random.default_rng(5).multivariate_normal(mean, covariance, 4000)
    mean, covariance = data.mean(0), np.cov(data.T)
    steps: list[tuple[int, int]] = []
    network = train_denoiser(
        data, 0.05, 2.0, hidden=32, steps=800, batch=256, progress=lambda *step: steps.append(step)
    )
    rng = np.random.default_rng(6)
    for sigma in (0.4, 1.0, 3.0):
        z = data[:1000] + sigma * rng.standard_normal((1000, 2))
        exact = mean + (z - mean) @ np.linalg.solve(covariance + sigma**2 * np.eye(2), covariance)
        found = network(torch.from_numpy(z), torch.full((1000,), sigma, dtype=torch.float64)).numpy()
        spread = ((data - mean) ** 2).sum(1).mean()
        assert ((found - exact) ** 2).sum(1).mean() < 3e-3 * spread
        guess = z / (1 + sigma**2)  # the untrained part of the preconditioning
        assert ((found - exact) ** 2).mean() < 0.1 * ((guess - exact) ** 2).mean()
    assert steps[-1] == (800, 800)
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float64}


def test_the_loss_of_rows_is_that_of_what_it_predicts():
    """With zero layers `D = z / (1 + sigma^2)`, `E|D - x|^2 = (sigma^4 |x|^2 + d sigma^2) / (1 + sigma^2)^2`."""
    network = Denoiser(2).double().requires_grad_(False)
    for parameter in network.parameters():
        parameter.zero_()
    rows = np.random.default_rng(8).standard_normal((20_000, 2))
    logs = np.linspace(*(0.5 * math.log(math.expm1(2 * t)) for t in (0.05, 3.0)), 2001)
    sigma = np.exp(logs)
    square = (rows**2).mean()
    exact = ((1 + sigma**-2) * (sigma**4 * square + sigma**2) / (1 + sigma**2) ** 2).mean()
    assert denoising_loss(network, rows, 0.05, 3.0) == pytest.approx(exact, rel=0.02)


def test_the_preconditioning():
    """Where the layers are zero, `D = z / (1 + sigma^2)`, the exact denoiser of the standard normal law."""
    network = Denoiser(3).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        z, sigma = torch.randn(5, 3, dtype=torch.float64), torch.full((5,), 2.0, dtype=torch.float64)
        torch.testing.assert_close(network(z, sigma), z / 5)


def test_a_seed_decides():
    first, again, other = (train_denoiser(DATA, 0.05, 3.0, hidden=8, steps=5, batch=32, seed=s) for s in (1, 1, 2))
    for one, same, different in zip(first.parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, same)
        assert not torch.equal(one, different)


def test_it_starts_from_noised_data(untrained):
    x = untrained.draw(20_000, 0, TEST).numpy()
    m = math.exp(-3)
    np.testing.assert_allclose(x.mean(0), m * DATA.mean(0), atol=0.03)
    np.testing.assert_allclose(np.cov(x.T), m * m * np.cov(DATA.T) + (1 - m * m) * np.eye(2), atol=0.05)
    assert torch.equal(untrained.draw(10, 0, TEST), untrained.draw(10, 0, TEST))
    assert not torch.equal(untrained.draw(10, 0, TEST), untrained.draw(10, 0, POOL))
    assert not torch.equal(untrained.draw(10, 0, TEST), untrained.draw(10, 1, TEST))

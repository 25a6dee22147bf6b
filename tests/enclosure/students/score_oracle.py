"""Score networks for the tests, and an oracle of their errors that shares nothing with the package.

Two modes at -1 and 1, sigma 0.2, and mixtures given by arrays; the law, its score, the solvers and the flow by
bisection of distribution functions are written here anew, integrals by Gauss-Legendre panels.
"""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from scipy.special import ndtr

import certflow as cf

STORED = np.load(Path(__file__).parent / "score_network.npz")
#: Weights, means, variances of mixtures in one dimension.
LAWS = {
    "modes": ([0.5, 0.5], [-1.0, 1.0], [0.04, 0.04]),
    "uneven": ([0.25, 0.75], [-1.0, 0.5], [0.0625, 0.25]),
}


def process(law: str = "modes") -> cf.OrnsteinUhlenbeck:
    weights, means, variances = LAWS[law]
    mixture = cf.GaussianMixture(weights, [[m] for m in means], variances if law == "uneven" else "0.04")
    return cf.OrnsteinUhlenbeck(mixture, t_min="0.01", t_max="3")


class Denoiser(torch.nn.Module):
    """`D = z/(1 + s^2) + s/sqrt(1 + s^2) F(z/sqrt(1 + s^2), log(s)/4)`, trained for 3,000 steps on the two modes."""

    def __init__(self) -> None:
        super().__init__()
        layers = [torch.nn.Linear(2, 32), torch.nn.SiLU(), torch.nn.Linear(32, 32), torch.nn.SiLU()]
        self.net = torch.nn.Sequential(*layers, torch.nn.Linear(32, 1))
        self.net.load_state_dict({key.replace("_", "."): torch.from_numpy(STORED[key]) for key in STORED.files})
        self.double().requires_grad_(False)

    def forward(self, z: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        s = sigma.unsqueeze(1)
        total = (1 + s * s).sqrt()
        return z / total**2 + s / total * self.net(torch.cat([z / total, s.log() / 4], dim=1))


def trained() -> cf.Model:
    return cf.Model(Denoiser(), "sample", cf.schedules.edm(), shape=(1,))


def trained_score(x: np.ndarray, t: float) -> np.ndarray:
    """The score that the trained network says, by Tweedie's formula."""
    m, z = math.exp(-t), torch.from_numpy(x * math.exp(t))[:, None]
    said = Denoiser()(z, torch.full((len(x),), math.sqrt(math.expm1(2 * t)), dtype=torch.float64))[:, 0].numpy()
    return (m * said - x) / (1 - m * m)


def components(t: float, law: str = "modes"):
    weights, means, variances = (np.array(part) for part in LAWS[law])
    m = math.exp(-t)
    return weights, m * means, m * m * variances + 1 - m * m


def density_and_score(x: np.ndarray, t: float, law: str = "modes"):
    w, c, v = components(t, law)
    parts = w * np.exp(-((x[:, None] - c) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v)
    p = parts.sum(1)
    return p, (parts * (c - x[:, None]) / v).sum(1) / p


def panels(low: float, high: float, count: int, order: int = 8):
    """Nodes and weights of Gauss-Legendre panels."""
    x, w = np.polynomial.legendre.leggauss(order)
    edges = np.linspace(low, high, count + 1)
    half = (edges[1:] - edges[:-1]) / 2
    return ((edges[1:] + edges[:-1])[:, None] / 2 + half[:, None] * x).ravel(), (half[:, None] * w).ravel()


def score_error(said, t: float, law: str = "modes", count: int = 1500) -> tuple[float, float]:
    """`E|N - s|^2` and that over `E|s|^2`, for `said(x)`."""
    _, c, v = components(t, law)
    reach = 9.0 * math.sqrt(v.max())
    x, w = panels(c.min() - reach, c.max() + reach, count)
    p, s = density_and_score(x, t, law)
    error = float((w * p * (said(x) - s) ** 2).sum())
    return error, error / float((w * p * s * s).sum())


def rows_score(layers, t: float):
    """A network by its rows, in float64."""

    def said(x: np.ndarray) -> np.ndarray:
        values = np.stack([x, np.full_like(x, t)], axis=1)
        for layer in layers:
            matrix = np.zeros((values.shape[1], len(layer)))
            for j, (_, weights, _) in enumerate(layer):
                for i, weight in weights.items():
                    matrix[i, j] = int(weight.p) / int(weight.q)
            values = values @ matrix + np.array([int(b.p) / int(b.q) for b, _, _ in layer])
            kinds = np.array([kind for *_, kind in layer])
            positive = np.maximum(values, 0.0)
            values = np.where(kinds == "", values, np.where(kinds == "requ", positive * positive, positive))
        return values[:, 0]

    return said


def flow_end(x: np.ndarray, start: float, end: float, law: str = "modes") -> np.ndarray:
    """`F_end^-1(F_start(x))` by bisection, with the smaller of the two tails."""

    def tails(y, t):
        w, c, v = components(t, law)
        z = (y[:, None] - c) / np.sqrt(v)
        return (w * ndtr(z)).sum(1), (w * ndtr(-z)).sum(1)

    below, above = tails(x, start)
    low, high = np.full_like(x, -40.0), np.full_like(x, 40.0)
    for _ in range(90):
        middle = (low + high) / 2
        here = tails(middle, end)
        right = np.where(below < above, here[0] < below, here[1] > above)
        low, high = np.where(right, middle, low), np.where(right, high, middle)
    return (low + high) / 2


def solved(said, x: np.ndarray, times, sampler: str) -> np.ndarray:
    """Euler, Heun, DPM-Solver++(2M) in `z = x/m` with the denoiser of a score `said(x, t)`."""

    def denoised(z, t):
        m = math.exp(-t)
        return (m * z + (1 - m * m) * said(m * z, t)) / m

    z, before = x * math.exp(times[0]), None
    for t, u in pairwise(times):
        a, b = math.sqrt(math.expm1(2 * t)), math.sqrt(math.expm1(2 * u))
        d = denoised(z, t)
        if sampler == "euler":
            z = z + (b - a) * (z - d) / a
        elif sampler == "heun":
            one = z + (b - a) * (z - d) / a
            z = z + (b - a) / 2 * ((z - d) / a + (one - denoised(one, u)) / b)
        else:
            used = d
            if before is not None:
                r = math.log(before[0] / a) / math.log(a / b)
                used = (1 + 1 / (2 * r)) * d - before[1] / (2 * r)
            before = a, d
            z = b / a * z - math.expm1(math.log(b / a)) * used
    return z * math.exp(-times[-1])


def sampler_error(said, times, sampler: str, law: str = "modes", count: int = 1500) -> float:
    """`E|Psi(X) - Phi(X)|^2 / E|Phi(X)|^2`, `X ~ p_T`."""
    _, c, v = components(times[0], law)
    reach = 9.0 * math.sqrt(v.max())
    x, w = panels(c.min() - reach, c.max() + reach, count)
    p, _ = density_and_score(x, times[0], law)
    exact = flow_end(x, times[0], times[-1], law)
    error = (w * p * (solved(said, x, times, sampler) - exact) ** 2).sum()
    return float(error / (w * p * exact * exact).sum())

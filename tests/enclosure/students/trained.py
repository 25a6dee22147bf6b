"""Students that were trained by the laboratory on two modes at -1 and 1, sigma 0.2, and an oracle of their errors.

The oracle shares nothing with the package: normal distribution functions of SciPy, bisection, Gauss-Legendre panels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.special import ndtr

import certflow as cf
from certflow.enclosure.students.maps import ExactMap

STORED = np.load(Path(__file__).parent / "trained.npz")
NAMES = ("uniform-2", "balanced-2", "tanh-1", "relu-1", "groupsort-1")
ACTIVATION = {"tanh-1": "tanh", "relu-1": "relu", "groupsort-1": "groupsort"}


def process():
    mixture = cf.GaussianMixture(["1/2", "1/2"], [["-1"], ["1"]], "0.04")
    return cf.OrnsteinUhlenbeck(mixture, t_min="0.01", t_max="3")


def student(name: str) -> tuple[list[ExactMap], list[float]]:
    """Its maps and the times of its grid."""
    count = len(STORED[f"{name}/times"]) - 1
    maps = []
    for i in range(count):
        parts = {part: STORED[f"{name}/{i}/{part}"] for part in PARTS}
        layers = range(3)
        weights = tuple(STORED[f"{name}/{i}/w{j}"] for j in layers)
        biases = tuple(STORED[f"{name}/{i}/b{j}"] for j in layers)
        maps.append(ExactMap(weights, biases, ACTIVATION.get(name, "silu"), 1.0, **parts))
    return maps, STORED[f"{name}/times"].tolist()


PARTS = ("input_mean", "input_scale", "output_mean", "output_scale")


def evaluated(maps, x):
    """The student in float64, written again."""
    for one in maps:
        z = (x[:, None] - one.input_mean) / one.input_scale
        for j, (w, b) in enumerate(zip(one.weights, one.biases, strict=True)):
            z = z @ w + b
            if j < len(one.weights) - 1:
                first, second = np.split(z, 2, axis=1) if z.shape[1] % 2 == 0 else (z, z)
                z = {
                    "silu": lambda z: z / (1 + np.exp(-z)),
                    "tanh": np.tanh,
                    "relu": lambda z: np.maximum(z, 0),
                    "groupsort": lambda z, a=first, b=second: np.concatenate([np.maximum(a, b), np.minimum(a, b)], 1),
                }[one.activation](z)
        x = one.skip * x + one.output_mean[0] + one.output_scale[0] * z[:, 0]
    return x


class Law:
    def __init__(self, weights, means, variances, t):
        m = np.exp(-t)
        self.w, self.mu = np.array(weights), m * np.array(means)
        self.sd = np.sqrt(m * m * np.array(variances) + 1 - m * m)

    def tails(self, x):
        z = (x[:, None] - self.mu) / self.sd
        return ndtr(z) @ self.w, ndtr(-z) @ self.w

    def density(self, x):
        z = (x[:, None] - self.mu) / self.sd
        return np.exp(-z * z / 2) @ (self.w / self.sd) / np.sqrt(2 * np.pi)


def carried(y, source, target):
    """`F_target^-1(F_source(y))` by bisection on the smaller tail."""
    lower, upper = source.tails(y)
    low, high = np.full_like(y, -40.0), np.full_like(y, 40.0)
    for _ in range(58):
        middle = (low + high) / 2
        a, b = target.tails(middle)
        left = np.where(lower < 0.5, a < lower, b > upper)
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    return (low + high) / 2


def relative_mse(psi, noise, data, reach, panels=400):
    """`E |Psi - Phi|^2 / E |Phi|^2` by Gauss-Legendre at the data end."""
    points, weights = np.polynomial.legendre.leggauss(12)
    ends = np.linspace(*reach, panels + 1)
    half = np.diff(ends)[:, None] / 2
    y = (ends[:-1, None] + half + half * points).ravel()
    mass = (half * weights).ravel() * data.density(y)
    return float((mass * (psi(carried(y, data, noise)) - y) ** 2).sum() / (mass * y * y).sum())


NOISE, DATA = (Law([0.5, 0.5], [-1, 1], [0.04, 0.04], t) for t in (3.0, 0.01))

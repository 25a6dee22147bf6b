"""Students of the triangle that the laboratory trained, and oracles of the flow and of their errors.

The oracles share nothing with the package: the flow is SciPy's, of the velocity written here in `x` and `t`; of a
product of two one-dimensional mixtures it is a pair of quantile maps, by SciPy's normal distribution
function and bisection.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import ndtr

import certflow as cf
from certflow.enclosure.students.maps import ExactMap

STORED = np.load(Path(__file__).parent / "triangle_students.npz")
#: Trained on uniform and on stability-balanced grids, with so many segments.
NAMES = ("u1", "u2", "b2", "b4")
_PARTS = {"input_mean": "im", "input_scale": "isc", "output_mean": "om", "output_scale": "osc"}
START, END = 3.0, 0.01


def triangle():
    means = [["1", "0"], ["-1/2", "7/8"], ["-1/2", "-7/8"]]
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1/3"] * 3, means, "1/16"), "0.01", "3")


@cache
def atlas():
    """Of the triangle, coarse: the tests that use it check what is proved, not how sharp it is."""
    return cf.enclosure.flow_atlas(triangle(), tolerance="3e-3", seconds=np.inf)


def student(name):
    maps = []
    while f"{name}-{len(maps)}-w0" in STORED:
        key = f"{name}-{len(maps)}"
        parts = {part: STORED[f"{key}-{short}"] for part, short in _PARTS.items()}
        weights, biases = ([STORED[f"{key}-{kind}{j}"] for j in range(3)] for kind in "wb")
        maps.append(ExactMap(tuple(weights), tuple(biases), "silu", 1.0, **parts))
    return maps


def mapped(name, x):
    """The student in float64, by formulas of its own."""
    for i in range(int(name[1])):
        key = f"{name}-{i}"
        part = {full: STORED[f"{key}-{short}"].astype(float) for full, short in _PARTS.items()}
        z = (x - part["input_mean"]) / part["input_scale"]
        for j in range(3):
            z = z @ STORED[f"{key}-w{j}"].astype(float) + STORED[f"{key}-b{j}"].astype(float)
            z = z / (1 + np.exp(-z)) if j < 2 else z
        x = x + part["output_mean"] + part["output_scale"] * z
    return x


def flowed(weights, means, variance, x, t_from, t_to, rtol=1e-10):
    """The probability flow `dx/dt = -x - score` of points `x`, shape (N, d), between two times."""
    weights, means = np.asarray(weights, float), np.asarray(means, float)
    shape = x.shape

    def velocity(t, flat):
        y = flat.reshape(shape)
        m = np.exp(-t)
        v = variance * m * m + 1 - m * m
        off = m * means[None] - y[:, None]
        logits = np.log(weights) - (off**2).sum(2) / (2 * v)
        gamma = np.exp(logits - logits.max(1, keepdims=True))
        gamma /= gamma.sum(1, keepdims=True)
        return (-y - (gamma[:, :, None] * off).sum(1) / v).ravel()

    # (SciPy 1.11 looks for its first step beyond the end, where `e^-t` may overflow.)
    with np.errstate(over="ignore", invalid="ignore"):
        found = solve_ivp(velocity, (t_from, t_to), x.ravel(), method="DOP853", rtol=rtol, atol=rtol * 1e-2)
    assert found.success
    return found.y[:, -1].reshape(shape)


def of_triangle(x, t_from, t_to, rtol=1e-10):
    return flowed([1 / 3] * 3, [[1, 0], [-0.5, 0.875], [-0.5, -0.875]], 1 / 16, x, t_from, t_to, rtol)


def clock(variance, t):
    """`sqrt(v)` and `q`."""
    m = np.exp(-t)
    root = np.sqrt(variance * m * m + 1 - m * m)
    return root, m / root


def quantile_map(weights, means, variance, y, t_from, t_to):
    """`F_{t_to}^{-1}(F_{t_from}(y))` of a mixture in one dimension, by bisection on the smaller tail."""
    weights, means = np.asarray(weights, float), np.asarray(means, float)

    def tails(x, t):
        m = np.exp(-t)
        root = np.sqrt(variance * m * m + 1 - m * m)
        z = (x[:, None] - m * means) / root
        return ndtr(z) @ weights, ndtr(-z) @ weights

    below, above = tails(y, t_from)
    low, high = np.full(len(y), -60.0), np.full(len(y), 60.0)
    for _ in range(90):
        middle = (low + high) / 2
        one, other = tails(middle, t_to)
        left = np.where(below < 0.5, one < below, other > above)
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    return (low + high) / 2


def evaluated(basis, polynomials, eta):
    """Polynomials, shape (terms, cells, d), at one `eta` for each cell, shape (cells, d)."""
    powers = np.array([np.prod(eta ** np.array(m), axis=1) for m in basis.monomials])
    return (powers[:, :, None] * polynomials[: len(powers)]).sum(0)

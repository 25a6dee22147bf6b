"""One-dimensional factors of a mixture, and the floors that they add up to, against maps that attain them."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import sympy
from depth import some
from scipy.optimize import brentq
from scipy.special import ndtr

import certflow as cf
from certflow.composition.floors import best_map, mean_square_floor, pairing_floor, second_moment
from certflow.errors import InputError
from certflow.law.factors import factors

HALF = ["1/2", "1/2"]


def process_of(weights, means, covariances):
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, covariances), "0.01", "3")


def attained(sigma, budget, dimension):
    """The relative error of `x -> (min(B x_1, phi(x_1)), Phi(x)_2, ...)`, modes at +-1 on the first axis.

    In the variable of the data end, by bisection of distribution functions; the map is `B`-Lipschitz if the other axes'
    slope is at most `B`.
    """
    m = [math.exp(-t) for t in (3.0, 0.01)]
    width = [math.sqrt(sigma**2 * a * a + 1 - a * a) for a in m]
    assert width[1] / width[0] <= budget

    def survival(x, k):
        return (ndtr((m[k] - x) / width[k]) + ndtr((-m[k] - x) / width[k])) / 2

    def back(x):
        low, high = np.zeros_like(x), np.full_like(x, 6.0)
        for _ in range(60):
            middle = (low + high) / 2
            above = survival(middle, 0) < survival(x, 1)
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return (low + high) / 2

    crossing = brentq(lambda x: x - budget * float(back(np.array(x))), 0.1, 1.5)
    points, weights = np.polynomial.legendre.leggauss(300)
    x = crossing * (1 + points) / 2
    density = sum(np.exp(-(((x - c * m[1]) / width[1]) ** 2) / 2) for c in (-1, 1)) / width[1] / math.sqrt(8 * math.pi)
    value = crossing * weights @ (density * (x - budget * back(x)) ** 2)
    return float(value) / (m[1] ** 2 + dimension * width[1] ** 2)


@pytest.mark.parametrize("budget", [3.0, 20.0, 60.0])
@pytest.mark.parametrize(("dimension", "sigma"), some(((d, sigma) for d in (2, 3, 7) for sigma in ("0.05", "0.2")), 3))
def test_two_modes_have_the_error_of_the_best_map(sigma, dimension, budget):
    means = [[v, *["0"] * (dimension - 1)] for v in ("-1", "1")]
    process = process_of(HALF, means, float(sigma) ** 2)
    exact = attained(float(sigma), budget, dimension)
    floor = mean_square_floor(process, budget)
    assert floor.relative == pytest.approx(exact, rel=1e-7)
    assert process.mismatch_floor(budget) <= exact * (1 + 1e-7)
    assert floor.attained
    assert floor.level is None
    assert floor.basis == f"what the best map attains (product of {dimension} one-dimensional laws)"


@pytest.mark.parametrize(("budget", "seed"), [(3.0, 0), (20.0, 0), (20.0, 1)])
def test_a_sample_of_pairs_gives_a_lower_confidence_bound(budget, seed):
    """Three dimensions, where the value is known; a sample mean would be above it for every second seed."""
    process = process_of(HALF, [["-1", "0", "0"], ["1", "0", "0"]], "0.04")
    floor = pairing_floor(process, budget, samples=512, seed=seed)
    exact = attained(0.2, budget, 3)
    assert 0.6 * exact < floor.relative < exact
    assert floor.level == 0.999
    assert "a lower confidence bound at 99.9 % (pairing, 3 reflections, 512 draws)" in floor.basis


def test_a_turned_pair_has_the_floor_of_its_line():
    process = process_of(["0.3", "0.7"], [["0.4", "2.2"], ["1.6", "3.8"]], "0.01")
    line = process_of(["0.3", "0.7"], [["-1"], ["1"]], "0.01")
    floor = mean_square_floor(process, 5.0)
    assert floor.value == pytest.approx(best_map(line, 5.0).floor.value, rel=1e-9)
    assert floor.scale == second_moment(process)
    np.testing.assert_allclose(np.abs(factors(process.mixture).directions), [[0.6, 0.8]])


def test_floors_of_factors_add_up():
    """Weights and means of a product, one covariance with an eigenvector along each line."""
    first, second = (["0.3", "0.7"], ["-1", "1"]), (["0.2", "0.5", "0.3"], ["-1", "0.2", "1.5"])
    rows = [
        (float(a) * float(b), [x, y, "0"])
        for (a, x), (b, y) in itertools.product(zip(*first, strict=True), zip(*second, strict=True))
    ]
    weights = ["0.06", "0.15", "0.09", "0.14", "0.35", "0.21"]
    assert [row[0] for row in rows] == pytest.approx([float(w) for w in weights])
    covariance = [["0.01", "0", "0"], ["0", "0.02", "0"], ["0", "0", "4"]]
    process = process_of(weights, [row[1] for row in rows], covariance)
    budget = 1.5
    lines = [process_of(first[0], [[v] for v in first[1]], "0.01")]
    lines.append(process_of(second[0], [[v] for v in second[1]], "0.02"))
    late, early = (math.sqrt(4 * math.exp(-2 * t) + 1 - math.exp(-2 * t)) for t in (3.0, 0.01))
    assert early > budget * late
    wide = (early - budget * late) ** 2  # the third axis is one Gaussian, steeper than the budget
    expected = sum(best_map(line, budget).floor.value for line in lines) + wide
    floor = mean_square_floor(process, budget)
    assert floor.value == pytest.approx(expected, rel=1e-9)
    assert floor.attained


def test_what_factors_and_what_does_not():
    def shape(weights, means, covariances):
        found = factors(cf.GaussianMixture(weights, means, covariances))
        return [line.n_components for line in found.lines], len(found.variances), found.complete

    square = [["-1", "-1"], ["-1", "1"], ["1", "-1"], ["1", "1"]]
    assert shape(["1/4"] * 4, square, "0.1") == ([2, 2], 0, True)
    assert shape(["0.06", "0.24", "0.14", "0.56"], square, "0.1") == ([2, 2], 0, True)
    assert shape(["0.06", "0.24", "0.15", "0.55"], square, "0.1") == ([], 0, False)
    diagonal = [["-1", "0"], ["1", "0"]]
    assert shape(HALF, diagonal, [["1", "0"], ["0", "3"]]) == ([2], 1, True)
    assert shape(HALF, diagonal, [["2", "1"], ["1", "2"]]) == ([], 0, False)  # the line is no eigenvector
    assert shape(HALF, diagonal, ["0.1", "0.2"]) == ([], 0, False)
    assert shape(HALF, diagonal, [[["1", "0"], ["0", "3"]], [["2", "0"], ["0", "3"]]]) == ([2], 1, True)
    assert shape(HALF, diagonal, [[["1", "0"], ["0", "3"]], [["1", "0"], ["0", "2"]]]) == ([], 0, False)
    assert shape([1], [["1", "2", "3"]], [["2", "1", "0"], ["1", "2", "0"], ["0", "0", "5"]]) == ([], 3, True)
    assert shape(HALF, [["1", "2"], ["1", "2"]], "0.3") == ([], 2, True)  # equal components are one
    prism = [["0", "0", "-1"], ["1", "0", "-1"], ["0", "2", "-1"], ["0", "0", "1"], ["1", "0", "1"], ["0", "2", "1"]]
    assert shape(["1/6"] * 6, prism, "0.1") == ([2], 0, False)
    symbolic = cf.GaussianMixture([1], [[sympy.Symbol("a")]], "1")
    with pytest.raises(InputError, match="numbers"):
        factors(symbolic)


def test_the_rest_of_a_product_is_paired():
    """A hexagonal prism: the height is a factor, the hexagon has reflections only; the parts add up."""
    around = [("0", "2"), ("2", "1"), ("2", "-1"), ("0", "-2"), ("-2", "-1"), ("-2", "1")]
    prism = process_of(["1/12"] * 12, [[x, y, h] for x, y in around for h in ("-1", "1")], "0.04")
    plane = process_of(["1/6"] * 6, [list(pair) for pair in around], "0.04")
    line = process_of(HALF, [["-1"], ["1"]], "0.04")
    floor, alone = mean_square_floor(prism, 3.0, samples=256), pairing_floor(plane, 3.0, samples=256)
    assert floor.value - best_map(line, 3.0).floor.value == pytest.approx(alone.value, rel=0.4)
    assert floor.level == 0.999
    assert not floor.attained
    assert "(one-dimensional factor, and pairing, 2 reflections, 256 draws)" in floor.basis


@pytest.mark.parametrize("name", ["line-3", "grid-4x4", "two-modes"])
def test_floors_fall_with_the_budget(name):
    process = cf.OrnsteinUhlenbeck(cf.load_mixture(name), "0.01", "3")
    floors = [process.mismatch_floor(budget) for budget in (0.5, 1.0, 2.0, 4.0)]
    assert floors == sorted(floors, reverse=True)
    assert all(0 <= floor < 1 for floor in floors)

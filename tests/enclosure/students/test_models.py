"""Taylor models of random networks against mpmath, in one and two dimensions, with and without symbols."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from certflow.enclosure.students import push as pushing
from certflow.enclosure.students.activations import ACTIVATIONS
from certflow.enclosure.students.maps import ExactMap
from certflow.enclosure.students.push import push, push_derivatives
from certflow.enclosure.students.taylor import Basis, Models, constant, product

MP = mpmath.MPContext()
MP.prec = 120


def network(rng, d, name, width=6):
    weights = (
        2 * rng.normal(size=(d, width)),
        2 * rng.normal(size=(width, width)) / math.sqrt(width),
        rng.normal(size=(width, d)) / math.sqrt(width),
    )
    biases = (rng.normal(size=width), rng.normal(size=width), rng.normal(size=d))
    scale = np.full(d, 0.7)
    return ExactMap(weights, biases, name, 1.0, rng.normal(size=d) / 9, scale, rng.normal(size=d) / 9, scale)


def activation(name, z):
    if name == "silu":
        return [x / (1 + MP.exp(-x)) for x in z]
    if name == "tanh":
        return [MP.tanh(x) for x in z]
    if name == "relu":
        return [max(x, MP.mpf(0)) for x in z]
    half = len(z) // 2
    pairs = list(zip(z[:half], z[half:], strict=True))
    return [max(pair) for pair in pairs] + [min(pair) for pair in pairs]


def exact(maps, x):
    number = lambda value: MP.mpf(float(value))  # noqa: E731
    for one in maps:
        z = [(v - number(a)) / number(r) for v, a, r in zip(x, one.input_mean, one.input_scale, strict=True)]
        for i, (w, b) in enumerate(zip(one.weights, one.biases, strict=True)):
            z = [MP.fsum(z[k] * number(w[k, j]) for k in range(len(z))) + number(b[j]) for j in range(len(b))]
            z = activation(one.activation, z) if i < len(one.weights) - 1 else z
        x = [
            number(one.skip) * v + number(b) + number(c) * y
            for v, b, c, y in zip(x, one.output_mean, one.output_scale, z, strict=True)
        ]
    return x


def worst(basis, models, truth, points, symbols=()):
    """The largest `|f - model| / r` over `(cell, eta, eps)`."""
    found = 0.0
    c, r = models
    for i, eta, values in zip(*points, truth, strict=True):
        for a, value in enumerate(values):
            model = sum(
                MP.mpf(float(c[k, i, a])) * MP.fprod(MP.mpf(e) ** q for e, q in zip(eta, m, strict=True))
                for k, m in enumerate(basis.monomials)
            )
            model += sum(MP.mpf(float(c[basis.size + k, i, a])) * MP.mpf(e) for k, e in enumerate(symbols))
            rest = r[i, a] + np.abs(c[basis.size + len(symbols) :, i, a]).sum()
            found = max(found, float(abs(value - model) / MP.mpf(float(rest))))
    return found


CASES = [(name, d, symbols) for name in ACTIVATIONS for d, symbols in ((1, 0), (1, 1), (2, 0), (2, 2), (2, 4))]


def setting(name, d, symbols, degree):
    rng = np.random.default_rng(CASES.index((name, d, symbols)))
    basis = Basis(d, degree, symbols)
    maps = [network(rng, d, name) for _ in range(2)]
    low = rng.uniform(-3, 3, (4, d))
    high = low + 10.0 ** rng.uniform(-3, 0, (4, 1))
    models = basis.boxes(low, high)
    kept = [0.3, -0.8] if symbols == 4 else []
    for a, size in enumerate((1e-3, 2e-3)[: len(kept)]):
        models.coefficients[basis.size + a, :, a] = size
    cells, etas = np.repeat(range(4), 3), [rng.uniform(-1, 1, d) for _ in range(12)]
    points = [
        [
            (MP.mpf(lo) + MP.mpf(hi)) / 2 + (MP.mpf(hi) - MP.mpf(lo)) / 2 * MP.mpf(e)
            for lo, hi, e in zip(low[i], high[i], eta, strict=True)
        ]
        for i, eta in zip(cells, etas, strict=True)
    ]
    for x in points:
        for a, e in enumerate(kept):
            x[a] += MP.mpf((1e-3, 2e-3)[a]) * MP.mpf(e)
    return basis, maps, models, points, (cells, etas), kept


@pytest.mark.parametrize("degree", [2, 3, 5])
@pytest.mark.parametrize(("name", "d", "symbols"), CASES)
def test_models_contain_the_network(name, d, symbols, degree):
    basis, maps, models, points, where, kept = setting(name, d, symbols, degree)
    found = push(basis, models, maps)
    assert worst(basis, found, [exact(maps, x) for x in points], where, kept) <= 1
    assert np.isfinite(found.remainder).all()


@pytest.mark.parametrize("name", ["silu", "tanh", "relu", "groupsort"])
@pytest.mark.parametrize("d", [1, 2])
def test_models_of_derivatives_contain_difference_quotients(name, d):
    basis, maps, models, points, where, _ = setting(name, d, 0, 3)
    changes = [constant(basis, np.tile(row, (4, 1))) for row in np.eye(d)]
    _, found = push_derivatives(basis, models, changes, maps)
    step = MP.mpf(10) ** -15
    for a in range(d):
        truth = []
        for x in points:
            moved = [v + (step if b == a else 0) for b, v in enumerate(x)]
            pairs = zip(exact(maps, moved), exact(maps, x), strict=True)
            truth.append([(one - other) / step for one, other in pairs])
        assert worst(basis, found[a], truth, where) <= 1 + 1e-6


@pytest.mark.parametrize("degree", [2, 3, 5])
def test_models_get_narrow_like_the_power_of_the_cells(degree):
    basis = Basis(1, degree)
    one = network(np.random.default_rng(5), 1, "silu")
    wide, narrow = (
        push(basis, basis.boxes(np.array([[0.3]]), np.array([[0.3 + h]])), [one]).remainder[0, 0] for h in (0.04, 0.02)
    )
    assert narrow < wide * 0.75 * 2.0**-degree


def test_a_product_knows_what_it_drops():
    basis = Basis(1, 2, 1)
    c = np.zeros((4, 1, 1))
    c[:, 0, 0] = (1, 2, 3, 0.5)
    square = product(basis, Models(c, np.zeros((1, 1))), Models(c, np.zeros((1, 1))))
    assert square.coefficients[:, 0, 0].tolist() == [1, 4, 10, 1]  # (1 + 2x + 3x^2 + s/2)^2
    dropped = 2 * 2 * 3 + 9 + 2 * 5 * 0.5 + 0.25
    assert dropped <= square.remainder[0, 0] <= dropped * (1 + 1e-12)


def test_what_is_not_finite_says_nothing():
    basis = Basis(1, 2, 1)
    one = network(np.random.default_rng(6), 1, "silu")
    boxes = basis.boxes(np.array([[0.0], [0.0]]), np.array([[1e200], [1.0]]))
    found = push(basis, boxes, [one])
    assert np.isinf(found.remainder[0, 0])
    assert np.isfinite(found.remainder[1, 0])
    bounded = network(np.random.default_rng(6), 1, "tanh")
    assert bounded.activation == "tanh"


def test_a_false_twin_that_drops_symbols_is_caught(monkeypatch):
    basis, maps, models, points, where, kept = setting("silu", 2, 4, 3)
    truth = [exact(maps, x) for x in points]

    def twin(basis, models):
        c, r = models
        return Models(np.where(np.arange(basis.terms)[:, None, None] < basis.size, c, 0), 0 * r)

    monkeypatch.setattr(pushing, "renewed", twin)
    assert worst(basis, push(basis, models, maps), truth, where, kept) > 1


def test_a_false_twin_without_the_remainder_of_the_polynomials_is_caught(monkeypatch):
    basis, maps, models, points, where, _ = setting("silu", 1, 1, 2)
    honest = pushing.activated

    def twin(*arguments):
        c, r = honest(*arguments)
        return Models(c, 0 * r)

    monkeypatch.setattr(pushing, "activated", twin)
    assert worst(basis, push(basis, models, maps), [exact(maps, x) for x in points], where) > 1

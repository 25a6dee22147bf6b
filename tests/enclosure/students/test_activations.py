"""Suprema of derivatives proved again by branch and bound on balls; models against mpmath."""

from __future__ import annotations

import flint
import numpy as np
import pytest

from certflow.enclosure.students.activations import ORDERS, SMOOTH, derivatives_of
from certflow.numbers.precision import ball_precision


@pytest.fixture(autouse=True)
def _balls():
    with ball_precision(160):
        yield


def at(polynomial, x):
    value = flint.arb(0)
    for coefficient in reversed(polynomial):
        value = value * x + coefficient
    return value


def derivative(name, order, u):
    if name == "tanh":
        return at(derivatives_of((1, 0, -1))[order], u.tanh())
    table, s = derivatives_of((0, 1, -1)), 1 / (1 + (-u).exp())
    return u * at(table[order], s) + order * at(table[order - 1], s)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("order", range(1, ORDERS))
def test_the_suprema_are_proved_and_sharp(name, order):
    """On [-32, 32] by mean values; beyond, the derivatives of second and higher order are below 1e-6, the first below
    1 + 1e-10."""
    claimed = SMOOTH[name].suprema[order]
    todo, best, count = [(-32.0, 32.0)], 0.0, 0
    while todo:
        low, high = todo.pop()
        count += 1
        assert count < 5000
        middle = flint.arb((low + high) / 2)
        whole = flint.arb((low + high) / 2, (high - low) / 2)
        value = abs(derivative(name, order, middle))
        best = max(best, float(value.abs_lower()))
        bound = value + (high - low) / 2 * abs(derivative(name, order + 1, whole))
        if not (bound <= claimed or abs(derivative(name, order, whole)) <= claimed):
            todo += [(low, (low + high) / 2), ((low + high) / 2, high)]
    assert claimed <= best * (1 + 1e-5)


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_and_their_errors(name):
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.uniform(-40, 40, 30), rng.uniform(-2, 2, 30), [0.0]])
    values, errors = SMOOTH[name].derivatives(x, ORDERS - 1)
    for i, argument in enumerate(x):
        for order in range(1, ORDERS):
            truth = derivative(name, order, flint.arb(float(argument)))
            assert abs(truth - float(values[order][i])) <= errors[order][i]


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("order", [2, 4, 6])
def test_suprema_near_a_point_and_far_out(name, order):
    smooth = SMOOTH[name]
    rng = np.random.default_rng(order)
    x, radius = rng.uniform(-30, 30, 40), 10.0 ** rng.uniform(-3, 1, 40)
    values, errors = smooth.derivatives(x, order)
    nearest = np.maximum(np.abs(x) - radius, 0)
    bounds = smooth.supremum(order, values[order], errors[order], radius, nearest)
    for centre, reach, bound in zip(x, radius, bounds, strict=True):
        for place in rng.uniform(-1, 1, 8):
            assert abs(derivative(name, order, flint.arb(float(centre + place * reach)))) <= bound * (1 + 1e-9)

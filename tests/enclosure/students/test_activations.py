"""Suprema of derivatives proved again by branch and bound on balls; models against mpmath."""

from __future__ import annotations

import flint
import numpy as np
import pytest

from certflow.enclosure.students.activations import ORDERS, SMOOTH
from certflow.numbers.precision import ball_precision


@pytest.fixture(autouse=True)
def _balls():
    with ball_precision(160):
        yield


def table(change):
    """`y^(j)` as a polynomial in `y`, where `y' = change(y)`, one order more than the package has."""
    rows = [[0, 1]]
    for _ in range(ORDERS + 1):
        row = [0] * (len(rows[-1]) + 1)
        for i, a in enumerate(rows[-1][1:], start=1):
            for j, b in enumerate(change):
                row[i - 1 + j] += i * a * b
        rows.append(row)
    return rows


SIGMOID, TANH = table((0, 1, -1)), table((1, 0, -1))


def at(polynomial, x):
    value = flint.arb(0)
    for coefficient in reversed(polynomial):
        value = value * x + coefficient
    return value


def derivative(name, order, u):
    if name == "tanh":
        return at(TANH[order], u.tanh())
    s = 1 / (1 + (-u).exp())
    return u * at(SIGMOID[order], s) + order * at(SIGMOID[order - 1], s)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("order", range(1, ORDERS + 1))
def test_the_suprema_are_proved_and_sharp(name, order):
    """On [-32, 32] by mean values; beyond, by the bound far out (`silu'` leaves 0 or 1 by as little)."""
    smooth = SMOOTH[name]
    far = flint.arb(-32 * smooth.rate).exp() * (32 * smooth.decays[order] + order * smooth.decays[order - 1])
    assert (1 if name == "silu" and order == 1 else 0) + far < smooth.suprema[order]
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
    values, errors = SMOOTH[name].derivatives(x, ORDERS)
    for i, argument in enumerate(x):
        for order in range(1, ORDERS + 1):
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

"""`exp_float` within its proved error and `exp_upper` above, against mpmath."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from certflow.enclosure.suprema import exponential
from certflow.enclosure.suprema.exponential import RELATIVE_ERROR, exp_float, exp_upper
from certflow.numbers.floats import UNIT

LN2 = 0.6931471805599453


def arguments():
    """Multiples of ln 2 / 64 and the points half-way, where the reduction changes, with their neighbours; extremes."""
    rng = np.random.default_rng(0)
    steps = rng.permutation(np.arange(-64634, 64635))
    grid = np.concatenate([steps[:3000] * (LN2 / 64), (steps[3000:6000] + 0.5) * (LN2 / 64)])
    parts = [
        rng.uniform(-700, 700, 5000),
        rng.uniform(-3, 3, 3000),
        rng.choice([-1, 1], 3000) * 10 ** rng.uniform(-320, 2.8, 3000),
        grid,
        np.nextafter(grid, np.inf),
        np.nextafter(grid, -np.inf),
        np.array([0.0, -0.0, 700.0, -700.0, 5e-324, -5e-324, 2.0**-1022, -(2.0**-1022), 1.0, -1.0]),
        np.nextafter([700.0, -700.0], 0),
    ]
    return np.clip(np.concatenate(parts), -700, 700)


def worst_error(x):
    """`max |exp_float(x) / exp(x) - 1|`, in mpmath at 40 digits."""
    values = exp_float(x)
    with mpmath.workdps(40):
        return max(
            float(abs(mpmath.mpf(float(value)) / mpmath.exp(mpmath.mpf(float(argument))) - 1))
            for value, argument in zip(values, x, strict=True)
        )


def test_exp_float_keeps_its_relative_error():
    x = arguments()
    assert len(x) >= 20_000
    worst = worst_error(x)
    assert worst <= RELATIVE_ERROR
    assert 0.4 * UNIT < worst < 4 * UNIT  # the promise has room, and the measurement measures something


@pytest.mark.parametrize("entry", [0, 1, 31, 63])
def test_a_perturbed_table_entry_is_caught(monkeypatch, entry):
    table, *rest = exponential._constants()
    wrong = table.copy()
    wrong[entry] *= 1 + 1e-14
    monkeypatch.setattr(exponential, "_constants", lambda: (wrong, *rest))
    x = np.arange(-20, 20) * LN2 + entry * LN2 / 64
    assert worst_error(x) > RELATIVE_ERROR


@pytest.mark.parametrize("part", ["head", "tail"])
def test_a_perturbed_reduction_is_caught(monkeypatch, part):
    table, head, tail, inverse = exponential._constants()
    wrong = (table, head + 2.0**-38, tail, inverse) if part == "head" else (table, head, 0.0, inverse)
    monkeypatch.setattr(exponential, "_constants", lambda: wrong)
    assert worst_error(np.linspace(-700, 700, 200)) > RELATIVE_ERROR


def upper_fails(x):
    values = exp_upper(x)
    with mpmath.workdps(40):
        return sum(
            bool(np.isfinite(value)) and mpmath.mpf(float(value)) < mpmath.exp(mpmath.mpf(float(argument)))
            for value, argument in zip(values, x, strict=True)
        )


def test_exp_upper_is_an_upper_bound():
    far = np.array([-701.0, -745.2, -1e4, -1e308, np.nextafter(700, np.inf), 709.9, 1e4, 1e308])
    x = np.concatenate([arguments()[::3], far])
    assert upper_fails(x) == 0
    assert np.isposinf(exp_upper(far[4:])).all()
    assert (exp_upper(far[:4]) > 0).all()
    assert np.isposinf(exp_upper(np.inf))
    assert exp_upper(-np.inf) > 0
    near = np.linspace(-700, 700, 1000)
    assert (exp_upper(near) <= exp_float(near) * (1 + 50 * UNIT)).all()


def test_the_exponential_without_its_margin_is_no_upper_bound(monkeypatch):
    monkeypatch.setattr(exponential, "RELATIVE_ERROR", 0.0)
    assert upper_fails(np.linspace(-5, 5, 500)) > 100


def test_any_shape():
    x = np.linspace(-2, 2, 12).reshape(2, 3, 2)
    assert exp_float(x).shape == x.shape
    assert exp_float(0.0) == 1.0
    assert np.all(exp_float(np.array([5e-324, -5e-324])) == 1.0)

"""W2 and total variation of a student's output against draws on a grid of quantiles and against quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from test_line import steep, truth
from trained import DATA, NAMES, NOISE, carried, evaluated, process, student

import certflow as cf
from certflow.enclosure.students.line.flow import Cells
from certflow.enclosure.students.line.order import order_of
from certflow.enclosure.students.line.slopes import slopes_on
from certflow.enclosure.students.maps import ExactMap

X = np.linspace(-8, 8, 32_001)
PHI = carried(X, NOISE, DATA)
LEVELS = np.interp((np.arange(40_000) + 0.5) / 40_000, NOISE.tails(X)[0], X)


def quantiles(psi) -> tuple[float, float]:
    """W2 and root mean square error, from 40,000 quantiles."""
    values, phi = psi(LEVELS), np.interp(LEVELS, X, PHI)
    return float(np.sqrt(np.mean((np.sort(values) - phi) ** 2))), float(np.sqrt(np.mean((values - phi) ** 2)))


def variation(psi) -> float:
    """Of a monotone student, by the midpoint rule."""
    middle = (X[1:] + X[:-1]) / 2
    slope = np.diff(psi(X)) / np.diff(X)
    return float(np.abs(NOISE.density(middle) - DATA.density(psi(middle)) * slope).sum() * (X[1] - X[0]) / 2)


@pytest.mark.parametrize("name", NAMES)
def test_the_law_of_a_trained_student(name):
    maps, times = student(name)
    psi = lambda x: evaluated(maps, x)  # noqa: E731
    found = cf.enclosure.student_law(process(), maps, times)
    assert found.complete
    assert found.monotone
    transport, error = quantiles(psi)
    assert transport == pytest.approx(error, rel=1e-9)  # it keeps order
    exact = np.sqrt(truth(name) * (1 + 0.04 * np.exp(-0.02)))
    assert found.wasserstein.lower <= exact <= found.wasserstein.upper
    assert float(found.total_variation.lower) * 0.998 <= variation(psi) <= float(found.total_variation.upper) * 1.002


#: `sum_i b_i tanh(8 x + a_i)`: it rises and falls.
WAVY = ExactMap(
    (np.full((1, 4), 8.0), np.array([[1.0], [-1.2], [1.0], [-0.3]])),
    (np.array([4.0, 1.0, -2.0, -5.0]), np.zeros(1)),
    "tanh",
    0.0,
    np.zeros(1),
    np.ones(1),
    np.zeros(1),
    np.ones(1),
)


def test_a_student_that_is_not_monotone_is_told_so():
    psi = lambda x: evaluated([WAVY], x)  # noqa: E731
    found = cf.enclosure.student_law(process(), WAVY, ["3", "0.01"], rtol="0.1", seconds=10)
    assert found.monotone is False
    assert "not monotone" in str(found)
    transport, error = quantiles(psi)
    assert float(found.wasserstein.lower) <= transport <= float(found.wasserstein.upper)
    assert float(found.wasserstein.upper) < 0.97 * error
    bins = np.linspace(-3, 3, 301)
    counts = np.histogram(psi(LEVELS), bins)[0] / len(LEVELS)
    at_least = np.abs(counts - np.diff(DATA.tails(bins)[0])).sum() / 2  # coarsening lowers total variation
    assert at_least <= float(found.total_variation.upper)
    assert float(found.total_variation.lower) > 0.3


def test_a_student_that_is_all_but_a_jump():
    found = cf.enclosure.student_law(process(), steep(1e6), ["3", "0.01"])
    assert found.complete
    transport = quantiles(np.sign)[0]
    assert float(found.wasserstein.lower) * 0.999 <= transport <= float(found.wasserstein.upper) * 1.001
    assert found.total_variation.lower > 0.98


def test_folds_hold_all_that_is_out_of_order():
    edges = np.linspace(-4, 4, 257)
    order = order_of(slopes_on([WAVY], Cells((edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2)))
    assert order.folds
    x = np.linspace(-4, 4, 256 * 40 + 1)[:-1] + 4 / (256 * 40)
    values = evaluated([WAVY], x).reshape(256, 40)
    flat = values.ravel()
    ahead = np.maximum.accumulate(flat).reshape(256, 40) - values
    behind = values - np.minimum.accumulate(flat[::-1])[::-1].reshape(256, 40)
    assert (ahead.max(1) <= order.forward + 1e-12).all()
    assert (behind.max(1) <= order.backward + 1e-12).all()
    assert ahead.max(1)[order.kept].max(initial=0.0) <= 1e-12

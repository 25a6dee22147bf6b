"""Bootstrap intervals of errors and ratios: known spread, coverage of the truth, common points."""

from __future__ import annotations

import numpy as np
import pytest

from certflow.distill.beyond.comparison import compared


def test_values_and_the_best_usual_grid():
    sizes = np.full(100, 2.0)
    errors = {"a": np.full(100, 0.4), "b": np.full(100, 0.2), "own": np.full(100, 0.1), "lost": np.full(100, np.nan)}
    found = compared(errors, sizes, ("a", "b", "lost"))
    assert [found[name]["relative_mse"] for name in ("a", "b", "own")] == pytest.approx([0.2, 0.1, 0.05])
    assert [found[name]["ratio"] for name in ("a", "b", "own")] == pytest.approx([2, 1, 0.5])
    assert set(found["lost"].values()) == {None}
    assert (found["a"]["low"], found["a"]["high"]) == pytest.approx((0.2, 0.2))  # constant errors have no spread


def test_the_width_is_that_of_the_mean():
    """Exponential errors of mean 1: the standard error of the mean of 4,000 is 1/sqrt(4000)."""
    rng = np.random.default_rng(1)
    errors = rng.exponential(size=4000)
    row = compared({"a": errors}, np.ones(4000), ("a",))["a"]
    width = 2 * 1.96 * errors.std() / np.sqrt(4000)
    assert row["high"] - row["low"] == pytest.approx(width, rel=0.1)


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(2)
    hits = 0
    for trial in range(100):
        row = compared({"a": rng.exponential(size=200)}, np.ones(200), ("a",), seed=trial)["a"]
        hits += row["low"] <= 1 <= row["high"]
    assert 85 <= hits <= 100


def test_ratios_are_compared_point_by_point():
    """Errors that go up and down together: each has a wide interval, their ratio none."""
    errors = np.random.default_rng(3).exponential(size=500)
    found = compared({"a": errors, "b": 3 * errors}, np.ones(500), ("a",))
    assert found["b"]["high"] / found["b"]["low"] > 1.1
    assert found["b"]["ratio_low"] == pytest.approx(3)
    assert found["b"]["ratio_high"] == pytest.approx(3)


def test_the_denominator_is_drawn_with_the_errors():
    sizes = np.random.default_rng(4).exponential(size=500)
    row = compared({"a": 0.1 * sizes}, sizes, ("a",))["a"]
    assert row["low"] == pytest.approx(0.1)
    assert row["high"] == pytest.approx(0.1)

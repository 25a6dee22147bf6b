"""Errors of a solver on several grids, on common draws."""

from __future__ import annotations

import numpy as np
import pytest

import certflow as cf
from certflow.errors import InputError
from certflow.planning.comparison import measured_errors


def test_it_is_the_relative_error_of_each_grid():
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("ring-8"))
    grids = {kind: cf.time_grid(process, 6, kind).times for kind in ("karras", "uniform")}
    found = measured_errors(process, grids, "dpmpp-2m", 512)
    alone = {k: cf.samplers.relative_mse(process, t, "dpmpp-2m", samples=512) for k, t in grids.items()}
    assert found == pytest.approx(alone, rel=1e-12)
    assert found["karras"] < found["uniform"]


def test_of_one_gaussian_it_is_known():
    """With `D = c^2 z/(c^2 + sigma^2)` Euler multiplies `z` by a number, and so does the flow."""
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0, 0]], "0.25"), "0.01", "3")
    times = cf.time_grid(process, 5, "logsnr").times
    sigma = np.sqrt(np.expm1(2 * times))
    euler = np.prod(1 + (sigma[1:] - sigma[:-1]) * sigma[:-1] / (0.25 + sigma[:-1] ** 2))
    exact = np.sqrt((0.25 + sigma[-1] ** 2) / (0.25 + sigma[0] ** 2))
    assert measured_errors(process, {"a": times}, "euler") == pytest.approx({"a": (euler / exact - 1) ** 2}, rel=1e-6)


def test_a_process_that_begins_too_late_is_refused():
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "400")
    with pytest.raises(InputError, match="at most 350 for a solver"):
        measured_errors(process, {"a": cf.time_grid(process, 3, "uniform").times}, "euler")

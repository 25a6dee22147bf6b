"""Grids right and wrong, as lists and as functions: what the check says of each."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import certflow as cf
from certflow.errors import InputError
from certflow.testing.checks.grid import check_grid
from certflow.testing.result import CheckFailed

LOW, HIGH = 0.01, 3.0
GEOMETRIC = np.geomspace(HIGH, LOW, 9)


def sigma(t):
    return np.sqrt(np.exp(2 * np.asarray(t)) - 1)


def karras(count, rho=7):
    high, low = sigma(HIGH), sigma(LOW)
    ramp = np.linspace(0, 1, count + 1)
    sigmas = (high ** (1 / rho) + ramp * (low ** (1 / rho) - high ** (1 / rho))) ** rho
    return np.log(1 + sigmas**2) / 2


@pytest.mark.parametrize(
    ("times", "told"),
    [
        (GEOMETRIC, "9 nodes, even in log t"),
        (GEOMETRIC.tolist(), "even in log t"),
        (torch.tensor(GEOMETRIC, dtype=torch.float32), "even in log t"),
        (np.linspace(HIGH, LOW, 9), "even in t"),
        (karras(8), "even in sigma^(1/7) (Karras)"),
        ([3, 1, 0.5, 0.01], "4 nodes"),
        ([3, 0.01], "2 nodes"),
        (lambda count: np.linspace(HIGH, LOW, count + 1), "even in t"),
        (karras, "even in sigma^(1/7)"),
        (lambda count: torch.linspace(HIGH, LOW, count + 1), "even in t"),
    ],
)
def test_a_right_grid_passes_and_is_named(times, told):
    result = check_grid(times)
    assert result.passed
    assert told in result.message
    assert len(result.parts) == 6


@pytest.mark.parametrize("kind", ["uniform", "logsnr", "karras", "stability-balanced", "typical", "arctan"])
def test_grids_of_the_package_pass(kind):
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    assert check_grid(cf.time_grid(process, 8, kind), segments=8)


U = np.linspace(1, 0, 9)


@pytest.mark.parametrize(
    ("times", "options", "part", "cause"),
    [
        (GEOMETRIC[::-1], {}, "order", "ascending"),
        (np.sort(karras(8)), {}, "order", "ascending"),
        (sigma(GEOMETRIC), {}, "ends", "sigmas for times"),
        (sigma(GEOMETRIC)[::-1], {}, "order", "sigmas for times"),
        (sigma(GEOMETRIC) ** 2, {}, "ends", "variances for times"),
        (np.log(sigma(GEOMETRIC)), {}, "ends", "log sigma for times"),
        (sigma(GEOMETRIC) / (1 + sigma(GEOMETRIC)), {}, "ends", "flow times"),
        (np.exp(-GEOMETRIC), {}, "order", "factors for times"),
        (np.exp(-2 * GEOMETRIC), {}, "order", "alpha_bar for times"),
        (2 * GEOMETRIC, {}, "ends", "factor 2"),
        (GEOMETRIC / 2, {}, "ends", "factor 1/2"),
        (np.log(GEOMETRIC), {}, "ends", "log t for times"),
        (1000 * GEOMETRIC, {}, "ends", "factor 1000"),
        (GEOMETRIC[:-1], {}, "ends", "t_min missing"),
        (GEOMETRIC[1:], {}, "ends", "t_max missing"),
        (np.linspace(HIGH, LOW, 8, endpoint=False), {}, "ends", "t_min missing"),
        (np.append(GEOMETRIC, 0), {}, "ends", "zero added"),
        (np.insert(GEOMETRIC, 3, GEOMETRIC[3]), {}, "order", "duplicates"),
        (np.geomspace(HIGH, LOW, 8), {"segments": 8}, "count", "nodes for segments"),
        (lambda count: np.linspace(HIGH, LOW, count), {}, "numbers", "nodes for segments"),
        (lambda count: HIGH + (LOW - HIGH) * np.arange(count + 1) / (count - 1), {}, "numbers", ""),
        (lambda count: np.linspace(LOW, HIGH, count + 1), {}, "order", "ascending"),
        (lambda count: np.linspace(HIGH, LOW, count + 1, endpoint=False), {}, "ends", "t_min missing"),
        (lambda count: np.append(np.linspace(HIGH, 1, count), LOW), {}, "coverage", ""),
        ([3, 1, np.nan, 0.01], {}, "numbers", ""),
        ([3, 1, 1 - 1e-8, 0.01], {}, "spacing", ""),
        ([999, 749, 499, 249, 0.5], {}, "ends", "timesteps-for-sigmas"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_a_wrong_grid_is_told_with_its_cause(times, options, part, cause):
    with pytest.raises(CheckFailed) as caught:
        check_grid(times, **options)
    result = caught.value.result
    failed = [each for each in result.parts if not each.passed]
    assert part in [each.part for each in failed]
    assert [found.name for found in result.causes] == ([cause] if cause else [])
    assert result.counterexample.expected is not None


@pytest.mark.parametrize(
    ("times", "options", "line"),
    [
        (["a"], {}, "times[0]: got 'a'"),
        ([[3, 1]], {}, "times: got 'shape (1, 2)'; required: shape (K + 1,)"),
        ([], {}, "times: got 'shape (0,)'; required: shape (K + 1,)"),
        (GEOMETRIC, {"segments": 0}, "segments: got 0; required: an int from 1 to 1000000"),
        (GEOMETRIC, {"t_min": 4}, "t_max: got 3.0; required: a time > t_min = 4"),
    ],
)
def test_what_is_no_grid(times, options, line):
    with pytest.raises(InputError) as caught:
        check_grid(times, **options)
    assert line in str(caught.value)

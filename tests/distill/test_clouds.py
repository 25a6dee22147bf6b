"""End points for pictures: compositions and exact ones of the same starts, nothing that diverged."""

from __future__ import annotations

import math

import numpy as np
import pytest

import certflow as cf

torch = pytest.importorskip("torch")

from certflow.distill import Settings  # noqa: E402
from certflow.distill.clouds import POINTS, clouds  # noqa: E402
from certflow.distill.plan import make_plan  # noqa: E402
from certflow.distill.reference import ReferenceFlow  # noqa: E402
from certflow.distill.samples import TEST  # noqa: E402


class Shifts:
    """Maps that add the numbers of their two ends, in the place of trained ones."""

    def __init__(self, broken: set[tuple[int, int, int]], factor: float = 1.0):
        self.broken, self.factor = broken, factor

    def apply(self, where: tuple[int, int, int], x: torch.Tensor) -> torch.Tensor:
        return (x + where[1] + where[2]) * self.factor


def setting(dimension: int = 3, test: int = 64):
    law = cf.GaussianMixture([0.5, 0.5], np.eye(2, dimension), 0.1)
    process = cf.OrnsteinUhlenbeck(law, "0.01", "3")
    plan = make_plan(process, ["uniform", "logsnr"], [1, 2], [7, 8], Settings(test=test))
    return plan, ReferenceFlow(process)


def test_they_are_the_compositions_at_the_largest_number_of_segments():
    plan, flow = setting()
    found = clouds(plan, Shifts(set()), flow)
    start = flow.draw(64, 7, TEST)
    assert (found["segments"], found["seed"]) == (2, 7)
    np.testing.assert_allclose(found["reference"], flow.map(start, 3.0, 0.01)[:, :2], rtol=1e-4, atol=1e-4)
    assert set(found["grids"]) == {"uniform", "logsnr"}
    for entry in plan.entries:
        if entry.segments == 2:
            first, middle, last = plan.nodes(entry)
            np.testing.assert_allclose(
                found["grids"][entry.label], start[:, :2] + first + 2 * middle + last, rtol=1e-4, atol=1e-4
            )


def test_one_dimension_and_no_more_points_than_a_picture_needs():
    plan, flow = setting(dimension=2, test=POINTS + 50)
    assert np.array(clouds(plan, Shifts(set()), flow)["reference"]).shape == (POINTS, 2)
    law = cf.GaussianMixture([1], [[0]], "0.1")
    process = cf.OrnsteinUhlenbeck(law, "0.01", "3")
    line = make_plan(process, ["uniform"], [1], 1, Settings(test=5))
    assert np.array(clouds(line, Shifts(set()), ReferenceFlow(process))["reference"]).shape == (5, 1)


def test_what_diverged_is_left_out():
    plan, flow = setting()
    entry = next(entry for entry in plan.entries if entry.label == "uniform" and entry.segments == 2)
    first, middle, _ = plan.nodes(entry)
    assert set(clouds(plan, Shifts({(0, first, middle)}), flow)["grids"]) == {"logsnr"}
    assert set(clouds(plan, Shifts({(1, first, middle)}), flow)["grids"]) == {"uniform", "logsnr"}  # another seed
    for factor in (math.inf, math.nan):
        assert clouds(plan, Shifts(set(), factor), flow)["grids"] == {}

"""The lines of the findings, run one after another over the list, leave a list without errors."""

from __future__ import annotations

import math
from typing import Any

import pytest

import certflow as cf

STABLE = {
    "_class_name": "EulerDiscreteScheduler",
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
}
MATCH, SCM = "FlowMatchEulerDiscreteScheduler", "SCMScheduler"
NEAR = [14.6, 5.1000001, 5.1, 1.2, 0.0]


def followed(name: str, values: list[float], library: str = "diffusers", **options: Any) -> list[float]:
    """What is left after the lines of one examination, as they are printed."""
    found = {name: list(values)}
    given = cf.doctor(dict(found) if library == "diffusers" else values, library, **options)
    for finding in given.errors:
        exec(finding.mend, {}, found)
    again = cf.doctor(dict(found) if library == "diffusers" else found[name], library, **options)
    assert again.errors == (), (given, again)
    return found[name]


@pytest.mark.parametrize(
    ("values", "mended"),
    [
        ([80, 39.3, 17.8, 7.3, 2.62, 0.79, 0.186, 0.03, 0], [14.6146, 7.3, 2.62, 0.79, 0.186, 0.03, 0]),
        ([80, 7.3, 0.79, 0], [14.6146, 7.3, 0.79, 0]),
        ([80, 14.6146, 0.79, 0], [14.6146, 0.79, 0]),
        ([9, 1, 0.02, 0.01, 0.002, 0], [9, 1, 0.0291675, 0]),
        ([9, 1, 0.002, 0], [9, 1, 0.0291675, 0]),
        ([90, 80, 1, 0.01, 0.002, 0], [14.6146, 1, 0.0291675, 0]),
        ([80, math.nan, 39.3, 1, 0], [14.6146, 1, 0]),
        ([80, 39.3, 1, 0.3, 0.002, 0], [14.6146, 1, 0.3, 0.0291675, 0]),
        ([9, 1.0000001, 1, 0.3, 0.002, 0], [9, 1, 0.3, 0.0291675, 0]),
        ([9, 0.1, 0.3], [9, 0.3, 0.1, 0]),
        ([9, 1, 0.3, math.nan], [9, 1, 0.3, 0]),
        ([9, 1, 0.3, math.nan, 0.3], [9, 1, 0.3, 0]),
        ([9, 1, 1, 0.3, 0.3], [9, 1, 0.3, 0]),
        ([1, 9, 0.3, 0.3], [9, 1, 0.3, 0]),
        ([9, 1, 0.3, 0.3, 0.3], [9, 1, 0.3, 0]),
        ([1, 80, 17.8, 0.3, 0], [14.6146, 1, 0.3, 0]),
        ([1, 80, 7.3, 0.3, 0], [14.6146, 7.3, 1, 0.3, 0]),
        ([80, 7.3, 7.3, 0.3, 0.001, 0], [14.6146, 7.3, 0.3, 0.0291675, 0]),
    ],
)
def test_what_lies_outside_the_trained_range_becomes_its_end_once(values, mended):
    found = followed("sigmas", values, scheduler=STABLE)
    assert found == pytest.approx(mended, rel=1e-5)


@pytest.mark.parametrize(
    ("values", "scheduler", "mended"),
    [
        ([1200, 1100, 500, 100], "DDPMScheduler", [999, 500, 100]),
        ([1200, 999, 500], "DDPMScheduler", [999, 500]),
        ([1200, 1100, 500, 250], MATCH, [1000, 500, 250]),
        ([1.58, 1.0, 0.0], SCM, [1.5708, 1.0, 0.0]),
        ([999, 499, 0, 0, 0], "DDPMScheduler", [999, 499, 0]),
        ([999, 0, 499, 0, 0, 0], "DDPMScheduler", [999, 499, 0]),
        ([1000, 750, 250, 0, 0], MATCH, [1000, 750, 250]),
        ([1000, 750, 250, 0, 0, 0], MATCH, [1000, 750, 250]),
        ([1.5, 1.0, 0.0, 0.0, 0.0], SCM, [1.5, 1.0, 0.0]),
        ([499, math.nan, 999, 749], "DDPMScheduler", [999, 749, 499]),
    ],
)
def test_lines_over_timesteps(values, scheduler, mended):
    assert followed("timesteps", values, scheduler=scheduler) == mended


def test_zeros_at_the_end_of_timesteps_are_told_once():
    for scheduler in (MATCH, SCM, "DDPMScheduler"):
        values = [1.5, 1.0, 0, 0] if scheduler == SCM else [900, 500, 0, 0]
        found = cf.doctor({"timesteps": values}, scheduler=scheduler)
        assert [(finding.name, finding.index) for finding in found.errors] == [("zero-doubled", 3)]


@pytest.mark.parametrize(
    "values",
    [
        NEAR,
        [14.6, 5.1000002, 5.1000001, 5.1, 1.2, 0.0],
        [14.6, 14.6, *NEAR[1:]],
        [5.1, *NEAR],
        [math.nan, *NEAR],
        [*NEAR[:2], math.nan, *NEAR[2:]],
    ],
)
def test_nodes_that_are_one_in_float32_are_left_once(values):
    assert followed("sigmas", values, "k-diffusion") == pytest.approx([14.6, 5.1, 1.2, 0], rel=1e-6)


def test_one_such_node_is_taken_out_alone():
    (finding,) = cf.doctor(NEAR, "k-diffusion").errors
    assert (finding.name, finding.mend) == ("repeated", "del sigmas[2]")


@pytest.mark.parametrize("values", [[1.0, math.nan, 2.0, 0.0], [0.5, 3.0, math.nan, 1.0, 9.0, 0.0]])
def test_the_line_of_an_unsorted_list_orders_it_whether_nan_went_before_or_not(values):
    wrong = {finding.name: finding for finding in cf.doctor(values, "k-diffusion").errors}
    names = {"sigmas": list(values)}
    exec(wrong["unsorted"].mend, {}, names)
    assert names["sigmas"] == sorted(value for value in values if value == value)[::-1]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [[math.inf, math.inf, 1.0], [math.inf, -math.inf], [math.nan, 1e308, -1e308]])
@pytest.mark.parametrize("scheduler", [None, "EDMEulerScheduler", "CMStochasticIterativeScheduler", MATCH])
def test_infinite_entries_are_told_without_a_warning(values, scheduler):
    for steps in ({"sigmas": values}, {"timesteps": values}, values):
        assert "not-a-level" in {finding.name for finding in cf.doctor(steps, scheduler=scheduler).errors}

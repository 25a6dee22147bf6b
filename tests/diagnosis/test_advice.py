"""Advice: what is no error, where it is given and where not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import certflow as cf
from certflow.diagnosis import ADVICE, ERRORS

# diffusers turns tensors into arrays in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

STABLE = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}


def advice(steps, library="diffusers", **options):
    found = cf.doctor(steps, library, **options)
    assert found.ok, found.errors
    return {finding.name: finding for finding in found.advice}


def test_a_name_is_an_error_or_advice():
    assert not set(ERRORS) & set(ADVICE)


@pytest.mark.parametrize("name", ["EulerDiscrete", "DDPM", "DPMSolverMultistep", "DDIM", "HeunDiscrete"])
@pytest.mark.parametrize("steps", [4, 20])
def test_leading_spacing_starts_lower_the_fewer_steps_there_are(make, name, steps):
    scheduler = make(name, steps, timestep_spacing="leading")
    finding = advice(scheduler)["first-time-depends-on-steps"]
    assert finding.value == scheduler.timesteps[0] < 999
    namespace = {"scheduler": scheduler}
    exec(finding.mend, namespace)
    namespace["scheduler"].set_timesteps(steps)
    assert namespace["scheduler"].timesteps[0] == 999
    assert "first-time-depends-on-steps" not in advice(namespace["scheduler"])


def test_leading_spacing_is_known_by_its_timesteps():
    assert "first-time-depends-on-steps" in advice([951, 901, *range(851, 0, -50)])
    assert "first-time-depends-on-steps" in advice("timesteps = [750, 500, 250, 0]")
    assert "first-time-depends-on-steps" not in advice([999, 749, 499, 249])


def test_one_step_from_the_first_timestep_is_told(make):
    assert advice(make("EulerDiscrete", 1))["first-time-depends-on-steps"].value == 0
    assert "first-time-depends-on-steps" not in advice(make("EulerDiscrete", 1, timestep_spacing="trailing"))


def test_nodes_where_nothing_happens():
    crowd = np.geomspace(150, 60, 5).tolist()
    assert advice([*crowd, 9.0, 1.0, 0.1, 0.0], "k-diffusion")["crowded"].index == 0
    assert "crowded" not in advice([*np.tan(np.linspace(1.5, 0.05, 8)), 0.0], "k-diffusion")
    close = advice([80.0, 9.0, 2.0, 1.9999, 1.0, 0.1, 0.01, 0.0], "k-diffusion")["crowded"]
    assert (close.index, close.mend) == (3, "del sigmas[3]")


def test_whole_timesteps_that_merge_noise_levels(make):
    """diffusers' issue 12771: with the cosine schedule the first of 20 steps are all told as timestep 998."""
    scheduler = make("DPMSolverMultistep", 20, beta_schedule="squaredcos_cap_v2", use_karras_sigmas=True)
    finding = advice(scheduler)["rounding-merges"]
    assert scheduler.timesteps[finding.index] == scheduler.timesteps[finding.index - 1] == finding.value
    merged = advice("timesteps = [999, 500.2, 500.1, 10]", scheduler="DDPMScheduler")
    assert (merged["rounding-merges"].index, merged["rounding-merges"].value) == (2, 500.1)
    assert "rounding-merges" not in advice("timesteps = [999, 500.2, 500.1, 10]", scheduler="HeunDiscreteScheduler")


@pytest.mark.parametrize("name", ["FlowMatchEulerDiscrete", "FlowMatchLCM"])
def test_the_end_that_the_library_shifts_twice(make, name):
    """diffusers' issue 13243."""
    scheduler = make(name, 8, shift=3.0)
    finding = advice(scheduler)["end-shifted-twice"]
    exec(finding.mend, {"scheduler": scheduler, "np": np})
    assert float(scheduler.sigmas[-2]) == pytest.approx(0.003 / 1.002, rel=1e-5)
    assert "end-shifted-twice" not in advice(scheduler)
    assert "end-shifted-twice" not in advice(make(name, 8))


def test_the_page_tells_of_every_name():
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")
    assert [name for name in (*ERRORS, *ADVICE) if f"`{name}`" not in page] == []

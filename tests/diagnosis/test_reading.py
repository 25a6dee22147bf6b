"""What can be handed over, and what is refused in one line."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

import certflow as cf
from certflow.diagnosis.reading import read
from certflow.errors import InputError

# diffusers turns tensors into arrays in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

LEVELS = [14.6, 5.1, 1.2, 0.0]


@pytest.mark.parametrize(
    "text",
    [
        "14.6, 5.1, 1.2, 0",
        "14.6 5.1 1.2 0",
        "[14.6, 5.1,\n 1.2, 0.0]",
        "14.6; 5.1; 1.2; 0;",
        "tensor([14.6, 5.1, 1.2, 0.], dtype=torch.float64)",
        "torch.tensor([1.46e1, 5.1, 1.2, 0.])",
        "array([14.6,  5.1,  1.2,  0. ])",
        " +14.6,5.1,1.2,.0 ",
        "(14.6, 5.1, 1.2, 0.0)",
        "14.6\r\n5.1\r\n1.2\r\n0\r\n",
        "# of a paper\n14.6\t5.1\t1.2\t0",
        "[np.float32(14.6), np.float32(5.1), np.float64(1.2), np.float32(0.0)]",
        "torch.FloatTensor([14.6, 5.1, 1.2, 0.0])",
    ],
)
def test_numbers_are_read_as_print_shows_them(tmp_path, text):
    assert read(text) == LEVELS
    (tmp_path / "levels.txt").write_text(text, encoding="utf-8")
    assert read(tmp_path / "levels.txt") == LEVELS


def test_a_list_may_have_a_name_and_entries_that_are_no_numbers(tmp_path):
    assert read("timesteps = [999, 499]") == {"timesteps": [999.0, 499.0]}
    assert read("sigmas=14.6, 0") == {"sigmas": [14.6, 0.0]}
    assert math.isnan(read("[nan, 0]")[0])
    assert read("-1 inf") == [-1.0, math.inf]
    document = {"sigmas": LEVELS, "num_inference_steps": 3}
    (tmp_path / "levels.json").write_text(json.dumps(document), encoding="utf-8")
    assert read(tmp_path / "levels.json") == document
    assert cf.doctor(tmp_path / "levels.json", "k-diffusion").ok


@pytest.mark.parametrize("values", [LEVELS, tuple(LEVELS), np.array(LEVELS), torch.tensor(LEVELS), "14.6 5.1 1.2 0"])
def test_lists_arrays_tensors_and_texts_are_one(values):
    found = cf.doctor(values, "k-diffusion")
    assert found.ok
    np.testing.assert_allclose(np.sqrt(np.expm1(2 * found.times)), LEVELS[:-1], rtol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "sigmas\n14.6\n5.1\n1.2\n0\n",
        "sigma\n14.6\n5.1\n1.2\n0\n",
        "sigmas: [14.6, 5.1, 1.2, 0]",
        "scheduler.set_timesteps(sigmas=[14.6, 5.1, 1.2, 0.0])",
        "scheduler.set_timesteps(sigmas=np.array([14.6, 5.1, 1.2, 0.0]))",
    ],
)
def test_the_name_of_a_list_may_stand_before_it(text):
    assert read(text) == {"sigmas": LEVELS}


def test_a_missing_number_is_none():
    assert [finding.name for finding in cf.doctor([14.6, None, 0.0], "k-diffusion").errors] == ["not-a-level"]


def test_a_list_without_a_name_is_what_its_numbers_say():
    assert cf.doctor([999, 749, 499, 249]).ok
    assert cf.doctor([999.0, 856.3, 713.6, 0.0]).ok
    assert cf.doctor([80.0, 20.0, 5.0, 1.0, 0.0]).ok
    assert cf.doctor([1.0, 0.75, 0.5, 0.25]).ok
    assert cf.doctor([5, 4, 3, 2, 1, 0]).ok
    assert cf.doctor([700.0, 100.0, 7.0, 0.002, 0.0]).ok
    assert [finding.name for finding in cf.doctor([80.0, 20.0, 5.0, 1.0]).errors] == ["zero-missing"]
    assert [finding.name for finding in cf.doctor([1.0, 0.75, 0.5, 0.25, 0.0]).advice] == ["zero-is-added"]


def test_both_lists_are_what_a_scheduler_holds(make):
    scheduler = make("HeunDiscrete", 8)
    both = {"sigmas": scheduler.sigmas, "timesteps": scheduler.timesteps}
    assert cf.doctor({**both, "num_inference_steps": 8}, scheduler="HeunDiscreteScheduler").ok
    names = {finding.name for finding in cf.doctor(both, scheduler="EulerDiscreteScheduler").errors}
    assert "repeated" in names
    assert cf.doctor({"sigmas": scheduler.sigmas}).ok  # every node twice: Heun's
    assert cf.doctor(
        {"sigmas": [1.0, 0.5], "timesteps": [1000.0, 500.0]}, scheduler="FlowMatchEulerDiscreteScheduler"
    ).ok


@pytest.mark.parametrize("config", [{}, {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}])
@pytest.mark.parametrize("named", [{}, {"scheduler": "EulerDiscreteScheduler"}])
def test_the_training_schedule_of_both_lists_is_found_where_it_is_a_published_one(make, config, named):
    scheduler = make("EulerDiscrete", 8, **config)
    told = scheduler.timesteps.tolist()
    both = {"sigmas": scheduler.sigmas, "timesteps": told, **named}
    assert cf.doctor(both).ok
    told[3] -= 20
    wrong = cf.doctor(both).errors
    assert [(finding.name, finding.index) for finding in wrong] == [("times-disagree", 3)]
    own = {"sigmas": [9.0, 3.0, 1.0, 0.0], "timesteps": [999, 666, 333]}  # of a schedule that nobody has published
    assert cf.doctor(own).ok


def test_entries_of_a_config_may_stand_beside_the_list():
    shifted = [1.0, 0.9, 0.75, 0.5]
    for steps, options in (
        ({"sigmas": shifted, "shift": 3}, {}),
        ({"sigmas": shifted, "shift": 3.0, "scheduler": "FlowMatchLCMScheduler"}, {}),
        (shifted, {"scheduler": {"_class_name": "FlowMapEulerDiscreteScheduler", "shift": 3}}),
        ({"sigmas": shifted, "use_flow_sigmas": True, "flow_shift": 3.0, "scheduler": "UniPCMultistepScheduler"}, {}),
        ({"timesteps": [1000.0, 900.0, 750.0, 500.0], "shift": 3}, {}),
    ):
        found = cf.doctor(steps, **options)
        assert [finding.name for finding in found.errors] == ["shifted-twice"]
        base = np.array(next(iter((found.mended or {}).values())))
        np.testing.assert_allclose(base / base[0], [1, 0.75, 0.5, 0.25], rtol=1e-12)


@pytest.mark.parametrize(
    ("steps", "options", "line"),
    [
        (LEVELS, {"library": "jax"}, "library: .*one of diffusers, k-diffusion, ou"),
        ([], {}, r"shape \(n,\), 1 <= n"),
        ([[1.0, 0.5]], {}, r"shape \(n,\)"),
        (["a"], {}, "steps"),
        ([True, False], {}, "not booleans"),
        ({"levels": LEVELS}, {}, "sigmas, timesteps or times"),
        ({"times": [3.0, 1.0]}, {}, "sigmas or timesteps for diffusers"),
        ("nothing.json", {}, "a file of numbers"),
        ("{", {}, "a file of numbers"),
        (LEVELS, {"num_inference_steps": 0}, "num_inference_steps: got 0"),
        (LEVELS, {"num_inference_steps": 2.5}, "num_inference_steps"),
        (LEVELS, {"scheduler": "MagicScheduler"}, "_class_name, or one of EulerDiscreteScheduler"),
        (LEVELS, {"scheduler": 7}, "_class_name, or one of"),
        (LEVELS, {"scheduler": {"shift": 3}}, "_class_name, or one of"),
        (LEVELS, {"scheduler": "EulerDiscreteScheduler", "library": "k-diffusion"}, "none with k-diffusion"),
        ({"sigmas": LEVELS, "beta_end": 0.012}, {}, "beta_end: .*the scheduler beside"),
        ({"sigmas": LEVELS, "beta_end": 7, "scheduler": "EulerDiscreteScheduler"}, {}, "between 0 and 1"),
        ([1.0, 0.5], {"mu": math.inf}, "mu: got inf"),
        ([1.0, 0.5], {"scheduler": {"_class_name": ["FlowMatchLCMScheduler"]}}, "_class_name, or one of"),
        ([1.0, 0.5], {"scheduler": {"_class_name": "FlowMatchLCMScheduler", "shift": "much"}}, "shift: .*number > 0"),
        ([1.0, 0.5], {"scheduler": {"_class_name": "FlowMatchLCMScheduler", "shift": -3}}, "shift: .*number > 0"),
        ({"sigmas": [1.0], "shift": 2, "num_train_timesteps": "all"}, {}, "num_train_timesteps: .*number > 0"),
        ({"sigmas": "all"}, {}, "sigmas"),
        ({"sigmas": {"a": 1}}, {}, "sigmas"),
        ({"schema": "certflow/grid-export/1", "arguments": [1]}, {}, "the keywords of an export"),
        ({"num_steps": 0, "sigma_min": 0.1, "sigma_max": 9.0}, {}, "num_steps"),
        ({"num_steps": 3, "sigma_min": 0.1, "sigma_max": 9.0, "rho": 1e-9}, {}, "rho: got 1e-09"),
        ({"num_steps": 3, "sigma_min": 0.1, "sigma_max": 1e200, "rho": 0.5}, {}, "rho: got 0.5"),
        (7, {}, "shape"),
        (object(), {}, "steps"),
    ],
)
def test_bad_input_is_one_line(steps, options, line):
    with pytest.raises(InputError, match=line) as refused:
        cf.doctor(steps, **options)
    assert "\n" not in str(refused.value)


def test_schedulers_that_cannot_be_read_are_refused(make):
    for scheduler, options, line in (
        (make("EulerDiscrete"), {}, "before its set_timesteps"),
        (make("MiniMaxH3"), {"num_inference_steps": 1}, "MiniMaxH3Scheduler takes"),
        (make("FlowMatchEulerDiscrete", use_dynamic_shifting=True), {"num_inference_steps": 4}, "`mu` must be passed"),
        (make("PNDM", 8), {}, "got 'PNDMScheduler'"),
        (make("EulerDiscrete", 8), {"scheduler": "DDIMScheduler"}, "none beside a scheduler object"),
    ):
        with pytest.raises(InputError, match=line) as refused:
            cf.doctor(scheduler, **options)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["HeunDiscrete", "LMSDiscrete", "FlowMapEulerDiscrete"])
@pytest.mark.parametrize("training", [1000, 200])
def test_what_a_constructor_has_set_is_not_yet_a_schedule(make, name, training):
    new = make(name, num_train_timesteps=training)
    found, steps = cf.doctor(new, num_inference_steps=8), make(name, 8, num_train_timesteps=training)
    assert found.ok
    np.testing.assert_array_equal(found.times, cf.doctor(steps).times)
    assert new.num_inference_steps == training
    with pytest.raises(InputError, match="before its set_timesteps"):
        cf.doctor(new)
    assert cf.doctor(new, num_inference_steps=training).ok
    wrong = cf.doctor(steps, num_inference_steps=9).errors  # set by its user
    assert [finding.name for finding in wrong] == ["too-few"]

"""Whatever the list: it is examined, and what is called mended has no error left."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import certflow as cf
from certflow.errors import InputError

LEVELS = st.one_of(
    st.floats(0, 1),
    st.floats(0.001, 200),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1.0, 14.6146, 80.0, 700.0, 4096.0, math.nan, math.inf, -1.0]),
)
STEPS = st.one_of(st.integers(0, 1000), st.integers(-2, 1300), LEVELS)
LISTS = st.one_of(st.lists(LEVELS, min_size=1, max_size=9), st.lists(STEPS, min_size=1, max_size=9))
FLOW = {"use_flow_sigmas": True, "flow_shift": 3.0}
TAKERS = [
    *({"_class_name": f"{name}Scheduler"} for name in ("EulerDiscrete", "HeunDiscrete", "DDPM", "SCM", "MiniMaxH3")),
    *({"_class_name": f"FlowMatch{name}Scheduler", "shift": 3.0} for name in ("EulerDiscrete", "LCM")),
    {"_class_name": "LTXEulerAncestralRFScheduler"},
    {"_class_name": "UniPCMultistepScheduler", **FLOW},
]


def examined(steps, library="diffusers", **options):
    found = cf.doctor(steps, library, **options)
    assert found.text()
    json.dumps(found.mapping(), allow_nan=False)
    if found.mended is None:
        assert found.ok or found.errors
        return
    assert not found.ok
    assert cf.doctor(found.mended, library, **options).ok, (found.mended, options)


@given(LISTS, st.sampled_from(["diffusers", "k-diffusion", "ou"]), st.booleans())
def test_any_list_for_any_library(values, library, ordered):
    examined(sorted(values, reverse=True) if ordered else values, library)


@given(LISTS, st.sampled_from(TAKERS), st.sampled_from([None, "sigmas", "timesteps"]), st.booleans())
def test_any_list_for_any_scheduler(values, scheduler, name, ordered):
    values = sorted(values, reverse=True) if ordered else values
    examined(values if name is None else {name: values}, scheduler=scheduler)


@given(LISTS, LISTS, st.sampled_from([None, *TAKERS]), st.one_of(st.none(), st.integers(1, 9)))
def test_any_two_lists(sigmas, timesteps, scheduler, asked):
    examined({"sigmas": sigmas, "timesteps": timesteps}, scheduler=scheduler, num_inference_steps=asked)


@given(st.text(max_size=40))
def test_any_text_is_numbers_or_one_line(text):
    refused = ""
    try:
        found = cf.doctor(text, "k-diffusion")
    except InputError as error:
        refused = str(error)
    else:
        assert found.text()
    assert "\n" not in refused


def test_a_text_of_any_length_is_read_at_once():
    with pytest.raises(InputError):
        cf.doctor("1" * 200_000 + "x", "k-diffusion")

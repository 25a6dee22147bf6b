"""Depth, and what the network is where its gadgets are exact (A5)."""

from __future__ import annotations

import math

import pytest
from depth import nightly

import certflow as cf
from certflow.errors import InputError
from certflow.networks.general.design import design
from certflow.networks.general.law import general_law
from certflow.numbers.precision import ball_precision

#: Depth at 1e-6 at most.
DEPTHS = {"two-variances": 11, "digits": 15, "wine": 12, "iris-full": 12, "anisotropic-pair": 11}


def depth(components: int, plan) -> int:
    return plan.time_level + 1 + math.ceil(math.log2(components)) + plan.exponential.level + plan.reciprocal.level + 1


@pytest.mark.parametrize(
    "name", [name if name in ("digits", "wine") else pytest.param(name, marks=nightly) for name in DEPTHS]
)
def test_depth_at_a_millionth(name):
    process = cf.OrnsteinUhlenbeck(cf.load_mixture(name))
    with ball_precision(200):
        plan = design(general_law(process, 100), 1e-6)
    assert depth(process.mixture.n_components, plan) <= DEPTHS[name]


@pytest.mark.parametrize("name", ["line", "tilted", "mixed"])
def test_depth_is_the_sum_of_that_of_the_gadgets(built, name):
    made = built(name, 1e-3)
    assert made.network.depth == depth(made.law.components, made.plan)
    assert made.network.inputs == made.law.dimension + 1
    assert len(made.network.outputs) == made.law.dimension


def test_one_component_needs_no_softmax(built):
    made = built("one", 1e-3)
    assert made.network.depth == made.plan.time_level + 1


def test_what_no_degree_reaches_is_refused():
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-variances"), t_min="1e-200")
    with ball_precision(400), pytest.raises(InputError, match="degree 64 on 16 pieces"):
        design(general_law(process, 100), 1e-150)

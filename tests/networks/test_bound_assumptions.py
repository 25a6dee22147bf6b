"""A6: the bound is infinite where a gadget is so far off that its proof does not hold, and never small by accident."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from flint import arb, fmpq

import certflow as cf
from certflow.networks.common.bound import proved_bound
from certflow.networks.constructed import constructed_score
from certflow.networks.gadgets import exponential, reciprocal
from certflow.networks.gadgets.enclosure import UndecidedSign
from certflow.numbers.precision import ball_precision

ACCURACY = 60


@pytest.fixture(scope="module")
def score():
    return constructed_score(cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3"), "1e-2")


def bound(score, pieces):
    with ball_precision(score.bits):
        return proved_bound(pieces, 8, ACCURACY)


def test_the_bound_of_what_was_built_is_finite(score):
    assert float(bound(score, score.pieces).l2) <= 1e-2


def test_a_reciprocal_that_ends_before_the_largest_sum_bounds_nothing(score):
    found = score.pieces.reciprocal
    short = replace(found.gadget, knots=(*found.gadget.knots[:-1], found.gadget.knots[-1] * 3 / 4))
    with ball_precision(score.bits):
        pieces = replace(score.pieces, reciprocal=replace(reciprocal.enclosed(found.gadget), gadget=short))
    result = bound(score, pieces)
    assert math.isinf(float(result.l2))
    assert math.isinf(float(result.everywhere[0]))


@pytest.mark.parametrize("changes", [{"relative": arb(2)}, {"absolute": arb("0.6")}, {"at_zero": arb("0.5")}])
def test_an_exponential_that_is_far_off_bounds_nothing(score, changes):
    pieces = replace(score.pieces, exponential=replace(score.pieces.exponential, **changes))
    assert math.isinf(float(bound(score, pieces).l2))


def test_functions_of_time_that_may_be_negative_bound_nothing():
    """The network carries `a~` by one ReLU: it is another function where `a~ < 0`, also of one component."""
    mixture = cf.GaussianMixture(weights=["1"], means=[["0.5"]], covariances="0.04")
    made = constructed_score(cf.OrnsteinUhlenbeck(mixture, "0.01", "3"), "1e-2")
    gadget = made.pieces.time
    first, second = gadget.network.outputs
    network = replace(gadget.network, outputs=[replace(first, bias=first.bias - fmpq(1, 10)), second])
    found = bound(made, replace(made.pieces, time=replace(gadget, network=network)))
    assert math.isinf(float(found.l2))
    assert math.isinf(float(found.everywhere[0]))


def test_an_exponential_that_is_not_constant_below_its_first_knot_is_refused(score):
    """The first kink lies a little further down: no piece shows it, and what is said of all `z <= 0` would be false."""
    found = score.pieces.exponential
    first, *others = found.gadget.network.layers[0]
    moved = replace(first, row=replace(first.row, bias=first.row.bias * fmpq(1001, 1000)))
    network = replace(found.gadget.network, layers=[[moved, *others], *found.gadget.network.layers[1:]])
    with ball_precision(score.bits), pytest.raises(UndecidedSign, match="below the first knot"):
        exponential.enclosed(replace(found.gadget, network=network), 1e-3, 1e-3)

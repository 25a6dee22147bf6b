"""What is proved of networks of general covariances: above what is measured, below what was asked for (A6)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from depth import nightly
from flint import arb, fmpq

from certflow.networks.gadgets.enclosure import UndecidedSign
from certflow.networks.gadgets.exponential import exponential
from certflow.networks.general.bound import PARTS, proved_bound
from certflow.networks.graph import Neuron, Row
from certflow.numbers.precision import ball_precision

#: The built-in mixtures of other than common variance.
BUILT_IN = ["two-variances", "digits", "wine", "iris-full", "anisotropic-pair"]
SMALL = ["line", "tilted", "mixed", "one", "twice"]


def measured(made, times, n, seed=0):
    """The largest `L^2(p_t)` error over times, of `n` points each, less three standard errors of its square."""
    worst = 0.0
    for i, t in enumerate(times):
        squares = made.errors(made.sample(n, t, seed + i), t) ** 2
        worst = max(worst, squares.mean() - 3 * squares.std() / np.sqrt(n))
    return np.sqrt(worst)


@pytest.mark.parametrize(
    "name",
    [*SMALL, *(pytest.param(name, marks=nightly) for name in ("wide", "unit", "two-variances", "anisotropic-pair"))],
)
def test_measured_is_below_proved_is_below_eps(built, name):
    made = built(name, 1e-3)
    proved = float(made.bound.l2.upper())
    found = measured(made, np.geomspace(0.0101, 2.99, 12), 500)
    assert found <= proved <= 1e-3
    assert proved <= 100 * found
    assert sum(float(part) for part in made.bound.parts.values()) == pytest.approx(proved)
    assert set(made.bound.parts) == set(PARTS)


@nightly
@pytest.mark.parametrize("name", BUILT_IN)
def test_a_millionth_of_every_built_in(built, name):
    made = built(name, 1e-6)
    proved = float(made.bound.l2.upper())
    found = measured(made, np.geomspace(0.0101, 2.999, 50), 4000)
    assert found <= proved <= 1e-6
    assert proved <= 100 * found
    assert made.network.depth <= 15


@pytest.mark.parametrize("name", ["mixed", "tilted", "one", pytest.param("two-variances", marks=nightly)])
def test_every_point_is_within_its_bound(built, name):
    """Points of the law, points far away in all directions, and points where two components are as likely."""
    made = built(name, 1e-3)
    rng = np.random.default_rng(0)
    for t in (0.0101, 0.05, 0.4, 2.9):
        x = made.sample(300, t, 1)
        far = rng.standard_normal((300, made.law.dimension))
        far *= 10 ** rng.uniform(-1, 3, (300, 1)) / np.linalg.norm(far, axis=1, keepdims=True)
        ties = np.exp(-t) * made.process.mixture.means.mean(axis=0) + 0.01 * far
        for points in (x, far, ties):
            size = np.linalg.norm(points, axis=1)
            allowed = np.array([float(made.bound.pointwise(float(r)).upper()) for r in size])
            assert (made.errors(points, t) <= allowed + 1e-13 * (1 + size**2)).all()


def test_the_bound_of_every_point_is_affine_where_the_covariance_is_shared(built):
    everywhere = [float(c) for c in built("tilted", 1e-3).bound.everywhere]
    assert everywhere[2] < 1e-25
    assert everywhere[3] == 0
    assert [float(c) for c in built("one", 1e-3).bound.everywhere][2:] == [0, 0]
    assert float(built("mixed", 1e-3).bound.everywhere[3]) > 0


@pytest.mark.parametrize("name", ["two-variances", pytest.param("anisotropic-pair", marks=nightly)])
def test_a_degree_halved_proves_no_more_what_was_asked_for(built, name):
    """Each part of the bound in its turn is far above the others then, and still above what is measured."""
    made = built(name, 1e-6)
    assert float(made.bound.l2) <= 1e-6
    plan = made.plan
    halved = {"time_level": plan.time_level - 1}
    for part in ("exponential", "reciprocal"):
        gadget = getattr(plan, part)
        halved[part] = replace(gadget, level=gadget.level - 1)
    for part, level in halved.items():
        coarse = made.of(replace(plan, **{part: level}))
        assert 1e-6 < float(coarse.bound.l2) < np.inf
        assert measured(coarse, np.geomspace(0.0101, 2.99, 6), 300) <= float(coarse.bound.l2)


def test_a_changed_weight_is_seen(built):
    """A weight of the gadget of time, of the exponential and of the logits, each off by a thousandth."""
    made = built("two-variances", 1e-6)
    factor = fmpq(1001, 1000)

    def changed(gadget, layer):
        neurons = gadget.network.layers[layer]
        first = neurons[0]
        weights = {i: weight * factor for i, weight in first.row.weights.items()}
        layers = [list(row) for row in gadget.network.layers]
        layers[layer][0] = Neuron(Row(weights, first.row.bias), first.square)
        return replace(gadget, network=replace(gadget.network, layers=layers))

    def judged(pieces):
        with ball_precision(2 * made.bits):
            try:
                return float(proved_bound(pieces, 2, made.bits).l2)
            except UndecidedSign:
                return np.inf

    assert judged(made.pieces) <= 1e-6
    for layer in (0, made.plan.time_level - 1):
        assert not judged(replace(made.pieces, time=changed(made.pieces.time, layer))) <= 1e-6
    off = tuple(entry * factor for entry in made.pieces.log_weights)
    assert not judged(replace(made.pieces, log_weights=off)) <= 1e-6
    with ball_precision(2 * made.bits):
        short = exponential(replace(made.plan.exponential, knots=made.plan.exponential.knots[2:]), made.bits)
    assert not judged(replace(made.pieces, exponential=short)) <= 1e-6


def test_a_sum_beyond_the_last_knot_of_the_reciprocal_is_no_bound(built):
    made = built("two-variances", 1e-3)
    knots = made.pieces.reciprocal.gadget.knots
    gadget = replace(made.pieces.reciprocal.gadget, knots=(*knots[:-1], fmpq(2)))
    with ball_precision(2 * made.bits):
        bound = proved_bound(
            replace(made.pieces, reciprocal=replace(made.pieces.reciprocal, gadget=gadget)), 2, made.bits
        )
    assert not bound.l2.is_finite()


def test_a_coarse_network_is_still_bounded(built):
    """Where errors of logits are not small, the factor that they bring along is not either."""
    made = built("two-variances", 0.3)
    assert measured(made, np.geomspace(0.0101, 2.99, 8), 500) <= float(made.bound.l2.upper()) < arb("inf")

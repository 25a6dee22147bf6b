"""What errors make of samples: closed forms of one Gaussian, the reference flow, and first order on a mixture."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

import certflow as cf
from certflow.auditing.consequences import Consequences, consequences
from certflow.auditing.measuring import Draws
from certflow.auditing.paths import Places, derivatives, path
from certflow.auditing.subject import Subject
from certflow.flow.reference import flow_with_derivative
from certflow.schedules.families import ornstein_uhlenbeck
from certflow.schedules.model import Model

NODES = np.array([2.0, 0.5, 0.1])
VARIANCE = 0.09


def found(f, process, nodes=NODES, samples: int = 128) -> Consequences:
    d = process.mixture.dimension
    own = Subject(Model(f, "score", ornstein_uhlenbeck(), shape=(d,)), d, "")
    return consequences(own, process, Draws.of(process, samples, 0), nodes, "heun", "given", lambda: None)


def v(t):
    return VARIANCE * np.exp(-2 * t) + 1 - np.exp(-2 * t)


def grown(e: float, t_from: float, t_to: float) -> float:
    """`log` of the factor that the flow of `(1 + e) s` has beside that of `s`: `e int (1/v) dt`, backwards in time."""
    return e * (0.5 * math.log(v(t_to) / v(t_from)) - (t_from - t_to))


@pytest.mark.parametrize("e", [0.05, -0.3])
def test_one_gaussian_is_linear(e):
    """`s = -x/v`: the flow of `(1 + e) s` is known, all errors have one sign, and E1 and E5 are equalities."""
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0, 0]], VARIANCE), "0.1", 2)
    got = found(lambda x, t: (1 + e) * process.score(x, t), process)
    exponent = grown(e, 2.0, 0.1)
    assert got.flow is not None
    assert got.flow.value == pytest.approx(math.expm1(exponent) ** 2, rel=1e-4)
    assert got.flow.low <= got.flow.value <= got.flow.high
    assert got.first_order == pytest.approx(exponent**2, rel=1e-4)
    assert got.typical == pytest.approx(exponent**2, rel=1e-4)
    assert got.worst == pytest.approx(math.expm1(exponent) ** 2, rel=1e-4)
    assert got.growth == pytest.approx(np.sqrt(v(0.1) / v(got.times)), rel=1e-5)
    assert got.bound == pytest.approx(got.growth, rel=1e-5)
    for share, start, end in zip(got.segments, NODES[:-1], NODES[1:], strict=True):
        assert (share.start, share.end) == (start, end)
        assert share.amplified == pytest.approx(grown(e, start, end) ** 2, rel=1e-4)


def test_a_sampler_with_an_exact_model_errs_as_with_the_mixture():
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.1", 2)
    got = found(process.score, process)
    assert got.model_sampler is not None
    assert got.model_sampler.value == pytest.approx(got.exact_sampler.value, rel=1e-9)
    assert got.exact_sampler.value == pytest.approx(
        cf.samplers.relative_mse(process, NODES, "heun", samples=128, seed=0), rel=1e-6
    )
    assert got.first_order < 1e-20
    assert got.flow is not None
    assert got.flow.value < 1e-9


def test_derivatives_are_those_of_the_reference_flow():
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("anisotropic-pair"), "0.1", 1)
    x = Draws.of(process, 6, 3).x(1.0)
    places = Places.of(np.array([1.0, 0.4, 0.1]))
    got = list(derivatives(process, path(process, x, places.interleaved), places))[::-1]
    assert len(got) == len(places.times)
    for i in (0, len(places.times) // 2):
        t = float(places.times[i])
        at = process.flow(x, 1.0, t)
        _, right = flow_with_derivative(process, at, t, 0.1)
        assert got[i] == pytest.approx(right, rel=2e-3, abs=2e-3)
    assert np.array_equal(got[-1], np.broadcast_to(np.eye(2), (6, 2, 2)))


def test_weights_integrate_over_each_segment():
    places = Places.of(NODES)
    assert places.weights.sum(0) == pytest.approx(NODES[:-1] - NODES[1:], rel=1e-5)
    powers = [(a**3 - b**3) / 3 for a, b in pairwise(NODES)]
    assert places.weights.T @ places.times**2 == pytest.approx(powers, rel=1e-4)
    assert np.all(np.diff(places.interleaved) < 0)


def test_small_errors_of_a_mixture_are_predicted_to_first_order():
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.1", 2)
    got = found(lambda x, t: process.score(x, t) + 1e-4 * np.sin(3 * x), process, np.array([2.0, 0.5, 0.1]))
    assert got.flow is not None
    assert got.worst is not None
    assert got.first_order == pytest.approx(got.flow.value, rel=0.02)
    assert got.first_order <= got.typical <= got.worst
    assert got.flow.value <= got.worst
    # Minkowski's inequality over segments, too
    assert got.first_order <= sum(math.sqrt(share.amplified) for share in got.segments) ** 2


def test_without_a_global_bound_there_is_no_worst_case():
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("anisotropic-pair"), "0.6", 1)
    got = found(lambda x, t: 1.01 * process.score(x, t), process, np.array([1.0, 0.6]))
    assert got.worst is None
    assert got.bound is None
    assert got.flow is not None


def test_a_flow_that_nothing_resolves_is_said_to_be_so():
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.3", 1)
    generator = np.random.default_rng(0)
    noisy = lambda x, t: process.score(x, t) + 5 * generator.standard_normal(x.shape)  # noqa: E731
    got = found(noisy, process, np.array([1.0, 0.3]))
    assert got.flow is None
    assert got.worst is None
    assert got.unresolved.startswith("model: got 'a flow known to ")
    assert got.mapping()["measured"]["flow"] is None

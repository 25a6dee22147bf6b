"""Inequalities and identities of the theory on random mixtures (proofs/S2.md to S4, L1-L8, F1)."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle import Oracle, relative_error

import certflow as cf
from certflow.testing import mixtures, points, processes, time_pairs, times

SLACK = 1 + 1e-9


def bounds_of(p, t):
    try:
        return p.lipschitz_bound(t), p.growth_rate_bound(t)
    except cf.NoGlobalBound:
        return None


@given(processes(), st.data())
def test_responsibilities_are_probabilities(p, data):
    x, t = data.draw(points(p.mixture.dimension, min_points=1)), data.draw(times())
    gamma = p.responsibilities(x, t)
    assert (gamma >= 0).all()
    np.testing.assert_allclose(gamma.sum(axis=-1), 1, rtol=1e-14)


@given(processes(), st.data())
def test_jacobian_is_symmetric_and_between_its_bounds(p, data):
    """`-lambda <= J`, `||J|| <= L`, and `||J|| <=` the bound on the ball, at every drawn point."""
    x, t = data.draw(points(p.mixture.dimension)), data.draw(times())
    jacobian = p.jacobian(x, t)
    np.testing.assert_allclose(jacobian, jacobian.T, rtol=1e-12, atol=1e-12 * np.abs(jacobian).max())
    eigenvalues = np.linalg.eigvalsh(jacobian)
    norm = np.abs(eigenvalues).max()
    assert norm <= p.ball_bound(float(np.linalg.norm(x)) * 1.000001 + 1e-6, t) * SLACK + 1e-12
    bounds = bounds_of(p, t)
    if bounds is not None:
        assert norm <= bounds[0] * SLACK + 1e-12
        assert -eigenvalues[0] <= bounds[1] + 1e-9 * (norm + 1)


@given(processes(), st.data())
def test_velocity_is_lipschitz_and_one_sided(p, data):
    """`|u(x) - u(y)| <= L |x - y|` and `-(x - y).(u(x) - u(y)) <= lambda |x - y|^2`."""
    d, t = p.mixture.dimension, data.draw(times())
    x, y = data.draw(points(d)), data.draw(points(d))
    distance = np.linalg.norm(x - y)
    assume(distance > 1e-3)
    bounds = bounds_of(p, t)
    assume(bounds is not None)
    change = p.velocity(x, t) - p.velocity(y, t)
    size = 1e-11 * (1 + np.linalg.norm(p.velocity(x, t)) + np.linalg.norm(p.velocity(y, t)))
    assert np.linalg.norm(change) <= bounds[0] * distance * SLACK + size
    assert -(x - y) @ change <= (bounds[1] + 1e-9 * abs(bounds[1])) * distance**2 + size * distance


@given(mixtures(kinds=["common-isotropic"], min_components=2), st.data())
def test_half_the_bound_is_violated_somewhere(mixture, data):
    """The false twin: for two modes, half of `lambda + (1/v - 1)` does not bound the growth at the midpoint."""
    assume(mixture.n_components == 2)
    assume(mixture.diameter > 0.1)
    t = data.draw(times(max_time=0.5))
    p = cf.OrnsteinUhlenbeck(mixture)
    v = float(mixture.covariances) * np.exp(-2 * t) - np.expm1(-2 * t)
    m, (first, second) = np.exp(-t), mixture.means
    middle = m * (first + second) / 2
    # the hyperplane of equal responsibilities
    step = second - first
    middle = middle - step * v * np.log(mixture.weights[1] / mixture.weights[0]) / (m * (step @ step))
    rise = -np.linalg.eigvalsh(p.jacobian(middle, t))[0] - (1 - 1 / v)
    full = p.growth_rate_bound(t) - (1 - 1 / v)
    assert rise <= full * SLACK + 1e-12
    assert rise > full / 2


@given(processes(), st.data())
@settings(max_examples=40)
def test_agreement_with_the_oracle(p, data):
    x, t = data.draw(points(p.mixture.dimension)), data.draw(times(min_time="1e-6"))
    exact = Oracle(p.mixture).at(x, t)
    for quantity in ("score", "velocity", "jacobian"):
        assert relative_error(getattr(p, quantity)(x, t), exact[quantity]) <= 1e-12


@given(processes(), st.data())
def test_batches_agree_with_single_points(p, data):
    x = data.draw(points(p.mixture.dimension, min_points=1, max_points=4))
    t = np.array([data.draw(times()) for _ in x])
    for quantity in ("log_density", "responsibilities", "score", "velocity", "jacobian"):
        batch = getattr(p, quantity)(x, t)
        for n in range(len(x)):
            np.testing.assert_allclose(batch[n], getattr(p, quantity)(x[n], t[n]), rtol=1e-11, atol=1e-11)


@given(processes(), st.data())
@settings(max_examples=30)
def test_velocity_is_minus_x_minus_score(p, data):
    x, t = data.draw(points(p.mixture.dimension)), data.draw(times())
    score = p.score(x, t)
    np.testing.assert_allclose(
        p.velocity(x, t), -x - score, rtol=1e-9, atol=1e-11 * (1 + abs(x).max() + abs(score).max())
    )


@given(processes(kinds=["common-isotropic"]), time_pairs(), times())
def test_stability_adds_up_and_orders(p, pair, r):
    s, t = pair
    assume(s <= r <= t)
    for rate in ("one-sided", "two-sided"):
        whole = p.stability(s, t, rate)
        assert whole == pytest.approx(p.stability(s, r, rate) + p.stability(r, t, rate), rel=1e-9, abs=1e-9)
    assert p.stability(s, t) <= p.stability(s, t, "two-sided") * SLACK + 1e-12


@given(processes(kinds=["common-isotropic"]), time_pairs())
def test_time_at_stability_inverts(p, pair):
    s, t = pair
    assume(t > s)
    value = p.stability(s, t)
    assume(value > 1e-6 and p.growth_rate_bound(s) > 1e-6 and p.growth_rate_bound(t) > 1e-3)
    assert p.time_at_stability(value, s) == pytest.approx(t, rel=1e-7)


# -- the flow (F1) -----------------------------------------------------------------------------------------

FLOW = settings(max_examples=25)
FLOWS = processes(kinds=["common-isotropic"], max_components=3, max_dimension=2, min_variance="0.04", max_mean=2)


@given(FLOWS, time_pairs(), st.data())
@FLOW
def test_flow_stability_from_both_sides(p, pair, data):
    """F1: `exp(int 1 - 1/v) |x - y| <= |Phi x - Phi y| <= exp(int lambda) |x - y|`, common variance."""
    s, t = pair
    d = p.mixture.dimension
    x, y = data.draw(points(d, max_coordinate=4)), data.draw(points(d, max_coordinate=4))
    distance = np.linalg.norm(x - y)
    assume(distance > 0.05)
    images = p.flow(np.array([x, y]), t, s, rtol=1e-9)
    moved = np.linalg.norm(images[0] - images[1])
    v = float(p.mixture.covariances) * np.exp(-2 * np.array([s, t])) - np.expm1(-2 * np.array([s, t]))
    error = 1e-7 * (1 + np.abs(images).max())
    assert moved <= p.amplification(s, t) * distance * SLACK + error
    assert moved >= np.sqrt(v[0] / v[1]) * distance / SLACK - error


@given(FLOWS, time_pairs(), st.data())
@FLOW
def test_flow_semigroup_and_inversion(p, pair, data):
    s, t = pair
    x = data.draw(points(p.mixture.dimension, max_coordinate=4))
    middle = (s * t) ** 0.5
    whole = p.flow(x, t, s, rtol=1e-10)
    scale = 1 + np.abs(whole).max()
    growth = p.amplification(s, t)
    assume(growth < 1e5)  # beyond, the comparison says little
    np.testing.assert_allclose(
        p.flow(p.flow(x, t, middle, rtol=1e-10), middle, s, rtol=1e-10), whole, atol=1e-8 * scale * growth
    )
    shrink = np.exp(abs(p.stability(s, t, "two-sided")))
    assume(shrink < 1e5)
    np.testing.assert_allclose(p.flow(whole, s, t, rtol=1e-10), x, atol=1e-8 * scale * shrink)


def test_flow_bound_is_attained_across_the_midway_hyperplane():
    """F3, and the false twin: a bound smaller by one percent is exceeded."""
    p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), 0.01, 3)
    s, t, step = 0.2, 1.0, 1e-6
    images = p.flow(np.array([[step, 0.3], [-step, 0.3]]), t, s, rtol=1e-12)
    ratio = np.linalg.norm(images[0] - images[1]) / (2 * step)
    assert ratio <= p.amplification(s, t) * (1 + 1e-6)
    assert ratio > 0.99 * p.amplification(s, t)


def test_oracle_digits():
    """The oracle's own digits: halving its precision changes nothing that the tests look at."""
    mixture = cf.load_mixture("two-variances")
    exact = Oracle(mixture).at([0.1, 0.2], 0.5)["score"]
    with mpmath.workdps(100):
        x = np.array([mpmath.mpf(0.1), mpmath.mpf(0.2)], dtype=object)
        value = cf.OrnsteinUhlenbeck(mixture).score(x, mpmath.mpf("0.5"))
        assert max(abs(mpmath.mpf(str(a)) - b) for a, b in zip(exact, value, strict=True)) < mpmath.mpf(10) ** -95

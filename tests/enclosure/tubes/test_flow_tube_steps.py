"""Bounds of a step: sampled complex points on the disc, singular values by mpmath, Taylor coefficients by mpmath."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import flint
import numpy as np
import pytest
import sympy
from mpmath import mp, mpf

import certflow as cf
from certflow.enclosure import flow_tube
from certflow.enclosure.tubes import steps as flow_steps
from certflow.enclosure.tubes.steps import DiscSearch, Logits, disc_bounds, spectral_norm
from certflow.enclosure.tubes.taylor import StraightField, expand

LAW = cf.GaussianMixture(
    ["0.1", "0.2", "0.3", "0.4"], [["1", "0.2"], ["-0.6", "1"], ["-1", "-1.1"], ["0.4", "-0.3"]], "0.04"
)


FUNCTIONS = (flint.arb.exp, flint.arb.expm1)


def frames(count=12):
    rng = np.random.default_rng(7)
    field = StraightField.of(LAW)
    for _ in range(count):
        q = float(rng.uniform(0.2, 4))
        z = q * LAW.means[rng.integers(4)] + rng.normal(size=2)
        yield field.frame([flint.arb(float(a)) for a in z], flint.arb(q)), q, z


def sampled_sizes(q, z, drift, disc, rng):
    """`|E(e)|`, `|Cov(e)|` and the third moment at complex points of the disc, from the logits of the field."""
    angles = np.exp(2j * np.pi * rng.uniform(size=(400, 1)))
    s = disc.radius * angles
    zeta = rng.normal(size=(400, 2)) + 1j * rng.normal(size=(400, 2))
    zeta *= disc.room / np.linalg.norm(zeta, axis=1, keepdims=True)
    points, times = z + s * drift + zeta, q + s
    logits = np.log(LAW.weights) + times * (points @ LAW.means.T) - times**2 * (LAW.means**2).sum(1) / 2
    powers = np.exp(logits - logits.real.max(axis=1, keepdims=True))
    gamma = powers / powers.sum(1, keepdims=True)
    arms = LAW.means - drift
    mean = gamma @ arms
    covariance = np.einsum("nk,ki,kj->nij", gamma, arms, arms) - mean[:, :, None] * mean[:, None, :]
    reach = np.linalg.norm(arms[None] - mean[:, None], axis=2)
    third = (abs(gamma) * reach**3).sum(1)
    return np.linalg.norm(mean, axis=1).max(), np.linalg.norm(covariance, 2, axis=(1, 2)).max(), third.max()


def test_disc_bounds_hold_at_sampled_complex_points_and_are_not_idle():
    rng = np.random.default_rng(8)
    ratios = []
    for frame, q, z in frames():
        disc, bounds = DiscSearch(1.0).prove(frame, flint.arb("1e-3"), 1.0)
        drift = np.array([float(a) for a in frame.drift])
        sampled = sampled_sizes(q, z, drift, disc, rng)
        proved = [float(value.abs_lower()) for value in (bounds.drift, bounds.covariance, bounds.third)]
        assert all(a <= b for a, b in zip(sampled, proved, strict=True))
        ratios.append(proved[0] / sampled[0])
    assert np.median(ratios) < 10


def test_twin_with_a_disc_three_times_as_small_is_caught():
    """Bounds proved for a third of the disc must fail somewhere on the whole of it."""
    rng = np.random.default_rng(8)
    caught = 0
    for frame, q, z in frames():
        disc, _ = DiscSearch(1.0).prove(frame, flint.arb("1e-3"), 1.0)
        small = disc_bounds(
            Logits.of(frame), flint.arb(disc.radius / 3), flint.arb(disc.room / 3), flint.arb.exp, flint.arb.expm1
        )
        drift = np.array([float(a) for a in frame.drift])
        caught += sampled_sizes(q, z, drift, disc, rng)[0] > float(small.drift.abs_upper())
    assert caught == 12


def test_no_bounds_beyond_a_zero_of_the_denominator():
    frame, *_ = next(iter(frames()))
    assert disc_bounds(Logits.of(frame), flint.arb(50), flint.arb(1), *FUNCTIONS) is None
    assert DiscSearch(1.0).prove(frame, flint.arb(100), 1.0) is None


def test_balls_take_the_weaker_bound_where_a_limit_is_undecided():
    frame, *_ = next(iter(frames()))
    rho, room = flint.arb("0.05"), flint.arb("0.05")
    sharp = disc_bounds(Logits.of(frame), rho, room, *FUNCTIONS)
    blurred = disc_bounds(Logits.of(frame), flint.arb("0.05", "0.04"), room, *FUNCTIONS)
    assert blurred is None or blurred.drift.abs_upper() > sharp.drift.abs_upper()


def test_taylor_coefficients_are_those_of_the_solution():
    """Against mpmath's Taylor integrator at 30 digits, in the straight coordinates."""
    with flint.ctx.workprec(120), mp.workdps(30):
        q, z, h = mpf("1.5"), [mpf("0.5"), mpf("-0.25")], mpf("0.0625")
        field = StraightField.of(LAW)
        frame = field.frame([flint.arb("0.5"), flint.arb("-0.25")], flint.arb("1.5"))
        series = expand(frame, 24)
        s = flint.arb("0.0625")
        values = [
            float((a + s * g + b - flint.arb(str(c))).abs_upper())
            for a, g, b, c in zip(
                (flint.arb("0.5"), flint.arb("-0.25")), frame.drift, series.position(s), solution(q, z, h), strict=True
            )
        ]
        step = mpf("1e-10")
        columns = []
        for i in range(2):
            ends = [solution(q, [a + sign * step * (i == j) for j, a in enumerate(z)], h) for sign in (1, -1)]
            columns.append([(a - b) / (2 * step) for a, b in zip(*ends, strict=True)])
        derivative = series.derivative(s).tolist()
        errors = [abs(float(derivative[i][j]) - float(columns[j][i])) for i in range(2) for j in range(2)]
    assert max(values) < 1e-20
    assert max(errors) < 1e-12


def solution(q, z, h):
    means = [[mpf(a.numerator) / a.denominator for a in row] for row in LAW.exact_means.fractions]
    weights = [mpf(a.numerator) / a.denominator for a in LAW.exact_weights.fractions]

    def slope(time, point):
        powers = [
            w * mp.exp(-sum((a - time * b) ** 2 for a, b in zip(point, mean, strict=True)) / 2)
            for w, mean in zip(weights, means, strict=True)
        ]
        return [sum(p * mean[i] for p, mean in zip(powers, means, strict=True)) / sum(powers) for i in range(2)]

    return mp.odefun(slope, q, z)(q + h)


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_spectral_norm_is_tight_and_contains(size):
    rng = np.random.default_rng(size)
    for matrix in (rng.normal(size=(size, size)), np.eye(size), np.ones((size, size)), np.zeros((size, size))):
        exact = [[float(a) for a in row] for row in matrix]
        with flint.ctx.workprec(200):
            low, high = spectral_norm(flint.arb_mat(exact), 60)
            low, high = (mpf(float(end.mid())) for end in (low, high))
        value = max(mp.svd_r(mp.matrix(exact), compute_uv=False)) if size > 1 else abs(mpf(exact[0][0]))
        assert low * (1 - mpf("1e-14")) <= value <= high * (1 + mpf("1e-14"))
        assert high - low <= 1e-14 * high


def test_twin_of_the_spectral_norm_is_refused():
    matrix = flint.arb_mat([[2, 1], [1, 3]])
    value = (5 + 5**0.5) / 2
    assert flow_steps._is_positive_definite(flint.arb(value * (1 + 1e-12)), matrix)
    assert not flow_steps._is_positive_definite(flint.arb(value * (1 - 1e-12)), matrix)


def test_straight_coordinates_by_computer_algebra():
    """`dz/dt = (dq/dt) E_gamma(mu)` for `z = x / sqrt(v)`, `q = m / sqrt(v)`, `u = (1/v - 1) x - (m/v) E_gamma(mu)`."""
    t, x, mean, c = sympy.symbols("t x mean c", positive=True)
    m = sympy.exp(-t)
    v = 1 - c * m**2
    velocity = (1 / v - 1) * x - m / v * mean
    along = sympy.diff(x / sympy.sqrt(v), t) + sympy.diff(x / sympy.sqrt(v), x) * velocity
    assert sympy.simplify(along - sympy.diff(m / sympy.sqrt(v), t) * mean) == 0
    assert sympy.simplify(along - sympy.diff(m / v, t) * mean) != 0  # the false twin


def test_steps_are_hints_that_can_be_repeated():
    """Following the recorded discs with the same rules, without search, gives the recorded tube."""
    p = cf.OrnsteinUhlenbeck(LAW)
    tube = flow_tube(p, ["0.3", "0.4"], 3, "0.01", 12)
    assert all(isinstance(step.end, Fraction) for step in tube.steps)
    ends = [tube.start, *(step.end for step in tube.steps)]
    assert ends == sorted(ends)
    assert all((b - a) <= step.disc * Fraction(4, 5) for a, b, step in zip(ends, ends[1:], tube.steps, strict=False))
    assert all(
        value.denominator & (value.denominator - 1) == 0 for step in tube.steps for value in (step.end, step.disc)
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        tube.steps[0].order = 1

"""Cumulative stability: closed forms against quadrature, in every kind of number (proofs/F1.md, F2, F4)."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import flint
import mpmath
import numpy as np
import pytest
import torch
from depth import night

import certflow as cf

RATES = {"one-sided": "growth_rate_bound", "two-sided": "lipschitz_bound"}

#: Variance and means; the names say where the two terms of `L` cross.
COMMON = {
    "narrow": ("0.04", [[-1, 0], [1, 0]]),
    "very narrow": ("1e-6", [[-1, 0], [1, "1/3"]]),
    "unit": ("1", [[-1], [1]]),
    "wide": ("2.5", [[-1], [2]]),
    "one mean": ("0.3", [[2, 1]]),
    "equal means": ("0.3", [["1/3"], ["1/3"]]),
    "one mean, wide": ("3", [[0]]),
    "one mean, unit": ("1", [[0]]),
    "crossing inside": ("0.25", [["-0.7"], ["0.7"]]),
    "crossing early": ("0.25", [["-0.62"], ["0.62"]]),
    "no crossing, close means": ("0.5", [["-0.1"], ["0.1"]]),
    "crossing next to zero": ("0.5", [[0], ["1.4142135623731"]]),
}


def process(case):
    variance, means = COMMON[case]
    weights = [Fraction(1, len(means))] * len(means)
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, variance), "1e-9", 50)


def quadrature(p, s, t, rate):
    """`int_s^t` of the bound by mpmath, cut at the sign changes of its kinks (in log t) for full accuracy."""
    bound = getattr(p, RATES[rate])
    s, t = mpmath.mpf(s), mpmath.mpf(t)
    if s == t:
        return mpmath.mpf(0)
    nodes = [s, *_kinks(p, s, t), t]
    cuts = []
    for a, b in pairwise(nodes):
        count = max(1, int(mpmath.log(b / a) / 2))
        cuts += [a * (b / a) ** (mpmath.mpf(k) / count) for k in range(count)]
    return mpmath.quad(bound, [*cuts, t])


def _kinks(p, s, t):
    """Where `lambda = q_max` or `lambda = 1 - 1/v`: `D^2/(8 c) = v` (the two terms of L2 are of equal size)."""
    mixture = p.mixture
    c = 1 - Fraction(mixture.exact_covariances.fractions[()])
    if c <= 0:
        return []
    m2 = (1 - Fraction(mixture.diameter_squared) / (8 * c)) / c
    if not 0 < m2 < 1:
        return []
    time = -mpmath.log(mpmath.mpf(m2.numerator) / m2.denominator) / 2
    return [time] if s < time < t else []


#: The two rates differ where their terms cross; elsewhere one of them is enough by day.
CROSSING = [case for case in COMMON if "crossing" in case]
BY_DAY = [(case, "two-sided") for case in [*CROSSING, "narrow", "one mean"]]
BY_DAY += [(case, "one-sided") for case in COMMON if case not in CROSSING]


@pytest.mark.parametrize(
    ("case", "rate"),
    [*BY_DAY, *night(*((case, rate) for case in COMMON for rate in RATES if (case, rate) not in BY_DAY))],
)
def test_closed_form_against_quadrature(case, rate):
    """mpmath at 50 digits: closed form equals quadrature of the bound to 40 digits; float64 to 12."""
    p = process(case)
    for s, t in (("0.01", "3"), ("0.2", "0.21"), ("1", "4"), ("0.001", "0.002")):
        with mpmath.workdps(50):
            exact = quadrature(p, s, t, rate)
            closed = p.stability(mpmath.mpf(s), mpmath.mpf(t), rate)
            scale = mpmath.mpf(10) ** -40 * max(abs(exact), mpmath.mpf("1e-3"))
            assert abs(closed - exact) <= scale
            assert abs(closed * 1.001 + mpmath.mpf("1e-9") - exact) > scale  # a false twin is refused
            binary = p.stability(mpmath.mpf(float(s)), mpmath.mpf(float(t)), rate)
        assert p.stability(float(s), float(t), rate) == pytest.approx(float(binary), rel=2e-12, abs=1e-14)


def test_two_sided_is_at_least_one_sided_and_splits_at_the_crossing():
    p = process("crossing inside")
    crossing = float(_kinks(p, 0, 10)[0])
    assert 0.05 < crossing < 2
    before, after = (0.01, crossing), (crossing, 3.0)
    assert p.stability(*before) == pytest.approx(p.stability(*before, "two-sided"), rel=1e-12)
    assert p.stability(*after) < 0.9 * p.stability(*after, "two-sided")
    v = 0.25 * np.exp(-2 * np.array(after)) - np.expm1(-2 * np.array(after))
    assert p.stability(*after, "two-sided") == pytest.approx(np.log(v[1] / v[0]) / 2, rel=1e-12)


@pytest.mark.parametrize("case", COMMON)
def test_float64_keeps_its_digits_at_extreme_times(case):
    p = process(case)
    for s, t in ((1e-9, 50.0), (1e-9, 1e-8), (1e-3, 50.0), (1e-12, 3.0), (3.0, 3.0 + 1e-9), (49.0, 50.0)):
        with mpmath.workdps(60):
            exact = {rate: float(p.stability(mpmath.mpf(s), mpmath.mpf(t), rate)) for rate in RATES}
        for rate in RATES:  # the two terms of the one-sided rate may cancel; the two-sided one tells their size
            slack = 1e-13 * exact["two-sided"]
            assert p.stability(s, t, rate) == pytest.approx(exact[rate], rel=1e-11, abs=slack)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("case", COMMON)
def test_balls_contain_mpmath_and_add_up(case, rate):
    p = process(case)
    flint.ctx.prec = 200
    s, r, t = (flint.arb(v) for v in ("0.01", "0.7", "3"))
    ball = p.stability(s, t, rate)
    with mpmath.workdps(60):
        exact = p.stability(mpmath.mpf("0.01"), mpmath.mpf("3"), rate)
        text = mpmath.nstr(exact, 58)
    assert (ball - flint.arb(text)).contains(0) or abs(ball - flint.arb(text)) < flint.arb("1e-50") * (1 + abs(ball))
    assert ball.rad() < 1e-50 * (1 + abs(ball))
    parts = p.stability(s, r, rate) + p.stability(r, t, rate)
    assert parts.overlaps(ball)
    assert not (parts + flint.arb("1e-20")).overlaps(ball)
    assert p.stability(s, s, rate).contains(0)


@pytest.mark.parametrize("rate", RATES)
def test_additivity_vectors_and_nothing_over_no_time(rate):
    p = process("crossing inside")
    grid = np.geomspace(0.001, 5, 40)
    steps = p.stability(grid[:-1], grid[1:], rate)
    assert steps.shape == (39,)
    assert steps.sum() == pytest.approx(p.stability(0.001, 5.0, rate), rel=1e-12)
    assert (p.stability(grid, grid, rate) == 0).all()
    table = p.stability(grid[:3, None], grid[None, 5:9], rate)
    assert table.shape == (3, 4)
    assert table[1, 2] == p.stability(grid[1], grid[7], rate)
    assert isinstance(p.stability(0.1, 0.2, rate), float)
    assert p.stability("0.1", "1/5", rate) == pytest.approx(p.stability(0.1, 0.2, rate), rel=1e-14)


@pytest.mark.parametrize("rate", list(RATES))
@pytest.mark.parametrize("name", ["two-modes", "two-variances", "wine"])
def test_torch_derivatives_at_both_ends_are_the_rate(name, rate):
    p = cf.OrnsteinUhlenbeck(cf.load_mixture(name))
    s, t = (torch.tensor(time, dtype=torch.float64, requires_grad=True) for time in (0.2, 0.7))
    p.stability(s, t, rate=rate).backward()
    bound = getattr(p, RATES[rate])
    assert float(s.grad) == pytest.approx(-float(bound(0.2)), rel=1e-9)
    assert float(t.grad) == pytest.approx(float(bound(0.7)), rel=1e-9)


def test_torch_is_differentiable():
    p = process("narrow")
    s = torch.tensor([0.1, 0.2], dtype=torch.float64, requires_grad=True)
    t = torch.tensor(0.5, dtype=torch.float64)
    value = p.stability(s, t)
    assert value.shape == (2,)
    gradient = torch.autograd.grad(value.sum(), s)[0]
    np.testing.assert_allclose(gradient.numpy(), -p.growth_rate_bound(s.detach().numpy()), rtol=1e-12)


def test_amplification_is_the_exponential():
    p = process("narrow")
    assert p.amplification(0.1, 0.5) == pytest.approx(np.exp(p.stability(0.1, 0.5)), rel=1e-14)
    assert p.amplification(0.1, 0.5, "two-sided") == pytest.approx(
        np.exp(p.stability(0.1, 0.5, "two-sided")), rel=1e-14
    )
    assert p.amplification(0.3, 0.3) == 1
    with mpmath.workdps(40):
        huge = process("very narrow").amplification(mpmath.mpf("1e-9"), mpmath.mpf(3))
        assert mpmath.isfinite(huge)
        assert huge > mpmath.mpf(10) ** 1000
    assert process("very narrow").amplification(1e-9, 3.0) == np.inf  # beyond float64, and so it says


def test_late_time_amplification():
    """F4: `sigma exp(D^2 / (8 sigma^2))` as the data end is reached, up to bounded factors."""
    for sigma in ("0.1", "0.05", "0.02"):
        mixture = cf.GaussianMixture(["0.5", "0.5"], [[-1], [1]], Fraction(sigma) ** 2)
        value = cf.OrnsteinUhlenbeck(mixture).stability(1e-12, 5.0)
        leading = np.log(float(sigma)) + 4 / (8 * float(sigma) ** 2)
        assert abs(value - leading) < 0.6


@pytest.mark.parametrize(
    ("kind", "rate"),
    [
        *((kind, "one-sided") for kind in ("isotropic", "shared", "full")),
        ("full", "two-sided"),
        *night(("isotropic", "two-sided"), ("shared", "two-sided")),
    ],
)
def test_other_covariances_are_integrated(kind, rate):
    covariances = {
        "isotropic": ["0.04", "0.25"],
        "shared": [["0.3", "0.1"], ["0.1", "0.2"]],
        "full": [[["0.3", "0.1"], ["0.1", "0.2"]], [["0.5", "0.1"], ["0.1", "0.9"]]],
    }[kind]
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.4", "0.6"], [[-1, 0], [1, "0.5"]], covariances))
    bound = getattr(p, RATES[rate])
    grid = np.geomspace(0.02, 2, 20001)
    rates = bound(grid)
    trapezium = ((rates[1:] + rates[:-1]) / 2 * np.diff(grid)).sum()
    value = p.stability(0.02, 2.0, rate)
    assert value == pytest.approx(trapezium, rel=1e-6)
    assert value == pytest.approx(p.stability(0.02, 0.3, rate) + p.stability(0.3, 2.0, rate), rel=1e-9)
    assert p.stability(0.3, 0.3, rate) == 0
    assert p.stability(np.array([0.02, 0.3]), 2.0, rate).shape == (2,)
    with pytest.raises(cf.InputError, match="only its closed form exists"):
        p.stability(flint.arb("0.02"), flint.arb(2), rate)


def test_mpmath_quadrature_of_other_covariances():
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.4", "0.6"], [[-1], [1]], ["0.04", "0.25"]))
    with mpmath.workdps(20):
        value = p.stability(mpmath.mpf("0.25"), mpmath.mpf("0.5"))
        exact = mpmath.quad(p.growth_rate_bound, [mpmath.mpf("0.25"), mpmath.mpf("0.5")])
        assert abs(value - exact) < mpmath.mpf(10) ** -15
    assert p.stability(0.25, 0.5) == pytest.approx(float(value), rel=1e-9)


def test_shared_written_as_common_agrees_with_the_closed_form():
    means, matrix = [[-1, 0], [1, 0]], [["0.04", 0], [0, "0.04"]]
    common = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.4", "0.6"], means, "0.04"))
    shared = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.4", "0.6"], means, matrix))
    for rate in RATES:
        assert shared.stability(0.01, 3.0, rate) == pytest.approx(common.stability(0.01, 3.0, rate), rel=1e-9)


def test_symbolic_stability():
    import sympy

    sigma, a, s, t = sympy.symbols("sigma a s t", positive=True)
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([sympy.Rational(1, 2)] * 2, [[-a], [a]], sigma**2))
    value = p.stability(s, t)
    slope = sympy.simplify(sympy.diff(value, t) - p.growth_rate_bound(t))
    assert slope == 0
    assert sympy.simplify(value.subs(t, s)) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.5, 0.2), r"s: got 0.5; required: a time that is not later than t = 0.2"),
        ((0.0, 0.2), r"s: got 0.0; required: a finite time > 0"),
        ((0.1, np.inf), r"t: got inf; required: a finite time > 0"),
        ((0.1, np.nan), r"t: got nan"),
        ((0.1, 0.2, "both"), r"rate: got 'both'; required: one of one-sided, two-sided"),
    ],
)
def test_bad_intervals(arguments, message):
    with pytest.raises(cf.InputError, match=message):
        process("narrow").stability(*arguments)

"""The time at which the cumulative stability reaches a value (proofs/G2.md)."""

from __future__ import annotations

import flint
import mpmath
import numpy as np
import pytest
import torch

import certflow as cf


def process(variance, half="1", t_min="0.01"):
    means = [[f"-{half}"], [half]] if half != "0" else [["1/3"]]
    weights = ["0.5", "0.5"] if half != "0" else [1]
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, variance), t_min, 50)


#: variance, half the distance of the means, s, t: `lambda > 0` in between; the names are the branches of G2.
BRANCHES = {
    "-1, sigma 1e-4": ("1e-8", "1", "1e-9", "0.5"),
    "-1, sigma 1e-4, late": ("1e-8", "1", "0.5", "3"),
    "-1, narrow": ("0.01", "1", "0.01", "3"),
    "-1, close means": ("0.25", "0.7", "0.01", "0.15"),
    "-1, up to the end of growth": ("0.25", "0.7", "0.01", "0.3"),
    "0, wide": ("2.5", "1", "0.01", "3"),
    "0, one mean, wide": ("3", "0", "0.1", "2"),
    "unit": ("1", "1", "0.01", "3"),
    "unit, late": ("1", "0.1", "2", "9"),
}


@pytest.mark.parametrize("branch", BRANCHES)
def test_it_inverts_the_stability(branch):
    variance, half, s, t = BRANCHES[branch]
    p = process(variance, half)
    with mpmath.workdps(50):
        value = p.stability(mpmath.mpf(s), mpmath.mpf(t))
        assert value > 0
        back = p.time_at_stability(value, mpmath.mpf(s))
        assert abs(back / mpmath.mpf(t) - 1) < mpmath.mpf(10) ** -35
        assert abs(p.time_at_stability(value * mpmath.mpf("0.999"), mpmath.mpf(s)) / mpmath.mpf(t) - 1) > 1e-9
    plain = p.stability(float(s), float(t))
    time = p.time_at_stability(plain, float(s))
    assert isinstance(time, float)
    condition = max(1.0, plain / (float(t) * abs(p.growth_rate_bound(float(t)))))
    assert time == pytest.approx(float(t), rel=1e-13 * condition + 1e-14)
    tensor = p.time_at_stability(torch.tensor(plain, dtype=torch.float64), float(s))
    assert float(tensor) == time
    assert p.time_at_stability(0.0, float(s)) == pytest.approx(float(s), rel=1e-13)


@pytest.mark.parametrize("branch", BRANCHES)
def test_balls_contain_the_time(branch):
    variance, half, s, t = BRANCHES[branch]
    p = process(variance, half)
    flint.ctx.prec = 300
    value = p.stability(flint.arb(s), flint.arb(t))
    back = p.time_at_stability(value, flint.arb(s))
    assert back.contains(flint.arb(t)) or back.overlaps(flint.arb(t))
    assert back.rad() < 1e-40
    assert not (back * flint.arb("1.0000000001")).overlaps(flint.arb(t))


def test_default_start_is_t_min():
    p = process("0.01")
    assert p.time_at_stability(2.0) == p.time_at_stability(2.0, "0.01")
    grid = [p.time_at_stability(v) for v in np.linspace(0.1, 14, 20)]
    assert (np.diff(grid) > 0).all()


def test_symbolic_formula():
    import sympy

    value, s = sympy.symbols("f s", positive=True)
    p = process("0.01")
    formula = p.time_at_stability(value, s)
    number = float(formula.evalf(30, subs={value: 2, s: sympy.Rational(1, 100)}))
    assert number == pytest.approx(p.time_at_stability(2.0, 0.01), rel=1e-9)


@pytest.mark.parametrize(
    ("variance", "half", "value", "s", "message"),
    [
        ("0.04", "1", -1.0, 0.1, "value: got -1.0; required: a value >= 0"),
        ("0.04", "1", 1e6, 0.1, "value: got 1000000.0; required: a value that the integral of lambda reaches"),
        ("0.25", "0.7", 0.01, 2.0, "s: got 'a time at which lambda.s. <= 0'"),
        ("0.25", "0.5", 0.001, 0.1257, "s: got 'a time at which lambda.s. <= 0'"),  # by little
        ("0.25", "0", 0.01, 0.1, "s: got 'a time at which lambda.s. <= 0'"),
        ("1", "0", 0.01, 0.1, "value: got 0.01; required: a value that the integral"),
        ("1", "1", 10.0, 0.1, "value: got 10.0"),
        ("2.5", "1", 10.0, 0.1, "value: got 10.0"),
        ("3", "0", 10.0, 0.1, "value: got 10.0"),
        ("0.04", "1", 0.1, 0.0, "s: got 0.0; required: a finite time > 0"),
        ("0.04", "1", 0.1, np.nan, "got nan"),
        ("0.04", "1", np.nan, 0.1, "got nan"),
    ],
)
def test_values_out_of_reach(variance, half, value, s, message):
    with pytest.raises(cf.InputError, match=message):
        process(variance, half).time_at_stability(value, s)


def test_other_covariances_are_refused():
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [[-1], [1]], ["0.04", "0.25"]))
    with pytest.raises(cf.InputError, match="mixture: got 'isotropic covariances'; required: common-isotropic"):
        p.time_at_stability(1.0)

"""Residual blocks (E4) against the exact flow of one Gaussian, where the bound is attained, in every kind of number."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
import torch
from flint import arb

import certflow as cf
from certflow.composition.blocks import ORDERS, local_error_bound, residual_block
from certflow.errors import InputError

MEAN, VARIANCE, START = "0.7", "0.09", "0.8"
PROCESS = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[MEAN]], VARIANCE), "0.01", "3")


def exact(x: Any, t: Any, s: Any) -> Any:
    """The flow of one Gaussian: `m_s mu + sqrt(v_s/v_t) (x - m_t mu)`."""

    def v(time: Any) -> Any:
        return 1 - (1 - mpmath.mpf(VARIANCE)) * mpmath.exp(-2 * time)

    mu = mpmath.mpf(MEAN)
    return mpmath.exp(-s) * mu + mpmath.sqrt(v(s) / v(t)) * (x - mpmath.exp(-t) * mu)


def rate(t: Any) -> Any:
    """`|du/dx| = |1/v - 1|` of one Gaussian."""
    return abs(1 / (1 - (1 - mpmath.mpf(VARIANCE)) * mpmath.exp(-2 * t)) - 1)


def largest_derivative(x: Any, t: Any, h: Any, order: int) -> Any:
    """Along the exact trajectory, by mpmath's differentiation."""
    return max(abs(mpmath.diff(lambda r: exact(x, t, t - r), h * mpmath.mpf(i) / 16, order)) for i in range(17))


def error_and_bound(x: Any, h: Any, method: str, eta: Any = 0) -> tuple[Any, Any]:
    t = mpmath.mpf(START)

    def learned(y: Any, time: Any) -> Any:
        return PROCESS.velocity(y, time) - eta

    moved = PROCESS.residual_block(np.array([x], dtype=object), t, h, method, learned)[0]
    second, third = (largest_derivative(x, t, h, n) for n in (2, 3))
    bound = PROCESS.block_error_bound(h, abs(eta), rate(t - h / 2), second, third, method)
    return abs(moved - exact(x, t, t - h)), bound


@pytest.mark.parametrize("method", ORDERS)
@pytest.mark.parametrize("eta", ["-0.1", "0", "0.1"])
def test_no_block_exceeds_its_bound_and_none_is_far_below(method, eta):
    with mpmath.workdps(40):
        ratios = []
        for x in ("-1.3", "0.2", "2"):
            for h in ("0.4", "0.1", "0.01"):
                error, bound = error_and_bound(mpmath.mpf(x), mpmath.mpf(h), method, mpmath.mpf(eta))
                ratios.append(float(error / bound))
        assert max(ratios) <= 1
        assert max(ratios) > 0.5


@pytest.mark.parametrize(("method", "order"), ORDERS.items())
def test_the_order_is_that_of_the_method(method, order):
    with mpmath.workdps(60):
        errors = [error_and_bound(mpmath.mpf("0.2"), mpmath.mpf(2) ** -n, method)[0] for n in (12, 13)]
        assert float(errors[0] / errors[1]) == pytest.approx(2 ** (order + 1), rel=1e-3)


def test_the_bound_is_attained():
    """Velocities of time alone, as in the proof that the constants cannot be smaller; and a learned linear one."""
    t, h, size = 1.5, 0.25, 3.0

    def block(method: str, velocity: Any) -> float:
        return float(residual_block(velocity, np.zeros(1), t, h, method)[0])

    error = size * h**2 / 2 - block("euler", lambda x, s: 0 * x - size * (t - s))
    assert error == pytest.approx(local_error_bound(h, 0, 7, size, 11, "euler"), rel=1e-12)
    error = size * h**3 / 6 - block("midpoint", lambda x, s: 0 * x - size * (t - s) ** 2 / 2)
    assert error == pytest.approx(local_error_bound(h, 0, 0, 5, size, "midpoint"), rel=1e-12)
    for method in ORDERS:
        difference = block(method, lambda x, s: -2 * x - 0.1)
        assert difference == pytest.approx(local_error_bound(h, 0.1, 2, 0, 0, method), rel=1e-12)


@pytest.mark.parametrize("method", ORDERS)
def test_every_kind_of_number(method):
    x, t, h = [0.3], 0.5, 0.125
    expected = PROCESS.residual_block(np.array(x), t, h, method)
    assert expected.shape == (1,)
    np.testing.assert_allclose(PROCESS.residual_block(torch.tensor(x, dtype=torch.float64), t, h, method), expected)
    for number in (mpmath.mpf, arb, sp.Float):
        moved = PROCESS.residual_block(np.array([number(0.3)], dtype=object), number(t), number(h), method)
        assert float(moved[0]) == pytest.approx(float(expected[0]), rel=1e-12)
    many = PROCESS.residual_block(np.array([[0.3], [1.0]]), t, h, method)
    assert many.shape == (2, 1)
    np.testing.assert_allclose(many[0], expected, rtol=1e-15)
    symbol = sp.Symbol("h", positive=True)
    kept = PROCESS.residual_block(np.array([sp.Rational(3, 10)], dtype=object), sp.Rational(1, 2), symbol, method)[0]
    assert float(kept.subs(symbol, sp.Rational(1, 8))) == pytest.approx(float(expected[0]), rel=1e-12)


def test_bounds_of_arrays():
    second = np.array([1.0, 2.0])
    np.testing.assert_allclose(
        local_error_bound(0.5, 0.1, 3.0, second, second), [0.0875 + h for h in (0.052083333333, 0.104166666667)]
    )
    with pytest.raises(InputError, match=r"^second: got .*; required: a number >= 0"):
        local_error_bound(0.5, 0.1, 3.0, -second, second)


@pytest.mark.parametrize(
    ("name", "call"),
    {
        "method": lambda: PROCESS.residual_block(np.zeros(1), 0.5, 0.1, "heun"),
        "h": lambda: PROCESS.residual_block(np.zeros(1), 0.5, 0.5),
        "h ": lambda: PROCESS.residual_block(np.zeros(1), 0.5, -0.1),
        "h  ": lambda: PROCESS.residual_block(np.zeros(1), 0.5, math.nan),
        "method ": lambda: local_error_bound(0.1, 0, 0, 0, 0, "rk4"),
        "velocity_error": lambda: local_error_bound(0.1, -1, 0, 0, 0),
        "third": lambda: local_error_bound(0.1, 0, 0, 0, math.nan),
        "lipschitz": lambda: local_error_bound(0.1, 0, -1e-9, 0, 0),
    }.items(),
)
def test_bad_input_is_one_line(name, call):
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value).startswith(f"{name.strip()}: got ")
    assert "\n" not in str(caught.value)

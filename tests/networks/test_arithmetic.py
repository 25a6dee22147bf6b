"""One network in every kind of number, against fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from flint import arb, ctx, fmpq
from small import POINTS, TIMES, expected, network

from certflow.errors import InputError
from certflow.networks import arithmetic as module
from certflow.networks.arithmetic import ExactNetwork
from certflow.numbers.doubledouble import DoubleDouble, DoubleDoubleArithmetic

RIGHT = [expected(*point, time) for point, time in zip(POINTS, TIMES, strict=True)]


def ball(number: Fraction) -> Any:
    return arb(fmpq(number.numerator, number.denominator))


def test_float64() -> None:
    found = ExactNetwork(network())(np.array(POINTS, dtype=float), np.array(TIMES, dtype=float))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, np.array(RIGHT, dtype=float), rtol=1e-15)


def test_mpmath_at_the_precision_in_force() -> None:
    with mpmath.workdps(60):
        points = [[mpmath.mpf(v.numerator) / v.denominator for v in point] for point in POINTS]
        times = [mpmath.mpf(v.numerator) / v.denominator for v in TIMES]
        found = ExactNetwork(network())(points, times)
        for row, right in zip(found, RIGHT, strict=True):
            for value, exact in zip(row, right, strict=True):
                assert abs(value - mpmath.mpf(exact.numerator) / exact.denominator) <= mpmath.mpf(10) ** -58
        assert found[0, 2].context is mpmath.mp


@pytest.mark.parametrize("bits", [64, 300])
def test_balls_contain_the_outputs_and_are_narrow(bits: int) -> None:
    before, ctx.prec = ctx.prec, bits
    try:
        found = ExactNetwork(network())([[ball(v) for v in point] for point in POINTS], [ball(v) for v in TIMES])
        for row, right in zip(found, RIGHT, strict=True):
            for value, exact in zip(row, right, strict=True):
                assert value.contains(fmpq(exact.numerator, exact.denominator))
                assert value.rad() <= arb(2) ** (8 - bits)
    finally:
        ctx.prec = before


def test_a_ball_of_times_gives_a_ball_of_outputs() -> None:
    """A kink within the argument is no gap: `max(x t, y)` at x = 1, y = 1, t in [0, 2]."""
    found = ExactNetwork(network())([arb(1), arb(1)], arb(1, 1))[0]
    assert found.contains(1)
    assert found.contains(4)


def test_double_double() -> None:
    columns = [DoubleDouble(np.array(column, dtype=float)) for column in (*zip(*POINTS, strict=True), TIMES)]
    found = ExactNetwork(network()).of(columns, DoubleDoubleArithmetic())
    for i, values in enumerate(found):
        for high, low, right in zip(values.high, values.low, RIGHT, strict=True):
            assert abs(Fraction(float(high)) + Fraction(float(low)) - right[i]) <= Fraction(1, 10**28)


def test_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 4)  # several chunks, the last of them short
    x = np.random.default_rng(0).normal(size=(2, 5, 2))
    t = np.linspace(0.1, 1, 5)
    exact = ExactNetwork(network())
    found = exact(x, t)
    assert found.shape == (2, 5, 3)
    for i in range(2):
        for j in range(5):
            assert (found[i, j] == exact(x[i, j], t[j])).all()
    assert exact(np.empty((0, 2)), 0.5).shape == (0, 3)


def test_weights_are_kept_for_one_precision_at_a_time() -> None:
    exact = ExactNetwork(network())
    with mpmath.workdps(20):
        coarse = exact([mpmath.mpf(0), mpmath.mpf(0)], mpmath.mpf(1))[2]
    with mpmath.workdps(50):
        fine = exact([mpmath.mpf(0), mpmath.mpf(0)], mpmath.mpf(1))[2]
        assert abs(3 * fine - 1) < mpmath.mpf(10) ** -49
        assert abs(3 * coarse - 1) > mpmath.mpf(10) ** -30


@pytest.mark.parametrize(
    ("x", "t", "message"),
    [
        ([1.0, 2.0, 3.0], 0.5, r"x: got 'shape \(3,\)'; required: shape \(\.\.\., 2\)"),
        (1.0, 0.5, r"x: got 'shape \(\)'"),
        ([[1.0, 2.0]], [0.5, 0.6], r"t: got 'shape \(2,\)'; required: a scalar or a shape that broadcasts to \(1,\)"),
        (["a", "b"], 0.5, "x"),
    ],
)
def test_bad_input(x: Any, t: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ExactNetwork(network())(x, t)


def test_tensors_are_refused() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(InputError, match="torch tensors"):
        ExactNetwork(network())(torch.zeros(2), 0.5)

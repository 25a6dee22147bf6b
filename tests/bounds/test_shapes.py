"""Arrays whose shapes do not broadcast are refused in one way, by every quantity and in every kind of number."""

import flint
import mpmath
import numpy as np
import pytest
import sympy
import torch

import certflow as cf

PROCESS = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
DIFFERENT = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [[-1, 0], [1, 0]], ["0.04", "0.09"]))
KINDS = {
    "lists": list,
    "numpy": np.array,
    "torch": lambda values: torch.tensor(values, dtype=torch.float64),
    "mpmath": lambda values: [mpmath.mpf(value) for value in values],
    "arb": lambda values: [flint.arb(value) for value in values],
    "sympy": lambda values: [sympy.Rational(str(value)) for value in values],
}
QUANTITIES = {
    "stability": ("t", lambda process, a, b: process.stability(a, b)),
    "amplification": ("t", lambda process, a, b: process.amplification(a, b, "two-sided")),
    "ball_bound": ("t", lambda process, a, b: process.ball_bound(a, b)),
}


@pytest.mark.parametrize("process", [PROCESS, DIFFERENT], ids=["one variance", "two"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_shapes_that_do_not_broadcast(quantity, kind, process):
    field, call = QUANTITIES[quantity]
    made = KINDS[kind]
    message = rf"{field}: got 'shape \(3,\)'; required: a scalar or a shape that broadcasts with \(2,\)"
    with pytest.raises(cf.InputError, match=message):
        call(process, made([0.1, 0.2]), made([1.0, 2.0, 3.0]))


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_shapes_that_do(kind):
    made = KINDS[kind]
    columns = made([[0.1], [0.2]])
    values = PROCESS.stability(columns, made([1.0, 2.0, 3.0]))
    assert tuple(values.shape) == (2, 3)
    np.testing.assert_allclose(float(values[1, 2]), PROCESS.stability(0.2, 3.0), rtol=1e-13)
    assert tuple(PROCESS.ball_bound(columns, made([1.0, 2.0, 3.0])).shape) == (2, 3)


def test_times_at_stabilities_that_do_not_broadcast():
    with pytest.raises(cf.InputError, match=r"s: got 'shape \(3,\)'; required: a scalar or a shape that broadcasts"):
        PROCESS.time_at_stability(torch.ones(2), torch.full((3,), 0.01))


@pytest.mark.parametrize("kind", ["lists", "numpy", "mpmath", "arb", "sympy"])
def test_one_start_and_one_value(kind):
    made = KINDS[kind]
    with pytest.raises(cf.InputError, match=r"s: .* required: one number"):
        PROCESS.time_at_stability(made([1.0])[0], made([0.01, 0.02]))


@pytest.mark.parametrize("kind", ["numpy", "torch"])
@pytest.mark.parametrize("method", ["euler", "midpoint"])
def test_block_errors_that_do_not_broadcast(kind, method):
    made = KINDS[kind]
    with pytest.raises(cf.InputError, match=r"second: got 'shape \(3,\)'; required: .* broadcasts with \(2,\)"):
        PROCESS.block_error_bound(made([0.1, 0.2]), 0.1, 1.0, made([1.0, 2.0, 3.0]), 1.0, method)


def test_euler_asks_nothing_of_the_numbers_that_it_does_not_use():
    found = PROCESS.block_error_bound(np.array([0.1, 0.2]), 0.1, np.ones(3), 2.0, np.ones(3), "euler")
    np.testing.assert_allclose(found, [0.1 * 0.1 + 0.01, 0.2 * 0.1 + 0.04], rtol=1e-14)


def test_shapes_are_compared_where_torch_compiles():
    compiled = torch.compile(lambda s, t: PROCESS.stability(s, t), backend="eager")
    s, t = torch.tensor([0.1, 0.2], dtype=torch.float64), torch.tensor([1.0, 2.0], dtype=torch.float64)
    torch.testing.assert_close(compiled(s, t), PROCESS.stability(s, t))

"""Double-double arithmetic, operation by operation, against exact fractions and mpmath at 40 digits."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from depth import cases

from certflow.numbers import pairs
from certflow.numbers.doubledouble import DoubleDouble, DoubleDoubleArithmetic
from certflow.numbers.exact import ExactArray

ARITHMETIC = DoubleDoubleArithmetic()
#: Relative error that is allowed of one operation: 2^-100.
UNIT = Fraction(1, 2**100)
CASES = 100_000


def numbers(rng, count, low=-60, high=60):
    """Random double-doubles with exponents of two in [low, high]; `low` parts of every relative size."""
    first = rng.uniform(1, 2, count) * 2.0 ** rng.integers(low, high + 1, count) * rng.choice([-1, 1], count)
    second = first * 2.0**-54 * rng.uniform(-1, 1, count)
    second *= np.where(rng.random(count) < 0.2, 2.0 ** -rng.integers(0, 40, count), 1)
    return DoubleDouble(first + second, second - ((first + second) - first))


def fractions(a):
    return [Fraction(h) + Fraction(low) for h, low in zip(a.high.tolist(), a.low.tolist(), strict=True)]


def worst(result, exact, scale=None):
    """Largest error relative to the exact value (or to `scale`)."""
    scale = exact if scale is None else scale
    pairs = zip(fractions(result), exact, scale, strict=True)
    return max((abs(r - e) / abs(s) for r, e, s in pairs if s), default=Fraction(0))


OPERATIONS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("span", [(-3, 3), (-200, 200)])
def test_four_operations(name, span):
    rng = np.random.default_rng(len(name) + span[1])
    a, b = numbers(rng, cases(CASES // 24), *span), numbers(rng, cases(CASES // 24), *span)
    operation = OPERATIONS[name]
    exact = [operation(x, y) for x, y in zip(fractions(a), fractions(b), strict=True)]
    assert worst(operation(a, b), exact) < UNIT
    plain = DoubleDouble(operation(a.high, b.high))
    assert worst(plain, exact) > 2**30 * UNIT  # the float64 twin is refused


def test_cancelling_differences_keep_the_error_of_the_operands():
    rng = np.random.default_rng(2)
    a = numbers(rng, CASES // 2)
    b = DoubleDouble(a.high, a.low * (1 + rng.uniform(-1, 1, len(a.high))))
    exact = [x - y for x, y in zip(fractions(a), fractions(b), strict=True)]
    assert worst(a - b, exact, fractions(a)) < UNIT


def test_mixed_operands_and_reflected_operators():
    a = DoubleDouble(np.array([3.0]), np.array([1e-20]))
    for value in (2 + a, a + 2.0, 2 * a, a * np.float64(2), 2 - a, a - 2, 1 / a, a / 2, np.array([2.0]) * a):
        assert isinstance(value, DoubleDouble)
    assert worst(1 / a, [1 / fractions(a)[0]]) < UNIT


def _mp_worst(function, a, result, scale=lambda value: abs(value)):
    with mpmath.workdps(60):
        error = mpmath.mpf(0)
        for h, low, rh, rl in zip(
            a.high.tolist(), a.low.tolist(), result.high.tolist(), result.low.tolist(), strict=True
        ):
            exact = function(mpmath.mpf(h) + mpmath.mpf(low))
            if exact:
                error = max(error, abs(mpmath.mpf(rh) + mpmath.mpf(rl) - exact) / scale(exact))
        return error


@pytest.mark.parametrize(("low", "high"), [(-1e-30, 1e-30), (-1e-5, 1e-5), (-1, 1), (-40, 40), (-640, 700)])
def test_exponential(low, high):
    """Relative error at most 2^-100, times the size of the argument (through its rounding) beyond one."""
    rng = np.random.default_rng(3)
    values = rng.uniform(low, high, 2000)
    a = DoubleDouble(values, values * rng.uniform(-1, 1, 2000) * 2.0**-54)
    allowed = mpmath.mpf(2) ** -100 * max(1, abs(low), abs(high))
    assert _mp_worst(mpmath.exp, a, ARITHMETIC.exp(a)) < allowed
    assert _mp_worst(mpmath.expm1, a, ARITHMETIC.expm1(a)) < allowed


def test_exponential_at_the_ends():
    a = DoubleDouble(np.array([-800.0, -1e300, 0.0, -745.2]))
    assert (ARITHMETIC.exp(a).to_float() == [0, 0, 1, 0]).all()
    assert (ARITHMETIC.expm1(a).to_float() == [-1, -1, 0, -1]).all()
    np.testing.assert_allclose(ARITHMETIC.exp(DoubleDouble(np.array([705.0]))).to_float(), np.exp(705.0))


@pytest.mark.parametrize("span", [(-1, 1), (-60, 60), (-800, 900)])
def test_logarithm(span):
    """Error at most 2^-100 relative to `max(1, |log a|)`: near one the logarithm is exact to that, absolutely."""
    a = numbers(np.random.default_rng(4), 5000, *span)
    a = DoubleDouble(np.abs(a.high), a.low * np.sign(a.high))
    assert _mp_worst(mpmath.log, a, ARITHMETIC.log(a), lambda v: max(1, abs(v))) < mpmath.mpf(2) ** -100
    near_one = DoubleDouble(np.array([1.0, 1 + 2.0**-52, 1 - 2.0**-53]), np.array([1e-20, 0, 0]))
    assert _mp_worst(mpmath.log, near_one, ARITHMETIC.log(near_one), lambda v: 1) < mpmath.mpf(2) ** -100


def test_sums_products_of_matrices_and_indexing():
    rng = np.random.default_rng(5)
    a, b = numbers(rng, 12, -5, 5), numbers(rng, 20, -5, 5)
    left = DoubleDouble(a.high.reshape(3, 4), a.low.reshape(3, 4))
    right = DoubleDouble(b.high.reshape(4, 5), b.low.reshape(4, 5))
    product = left @ right
    assert product.shape == (3, 5)
    for i in range(3):
        for j in range(5):
            terms = [x * y for x, y in zip(fractions(left[i]), fractions(right[:, j]), strict=True)]
            assert worst(product[i, j : j + 1], [sum(terms)], [sum(abs(v) for v in terms)]) < 10 * UNIT
    for count in (1, 2, 7):
        part = right[:, :1].swapaxes(0, 1)[:, :count]
        total = part.sum(-1)
        values = fractions(part[0])
        assert worst(total, [sum(values)], [sum(abs(v) for v in values)]) < 10 * UNIT
    assert (left.T.high == left.high.T).all()


@pytest.mark.parametrize("size", [1, 2, 5, 13])
def test_inverse_and_determinant(size):
    rng = np.random.default_rng(size)
    root = rng.standard_normal((3, size, size))
    matrices = root @ root.swapaxes(-1, -2) + 0.1 * np.eye(size)
    matrices = (matrices + matrices.swapaxes(-1, -2)) / 2
    inverse, logdet = ARITHMETIC.inverse_logdet(DoubleDouble(matrices))
    for n in range(3):
        with mpmath.workdps(50):
            exact = mpmath.matrix(matrices[n].tolist())
            condition = mpmath.mnorm(exact, "f") * mpmath.mnorm(exact**-1, "f")
            value = mpmath.matrix(size, size)
            for i in range(size):
                for j in range(size):
                    value[i, j] = mpmath.mpf(inverse.high[n, i, j]) + mpmath.mpf(inverse.low[n, i, j])
            error = mpmath.mnorm(value - exact**-1, "f") / mpmath.mnorm(exact**-1, "f")
            assert error < condition * mpmath.mpf(2) ** -98
            log = mpmath.mpf(logdet.high[n]) + mpmath.mpf(logdet.low[n])
            assert abs(log - mpmath.log(mpmath.det(exact))) < condition * mpmath.mpf(2) ** -96


def test_exact_numbers_enter_with_32_digits():
    exact = ExactArray.of(["1/3", "0.1", "-7/11"], "numbers")
    assert worst(ARITHMETIC.numbers(exact), list(exact.fractions)) < UNIT
    assert worst(DoubleDouble(exact.floats), list(exact.fractions)) > 2**30 * UNIT


def test_logarithms_of_numbers_that_underflow():
    exact = ExactArray.of(["1e-400", "1e-300", "0.5"], "numbers")
    with mpmath.workdps(50):
        logs = ARITHMETIC.log_numbers(exact)
        for q, h, low in zip(exact.fractions, logs.high, logs.low, strict=True):
            wanted = mpmath.log(mpmath.mpf(q.numerator) / q.denominator)
            assert abs(mpmath.mpf(h) + mpmath.mpf(low) - wanted) < abs(wanted) * mpmath.mpf(2) ** -100


def test_softmax():
    logits = DoubleDouble(np.array([[0.0, 1.0, -800.0], [1e6, 1e6 + 0.5, 0.0]]))
    gamma, total = ARITHMETIC.softmax(logits)
    with mpmath.workdps(50):
        for n in range(2):
            powers = [mpmath.exp(mpmath.mpf(v) - mpmath.mpf(logits.high[n, 0])) for v in logits.high[n]]
            for k in range(3):
                value = mpmath.mpf(gamma.high[n, k]) + mpmath.mpf(gamma.low[n, k])
                assert abs(value - powers[k] / sum(powers)) < mpmath.mpf(2) ** -98
            log = mpmath.mpf(total.high[n]) + mpmath.mpf(total.low[n])
            wanted = mpmath.log(sum(powers)) + mpmath.mpf(logits.high[n, 0])
            assert abs(log - wanted) < abs(wanted) * mpmath.mpf(2) ** -98


def test_maximum_looks_at_both_parts():
    a, b = numbers(np.random.default_rng(8), 1000), numbers(np.random.default_rng(9), 1000)
    near = DoubleDouble(a.high, np.where(np.arange(1000) % 3 == 0, -a.low, a.low))
    for other in (b, near):
        expected = [max(pair) for pair in zip(fractions(a), fractions(other), strict=True)]
        assert fractions(ARITHMETIC.maximum(a, other)) == expected
        assert fractions(ARITHMETIC.maximum(other, a)) == expected


def _halves(rng, shape, size):
    """Pairs of arrays: of numbers of all sizes, and of what rounding leaves of them."""
    high = rng.standard_normal(shape) * 10.0 ** rng.uniform(-size, size, shape)
    return high, high * 1e-17 * rng.standard_normal(shape)


def test_compiled_operations_have_the_same_bits():
    """Of all sizes, of arrays that broadcast or are no block of memory, of what is no number."""
    twofold = pytest.importorskip("certflow.numbers.twofold")
    rng = np.random.default_rng(0)
    a, b = _halves(rng, (30, 40), 140), _halves(rng, (30, 40), 140)
    a[0][0, :3] = np.inf, np.nan, -0.0
    exponents = _halves(rng, (5, 1000), 3)
    exponents[0][0, :5] = np.inf, np.nan, -np.inf, 0.0, 800.0
    exponents[0][1], exponents[0][2] = np.linspace(-820, 820, 1000), np.linspace(-1, 1, 1000)
    matrices = [_halves(rng, shape, 30) for shape in ((6, 1, 4, 5), (3, 5, 2))]
    calls = [(name, (*a, *second)) for name in ("add", "multiply", "divide") for second in (b, (b[0][0], b[1][0]))]
    calls += [("exponential", exponents), ("exponential", tuple(part.T for part in exponents))]
    calls += [("total", tuple(part[:, :n] for part in b)) for n in (1, 2, 3, 7, 40)]
    calls += [("product", (*matrices[0], *matrices[1])), ("product", (b[0].T, b[1].T, *b))]
    with np.errstate(all="ignore"):
        for name, arguments in calls:
            plain = getattr(pairs, name)(*arguments)
            np.testing.assert_array_equal(getattr(twofold, name)(*arguments), plain, name)


def test_few_repairs_compile_nothing():
    """The operations take half a second to load: a repair of many numbers does so, or the thirtieth."""
    pytest.importorskip("numba")
    code = """
import sys
from certflow.numbers.doubledouble import compile_operations
for _ in range({calls}):
    assert "certflow.numbers.twofold" not in sys.modules
    compile_operations({numbers})
assert "certflow.numbers.twofold" in sys.modules
"""
    for calls, numbers in ((30, 1000), (1, 2**16)):
        subprocess.run([sys.executable, "-c", code.format(calls=calls, numbers=numbers)], check=True)

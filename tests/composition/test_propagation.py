"""E2 and E3 as sums: against brute force, where the bound is attained, at infinity, on bad input."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad

import certflow as cf
from certflow.composition.propagation import coherent_sum, exp_or_inf, gronwall_bound, law_bound, log_gronwall_bound
from certflow.errors import InputError, NoGlobalBound

TIMES = (3.0, 1.0, 0.3, 0.05, 0.01)
ERRORS = (0.1, 0.0, 0.03, 0.002)


def process(variance: object = "0.09", mean: object = 1, **options: object) -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [[f"-{mean}"], [mean]], variance), **options)


def rate_mp(t: float, variance: float, diameter: float) -> float:
    """`lambda(t) = D^2 m^2 / (4 v^2) - m^2 c / v`, in plain arithmetic."""
    square = math.exp(-2 * t)
    v = 1 - (1 - variance) * square
    return diameter**2 * square / (4 * v * v) - (1 - variance) * square / v


# -- E3 --------------------------------------------------------------------------------------------------------


def test_gronwall_is_the_recursion_of_e1():
    """`e_k = exp(Lambda_k) e_{k-1} + eps_k`, each `Lambda_k` by quadrature."""
    p, error = process(), 0.0
    for k in range(1, len(TIMES)):
        growth = quad(rate_mp, TIMES[k], TIMES[k - 1], args=(0.09, 2.0), epsabs=1e-12, epsrel=1e-12, limit=200)[0]
        error = math.exp(growth) * error + ERRORS[k - 1]
    assert p.error_bound(TIMES, ERRORS) == pytest.approx(error, rel=1e-9)
    forgotten = p.error_bound(TIMES, (0.0, 0.0, 0.0, ERRORS[-1]))
    assert forgotten == ERRORS[-1]  # what is made last is amplified by nothing
    assert error > 2 * forgotten


def test_the_two_sided_rate_bounds_the_one_sided():
    p = process("0.09", "0.5")
    assert p.error_bound(TIMES, ERRORS, rate="two-sided") > p.error_bound(TIMES, ERRORS) > max(ERRORS)


def test_gronwall_is_attained_by_one_gaussian():
    """`Phi_{t -> s}(x) = sqrt(v_s/v_t) x`; errors of one sign on top of it add up to the bound itself."""
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0]], "0.25"))
    x = y = 1.3
    for t, s, error in zip(TIMES, TIMES[1:], ERRORS, strict=False):
        factor = math.sqrt((1 - 0.75 * math.exp(-2 * s)) / (1 - 0.75 * math.exp(-2 * t)))
        x, y = factor * x, factor * y + error
    assert p.error_bound(TIMES, ERRORS) == pytest.approx(y - x, rel=1e-12)


def test_a_factor_beyond_float64_is_infinite():
    narrow = process("1e-6", t_min="1e-6")
    assert narrow.error_bound((3.0, 0.5, 1e-6), (0.0, 1e-3)) == 1e-3
    assert narrow.error_bound((3.0, 0.5, 1e-6), (1e-300, 0.0)) == math.inf
    assert process().error_bound((3.0, 0.01), (math.inf,)) == math.inf
    assert process().error_bound((3.0, 1.0, 0.01), (1.7e308, 1.7e308)) == math.inf  # the sum itself overflows


def test_the_logarithm_of_a_bound_beyond_float64():
    """`log sum_k eps_k e^{Lambda_k}` in mpmath, each exponent by quadrature of the rate."""
    narrow, times = process("1e-4", t_min="1e-6"), (3.0, 0.1, 1e-6)
    assert narrow.error_bound(times, (0.1, 0.3)) == math.inf
    with mpmath.workdps(30):
        edges = [mpmath.mpf(10) ** (-6 + k / mpmath.mpf(4)) for k in range(21)]
        exponent = mpmath.quad(lambda y: 4 * mpmath.exp(-2 * y) / (4 * v(y) ** 2) + 1 - 1 / v(y), edges)
        exact = mpmath.log(mpmath.mpf("0.1") * mpmath.exp(exponent) + mpmath.mpf("0.3"))
    assert log_gronwall_bound(narrow, times, (0.1, 0.3)) == pytest.approx(float(exact), rel=1e-9)
    plain = process()
    assert log_gronwall_bound(plain, TIMES, ERRORS) == pytest.approx(math.log(plain.error_bound(TIMES, ERRORS)))
    assert log_gronwall_bound(plain, TIMES, (0.0,) * 4) == -math.inf


def v(y):
    return 1 - (1 - mpmath.mpf("1e-4")) * mpmath.exp(-2 * y)


def test_no_global_bound_no_e3():
    p = cf.OrnsteinUhlenbeck(cf.load_mixture("anisotropic-pair"))
    with pytest.raises(NoGlobalBound):
        p.error_bound((3.0, 0.01), (0.1,))


@pytest.mark.parametrize("value", [-1.0, 0.0, 1.0, 700.0, 708.9])
def test_exponential(value):
    assert exp_or_inf(value) == math.exp(value)


def test_exponential_beyond_float64():
    assert exp_or_inf(710.0) == exp_or_inf(math.inf) == math.inf


# -- E2 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 5])
def test_law_bound_is_the_sum_of_products(count):
    rng = np.random.default_rng(count)
    constants = [Fraction(int(n), 64) for n in rng.integers(1, 200, count)]
    errors = [Fraction(int(n), 512) for n in rng.integers(1, 200, count)]
    total = Fraction(0)
    for k in range(count):
        term = errors[k]
        for later in constants[k + 1 :]:
            term *= later
        total += term
    found = law_bound([float(c) for c in constants], [float(e) for e in errors])
    assert found == pytest.approx(float(total), rel=1e-14)
    assert process().law_error_bound(np.array(constants, dtype=float), np.array(errors, dtype=float)) == found


def test_law_bound_is_attained_by_a_linear_composition():
    """`Psi_k(x) = a_k x + b_k` beside `Phi_k(x) = a_k x`: every norm is `|b_k|`, and the errors add in phase."""
    slopes, shifts = (0.5, 3.0, 1.7), (0.2, 0.1, 0.4)
    exact = learned = np.linspace(-2, 2, 9)
    for slope, shift in zip(slopes, shifts, strict=True):
        exact, learned = slope * exact, slope * learned + shift
    norm = math.sqrt(np.mean((learned - exact) ** 2))
    assert law_bound(slopes, shifts) == pytest.approx(norm, rel=1e-14)
    assert law_bound(slopes, (0.2, 0.1, 0.3)) < norm  # a smaller error would not cover it


@pytest.mark.parametrize(
    ("constants", "errors", "bound"),
    [
        pytest.param((1.0, math.inf), (0.0, 0.5), 0.5, id="nothing to amplify"),
        pytest.param((1.0, math.inf), (0.1, 0.5), math.inf, id="a jump"),
        pytest.param((1.0, math.inf, 0.0), (0.1, 0.2, 0.5), 0.5, id="a constant map after a jump"),
        pytest.param((1.0, 0.0, math.inf), (0.1, 0.0, 0.5), 0.5, id="a jump after a constant map"),
        pytest.param((1.0, 0.0), (math.inf, 0.5), 0.5, id="a constant map after an infinite error"),
        pytest.param((1.0, 1e200, 1e200), (0.1, 0.0, 0.0), math.inf, id="a product beyond float64"),
        pytest.param((1.0, 1.0), (1.7e308, 1.7e308), math.inf, id="a sum beyond float64"),
    ],
)
def test_law_bound_at_infinity(constants, errors, bound):
    assert law_bound(constants, errors) == bound


# -- bad input -------------------------------------------------------------------------------------------------

BAD = {
    "few errors": (lambda: process().error_bound((3.0, 1.0, 0.01), (0.1,)), "errors", "(0.1,)", "for each segment"),
    "negative error": (lambda: process().error_bound((3.0, 0.01), (-0.1,)), "errors", "-0.1", ">= 0"),
    "NaN error": (lambda: process().error_bound((3.0, 0.01), (math.nan,)), "errors", "nan", ">= 0"),
    "text": (lambda: process().error_bound((3.0, 0.01), ("small",)), "errors", "'small'", "numbers"),
    "no list": (lambda: process().error_bound((3.0, 0.01), 0.1), "errors", "0.1", "numbers"),
    "order": (lambda: process().error_bound((0.01, 3.0), (0.1,)), "times", "(0.01, 3.0)", "strictly decreasing"),
    "NaN time": (lambda: process().error_bound((3.0, math.nan), (0.1,)), "times", "nan", "finite times > 0"),
    "time zero": (lambda: process().error_bound((3.0, 0.0), (0.1,)), "times", "0.0", "> 0"),
    "rate": (lambda: gronwall_bound(process(), (3.0, 0.01), (0.1,), "both"), "rate", "'both'", "one-sided"),
    "few constants": (lambda: law_bound((1.0,), (0.1, 0.2)), "errors", "(0.1, 0.2)", "as many as Lipschitz"),
    "negative constant": (lambda: law_bound((1.0, -1.0), (0.1, 0.2)), "lipschitz", "-1.0", ">= 0"),
    "NaN constant": (lambda: law_bound((1.0, math.nan), (0.1, 0.2)), "lipschitz", "nan", ">= 0"),
    "NaN norm": (lambda: law_bound((1.0,), (math.nan,)), "errors", "nan", ">= 0"),
    "budget": (lambda: process().mismatch_floor(0.0), "budget", "0.0", "B > 0"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    call, field, value, requirement = BAD[case]
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.field == field
    assert value in str(caught.value)
    assert requirement in str(caught.value).split("required: ")[1]
    assert "\n" not in str(caught.value)


# -- E5 --------------------------------------------------------------------------------------------------------


def composed_errors(first, second, x):
    """Mean squares for `Phi = id` on the line: of the error at the end, of `xi_k`, and of what is new on the path."""
    middle = x + first(x)
    end = middle + second(middle) - x
    exact = [float(np.mean(values**2)) for values in (first(x), second(x))]
    return float(np.mean(end**2)), exact, [exact[0], float(np.mean(second(middle) ** 2))], end


@pytest.mark.parametrize("e", [1e-2, 1e-3, 1e-4])
def test_small_errors_of_large_slope_do_not_follow_the_first_order(e):
    """`Psi_1 = id + e`, `Psi_2 = id + e sin(x/e)`: what first order leaves out is of first order itself."""
    x = np.linspace(-3, 3, 100_003)
    _, _, _, end = composed_errors(lambda y: np.full_like(y, e), lambda y: e * np.sin(y / e), x)
    left = np.sqrt(np.mean((end - e - e * np.sin(x / e)) ** 2)) / e
    assert left == pytest.approx(math.sqrt(2) * math.sin(0.5), rel=0.02)  # of sin(u + 1) - sin(u) over all u
    _, _, _, end = composed_errors(lambda y: np.full_like(y, e), lambda y: e * np.sin(y), x)
    assert np.abs(end - e - e * np.sin(x)).max() < 1.1 * e**2  # a small slope: second order


@pytest.mark.parametrize("e", [1e-2, 1e-3])
def test_the_sum_along_exact_trajectories_is_no_bound_for_large_slopes(e):
    """`Psi_1` moves each point by `pi e^2` at most, to where `Psi_2 = id + e sin(x / e^2)` errs most."""

    def towards_the_crest(y):
        return e**2 * (math.pi - np.remainder(y / e**2 + math.pi / 2, 2 * math.pi))

    x = np.linspace(-3, 3, 100_003)
    error, exact, learned, _ = composed_errors(towards_the_crest, lambda y: e * np.sin(y / e**2), x)
    assert math.sqrt(exact[0]) <= math.pi * e**2
    assert error > 1.8 * coherent_sum(exact)
    assert error <= coherent_sum(learned) * (1 + 1e-12)  # along the learned path it always is one


# -- M2 --------------------------------------------------------------------------------------------------------


def test_the_floor_of_a_constant_budget():
    """A slope of `B` at most: for one Gaussian `Phi` is linear, so the floor is `(1 - B/a)^2 var / E|Phi|^2`."""
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0]], "0.25"))
    start, end = ((1 - 0.75 * math.exp(-2 * t)) for t in (3.0, 0.01))
    slope = math.sqrt(end / start)
    assert p.mismatch_floor(slope / 3) == pytest.approx(4 / 9, rel=1e-6)
    assert p.mismatch_floor(2 * slope) == pytest.approx(0, abs=1e-9)


def test_in_two_dimensions_the_floor_is_that_of_the_same_law_along_the_axis():
    plane, line = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [[-1, 0], [1, 0]], "0.04")), process("0.04")
    square = math.exp(-0.02)
    v = 1 - 0.96 * square
    for budget in (1.0, 2.0, 5.0):
        absolute = plane.mismatch_floor(budget) * (square + 2 * v)
        assert 0 < absolute == pytest.approx(line.mismatch_floor(budget) * (square + v), rel=1e-9)


def test_without_a_symmetry_no_floor_in_two_dimensions():
    law = cf.GaussianMixture(["0.5", "0.3", "0.2"], [[0, 0], [1, 0], [0, 3]], "0.04")
    with pytest.raises(InputError, match=r"^mixture: .*required: a mixture with a point reflection"):
        cf.OrnsteinUhlenbeck(law).mismatch_floor(1.0)


def test_integrals_are_asked_for_once_for_each_grid_and_rate():
    class Counting(cf.OrnsteinUhlenbeck):
        calls = 0

        def stability(self, s, t, rate="one-sided"):
            self.calls += 1
            return super().stability(s, t, rate)

    law = cf.GaussianMixture(["0.5", "0.5"], [[-1], [1]], ["0.04", "0.09"])
    p = Counting(law, "0.01", "3")
    found = [p.error_bound(TIMES, ERRORS), p.error_bound(TIMES, ERRORS[::-1]), p.error_bound(TIMES, ERRORS)]
    assert p.calls == 1
    assert found[0] == found[2] != found[1]
    assert p.error_bound(TIMES, ERRORS, rate="two-sided") > found[0]
    assert p.error_bound(TIMES[1:], ERRORS[1:]) < found[0]
    assert p.calls == 3
    assert Counting(law, "0.01", "3").error_bound(TIMES, ERRORS) == found[0]


# -- E5 --------------------------------------------------------------------------------------------------------


def test_the_coherent_sum_is_attained_by_parallel_errors_and_bounds_all_others():
    rng = np.random.default_rng(5)
    errors = rng.standard_normal((4, 100, 3))
    squares = [float(np.mean(np.sum(error**2, axis=1))) for error in errors]
    assert np.mean(np.sum(errors.sum(0) ** 2, axis=1)) < coherent_sum(squares)
    parallel = np.array([1.0, 0.5, 3.0, 0.0])[:, None, None] * errors[0]
    squares = [float(np.mean(np.sum(error**2, axis=1))) for error in parallel]
    assert np.mean(np.sum(parallel.sum(0) ** 2, axis=1)) == pytest.approx(coherent_sum(squares), rel=1e-12)
    assert coherent_sum([]) == 0


def test_texts_are_the_numbers_written():
    p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    assert p.error_bound(["3", "1", "0.01"], ["1e-3", "1/1000"]) == p.error_bound([3, 1, 0.01], [1e-3, 1e-3])
    assert p.law_error_bound(["2", "3"], ["0.1", "1/5"]) == p.law_error_bound([2, 3], [0.1, 0.2])


@pytest.mark.parametrize("times", ["31", b"31", ["3", "one"], ["3", "1e400"], ["3", "1e-400"]])
def test_texts_that_are_no_times(times):
    p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    with pytest.raises(cf.InputError, match="times"):
        p.error_bound(times, [1e-3])


def test_expressions_give_the_expression() -> None:
    """Of symbols the bounds are the sums that are written, with nothing evaluated."""
    a, b, x, y = sp.symbols("a b x y", positive=True)
    assert sp.expand(process().law_error_bound([a, b], [x, y]) - (b * x + y)) == 0
    early = process().error_bound([3, sp.Integer(1), sp.Rational(1, 10)], [x, y])
    factor = process().amplification(0.1, 1)
    assert float(early.subs({x: 1, y: 0})) == pytest.approx(factor, rel=1e-12)
    assert float(early.subs({x: 0, y: 1})) == 1
    with pytest.raises(cf.InputError, match="errors: got '1 expressions'; required: 2, as many as Lipschitz constants"):
        process().law_error_bound([a, b], [x])
    with pytest.raises(cf.InputError, match="errors: got '1 expressions'; required: 2, one for each segment"):
        process().error_bound([3, 1, 0.1], [x])

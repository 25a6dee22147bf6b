"""Integrals over time: containment and width against mpmath's quadrature, typed integrands only (proofs/F1.md, F2)."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import flint
import mpmath
import numpy as np
import pytest
from depth import some

import certflow as cf
from certflow.enclosure import expressions
from certflow.enclosure.expressions import Constant, Exp, Expression, Log, Product, Reciprocal, Sqrt, Sum, Variable
from certflow.enclosure.integrals import IntegralEnclosure, integrate, rate_pieces
from certflow.errors import NoEnclosure

t = Variable()
CALLBACK = "certflow.enclosure.expressions"


def mpf(value):
    exact = Fraction(value)
    return mpmath.mpf(exact.numerator) / exact.denominator


def holds(enclosure, value, digits):
    """Containment and width: `value` is a 60-digit number that shares nothing with the enclosure."""
    slack = abs(value) * mpmath.mpf(10) ** -55
    assert mpf(enclosure.lower) - slack <= value <= mpf(enclosure.upper) + slack, (enclosure, value)
    assert enclosure.complete
    assert enclosure.width * 10**digits <= abs(enclosure.upper)


@pytest.fixture(autouse=True)
def sixty_digits(reset_precision):
    with mpmath.workdps(60):
        yield


# -- integrals of expressions ------------------------------------------------------------------------------------------

SMOOTH = {
    "exp": (Exp(-2 * t), 0, 3, lambda u: mpmath.exp(-2 * u)),
    "late": (Exp(-2 * t), 40, 41, lambda u: mpmath.exp(-2 * u)),
    "logarithm": (Log(1 + t * t), "1/3", "2.5", lambda u: mpmath.log(1 + u * u)),
    "square root": (Sqrt(2 + t**3), -1, 1, lambda u: mpmath.sqrt(2 + u**3)),
    "quotient": ((t + 1) / (t**2 + "1e-4"), -1, 1, lambda u: (u + 1) / (u**2 + mpf("1e-4"))),
    "backwards": (t / 7 - Exp(t), 2, "0.1", lambda u: u / 7 - mpmath.exp(u)),
    "right operands": (1 - (2 + t) * 3 + 1 / (5 - t), 0, 1, lambda u: 1 - (2 + u) * 3 + 1 / (5 - u)),
    "float ends": (-t, 0.1, 0.3, lambda u: -u),
}


@pytest.mark.parametrize("digits", [5, 25, 50])
@pytest.mark.parametrize("case", SMOOTH)
def test_integral_contains_the_value_and_is_narrow(case, digits):
    expression, a, b, function = SMOOTH[case]
    cuts = [mpf(a) + (mpf(b) - mpf(a)) * k / 8 for k in range(9)]
    if case == "quotient":
        cuts = [-1, -0.1, -0.03, -0.01, 0, 0.01, 0.03, 0.1, 1]
    result = integrate(expression, a, b, digits)
    holds(result, mpmath.quad(function, cuts), digits)
    assert result.interval == (Fraction(a), Fraction(b))


def test_exact_cases():
    assert integrate(Exp(t), "0.7", "0.7").lower == integrate(Exp(t), "0.7", "0.7").upper == 0
    whole = integrate(t**3, 0, 2, 40)
    assert 4 in whole
    assert whole.width < Fraction(1, 10**38)
    between = integrate(Exp(t), Log(Constant(2)), Log(Constant("7/2")), 30)
    assert Fraction(3, 2) in between
    assert between.interval is None


def test_an_integral_of_zero_is_inconclusive_and_still_an_enclosure():
    result = integrate(t - "1/2", 0, 1)
    assert not result.complete
    assert 0 in result
    assert result.width < Fraction(1, 10**60)


def test_singularities():
    """A pole on the interval, or the root of a negative number, leaves nothing to say; nearby it only costs time."""
    for integrand in (1 / (t - "0.3"), Log(t - "0.3"), Sqrt(-1 - t)):
        with pytest.raises(NoEnclosure, match="no finite enclosure"):
            integrate(integrand, 0, 1, 10)
    holds(integrate(Sqrt(t), "1e-20", 1, 12), mpmath.mpf(2) / 3 * (1 - mpmath.mpf(10) ** -30), 12)


def test_a_raw_maximum_is_wrong_without_a_warning():
    """Why integrands are typed: the same integral, by a callback and by pieces. The exact value is 5/8."""
    with flint.ctx.workdps(30):
        wrong = flint.acb.integral(lambda z, _: flint.acb(z.real.max(flint.arb("0.5"))), 0, 1).real
    assert wrong.rad() < 1e-29
    assert not wrong.contains(flint.arb("0.625"))
    assert abs(wrong.mid() - 0.644337567297406) < 1e-12
    pieces = [integrate(Constant("1/2"), 0, "1/2"), integrate(t, "1/2", 1)]
    assert sum(part.lower for part in pieces) <= Fraction(5, 8) <= sum(part.upper for part in pieces)
    assert sum(part.width for part in pieces) < Fraction(1, 10**24)


def test_false_twin_a_root_that_ignores_the_flag(monkeypatch):
    """The check of containment catches a node that does not honour `analytic`."""
    monkeypatch.setattr(Sqrt, "value", lambda self, point, operands, analytic: operands[0].sqrt())
    with pytest.raises((AssertionError, NoEnclosure)):
        holds(integrate(Sqrt(t), 1, 4, 25), mpmath.mpf(14) / 3, 25)


def test_analytic_flag():
    """Near a cut or a pole a node gives a finite ball only without the flag, or none."""
    z = flint.acb(flint.arb(0, 0.5), flint.arb(0, 0.5))
    for node in (Log(t + 0), Sqrt(t), Reciprocal(t)):
        assert not node.on_complex(z, True).is_finite()
    beyond = flint.acb(-1, flint.arb(0, 0.5))
    assert not Sqrt(t).on_complex(beyond, True).is_finite()
    assert Sqrt(t).on_complex(beyond, False).is_finite()
    assert not Log(Constant(-1)).on_complex(flint.acb(1), False).is_finite()
    assert Sqrt(t).on_balls(flint.arb(4)).contains(2)


BAD = [
    (lambda: integrate(lambda u: u, 0, 1), "expression", CALLBACK),
    (lambda: integrate(abs, 0, 1), "expression", "callback"),
    (lambda: integrate(1.5, 0, 1), "expression", CALLBACK),
    (lambda: integrate(Expression(), 0, 1), "expression", CALLBACK),
    (lambda: Exp(lambda u: u), "operand", CALLBACK),
    (lambda: Sum((t, 3)), "operand", CALLBACK),
    (lambda: Product(()), "operands", "at least one"),
    (lambda: Sum([t]), "operands", "a tuple"),
    (lambda: t + "one", "constant", "a finite number"),
    (lambda: t ** Fraction(1, 2), "exponent", "an int from 1 to 64"),
    (lambda: t**0, "exponent", "an int from 1 to 64"),
    (lambda: integrate(t, float("nan"), 1), "lower", "a finite number"),
    (lambda: integrate(t, 0, Exp(t)), "upper", "no Variable"),
    (lambda: integrate(t, 0, 1, 0), "digits", "from 1 to 350"),
    (lambda: integrate(t, 0, 1, 2.5), "digits", "from 1 to 350"),
    (lambda: cf.enclosure.stability("iris", 0, 1), "process", "OrnsteinUhlenbeck"),
    (lambda: cf.enclosure.stability(process("0.1"), -1, 1), "s", "a time >= 0"),
    (lambda: cf.enclosure.stability(process("0.1"), 2, 1), "s", "not later than t = 1"),
    (lambda: cf.enclosure.stability(process("0.1"), 0, "x"), "t", "a finite number"),
    (lambda: cf.enclosure.stability(process("0.1"), 0, 1, "both"), "rate", "one of one-sided, two-sided"),
    (lambda: cf.enclosure.stability(process("0.1"), 0, 1, digits=1000), "digits", "from 1 to 350"),
    (lambda: cf.enclosure.stability(builtin("two-variances"), 0, 1), "mixture", "common-isotropic covariance"),
    (lambda: cf.enclosure.amplification(builtin("ordered-pair"), 0, 1), "mixture", "common-isotropic covariance"),
    (lambda: cf.enclosure.amplification(process("1e-8"), 0, 1), "t", "stability() encloses"),
]


@pytest.mark.parametrize(("call", "field", "required"), BAD)
def test_bad_input(call, field, required):
    with pytest.raises(cf.InputError) as error:
        call()
    assert error.value.field == field
    assert required in str(error.value)
    assert "\n" not in str(error.value)


def test_the_set_of_nodes_is_closed():
    with pytest.raises(TypeError, match="closed"):
        type("Maximum", (Expression,), {"__module__": "elsewhere"})
    names = {"Constant", "Variable", "Sum", "Product", "Reciprocal", "Exp", "Log", "Sqrt"}
    classes = [
        value for value in vars(expressions).values() if isinstance(value, type) and issubclass(value, Expression)
    ]
    assert {c.__name__ for c in classes if not c.__name__.startswith("_")} == {"Expression", *names}


# -- integrals of the rates --------------------------------------------------------------------------------------------

#: Variance, two means on a line: where the terms of L cross, and the sign of `c`, differ.
LAWS = {
    "crossing": ("0.25", ["-0.7", "0.7"]),
    "crossing early": ("0.25", ["-0.62", "0.62"]),
    "no crossing": ("0.5", ["-0.1", "0.1"]),
    "narrow": ("1e-2", [-1, 1]),
    "narrower": ("1e-4", [-1, 1]),
    "unit": ("1", [-1, 1]),
    "near unit": ("0.999999999999", [-1, 1]),
    "wide": ("2.5", [-1, 2]),
    "one mean": ("0.3", ["1/3", "1/3"]),
}


def process(variance, means=(-1, 1)):
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1/3", "2/3"], [[m] for m in means], variance), "0.01", 3)


def builtin(name):
    return cf.OrnsteinUhlenbeck(cf.load_mixture(name))


def oracle(case, a, b, rate):
    """`int_a^b rate` by mpmath's tanh-sinh rule, from the definitions; cut at the kink and geometrically."""
    variance, means = LAWS[case]
    s2, square = mpf(variance), (mpf(means[0]) - mpf(means[1])) ** 2

    def integrand(u):
        q = mpmath.exp(-2 * u)
        v = s2 * q + 1 - q
        growth = 1 - 1 / v + q * square / (4 * v * v)
        return growth if rate == "one-sided" else max(abs(1 / v - 1), abs(growth))

    a, b = mpf(a), mpf(b)
    cuts = {a, b} | {b * mpmath.mpf(4) ** -k for k in range(1, 16) if a < b * mpmath.mpf(4) ** -k}
    if s2 < 1:
        where = (1 - square / (8 * (1 - s2))) / (1 - s2)
        if where > 0:
            cuts |= {time for time in [-mpmath.log(where) / 2] if a < time < b}
    return mpmath.quad(integrand, sorted(cuts))


@pytest.mark.parametrize(("case", "rate"), some((case, rate) for case in LAWS for rate in ("one-sided", "two-sided")))
def test_stability_against_quadrature(case, rate):
    p = process(*LAWS[case])
    for s, end in (("0.01", 3), (0, 3), ("1/3", 1)):
        value = oracle(case, s, end, rate)
        for digits in (10, 30):
            result = cf.enclosure.stability(p, s, end, rate, digits)
            holds(result, value, digits)
            assert result.interval == (Fraction(s), end)
        pieces = [integrate(*piece, 25) for piece in rate_pieces(p, s, end, rate)]
        assert sum(part.lower for part in pieces) <= result.upper
        assert sum(part.upper for part in pieces) >= result.lower
        assert sum(part.width for part in pieces) * 10**24 <= abs(result.upper)
        if abs(value) < 100:
            holds(cf.enclosure.amplification(p, s, end, rate, 30), mpmath.exp(value), 30)


@pytest.mark.parametrize("variance", ["0.25", "1e-2", "1e-4", "1e-6", "1e-8"])
def test_narrow_components(variance):
    """The closed forms, the quadrature, and `1/v^2` to 25 digits, down to `sigma = 1e-4` and `t = 0`."""
    p, c = process(variance), 1 - Fraction(variance)
    for s in ("0.01", "0"):
        values = [1 - mpf(c) * mpmath.exp(-2 * mpf(time)) for time in (s, 3)]
        drop = [(mpmath.log(v / (1 - v)) - 1 / v) / 2 for v in values]
        holds(integrate(1 / (1 - c * Exp(-2 * t)) ** 2, s, 3, 25), drop[1] - drop[0], 25)
        one_sided = [-mpmath.log(v) / 2 - 4 / (8 * mpf(c) * v) for v in values]
        holds(cf.enclosure.stability(p, s, 3, digits=25), one_sided[1] - one_sided[0], 25)


def test_crossing_at_the_end_of_the_interval():
    """Next to the crossing the clamp decides, or encloses both cases; the two routes still agree."""
    law = process("0.25", ("-0.7", "0.7"))
    crossing = -mpmath.log((1 - mpf("1.96") / 6) / mpf("0.75")) / 2
    for shift in ("-1e-25", "0", "1e-25"):
        near = Fraction(mpmath.nstr(crossing + mpf(shift), 58))
        for ends in ((near, 3), ("0.01", near)):
            result = cf.enclosure.stability(law, *ends, "two-sided", 30)
            holds(result, oracle("crossing", *ends, "two-sided"), 30)


def test_degenerate_intervals_and_laws():
    assert cf.enclosure.stability(process("0.3"), 1, 1).upper == 0
    flat = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0, 0]], 1))
    for rate in ("one-sided", "two-sided"):
        assert cf.enclosure.stability(flat, 0, 5, rate) == IntegralEnclosure(0, 0, True, (0, 5))
        assert cf.enclosure.amplification(flat, 0, 5, rate).lower == 1


def test_a_float_is_the_binary_number_that_it_is():
    by_float, by_text = (cf.enclosure.stability(process("0.04"), s, 3) for s in (0.1, "0.1"))
    assert by_float.interval[0] == Fraction(0.1) != Fraction(1, 10) == by_text.interval[0]
    assert by_float.upper < by_text.lower


def test_additivity_of_random_intervals():
    """`int_r^s + int_s^t` and `int_r^t` overlap; seeded."""
    rng = np.random.default_rng(5)
    for _ in range(40):
        p = process(Fraction(int(rng.integers(1, 300)), 100), (0, Fraction(int(rng.integers(0, 400)), 100)))
        times = sorted(Fraction(int(n), 1000) for n in rng.integers(0, 4000, 3))
        for rate in ("one-sided", "two-sided"):
            parts = [cf.enclosure.stability(p, a, b, rate) for a, b in pairwise(times)]
            whole = cf.enclosure.stability(p, times[0], times[-1], rate)
            assert parts[0].lower + parts[1].lower <= whole.upper
            assert parts[0].upper + parts[1].upper >= whole.lower


def test_false_twin_two_sided_without_its_second_piece():
    """An enclosure of `int lambda` offered for `int L` is refused by the check above."""
    value = oracle("crossing", "0.01", 3, "two-sided")
    wrong = cf.enclosure.stability(process(*LAWS["crossing"]), "0.01", 3, "one-sided")
    with pytest.raises(AssertionError):
        holds(wrong, value, 30)

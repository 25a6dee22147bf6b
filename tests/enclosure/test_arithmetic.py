"""Self-tests of the rigorous building blocks in Arb's own manner: many random cases, few kinds of check.

For random data and random precisions between 53 and 400 bits: results at two precisions overlap, functional identities
contain their exact side, a ball around the data contains the results for its points, an independent value (mpmath
at 60 digits or more, other formulas) is contained, and balls are as narrow as the precision allows.

About 20,000 cases every day (see depth.py).
"""

from __future__ import annotations

from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
from depth import SCALE, cases
from flint import arb

import certflow as cf
from certflow.enclosure.expressions import Constant, Exp, Log, Program, Reciprocal, Sqrt, Variable
from certflow.enclosure.integrals import stability_ball
from certflow.law.kept import Kept
from certflow.numbers.balls import ArbArithmetic

REFERENCE_DIGITS = 100


def few(count):
    """Cases of the dearest kinds: every day a third of so many, in the night as many as of the others."""
    return cases(count) if SCALE > 1 else count // 3


def precisions(rng):
    """Two working precisions, the first the coarser."""
    return sorted(int(p) for p in rng.integers(53, 401, 2))


def at(bits, function, *arguments):
    with flint.ctx.workprec(bits):
        return function(*arguments)


def reference(value):
    """An mpmath number as a ball with an error far above mpmath's and far below what is to be told apart."""
    sign, mantissa, exponent, _ = value._mpf_
    exact = arb(flint.fmpz(-int(mantissa) if sign else int(mantissa))) * arb(2) ** int(exponent)
    return arb(exact.mid(), (abs(exact) * arb(10) ** -60 + arb(10) ** -80).upper())


def exact(value):
    """An arb that is the float or fraction exactly, at any precision (dyadic numbers only)."""
    number = Fraction(value)
    return arb(number.numerator) * arb(2) ** -(number.denominator.bit_length() - 1)


def agree(coarse, fine, value=None):
    """Two enclosures of one number overlap, and both meet the ball of an independent value; NaN never does."""
    assert coarse.overlaps(fine), (coarse, fine)
    if value is not None:
        assert coarse.overlaps(value), (coarse, value)
        assert fine.overlaps(value), (fine, value)


# -- expressions -------------------------------------------------------------------------------------------------------


def random_expression(rng, depth):
    """A tree of all nodes; roots, logarithms and quotients mostly, not always, of what is positive."""
    if depth == 0 or rng.random() < 0.1:
        return (
            Variable() if rng.random() < 0.7 else Constant(Fraction(int(rng.integers(-9, 10)), int(rng.integers(1, 9))))
        )
    a = random_expression(rng, depth - 1)
    kind = int(rng.integers(0, 7))
    if kind < 3:
        b = random_expression(rng, depth - 1)
        return (a + b, a * b, a - b)[kind]
    positive = 1 + a * a if rng.random() < 0.9 else a
    return (Exp(a / (1 + a * a)), Log(positive), Sqrt(positive), Reciprocal(positive))[kind - 3]


def mp_value(node, x):
    """The tree in mpmath."""
    name, below = type(node).__name__, [mp_value(part, x) for part in node.operands]
    if name == "Constant":
        return mpmath.mpf(node.number.numerator) / node.number.denominator
    if name == "Variable":
        return x
    if name == "Sum":
        return sum(below[1:], below[0])
    if name == "Product":
        return mpmath.fprod(below)
    return {"Exp": mpmath.exp, "Log": mpmath.log, "Sqrt": mpmath.sqrt, "Reciprocal": lambda a: 1 / a}[name](below[0])


def expressions(count, seed):
    """Two precisions, a surrounding ball, the complex evaluation, and mpmath. Returns the share of finite results."""
    rng = np.random.default_rng(seed)
    finite = done = 0
    while done < count:
        tree = random_expression(rng, 3)
        program = Program(tree)
        for x in rng.normal(0, 2, 25):
            done += 1
            low, high = precisions(rng)
            point = exact(x)
            coarse, fine = at(low, program, point, False), at(high, program, point, False)
            if not (coarse.is_finite() and fine.is_finite()):
                continue
            finite += 1
            with mpmath.workdps(REFERENCE_DIGITS), flint.ctx.workprec(400):
                value = reference(mp_value(tree, mpmath.mpf(float(x))))
            agree(coarse, fine, value)
            radius = 2.0 ** -int(rng.integers(5, 40))
            around = at(low, program, arb(x, radius), False)
            within = at(high, program, exact(x) + exact(rng.uniform(-1, 1) * radius), False)
            if around.is_finite():
                agree(around, fine, value)
                assert around.overlaps(within), (around, within)
            plane = at(low, program, flint.acb(point), bool(done % 2))
            plane = plane if isinstance(plane, flint.acb) else flint.acb(plane)
            assert not plane.is_finite() or (plane.real.overlaps(value) and plane.imag.contains(0))
    return finite / done


def test_expressions():
    assert expressions(few(3_000), 1) > 0.9


def test_node_identities():
    """`e^{ln a} = a`, `sqrt(a)^2 = a`, `a/a = 1`, `e^a e^{-a} = 1`, `ln(ab) = ln a + ln b`: contained, and narrow."""
    rng = np.random.default_rng(2)
    t = Variable()
    identities = [
        (Exp(Log(t)), lambda a: a),
        (Sqrt(t) * Sqrt(t), lambda a: a),
        (t * Reciprocal(t), lambda a: arb(1)),
        (Exp(t) * Exp(-t), lambda a: arb(1)),
        (Log(t * (t + 1)) - Log(t) - Log(1 + t), lambda a: arb(0)),
    ]
    programs = [(Program(tree), value) for tree, value in identities]
    for i in range(cases(3_000)):
        program, value = programs[i % len(programs)]
        point = exact(float(rng.lognormal(0, 2)))
        bits = int(rng.integers(53, 401))
        result = at(bits, program, point, False)
        assert result.contains(value(point)), (result, point)
        assert result.rad() <= (abs(point) + 200) * arb(2) ** (-bits + 8)


# -- the closed form of the stability ----------------------------------------------------------------------------------


def antiderivative(s2, square, time, rate):
    """`-1/2 ln v - D^2/(8 c v)` in mpmath, and beyond the crossing `1/2 ln v` continued from there (proofs/F2.md)."""
    c = 1 - s2
    v = 1 - c * mpmath.exp(-2 * time)
    crossing = square / (8 * c)
    if rate == "one-sided" or c < 0 or v <= crossing:
        return -mpmath.log(v) / 2 - square / (8 * c * v)
    start = max(crossing, s2)  # v > s2 at all times > 0
    return -mpmath.log(start) / 2 - square / (8 * c * start) + (mpmath.log(v) - mpmath.log(start)) / 2


def closed_forms(count, seed):
    """Two precisions, mpmath's antiderivative, additivity, and width."""
    rng = np.random.default_rng(seed)
    done = 0
    while done < count:
        s2 = (
            Fraction(int(rng.integers(1, 3000)), 1024)
            if rng.random() < 0.7
            else Fraction(1, 10 ** int(rng.integers(2, 9)))
        )
        s2 += Fraction(1, 7919) if s2 == 1 else 0
        square = Fraction(int(rng.integers(0, 4000)), 256)
        law = _Law(s2, square)
        for _ in range(5):
            done += 1
            low, high = precisions(rng)
            rate = ("one-sided", "two-sided")[int(rng.integers(0, 2))]
            r, s, t = sorted(Fraction(int(n), 4096) for n in rng.integers(0, 3 * 4096, 3))
            coarse, fine = (at(bits, stability_ball, law, r, t, rate) for bits in (low, high))
            with mpmath.workdps(REFERENCE_DIGITS), flint.ctx.workprec(400):
                numbers = [mpmath.mpf(n.numerator) / n.denominator for n in (s2, square, r, t)]
                value = reference(antiderivative(*numbers[:2], numbers[3], rate) - antiderivative(*numbers[:3], rate))
            agree(coarse, fine, value)
            parts = [at(low, stability_ball, law, *ends, rate) for ends in ((r, s), (s, t))]
            assert at(low, sum, parts).overlaps(fine)
            size = abs(fine) + arb(1 / float(s2)) + arb(float(square / s2**2))
            assert fine.rad() <= size * arb(2) ** (8 - high)


class _Law:
    """What the closed form reads of a mixture: the exact variance and `D^2`, which are numbers; and what it keeps."""

    def __init__(self, s2, square):
        self.exact_covariances = cf.GaussianMixture([1], [[0]], s2).exact_covariances
        self.diameter_squared = square
        self.kept = Kept(self)


def test_stability_closed_form():
    closed_forms(few(700), 3)


# -- softmax, and the field --------------------------------------------------------------------------------------------


def softmax(count, seed):
    """Two precisions, mpmath, the sum of the probabilities, a shift of all logits, and width."""
    rng = np.random.default_rng(seed)
    arithmetic = ArbArithmetic()
    for _ in range(count):
        low, high = precisions(rng)
        logits = rng.normal(0, 10 ** rng.uniform(-1, 2), int(rng.integers(1, 5)))
        row = np.array([exact(v) for v in logits], dtype=object)[None]
        shift = exact(float(rng.normal(0, 50)))
        (coarse, total), (fine, same) = (at(bits, arithmetic.softmax, row) for bits in (low, high))
        with mpmath.workdps(REFERENCE_DIGITS), flint.ctx.workprec(400):
            powers = [mpmath.exp(mpmath.mpf(v)) for v in logits]
            values = [reference(power / sum(powers)) for power in powers]
            agree(total[0], same[0], reference(mpmath.log(sum(powers))))
        moved, _ = at(low, lambda row=row, shift=shift: arithmetic.softmax(row + shift))
        for k, value in enumerate(values):
            agree(coarse[0, k], fine[0, k], value)
            assert moved[0, k].overlaps(fine[0, k])
            assert fine[0, k].rad() <= value.abs_upper() * arb(2) ** (14 - high)
        assert at(low, sum, coarse[0]).contains(1)


def test_softmax():
    softmax(few(1_300), 4)


def field_by_definition(law, x, t):
    """Responsibilities, score and Jacobian of one variance in mpmath: the density's terms, not centred, one by one."""
    s2 = law.exact_covariances.fractions[()]
    m = mpmath.exp(-t)
    v = mpmath.mpf(s2.numerator) / s2.denominator * m**2 + 1 - m**2
    pulls, powers = [], []
    for weight, mean in zip(law.exact_weights.fractions, law.exact_means.fractions, strict=True):
        b = [(m * mpmath.mpf(mu.numerator) / mu.denominator - c) / v for c, mu in zip(x, mean, strict=True)]
        pulls.append(b)
        powers.append(mpmath.mpf(weight.numerator) / weight.denominator * mpmath.exp(-v * sum(c * c for c in b) / 2))
    gamma = [power / sum(powers) for power in powers]
    d = len(x)
    score = [sum(g * b[i] for g, b in zip(gamma, pulls, strict=True)) for i in range(d)]
    second = [[sum(g * b[i] * b[j] for g, b in zip(gamma, pulls, strict=True)) for j in range(d)] for i in range(d)]
    jacobian = [[(i == j) * (1 / v - 1) - second[i][j] + score[i] * score[j] for j in range(d)] for i in range(d)]
    return gamma, score, jacobian


def fields(count, seed, names):
    """Two precisions; `sum gamma = 1`, `u + x + s = 0`, `J = J^T`; and mpmath where the variance is common."""
    rng = np.random.default_rng(seed)
    for done in range(count):
        law = cf.load_mixture(names[done % len(names)])
        p = cf.OrnsteinUhlenbeck(law)
        low, high = precisions(rng)
        t, x = float(np.exp(rng.uniform(-4.6, 1.1))), rng.normal(0, 1.5, law.dimension)
        point = np.array([exact(c) for c in x], dtype=object)
        methods = (p.responsibilities, p.score, p.jacobian, p.velocity)
        coarse, fine = ([at(bits, method, point, exact(t)) for method in methods] for bits in (low, high))
        for a, b in zip(coarse, fine, strict=True):
            for one, other in zip(a.flat, b.flat, strict=True):
                agree(one, other)
                assert other.rad() <= (other.abs_upper() + 1) * arb(2) ** (40 - high)
        gamma, score, jacobian, velocity = coarse
        assert at(low, sum, gamma).contains(1)
        rest = at(low, np.add, at(low, np.add, velocity, point), score)
        assert all(entry.contains(0) for entry in rest)
        assert all(one.overlaps(other) for one, other in zip(jacobian.flat, jacobian.T.flat, strict=True))
        if law.kind == "common-isotropic":
            with mpmath.workdps(REFERENCE_DIGITS), flint.ctx.workprec(400):
                parts = field_by_definition(law, [mpmath.mpf(float(c)) for c in x], mpmath.mpf(t))
                values = [[reference(v) for v in np.array(part, dtype=object).flat] for part in parts]
            for balls, numbers in zip(fine[:3], values, strict=True):
                assert all(ball.overlaps(number) for ball, number in zip(balls.flat, numbers, strict=True))


def test_field_of_one_variance():
    fields(few(170), 5, ["two-modes", "line-3", "iris", "random-5"])


def test_field_of_other_covariances():
    fields(cases(50), 6, ["two-variances", "ordered-pair", "anisotropic-pair"])


# -- twins that drop the radius, which the same tests catch ------------------------------------------------------------


def without_radius(function):
    def wrong(*arguments):
        result = function(*arguments)
        return result.mid() if isinstance(result, arb) else result

    return wrong


@pytest.mark.parametrize("node", [Exp, Log, Sqrt, Reciprocal])
def test_false_twin_of_a_node(node, monkeypatch):
    monkeypatch.setattr(node, "value", without_radius(node.value))
    with pytest.raises(AssertionError):
        expressions(2000, 1)


def test_false_twin_of_the_logarithm_in_the_closed_form(monkeypatch):
    monkeypatch.setattr(ArbArithmetic, "_log1p", without_radius(ArbArithmetic._log1p))
    with pytest.raises(AssertionError):
        closed_forms(300, 3)


def test_false_twin_of_the_softmax(monkeypatch):
    right = ArbArithmetic._softmax_row

    def wrong(self, row):
        gamma, total = right(self, row)
        return [part.mid() for part in gamma], total

    monkeypatch.setattr(ArbArithmetic, "_softmax_row", wrong)
    with pytest.raises(AssertionError):
        softmax(300, 4)


def test_false_twin_of_the_field(monkeypatch):
    right = ArbArithmetic.finish
    monkeypatch.setattr(ArbArithmetic, "finish", lambda self, a: self._map(lambda entry: entry.mid(), right(self, a)))
    with pytest.raises(AssertionError):
        fields(20, 5, ["two-modes"])

"""Proved nodes of the balanced grid: against Lambert's W at 60 digits, and against quadrature (proofs/G1.md, G2)."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import mpmath
import pytest

import certflow as cf
from certflow.enclosure import nodes as module


def mpf(value):
    exact = Fraction(value)
    return mpmath.mpf(exact.numerator) / exact.denominator


def process(variance, means=(-1, 1), t_min="0.01", t_max=3):
    law = cf.GaussianMixture([Fraction(1, len(means))] * len(means), [[m] for m in means], variance)
    return cf.OrnsteinUhlenbeck(law, t_min, t_max)


def builtin(name, t_max=3):
    return cf.OrnsteinUhlenbeck(cf.load_mixture(name), "0.01", t_max)


LAWS = {
    "two-modes": builtin("two-modes"),
    "random-5": builtin("random-5"),
    "iris, early": builtin("iris", "0.8"),
    "crossing": process("0.25", ("-0.7", "0.7"), t_max="0.3"),
    "narrow": process("1e-6", t_min="1e-5"),
    "unit": process("1"),
    "wide": process("2.5", (-1, 2)),
    "wide, one mean": process("3", (0,)),
    "thirds": process("0.04", t_min="1/30", t_max="7/3"),
}


def lambert(p, share):
    """The time at which `int lambda` is this share of the whole, from G2, in mpmath: formulas of its own."""
    s2, square = mpf(p.mixture.exact_covariances.fractions[()]), mpf(p.mixture.diameter_squared)
    c = 1 - s2
    q_s, q_t = (mpmath.exp(-2 * mpf(time)) for time in (p.exact_t_min, p.exact_t_max))
    if c == 0:
        return -mpmath.log(q_s - share * (q_s - q_t)) / 2
    y_s, y_t = 1 / (1 - c * q_s), 1 / (1 - c * q_t)
    a = square / (8 * c)
    level = (1 - share) * (mpmath.log(y_s) / 2 - a * y_s) + share * (mpmath.log(y_t) / 2 - a * y_t)
    if a == 0:
        y = mpmath.exp(2 * level)
    else:
        y = -mpmath.lambertw(-2 * a * mpmath.exp(2 * level), -1 if c > 0 else 0).real / (2 * a)
    return -mpmath.log((1 - 1 / y) / c) / 2


def brackets(p, found, digits):
    """Containment of the node by Lambert's W, and width."""
    with mpmath.workdps(60):
        for k in range(1, len(found) - 1):
            node = lambert(p, mpmath.mpf(len(found) - 1 - k) / (len(found) - 1))
            assert mpf(found[k].lower) <= node <= mpf(found[k].upper), (k, node)
            assert found[k].width * 10**digits <= found[k].lower
            assert found[k].complete


@pytest.mark.parametrize("name", LAWS)
def test_one_sided_nodes_contain_those_of_lambert(name):
    p = LAWS[name]
    for segments, digits in ((2, 12), (8, 30)):
        found = cf.enclosure.balanced_nodes(p, segments, digits=digits)
        assert len(found) == segments + 1
        assert found[0].lower == found[0].upper == p.exact_t_max
        assert found[-1].lower == found[-1].upper == p.exact_t_min
        assert all(early.upper < late.lower for late, early in pairwise(found))
        brackets(p, found, digits)


@pytest.mark.parametrize(
    "p",
    [
        builtin("two-modes"),
        builtin("iris"),
        process("0.25", ("-0.7", "0.7")),
        process("0.5", ("-0.1", "0.1")),
        process("0.3", (0,)),
    ],
    ids=["two-modes", "iris", "crossing", "close means", "one mean"],
)
def test_two_sided_nodes_share_the_integral_equally(p):
    """Quadrature of `L` by mpmath between the brackets' ends: `1/K` of the whole each, to their width."""
    found = cf.enclosure.balanced_nodes(p, 5, "two-sided", digits=25)
    s2, square = p.mixture.exact_covariances.fractions[()], p.mixture.diameter_squared
    with mpmath.workdps(40):
        s2, square = mpf(s2), mpf(square)
        kink = (1 - square / (8 * (1 - s2))) / (1 - s2)

        def bound(u):
            q = mpmath.exp(-2 * u)
            v = s2 * q + 1 - q
            return max(abs(1 / v - 1), abs(1 / v - 1 - q * square / (4 * v * v)))

        def integral(a, b):
            cuts = {mpf(a), mpf(b)} | {mpf(a) * (mpf(b) / mpf(a)) ** (mpmath.mpf(k) / 4) for k in (1, 2, 3)}
            if kink > 0 and mpf(a) < -mpmath.log(kink) / 2 < mpf(b):
                cuts.add(-mpmath.log(kink) / 2)
            return mpmath.quad(bound, sorted(cuts))

        whole = integral(p.exact_t_min, p.exact_t_max)
        for k in range(1, 5):
            below, above = (integral(p.exact_t_min, end) for end in (found[k].lower, found[k].upper))
            assert below <= whole * (5 - k) / 5 <= above
            assert above - below <= mpmath.mpf(10) ** -23 * whole
            assert found[k].width * 10**25 <= found[k].lower


@pytest.mark.parametrize("name", ["two-modes", "iris"])
@pytest.mark.parametrize("rate", ["one-sided", "two-sided"])
def test_a_node_takes_few_evaluations(name, rate, monkeypatch):
    """Newton's method from the middle: with a bisection of thirty steps before it, more than forty a node."""
    evaluated, excess = [], module._Problem._excess
    monkeypatch.setattr(module._Problem, "_excess", lambda *given: evaluated.append(given) or excess(*given))
    nodes = cf.enclosure.balanced_nodes(builtin(name), 8, rate)
    assert all(node.complete for node in nodes)
    assert len(evaluated) < 7 * 30


def test_many_digits_and_one_segment():
    p = LAWS["two-modes"]
    assert [node.width for node in cf.enclosure.balanced_nodes(p, 1)] == [0, 0]
    fine = cf.enclosure.balanced_nodes(p, 3, digits=200)
    coarse = cf.enclosure.balanced_nodes(p, 3, digits=20)
    for a, b in zip(fine, coarse, strict=True):
        assert a in b if not isinstance(a, cf.enclosure.Enclosure) else b.lower <= a.lower <= a.upper <= b.upper
        assert a.width * 10**200 <= a.lower


def test_an_approximation_that_is_off_is_not_believed(monkeypatch):
    """The proof, not Newton's method, decides: a wrong start widens the bracket or gives the whole interval."""
    right = module._Problem._approximate
    p = LAWS["two-modes"]
    for relative, widest in ((Fraction(1, 10**28), Fraction(1, 10**26)), (Fraction(1, 100), 3)):
        monkeypatch.setattr(
            module._Problem, "_approximate", lambda self, share, bits, r=relative: right(self, share, bits) * (1 + r)
        )
        found = cf.enclosure.balanced_nodes(p, 4)
        with mpmath.workdps(60):
            for k in (1, 2, 3):
                assert not found[k].complete
                assert mpf(found[k].lower) <= lambert(p, mpmath.mpf(4 - k) / 4) <= mpf(found[k].upper)
                assert found[k].width <= widest


def test_false_twin_without_the_proof(monkeypatch):
    """The check above catches brackets that were not proved around an approximation that is off."""
    right = module._Problem._approximate
    monkeypatch.setattr(
        module._Problem, "_approximate", lambda self, share, bits: right(self, share, bits) * (1 + Fraction(1, 10**28))
    )
    monkeypatch.setattr(module._Problem, "_sign", lambda self, time, share: 0.0)
    with pytest.raises(AssertionError):
        brackets(LAWS["two-modes"], cf.enclosure.balanced_nodes(LAWS["two-modes"], 4), 30)


def test_an_open_order_is_decided_with_more_bits(monkeypatch):
    monkeypatch.setattr(module, "first_bits", lambda law, digits: 8)
    brackets(LAWS["two-modes"], cf.enclosure.balanced_nodes(LAWS["two-modes"], 4), 30)


BAD = [
    (lambda: cf.enclosure.balanced_nodes("iris", 4), "process", "OrnsteinUhlenbeck"),
    (lambda: cf.enclosure.balanced_nodes(builtin("two-variances"), 4), "mixture", "common-isotropic"),
    (lambda: cf.enclosure.balanced_nodes(builtin("two-modes"), 0), "segments", "from 1 to 10000"),
    (lambda: cf.enclosure.balanced_nodes(builtin("two-modes"), 2.0), "segments", "from 1 to 10000"),
    (lambda: cf.enclosure.balanced_nodes(builtin("two-modes"), 4, "sharp"), "rate", "one of one-sided, two-sided"),
    (lambda: cf.enclosure.balanced_nodes(builtin("two-modes"), 4, digits=-1), "digits", "from 1 to 350"),
    (lambda: cf.enclosure.balanced_nodes(process("0.25", ("-0.7", "0.7")), 4), "rate", "positive on [t_min, t_max]"),
    (lambda: cf.enclosure.balanced_nodes(process("0.3", (0,)), 4), "rate", "positive on [t_min, t_max]"),
    (lambda: cf.enclosure.balanced_nodes(process("1", (2,)), 4), "rate", "positive on [t_min, t_max]"),
    (lambda: cf.enclosure.balanced_nodes(process("1", (2,)), 4, "two-sided"), "rate", "J = 0"),
]


@pytest.mark.parametrize(("call", "field", "required"), BAD)
def test_bad_input(call, field, required):
    with pytest.raises(cf.InputError) as error:
        call()
    assert error.value.field == field
    assert required in str(error.value)

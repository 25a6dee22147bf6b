"""float64 rates and their integrals against the formulas written out in mpmath: where terms cancel, and at the ends."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import Any

import mpmath
import numpy as np
import pytest

import certflow as cf
from certflow.bounds import guard as rate_guard

mp = mpmath.mp
DIGITS = 60
#: What is promised, and a little for the rounding of the result.
CLOSE = 6e-13

#: name -> (D^2, sigma^2), two means at the distance D
COMMON = {
    "wide": (Fraction(27, 25) ** 2, Fraction(16, 25)),
    "narrow": (Fraction(28, 100) ** 2, Fraction(2, 100)),
    "usual": (Fraction(4), Fraction(1, 25)),
    "tiny variance": (Fraction(1, 100), Fraction(1, 10**6)),
    "variance above one": (Fraction(9), Fraction(3)),
    "variance one": (Fraction(1, 4), Fraction(1)),
    "crossing of L": (Fraction(5), Fraction(1, 10)),
}


def process(square: Fraction, variance: Fraction) -> cf.OrnsteinUhlenbeck:
    """Two means in the plane at exactly that distance."""
    root = Fraction(isqrt(square.numerator), isqrt(square.denominator))
    apart = [root, 0] if root**2 == square else [2, 1]  # 5 = 4 + 1
    assert sum(part**2 for part in apart) == square
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [[0, 0], apart], variance))


def number(q: Fraction) -> Any:
    return mp.mpf(q.numerator) / q.denominator


def rates(square: Fraction, variance: Fraction, t: float) -> tuple[Any, Any]:
    """`lambda` and `L` as in proofs/L2.md, L3."""
    time, s2 = mp.mpf(t), number(variance)
    m2 = mp.exp(-2 * time)
    v = s2 * m2 + 1 - m2
    drift, spread = 1 / v - 1, m2 * number(square) / (4 * v * v)
    return spread - drift, max(abs(drift), abs(drift - spread))


def integral(square: Fraction, variance: Fraction, s: float, t: float) -> Any:
    """`int lambda` as in proofs/F2.md."""
    (ms, vs), (mt, vt) = ((mp.exp(-2 * mp.mpf(u)), 1 - (1 - number(variance)) * mp.exp(-2 * mp.mpf(u))) for u in (s, t))
    return mp.log(vs / vt) / 2 + number(square) * (ms - mt) / (8 * vs * vt)


def zero_of_rate(square: Fraction, variance: Fraction) -> float | None:
    """`m^2 D^2 = 4 v (1 - v)`, linear in `m^2`: `D^2 = 4 c v`, `v = 1 - c m^2`."""
    c = 1 - variance
    if not c:
        return None
    m2 = (1 - square / (4 * c)) / c
    return float(-mp.log(number(m2)) / 2) if 0 < m2 < 1 else None


def assert_close(found: float, wanted: Any, relative: float = CLOSE) -> None:
    assert abs(mp.mpf(float(found)) - wanted) <= relative * abs(wanted) + mp.mpf(2) ** -1074, (found, wanted)


@pytest.mark.parametrize("case", COMMON)
def test_rates_of_a_common_variance(case: str) -> None:
    square, variance = COMMON[case]
    p = process(square, variance)
    times = [1e-300, 1e-20, 1e-9, 1e-4, 0.01, 0.3, 1.0, 3.0, 40.0, 200.0, 345.0, 360.0]
    root = zero_of_rate(square, variance)
    if root is not None:
        times += [root, np.nextafter(root, 0), np.nextafter(root, 9), root * (1 + 1e-9), root * (1 - 1e-5)]
    with mp.workdps(400):
        for found, t in zip(p.growth_rate_bound(np.array(times)), times, strict=True):
            assert_close(found, rates(square, variance, t)[0])
        for found, t in zip(p.lipschitz_bound(np.array(times)), times, strict=True):
            assert_close(found, rates(square, variance, t)[1])


def test_the_cases_that_were_found() -> None:
    wide, narrow = COMMON["wide"], COMMON["narrow"]
    with mp.workdps(DIGITS):
        rate = process(*wide).growth_rate_bound(0.31953997964483477)
        assert rate == pytest.approx(1.4315527303776386e-20, rel=1e-12)
        assert_close(rate, rates(*wide, 0.31953997964483477)[0])
        assert_close(process(*narrow).stability(1.344e-8, 5.993e-8), integral(*narrow, 1.344e-8, 5.993e-8))


@pytest.mark.parametrize("case", COMMON)
def test_integrals_of_a_common_variance(case: str) -> None:
    square, variance = COMMON[case]
    p = process(square, variance)
    root = zero_of_rate(square, variance) or 0.5
    pairs = [
        *((1.344e-8, 5.993e-8), (1e-12, 3.0), (0.01, 3.0), (root, root * (1 + 1e-9)), (root * (1 - 1e-7), root)),
        *((0.9 * root, 1.1 * root), (1.0, float(np.nextafter(1.0, 2))), (30.0, 300.0), (1e-3, 700.0)),
    ]
    balance = _balanced(p, root)
    pairs += [(0.5 * root, balance)] if balance else []
    s, t = (np.array(side) for side in zip(*pairs, strict=True))
    with mp.workdps(400):
        for found, pair in zip(p.stability(s, t), pairs, strict=True):
            assert_close(found, integral(square, variance, *pair))


def _balanced(p: cf.OrnsteinUhlenbeck, root: float) -> float | None:
    """A float at which `int lambda` from half the zero of `lambda` has almost come back to zero."""
    low, high = root, 3 * root
    if not p.stability(0.5 * root, low) > 0 > p.stability(0.5 * root, high):
        return None
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if p.stability(0.5 * root, middle) > 0 else (low, middle)
    return high


@pytest.mark.parametrize("case", ["wide", "narrow", "usual", "crossing of L"])
def test_integrals_of_the_two_sided_rate(case: str) -> None:
    """Against mpmath's quadrature, split where `L` changes its term."""
    square, variance = COMMON[case]
    p = process(square, variance)
    c = 1 - variance
    m2 = (1 - square / (8 * c)) / c
    kinks = [-mp.log(number(m2)) / 2] if 0 < m2 < 1 else []
    ends = [(0.01, 3.0), (1e-8, 2e-8), (0.2, 0.2 + 1e-9)]
    ends += [(float(kink) * 0.9, float(kink) * 1.1) for kink in kinks]
    ends += [(float(kink), float(kink) * (1 + 1e-8)) for kink in kinks]
    with mp.workdps(40):
        for s, t in ends:
            inner = [kink for kink in kinks if s < kink < t]
            wanted = mp.quad(lambda u: rates(square, variance, u)[1], [mp.mpf(s), *inner, mp.mpf(t)], maxdegree=10)
            assert_close(p.stability(s, t, "two-sided"), wanted)


@pytest.mark.parametrize(("s", "t"), [(1e-4, 3.0), (0.0019, 3.0), (0.01, 3.0), (1.344e-8, 5.993e-8)])
def test_amplification_is_as_close_as_its_exponent(s: float, t: float) -> None:
    """`exp` makes an absolute error of the exponent a relative one: it is asked for in those terms."""
    square, variance = Fraction(4), Fraction(1, 1000)
    p = process(square, variance)
    with mp.workdps(DIGITS):
        exponent = integral(square, variance, s, t)
        found = p.amplification(s, t)
        if exponent > 709:
            assert found == np.inf
        else:
            assert_close(found, mp.exp(exponent))


def pair_rate(p: cf.OrnsteinUhlenbeck, t: float) -> Any:
    """`lambda(t)` of two components of different variance, the pair's peak by its own maximisation (proofs/L7.md)."""
    mixture, time = p.mixture, mp.mpf(t)
    m2, d = mp.exp(-2 * time), mixture.dimension
    parts = (mixture.exact_weights, mixture.exact_covariances, mixture.exact_means)
    components = zip(*(part.fractions for part in parts), strict=True)
    (wn, sn, mn), (ww, sw, mw) = sorted(components, key=lambda component: component[1])
    pn, pw = (1 / (number(s2) * m2 + 1 - m2) for s2 in (sn, sw))
    shift = sum((a - b) ** 2 for a, b in zip(mn, mw, strict=True)) / (sw - sn)
    fmax = mp.log(number(wn / ww)) + mp.mpf(d) / 2 * mp.log(pn / pw) + number(shift) / 2
    low = mp.mpf(max(0, -fmax))
    g = mp.findroot(lambda g: (fmax + g) * mp.tanh(g / 2) - 1, (low, low + 2), solver="anderson", tol=mp.mpf(10) ** -80)
    return (pn - pw) / mp.sinh(g) - m2 * (1 - number(sw)) * pw


@pytest.mark.parametrize(
    ("weights", "means", "variances"),
    [
        (["0.5", "0.5"], [[0], [1]], ["0.3", "0.5"]),
        (["0.999999", "0.000001"], [[0, 0], ["0.5", 0]], ["0.2", "0.6"]),
        (["1/3", "2/3"], [["0", "1", "0"], ["1", "0", "2"]], ["0.01", "0.02"]),
        ([Fraction(1, 10**200), 1 - Fraction(1, 10**200)], [[0], [3]], ["0.5", "0.4"]),
    ],
)
def test_rates_of_different_variances(weights: Any, means: Any, variances: Any) -> None:
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, variances))
    times = [1e-9, 0.01, 0.1, 0.5, 1.0, 3.0, 30.0]
    signs = np.sign(p.growth_rate_bound(np.geomspace(1e-3, 5, 200)))
    for place in np.flatnonzero(np.diff(signs)):
        low, high = np.geomspace(1e-3, 5, 200)[place : place + 2]
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if np.sign(p.growth_rate_bound(middle)) == signs[place] else (low, middle)
        times += [low, high, low * (1 + 1e-8)]
    with mp.workdps(100):
        for found, t in zip(p.growth_rate_bound(np.array(times)), times, strict=True):
            assert_close(found, pair_rate(p, t))


def test_different_variances_have_a_zero_to_be_tried() -> None:
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [[0], [1]], ["0.3", "0.5"]))
    assert p.growth_rate_bound(0.01) > 0 > p.growth_rate_bound(2.0)


@pytest.mark.parametrize("gap", [1e-3, 1e-9, 1e-13])
def test_short_intervals_of_a_quadrature(gap: float) -> None:
    """The width in `log t` is no difference of logarithms: a short interval keeps its digits."""
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [[0], [1]], ["0.3", "0.5"]))
    s, t = 0.1, 0.1 * (1 + gap)
    with mp.workdps(40):
        wanted = mp.quad(lambda u: pair_rate(p, u), [mp.mpf(s), mp.mpf(t)], maxdegree=3)
        assert_close(p.stability(s, t), wanted, 1e-9)


def test_most_values_are_not_computed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Balls are for a few doubtful rows: none on a usual grid of times, one at a zero."""
    asked = []
    plain = rate_guard.from_balls
    monkeypatch.setattr(rate_guard, "from_balls", lambda again: asked.append(*again.args) or plain(again))
    square, variance = COMMON["usual"]
    p = process(square, variance)
    times = np.geomspace(0.01, 3, 1000)
    p.lipschitz_bound(times)
    p.stability(times[:-1], times[1:], "two-sided")
    assert not asked
    p.growth_rate_bound(times)
    assert len(asked) <= 5
    square, variance = COMMON["wide"]
    process(square, variance).growth_rate_bound(np.array([0.1, 0.31953997964483477, 1.0]))
    assert asked[-1] == 1

"""Rates and their integrals of mixtures whose numbers are float64 but whose squares are not, and no warning with them.

The oracle is the formula of a common variance in 60 digits of mpmath.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.stats import chi2

import certflow as cf
from certflow.numbers.exact import root_scale

MP = mpmath.mp.clone()
MP.dps = 700

#: half the distance of the two means, variance
PAIRS = {
    "huge": ("1e200", "1e300"),
    "wider": ("1e300", "1e308"),
    "far-apart": ("1e200", "1e150"),
    "at-the-end": ("1.7e308", "1e308"),
    "narrow": ("1e-200", "1e-210"),
    "close": ("1e-180", "1e-350"),
    "usual": ("1", "0.04"),
}
TIMES = ["1e-300", "1e-8", "0.01", "1", "5"]


@pytest.fixture(autouse=True)
def nothing_is_warned_of() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def pair(name: str, kind: str = "common") -> cf.OrnsteinUhlenbeck:
    half, variance = PAIRS[name]
    covariances: Any = variance if kind == "common" else [variance, variance] if kind == "isotropic" else [[variance]]
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1/2", "1/2"], [["-" + half], [half]], covariances), "1e-299", 6)


def exact(name: str, t: str) -> tuple[Any, Any, Any]:
    """`v`, `q = m^2 (1 - s2) / v` and `B = m^2 D^2 / (4 v^2)`."""
    half, variance = (MP.mpf(Fraction(text).numerator) / Fraction(text).denominator for text in PAIRS[name])
    m2, n2 = MP.exp(-2 * MP.mpf(float(t))), -MP.expm1(-2 * MP.mpf(float(t)))
    v = variance * m2 + n2
    return v, m2 * (1 - variance) / v, m2 * half**2 / v**2


def is_near(found: float, expected: Any) -> bool:
    if expected > MP.mpf(2) ** 1024:
        return bool(found == np.inf)
    return bool(abs(MP.mpf(float(found)) - expected) <= MP.mpf(10) ** -12 * abs(expected))


@pytest.mark.parametrize("kind", ["common", "isotropic"])
@pytest.mark.parametrize("t", TIMES)
@pytest.mark.parametrize("name", PAIRS)
def test_rates(name: str, t: str, kind: str) -> None:
    p, (_, q, spread) = pair(name, kind), exact(name, t)
    assert is_near(p.growth_rate_bound(float(t)), spread - q)
    assert is_near(p.lipschitz_bound(float(t)), max(abs(q), abs(q - spread)))
    assert is_near(p.ball_bound(1.0, float(t)), max(abs(q), abs(q - spread)))


@pytest.mark.parametrize(("s", "t"), [("1e-300", "1"), ("0.01", "1"), ("1", "5")])
@pytest.mark.parametrize("name", PAIRS)
def test_integrals(name: str, s: str, t: str) -> None:
    start, end = exact(name, s)[0], exact(name, t)[0]
    drop = MP.exp(-2 * MP.mpf(float(s))) - MP.exp(-2 * MP.mpf(float(t)))
    half = MP.mpf(Fraction(PAIRS[name][0]).numerator) / Fraction(PAIRS[name][0]).denominator
    expected = MP.log(start / end) / 2 + half**2 * drop / (2 * start * end)
    assert is_near(pair(name).stability(float(s), float(t)), expected)
    factor = pair(name).amplification(float(s), float(t))
    assert is_near(factor, MP.exp(min(expected, MP.mpf(10**6))))


def test_the_other_arithmetics_agree() -> None:
    p, (_, q, spread) = pair("huge"), exact("huge", "1")
    assert is_near(p.lipschitz_bound(mpmath.mpf(1)), max(abs(q), abs(q - spread)))
    torch = pytest.importorskip("torch")
    assert is_near(float(p.lipschitz_bound(torch.tensor(1.0, dtype=torch.float64))), max(abs(q), abs(q - spread)))


def test_the_time_of_a_value() -> None:
    """With `c < 0` the rate is all but 1: the integral over an interval is its length."""
    p = pair("huge")
    assert abs(float(p.time_at_stability(mpmath.mpf(1), s=mpmath.mpf("0.01"))) - 1.01) < 1e-12


@pytest.mark.parametrize(("mean", "variance", "radius"), [("0", "1e308", 1.5e154), ("1e200", "1e300", 1.5e200)])
def test_the_probability_outside(mean: str, variance: str, radius: float) -> None:
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[mean]], variance))
    m = np.exp(-1.0)
    room = (radius - m * float(mean)) / np.sqrt(float(variance) * m * m + 1 - m * m)
    expected = max(chi2.sf(room * room, 1), np.finfo(float).tiny)  # it is never 0
    assert p.outside_probability(radius, 1) == pytest.approx(expected, rel=1e-9, abs=0)
    assert p.outside_probability(1.1 * m * float(mean) or 1.0, 1) > 0


@pytest.mark.parametrize("text", ["1", "4", "1/4", "3", "5/7", "15.999", "1e400", "1e-400", "1e620", "1e-700"])
def test_the_scale_of_a_square(text: str) -> None:
    square = Fraction(text)
    scale = root_scale(square)
    assert scale.numerator & (scale.numerator - 1) == 0 == scale.denominator & (scale.denominator - 1)
    if "1e-700" in text or "1e620" in text:
        assert scale in (Fraction(2) ** 1000, Fraction(1, 2**1000))
    else:
        assert scale**2 <= square < 4 * scale**2


@pytest.mark.parametrize("norm", ["mean-square", "sup"])
@pytest.mark.parametrize("dimension", [1, 2])
def test_a_floor_that_is_no_number_is_refused(norm: str, dimension: int) -> None:
    means = np.zeros((2, dimension))
    means[:, 0] = -1e200, 1e200
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([0.5, 0.5], means, 1e300))
    with pytest.raises(cf.InputError, match=r"mixture: got 'a second moment beyond 1e300'; required: a law whose"):
        p.mismatch_floor(10, norm)

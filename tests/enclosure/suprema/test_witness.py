"""The witness of a sharp rate is one: the field in 130-digit decimals, written out apart, reaches `lower` there."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from depth import night, some
from oracle import _CONTEXT, Oracle, dec

import certflow as cf
from certflow.bounds.stability import RATES
from certflow.certificate import checker
from certflow.certificate.envelope import certificate_text
from certflow.certificate.sharp import sharp_certificate
from certflow.enclosure.suprema.sharp import sharp_rate

pytestmark = pytest.mark.usefixtures("still_clock")
PENTAGON = [["1", "0"], ["0.309017", "0.951057"], ["-0.809017", "0.587785"], ["-0.809017", "-0.587785"]]
PENTAGON += [["0.309017", "-0.951057"]]
GRID = [[a, b] for a in ("-0.1", "0.1") for b in ("-0.2", "0", "0.2")]
TURNED = [["0", "0"], ["0.3", "0.4"], ["-0.4", "0.3"], ["-0.1", "0.7"]]
TRIANGLE = [["0", "0"], ["1", "0.2"], ["0.3", "1.1"]]
SIMPLEX = [["0", "0", "0"], ["1", "0", "0"], ["0", "1", "0"], ["0", "0", "1"]]
NARROW, SKEW = [["0.1", "0.02"], ["0.02", "0.3"]], [["2", "0.5"], ["0.5", "0.7"]]

CASES = {
    "pentagon, late": (PENTAGON, "0.09", "1.5"),
    "pentagon, early": (PENTAGON, "0.09", "0.05"),
    "pentagon of a large variance": (PENTAGON, "4", "0.5"),
    "product": (GRID, "0.2", "1"),
    "product on turned axes": (TURNED, "0.04", "3"),
    "two means": ([["0"], ["0.1"]], "0.04", "0.3"),
    "two means in space": ([["0", "0", "0"], ["1", "2", "2"]], "0.04", "2"),
    "one mean": ([["1", "2"]], "0.04", "0.3"),
    "equal means": ([["1", "2"], ["1", "2"]], "9", "0.3"),
    "shared, edges of a triangle": (TRIANGLE, NARROW, "0.05"),
    "shared, late": (TRIANGLE, NARROW, "1.5"),
    "shared, some of it wide": (TRIANGLE, SKEW, "0.1"),
    "shared, a simplex": (SIMPLEX, [["0.1", "0", "0"], ["0", "0.2", "0.05"], ["0", "0.05", "0.3"]], "0.2"),
    "shared, one mean": ([["1", "2"]], NARROW, "0.3"),
    "shared, equal means": ([["1", "2"], ["1", "2"]], SKEW, "0.3"),
    "isotropic": (TRIANGLE, ["0.1", "0.2", "0.3"], "0.1"),
    "isotropic, late": (TRIANGLE, ["0.1", "0.2", "0.2"], "1.5"),
    "isotropic, two of them widest": (TRIANGLE, ["0.01", "0.5", "0.5"], "0.3"),
    "isotropic, all equal": (TRIANGLE, ["0.09", "0.09", "0.09"], "1.5"),
    "isotropic, all wide": (TRIANGLE, ["2", "3", "3"], "0.3"),
}

#: The other rate of the same case is tried every day.
DEAR = ("shared, a simplex", "two-sided")


def eigenvalues(jacobian) -> list[mpmath.mpf]:
    rows = [[mpmath.mpf(str(entry)) for entry in row] for row in jacobian]
    return list(mpmath.eigsy(mpmath.matrix(rows), eigvals_only=True))


def jacobian_at(mixture, rate):
    """`J` at the witness, or so far along its direction that what should vanish is below 1e-100."""
    oracle, witness = Oracle(mixture), rate.witness
    others = [k for k in range(mixture.n_components) if k not in witness.components]
    reach = 1
    while True:
        along = witness.direction or (Fraction(0),) * len(witness.point)
        point = [Fraction(p) + reach * Fraction(n) for p, n in zip(witness.point, along, strict=True)]
        with localcontext(_CONTEXT):
            found = oracle.at(np.array([dec(entry) for entry in point], dtype=object), Fraction(rate.time))
        if all(found["responsibilities"][k] < Decimal("1e-100") for k in others):
            return found["jacobian"], point
        reach *= 2
        assert reach < 2**80


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        *some((name, rate) for name in CASES for rate in RATES if (name, rate) != DEAR),
        *night(DEAR),
    ],
)
def test_the_rate_at_the_witness_reaches_the_lower_bound(name, rate):
    means, covariances, time = CASES[name]
    mixture = cf.GaussianMixture([Fraction(1, len(means))] * len(means), means, covariances)
    found = sharp_rate(cf.OrnsteinUhlenbeck(mixture), time, rate, gap="1e-6")
    jacobian, _ = jacobian_at(mixture, found)
    with mpmath.workdps(60):
        values = eigenvalues(jacobian)
        value = -min(values) if rate == "one-sided" else max(map(abs, values))
        lower, upper = (mpmath.mpf(end.numerator) / end.denominator for end in (found.lower, found.upper))
        slack = abs(lower) * mpmath.mpf(10) ** -18
        assert lower - slack <= value <= upper + slack
        assert value - lower <= mpmath.mpf(10) ** -15 * (1 + abs(value))  # nothing is given away either
        vector = [mpmath.mpf(e.numerator) / e.denominator for e in found.vector]
        rows = [[mpmath.mpf(str(entry)) for entry in row] for row in jacobian]
        quotient = -mpmath.fsum(a * rows[i][j] * b for i, a in enumerate(vector) for j, b in enumerate(vector))
        quotient /= mpmath.fsum(e * e for e in vector)
        assert mpmath.almosteq(abs(quotient) if rate == "two-sided" else quotient, value, 1e-12, 1e-15)


def test_where_the_late_contraction_decides_the_witness_is_a_vertex():
    """`|1/v - 1|` is the norm where one mean has all the mass; at the place of `V*` it would be half of it or so."""
    mixture = cf.GaussianMixture(["0.2"] * 5, PENTAGON, "0.09")
    rate = sharp_rate(cf.OrnsteinUhlenbeck(mixture), "1.5", "two-sided")
    with mpmath.workdps(40):
        exact = 1 / (1 - mpmath.mpf("0.91") * mpmath.exp(-3)) - 1
        assert mpmath.almosteq(mpmath.mpf(str(rate.lower)), exact, 1e-17)
    assert len(rate.witness.components) == 1
    assert rate.witness.direction is not None


@pytest.mark.parametrize("name", ["pentagon, late", "product", "product on turned axes", "two means"])
def test_the_checker_accepts_a_vertex(name):
    means, covariances, time = CASES[name]
    mixture = cf.GaussianMixture([Fraction(1, len(means))] * len(means), means, covariances)
    certificate, found = sharp_certificate(cf.OrnsteinUhlenbeck(mixture), time, "two-sided", gap="1e-6")
    verdict = checker.check(certificate_text(certificate))
    assert verdict.accepted, verdict.text
    assert len(found.witness.components) == 1


@pytest.mark.parametrize("rate", RATES)
def test_the_checker_accepts_late_times(rate):
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [["0", "0"], ["1", "0"]], "0.04"), "0.01", "30")
    certificate, _ = sharp_certificate(process, "30", rate)
    verdict = checker.check(certificate_text(certificate))
    assert verdict.accepted, verdict.text


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("time", ["0.01", "0.3", "3"])
@pytest.mark.parametrize("variance", ["0.01", "1e-6", "4"])
@pytest.mark.parametrize("size", ["1e3", "1e9", "1e15"])
def test_the_checker_accepts_means_far_apart(size, variance, time, rate):
    """Two modes, whose `V*` is `D^2/4` exactly: the bits of the checker's arithmetic grow with `D^2/v^2`."""
    mixture = cf.GaussianMixture(["1/2", "1/2"], [["-" + size, "0"], [size, "1"]], variance)
    certificate, found = sharp_certificate(cf.OrnsteinUhlenbeck(mixture, "0.01", "3"), time, rate)
    verdict = checker.check(certificate_text(certificate))
    assert verdict.accepted, verdict.text
    assert found.complete
    with mpmath.workdps(80):
        m2 = mpmath.exp(-2 * mpmath.mpf(time))
        v = mpmath.mpf(variance) * m2 + 1 - m2
        growth = 1 - 1 / v + m2 / v**2 * (4 * mpmath.mpf(size) ** 2 + 1) / 4
        exact = growth if rate == "one-sided" else max(growth, abs(1 - 1 / v))
        lower, upper = (mpmath.mpf(end.numerator) / end.denominator for end in (found.lower, found.upper))
        assert lower <= exact <= upper
        assert upper - lower <= mpmath.mpf(10) ** -9 * abs(upper)  # as asked for

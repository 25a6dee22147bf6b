"""Bounds of J for whole panels of time: against the field itself, and against the formulas at many times (L2, L3)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import mpmath
import numpy as np
import pytest

import certflow as cf
from certflow.numbers.exact import exact_text

BUILTIN = [name for name in cf.builtin_mixtures() if cf.load_mixture(name).kind == "common-isotropic"]


def process(variance, means, t_min="0.01", t_max=3):
    weights = [Fraction(1, len(means))] * len(means)
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, variance), t_min, t_max)


def builtin(name, t_min="0.01", t_max=3):
    return cf.OrnsteinUhlenbeck(cf.load_mixture(name), t_min, t_max)


LAWS = {
    **{name: builtin(name) for name in BUILTIN},
    "crossing": process("0.25", [["-0.7"], ["0.7"]]),
    "close means": process("0.5", [["-0.1"], ["0.1"]]),
    "one mean": process("0.3", [["2"]]),
    "unit": process("1", [["-1", 0], [1, "1/3"]]),
    "wide": process("2.5", [[-1], [2]]),
    "very narrow": process("1e-8", [[-1], [1]]),
    "early and late": process("0.04", [[-1], [1]], "1e-9", 40),
}


def inside(p, bounds, points=6):
    """Every formula at times within each panel, in mpmath at 50 digits, from the definitions."""
    law = p.mixture
    with mpmath.workdps(50):
        s2, square = (
            mpmath.mpf(n.numerator) / n.denominator for n in (law.exact_covariances.fractions[()], law.diameter_squared)
        )
        for i, (early, late) in enumerate(pairwise(bounds.times)):
            for k in range(points + 1):
                time = early + (late - early) * Fraction(k, points)
                q = mpmath.exp(-2 * mpmath.mpf(time.numerator) / time.denominator)
                v = s2 * q + 1 - q
                slowest = 1 - 1 / v
                growth = slowest + q * square / (4 * v * v)
                tiny = mpmath.mpf(10) ** -45 * (1 + 1 / v + abs(growth))
                upper, lower, both = (
                    mpmath.mpf(b[i].numerator) / b[i].denominator
                    for b in (bounds.one_sided_upper, bounds.contraction_lower, bounds.two_sided_upper)
                )
                assert growth <= upper + tiny
                assert slowest >= lower - tiny
                assert max(abs(slowest), abs(growth)) <= both + tiny


@pytest.mark.parametrize("name", LAWS)
def test_the_formulas_stay_inside(name):
    p = LAWS[name]
    inside(p, cf.enclosure.rate_bounds(p, p.exact_t_min, p.exact_t_max))


@pytest.mark.parametrize("name", ["two-modes", "iris", "random-5", "crossing", "unit", "wide", "one mean"])
def test_the_jacobian_stays_inside(name):
    """Eigenvalues of the package's Jacobian at random points and times; seeded."""
    p, rng = LAWS[name], np.random.default_rng(11)
    bounds = cf.enclosure.rate_bounds(p, p.exact_t_min, p.exact_t_max, 24)
    for i, (early, late) in enumerate(pairwise(map(float, bounds.times))):
        times = rng.uniform(early, late, 20)
        x = np.exp(-times)[:, None] * p.mixture.sample(20, seed=i) + 0.3 * rng.normal(size=(20, p.mixture.dimension))
        values = np.linalg.eigvalsh(p.jacobian(x, times))
        assert -values.min() <= float(bounds.one_sided_upper[i]) * (1 + 1e-9) + 1e-9
        assert -values.max() >= float(bounds.contraction_lower[i]) * (1 + 1e-9) - 1e-9
        assert np.abs(values).max() <= float(bounds.two_sided_upper[i]) * (1 + 1e-9) + 1e-9


@pytest.mark.parametrize("name", ["two-modes", "crossing", "unit", "wide", "very narrow"])
def test_width_is_of_first_order_in_the_panel(name):
    """The excess over the largest value on the panel halves when the panels do."""
    p, excess = LAWS[name], {}
    for panels in (64, 128, 256):
        bounds = cf.enclosure.rate_bounds(p, "0.01", 3, panels)
        times = np.array([np.linspace(float(a), float(b), 30) for a, b in pairwise(bounds.times)])
        for key, exact, found in (
            ("two", p.lipschitz_bound(times).max(1), bounds.two_sided_upper),
            ("one", p.growth_rate_bound(times).max(1), bounds.one_sided_upper),
        ):
            over = np.array([float(value) for value in found]) - exact
            excess.setdefault(key, []).append(float((over / np.abs(p.lipschitz_bound(times)).max(1)).max()))
    for first, second, third in excess.values():
        assert first < 0.4
        assert second < 0.6 * first or second < 1e-10
        assert third < 0.6 * second or third < 1e-10


def test_times():
    p = LAWS["two-modes"]
    bounds = cf.enclosure.rate_bounds(p, "1/3", "2.5", 10)
    assert bounds.times[0] == Fraction(1, 3)
    assert bounds.times[-1] == Fraction(5, 2)
    assert len(bounds.times) == 11 == len(bounds.one_sided_upper) + 1
    assert all("/" not in exact_text(time) for time in bounds.times[1:])
    ratios = [float(b / a) for a, b in pairwise(bounds.times)]
    assert np.allclose(ratios, ratios[0], rtol=1e-10)
    short = cf.enclosure.rate_bounds(p, "0.01", "0.0100000000000000000000000000001", 5)
    assert all(a < b for a, b in pairwise(short.times))
    inside(p, short)


def test_bounds_have_twelve_digits_and_what_they_were_made_of():
    bounds = cf.enclosure.rate_bounds(LAWS["two-modes"], "0.01", 3)
    for values in (bounds.one_sided_upper, bounds.two_sided_upper, bounds.contraction_lower):
        assert all(len(exact_text(v).lstrip("-0.").replace(".", "").rstrip("0")) <= 12 for v in values)
    assert bounds.diameter_squared == 4
    assert bounds.bits >= 96
    flat = cf.enclosure.rate_bounds(process(1, [[0]]), "0.01", 3, 2)
    assert (*flat.two_sided_upper, *flat.one_sided_upper, *flat.contraction_lower) == (0,) * 6


def test_false_twins():
    """The value at a panel's end, a bound lowered by a tenth, a wrong contraction, a smaller diameter: all caught."""
    p = LAWS["two-modes"]
    bounds = cf.enclosure.rate_bounds(p, "0.01", 3, 200)
    rate = p.growth_rate_bound(np.array([float(time) for time in bounds.times]))
    i = int(rate[1:].argmin())
    falling = tuple(Fraction(float(value)) for value in rate[1:])
    lower = [*bounds.two_sided_upper]
    lower[i] = lower[i] * Fraction(9, 10)
    for wrong in (
        replace(bounds, one_sided_upper=falling),
        replace(bounds, two_sided_upper=tuple(lower)),
        replace(bounds, contraction_lower=tuple(value * Fraction(99, 100) for value in bounds.contraction_lower)),
        cf.enclosure.rate_bounds(process("0.04", [["-0.99"], ["0.99"]]), "0.01", 3, 200),
    ):
        with pytest.raises(AssertionError):
            inside(p, wrong)


BAD = [
    (lambda: cf.enclosure.rate_bounds("iris", "0.01", 3), "process", "OrnsteinUhlenbeck"),
    (lambda: cf.enclosure.rate_bounds(builtin("two-variances"), "0.01", 3), "mixture", "common-isotropic"),
    (lambda: cf.enclosure.rate_bounds(LAWS["iris"], 0, 3), "s", "a time > 0"),
    (lambda: cf.enclosure.rate_bounds(LAWS["iris"], 3, 3), "s", "a time before t = 3"),
    (lambda: cf.enclosure.rate_bounds(LAWS["iris"], 1, "end"), "t", "a finite number"),
    (lambda: cf.enclosure.rate_bounds(LAWS["iris"], 1, 2, 0), "panels", "from 1 to 100000"),
    (lambda: cf.enclosure.rate_bounds(LAWS["iris"], 1, 2, True), "panels", "from 1 to 100000"),
]


@pytest.mark.parametrize(("call", "field", "required"), BAD)
def test_bad_input(call, field, required):
    with pytest.raises(cf.InputError) as error:
        call()
    assert error.value.field == field
    assert required in str(error.value)

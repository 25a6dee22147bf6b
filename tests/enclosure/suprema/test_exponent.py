"""The integral of the sharp rate (L5, F5), against quadrature in mpmath of the exact rate, and the closed form."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from depth import night
from oracle_sharp import Times, dense_search, line_spread, mpf

import certflow as cf
from certflow.enclosure.suprema.exponent import sharp_stability
from certflow.errors import InputError

pytestmark = pytest.mark.usefixtures("still_clock")
LINE = [(-1,), (0,), (1,)]


def process_of(means, weights=None, variance="0.01"):
    weights = [Fraction(1, len(means))] * len(means) if weights is None else weights
    total = sum(map(Fraction, weights))
    rows = [[Fraction(v) for v in row] for row in means]
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture([Fraction(w) / total for w in weights], rows, Fraction(variance)))


def line_exponent(variance, s, t):
    """`int_s^t lambda*` of equal weights at -1, 0, 1 by quadrature over `r`, split where the maximum moves off 0."""
    late, early = Times(variance, t), Times(variance, s)
    turn = mpmath.log(4)
    edges = [late.r, *([turn] if late.r < turn < early.r else []), early.r]
    return mpmath.quad(line_spread, edges) - mpmath.log(late.v / early.v) / 2


def popoviciu_exponent(variance, square, s, t):
    """F2: `[-1/2 ln v - D^2/(8 c v)]` from `s` to `t`."""
    late, early = Times(variance, t), Times(variance, s)
    c = 1 - mpf(variance)
    return mpmath.log(early.v / late.v) / 2 + mpf(square) / (8 * c) * (1 / early.v - 1 / late.v)


@pytest.fixture(autouse=True)
def forty_digits(reset_precision):
    with mpmath.workdps(40):
        yield


def inside(found, value):
    slack = abs(value) * mpmath.mpf(10) ** -25
    return mpf(found.lower) - slack <= value <= mpf(found.upper) + slack


@pytest.mark.parametrize(
    ("variance", "s", "t"), [*night(("0.01", "0.01", "3")), ("0.25", "0.05", "2"), ("0.01", "0.5", "0.6")]
)
def test_three_on_a_line(variance, s, t):
    value = line_exponent(variance, s, t)
    found = sharp_stability(process_of(LINE, variance=variance), s, t)
    assert inside(found, value)
    assert found.complete
    assert found.relative_gap <= 1e-3
    assert found.lower <= found.upper <= found.popoviciu
    bound = popoviciu_exponent(variance, 4, s, t)
    assert abs(mpf(found.popoviciu) / bound - 1) < mpf("1e-10")
    assert not inside(found, bound)
    assert not inside(found, value + mpmath.log(Times(variance, t).v / Times(variance, s).v) / 100)


def test_the_oracle_agrees_with_quadrature_over_time():
    """`dr = -(m^2/v^2) dt`: the same integral of `lambda*(t)` itself."""
    value = line_exponent("0.25", "0.05", "2")
    turn = mpmath.log(1 / (2 * mpmath.log(4)) + 1 - mpf("0.25")) / 2

    def rate(t):
        m = mpmath.exp(-t)
        v = mpf("0.25") * m**2 + 1 - m**2
        return 1 - 1 / v + m**2 / v**2 * line_spread(m**2 / (2 * v))

    with mpmath.workdps(25):
        assert abs(mpmath.quad(rate, [mpf("0.05"), turn, mpf(2)]) / value - 1) < mpf("1e-15")


@pytest.mark.parametrize(
    ("means", "weights"),
    [
        ([(-1, 0), (1, 0)], [1, 1]),
        ([(-1,), (2,)], [1, 30]),
        ([(0, 0), (2, 0), ("0.5", 1)], [1, 1, 1]),
        ([(0, 0), (2, 0), ("0.5", 1)], [1, 9, 3]),
    ],
    ids=["two modes", "unequal pair", "triangle", "unequal triangle"],
)
def test_where_popoviciu_is_exact_the_closed_form_is_the_value(means, weights):
    rows = [[Fraction(v) for v in row] for row in means]
    square = max(sum((a - b) ** 2 for a, b in zip(p, q, strict=True)) for p in rows for q in rows)
    value = popoviciu_exponent("0.04", square, "0.02", "2")
    found = sharp_stability(process_of(means, weights, "0.04"), "0.02", "2")
    assert inside(found, value)
    assert found.complete
    assert found.relative_gap <= 1e-3
    assert found.lower <= found.upper <= found.popoviciu
    assert not inside(found, value * mpf("0.99"))


def test_a_product_is_the_larger_factor():
    """A line beside a pair of spread 0.3: `V* = max(line, 0.3)` moves from one factor to the other."""
    short = mpmath.sqrt(mpf("0.3"))
    half = Fraction(mpmath.nstr(short, 12))
    means = [(x, y) for x in (-1, 0, 1) for y in (-half, half)]
    late, early = Times("0.04", "2"), Times("0.04", "0.02")
    pair = mpf(half * half)
    cross = mpmath.findroot(lambda r: line_spread(r) - pair, mpf("1.7"))
    spread = mpmath.quad(lambda r: max(line_spread(r), pair), [late.r, mpmath.log(4), cross, early.r])
    value = spread - mpmath.log(late.v / early.v) / 2
    found = sharp_stability(process_of(means, variance="0.04"), "0.02", "2", gap="1e-2")
    assert inside(found, value)
    assert found.complete
    assert found.relative_gap <= 1e-2
    assert not inside(found, line_exponent("0.04", "0.02", "2"))


def test_random_points_of_the_plane_between_a_dense_search_and_popoviciu():
    """The largest values found at nodes of `r`, by Simpson's rule, do not lie above the upper end."""
    rng = np.random.default_rng(3)
    means = np.round(rng.normal(size=(5, 2)), 2)
    process = process_of([tuple(str(v) for v in row) for row in means], variance="0.04")
    found = sharp_stability(process, "0.05", "2", gap="1e-2")
    assert found.complete
    late, early = Times("0.04", "2"), Times("0.04", "0.05")
    nodes = np.linspace(float(late.r), float(early.r), 33)
    values = [dense_search(means, np.full(5, 0.2), r, 1, 600)[0] for r in nodes]
    simpson = sum(v * (1 if k in (0, 32) else 4 if k % 2 else 2) for k, v in enumerate(values))
    simpson *= (nodes[1] - nodes[0]) / 3
    value = simpson - float(mpmath.log(late.v / early.v)) / 2
    assert float(found.lower) * (1 - 2e-3) <= value <= float(found.upper) * (1 + 2e-3)


@pytest.mark.parametrize("variance", ["0.25", "1", "4"])
def test_one_gaussian_is_exact(variance):
    found = sharp_stability(process_of([(1, 2)], variance=variance), "0.1", "1")
    late, early = Times(variance, "1"), Times(variance, "0.1")
    assert abs(mpf(found.upper) - mpmath.log(early.v / late.v) / 2) < mpf("1e-11")
    assert inside(found, mpmath.log(early.v / late.v) / 2) or variance == "1"


def test_a_tighter_gap_is_reached():
    value = line_exponent("0.25", "0.1", "1")
    coarse, fine = (sharp_stability(process_of(LINE, variance="0.25"), "0.1", "1", gap=g) for g in ("0.1", "1e-4"))
    assert coarse.complete
    assert fine.complete
    assert inside(coarse, value)
    assert inside(fine, value)
    assert fine.relative_gap <= 1e-4
    assert fine.panels > coarse.panels


def test_out_of_time_means_a_wider_enclosure(ticking_clock):
    value = line_exponent("0.01", "0.01", "3")
    found = sharp_stability(process_of(LINE), "0.01", "3", seconds=1)
    assert not found.complete
    assert found.relative_gap > 1e-3
    assert inside(found, value)
    assert found.lower <= found.upper <= found.popoviciu


def test_an_enclosure_adds_up():
    """Two halves of the time give the whole."""
    process = process_of([(-1,), ("0.2",), (1,)], [1, 2, 1], "0.09")
    parts = [sharp_stability(process, *ends, gap="1e-2") for ends in (("0.05", "0.4"), ("0.4", "2"))]
    whole = sharp_stability(process, "0.05", "2", gap="1e-2")
    assert sum(part.lower for part in parts) <= whole.upper
    assert whole.lower <= sum(part.upper for part in parts)


BAD = {
    "s of zero": (("0", "1"), {}, "s: got '0'; required: a time > 0"),
    "t before s": (("1", "0.5"), {}, "t: got '0.5'; required: a time later than s = 1"),
    "t equal to s": (("1", "1"), {}, "t: got '1'; required: a time later than s = 1"),
    "no gap": (("0.1", "1"), {"gap": 0}, "gap: got 0; required: a relative gap between 0 and 1"),
    "large gap": (("0.1", "1"), {"gap": 2}, "gap: got 2; required: a relative gap between 0 and 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    ends, options, message = BAD[name]
    with pytest.raises(InputError) as caught:
        sharp_stability(process_of(LINE), *ends, **options)
    assert str(caught.value) == message


def test_other_covariances_are_refused():
    for name in ("two-variances", "anisotropic-pair"):
        with pytest.raises(InputError, match="mixture: got"):
            sharp_stability(cf.OrnsteinUhlenbeck(cf.load_mixture(name)), "0.1", "1")


def test_narrow_modes_have_an_enclosure_though_quadrature_fails_on_wide_panels(ticking_clock):
    value = line_exponent("1e-4", "1e-6", "1")
    found = sharp_stability(process_of(LINE, variance="1e-4"), "1e-6", "1", seconds=200)
    assert inside(found, value)
    assert mpf(found.popoviciu) > 3 * value

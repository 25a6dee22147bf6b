"""Flow tubes against exact maps: quantile transforms on a line, products of them, rotated products; false twins."""

from __future__ import annotations

import dataclasses
import itertools
from fractions import Fraction

import numpy as np
import pytest
from depth import night
from mpmath import mp, mpf

import certflow as cf
from certflow.enclosure import flow_tube
from certflow.enclosure.tubes import steps as flow_steps
from certflow.enclosure.tubes import tube as tubes
from certflow.errors import InputError

#: weights, means, variance of mixtures on a line.
LINES = {
    "two": (["1/2", "1/2"], ["-1", "1"], "0.01"),
    "two-wide": (["1/2", "1/2"], ["-1", "1"], "0.09"),
    "three": (["0.2", "0.5", "0.3"], ["-1.5", "0.1", "0.8"], "0.04"),
    "unequal": (["0.9", "0.1"], ["0", "1.25"], "0.02"),
    "unit": (["0.3", "0.7"], ["-2", "1"], "1"),
    "broad": (["0.3", "0.7"], ["-2", "1"], "4"),
    "one": (["1"], ["0.7"], "0.09"),
}
START, END = "3", "0.01"


# -- the oracle: F_to^{-1}(F_from(x)) and p_from(x) / p_to(y), with nothing but erfc ----------------------


def law_at(line, t):
    """Weights, means, deviation of the law at time `t`."""
    weights, means, variance = LINES[line] if isinstance(line, str) else line
    m = mp.exp(-number(t))
    deviation = mp.sqrt(number(variance) * m * m - mp.expm1(-2 * number(t)))
    return [number(w) for w in weights], [m * number(a) for a in means], deviation


def number(value):
    exact = Fraction(value)
    return mpf(exact.numerator) / exact.denominator


def tails(law, x):
    weights, means, deviation = law
    scaled = [(x - a) / (deviation * mp.sqrt(2)) for a in means]
    below = sum(w * mp.erfc(-z) for w, z in zip(weights, scaled, strict=True)) / 2
    return below, sum(w * mp.erfc(z) for w, z in zip(weights, scaled, strict=True)) / 2


def density(law, x):
    weights, means, deviation = law
    return sum(w * mp.npdf(x, a, deviation) for w, a in zip(weights, means, strict=True))


def exact_flow(line, x, t_from, t_to):
    """`(Phi(x), Phi'(x))` at 60 digits: bisection of the smaller tail, then Newton's method."""
    with mp.workdps(75):
        first, last = law_at(line, t_from), law_at(line, t_to)
        x = number(x)
        side = 0 if tails(first, x)[0] < tails(first, x)[1] else 1
        target, sign = tails(first, x)[side], (1, -1)[side]
        low, high = mpf(-60), mpf(60)
        for _ in range(60):
            middle = (low + high) / 2
            if sign * (tails(last, middle)[side] - target) < 0:
                low = middle
            else:
                high = middle
        y = (low + high) / 2
        for _ in range(6):
            y -= sign * (tails(last, y)[side] - target) / density(last, y)
        return y, density(first, x) / density(last, y)


def process(line):
    weights, means, variance = LINES[line] if isinstance(line, str) else line
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, [[a] for a in means], variance))


def holds(enclosure_or_pair, value):
    """`lower <= value <= upper` for a number of 60 digits."""
    low, high = enclosure_or_pair
    with mp.workdps(75):
        return bool(number(low) <= value <= number(high))


def interval(tube, i=0):
    return tube.lower[i], tube.upper[i]


def norm_interval(tube):
    return tube.derivative_norm.lower, tube.derivative_norm.upper


# -- on a line -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize(
    ("digits", "x"),
    [
        *((12, x) for x in ("1e-7", "2.5")),
        (30, "1e-7"),
        *night(*((12, x) for x in ("-1.7", "0", "0.3"))),
        *night(*((30, x) for x in ("-1.7", "0", "0.3", "2.5"))),
    ],
)
def test_tube_contains_the_quantile_map_and_is_as_narrow_as_asked(line, x, digits):
    tube = flow_tube(process(line), [x], START, END, digits)
    value, slope = exact_flow(line, x, START, END)
    assert tube.complete
    assert tube.outcome == "enclosed"
    assert holds(interval(tube), value)
    assert holds(norm_interval(tube), slope)
    assert tube.radius <= Fraction(1, 10**digits)
    assert tube.derivative_norm.width <= tube.derivative_norm.upper / 10 ** (digits - 3)
    assert tube.reached.lower == tube.reached.upper == Fraction(END)


@pytest.mark.parametrize("line", ["two", "three", "broad"])
@pytest.mark.parametrize("times", [("0.01", "3"), ("0.25", "0.125"), ("0.5", "0"), ("7/2", "0.01"), ("30", "0.3")])
def test_other_times_and_the_noising_direction(line, times):
    tube = flow_tube(process(line), ["0.4"], *times, 20)
    value, slope = exact_flow(line, "0.4", *times)
    assert holds(interval(tube), value)
    assert holds(norm_interval(tube), slope)
    assert tube.radius <= Fraction(1, 10**20)


def test_floats_are_the_binary_numbers_that_they_are():
    tube = flow_tube(process("two"), np.array([0.3]), 3, 0.01, 30)
    assert holds(interval(tube), exact_flow("two", Fraction(0.3), 3, Fraction(0.01))[0])
    assert not holds(interval(tube), exact_flow("two", "0.3", "3", "0.01")[0])


def test_no_time_no_motion():
    tube = flow_tube(process("three"), ["0.3"], "0.7", "0.7", 15)
    assert tube.steps == ()
    assert tube.lower[0] <= Fraction("0.3") <= tube.upper[0]
    assert Fraction(1) in tube.derivative_norm


@pytest.mark.parametrize(("variance", "end"), [("0.01", "0.01"), ("0.09", "0.01"), *night(("0.01", "0"))])
def test_derivative_on_the_separatrix_is_the_closed_form(variance, end):
    """F3: `sqrt(v_s / v_t) exp(D^2 / (8 c) (1 / v_s - 1 / v_t))` at the midpoint of two equal modes, D = 2."""
    tube = flow_tube(process((["1/2", "1/2"], ["-1", "1"], variance)), ["0"], START, end, 25)
    with mp.workdps(60):
        c = 1 - number(variance)
        v_s, v_t = (1 - c * mp.exp(-2 * number(t)) for t in (end, START))
        factor = mp.sqrt(v_s / v_t) * mp.exp((1 / v_s - 1 / v_t) / (2 * c))
    assert factor > 20
    assert holds(norm_interval(tube), factor)
    assert tube.derivative_norm.width < tube.derivative_norm.upper / 10**20
    assert tube.lower[0] <= 0 <= tube.upper[0]
    assert tube.radius <= Fraction(1, 10**25)


# -- in the plane --------------------------------------------------------------------------------------

ROTATIONS = {
    "product": ((1, 0), (0, 1)),
    "rotated": ((Fraction(3, 5), Fraction(-4, 5)), (Fraction(4, 5), Fraction(3, 5))),
}


def product_process(first, second, rotation):
    """Product of two mixtures on a line with one variance, turned by an exact rotation."""
    (w1, m1, variance), (w2, m2, _) = first, second
    weights = [Fraction(a) * Fraction(b) for a, b in itertools.product(w1, w2)]
    means = [turned(rotation, (Fraction(a), Fraction(b))) for a, b in itertools.product(m1, m2)]
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, variance))


def turned(rotation, vector):
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in rotation]


@pytest.mark.parametrize("rotation", ROTATIONS.values(), ids=ROTATIONS)
@pytest.mark.parametrize("point", [("0.3", "-0.2"), ("-1", "0.0001"), *night((("0", "0.5"),))])
def test_products_of_lines(rotation, point):
    first = (["1/2", "1/2"], ["-1", "1"], "0.04")
    second = (["0.2", "0.5", "0.3"], ["-1.5", "0.1", "0.8"], "0.04")
    tube = flow_tube(
        product_process(first, second, rotation), turned(rotation, [Fraction(a) for a in point]), START, END, 25
    )
    maps = [exact_flow(line, a, START, END) for line, a in zip((first, second), point, strict=True)]
    with mp.workdps(60):
        image = [sum(number(a) * y for a, (y, _) in zip(row, maps, strict=True)) for row in rotation]
        slope = max(slope for _, slope in maps)
    assert all(holds(interval(tube, i), image[i]) for i in range(2))
    assert holds(norm_interval(tube), slope)
    assert tube.radius <= Fraction(1, 10**25)
    assert tube.derivative_norm.width < Fraction(1, 10**20) * tube.derivative_norm.upper


@pytest.mark.parametrize("name", ["ring-8", "random-5", "modes-16d"])
def test_builtin_mixtures_agree_with_the_reference_flow(name):
    law = cf.load_mixture(name)
    if law.kind != "common-isotropic":
        pytest.skip("other covariances")
    x = np.random.default_rng(3).normal(size=law.dimension)
    p = cf.OrnsteinUhlenbeck(law)
    tube = flow_tube(p, x, 3, 0.01, 8)
    near = p.flow(x, 3, 0.01)
    assert tube.radius <= Fraction(1, 10**8)
    assert all(
        low - 1e-8 <= value <= high + 1e-8 for low, value, high in zip(tube.lower, near, tube.upper, strict=True)
    )


# -- boxes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "x", "box"), [("two", "0.3", "1e-6"), ("three", "-0.2", "1e-8"), ("broad", "1", "1e-3")]
)
def test_box_contains_the_images_of_its_points(line, x, box):
    tube = flow_tube(process(line), [x], START, END, 15, box=box)
    images = [exact_flow(line, Fraction(x) + Fraction(box) * k / 4, START, END) for k in range(-4, 5)]
    assert tube.complete
    for value, slope in images:
        assert holds(interval(tube), value)
        assert holds(norm_interval(tube), slope)
    spread = float(images[-1][0] - images[0][0])
    assert float(tube.upper[0] - tube.lower[0]) < 1.01 * spread + 1e-15
    assert tube.derivative_norm.width < Fraction(1, 100) * tube.derivative_norm.upper


def test_box_in_the_plane_contains_its_corners():
    first, second = (["1/2", "1/2"], ["-1", "1"], "0.09"), (["1/2", "1/2"], ["-1", "1.5"], "0.09")
    p = product_process(first, second, ROTATIONS["product"])
    tube = flow_tube(p, ["0.3", "-0.2"], START, END, 12, box="1e-5")
    for signs in itertools.product((-1, 1), repeat=2):
        for i, (line, x) in enumerate(((first, "0.3"), (second, "-0.2"))):
            assert holds(interval(tube, i), exact_flow(line, Fraction(x) + Fraction(signs[i], 10**5), START, END)[0])


# -- where it ends early -------------------------------------------------------------------------------


def test_out_of_steps_is_inconclusive_with_the_tube_so_far():
    tube = flow_tube(process("two"), ["0.3"], START, END, 12, max_steps=9)
    assert not tube.complete
    assert tube.outcome == "inconclusive"
    assert len(tube.steps) == 9
    assert Fraction(END) < tube.reached.lower < tube.reached.upper < Fraction(START)
    value, slope = exact_flow("two", "0.3", START, tube.reached.lower)
    margin = Fraction(1, 10**12)
    assert holds((tube.lower[0] - margin, tube.upper[0] + margin), value)
    assert holds((tube.derivative_norm.lower - margin, tube.derivative_norm.upper + margin), slope)


def test_a_box_that_is_torn_apart_is_inconclusive():
    tube = flow_tube(process("two"), ["0"], START, END, 12, box="1e-4")
    assert tube.outcome == "inconclusive"
    assert tube.reached.lower > Fraction(END)
    edge = exact_flow("two", "1e-4", START, tube.reached.lower)[0]
    assert float(tube.lower[0]) < -edge < edge < float(tube.upper[0])


@pytest.mark.parametrize(
    ("line", "x", "times", "complete"),
    [
        (LINES["two"], "0.3", (10**400, "0.01"), True),
        (LINES["two"], "1e300", ("0.01", "1"), True),
        ((["1/2", "1/2"], ["-1", "1"], "1e-30"), "0.1", ("3", "0"), True),
        ((["1/2", "1/2"], ["-1", "1"], "1e30"), "0.1", ("3", "0"), True),
        ((["1/2", "1/2"], ["-1e200", "1e200"], "0.01"), "0.1", ("3", "0.001"), False),
        (LINES["two"], "1e400", ("3", "0.01"), False),
    ],
)
def test_extreme_numbers_end_in_a_tube(line, x, times, complete):
    tube = flow_tube(process(line), [x], *times)
    assert tube.complete is complete
    assert tube.lower[0] <= tube.upper[0]
    assert tube.derivative_norm.lower >= 0


# -- false twins: each must be caught by the oracle ------------------------------------------------------


@pytest.mark.parametrize(("line", "x"), [("two", "0.3"), ("three", "-1.7"), ("unit", "2.5")])
@pytest.mark.parametrize("honest", [True, False])
def test_twin_without_remainder_is_caught(monkeypatch, line, x, honest):
    """Polynomials of order 7 on steps meant for order 22: wide but right with the remainder, wrong without it."""

    def shortened(state, frame, disc, bounds, to, order):
        used = bounds if honest else dataclasses.replace(bounds, drift=bounds.drift * 0)
        return flow_steps.advance(state, frame, disc, used, to, 7)

    monkeypatch.setattr(tubes, "advance", shortened)
    monkeypatch.setattr(tubes, "MAX_ATTEMPTS", 1)
    tube = flow_tube(process(line), [x], START, END, 12)
    assert tube.reached.upper == Fraction(END)
    assert holds(interval(tube), exact_flow(line, x, START, END)[0]) is honest


def test_twin_without_growth_is_caught(monkeypatch):
    honest = flow_steps.spectral_norm
    monkeypatch.setattr(flow_steps, "spectral_norm", lambda matrix, bits: (honest(matrix, bits)[0] * 0,) * 2)
    tube = flow_tube(process("two-wide"), ["0.05"], START, END, 12, box="1e-6")
    edge = exact_flow("two-wide", Fraction("0.05") + Fraction("1e-6"), START, END)[0]
    assert not holds(interval(tube), edge)


def test_twin_with_another_field_is_caught():
    weights = [Fraction(1, 2) + Fraction(1, 10**11), Fraction(1, 2) - Fraction(1, 10**11)]
    tube = flow_tube(process("two"), ["0.3"], START, END, 12)
    value, slope = exact_flow((weights, ["-1", "1"], "0.01"), "0.3", START, END)
    assert not holds(interval(tube), value)
    assert not holds(norm_interval(tube), slope)


def test_twin_with_half_the_covariance_misses_the_derivative(monkeypatch):
    def halved(frame, order):
        expansion = honest(frame, order)
        return dataclasses.replace(
            expansion, derivatives=[expansion.derivatives[0], *(a / 2 for a in expansion.derivatives[1:])]
        )

    honest = flow_steps.expand
    monkeypatch.setattr(flow_steps, "expand", halved)
    tube = flow_tube(process("three"), ["0.3"], START, END, 12)
    assert not holds(norm_interval(tube), exact_flow("three", "0.3", START, END)[1])


# -- input ---------------------------------------------------------------------------------------------

TWO = process("two")


@pytest.mark.parametrize(
    ("arguments", "keywords", "field", "words"),
    [
        (("no process", ["0"], 3, 1), {}, "p", "OrnsteinUhlenbeck"),
        ((TWO, ["0", "1"], 3, 1), {}, "x", "1 numbers"),
        ((TWO, "0", 3, 1), {}, "x", "1 numbers"),
        ((TWO, ["nan"], 3, 1), {}, "x[0]", "finite number"),
        ((TWO, [float("inf")], 3, 1), {}, "x", "finite number"),
        ((TWO, ["0"], -1, 1), {}, "t_from", ">= 0"),
        ((TWO, ["0"], 3, "-0.5"), {}, "t_to", ">= 0"),
        ((TWO, ["0"], "late", 1), {}, "t_from", "finite number"),
        ((TWO, ["0"], 3, 1), {"digits": 0}, "digits", "int from 1"),
        ((TWO, ["0"], 3, 1), {"digits": 12.0}, "digits", "int from 1"),
        ((TWO, ["0"], 3, 1), {"digits": True}, "digits", "int from 1"),
        ((TWO, ["0"], 3, 1), {"box": "-1e-9"}, "box", "half-width >= 0"),
        ((TWO, ["0"], 3, 1), {"max_steps": 0}, "max_steps", "int from 1"),
        ((cf.OrnsteinUhlenbeck(cf.load_mixture("two-variances")), ["0", "0"], 3, 1), {}, "p", "one common isotropic"),
    ],
)
def test_bad_input_names_field_and_requirement(arguments, keywords, field, words):
    with pytest.raises(InputError, match=words) as caught:
        flow_tube(*arguments, **keywords)
    assert caught.value.field.startswith(field)

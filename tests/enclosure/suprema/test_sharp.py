"""Sharp rates (L5) against exact values, dense search and mpmath; thresholds below the supremum are never proved."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import mpmath
import numpy as np
import pytest
from depth import night, some
from oracle_sharp import Times, dense_search, line_spread, mpf, spread_mp, time_of

import certflow as cf
from certflow.enclosure.expressions import ball
from certflow.enclosure.suprema.cover import Budget, Counterexample, Exhausted
from certflow.enclosure.suprema.laws import common_isotropic_task
from certflow.enclosure.suprema.points import Points
from certflow.enclosure.suprema.search import prove
from certflow.enclosure.suprema.sharp import sharp_rate
from certflow.enclosure.suprema.supremum import supremum
from certflow.enclosure.suprema.tasks import Threshold
from certflow.errors import InputError

GAP = Fraction(1, 10**9)
pytestmark = pytest.mark.usefixtures("still_clock")


def process_of(means, weights=None, variance="0.01"):
    weights = [Fraction(1, len(means))] * len(means) if weights is None else weights
    total = sum(map(Fraction, weights))
    rows = [[Fraction(v) for v in row] for row in means]
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture([Fraction(w) / total for w in weights], rows, Fraction(variance)))


@pytest.fixture(autouse=True)
def forty_digits(reset_precision):
    with mpmath.workdps(40):
        yield


def encloses(rate, value):
    """Containment of a rate given to 35 digits or more."""
    slack = (abs(value) + 1e-6) * mpmath.mpf(10) ** -33
    return mpf(rate.lower) - slack <= value <= mpf(rate.upper) + slack


def holds(rate, times, spread, gap=GAP):
    """Containment of the exact value, its `V*` and width."""
    value = times.rate(rate.rate, spread)
    assert encloses(rate, value), (rate.lower, rate.upper, value)
    slack = abs(spread) * mpmath.mpf(10) ** -33
    assert mpf(rate.spread[0]) - slack <= spread <= mpf(rate.spread[1]) + slack
    assert rate.complete
    assert rate.upper - rate.lower <= gap * abs(rate.upper)


# -- exact values -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("r", ["0.2", "0.6", "1", "1.3", "1.38629436", "1.4", "1.7", "2.5", "5"])
@pytest.mark.parametrize("kind", ["one-sided", "two-sided"])
def test_three_on_a_line(r, kind):
    variance = "0.01"
    t = time_of(r, variance)
    times = Times(variance, t)
    rate = sharp_rate(process_of([(-1,), (0,), (1,)]), t, kind)
    holds(rate, times, line_spread(times.r))
    right = times.rate(kind, line_spread(times.r))
    for spread in (line_spread(times.r) * (1 + mpmath.mpf(10) ** -8), mpmath.mpf(1)):  # 1: Popoviciu's inequality
        wrong = times.rate(kind, spread)
        assert encloses(rate, wrong) == (wrong == right)


def test_the_closed_form_of_the_line_is_the_supremum():
    """The oracle itself, by a fine grid of tilts."""
    for r in ("0.2", "1.2", "1.4", "2", "5"):
        grid = [spread_mp([(-1,), (0,), (1,)], [1, 1, 1], mpf(r), [mpf(k) / 40]) for k in range(0, 480)]
        assert max(grid) <= line_spread(mpf(r)) * (1 + mpmath.mpf(10) ** -30)
        assert max(grid) >= line_spread(mpf(r)) * (1 - mpf("1e-3"))


POLYGONS = {
    "square": [(1, 0), (0, 1), (-1, 0), (0, -1)],
    "turned square": [("3/5", "4/5"), ("-4/5", "3/5"), ("-3/5", "-4/5"), ("4/5", "-3/5")],
}


@pytest.mark.parametrize("t", ["0.03", "0.1", "1"])
def test_square(t):
    """The sides along the axes: a product of two pairs, `V* = side^2/4`."""
    times = Times("0.01", t)
    holds(sharp_rate(process_of([(1, 1), (-1, 1), (1, -1), (-1, -1)]), t), times, mpf(1))


@pytest.mark.parametrize("name", POLYGONS)
def test_turned_squares_are_enclosed(name, ticking_clock):
    """The degenerate case, whose other vertices lie on the slab of a side: contained, however wide."""
    times = Times("0.01", "0.1")
    rate = sharp_rate(process_of(POLYGONS[name]), "0.1", seconds=100)
    value = times.one_sided(mpf("1/2"))
    assert encloses(rate, value)
    assert not encloses(rate, times.one_sided(mpf("0.499")))


@pytest.mark.parametrize("t", ["0.01", "0.2", "1"])
def test_ring_of_eight(t):
    """Near the regular octagon, whose `V*` is `R^2/2` for all `r`; exactly above the value at `y = 0`."""
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("ring-8"))
    means = process.mixture.exact_means.fractions.tolist()
    rate = sharp_rate(process, t, gap="1e-8")
    times = Times("0.01", t)
    assert rate.complete
    assert rate.relative_gap <= 1e-8
    middle = times.one_sided(spread_mp(means, [1] * 8, times.r, [0, 0]))
    assert mpf(rate.upper) >= middle
    assert abs(mpf(rate.lower) / times.one_sided(mpf("1/2")) - 1) < 1e-7


def factor(values, weights):
    total = sum(map(Fraction, weights))
    return [((Fraction(v),), Fraction(w) / total) for v, w in zip(values, weights, strict=True)]


PRODUCTS = {
    "3 x 3 grid": [factor([-1, 0, 1], [1, 1, 1]), factor([-1, 0, 1], [1, 1, 1])],
    "2 x 3": [factor([0, "1.5"], [1, 1]), factor([-1, 0, 1], [1, 1, 1])],
    "2 x 3, long pair": [factor([0, 3], [1, 9]), factor([-1, 0, 1], [1, 1, 1])],
    "2 x 2 x 3": [factor([0, 1], [2, 5]), factor([0, "1.1"], [1, 1]), factor([-1, 0, 1], [1, 1, 1])],
    "3 x 3 unequal": [factor([-1, 0, 1], [1, 1, 1]), factor([-1, "0.2", 1], [1, 6, 2])],
}


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("t", ["0.1", "0.6"])
def test_products_are_the_maximum_of_their_factors(name, t):
    times = Times("0.01", t)
    rows, weights, known = [], [], []
    for parts in product(*PRODUCTS[name]):
        rows.append(tuple(part[0][0] for part in parts))
        weights.append(np.prod([part[1] for part in parts]))
    for part in PRODUCTS[name]:
        values, masses = [value[0] for value, _ in part], [mass for _, mass in part]
        if len(values) == 2:
            known.append(mpf((values[1] - values[0]) ** 2 / 4))
        elif values == [-1, 0, 1]:
            known.append(line_spread(times.r))
        else:
            found = sharp_rate(process_of([(v,) for v in values], masses), t)
            known.append(mpf(found.spread[0]))
    rate = sharp_rate(process_of(rows, weights), t)
    assert len(rate.blocks) == len(PRODUCTS[name])
    if name == "3 x 3 unequal":
        assert mpf(rate.spread[1]) >= max(known)
        assert mpf(rate.spread[0]) <= max(known) * (1 + mpf("2e-9"))
        assert rate.complete
    else:
        holds(rate, times, max(known))


@pytest.mark.parametrize("weights", [[1, 1], [1, 999], ["1e-12", 1], ["1e-300", 1]])
@pytest.mark.parametrize("means", [[(-1,), (1,)], [("0.1", 2, -3), (5, "1e-3", 7)], [(0, 0, 0, 0, 0), (1, 1, 1, 1, 1)]])
def test_two_modes(weights, means):
    times = Times("0.01", "0.3")
    square = sum((Fraction(a) - Fraction(b)) ** 2 for a, b in zip(*means, strict=True))
    for kind in ("one-sided", "two-sided"):
        holds(sharp_rate(process_of(means, weights), "0.3", kind), times, mpf(square / 4), Fraction(1, 10**15))


EXPOSED = {
    "triangle": [(0, 0), (2, 0), ("0.5", 1)],
    "obtuse triangle": [(0, 0), (4, 0), (2, "0.01")],
    "tetrahedron": [(0, 0, 0), (1, 0, 0), (0, 2, 0), (0, 0, 3)],
    "simplex in five dimensions": [(0,) * 5, *[tuple(int(i == j) * (i + 1) for j in range(5)) for i in range(5)]],
    "long edge of a hexagon": [(-3, 0), (3, 0), (2, 1), (1, "1.5"), (-1, "1.5"), (-2, 1)],
    "planar in five dimensions": [(0, 0, 0, 0, 0), (2, 1, 0, 1, 1), (1, 1, 1, "0.4", 0)],
}


@pytest.mark.parametrize("name", EXPOSED)
@pytest.mark.parametrize("t", ["0.05", "1"])
def test_an_exposed_diameter_is_exact(name, t):
    means = EXPOSED[name]
    times = Times("0.01", t)
    rate = sharp_rate(process_of(means, range(1, len(means) + 1)), t)
    holds(rate, times, mpf(diameter_squared(means) / 4))
    assert rate.leaves == 0


def diameter_squared(means):
    rows = [[Fraction(v) for v in row] for row in means]
    return max(sum((a - b) ** 2 for a, b in zip(p, q, strict=True)) for p in rows for q in rows)


@pytest.mark.parametrize("apex", [(0, "1e-3"), (0, 1), (0, 3)])
@pytest.mark.parametrize("r", ["2", *night("0.5")])
def test_three_on_an_exposed_edge(apex, r, ticking_clock):
    """Far out along the normal the apex vanishes: the value of the line is a limit, and often the supremum."""
    t = time_of(r, "0.01")
    times = Times("0.01", t)
    means = [(-1, 0), (0, 0), (1, 0), apex]
    rate = sharp_rate(process_of(means), t, seconds=60 if apex == (0, "1e-3") else 10_000)
    assert mpf(rate.upper) >= times.one_sided(line_spread(times.r)) * (1 - mpf("1e-30"))
    assert mpf(rate.lower) >= times.one_sided(line_spread(times.r)) * (1 - mpf("1e-12"))
    found, y = dense_search(np.array(means, dtype=float), np.full(4, 0.25), float(times.r), 1)
    assert mpf(rate.spread[1]) >= spread_mp(means, [1] * 4, times.r, y)
    assert mpf(rate.spread[0]) <= max(mpf(found), line_spread(times.r)) * (1 + mpf("1e-4"))
    if apex == (0, 3):  # the slanted edges of length 10^{1/2} are exposed
        holds(rate, times, mpf("2.5"))
    if apex == (0, 1) and r == "2":
        holds(rate, times, mpf("0.5"))


def test_lower_dimensional_means_keep_their_value():
    """The line and the plane, rotated into five dimensions by a rational isometry."""
    times = Times("0.01", "0.2")
    axis = (Fraction(2, 5), Fraction(2, 5), Fraction(4, 5), Fraction(1, 5), 0)  # of length 1
    line = [tuple(k * a + b for a, b in zip(axis, (1, 2, 3, 4, 5), strict=True)) for k in (-1, 0, 1)]
    holds(sharp_rate(process_of(line), "0.2"), times, line_spread(times.r))
    other = (Fraction(3, 5), 0, 0, 0, Fraction(4, 5))
    first = (Fraction(4, 5), 0, 0, 0, Fraction(-3, 5))
    plane = [(0, 0), (2, 1), (-1, 1), (0, -2), (1, "-0.5"), (-1, -1)]
    embedded = [tuple(Fraction(x) * a + Fraction(y) * b for a, b in zip(first, other, strict=True)) for x, y in plane]
    one, two = (sharp_rate(process_of(means, [1, 2, 1, 3, 1, 1]), "0.2") for means in (plane, embedded))
    assert one.complete
    assert two.complete
    assert one.lower <= two.upper
    assert two.lower <= one.upper


def test_a_weight_of_almost_nothing_counts():
    """The far point of weight 1e-12 is reached by a tilt: the supremum is that of the whole support."""
    times = Times("0.01", "0.5")
    means = [(-1,), (0,), (4,)]
    rate = sharp_rate(process_of(means, [1, 1, "1e-12"]), "0.5")
    found, y = dense_search(np.array(means, dtype=float), np.array([0.5, 0.5, 5e-13]), float(times.r), 2)
    exact = spread_mp(means, [1, 1, "1e-12"], times.r, y)
    assert rate.complete
    assert found > 3
    assert mpf(rate.spread[0]) <= exact * (1 + mpf("1e-6"))
    assert mpf(rate.spread[1]) >= exact
    without = sharp_rate(process_of(means[:2]), "0.5")
    assert without.upper < rate.lower


def test_equal_means_merge():
    times = Times("0.01", "0.2")
    process = process_of([(-1,), (0,), (1,), (0,)], [2, 1, 2, 1])
    rate = sharp_rate(process, "0.2")
    holds(rate, times, line_spread(times.r))
    assert rate.witness.components == (0, 1, 2, 3)


@pytest.mark.parametrize("kind", ["one-sided", "two-sided"])
@pytest.mark.parametrize("t", ["0.01", "0.5", "3"])
def test_one_gaussian(kind, t):
    for variance in ("0.01", "1", "4"):
        rate = sharp_rate(process_of([(1, 2), (1, 2)], variance=variance), t, kind)
        assert encloses(rate, Times(variance, t).rate(kind, mpmath.mpf(0)))
        assert rate.complete


def test_two_sided_where_the_other_end_dominates():
    """Late times and narrow modes: `|1/v - 1|` is the norm; early ones: the spread."""
    seen = set()
    for variance, t in (("0.01", "0.02"), ("0.01", "2"), ("0.3", "0.05"), ("9", "0.1"), ("0.64", "0.1")):
        times = Times(variance, t)
        spread = line_spread(times.r)
        growth = times.m**2 / times.v**2 * spread - (1 / times.v - 1)
        seen.add(bool(growth > abs(1 / times.v - 1)))
        rate = sharp_rate(process_of([(-1,), (0,), (1,)], variance=variance), t, "two-sided")
        assert encloses(rate, max(growth, abs(1 / times.v - 1)))
        assert rate.relative_gap <= 1e-9
        assert rate.complete
    assert seen == {True, False}


# -- random mixtures ------------------------------------------------------------------------------------------


def random_case(d, count, seed):
    rng = np.random.default_rng([seed, d, count])
    means = np.round(rng.normal(size=(count, d)), 3)
    weights = np.round(rng.uniform(0.1, 1, count), 2)
    return [tuple(str(v) for v in row) for row in means], [str(w) for w in weights], means, weights


def antipodal(d, count, seed):
    """Unit vectors and their opposites, moved a little: the longest distances run through the inside."""
    rng = np.random.default_rng([seed, d, count])
    half = rng.normal(size=(count // 2, d))
    half /= np.linalg.norm(half, axis=1)[:, None]
    means = np.round(np.concatenate([half, -half]) + 0.1 * rng.normal(size=(count, d)), 3)
    weights = np.round(rng.uniform(0.1, 1, count), 2)
    return [tuple(str(v) for v in row) for row in means], [str(w) for w in weights], means, weights


RANDOM = [(1, 4, "0.05"), (1, 9, "0.3"), (1, 14, "0.02"), (2, 4, "0.1"), (2, 6, "0.03"), (2, 9, "0.4"), (2, 14, "0.1")]
RANDOM_3D = [(3, 5, "0.1", "1e-9"), *night((3, 6, "0.4", "1e-7"), (3, 8, "0.2", "1e-6"))]


@pytest.mark.parametrize(("d", "count", "t", "gap"), [(*case, "1e-9") for case in RANDOM] + RANDOM_3D)
def test_random_mixtures(d, count, t, gap):
    rows, weights, means, floats = random_case(d, count, 7)
    process = process_of(rows, weights)
    times = Times("0.01", t)
    rate = sharp_rate(process, t, gap=gap)
    assert rate.complete
    assert rate.relative_gap <= float(gap)
    found, y = dense_search(means, floats / floats.sum(), float(times.r), 3)
    exact = spread_mp(rows, weights, times.r, y)
    assert abs(exact / found - 1) < 1e-9
    assert mpf(rate.spread[1]) >= exact
    if d < 3:  # the search comes near the lower bound
        assert mpf(rate.spread[0]) <= exact * (1 + mpf("1e-4"))
    witnessed(process, rate)


def witnessed(process, rate):
    """The witness, with the field of the package in mpmath: at the point, or in the limit."""
    with mpmath.workdps(60):
        point, direction = rate.witness.point, rate.witness.direction
        lower = mpf(rate.lower)
        values = []
        for s in (0,) if direction is None else (10, 1000, 10**5):
            x = [mpf(p) + s * mpf(e) for p, e in zip(point, direction or point, strict=True)] if s else map(mpf, point)
            jacobian = process.jacobian(np.array(list(x), dtype=object), mpf(rate.time))
            values.append(max(mpmath.eigsy(mpmath.matrix((-jacobian).tolist()), eigvals_only=True)))
        slack = abs(lower) * mpmath.mpf(10) ** (-19 if direction is None else -15)
        assert values[-1] >= lower - slack
        return values


@pytest.mark.parametrize(("d", "count", "t"), [(2, 4, "0.05"), (2, 8, "0.1"), *night((3, 8, "0.1"), (3, 8, "0.5"))])
def test_antipodal_mixtures(d, count, t):
    rows, weights, means, floats = antipodal(d, count, 1)
    process = process_of(rows, weights)
    times = Times("0.01", t)
    gap = "1e-9" if d == 2 else "1e-6"
    rate = sharp_rate(process, t, gap=gap)
    assert rate.complete
    assert rate.relative_gap <= float(gap)
    assert rate.leaves > 0
    assert mpf(rate.spread[1]) < mpf(diameter_squared(rows) / 4) * mpf("0.95")
    _, y = dense_search(means, floats / floats.sum(), float(times.r), 3)
    assert mpf(rate.spread[1]) >= spread_mp(rows, weights, times.r, y)
    witnessed(process, rate)


@pytest.mark.parametrize("name", ["triangle", "obtuse triangle", "tetrahedron", "long edge of a hexagon"])
def test_witnesses_at_infinity_converge(name):
    process = process_of(EXPOSED[name])
    rate = sharp_rate(process, "0.1")
    assert rate.witness.direction is not None
    assert len(rate.witness.components) == 2
    values = witnessed(process, rate)
    assert values[0] <= values[-1] * (1 + mpf("1e-30"))
    flipped = [-e for e in rate.witness.direction]
    other = type(rate.witness)(rate.witness.point, tuple(flipped), rate.witness.components)
    with pytest.raises(AssertionError):
        witnessed(process, type("Rate", (), {"witness": other, "lower": rate.lower, "time": rate.time}))


def test_a_witness_that_is_moved_reaches_less():
    process = process_of([(-1,), (0,), (1,)])
    rate = sharp_rate(process, "0.1")
    witnessed(process, rate)
    moved = type(rate.witness)((rate.witness.point[0] + Fraction(1, 100),), None, rate.witness.components)
    with pytest.raises(AssertionError):
        witnessed(process, type("Rate", (), {"witness": moved, "lower": rate.lower, "time": rate.time}))


# -- what must not be proved ------------------------------------------------------------------------------------

LOWERED = {
    "three on a line": ([(-1,), (0,), (1,)], [1, 1, 1], "0.5"),
    "three on a line, late r": ([(-1,), (0,), (1,)], [1, 1, 1], "3"),
    "five on a line": ([(-2,), (-1,), (0,), (1,), (2,)], [1, 1, 1, 1, 1], "1"),
    "unequal line": ([(-2,), ("0.3",), (2,)], [1, 3, 2], "0.7"),
    "triangle": ([(0, 0), (2, 0), ("0.5", 1)], [1, 1, 1], "1"),
    "obtuse triangle": ([(0, 0), (4, 0), (2, "0.1")], [1, 1, 4], "0.3"),
    "square with centre": ([(1, 1), (-1, 1), (1, -1), (-1, -1), (0, 0)], [1, 1, 1, 1, 3], "1"),
    "three on an edge": ([(-1, 0), (0, 0), (1, 0), (0, 1)], [1, 1, 1, 1], "1"),
    **{f"plane {k}": (*random_case(2, k, 11)[:2], "1") for k in (5, 7, 9)},
    **{f"far plane {k}": (*random_case(2, k, 12)[:2], "20") for k in (6, 10)},
    **{f"antipodal {d} {k}": (*antipodal(d, k, 1)[:2], "1") for d, k in ((2, 4), (2, 8), (3, 8))},
    **{f"space {k}": (*random_case(3, k, 13)[:2], "1") for k in (5, 6)},
}


@pytest.mark.parametrize("name", some(LOWERED, 2))
@pytest.mark.parametrize("below", [1e-6, *night(1e-8, 1e-3)])
def test_lowered_thresholds_are_never_proved(name, below, ticking_clock):
    means, weights, r = LOWERED[name]
    total = sum(map(Fraction, weights))
    points = Points.of(
        tuple(tuple(Fraction(v) for v in row) for row in means), tuple(Fraction(w) / total for w in weights)
    )
    task = common_isotropic_task(points, ball(Fraction(r)))
    true = supremum(task, points, lambda value: 1e-7, 30, points.diameter_squared / 4).best.value
    budget = Budget(40_000 if points.dimension < 3 else 4_000, math.inf)
    with pytest.raises((Counterexample, Exhausted)):
        prove(task, points.faces, Threshold(true * (1 - below)), budget)


@pytest.mark.parametrize("name", ["three on a line", "five on a line", "unequal line", "plane 5", "far plane 6"])
def test_raised_thresholds_are_proved(name):
    """The twin of the refusals: they do not come from a search that proves nothing."""
    means, weights, r = LOWERED[name]
    total = sum(map(Fraction, weights))
    points = Points.of(
        tuple(tuple(Fraction(v) for v in row) for row in means), tuple(Fraction(w) / total for w in weights)
    )
    task = common_isotropic_task(points, ball(Fraction(r)))
    best = supremum(task, points, lambda value: 1e-6, math.inf, points.diameter_squared / 4).best
    assert prove(task, points.faces, Threshold(best.value * (1 + 1e-6)), Budget(40_000, math.inf)).leaves


# -- budgets and bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["one-sided", *night("two-sided")])
def test_out_of_time_means_a_wider_enclosure(kind, ticking_clock):
    rows, weights, *_ = random_case(2, 9, 7)
    process = process_of(rows, weights)
    full = sharp_rate(process, "0.1", kind, seconds=10_000)
    hasty = sharp_rate(process, "0.1", kind, seconds=1)
    assert full.complete
    assert not hasty.complete
    assert hasty.relative_gap > 1e-9
    assert hasty.lower <= full.upper
    assert hasty.upper >= full.lower
    assert hasty.upper - hasty.lower > full.upper - full.lower
    popoviciu = Times("0.01", "0.1").rate(kind, mpf(diameter_squared(rows) / 4))
    assert mpf(hasty.upper) <= popoviciu * (1 + mpf("1e-18"))


def test_in_four_dimensions_popoviciu_is_all():
    means = [tuple(s * (i == j) for j in range(4)) for i in range(4) for s in (-1, 1)]
    rate = sharp_rate(process_of(means), "0.1")
    times = Times("0.01", "0.1")
    assert not rate.complete
    assert mpf(rate.upper) >= times.one_sided(mpf(1)) * (1 - mpf("1e-18"))
    assert rate.lower < rate.upper


@pytest.mark.parametrize("scale", [20, -20])
def test_the_unit_of_length_does_not_matter_for_containment(scale):
    unit = Fraction(2) ** scale
    variance = Fraction(1, 100) * unit**2
    t = "1e-6" if scale < 0 else "1"
    times = Times(variance, t)
    rate = sharp_rate(process_of([(-unit,), (0,), (unit,)], variance=variance), t)
    value = times.one_sided(mpf(unit**2) * line_spread(times.r * mpf(unit**2)))
    assert encloses(rate, value)


@pytest.mark.parametrize("gap", ["1e-9", "1e-14", "1e-30"])
@pytest.mark.parametrize("t", ["0.1", "0.75", "0.7510377", "3"])
def test_complete_means_that_the_gap_was_reached(gap, t):
    """Also where the rate is nearly zero, or the gap is below what float64 can reach."""
    for kind in ("one-sided", "two-sided"):
        rate = sharp_rate(process_of([(-1,), (0,), (1,)]), t, kind, gap=gap)
        reached = rate.upper - rate.lower <= Fraction(gap) * abs(rate.upper)
        assert rate.complete == reached


BAD = {
    "rate": ({"rate": "both"}, "rate: got 'both'; required: one of one-sided, two-sided"),
    "kind": ({"kind": "both"}, "kind: got 'both'; required: one of one-sided, two-sided"),
    "rate and kind": (
        {"rate": "two-sided", "kind": "one-sided"},
        "kind: got 'one-sided'; required: the same as rate = 'two-sided', of which it is another name",
    ),
    "zero time": ({"t": 0}, "t: got 0; required: a time > 0"),
    "late time": ({"t": "1e4"}, "t: got '1e4'; required: a time of at most 300, where the rate is below 1e-250"),
    "later than float64": (
        {"t": "1e400"},
        "t: got '1e400'; required: a time of at most 300, where the rate is below 1e-250",
    ),
    "negative time": ({"t": "-1"}, "t: got '-1'; required: a time > 0"),
    "no gap": ({"gap": 0}, "gap: got 0; required: a relative gap between 0 and 1"),
    "gap of one": ({"gap": "1"}, "gap: got '1'; required: a relative gap between 0 and 1"),
    "no seconds": ({"seconds": 0}, "seconds: got 0; required: a number of seconds > 0"),
    "negative seconds": ({"seconds": -1.5}, "seconds: got -1.5; required: a number of seconds > 0"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    arguments, message = BAD[name]
    t = arguments.pop("t") if "t" in arguments else "0.1"
    with pytest.raises(InputError) as caught:
        sharp_rate(process_of([(-1,), (1,)]), t, **arguments)
    assert str(caught.value) == message


def test_kind_is_another_name_of_rate():
    """Of two narrow modes, late, `L* = 1/v - 1`, and `lambda*` is below it."""
    process = process_of([(-1,), (1,)], variance="0.09")
    named = sharp_rate(process, "1.5", rate="two-sided")
    assert sharp_rate(process, "1.5", kind="two-sided") == sharp_rate(process, "1.5", "two-sided") == named
    assert sharp_rate(process, "1.5", rate="two-sided", kind="two-sided") == named
    assert (named.rate, named.kind) == ("two-sided", "two-sided")
    other = sharp_rate(process, "1.5", kind="one-sided")
    assert (other.rate, other.kind) == ("one-sided", "one-sided")
    assert other.upper < named.lower


def test_bad_process():
    with pytest.raises(InputError, match=r"process: got 3; required: a certflow\.OrnsteinUhlenbeck"):
        sharp_rate(3, "0.1")
    with pytest.raises(InputError, match="t: got 'soon'"):
        sharp_rate(process_of([(-1,), (1,)]), "soon")


def test_full_covariances_are_refused():
    with pytest.raises(InputError) as caught:
        sharp_rate(cf.OrnsteinUhlenbeck(cf.load_mixture("anisotropic-pair")), "0.1")
    assert caught.value.field == "mixture"
    assert "full covariances" in str(caught.value)
    assert "common-isotropic" in str(caught.value)

"""Floors under B-Lipschitz maps: against mpmath, convex programs, the ODE, and random maps that try to go under."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from depth import night, nightly
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, lsq_linear
from sklearn.isotonic import isotonic_regression

import certflow as cf
from certflow.composition.floors import best_map, mean_square_floor, pairing_floor, second_moment, symmetric_floor
from certflow.composition.segments import flow_constant, segment_table, segments_needed
from certflow.composition.sup_norm import sup_floor
from certflow.errors import InputError
from certflow.flow.quantile_map import Marginal, QuantileMap, _increasing_root
from certflow.law.symmetry import symmetries


def process_of(means, variance, weights=None, t_min="0.01"):
    weights = weights or [f"1/{len(means)}"] * len(means)
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, [[m] for m in means], variance), t_min, "3")


PAIR = process_of(["-1", "1"], "0.01")
UNEQUAL = process_of(["-1", "1"], "0.01", ["0.3", "0.7"])
THREE = process_of(["-1", "0.2", "1.5"], ["0.01", "0.04", "0.02"], ["0.2", "0.5", "0.3"])
EVERY = {"pair": PAIR, "unequal": UNEQUAL, "three": THREE}


# -- the quantile map ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["unequal", "three", *night("pair")])
def test_the_quantile_map_is_the_flow(name):
    process = EVERY[name]
    z = np.concatenate([np.linspace(-4, 4, 33), [1e-3, -1e-6]])
    flow = process.flow(z[:, None], process.t_max, process.t_min)[:, 0]
    np.testing.assert_allclose(QuantileMap(process)(z), flow, atol=2e-9)
    np.testing.assert_allclose(QuantileMap(process, 0.7, 0.2)(z), process.flow(z[:, None], 0.7, 0.2)[:, 0], atol=1e-9)
    np.testing.assert_allclose(QuantileMap(process, 0.2, 0.7)(z), process.flow(z[:, None], 0.2, 0.7)[:, 0], atol=1e-9)


@pytest.mark.parametrize("name", EVERY)
def test_a_curve_extends_to_where_no_mass_is_left_and_not_further(name):
    """All but 1e-20 of the mass, by complementary error functions; and not all but 1e-25, for panels cost."""
    process, t = EVERY[name], 0.3
    low, high = Marginal(process, t).reach
    m, mixture = mpmath.exp(-t), process.mixture
    below, above = mpmath.mpf(0), mpmath.mpf(0)
    for weight, mean, variance in zip(mixture.weights, mixture.means[:, 0], mixture.covariance_matrices, strict=True):
        deviation = mpmath.sqrt(2 * (variance[0, 0] * m * m - mpmath.expm1(-2 * t)))
        below += weight * mpmath.erfc((m * mean - low) / deviation) / 2
        above += weight * mpmath.erfc((high - m * mean) / deviation) / 2
    assert min(below, above) > 1e-25
    assert below + above < 1e-20


@pytest.mark.parametrize("power", [1, 3, 9, 31])
def test_a_root_at_which_newton_s_method_is_slow(power):
    """`(y - r)^power`: a step takes `1/power` of the way, so that 130 of them end far off; bisection does not."""
    root = np.array([0.3, -0.7])

    def function(y, which):
        return (y - root[which]) ** power, power * (y - root[which]) ** (power - 1)

    found = _increasing_root(function, np.array([-1.0, -3.0]), np.array([2.0, 1.0]))
    assert found == pytest.approx(root, abs=1e-9)


@pytest.mark.parametrize("name", EVERY)
def test_nodes_integrate_moments_of_both_ends(name):
    process = EVERY[name]
    nodes = QuantileMap(process).nodes()
    mixture, m = process.mixture, np.exp(-process.t_max)
    assert nodes.mean(np.ones_like(nodes.z)) == pytest.approx(1, abs=1e-13)
    assert nodes.mean(nodes.x**2) == pytest.approx(second_moment(process), rel=1e-12)
    assert nodes.mean(nodes.z) == pytest.approx(m * float(mixture.weights @ mixture.means[:, 0]), abs=1e-13)
    assert np.all(np.diff(nodes.z) >= 0)
    assert np.all(np.diff(nodes.x) >= 0)
    gentle = nodes.slope[:-1] < 100
    secant = np.diff(nodes.x)[gentle] / np.diff(nodes.z)[gentle]
    between = np.sort([nodes.slope[:-1][gentle], nodes.slope[1:][gentle]], axis=0)
    assert np.mean((secant > 0.98 * between[0]) & (secant < 1.02 * between[1])) > 0.99


def test_cut_panels_leave_integrals_alone():
    flow = QuantileMap(THREE)
    nodes = flow.nodes()
    cut = flow.refine(nodes, np.array([0, 500, 501, len(nodes.z) - 1]), 5)
    assert len(cut.z) > len(nodes.z)
    assert np.all(np.diff(cut.z + cut.x) > 0)
    assert cut.mean(cut.x**3) == pytest.approx(nodes.mean(nodes.x**3), rel=1e-12)
    np.testing.assert_array_equal(cut.low[1:], cut.high[:-1])


# -- M2 --------------------------------------------------------------------------------------------------------


def pair_by_mpmath(budget):
    """The crossing `Phi(z*) = B z*` and the relative floor, as an integral over the data end, in mpmath.

    Shares nothing with the package: the map is a root of distribution functions, in the other variable.
    """
    mp = mpmath.mp
    mp.dps = 25
    ends = [mp.mpf(3), mp.mpf("0.01")]

    def parts(t):
        m = mp.exp(-t)
        return m, mp.sqrt(m * m / 100 + 1 - m * m)

    def survival(x, t):
        m, width = parts(t)
        return (mp.erfc((x - m) / width / mp.sqrt(2)) + mp.erfc((x + m) / width / mp.sqrt(2))) / 4

    def density(x, t):
        m, width = parts(t)
        return (mp.npdf(x, m, width) + mp.npdf(x, -m, width)) / 2

    def back(x):
        return mp.findroot(lambda y: survival(y, ends[0]) - survival(x, ends[1]), (0, 3), solver="anderson", tol=1e-40)

    crossing = mp.findroot(lambda x: x - budget * back(x), (mp.mpf("0.2"), mp.mpf("1.2")), solver="anderson")
    total = 2 * mp.quad(
        lambda x: density(x, ends[1]) * (x - budget * back(x)) ** 2, [0, crossing / 4, crossing / 2, crossing]
    )
    m, width = parts(ends[1])
    return float(total / (m * m + width * width))


@pytest.mark.parametrize("budget", [10, *night(5)])
def test_two_modes_against_mpmath(budget):
    exact = pair_by_mpmath(budget)
    if budget == 10:
        assert exact == pytest.approx(5.92277627971589e-3, rel=1e-13)
    pairing, optimum = symmetric_floor(PAIR, budget), best_map(PAIR, budget).floor
    for floor in (pairing, optimum):
        assert floor.relative == pytest.approx(exact, rel=1e-11)
        assert floor.error < 1e-9 * floor.value
        assert floor.attained


@pytest.mark.parametrize("sigma", ["0.05", "0.1", "0.2", "0.4"])
@pytest.mark.parametrize("budget", [1.5, 4.0, 30.0])
def test_pairing_and_projection_agree_for_two_modes(sigma, budget):
    from certflow.distill.students.one_step import two_modes

    process = two_modes(sigma)
    pairing, optimum = symmetric_floor(process, budget), best_map(process, budget).floor
    assert pairing.attained
    assert abs(pairing.value - optimum.value) <= 1e-7 * optimum.value + 1e-15
    assert (optimum.value > 0) == (budget < process.amplification(process.t_min, process.t_max))


def discrete(process, points):
    """Values on a grid with masses, for convex programs; the map by the ODE and not by quantiles."""
    z = np.linspace(-4, 4, points)
    mass = np.exp(process.log_density(z[:, None], process.t_max))
    return z, process.flow(z[:, None], process.t_max, process.t_min, rtol=1e-8)[:, 0], mass / mass.sum()


def least_squares(z, phi, mass, low, high):
    """`min sum w (g - Phi)^2`, slopes of `g` in [low, high]: a bounded least-squares problem in the increments."""
    steps = np.tril(np.ones((len(z), len(z))))
    root = np.sqrt(mass)[:, None]
    gaps = np.diff(z)
    bounds = np.concatenate([[-50], low * gaps]), np.concatenate([[50], high * gaps])
    found = lsq_linear(root * steps, root[:, 0] * phi, bounds, method="bvls", tol=1e-15, max_iter=2000)
    return 2 * found.cost, steps @ found.x


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("budget", [1.5, 5.0])
def test_the_projection_solves_the_convex_program_with_both_limits(name, budget):
    z, phi, mass = discrete(EVERY[name], 121)
    projected = isotonic_regression(budget * z - phi, sample_weight=mass)
    own = float(mass @ (budget * z - phi - projected) ** 2)
    both, g = least_squares(z, phi, mass, -budget, budget)
    assert own == pytest.approx(both, rel=1e-6)
    np.testing.assert_allclose(budget * z - projected, g, atol=1e-3)
    tighter, _ = least_squares(z, phi, mass, 0, budget)  # a nondecreasing map does as well
    assert tighter == pytest.approx(both, rel=1e-6)


def test_the_discrete_program_tends_to_the_floor():
    gaps = []
    for points in (200, 1600, 12_800):
        z = np.linspace(-6, 6, points)  # an even number: none on the separatrix
        phi = QuantileMap(UNEQUAL)(z)
        mass = np.exp(UNEQUAL.log_density(z[:, None], UNEQUAL.t_max)) * (z[1] - z[0])
        values = 5 * z - phi
        gaps.append(abs(mass @ (values - isotonic_regression(values, sample_weight=mass)) ** 2))
    floor = best_map(UNEQUAL, 5.0).floor.value
    errors = np.abs(np.array(gaps) / floor - 1)
    assert errors[2] < 1e-3
    assert errors[2] < errors[0]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("budget", [0.05, 2.0, 10.0])
def test_the_best_map_has_slopes_between_zero_and_the_budget(name, budget):
    optimum = best_map(EVERY[name], budget)
    nodes, best = optimum.nodes, optimum.best
    steps = np.diff(best)
    assert steps.min() >= -1e-12
    assert (steps - budget * np.diff(nodes.z)).max() <= 1e-12
    assert nodes.mean((best - nodes.x) ** 2) == pytest.approx(optimum.floor.value, rel=1e-9)


@settings(max_examples=25)
@given(
    name=st.sampled_from(sorted(EVERY)),
    budget=st.floats(0.2, 20),
    slopes=st.lists(st.floats(-1, 1), min_size=12, max_size=12),
    towards=st.floats(0, 1),
)
def test_no_lipschitz_map_goes_under(name, budget, slopes, towards):
    optimum = best_map(EVERY[name], budget)
    nodes = optimum.nodes
    knots = np.linspace(-3, 3, 13)
    values = np.concatenate([[0], np.cumsum(np.array(slopes) * budget * np.diff(knots))])
    other = np.interp(nodes.z, knots, values - values[6])
    g = towards * optimum.best + (1 - towards) * other  # also B-Lipschitz
    assert not optimum.floor.is_violated_by(nodes.mean((g - nodes.x) ** 2))


def test_a_wrong_factor_and_a_steeper_map_are_caught():
    """Twins: 1/2 for 1/4 in M2, and a map of budget 6 passed off as one of budget 5."""
    optimum = best_map(PAIR, 5.0)
    reached = optimum.nodes.mean((optimum.best - optimum.nodes.x) ** 2)
    assert not optimum.floor.is_violated_by(reached)
    assert replace(optimum.floor, value=2 * optimum.floor.value).is_violated_by(reached)
    assert optimum.floor.is_violated_by(best_map(PAIR, 6.0).floor.value)
    assert not optimum.floor.is_violated_by(0.99 * reached, uncertainty=0.01 * reached)


@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize("error", [0.0, 1.0, np.inf, np.nan])
def test_what_is_no_finite_number_violates_nothing(value, error):
    floor = best_map(PAIR, 5.0).floor
    assert not replace(floor, value=value).is_violated_by(error)
    assert not replace(floor, error=value).is_violated_by(error)
    assert not floor.is_violated_by(error if error > 0 else 1.0, uncertainty=value)
    assert not floor.is_violated_by(np.nan)
    assert floor.is_violated_by(0.0)


def test_a_pairing_can_be_far_from_the_optimum():
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("line-3"), "0.01", "3")
    pairing, optimum = symmetric_floor(process, 2.0), best_map(process, 2.0).floor
    assert pairing.value == 0
    assert not pairing.attained
    assert optimum.relative == pytest.approx(2.683e-3, rel=1e-3)


def test_a_symmetric_mixture_off_the_origin_has_the_same_floor():
    shifted = process_of(["0.5", "2.5"], "0.01")
    for floor in (symmetric_floor(shifted, 5.0), best_map(shifted, 5.0).floor):
        assert floor.value == pytest.approx(symmetric_floor(PAIR, 5.0).value, rel=1e-9)


# -- M1 --------------------------------------------------------------------------------------------------------


def test_sup_norm_of_two_modes_against_the_tangent():
    """The largest fall is between the points where `Phi' = B`: `Phi(z0) - B z0`, in mpmath."""
    mp = mpmath.mp
    mp.dps = 30
    m = [mp.exp(-mp.mpf(t)) for t in ("3", "0.01")]
    width = [mp.sqrt(a * a / 100 + 1 - a * a) for a in m]

    def survival(x, k):
        return sum(mp.erfc((x - s * m[k]) / width[k] / mp.sqrt(2)) for s in (-1, 1)) / 4

    def density(x, k):
        return (mp.npdf(x, m[k], width[k]) + mp.npdf(x, -m[k], width[k])) / 2

    def image(z):
        return mp.findroot(lambda x: survival(x, 1) - survival(z, 0), (0, 3), solver="illinois", verify=False)

    z0 = mp.findroot(lambda z: density(z, 0) / density(image(z), 1) - 5, (0.005, 0.05), solver="illinois", verify=False)
    floor = sup_floor(PAIR, 5)
    assert floor.value == pytest.approx(float(image(z0) - 5 * z0), rel=1e-8)


@pytest.mark.parametrize("name", EVERY)
def test_sup_norm_is_the_value_of_a_linear_program(name):
    budget = 4.0
    z = np.linspace(-3, 3, 400)
    phi = QuantileMap(EVERY[name])(z)
    n = len(z)
    eye, gaps = np.eye(n), budget * np.diff(z)
    differences = np.diff(eye, axis=0)
    rows = np.concatenate([eye, -eye, differences, -differences])
    slack = np.concatenate([-np.ones(2 * n), np.zeros(2 * (n - 1))])[:, None]
    right = np.concatenate([phi, -phi, gaps, gaps])
    found = linprog(
        [*np.zeros(n), 1], A_ub=np.hstack([rows, slack]), b_ub=right, bounds=[(None, None)] * n + [(0, None)]
    )
    floor = sup_floor(EVERY[name], budget)
    assert found.fun <= floor.value + 1e-9  # fewer constraints
    assert found.fun == pytest.approx(floor.value, rel=0.06)


def test_sup_norm_is_infinite_below_the_slope_at_infinity():
    assert sup_floor(PAIR, 0.1).value == np.inf
    assert np.isfinite(sup_floor(PAIR, 0.2).value)


def test_sup_norm_in_the_plane_is_that_of_the_line():
    mixture = cf.GaussianMixture(["0.5", "0.5"], [["-1", "0"], ["1", "0"]], "0.04")
    floor = sup_floor(cf.OrnsteinUhlenbeck(mixture, "0.01", "3"), 3.0)
    assert floor.value == pytest.approx(sup_floor(process_of(["-1", "1"], "0.04"), 3.0).value, rel=1e-12)
    assert floor.attained


def test_sup_norm_of_a_square_is_that_of_both_lines_at_once():
    """The best map of each coordinate is off by `f`, both together by `sqrt(2) f`, and one pair says so."""
    corners = [["-1", "-1"], ["-1", "1"], ["1", "-1"], ["1", "1"]]
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1/4"] * 4, corners, "0.04"), "0.01", "3")
    floor = sup_floor(process, 3.0)
    assert floor.value == pytest.approx(2**0.5 * sup_floor(process_of(["-1", "1"], "0.04"), 3.0).value, rel=1e-12)
    assert floor.attained
    assert own_pair(process, floor) == pytest.approx(floor.value, rel=1e-6)


def own_pair(process, floor):
    """Half of `|Phi(x) - Phi(y)| - B |x - y|` for the pair that a floor names, by the ODE."""
    moved = process.flow(floor.pair, process.t_max, process.t_min, rtol=1e-11)
    return (np.linalg.norm(np.diff(moved, axis=0)) - floor.budget * np.linalg.norm(np.diff(floor.pair, axis=0))) / 2


@pytest.mark.parametrize("name", ["two-variances", "anisotropic-pair", "ring-8"])
def test_sup_norm_without_factors_is_that_of_the_pair_that_it_names(name):
    process = cf.OrnsteinUhlenbeck(cf.load_mixture(name), "0.01", "3")
    floor = sup_floor(process, 3.0, pairs=64)
    assert not floor.attained
    assert 0 < floor.value == pytest.approx(own_pair(process, floor), abs=1e-7)


def test_points_of_the_sup_norm_are_carried_once_for_all_budgets():
    class Counted(cf.OrnsteinUhlenbeck):
        carried = 0

        def flow(self, x, t_from, t_to, rtol=1e-10):
            Counted.carried += len(x) > 2  # without the two ends of the largest fall
            return super().flow(x, t_from, t_to, rtol)

    process = Counted(cf.load_mixture("anisotropic-pair"), "0.01", "3")
    first = sup_floor(process, 3.0, pairs=16)
    before = Counted.carried
    assert before > 0
    other = sup_floor(process, 2.0, pairs=16)
    assert Counted.carried == before
    assert other.value > first.value
    assert sup_floor(process, 3.0, pairs=16).value == first.value
    sup_floor(process, 3.0, pairs=16, seed=1)
    assert Counted.carried > before


@pytest.mark.parametrize("dimension", [1, 3])
def test_one_gaussian_has_a_floor_below_its_slope_only(dimension):
    """`Phi` is linear: with a constant below its slope no distance is finite, with that constant it is 0."""
    law = cf.GaussianMixture([1], [["0.5"] * dimension], "1")  # a standard normal's flow is the identity
    process = cf.OrnsteinUhlenbeck(law, "0.01", "3")
    assert sup_floor(process, 0.9).value == np.inf
    assert sup_floor(process, 1.0).value == pytest.approx(0, abs=1e-12)


# -- laws far from the origin, or beyond float64 ---------------------------------------------------------------


def floors_of_halves(budget):
    """M2 and M1 of modes at -1/2 and 1/2 of variance 1/100: `2 int_0^{z*} p_T (Phi - B z)^2` and `Phi(z0) - B z0`."""
    mp = mpmath.mp.clone()
    mp.dps = 20
    m = [mp.exp(-mp.mpf(t)) for t in ("3", "0.01")]
    width = [mp.sqrt(a * a / 100 + 1 - a * a) for a in m]

    def survival(x, k):
        return sum(mp.erfc((x - s * m[k] / 2) / width[k] / mp.sqrt(2)) for s in (-1, 1)) / 4

    def density(x, k):
        return (mp.npdf(x, m[k] / 2, width[k]) + mp.npdf(x, -m[k] / 2, width[k])) / 2

    def image(z):
        return mp.findroot(lambda x: survival(x, 1) - survival(z, 0), (0, 2), solver="illinois", verify=False)

    def slope(z):
        return density(z, 0) / density(image(z), 1)

    steepest = mp.findroot(lambda z: slope(z) - budget, (mp.mpf("1e-9"), mp.mpf("0.04")), solver="illinois")
    last = mp.findroot(lambda z: image(z) - budget * z, (steepest, mp.mpf("0.05")), solver="illinois")
    square = 2 * mp.quad(lambda z: density(z, 0) * (image(z) - budget * z) ** 2, [0, steepest, last])
    return float(square), float(image(steepest) - budget * steepest)


FLOORS = {"best map": lambda p, b: best_map(p, b).floor, "pairing": symmetric_floor, "sup": sup_floor}


@pytest.mark.parametrize("offset", ["0", "-1e14", *night("1e3", "1e10")])
@pytest.mark.parametrize("name", FLOORS)
def test_a_law_far_from_the_origin_has_the_floor_of_the_law_at_the_origin(name, offset):
    """The values are those of modes at -1/2 and 1/2; only the scale is that of the law where it stands."""
    process = process_of([Fraction(offset), Fraction(offset) + 1], "0.01")
    floor = FLOORS[name](process, 10.0)
    expected = floors_of_halves(10)[name == "sup"]
    assert floor.value == pytest.approx(expected, rel=2e-7)
    assert floor.error < 1e-4 * floor.value
    assert floor.attained
    places = [Fraction(offset), Fraction(offset) + 1]
    m2 = mpmath.exp(mpmath.mpf("-0.02"))
    scale = m2 * (mpmath.mpf(int(2 * sum(v * v for v in places))) / 4 + mpmath.mpf("0.01")) + 1 - m2
    assert floor.scale == pytest.approx(float(scale), rel=1e-12)
    power = 0.5 if name == "sup" else 1
    assert floor.relative == pytest.approx(expected / float(scale) ** power, rel=2e-7)


@pytest.mark.parametrize("offset", [0, 10**9])
@pytest.mark.parametrize("norm", ["mean-square", "sup"])
def test_floors_of_laws_in_the_plane_far_from_the_origin(norm, offset):
    """Of a product of lines; the pair that a sup norm names lies where the law does."""
    corners = [[x + offset, y - offset] for x in (-1, 1) for y in (-1, 1)]
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1/4"] * 4, corners, "0.04"), "0.01", "3")
    line = process_of(["-1", "1"], "0.04")
    floor = sup_floor(process, 3.0) if norm == "sup" else mean_square_floor(process, 3.0)
    alone = sup_floor(line, 3.0).value * 2**0.5 if norm == "sup" else 2 * best_map(line, 3.0).floor.value
    assert floor.value == pytest.approx(alone, rel=1e-9)
    assert floor.attained
    if norm == "sup":
        assert floor.pair.mean() == pytest.approx(0, abs=1e-3 * (1 + offset / 1e6))
        assert floor.pair[:, 0].mean() == pytest.approx(offset * np.exp(-3), abs=1, rel=1e-9)


@nightly  # every day, above: of modes on a line
def test_a_pairing_far_from_the_origin_is_that_at_the_origin():
    near = [
        cf.GaussianMixture(["1/2"] * 2, [[-1 + c, 0], [1 + c, 0]], [[["0.04", 0], [0, "0.09"]]] * 2) for c in (0, 10**8)
    ]
    floors = [pairing_floor(cf.OrnsteinUhlenbeck(law, "0.01", "3"), 5.0, samples=64) for law in near]
    assert floors[1].value == pytest.approx(floors[0].value, rel=1e-6)
    assert floors[1].error == pytest.approx(floors[0].error, rel=1e-6)
    assert floors[1].scale == pytest.approx(np.exp(-0.02) * 1e16, rel=1e-6)


def test_the_optimum_is_returned_where_the_law_lies():
    here, there = best_map(UNEQUAL, 5.0), best_map(process_of(["99", "101"], "0.01", ["0.3", "0.7"]), 5.0)
    np.testing.assert_allclose(there.nodes.z - 100 * np.exp(-3), here.nodes.z, atol=1e-9)
    np.testing.assert_allclose(there.best - 100 * np.exp(-0.01), here.best, atol=1e-9)
    again = best_map(process_of(["99", "101"], "0.01", ["0.3", "0.7"]), 5.0, there.nodes)
    assert again.floor.value == pytest.approx(here.floor.value, rel=1e-6)


def test_segments_of_a_law_far_from_the_origin():
    tables = [segment_table(process_of([Fraction(c), Fraction(c) + 1], "0.01"), 10, (1, 2)) for c in (0, 10**10)]
    assert tables[1].constant == tables[0].constant
    sizes = [second_moment(process_of([Fraction(c), Fraction(c) + 1], "0.01")) for c in (0, 10**10)]
    floors = [table.rows[0].floor * size for table, size in zip(tables, sizes, strict=True)]
    assert floors[1] == pytest.approx(floors[0], rel=1e-9)


@pytest.mark.parametrize("norm", ["mean-square", "sup"])
@pytest.mark.parametrize("half", ["1e16", "1e100", "1e140"])
@pytest.mark.filterwarnings("error")
def test_modes_whose_widths_float64_loses_have_no_floor(half, norm):
    for rest in ([], ["0"]):
        means = [[f"-{half}", *rest], [half, *rest]]
        process = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1/2", "1/2"], means, "0.01"))
        with pytest.raises(InputError, match="mixture: got 'modes too far apart for their widths'"):
            process.mismatch_floor(10, norm)


@pytest.mark.parametrize("half", ["1e9", "1e12", "1e20", "1e100"])
@pytest.mark.parametrize("name", ["best map", "pairing"])
def test_nothing_is_attained_within_an_error_as_large_as_the_value(name, half):
    """The true value is about a quarter of `E|Phi|^2` and more; what the quadrature has lost is in its error."""
    floor = FLOORS[name](process_of(["-" + half, half], "0.01"), 10.0)
    assert floor.value < floor.error
    assert not floor.attained


@pytest.mark.parametrize("name", FLOORS)
def test_a_budget_above_the_steepest_slope_leaves_nothing_and_the_flow_attains_it(name):
    wide = process_of(["-0.5", "0.5"], "1")
    floor = FLOORS[name](wide, 4.0)
    assert floor.value == 0
    assert floor.error < 1e-12
    assert floor.attained


# -- symmetries ------------------------------------------------------------------------------------------------


def names(weights, means, covariances):
    return [family.name for family in symmetries(cf.GaussianMixture(weights, means, covariances))]


def test_symmetries_are_decided_exactly():
    square = [["1", "1"], ["1", "-1"], ["-1", "1"], ["-1", "-1"]]
    quarter = ["1/4"] * 4
    assert names(quarter, square, "0.1") == ["point reflection", "2 reflections", "2 reflections"]
    off = [["1", "1"], ["1", "-1"], ["-1", "1"], ["-1.0000000000000000000001"] * 2]
    assert names(quarter, off, "0.1") == ["1 reflection"]  # the diagonal
    third = ["1/3", "1/3", "1/3"]
    assert names(third, [["-1"], ["0"], ["1"]], "0.1") == ["point reflection", "1 reflection"]
    assert names(["0.3", "0.3000000001", "0.3999999999"], [["-1"], ["1"], ["0"]], "0.1") == []
    assert names(["0.2", "0.3", "0.5"], [["-1"], ["-1"], ["1"]], "0.1") != []  # equal components are one


def test_a_turned_covariance_is_reflected_with_the_means():
    tilt, mirror = [["2", "1"], ["1", "2"]], [["2", "-1"], ["-1", "2"]]
    half = ["1/2", "1/2"]
    assert names(half, [["-1", "0"], ["1", "0"]], [tilt, mirror]) == ["1 reflection"]
    assert names(half, [["-1", "0"], ["1", "0"]], [tilt, tilt]) == ["point reflection"]
    assert names(half, [["-1", "0"], ["1", "0"]], tilt) == ["point reflection"]


def test_a_symmetry_commutes_with_the_flow():
    mixture = cf.GaussianMixture(["1/4"] * 4, [["1", "1"], ["3", "1"], ["1", "2"], ["3", "2"]], "0.1")
    process = cf.OrnsteinUhlenbeck(mixture, "0.05", "2")
    x = np.random.default_rng(3).normal(size=(6, 2))
    for family in symmetries(mixture):
        for projector in family.projectors:
            flip = np.eye(2) - 2 * projector
            from_, to = (np.exp(-t) * family.centre for t in (2.0, 0.05))
            turned = process.flow(from_ + (x - from_) @ flip, 2.0, 0.05)
            np.testing.assert_allclose(turned, to + (process.flow(x, 2.0, 0.05) - to) @ flip, atol=1e-7)


# -- M3 --------------------------------------------------------------------------------------------------------


def test_the_constant_of_an_equal_pair_is_attained():
    constant = flow_constant(PAIR)
    assert constant.attained == "F3"
    assert constant.lower == constant.upper == PAIR.stability(PAIR.t_min, PAIR.t_max)
    steepest = np.log(QuantileMap(PAIR).nodes().slope.max())
    assert constant.upper - 0.01 < steepest <= constant.upper


def test_other_mixtures_stay_below_the_bound():
    for process in (UNEQUAL, process_of(["-1", "0", "1"], "0.01")):
        constant = flow_constant(process)
        assert constant.attained is None
        nodes = QuantileMap(process).nodes()
        assert np.log(nodes.slope.max()) - 1e-9 <= constant.lower < constant.upper
    unbounded = flow_constant(cf.OrnsteinUhlenbeck(cf.load_mixture("anisotropic-pair"), "0.01", "3"))
    assert unbounded.upper is None


@pytest.mark.parametrize(
    ("exponent", "budget", "needed"),
    [(np.log(125), 5, 3), (np.log(126), 5, 4), (-1, 0.5, 1), (1, 1, None), (0, 1, 1), (14.7956, 5, 10), (0, 2, 1)],
)
def test_segments_needed(exponent, budget, needed):
    assert segments_needed(exponent, budget) == needed


def test_the_table_of_an_equal_pair():
    table = segment_table(PAIR, 5.0, (1, 2, 9, 10))
    assert table.needed == table.sufficient == 10
    assert [row.enough for row in table.rows] == [False, False, False, True]
    floors = [row.floor for row in table.rows]
    assert floors[0] > floors[1] > floors[2] > 0 == floors[3]
    balanced = cf.time_grid(PAIR, 9, "stability-balanced").times
    for t, s in itertools.pairwise(balanced):
        assert PAIR.amplification(s, t) == pytest.approx(table.rows[2].segment_lipschitz, rel=1e-9)


def test_the_best_map_is_a_composition():
    """M3.4: two maps with half the exponent each compose to the best map of the whole budget."""
    optimum = best_map(PAIR, 25.0)
    z, g = optimum.nodes.z, optimum.best
    apart = np.concatenate([[True], np.diff(z) > 1e-9])
    z, g = z[apart], g[apart]
    slopes = np.diff(g) / np.diff(z)
    first = np.maximum(slopes, 1) ** 0.5
    middle = np.concatenate([[0], np.cumsum(first * np.diff(z))])
    second = np.diff(g) / np.diff(middle)
    assert first.max() <= 5 + 1e-6
    assert second.min() + 1e-9 >= 0
    assert second.max() <= 5 + 1e-6
    np.testing.assert_allclose(np.interp(np.interp(z, z, middle), middle, g), g, atol=1e-12)


# -- bad input -------------------------------------------------------------------------------------------------

PLANE = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3")
BAD = {
    "budget zero": (lambda: best_map(PAIR, 0), "budget", "a finite Lipschitz constant B > 0"),
    "budget infinite": (lambda: sup_floor(PAIR, np.inf), "budget", "B > 0"),
    "budget a text": (lambda: symmetric_floor(PAIR, "5"), "budget", "B > 0"),
    "budget of segments": (lambda: segments_needed(1.0, 0), "budget", "B > 0"),
    "two dimensions": (lambda: best_map(PLANE, 5.0), "mixture", "one dimension"),
    "not symmetric": (lambda: symmetric_floor(UNEQUAL, 5.0), "mixture", "symmetric about its mean"),
    "no symmetry": (lambda: pairing_floor(THREE, 5.0), "mixture", "a point reflection or a reflection"),
    "one sample": (lambda: pairing_floor(PLANE, 5.0, samples=1), "samples", "an int >= 2"),
    "no segments": (lambda: segment_table(PAIR, 5.0, (0,)), "segments", "ints from 1 to 1000"),
    "time zero": (lambda: QuantileMap(PAIR, 0.0), "t_from", "time > 0"),
    "late time": (lambda: QuantileMap(PAIR, 1.0, np.inf), "t_to", "time > 0"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    call, field, requirement = BAD[case]
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.field == field
    assert requirement in caught.value.requirement

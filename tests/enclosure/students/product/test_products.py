"""Students over product laws, against quantile maps and Gauss and Legendre's rule that are written here."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from depth import night
from planar import flowed
from scipy.special import ndtr

import certflow as cf
from certflow.enclosure.students.maps import ExactMap
from certflow.enclosure.students.product import error as errors
from certflow.errors import InputError
from certflow.law.factors import coordinate_lines

#: Weights, means and variances of the coordinates; the second has different variances, the third is one Gaussian.
LINES = (
    (["1/2", "1/2"], ["-1", "1"], ["1/16", "1/16"]),
    (["1/4", "3/4"], ["-1", "1/2"], ["1/10", "1/25"]),
    (["1"], ["1/4"], ["1/2"]),
    (["2/3", "1/3"], ["0", "1/2"], ["1/5", "1/5"]),
)
START, END = Fraction(5, 2), Fraction(1, 50)


def law(lines):
    weights, means, covariances = [], [], []
    for parts in itertools.product(*(zip(*line, strict=True) for line in lines)):
        weights.append(math.prod(Fraction(w) for w, _, _ in parts))
        means.append([mu for _, mu, _ in parts])
        covariances.append([[v if i == j else 0 for j in range(len(parts))] for i, (_, _, v) in enumerate(parts)])
    return cf.GaussianMixture(weights, means, covariances)


def process(d):
    return cf.OrnsteinUhlenbeck(law(LINES[:d]), END, START)


def student(d, seed=0, width=12):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(d, width)) / d**0.5, rng.normal(size=(width, d)) / width**0.5
    one, zero = np.ones(d), np.zeros(d)
    return ExactMap(weights, (rng.normal(size=width) / 2, zero), "silu", 0.8, zero, one, zero, 0.3 * one)


def numbers(line):
    return [np.array([float(Fraction(x)) for x in part]) for part in line]


def at(line, t):
    """Weights, centres and widths at a time."""
    w, mu, v = numbers(line)
    m = float(np.exp(-float(t)))
    return w, m * mu, np.sqrt(m * m * v + 1 - m * m)


def back(line, y):
    """`F_T^{-1}(F_delta(y))` by bisection on the smaller tail."""

    def tails(x, t):
        w, mu, s = at(line, t)
        z = (x[:, None] - mu) / s
        return ndtr(z) @ w, ndtr(-z) @ w

    below, above = tails(y, END)
    low, high = np.full(len(y), -60.0), np.full(len(y), 60.0)
    for _ in range(80):
        middle = (low + high) / 2
        one, other = tails(middle, START)
        left = np.where(below < 0.5, one < below, other > above)
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    return (low + high) / 2


def exact_error(lines, maps, panels=12, reach=6.0):
    """Panels of 4 points along each axis, their ends where the components are."""
    nodes, rule = np.polynomial.legendre.leggauss(4)
    points, masses, images, moment = [], [], [], 0.0
    for line in lines:
        w, mu, s = at(line, END)
        edges = np.linspace((mu - reach * s).min(), (mu + reach * s).max(), panels + 1)
        half = np.diff(edges)[:, None] / 2
        axis = ((edges[1:] + edges[:-1])[:, None] / 2 + half * nodes).ravel()
        density = np.exp(-(((axis[:, None] - mu) / s) ** 2) / 2) / (np.sqrt(2 * np.pi) * s) @ w
        points.append(axis)
        masses.append(density * (half * rule).ravel())
        images.append(back(line, axis))
        moment += float(w @ (mu * mu + s * s))
    y = np.stack(np.meshgrid(*points, indexing="ij"), -1).reshape(-1, len(lines))
    x = np.stack(np.meshgrid(*images, indexing="ij"), -1).reshape(-1, len(lines))
    mass = math.prod(np.ix_(*masses)).ravel()
    for one in maps:
        x = one(x)
    return float(((x - y) ** 2).sum(1) @ mass) / moment


@pytest.mark.parametrize(("d", "rtol", "panels"), [(2, "1e-3", 40), (3, "0.05", 16), *night((3, "0.01", 24))])
def test_the_error_contains_quadrature(d, rtol, panels):
    maps = [student(d, seed) for seed in range(2)]
    found = cf.enclosure.student_error(process(d), maps, [START, 1, END], rtol=rtol, seconds=math.inf)
    exact = exact_error(LINES[:d], maps, panels)
    assert found.complete
    assert found.lower <= exact * (1 + 1e-4 * (d > 2))
    assert exact * (1 - 1e-4 * (d > 2)) <= found.upper
    assert found.upper - found.lower <= Fraction(rtol) * found.upper
    assert found.tail < 1e-12
    cells = found.cells
    assert cells.low.shape == (len(cells.bound), d)
    assert len(cells.bound) < 4000
    # the cells are disjoint and cover a box
    assert np.prod(cells.high - cells.low, axis=1).sum() == pytest.approx(np.prod(cells.high.max(0) - cells.low.min(0)))


@pytest.mark.parametrize("d", [2, 3])
def test_the_exact_flow_of_one_gaussian_errs_by_nothing(d):
    """Of `N(mu, v I)` the flow is affine: a student that is its nearest float64 numbers errs by roundings alone."""
    mean, v = np.array([0.5, -0.25, 0.125])[:d], 0.25
    m, n = np.exp(-float(START)), np.exp(-float(END))
    slope = np.sqrt((n * n * v + 1 - n * n) / (m * m * v + 1 - m * m))
    one, zero = np.ones(d), np.zeros(d)
    exact = ExactMap((np.zeros((d, d)),), (zero,), "relu", float(slope), zero, one, (n - slope * m) * mean, one)
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [mean.tolist()], v), END, START)
    found = cf.enclosure.student_error(p, exact, [START, END], seconds=60)
    assert found.upper < 1e-6


def test_four_dimensions_within_a_wide_enclosure():
    """A mild map: no more is carried in four dimensions every day; the rule is good to a percent."""
    found = cf.enclosure.student_error(process(4), student(4, width=4), [START, END], rtol="0.4", seconds=math.inf)
    exact = exact_error(LINES, [student(4, width=4)], 5)
    assert found.complete
    assert len(found.cells.bound) < 20_000
    assert found.lower <= exact * 1.01
    assert exact * 0.99 <= found.upper


def test_a_budget_that_is_too_small_gives_what_is_proved():
    maps = [student(3)]
    found = cf.enclosure.student_error(process(3), maps, [START, END], rtol="1e-6", seconds=0.01)
    assert not found.complete
    assert found.lower <= exact_error(LINES[:3], maps) <= found.upper


def flow_and_cells(d=2, rounds=3):
    """A flow with cells that are larger than a student wants, so that what is left out counts."""
    flow = errors.ProductFlow(coordinate_lines(law(LINES[:d])), START, END)
    places = flow.covering(4.0)
    for i in range(rounds):
        places = errors._halves(flow, places, np.full(len(places), i % d))
    return flow, places


def broken(flow, local, maps, rng):
    """On how many cells the error at a point is not within the radius of the polynomial."""
    centre, half = flow.ends(local.places)
    eta = np.where(rng.random(centre.shape) < 0.5, rng.uniform(-1, 1, centre.shape), rng.choice([-1.0, 1.0]))
    y = centre + half * eta
    x = np.stack([back(line, y[:, a]) for a, line in enumerate(LINES[: flow.dimension])], 1)
    for one in maps:
        x = one(x)
    powers = np.array([np.prod(eta ** np.array(m), axis=1) for m in flow.basis.monomials])
    polynomial = np.einsum("tn,tnd->nd", powers, local.coefficients)
    gap = np.linalg.norm(x - y - polynomial, axis=1)
    assert (np.linalg.norm(x - y, axis=1) <= local.largest + 1e-8).all()
    return int((gap > local.radius + 1e-8).sum())


def test_errors_on_cells_contain_those_at_points():
    flow, places = flow_and_cells(2, 4)
    maps = [student(2, 1), student(2, 2)]
    local = errors.local_errors(flow, maps, places, errors.Far(flow, maps))
    assert broken(flow, local, maps, np.random.default_rng(0)) == 0
    # and on most cells they are small
    assert np.median(local.radius) < 0.05


@pytest.mark.parametrize("twin", ["no remainder", "no flow error"])
def test_a_student_without_its_errors_is_caught(twin, monkeypatch):
    flow, places = flow_and_cells(2, 2)
    maps = [student(2, 1), student(2, 2)]
    far, right, models = errors.Far(flow, maps), errors.push, errors.ProductFlow.models
    if twin == "no remainder":

        def bare(basis, *rest):
            found = right(basis, *rest)
            kept = found.coefficients.copy()
            kept[basis.size :] = 0
            return found._replace(coefficients=kept, remainder=0 * found.remainder)

        monkeypatch.setattr(errors, "push", bare)
    else:
        monkeypatch.setattr(
            errors.ProductFlow, "models", lambda self, p: models(self, p)._replace(remainder=np.zeros(p.shape))
        )
    monkeypatch.setattr(far, "on", lambda p: np.full(len(p), np.inf))
    local = errors.local_errors(flow, maps, places, far)
    local.largest[:] = np.inf
    assert broken(flow, local, maps, np.random.default_rng(0)) > 0


def test_a_tail_that_is_left_out_is_caught(monkeypatch):
    """Cells that reach one standard deviation: with the tail the enclosure holds, without it it is false."""
    monkeypatch.setattr(errors, "CUTS", (1.0,))
    maps = [student(2)]
    exact = exact_error(LINES[:2], maps, 30)
    flow = errors.ProductFlow(coordinate_lines(law(LINES[:2])), START, END)
    exact *= float(flow.second_moment.mid())
    part = errors.mean_square(flow, maps, 0.02, 0.3)
    assert part.lower <= exact <= part.upper
    assert part.tail > 0.1 * exact
    monkeypatch.setattr(errors.Far, "tail", lambda *_: 0.0)
    cut = errors.mean_square(flow, maps, 0.02, math.inf)
    assert cut.complete
    assert not cut.lower <= exact <= cut.upper


def test_a_law_that_is_no_product_is_not_taken_for_one():
    """The marginals alone do not make the law: with weights that are no product their enclosure is false."""
    weights = ["2/5", "1/10", "1/10", "2/5"]
    means = [[x, y] for x in (-1, 1) for y in (-1, 1)]
    mixture = cf.GaussianMixture(weights, means, "1/16")
    assert coordinate_lines(mixture) is None
    marginal = (["1/2", "1/2"], ["-1", "1"], ["1/16", "1/16"])
    product = cf.GaussianMixture(["1/4"] * 4, means, "1/16")
    lines = coordinate_lines(product)
    assert [[float(x[0]) for x in line.means] for line in lines] == [[-1, 1], [-1, 1]]
    maps = [student(2)]
    found = cf.enclosure.student_error(cf.OrnsteinUhlenbeck(product, END, START), maps, [START, END], rtol="1e-3")
    assert found.lower <= exact_error([marginal] * 2, maps, 40) <= found.upper
    # Of the law itself, by Gauss and Hermite's rule around each mean and SciPy's flow of the velocity.
    points, rule = np.polynomial.hermite_e.hermegauss(24)
    grid = np.stack(np.meshgrid(points, points, indexing="ij"), -1).reshape(-1, 2)
    mass = np.outer(rule, rule).ravel() / (2 * np.pi)
    m = np.exp(-float(END))
    spread = np.sqrt(m * m / 16 + 1 - m * m)
    w, mu = [0.4, 0.1, 0.1, 0.4], np.array(means, float)
    y = np.concatenate([m * mean + spread * grid for mean in mu])
    x = flowed(w, mu, 1 / 16, y, float(END), float(START), 1e-7)
    square = ((maps[0](x) - y) ** 2).sum(1) @ np.concatenate([one * mass for one in w])
    assert not found.lower <= square / (2 * spread**2 + 2 * m * m) <= found.upper


def test_lines_of_coordinates_are_exact():
    lines = coordinate_lines(law(LINES))
    for line, (weights, means, variances) in zip(lines, LINES, strict=True):
        found = zip(line.exact_weights.fractions, line.exact_means.fractions[:, 0], strict=True)
        assert sorted(found) == sorted((Fraction(w), Fraction(mu)) for w, mu in zip(weights, means, strict=True))
        spread = np.broadcast_to(np.ravel(line.exact_covariances.fractions), len(weights))
        assert sorted(spread) == sorted(Fraction(v) for v in variances)
    turned = cf.GaussianMixture([0.5, 0.5], [[0, 0], [1, 0]], [[1, "1/2"], ["1/2", 1]])
    assert coordinate_lines(turned) is None
    nearly = cf.GaussianMixture([0.25, 0.25, 0.25, 0.25 + 1e-12], [[0, 0], [0, 1], [1, 0], [1, 1]], 1)
    assert coordinate_lines(nearly) is None


def test_what_is_refused_is_told_in_one_line():
    simplex = cf.GaussianMixture(["1/3"] * 3, np.eye(3).tolist(), "0.1")
    required = r"mixture: got .3 dimensions.; required: at most 2, or 4 for a product of laws of the coordinates"
    with pytest.raises(InputError, match=required):
        cf.enclosure.student_error(cf.OrnsteinUhlenbeck(simplex, END, START), student(3), [START, END])
    five = cf.GaussianMixture([1], [[0] * 5], 1)
    with pytest.raises(InputError, match=r"mixture: got .5 dimensions"):
        cf.enclosure.student_error(cf.OrnsteinUhlenbeck(five, END, START), student(5), [START, END])

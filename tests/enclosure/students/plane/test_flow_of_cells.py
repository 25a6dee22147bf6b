"""Cells carried towards noise: what is proved of them holds against SciPy's flow and against quantile maps."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from depth import cases, night
from planar import atlas, clock, evaluated, flowed, of_triangle, quantile_map, triangle
from scipy.integrate import quad, trapezoid

import certflow as cf
from certflow.enclosure.students.plane import field, flow
from certflow.enclosure.students.plane.atlas import charted
from certflow.enclosure.students.plane.between import Between, largest_eigenvalue
from certflow.enclosure.students.plane.cells import Boxes, moments, restricted
from certflow.enclosure.students.plane.collocation import collocation
from certflow.enclosure.students.plane.flow import carried
from certflow.enclosure.students.plane.law import straight_law
from certflow.enclosure.students.taylor import Basis

MP = mpmath.MPContext()
MP.prec = 100

#: The oracle's own error, in `z`.
ORACLE = 3e-9


def some_boxes(rng, count, half, reach=3.5):
    middle = rng.uniform(-reach, reach, (count, 2))
    return Boxes(middle - half, middle + half)


def corners_and_inside(rng, boxes, enlarged=True):
    """Points of each cell, with their `eta`: a corner, a side, inside."""
    eta = rng.uniform(-1, 1, boxes.low.shape)
    for i in range(len(eta)):
        if i % 3:
            eta[i, : i % 3] = np.sign(eta[i, : i % 3])
    if not enlarged:
        eta = eta * 15 / 16
    return eta, boxes.centre + boxes.half * eta


def violations(law, basis, boxes, images, oracle_back, oracle_forth, rng):
    """How many claims are broken: of the noise end, of the data end."""
    eta, y = corners_and_inside(rng, boxes)
    x = evaluated(basis, images.polynomials, eta)
    noise = np.linalg.norm(oracle_back(y * law.scale_data) / law.scale_noise - x, axis=1)
    data = np.linalg.norm(oracle_forth(x * law.scale_noise) / law.scale_data - y, axis=1)
    # Going back to the data end the oracle's error grows.
    return (noise > images.noise_error + ORACLE).sum(), (data > images.data_error + 100 * ORACLE).sum()


def images_of(law, degree, boxes, tolerance=1e-3):
    basis = Basis(2, degree)
    return basis, carried(basis, law, boxes, np.full(len(boxes.low), 1e-3), tolerance)


@pytest.mark.parametrize(
    ("degree", "half", "share"), [(4, 0.1, 0.9), *night((2, 0.05, 0.9), (3, 0.2, 0.2), (4, 0.3, 0.1))]
)
def test_images_of_cells_of_the_triangle_are_within_their_errors(degree, half, share):
    rng = np.random.default_rng(3)
    law = straight_law(triangle())
    boxes = some_boxes(rng, cases(40), half)
    basis, images = images_of(law, degree, boxes)
    broken = violations(
        law, basis, boxes, images, lambda y: of_triangle(y, 0.01, 3.0), lambda x: of_triangle(x, 3.0, 0.01), rng
    )
    assert broken == (0, 0)
    # and the errors are small: of small cells nearly all have one at the data end
    assert np.isfinite(images.data_error).mean() >= share
    if half < 0.2:
        assert np.median(images.noise_error) < 3e-3


def test_images_of_a_product_are_pairs_of_quantile_maps():
    """Four modes at (+-1, +-1/2), weights a product: each coordinate flows by itself."""
    rng = np.random.default_rng(5)
    a, b = [0.25, 0.75], [0.5, 0.5]
    weights = [x * y for x in a for y in b]
    means = [[x, y] for x in (-1, 1) for y in (-0.5, 0.5)]
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, 0.09), 0.02, 2.5)
    law = straight_law(process)
    boxes = some_boxes(rng, cases(60), 0.12, reach=3)
    basis, images = images_of(law, 4, boxes)

    def pair(x, s, t):
        first = quantile_map(a, [-1, 1], 0.09, x[:, 0], s, t)
        return np.stack([first, quantile_map(b, [-0.5, 0.5], 0.09, x[:, 1], s, t)], 1)

    back, forth = (lambda y: pair(y, 0.02, 2.5)), (lambda x: pair(x, 2.5, 0.02))
    assert violations(law, basis, boxes, images, back, forth, rng) == (0, 0)
    assert np.isfinite(images.data_error).all()


@pytest.mark.parametrize(
    ("weights", "means", "variance", "end", "start"),
    [
        ([1], [[0.3, -0.2]], 0.5, 0.01, 3),
        ([1 - 1e-12, 1e-12], [[-1, 0], [1, 0]], 0.04, 0.01, 3),
        ([0.5, 0.5], [[-1, 0], [1, 0]], 1e-4, 0.001, 6),  # narrow: only short steps serve
        ([0.3, 0.7], [[-1, 0], [1, 0.5]], 9, 0.01, 3),
        ([0.3, 0.7], [[-1, 0], [1, 0.5]], 0.04, 0.5, 0.6),
        ([0.2, 0.3, 0.5], [[10, 10], [10.3, 10], [10, 10.2]], 0.01, 0.01, 3),
        ([0.1, 0.2, 0.3, 0.4], [[0.1, 1.1], [-0.8, 0.3], [0.2, -0.4], [1.5, 0]], 0.02, 0.01, 3),
    ],
)
def test_images_of_cells_of_other_laws(weights, means, variance, end, start):
    rng = np.random.default_rng(13)
    law = straight_law(cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, variance), end, start))
    count = cases(25)
    middle = law.q_data * law.means[rng.integers(0, len(weights), count)] + 1.5 * rng.normal(size=(count, 2))
    half = 10 ** rng.uniform(-3, -0.5, (count, 1))
    boxes = Boxes(middle - half, middle + half)
    basis, images = images_of(law, 4, boxes)

    def flow_from(s, t):
        return lambda x: flowed(weights, means, variance, x, s, t, 1e-11)

    assert violations(law, basis, boxes, images, flow_from(end, start), flow_from(start, end), rng) == (0, 0)
    assert np.isfinite(images.data_error).mean() > 0.6


@pytest.mark.parametrize("twin", ["no remainder", "no defect"])
def test_a_flow_without_its_error_is_caught(twin, monkeypatch):
    """Large cells, so that what is left out counts: each twin must break a claim of one of the ends."""
    rng = np.random.default_rng(7)
    law = straight_law(triangle())
    boxes = some_boxes(rng, 150, 0.16, reach=2)
    if twin == "no remainder":  # the defect's polynomial of low degree alone

        def only_polynomial(*arguments):
            low = field.defects(*arguments)[1]
            return low, low

        monkeypatch.setattr(flow, "defects", only_polynomial)
        monkeypatch.setattr(Between, "remainder", lambda self: np.zeros(len(self.first)))
    else:
        monkeypatch.setattr(flow, "defects", lambda *a: (0 * field.defects(*a)[0],) * 2)
    basis, images = images_of(law, 3, boxes)
    broken = violations(
        law, basis, boxes, images, lambda y: of_triangle(y, 0.01, 3.0), lambda x: of_triangle(x, 3.0, 0.01), rng
    )
    assert sum(broken) > 0


def random_law(rng, k):
    mixture = cf.GaussianMixture(rng.dirichlet(np.ones(k) * 3).tolist(), rng.normal(size=(k, 2)).tolist(), 0.05)
    return straight_law(cf.OrnsteinUhlenbeck(mixture))


def means_at(law, q, z):
    logits = q * z @ law.means.T - q * q * law.squares + law.logarithms
    gamma = np.exp(logits - logits.max(-1, keepdims=True))
    gamma /= gamma.sum(-1, keepdims=True)
    return gamma, gamma @ law.means


@pytest.mark.parametrize("k", [2, 5])
def test_defects_growth_and_remainder_bound_what_they_say(k):
    rng = np.random.default_rng(k)
    law, basis, table = random_law(rng, k), Basis(2, 3), collocation(8)
    middle, half = 1.7, -0.06
    path = rng.normal(size=(9, basis.size, 12, 2)) * 0.02 * 0.1 ** np.arange(9)[:, None, None, None]
    path[0, 0] += rng.normal(size=(12, 2)) * 2
    between = Between(law, table, path, middle, half)
    room = rng.uniform(0, 0.03, 12)
    growth, remainder = between.growth(room), between.remainder()
    values = np.tensordot(table.values, path, 1).swapaxes(0, 1)
    slope = np.tensordot(table.slopes, path, 1).swapaxes(0, 1) / half
    q = (middle + half * table.points)[:, None]
    whole, low = field.defects(basis, law, q, values, slope, np.full((9, 12), 1e-12), basis.size)
    assert (low <= whole).all()
    most = np.zeros_like(whole)
    gaps, rates = np.zeros(12), np.zeros((101, 12))
    s = np.linspace(-1, 1, 101)
    for _ in range(40):
        eta = np.where(rng.random((12, 2)) < 0.5, rng.uniform(-1, 1, (12, 2)), rng.choice([-1.0, 1.0], (12, 2)))
        at_points = [evaluated(basis, values[:, j], eta) for j in range(9)]
        for j in range(9):
            exact = means_at(law, q[j, 0], at_points[j])[1]
            most[j] = np.maximum(most[j], np.linalg.norm(evaluated(basis, slope[:, j], eta) - exact, axis=1))
        # interpolation of the field along the path
        on_points = np.stack([means_at(law, q[j, 0], at_points[j])[1] for j in range(9)])
        inner = table.at(s) @ table.transform
        for i, x in enumerate(s):
            z = evaluated(basis, np.tensordot(table.at(np.array([x]))[0], path, 1), eta)
            qs = middle + half * x
            gap = np.linalg.norm(means_at(law, qs, z)[1] - np.tensordot(inner[i], on_points, 1), axis=1)
            gaps = np.maximum(gaps, gap)
            away = rng.normal(size=z.shape)
            z = z + away / np.linalg.norm(away, axis=1)[:, None] * room[:, None]
            gamma, mean = means_at(law, qs, z)
            e = law.means[None] - mean[:, None]
            top = np.linalg.eigvalsh(qs * np.einsum("nk,nki,nkj->nij", gamma, e, e))[:, -1]
            rates[i] = np.maximum(rates[i], top)
    assert (most <= whole).all()
    assert (gaps <= remainder + 1e-13).all()
    integral = trapezoid(rates, s, axis=0) * abs(half)
    assert (integral <= growth * (1 + 1e-6)).all()
    # and they are not far above
    assert np.median(whole / most) < 4
    assert np.median(growth / integral) < 2.5
    assert np.median(remainder) < 1e-6
    # of the centres alone the growth is no bound
    between.sizes = 0 * between.sizes
    assert (integral > between.growth(0 * room)).any()


def test_a_matrix_has_no_eigenvalue_beyond_the_bound():
    rng = np.random.default_rng(1)
    for d in (1, 2, 3):
        rows = rng.normal(size=(50, d, d))
        gram = rows @ rows.swapaxes(1, 2)
        bound, exact = largest_eigenvalue(gram, 4), np.linalg.eigvalsh(gram)[:, -1]
        assert (bound >= exact).all()
        assert (bound <= exact * d**0.5 * (1 + 1e-12)).all()


def test_weights_are_the_integrals_of_the_lagrange_polynomials():
    table = collocation(5)
    for j in range(6):
        others = np.delete(table.points, j)

        def size(s, j=j, others=others):
            return abs(np.prod((s - others) / (table.points[j] - others)))

        exact = quad(size, -1, 1, points=list(table.points[1:-1]), epsabs=1e-14)[0]
        assert exact * (1 - 1e-13) <= table.weights[j] <= exact * (1 + 1e-13)
    assert np.allclose(table.slopes @ table.transform @ table.points**4, 4 * table.points**3, atol=1e-13)


def test_children_have_the_polynomials_of_their_parents():
    rng = np.random.default_rng(2)
    basis, boxes = Basis(2, 4), some_boxes(rng, 7, 0.3)
    polynomials = rng.normal(size=(basis.size, 7, 2))
    children, lost = restricted(basis, polynomials)
    small = boxes.children()
    eta = rng.uniform(-1, 1, (28, 2))
    y = small.centre + small.half * eta
    parent = np.tile(np.arange(7), 4)
    there = (y - boxes.centre[parent]) / boxes.half[parent]
    assert (np.abs(there) < 1).all()
    far = evaluated(basis, polynomials[:, parent], there) - evaluated(basis, children, eta)
    assert (np.linalg.norm(far, axis=1) < lost + 1e-13).all()
    assert lost.max() < 1e-13


@pytest.mark.parametrize("half", [0.8, 0.1, 1e-4])
def test_moments_of_boxes(half):
    """Against mpmath's quadrature, axis by axis."""
    rng = np.random.default_rng(4)
    law, basis = straight_law(triangle()), Basis(2, 2)
    boxes = some_boxes(rng, 2, half)
    found = moments(basis, law, boxes)
    for n in range(2):
        exact = np.zeros((basis.size, basis.size))
        for weight, mean in zip(law.weights, law.means, strict=True):

            def axis(a, k, mean=mean, n=n):
                centre, half, off = (MP.mpf(x) for x in (boxes.centre[n, a], boxes.half[n, a], law.q_data * mean[a]))

                def density(z):
                    return ((z - centre) / half) ** k * MP.npdf(z - off)

                return float(MP.quad(density, [boxes.low[n, a], boxes.high[n, a]]))

            table = [[axis(a, k) for k in range(5)] for a in range(2)]
            for i, one in enumerate(basis.monomials):
                for j, other in enumerate(basis.monomials):
                    exact[i, j] += weight * table[0][one[0] + other[0]] * table[1][one[1] + other[1]]
        assert np.abs(found.values[n] - exact).max() <= found.slack[n] + 1e-12 * exact[0, 0]
        assert exact[0, 0] <= found.mass[n] <= exact[0, 0] * (1 + 1e-5)
        assert found.slack[n] < 1e-9 * exact[0, 0] + 1e-16


def test_the_atlas_of_the_triangle_holds_where_it_is_probed():
    rng = np.random.default_rng(11)
    found = atlas()
    assert found.complete
    assert found.flows < 3000
    law, charts = found.law, found.charts
    masses = moments(Basis(2, 1), law, charts.boxes).mass
    assert 1 - 1e-12 < masses.sum() < 1 + 1e-9
    some = charts.where(np.sort(rng.choice(len(masses), cases(200), p=masses / masses.sum(), replace=False)))
    eta, y = corners_and_inside(rng, some.boxes)
    x = evaluated(found.basis, some.polynomials, eta)
    back = of_triangle(x * law.scale_noise, 3.0, 0.01, 1e-9) / law.scale_data
    assert (np.linalg.norm(back - y, axis=1)[~some.rough] <= some.data_error[~some.rough] + 1e-6).all()
    assert some.rough.mean() < 0.1


def test_cells_for_which_there_was_no_time():
    """They stay where they are, with how far the flow may move them; the law is far from the origin."""
    mixture = cf.GaussianMixture([0.5, 0.5], [[2, 0], [2.5, 0.5]], 0.25)
    law = straight_law(cf.OrnsteinUhlenbeck(mixture, 0.01, 3))
    boxes = Boxes(law.q_data * law.means - 0.5, law.q_data * law.means + 0.7)
    basis = Basis(2, 4)
    charts = charted(basis, law, boxes, 1e-4, until=-1.0)
    assert charts.rough.all()
    eta, y = corners_and_inside(np.random.default_rng(0), boxes)
    x = flowed([0.5, 0.5], [[2, 0], [2.5, 0.5]], 0.25, y * law.scale_data, 0.01, 3) / law.scale_noise
    gap = np.linalg.norm(evaluated(basis, charts.polynomials, eta) - x, axis=1)
    assert (gap <= charts.noise_error).all()
    assert (gap > charts.noise_error / 2).any()


def test_flowed_and_quantile_maps_agree():
    """The two oracles: on an axis the flow of two modes is a quantile map."""
    x = np.linspace(-2, 2, 41)
    points = np.stack([x, 0 * x], 1)
    one = flowed([0.25, 0.75], [[-1, 0], [1, 0]], 0.09, points, 0.02, 2.5)[:, 0]
    assert np.allclose(one, quantile_map([0.25, 0.75], [-1, 1], 0.09, x, 0.02, 2.5), atol=1e-8)


def test_clocks_of_the_law():
    law = straight_law(triangle())
    for t, scale, q in ((0.01, law.scale_data, law.q_data), (3.0, law.scale_noise, law.q_noise)):
        assert np.allclose(clock(1 / 16, t), (scale, q), rtol=1e-14)

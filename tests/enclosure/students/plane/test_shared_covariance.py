"""A covariance that all components share: cells, bounds of the field, moments, errors, by formulas in `x` and `t`."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from depth import cases, night
from planar import evaluated
from scipy.integrate import solve_ivp, trapezoid

import certflow as cf
from certflow.enclosure.students.maps import ExactMap
from certflow.enclosure.students.plane import field
from certflow.enclosure.students.plane.between import _ELLIPSES, Between
from certflow.enclosure.students.plane.cells import Boxes, beyond, moments
from certflow.enclosure.students.plane.collocation import collocation
from certflow.enclosure.students.plane.error import mean_square
from certflow.enclosure.students.plane.flow import carried
from certflow.enclosure.students.plane.law import straight_law
from certflow.enclosure.students.plane.spread import Spread, spread_of
from certflow.enclosure.students.taylor import Basis
from certflow.errors import InputError

WEIGHTS, MEANS = [0.3, 0.3, 0.4], [[1, 0], [-0.5, 0.875], [-0.5, -0.875]]
#: Its eigenvectors are irrational; others: diagonal, thin and slanted.
SIGMA = [["1/10", "1/25"], ["1/25", "1/20"]]
OTHERS = ([["1/5", "0"], ["0", "1/20"]], [["1/2", "-9/20"], ["-9/20", "1/2"]], [["1/100", "0"], ["0", "1"]])
ORACLE = 3e-9


def floats(sigma):
    return np.array([[float(Fraction(x)) for x in row] for row in sigma])


def process(sigma=SIGMA, weights=WEIGHTS, means=MEANS):
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, sigma), "0.01", "3")


def covariance(sigma, t):
    m = np.exp(-t)
    return floats(sigma) * m * m + (1 - m * m) * np.eye(2)


def flowed(sigma, x, t_from, t_to, weights=WEIGHTS, means=MEANS, rtol=1e-10):
    """`dx/dt = -x - score` of the law in `x`."""
    w, mu, shape = np.array(weights, float), np.array(means, float), x.shape

    def velocity(t, flat):
        y, inverse = flat.reshape(shape), np.linalg.inv(covariance(sigma, t))
        off = np.exp(-t) * mu[None] - y[:, None]
        logits = np.log(w) - np.einsum("nki,ij,nkj->nk", off, inverse, off) / 2
        gamma = np.exp(logits - logits.max(1, keepdims=True))
        gamma /= gamma.sum(1, keepdims=True)
        return (-y - np.einsum("nk,nki,ij->nj", gamma, off, inverse)).ravel()

    found = solve_ivp(velocity, (t_from, t_to), x.ravel(), method="DOP853", rtol=rtol, atol=rtol * 1e-2)
    assert found.success
    return found.y[:, -1].reshape(shape)


def broken(sigma, rng, count=24, half=0.1):
    """How many claims of cells are broken, at the noise end and at the data end; and on how many there is one."""
    law, basis = straight_law(process(sigma)), Basis(2, 4)
    spread = np.linalg.cholesky(floats(sigma))
    means = np.array(MEANS, float)[rng.integers(0, 3, count)]
    middle = (means + 1.5 * rng.normal(size=(count, 2)) @ spread.T) / law.scale_data
    boxes = Boxes(middle - half, middle + half)
    images = carried(basis, law, boxes, np.full(count, 1e-3), 1e-4)
    eta = np.where(rng.random((count, 2)) < 0.5, rng.uniform(-1, 1, (count, 2)), rng.choice([-1.0, 1.0], (count, 2)))
    y, x = boxes.centre + boxes.half * eta, evaluated(basis, images.polynomials, eta)
    back = flowed(sigma, y * law.scale_data, 0.01, 3.0) / law.scale_noise
    forth = flowed(sigma, x * law.scale_noise, 3.0, 0.01) / law.scale_data
    noise, data = np.linalg.norm(back - x, axis=1), np.linalg.norm(forth - y, axis=1)
    assert np.median(images.noise_error) < 1e-3
    return (
        int((noise > images.noise_error + ORACLE).sum()),
        int((data > images.data_error + 100 * ORACLE).sum()),
        np.isfinite(images.data_error).mean(),
    )


@pytest.mark.parametrize("sigma", [SIGMA, *OTHERS[1:], *night(OTHERS[0])])
def test_images_of_cells_are_within_their_errors(sigma):
    noise, data, share = broken(sigma, np.random.default_rng(3), cases(24))
    assert (noise, data) == (0, 0)
    assert share > 0.9


@pytest.mark.parametrize("twin", ["no drift", "one clock"])
def test_a_flow_of_another_law_is_caught(twin, monkeypatch):
    """Without the drift, or with the common part of the covariance alone."""
    if twin == "no drift":
        right = Spread.drift
        monkeypatch.setattr(Spread, "drift", lambda self, q: 0 * right(self, q))
    else:
        monkeypatch.setattr(Spread, "inverse", lambda self, q: np.eye(2) + 0 * np.asarray(q)[..., None, None])
    noise, data, _ = broken(SIGMA, np.random.default_rng(3))
    assert noise + data > 0


def test_the_excess_of_a_covariance_is_exact():
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, c = (Fraction(int(x), 1000) for x in rng.integers(1, 2000, 2))
        b = Fraction(int(rng.integers(-999, 1000)), 1000) * Fraction(math.isqrt(int(a * c * 10**6)), 1000)
        least, found = spread_of(np.array([[a, b], [b, c]], dtype=object), 2)
        low, high = np.linalg.eigvalsh(np.array([[a, b], [b, c]], dtype=float))
        assert 0 < least <= low * (1 + 1e-9) + 1e-15
        assert least >= low * (1 - 1e-6) - 1e-12
        assert found.trace == a + c - 2 * least
        assert found.determinant >= 0
        assert found.determinant == (a - least) * (c - least) - b * b
        assert high - float(least) <= found.largest * (1 + 1e-12)
    diagonal = np.array([[Fraction(1, 2), Fraction(0)], [Fraction(0), Fraction(1, 3)]])
    assert spread_of(diagonal, 2)[0] == Fraction(1, 3)
    assert spread_of(np.array([[Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)]]), 2)[1].none


def test_polynomials_of_the_law_hold_on_ellipses():
    """`q^j / D(q)` at complex points, by complex arithmetic; without their errors they do not."""
    spread = straight_law(process()).spread
    middle, half = 3.0, -0.35
    found = spread.quotients(middle, half, (Fraction(1), *_ELLIPSES))
    gaps = []
    for place, rho in enumerate([1.0, *map(float, _ELLIPSES)]):
        circle = rho * np.exp(1j * np.linspace(0, 2 * np.pi, 97))
        s = (circle + 1 / circle) / 2
        q = middle + half * s
        bottom = 1 + q * q * float(spread.trace) + q**4 * float(spread.determinant)
        angle = np.array([(circle**i + circle**-i) / 2 for i in range(found.coefficients.shape[1])])
        for j in range(5):
            gap = np.abs(q**j / bottom - found.coefficients[j] @ angle).max()
            size = np.abs(found.coefficients[j] @ angle).max() + np.abs(found.coefficients[j, 0])
            gaps.append(gap - 1e-12 * size)
            assert gap <= found.errors[place, j] + 1e-12 * size
            assert np.abs(found.coefficients[j, 1:] @ angle[1:]).max() <= found.sizes[place, j] * (1 + 1e-12)
    assert np.isfinite(found.errors[:7]).all()
    assert max(gaps) > 1e-9


def test_defects_growth_and_remainder_bound_what_they_say():
    rng = np.random.default_rng(4)
    law, basis, table = straight_law(process()), Basis(2, 3), collocation(8)
    middle, half, count = 2.4, -0.2, 12
    excess = floats(SIGMA) - float(spread_of(np.array(SIGMA, dtype=object), 2)[0]) * np.eye(2)
    path = rng.normal(size=(9, basis.size, count, 2)) * 0.02 * 0.1 ** np.arange(9)[:, None, None, None]
    path[0, 0] += rng.normal(size=(count, 2)) * 2

    def at(q, z):
        """The field and its Jacobian, by `M` and its inverse."""
        inverse = np.linalg.inv(np.eye(2) + q * q * excess)
        mu = np.array(MEANS, float)
        logits = q * z @ inverse @ mu.T - q * q * np.einsum("ki,ij,kj->k", mu, inverse, mu) / 2 + np.log(WEIGHTS)
        gamma = np.exp(logits - logits.max(-1, keepdims=True))
        gamma /= gamma.sum(-1, keepdims=True)
        e = mu[None] - (gamma @ mu)[:, None]
        spread = np.einsum("nk,nki,nkj->nij", gamma, e, e)
        return (q * z @ excess + gamma @ mu) @ inverse, q * inverse @ excess + q * inverse @ spread @ inverse

    between = Between(law, table, path, middle, half)
    room = rng.uniform(0, 0.03, count)
    growth, remainder = between.growth(room), between.remainder()
    values = np.tensordot(table.values, path, 1).swapaxes(0, 1)
    slope = np.tensordot(table.slopes, path, 1).swapaxes(0, 1) / half
    q = (middle + half * table.points)[:, None]
    whole = field.defects(basis, law, q, values, slope, np.full((9, count), 1e-12), basis.size)[0]
    most, gaps, s = np.zeros_like(whole), np.zeros(count), np.linspace(-1, 1, 81)
    rates = np.zeros((len(s), count))
    inner = table.at(s) @ table.transform
    for _ in range(20):
        eta = np.where(
            rng.random((count, 2)) < 0.5, rng.uniform(-1, 1, (count, 2)), rng.choice([-1.0, 1.0], (count, 2))
        )
        at_points = np.stack([at(q[j, 0], evaluated(basis, values[:, j], eta))[0] for j in range(9)])
        slopes = np.stack([evaluated(basis, slope[:, j], eta) for j in range(9)])
        most = np.maximum(most, np.linalg.norm(slopes - at_points, axis=2))
        for i, x in enumerate(s):
            z = evaluated(basis, np.tensordot(table.at(np.array([x]))[0], path, 1), eta)
            gap = at(middle + half * x, z)[0] - np.tensordot(inner[i], at_points, 1)
            gaps = np.maximum(gaps, np.linalg.norm(gap, axis=1))
            away = rng.normal(size=z.shape)
            z = z + away / np.linalg.norm(away, axis=1)[:, None] * room[:, None]
            rates[i] = np.maximum(rates[i], np.linalg.eigvalsh(at(middle + half * x, z)[1])[:, -1])
    assert (most <= whole).all()
    assert np.median(whole / most) < 4
    assert (gaps <= remainder + 1e-13).all()
    assert np.median(remainder) < 1e-3
    integral = trapezoid(rates, s, axis=0) * abs(half)
    assert (integral <= growth * (1 + 1e-6)).all()
    assert np.median(growth / integral) < 2.5
    # what the means alone make of it is no bound
    object.__setattr__(law.spread, "matrix", 0 * law.spread.matrix)
    assert (integral > between.growth(room)).any()


@pytest.mark.parametrize("sigma", [SIGMA, OTHERS[2]])
def test_moments_and_tail_of_a_slanted_law(sigma):
    rng = np.random.default_rng(6)
    law, basis = straight_law(process(sigma)), Basis(2, 2)
    middle = rng.normal(size=(12, 2)) * 2
    half = 10 ** rng.uniform(-1.5, -0.3, (12, 2))
    boxes = Boxes(middle - half, middle + half)
    found = moments(basis, law, boxes)
    v, m = covariance(sigma, 0.01) / law.scale_data**2, np.exp(-0.01) / law.scale_data
    nodes, rule = np.polynomial.legendre.leggauss(40)

    def density(y):
        off = y[..., None, :] - m * np.array(MEANS, float)
        return (
            np.exp(-np.einsum("...i,ij,...j->...", off, np.linalg.inv(v), off) / 2)
            @ WEIGHTS
            / (2 * np.pi * np.sqrt(np.linalg.det(v)))
        )

    grid = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), -1)
    for i in range(12):
        low, high = boxes.low[i], boxes.high[i]
        p = density((low + high) / 2 + (high - low) / 2 * grid) * np.outer(rule, rule) * np.prod(high - low) / 4
        eta = grid * 15 / 16
        powers = np.array([np.prod(eta ** np.array(k), axis=-1) for k in basis.monomials])
        exact = np.einsum("aij,bij,ij->ab", powers, powers, p)
        assert (np.abs(found.values[i] - exact) <= found.slack[i] + 1e-13 * p.sum()).all()
        assert p.sum() <= found.mass[i] * (1 + 1e-12)
        assert found.slack[i] <= 1e-9 * p.sum() + 1e-25
    # E (1 + 2 |Z|)^2 where some |Z_i| > R sqrt(M_ii), by a grid
    axis = np.linspace(-14, 14, 1401)
    root = np.sqrt(np.diag(v))
    z = np.stack(np.meshgrid(axis * root[0], axis * root[1], indexing="ij"), -1)
    p = np.exp(-np.einsum("...i,ij,...j->...", z, np.linalg.inv(v), z) / 2) / (2 * np.pi * np.sqrt(np.linalg.det(v)))
    outside = (np.abs(z) > 2 * root).any(-1)
    square = ((1 + 2 * np.linalg.norm(z, axis=-1)) ** 2 * p * outside).sum() * 0.02**2 * root.prod()
    assert square <= beyond(law, 2.0, 1.0, 2.0) <= 6 * square


def test_the_linear_flow_of_one_gaussian_errs_by_next_to_nothing():
    """Of one component the flow is affine: `Phi(x) = m mu + (V_delta V_T^-1)^(1/2) (x - m_T mu)`, and so is the map."""
    start, end = 3.0, 0.01
    values, vectors = np.linalg.eigh(floats(SIGMA))

    def roots(t):
        m = np.exp(-t)
        return np.sqrt(values * m * m + 1 - m * m)

    matrix = vectors @ np.diag(roots(end) / roots(start)) @ vectors.T
    mean = np.array([0.5, -0.25])
    shift = np.exp(-end) * mean - matrix @ (np.exp(-start) * mean)
    zero, one = np.zeros(2), np.ones(2)
    p = process(SIGMA, [1], [mean.tolist()])

    def error(scale):
        exact = ExactMap((scale * matrix.T,), (shift,), "relu", 0.0, zero, one, zero, one)
        return cf.enclosure.student_error(p, exact, ["3", "0.01"], rtol="1e-2", seconds=2)

    assert error(1.0).upper < 1e-6
    assert error(1.01).lower > 2e-5


def student(seed=1, width=8):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(2, width)), rng.normal(size=(width, 2)) / width**0.5
    zero, one = np.zeros(2), np.ones(2)
    return ExactMap(weights, (rng.normal(size=width) / 2, zero), "silu", 0.7, zero, one, zero, 0.3 * one)


def exact_error(sigma, map_, count=36):
    """By Gauss and Hermite's rule around each mean, in the axes of the covariance."""
    points, rule = np.polynomial.hermite_e.hermegauss(count)
    grid = np.stack(np.meshgrid(points, points, indexing="ij"), -1).reshape(-1, 2)
    mass = np.outer(rule, rule).ravel() / (2 * np.pi)
    grid, mass = grid[mass > 1e-10], mass[mass > 1e-10]
    m, v = np.exp(-0.01), covariance(sigma, 0.01)
    y = np.concatenate([m * np.array(mean) + grid @ np.linalg.cholesky(v).T for mean in MEANS])
    square = ((map_(flowed(sigma, y, 0.01, 3.0, rtol=1e-8)) - y) ** 2).sum(1)
    return float(square @ np.concatenate([w * mass for w in WEIGHTS]))


@pytest.mark.parametrize("sigma", [OTHERS[0], *night(SIGMA)])
def test_the_error_of_a_student_contains_quadrature(sigma):
    atlas = cf.enclosure.flow_atlas(process(sigma), tolerance="3e-2", seconds=math.inf)
    assert atlas.complete
    part = mean_square(atlas, [student()], 0.15, math.inf)
    exact = exact_error(sigma, student())
    assert part.complete
    # The rule of 36 points is off by less than 1 %.
    assert part.lower * 0.99 <= exact <= part.upper * 1.01
    assert part.upper - part.lower <= 0.15 * part.upper
    low, high = atlas.law.second_moment
    moment = np.trace(covariance(sigma, 0.01)) + np.exp(-0.02) * (np.array(MEANS) ** 2).sum(1) @ WEIGHTS
    assert float(low) <= moment * (1 + 1e-12)
    assert moment <= float(high) * (1 + 1e-12)
    assert part.tail < 1e-20


def test_covariances_that_differ_are_refused():
    mixture = cf.GaussianMixture([0.5, 0.5], [[0, 0], [1, 1]], [SIGMA, OTHERS[0]])
    required = r"mixture: got 'full covariances'; required: common-isotropic or shared covariance"
    with pytest.raises(InputError, match=required):
        cf.enclosure.student_error(cf.OrnsteinUhlenbeck(mixture), student(), ["3", "0.01"])

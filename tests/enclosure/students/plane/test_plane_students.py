"""The error and the Lipschitz constant of students in the plane, against quadrature and points of SciPy's flow."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from depth import cases, night, nightly
from planar import NAMES, atlas, evaluated, mapped, of_triangle, quantile_map, student, triangle
from scipy.optimize import minimize

import certflow as cf
from certflow.enclosure.students.maps import ExactMap
from certflow.enclosure.students.plane import atlas as atlases
from certflow.enclosure.students.plane import error as errors
from certflow.enclosure.students.plane.atlas import flow_atlas
from certflow.enclosure.students.plane.cells import moments
from certflow.enclosure.students.plane.error import mean_square
from certflow.enclosure.students.plane.result import plane_error
from certflow.enclosure.students.plane.slopes import two_norm_above, two_norm_below
from certflow.errors import InputError, NoEnclosure

#: `E |Phi(X)|^2` of the triangle: `2 v + m^2 E |mu|^2` at the data end.
SCALE = float(2 * (np.exp(-0.02) / 16 + 1 - np.exp(-0.02)) + np.exp(-0.02) * (2 * 1.015625 + 1) / 3)


def gauss_hermite(name, count=56):
    """The relative mean square error of a student of the triangle, by Gauss and Hermite's rule around each mean."""
    points, weights = np.polynomial.hermite_e.hermegauss(count)
    grid = np.stack(np.meshgrid(points, points, indexing="ij"), -1).reshape(-1, 2)
    mass = np.outer(weights, weights).ravel() / (2 * np.pi)
    grid, mass = grid[mass > 1e-9], mass[mass > 1e-9]
    m = np.exp(-0.01)
    spread = np.sqrt(m * m / 16 + 1 - m * m)
    y = np.concatenate([m * np.array(mean) + spread * grid for mean in ((1, 0), (-0.5, 0.875), (-0.5, -0.875))])
    x = of_triangle(y, 0.01, 3.0, 1e-8)
    return float(((mapped(name, x) - y) ** 2).sum(1) @ np.tile(mass / 3, 3)) / SCALE


def relative(part):
    return part.lower / SCALE, part.upper / SCALE


@pytest.mark.parametrize("name", ["u2", *night("u1", "b2", "b4")])
def test_the_error_of_a_student_contains_quadrature(name):
    part = mean_square(atlas(), student(name), 0.15, math.inf)
    low, high = relative(part)
    assert part.complete
    assert high - low <= 0.15 * high
    assert part.evaluations < 9000
    # The rule of 56 points is off by 2 % at most: compare `test_quadrature_of_the_oracle`.
    value = gauss_hermite(name, 32)
    assert low / 1.02 < value < high * 1.02


@nightly
def test_quadrature_of_the_oracle():
    assert gauss_hermite("b2", 32) == pytest.approx(gauss_hermite("b2", 96), rel=0.01)


def product_process():
    weights = [0.25 * 0.5, 0.25 * 0.5, 0.75 * 0.5, 0.75 * 0.5]
    means = [[x, y] for x in (-1, 1) for y in (-0.5, 0.5)]
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, 0.09), 0.02, 2.5)


def random_student(scale=0.3):
    rng = np.random.default_rng(8)
    weights = rng.normal(size=(2, 6)), rng.normal(size=(6, 6)) / 2, rng.normal(size=(6, 2)) / 2
    biases = rng.normal(size=6), rng.normal(size=6), np.zeros(2)
    one, zero = np.ones(2), np.zeros(2)
    return ExactMap(weights, biases, "tanh", 0.6, zero, one, zero, scale * one)


def exact_product_error():
    """By Gauss and Legendre's rule on 48 x 48 panels of 4 points and a pair of quantile maps."""
    nodes, weights = np.polynomial.legendre.leggauss(4)
    edges = np.linspace(-4, 4, 49)
    h = np.diff(edges)[:, None] / 2
    axis = ((edges[1:] + edges[:-1])[:, None] / 2 + h * nodes).ravel()
    length = (h * weights).ravel()
    m = np.exp(-0.02)
    v = 0.09 * m * m + 1 - m * m
    densities, images = [], []
    for w, mu in (([0.25, 0.75], [-1, 1]), ([0.5, 0.5], [-0.5, 0.5])):
        parts = np.exp(-((axis[:, None] - m * np.array(mu)) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v)
        densities.append(parts @ w * length)
        images.append(quantile_map(w, mu, 0.09, axis, 0.02, 2.5))
    y = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1)
    x = np.stack(np.meshgrid(*images, indexing="ij"), -1)
    square = ((random_student()(x) - y) ** 2).sum(2)
    moment = 2 * v + m * m * 1.25
    return float(densities[0] @ square @ densities[1]) / moment


@nightly
def test_of_a_product_the_error_is_that_of_quantile_maps():
    exact = exact_product_error()
    ends = Fraction(2.5), Fraction(0.02)
    found = plane_error(product_process(), [random_student()], ends, 1e-3, math.inf)
    assert found.complete
    assert found.lower <= exact * (1 + 1e-7)
    assert exact * (1 - 1e-7) <= found.upper
    assert found.upper - found.lower <= Fraction(found.upper, 10**3)
    assert found.tail < 1e-20
    cells = found.cells
    assert cells.part_high.sum() >= found.upper - found.tail - 1e-12
    assert (cells.part_low <= cells.part_high).all()
    assert cells.low.shape == (len(cells.bound), 2)


def broken_cells(local, found, name):
    """On how many cells the error at a point is not within the radius of the polynomial."""
    rng = np.random.default_rng(1)
    law, boxes = found.law, local.charts.boxes
    eta = rng.choice([-1.0, 1.0], boxes.low.shape)
    y = (boxes.centre + boxes.half * eta * 15 / 16 * (1 - 1e-9)) * law.scale_data
    x = of_triangle(y, 0.01, 3.0, 1e-10)
    exact = mapped(name, x) - y
    gap = np.linalg.norm(exact - evaluated(found.basis, local.coefficients, eta * 15 / 16), axis=1)
    return int((gap > local.radius + 1e-7).sum())


def coarse_charts(count):
    """Coarse cells of the triangle's atlas, heavy ones, errors and all; divided less than a student wants."""
    found = atlas()
    charts = found.charts.where(~found.charts.rough)
    mass = moments(found.basis, found.law, charts.boxes).mass
    return found, charts.where(np.sort(np.argsort(-mass * charts.data_error)[:count]))


@pytest.mark.parametrize("name", ["b2", "b4"])
def test_errors_on_cells_contain_those_at_points(name):
    found, charts = coarse_charts(cases(150))
    far = errors._Far(np.inf, 1.0, np.zeros(2))
    local = errors.local_errors(found, student(name), charts, far)
    assert broken_cells(local, found, name) == 0


def without(models, symbols, remainder):
    """Models without their symbols, or without their remainders."""
    kept = models.coefficients.copy()
    kept[15:] *= 0 if symbols else 1
    return models._replace(coefficients=kept, remainder=models.remainder * (0 if remainder else 1))


@pytest.mark.parametrize("twin", ["no remainder", "no flow error", "symbols dropped"])
def test_a_student_without_its_errors_is_caught(twin, monkeypatch):
    """A map that changes nothing comes last, so that all that the maps before it leave out is in the symbols."""
    found, charts = coarse_charts(250)
    far = errors._Far(np.inf, 1.0, np.zeros(2))
    one, zero = np.ones(2), np.zeros(2)
    maps = [*student("b4"), ExactMap((np.zeros((2, 2)),), (zero,), "relu", 1.0, zero, one, zero, one)]
    assert broken_cells(errors.local_errors(found, maps, charts, far), found, "b4") == 0
    right = errors.push
    if twin == "no flow error":  # the flow's polynomials cut at degree 1, as if that were all
        cut = charts.polynomials.copy()
        cut[3:] = 0
        charts = replace(charts, polynomials=cut)
    elif twin == "no remainder":
        monkeypatch.setattr(errors, "push", lambda *a: without(right(*a), True, True))
    else:
        monkeypatch.setattr(errors, "push", lambda *a: without(right(*a), True, False))
    charts = replace(charts, data_error=0 * charts.data_error)
    assert broken_cells(errors.local_errors(found, maps, charts, far), found, "b4") > 0


def test_a_tail_that_is_left_out_is_caught(monkeypatch):
    """Cells up to one standard deviation alone: with the tail the enclosure holds, without it it is false."""
    monkeypatch.setattr(atlases, "REACH", 1.0)
    monkeypatch.setattr(errors, "REACH", 1.0)
    made = flow_atlas(product_process(), tolerance="1e-3", seconds=math.inf)
    exact = exact_product_error() * float(made.law.second_moment[0])
    part = mean_square(made, [random_student()], 0.02, math.inf)
    assert part.lower <= exact <= part.upper
    assert part.tail > 0.1 * exact
    monkeypatch.setattr(errors, "beyond", lambda *arguments: 0.0)
    cut = mean_square(made, [random_student()], 0.02, math.inf)
    assert cut.complete
    assert not cut.lower <= exact <= cut.upper


@pytest.mark.parametrize("name", ["u2", *night("b2")])
def test_the_lipschitz_constant_on_a_box(name):
    found = cf.enclosure.student_lipschitz(student(name), [[-4, -4], [4, 4]], rtol="0.05", seconds=math.inf)
    assert found.complete
    assert found.upper - found.lower <= 0.05 * found.upper
    h = 1e-6

    def slope(p):
        p = np.asarray(p).reshape(-1, 2)
        columns = [(mapped(name, p + h * e) - mapped(name, p - h * e)) / (2 * h) for e in np.eye(2)]
        return np.linalg.norm(np.stack(columns, -1), 2, axis=(1, 2))

    axis = np.linspace(-4, 4, 250)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    starts = grid[np.argsort(-slope(grid))[:30:5]]
    best = max(-minimize(lambda p: -slope(np.clip(p, -4, 4))[0], at, method="Nelder-Mead").fun for at in starts)
    assert best <= found.upper * (1 + 1e-6)
    assert found.lower <= best * (1 + 1e-6)
    assert found.cells.bound.max() <= found.upper * (1 + 1e-12)
    assert found.cells.end == "noise"


def test_two_norms_of_matrices():
    rng = np.random.default_rng(0)
    for d in (1, 2, 3):
        matrices = rng.normal(size=(300, d, d)) * 10.0 ** rng.integers(-6, 6, (300, 1, 1))
        matrices[:20] = matrices[:20, :1] * np.ones((20, d, 1))  # of rank one
        exact = np.linalg.norm(matrices, 2, axis=(1, 2))
        above, below = two_norm_above(matrices), two_norm_below(matrices)
        assert (below <= exact * (1 + 1e-15)).all()
        assert (exact * (1 - 1e-15) <= above).all()
        assert (above <= below * (1 + 1e-10)).all()
    assert two_norm_above(np.full((1, 2, 2), np.nan))[0] == np.inf


def test_the_atlas_is_kept_and_made_finer_when_there_was_no_time():
    p = triangle()
    first = cf.enclosure.student_error(p, student("u1"), ["3", "0.01"], rtol="0.5", seconds=0.5)
    assert not first.complete or first.upper - first.lower <= 0.5 * first.upper
    made = p.mixture.kept[flow_atlas, Fraction(3), Fraction(1, 100)]
    assert not made.complete
    again = atlases.kept_atlas(p, Fraction(3), Fraction(1, 100), 1.0)
    assert again.flows > made.flows
    assert "wider than asked for" in repr(made)
    p.mixture.kept[flow_atlas, Fraction(3), Fraction(1, 100)] = replace(atlas(), complete=True)
    assert atlases.kept_atlas(p, Fraction(3), Fraction(1, 100), 1.0).flows == atlas().flows


def test_bad_input_is_told_in_one_line():
    plain = cf.GaussianMixture([0.5, 0.5], [[-1, 0], [1, 0]], [0.04, 0.09])
    with pytest.raises(InputError, match="common-isotropic"):
        cf.enclosure.flow_atlas(cf.OrnsteinUhlenbeck(plain))
    space = cf.GaussianMixture([1], [[0, 0, 0]], 1)
    with pytest.raises(InputError, match=r"mixture: got .3 dimensions.; required: at most 2, for cells of space"):
        cf.enclosure.flow_atlas(cf.OrnsteinUhlenbeck(space))
    with pytest.raises(InputError, match=r"start: got 0.005; required: a time after end"):
        cf.enclosure.flow_atlas(triangle(), start=0.005)
    with pytest.raises(InputError, match=r"tolerance: got -1; required: a relative gap between 0 and 1"):
        cf.enclosure.flow_atlas(triangle(), tolerance=-1)
    far = cf.GaussianMixture([0.5, 0.5], [[-500, 0], [500, 300]], "0.01")
    with pytest.raises(NoEnclosure, match="standard deviations wide: too many cells"):
        cf.enclosure.flow_atlas(cf.OrnsteinUhlenbeck(far))
    with pytest.raises(InputError, match=r"box: .* two corners of 2 numbers below 2\^60 in size each, low < high"):
        cf.enclosure.student_lipschitz(student("u1"), [-4, 4])


@nightly
def test_ring_8_to_fifteen_percent():
    """The larger target: 4,000 cells serve; work is counted."""
    found = flow_atlas(cf.OrnsteinUhlenbeck(cf.load_mixture("ring-8"), "0.01", "3"), tolerance="5e-4")
    assert found.complete
    assert found.flows < 8000


@nightly
@pytest.mark.parametrize("name", NAMES)
def test_two_percent(name):
    part = mean_square(flow_atlas(triangle()), student(name), 0.02, math.inf)
    low, high = relative(part)
    assert part.complete
    assert low / 1.005 < gauss_hermite(name, 96) < high * 1.005

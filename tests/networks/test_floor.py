"""A8: no piecewise polynomial of the size of a network is nearer to the score than the floor."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import linprog

import certflow as cf
from certflow.errors import InputError
from certflow.networks.floor import AFFINE, PIECEWISE, depth_floor, pieces_bound


def best_error(middle: float, half: float, degree: int) -> float:
    """The least error of a polynomial to the logistic on an interval, by linear programming on 300 points."""
    c = np.cos(np.pi * (np.arange(300) + 0.5) / 300)
    values = 1 / (1 + np.exp(-(middle + half * c)))
    basis, ones = np.polynomial.chebyshev.chebvander(c, degree), np.ones((300, 1))
    rows = np.vstack([np.hstack([basis, -ones]), np.hstack([-basis, -ones])])
    cost = np.r_[np.zeros(degree + 1), 1]
    return float(linprog(cost, rows, np.r_[values, -values], bounds=[(None, None)] * (degree + 1) + [(0, None)]).fun)


@pytest.mark.parametrize(("pieces", "degree"), [(2, 2), (2, 4), (3, 2), (3, 4), (6, 2)])
def test_no_polynomial_on_the_longest_piece_is_nearer_to_the_logistic(pieces: int, degree: int) -> None:
    """Pieces of half-length pi/N anywhere in [-pi, pi]."""
    floor = float(PIECEWISE) * (math.sqrt(8) * pieces) ** -(degree + 2)
    half = math.pi / pieces
    errors = [best_error(middle, half, degree) for middle in np.linspace(0, math.pi - half, 5)]
    assert floor < min(errors) < 200 * floor


def test_no_affine_map_is_nearer_to_the_logistic() -> None:
    assert float(AFFINE) < best_error(0.0, math.pi, 1) < 1.2 * float(AFFINE)


@pytest.mark.parametrize(("depth", "width"), [(1, 1), (1, 3), (2, 2), (3, 2)])
def test_a_network_has_no_more_pieces_than_are_counted(depth: int, width: int) -> None:
    """Networks of random weights on a line: kinks by the sign pattern of their neurons on a fine grid."""
    rng = np.random.default_rng(depth + 10 * width)
    x = np.linspace(-3, 3, 40_001)[:, None]
    most = 0
    for _ in range(40):
        h, signs = x, []
        for _ in range(depth):
            h = h @ rng.standard_normal((h.shape[1], width)) + rng.standard_normal(width)
            signs.append(h > 0)
            square = rng.random(width) < 0.5
            h = np.where(square, np.maximum(h, 0) ** 2, np.maximum(h, 0))
        pattern = np.hstack(signs)
        most = max(most, 1 + int((pattern[1:] != pattern[:-1]).any(1).sum()))
    assert 1 < most <= pieces_bound(depth, width)


def test_pieces_of_small_networks_are_counted_by_hand() -> None:
    assert pieces_bound(0, 7) == 1
    assert pieces_bound(1, 7) == 8
    assert pieces_bound(2, 7) == 8 * 15
    assert all(
        pieces_bound(n, w) <= (1 + w) ** n * 2 ** (n * (n - 1) // 2) for n, w in itertools.product(range(6), (1, 9))
    )


def test_the_floor_of_two_modes_is_that_of_the_formula() -> None:
    """`a = m/v` at the data end, `D = 2`, in mpmath."""
    p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3")
    floor = depth_floor(p, "1e-12", 92)
    m = math.exp(-0.01)
    v = 0.04 * m**2 + 1 - m**2
    steepness = 2 * m / v
    assert floor.steepness == pytest.approx(steepness, rel=1e-12)
    assert floor.depth == 2
    assert floor.log_errors == pytest.approx(
        [
            math.log(0.06 * steepness),
            math.log(0.225 * steepness) - 4 * math.log(math.sqrt(8) * 93),
            math.log(0.225 * steepness) - 6 * math.log(math.sqrt(8) * 93 * 185),
        ],
        rel=1e-12,
    )
    assert floor.log_errors[1] > math.log(1e-12) >= floor.log_errors[2]
    assert "fewer than 2 layers has an error of 1e-12" in str(floor)
    assert "No depth is excluded" in str(depth_floor(p, 100, 92))


def test_where_components_are_wide_the_time_of_the_steepest_score_is_found() -> None:
    mixture = cf.GaussianMixture([0.3, 0.7], [[0, 0], [3, 4]], 5)
    p = cf.OrnsteinUhlenbeck(mixture, "0.01", "3")
    floor = depth_floor(p, "1e-3", 10)
    times = np.linspace(0.01, 3, 100_000)
    m = np.exp(-times)
    assert floor.steepness == pytest.approx(5 * (m / (5 * m**2 + 1 - m**2)).max(), rel=1e-8)


def test_the_floor_grows_like_the_double_logarithm() -> None:
    p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3")
    depths = [depth_floor(p, f"1e-{digits}", 100).depth for digits in (1, 10, 100, 1000, 5000)]
    assert depths == [1, 2, 4, 6, 8]
    assert depth_floor(p, "1e-40", 10).depth >= depth_floor(p, "1e-40", 10_000).depth


@pytest.mark.parametrize(
    ("mixture", "eps", "width", "field"),
    [
        ("line-3", "1e-3", 10, "mixture"),
        ("two-variances", "1e-3", 10, "mixture"),
        ("two-modes", 0, 10, "eps"),
        ("two-modes", "-1e-3", 10, "eps"),
        ("two-modes", math.nan, 10, "eps"),
        ("two-modes", "1e-3", 0, "width"),
        ("two-modes", "1e-3", 1.5, "width"),
    ],
)
def test_what_has_no_floor_is_refused(mixture: str, eps: object, width: object, field: str) -> None:
    p = cf.OrnsteinUhlenbeck(cf.load_mixture(mixture), "0.01", "3")
    with pytest.raises(InputError, match=f"^{field}: got .*; required: "):
        depth_floor(p, eps, width)

"""Affine hulls, faces and product structure of point sets, against linear programs and exact elimination."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain, combinations, product

import numpy as np
import pytest
import sympy
from depth import some
from scipy.optimize import linprog

import certflow as cf
from certflow.enclosure.suprema.points import Points, pivot_axes
from certflow.errors import InputError


def points_of(rows, weights=None):
    rows = [tuple(Fraction(v) for v in row) for row in rows]
    weights = [Fraction(1, len(rows))] * len(rows) if weights is None else [Fraction(w) for w in weights]
    return Points.of(tuple(rows), tuple(weights))


# -- the convex hull ------------------------------------------------------------------------------------


def exposes(rows, members):
    """Whether some functional is the same on `members` and smaller by at least 1 on every other point."""
    rows = np.array(rows, dtype=float)
    base = rows[members[0]]
    others = [k for k in range(len(rows)) if k not in members]
    result = linprog(
        np.zeros(rows.shape[1]),
        A_ub=rows[others] - base,
        b_ub=-np.ones(len(others)),
        A_eq=rows[list(members)[1:]] - base,
        b_eq=np.zeros(len(members) - 1),
        bounds=[(None, None)] * rows.shape[1],
    )
    return result.status == 0


def faces_by_programs(rows):
    """The proper faces with at least two points: one linear program for each subset."""
    numbers = range(len(rows))
    subsets = chain.from_iterable(combinations(numbers, size) for size in range(2, len(rows)))
    return {subset for subset in subsets if exposes(rows, subset)}


def random_rows(dimension, count, seed):
    rng = np.random.default_rng([seed, dimension, count])
    while True:
        rows = rng.integers(-2, 3, (count, dimension))
        if len(np.unique(rows, axis=0)) == count:
            return [tuple(map(int, row)) for row in rows]


CASES = {
    **{f"plane {k} {s}": random_rows(2, k, s) for k, s in product((3, 4, 6, 7), (0, 1, 2))},
    **{f"space {k} {s}": random_rows(3, k, s) for k, s in product((4, 5, 7), (0, 1, 2))},
    "cube": [tuple(p) for p in product((0, 1), repeat=3)],
    "square with centre": [(1, 1), (-1, 1), (1, -1), (-1, -1), (0, 0)],
    "points on edges": [(0, 0), (1, 0), (2, 0), (0, 2), (1, 1), (3, 0)],
    "pyramid with a point in its base": [(0, 0, 0), (2, 0, 0), (0, 2, 0), (2, 2, 0), (1, 1, 0), (1, 1, 2)],
    "planar in space": [(0, 0, 1), (1, 0, 2), (0, 1, 3), (1, 1, 4), (2, 2, 7)],
    "simplex": [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)],
}


def wrong_faces(rows, faces):
    """What linear programs and exact functionals say against a list of faces."""
    points = points_of(rows)
    found = [face.members for face in faces]
    wrong = set(found) ^ faces_by_programs(rows)
    wrong |= {members for members in found if found.count(members) > 1}
    for face in faces:
        heights = [sum(n * a for n, a in zip(face.normal, alpha, strict=True)) for alpha in points.coordinates]
        top = heights[face.members[0]]
        for k, height in enumerate(heights):
            if not (height == top if k in face.members else height < top):
                wrong.add(face.members)
    return wrong


@pytest.mark.parametrize("case", some(CASES, 2))
def test_faces_agree_with_linear_programs(case):
    rows = CASES[case]
    points = points_of(rows)
    assert wrong_faces(rows, points.faces) == set()
    sizes = [len(face.axes) for face in points.faces]
    assert sizes == sorted(sizes, reverse=True)
    for face in points.faces:
        assert face.axes == pivot_axes([points.coordinates[k] for k in face.members])
        rank = sympy.Matrix(
            [[a - b for a, b in zip(rows[k], rows[face.members[0]], strict=True)] for k in face.members]
        )
        assert len(face.axes) == rank.rank()


@pytest.mark.parametrize("case", ["cube", "points on edges", "plane 7 1"])
def test_false_faces_are_caught(case):
    rows = CASES[case]
    faces = points_of(rows).faces
    assert wrong_faces(rows, faces[1:])
    flipped = type(faces[0])(faces[0].members, tuple(-n for n in faces[0].normal), faces[0].axes)
    assert wrong_faces(rows, (flipped, *faces[1:]))
    other = type(faces[0])(faces[0].members[:-1], faces[0].normal, faces[0].axes)
    assert wrong_faces(rows, (other, *faces[1:]))


def test_cube_counts():
    sizes = [len(face.members) for face in points_of(CASES["cube"]).faces]
    assert sizes == [4] * 6 + [2] * 12


def test_a_line_has_no_faces_with_two_points():
    assert points_of([(0,), (1,), (3,)]).faces == ()
    assert points_of([(0, 0), (1, 1), (3, 3)]).faces == ()


def test_in_high_dimension_only_the_longest_edge():
    simplex = [tuple(3 * (i == j) if i else int(i == j) for j in range(5)) for i in range(5)]
    faces = points_of([(0,) * 5, *simplex]).faces
    assert len(faces) == 1
    points = points_of([(0,) * 5, *simplex])
    i, j = faces[0].members
    assert points.distance_squared(i, j) == points.diameter_squared == 18
    cross = [tuple(s * (i == j) for j in range(5)) for i in range(5) for s in (-1, 1)]
    assert points_of(cross).faces == ()  # the pairs at distance D are diagonals


def test_many_points_in_the_plane_keep_the_longest_edge_only():
    rng = np.random.default_rng(3)
    rows = [(x, y) for x, y in rng.integers(-20, 21, (90, 2)).tolist()]
    rows += [(-100, -100), (100, -100)]
    points = points_of(rows)
    assert len(points.points) > 64
    assert [points.points[k] for k in points.faces[0].members] == [(-100, -100), (100, -100)]


# -- hull coordinates -----------------------------------------------------------------------------------


def embedded(dimension, rank, count, seed):
    """Points of an affine hull of dimension `rank` in `R^dimension`, rational."""
    rng = np.random.default_rng([seed, dimension, rank, count])
    frame = rng.integers(-3, 4, (rank, dimension))
    rows = rng.integers(-3, 4, (count, rank)) @ frame + rng.integers(-5, 6, dimension)
    return [tuple(Fraction(int(v), 7) for v in row) for row in rows]


@pytest.mark.parametrize(("dimension", "rank"), [(1, 1), (2, 1), (3, 2), (4, 3), (5, 2), (5, 3), (6, 4)])
@pytest.mark.parametrize("seed", range(4))
def test_pivot_axes_and_embedding(dimension, rank, seed):
    rows = embedded(dimension, rank, rank + 3, seed)
    points = points_of(rows)
    differences = sympy.Matrix([[a - b for a, b in zip(row, rows[0], strict=True)] for row in rows])
    assert points.dimension == differences.rank()
    assert differences[:, list(points.axes)].rank() == differences.rank()
    assert points.axes == tuple(sorted(set(points.axes)))
    distinct = points.points
    for k, j in combinations(range(len(distinct)), 2):
        step = [a - b for a, b in zip(points.coordinates[k], points.coordinates[j], strict=True)]
        mapped = [sum(e * s for e, s in zip(line, step, strict=True)) for line in points.embedding]
        assert mapped == [a - b for a, b in zip(distinct[k], distinct[j], strict=True)]
    brute = max(sum((a - b) ** 2 for a, b in zip(p, q, strict=True)) for p in rows for q in rows)
    assert points.diameter_squared == brute
    assert points.squares == tuple(sum(a * a for a in row) for row in points.centred)


def test_one_axis_fewer_does_not_separate():
    rows = embedded(5, 3, 7, 0)
    points = points_of(rows)
    differences = sympy.Matrix([[a - b for a, b in zip(row, rows[0], strict=True)] for row in rows])
    for dropped in points.axes:
        kept = [axis for axis in points.axes if axis != dropped]
        assert differences[:, kept].rank() < differences.rank()


def test_equal_points_merge():
    points = points_of([(0, 1), (2, 1), (0, 1), (0, 1)], ["0.1", "0.2", "0.3", "0.4"])
    assert points.points == ((0, 1), (2, 1))
    assert points.weights == (Fraction(4, 5), Fraction(1, 5))
    assert points.axes == (0,)
    single = points_of([(1, 2), (1, 2)])
    assert single.dimension == 0
    assert single.diameter_squared == 0
    near = points_of([(0, 1), (Fraction(1, 10**40), 1)])
    assert len(near.points) == 2


def test_of_mixture_normalises_exactly():
    points = Points.of_mixture(cf.GaussianMixture(["0.2", "0.3", "0.5"], [["0.1"], ["0.1"], ["7"]], "0.5"))
    assert points.points == ((Fraction(1, 10),), (7,))
    assert points.weights == (Fraction(1, 2), Fraction(1, 2))


def test_symbols_are_refused():
    a = sympy.Symbol("a", positive=True)
    with pytest.raises(InputError, match="symbolic parameters"):
        Points.of_mixture(cf.GaussianMixture([1], [[a]], 1))


# -- products -------------------------------------------------------------------------------------------


def grid(*factors):
    """Points and weights of a product: each factor is a list of (vector, weight)."""
    rows, weights = [], []
    for parts in product(*factors):
        rows.append(tuple(chain.from_iterable(part[0] for part in parts)))
        weight = Fraction(1)
        for part in parts:
            weight *= Fraction(part[1])
        weights.append(weight)
    return rows, weights


def line(values, weights):
    return [((Fraction(v),), Fraction(w)) for v, w in zip(values, weights, strict=True)]


THIRDS = ["1/3"] * 3
UNEQUAL = ["1/7", "2/7", "4/7"]
TRIANGLE = [((0, 0), Fraction(1, 2)), ((1, 2), Fraction(1, 3)), ((3, 1), Fraction(1, 6))]


@pytest.mark.parametrize(
    ("factors", "blocks"),
    [
        ([line([-1, 0, 1], THIRDS), line([-1, 0, 1], THIRDS)], [(0,), (1,)]),
        ([line([0, 1], ["1/5", "4/5"]), line([0, 1, 5], UNEQUAL)], [(0,), (1,)]),
        ([TRIANGLE, line([0, 1], ["1/2", "1/2"])], [(0, 1), (2,)]),
        ([line([0, 1], ["1/9", "8/9"]), TRIANGLE], [(0,), (1, 2)]),
        ([line([0, 1], ["1/2", "1/2"])] * 3, [(0,), (1,), (2,)]),
        ([TRIANGLE], [(0, 1)]),
        ([line([0, 1, 5], UNEQUAL)], [(0,)]),
        ([TRIANGLE, [((7,), 1)], line([0, 1], ["1/2", "1/2"])], [(0, 1), (3,)]),
    ],
)
def test_products_are_found(factors, blocks):
    rows, weights = grid(*factors)
    assert points_of(rows, weights).blocks() == blocks
    order = np.random.default_rng(0).permutation(len(rows))
    assert points_of([rows[k] for k in order], [weights[k] for k in order]).blocks() == blocks


@pytest.mark.parametrize("what", ["weight", "point", "missing"])
def test_near_products_are_none(what):
    rows, weights = grid(line([0, 1], ["1/5", "4/5"]), line([0, 1, 5], UNEQUAL))
    if what == "weight":
        weights[0] += Fraction(1, 10**30)
        weights[3] -= Fraction(1, 10**30)
    if what == "point":
        rows[0] = (rows[0][0] + Fraction(1, 10**30), rows[0][1])
    if what == "missing":
        weights[1] += weights[0]
        rows, weights = rows[1:], weights[1:]
    assert points_of(rows, weights).blocks() == [(0, 1)]


def test_pairwise_independence_is_not_enough():
    rows = [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]
    assert points_of(rows).blocks() == [(0, 1, 2)]


def partitions(items):
    if not items:
        yield []
        return
    for rest in partitions(items[1:]):
        yield [[items[0]], *rest]
        for index in range(len(rest)):
            yield [*rest[:index], [items[0], *rest[index]], *rest[index + 1 :]]


def is_product(rows, weights, blocks):
    """By the definition: every combination of values has the product of the marginal weights."""
    table = dict(zip(rows, weights, strict=True))
    marginals = []
    for block in blocks:
        marginal = {}
        for row, weight in table.items():
            key = tuple(row[axis] for axis in block)
            marginal[key] = marginal.get(key, 0) + weight
        marginals.append(marginal)
    for keys in product(*marginals):
        row = [None] * len(rows[0])
        expected = Fraction(1)
        for key, block, marginal in zip(keys, blocks, marginals, strict=True):
            expected *= marginal[key]
            for axis, value in zip(block, key, strict=True):
                row[axis] = value
        if table.get(tuple(row), 0) != expected:
            return False
    return True


def test_blocks_are_the_finest_product_of_small_laws():
    rng = np.random.default_rng(5)
    sizes = []
    for _ in range(150):
        rows, weights = list(product((0, 1), (0, 1), (0, 1, 2))), [Fraction(1)] * 12
        for _ in range(rng.integers(0, 3)):  # factors that depend on one or two axes
            axes = rng.choice(3, rng.integers(1, 3), replace=False)
            values = {}
            for k, row in enumerate(rows):
                weights[k] *= values.setdefault(tuple(row[a] for a in axes), Fraction(int(rng.integers(1, 4))))
        weights = [w / sum(weights) for w in weights]
        finest = max((b for b in partitions([0, 1, 2]) if is_product(rows, weights, b)), key=len)
        blocks = points_of(rows, weights).blocks()
        assert sorted(blocks) == sorted(tuple(sorted(b)) for b in finest)
        sizes.append(len(blocks))
    assert {1, 2, 3} <= set(sizes)


def test_projection_adds_weights():
    rows, weights = grid(line([0, 1], ["1/5", "4/5"]), line([0, 1, 5], UNEQUAL))
    part = points_of(rows, weights).project((1,))
    assert dict(zip(part.points, part.weights, strict=True)) == {
        (0,): Fraction(1, 7),
        (1,): Fraction(2, 7),
        (5,): Fraction(4, 7),
    }

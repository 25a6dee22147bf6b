"""The means as exact points of their affine hull: coordinates, faces of the convex hull, product structure.

For tilts `y` in `R^d` only the functional that `y` is on the affine hull of the means matters, so the search runs over
`R^n`, `n` the dimension of the hull, in coordinates that are a subset of the ambient axes ("pivot axes").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from math import gcd

import numpy as np

from certflow.errors import InputError
from certflow.law.exposed import exposed_diameter
from certflow.law.mixture import GaussianMixture

Vector = tuple[Fraction, ...]

#: Hull dimension up to which the faces at infinity are enumerated, and number of points up to which they are.
MAX_HULL_DIMENSION, MAX_POINTS = 3, 64


@dataclass(frozen=True)
class Points:
    """Distinct points `a_k` of `R^d` with weights, and the pivot axes of their affine hull.

    points : `K` rational vectors; weights : `K` positive rationals of sum 1; axes : `n` axes on which the hull projects
    one to one; scale : squared lengths are those of the coordinates divided by this (see `turned`).
    """

    points: tuple[Vector, ...]
    weights: tuple[Fraction, ...]
    axes: tuple[int, ...]
    scale: Fraction = Fraction(1)

    @classmethod
    def of(cls, points: tuple[Vector, ...], weights: tuple[Fraction, ...], scale: Fraction = Fraction(1)) -> Points:
        """Equal points are merged (their weights add), which leaves the law unchanged."""
        merged: dict[Vector, Fraction] = {}
        for point, weight in zip(points, weights, strict=True):
            merged[point] = merged.get(point, Fraction(0)) + weight
        kept = tuple(merged)
        return cls(kept, tuple(merged.values()), pivot_axes(kept), scale)

    @classmethod
    def of_mixture(cls, mixture: GaussianMixture) -> Points:
        if mixture.is_symbolic:
            raise InputError("mixture", "symbolic parameters", "numbers")
        means = tuple(tuple(Fraction(value) for value in row) for row in mixture.exact_means.fractions)
        total = mixture.weight_total
        weights = tuple(Fraction(value) / total for value in mixture.exact_weights.fractions)
        return cls.of(means, weights)

    @property
    def dimension(self) -> int:
        """`n`, the dimension of the affine hull."""
        return len(self.axes)

    @cached_property
    def middle(self) -> Vector:
        """The middle of the range of every ambient coordinate: the origin of what follows."""
        return tuple((max(column) + min(column)) / 2 for column in zip(*self.points, strict=True))

    @cached_property
    def centred(self) -> tuple[Vector, ...]:
        """`a_k - middle`, `K` vectors of length `d`."""
        return tuple(tuple(a - m for a, m in zip(point, self.middle, strict=True)) for point in self.points)

    @cached_property
    def coordinates(self) -> tuple[Vector, ...]:
        """`alpha_k`: the pivot coordinates of the centred points; `K` vectors of length `n`."""
        return tuple(tuple(point[axis] for axis in self.axes) for point in self.centred)

    @cached_property
    def embedding(self) -> tuple[Vector, ...]:
        """`E` with `a_k - a_l = E (alpha_k - alpha_l)`; `d` rows of length `n`."""
        solution = _solve([[*alpha, Fraction(1)] for alpha in self.coordinates], [list(p) for p in self.points])
        return tuple(tuple(solution[i][axis] for i in range(self.dimension)) for axis in range(len(self.points[0])))

    @cached_property
    def squares(self) -> Vector:
        """`|a_k - middle|^2`."""
        return tuple(sum((a * a for a in point), Fraction(0)) / self.scale for point in self.centred)

    @cached_property
    def diameter_squared(self) -> Fraction:
        """`D^2`, the largest squared distance of two points."""
        pairs = combinations(range(len(self.points)), 2)
        return max((self.distance_squared(i, j) for i, j in pairs), default=Fraction(0))

    def distance_squared(self, i: int, j: int) -> Fraction:
        """`|a_i - a_j|^2`."""
        pairs = zip(self.points[i], self.points[j], strict=True)
        return sum(((a - b) ** 2 for a, b in pairs), Fraction(0)) / self.scale

    @cached_property
    def faces(self) -> tuple[Face, ...]:
        """The proper faces of the convex hull with at least two points, larger ones first.

        In more than three dimensions, or of too many points, only an edge of length `D`, if one is found.
        """
        if self.dimension < 2:
            return ()
        if self.dimension > MAX_HULL_DIMENSION or len(self.points) > MAX_POINTS:
            return self._longest_edge()
        facets = _facets(self.coordinates, self.dimension)
        found = dict(facets)
        for (one, normal_one), (two, normal_two) in combinations(facets.items(), 2):
            common = one & two
            if len(common) >= 2 and common not in found:
                found[common] = tuple(a + b for a, b in zip(normal_one, normal_two, strict=True))
        faces = [self._face(tuple(sorted(subset)), normal) for subset, normal in found.items()]
        return tuple(sorted(faces, key=lambda face: (-len(face.axes), face.members)))

    def _face(self, members: tuple[int, ...], normal: Vector) -> Face:
        return Face(members, normal, pivot_axes([self.coordinates[k] for k in members]))

    def _longest_edge(self) -> tuple[Face, ...]:
        means = np.array([list(point) for point in self.points], dtype=object)
        edge = exposed_diameter(GaussianMixture(list(self.weights), means, 1))
        if edge is None:
            return ()
        i, j, normal = edge
        columns = zip(*self.embedding, strict=True)
        functional = tuple(sum((e * n for e, n in zip(c, normal, strict=True)), Fraction(0)) for c in columns)
        return (self._face((min(i, j), max(i, j)), functional),)

    def blocks(self) -> list[tuple[int, ...]]:
        """Axes of the finest partition for which the weighted points are a product (one block: no product)."""
        axes = [axis for axis in range(len(self.points[0])) if len({point[axis] for point in self.points}) > 1]
        groups = [{axis} for axis in axes]
        for one, two in combinations(axes, 2):
            if not self._is_product([(one,), (two,)]):
                first = next(group for group in groups if one in group)
                second = next(group for group in groups if two in group)
                if first is not second:
                    groups.remove(second)
                    first |= second
        blocks = [tuple(sorted(group)) for group in groups]
        return blocks if len(blocks) > 1 and self._is_product(blocks) else [tuple(axes)]

    def project(self, axes: tuple[int, ...]) -> Points:
        """The image under the projection on some axes."""
        return Points.of(tuple(tuple(point[axis] for axis in axes) for point in self.points), self.weights, self.scale)

    def turned(self, p: int, q: int) -> Points:
        """The points of a plane in the coordinates `(p x + q y, p y - q x)`, `(p^2 + q^2)^{1/2}` times as long, which
        `scale` keeps."""
        rows = tuple(turned_point(point, (p, q)) for point in self.points)
        return Points.of(rows, self.weights, self.scale * (p * p + q * q))

    def product_turn(self) -> tuple[int, int] | None:
        """Coprime `(p, q)` such that the points of a plane, turned by it, are a product law; None if there is none."""
        if len(self.points[0]) != 2 or len(self.points) > MAX_POINTS or len(self.blocks()) > 1:
            return None
        first = self.points[0]
        for x, y in sorted((a - first[0], b - first[1]) for a, b in self.points[1:]):
            common = x.denominator * y.denominator
            p, q = int(x * common), int(y * common)
            p, q = p // gcd(p, q), q // gcd(p, q)
            if p and q and len(self.turned(p, q).blocks()) > 1:
                return p, q
        return None

    def _is_product(self, blocks: list[tuple[int, ...]]) -> bool:
        joint = self.project(tuple(axis for block in blocks for axis in block))
        factors = [dict(zip(part.points, part.weights, strict=True)) for part in map(self.project, blocks)]
        count = 1
        for factor in factors:
            count *= len(factor)
        if count != len(joint.points):
            return False
        for point, weight in zip(joint.points, joint.weights, strict=True):
            start, expected = 0, Fraction(1)
            for factor, block in zip(factors, blocks, strict=True):
                expected *= factor[point[start : start + len(block)]]
                start += len(block)
            if expected != weight:
                return False
        return True


@dataclass(frozen=True)
class Face:
    """Points of a face of the hull, a normal that exposes it, and its own pivot axes among the coordinates."""

    members: tuple[int, ...]
    normal: Vector
    axes: tuple[int, ...]


def turned_point(point: Sequence[Fraction], turn: tuple[int, int]) -> Vector:
    """`(p x + q y, p y - q x)`."""
    (x, y), (p, q) = point, turn
    return (p * x + q * y, p * y - q * x)


def pivot_axes(points: tuple[Vector, ...] | list[Vector]) -> tuple[int, ...]:
    """Axes on which the affine hull of the points projects one to one, by elimination with the largest pivots."""
    rows = [[a - b for a, b in zip(point, points[0], strict=True)] for point in points[1:]]
    axes: list[int] = []
    while rows:
        size, row, axis = max(((abs(v), i, j) for i, r in enumerate(rows) for j, v in enumerate(r)), key=lambda e: e[0])
        if size == 0:
            break
        axes.append(axis)
        pivot = rows.pop(row)
        rows = [[v - p * r[axis] / pivot[axis] for v, p in zip(r, pivot, strict=True)] for r in rows]
    return tuple(sorted(axes))


def _solve(rows: list[list[Fraction]], values: list[list[Fraction]]) -> list[list[Fraction]]:
    """`X` with `rows X = values`, for consistent rows of full column rank."""
    size = len(rows[0])
    work = [[*row, *value] for row, value in zip(rows, values, strict=True)]
    for column in range(size):
        chosen = max(range(column, len(work)), key=lambda i: abs(work[i][column]))
        work[column], work[chosen] = work[chosen], work[column]
        pivot = work[column]
        inverse = 1 / pivot[column]
        work[column] = pivot = [v * inverse for v in pivot]
        for i, row in enumerate(work):
            if i != column and row[column]:
                factor = row[column]
                work[i] = [v - factor * p for v, p in zip(row, pivot, strict=True)]
    return [work[i][size:] for i in range(size)]


def _facets(coordinates: tuple[Vector, ...], dimension: int) -> dict[frozenset[int], Vector]:
    """Facets of the convex hull as sets of points, with outward normals; exact, by trying every hyperplane."""
    scale = 1
    for point in coordinates:
        for value in point:
            scale = scale * value.denominator // gcd(scale, value.denominator)
    integers = [tuple(int(value * scale) for value in point) for point in coordinates]
    found: dict[frozenset[int], Vector] = {}
    for subset in combinations(range(len(integers)), dimension):
        if any(set(subset) <= facet for facet in found):
            continue
        base = integers[subset[0]]
        normal = _normal([[a - b for a, b in zip(integers[k], base, strict=True)] for k in subset[1:]])
        if not any(normal):
            continue
        heights = [sum(n * (a - b) for n, a, b in zip(normal, point, base, strict=True)) for point in integers]
        if min(heights) < 0 < max(heights):
            continue
        sign = 1 if max(heights) <= 0 else -1
        found[frozenset(k for k, height in enumerate(heights) if height == 0)] = tuple(
            Fraction(sign * n) for n in normal
        )
    return found


def _normal(edges: list[list[int]]) -> list[int]:
    """A vector orthogonal to one edge of the plane or to two of space."""
    if len(edges) == 1:
        return [-edges[0][1], edges[0][0]]
    (a, b, c), (d, e, f) = edges
    return [b * f - c * e, c * d - a * f, a * e - b * d]

"""Involutions that preserve a mixture, decided in exact arithmetic.

`R x = c + (I - 2 Q)(x - c)`, `c` the mean of the mixture, `Q` an orthogonal projector. If `R` carries the mixture to
itself, then `R_t x = m c + (I - 2 Q)(x - m c)` preserves `p_t` for every `t`, and `Phi o R_t = R_s o Phi`
(proofs/M2.md). `Q = I` is the point reflection, `Q = n n^T / |n|^2` the reflection in a hyperplane.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats

#: Most components whose differences of means are tried as normals, and most axes that are tried.
MAX_COMPONENTS, MAX_AXES = 16, 64

Vector = tuple[Fraction, ...]


@dataclass(frozen=True)
class Symmetry:
    """Mutually orthogonal projectors `Q_j`, for each of which `I - 2 Q_j` about the centre preserves the mixture.

    name : "point reflection", or "reflections" with how many
    centre : mean of the data law, shape (d,);  projectors : shape (J, d, d)
    """

    name: str
    centre: Floats
    projectors: Floats


def symmetries(mixture: GaussianMixture) -> list[Symmetry]:
    """The point reflection, and every maximal family of mutually orthogonal reflections, that preserve the mixture.

    Tried as normals are the axes (at most 64) and the differences of means (of at most 16 components). Parameters are
    compared as exact rationals: weights that are only nearly equal are different.
    """
    if mixture.is_symbolic:
        raise InputError("mixture", "symbolic parameters", "numbers")
    law = Law(mixture)
    centre = np.array([float(v) for v in law.centre])
    d = mixture.dimension
    found = []
    if law.invariant(None):
        found.append(Symmetry("point reflection", centre, np.eye(d)[None]))
    normals = [n for n in candidate_normals(law) if law.invariant(n)]
    for family in orthogonal_families(normals):
        projectors = np.stack([projector(n) for n in family])
        found.append(Symmetry(reflections(len(family)), centre, projectors))
    return found


def reflections(count: int) -> str:
    """The name of a family of so many."""
    return f"{count} reflection{'s' * (count > 1)}"


def is_equal_pair(mixture: GaussianMixture) -> bool:
    """Two different modes of equal weight and one common isotropic variance: the case of proofs/F3.md."""
    if mixture.kind != "common-isotropic" or mixture.n_components != 2:
        return False
    first, second = mixture.exact_weights.fractions
    return bool(first == second and mixture.diameter_squared > 0)


class Law:
    """Components as exact numbers, equal ones merged: {(mean, covariance): weight}."""

    def __init__(self, mixture: GaussianMixture):
        self.dimension = mixture.dimension
        weights = mixture.exact_weights.fractions
        self.means = [tuple(Fraction(v) for v in row) for row in mixture.exact_means.fractions]
        covariances = mixture.exact_covariances.fractions
        self.parts: dict[Any, Fraction] = {}
        for k, mean in enumerate(self.means):
            own = covariances[k] if mixture.kind in ("isotropic", "full") else covariances[()]
            key = (mean, _rows(own))
            self.parts[key] = self.parts.get(key, Fraction(0)) + Fraction(weights[k])
        total = sum(self.parts.values(), Fraction(0))
        columns = zip(*((tuple(w * v for v in mean)) for (mean, _), w in self.parts.items()), strict=True)
        self.centre: Vector = tuple(sum(column, Fraction(0)) / total for column in columns)

    def invariant(self, normal: Vector | None) -> bool:
        """Under the reflection with this normal, or in the centre for None."""
        return all(self.parts.get(self._image(key, normal)) == weight for key, weight in self.parts.items())

    def _image(self, key: Any, normal: Vector | None) -> Any:
        mean, covariance = key
        if normal is None:
            return tuple(2 * c - v for c, v in zip(self.centre, mean, strict=True)), covariance
        square = dot(normal, normal)
        step = 2 * sum(n * (v - c) for n, v, c in zip(normal, mean, self.centre, strict=True)) / square
        moved = tuple(v - step * n for v, n in zip(mean, normal, strict=True))
        if not isinstance(covariance, tuple):
            return moved, covariance
        # H S H with H = I - 2 n n^T / |n|^2
        image = [dot(row, normal) for row in covariance]
        twice = dot(image, normal)
        return moved, tuple(
            tuple(
                s - 2 * (a * nj + ni * b) / square + 4 * ni * nj * twice / square**2
                for s, b, nj in zip(row, image, normal, strict=True)
            )
            for row, a, ni in zip(covariance, image, normal, strict=True)
        )


def _rows(covariance: Any) -> Any:
    """A variance, or the rows of a matrix."""
    if not isinstance(covariance, np.ndarray):
        return Fraction(covariance)
    return tuple(tuple(Fraction(v) for v in row) for row in covariance)


def dot(left: Any, right: Any) -> Fraction:
    """`sum_i left_i right_i`, exactly."""
    return sum((a * b for a, b in zip(left, right, strict=True)), Fraction(0))


def candidate_normals(law: Law) -> list[Vector]:
    """Differences of means (of at most 16), then the axes (at most 64), each direction once."""
    d = law.dimension
    axes = [tuple(Fraction(int(i == j)) for j in range(d)) for i in range(min(d, MAX_AXES))]
    means = sorted(set(law.means)) if len(set(law.means)) <= MAX_COMPONENTS else []
    between = [tuple(a - b for a, b in zip(x, y, strict=True)) for x, y in itertools.combinations(means, 2)]
    return list(dict.fromkeys(_scaled(n) for n in [*between, *axes]))


def _scaled(normal: Vector) -> Vector:
    """The same direction with 1 as its first entry that is not 0."""
    first = next(v for v in normal if v)
    return tuple(v / first for v in normal)


def orthogonal_families(normals: list[Vector]) -> list[tuple[Vector, ...]]:
    """From each normal, the family that takes further ones in their order as long as all are orthogonal."""
    families: dict[frozenset[Vector], tuple[Vector, ...]] = {}
    for first in normals:
        family = [first]
        for other in normals:
            if all(dot(other, n) == 0 for n in family):
                family.append(other)
        families.setdefault(frozenset(family), tuple(family))
    return list(families.values())


def projector(normal: Vector) -> Floats:
    """`n n^T / |n|^2` in float64."""
    n = np.array([float(v) for v in normal])
    result: Floats = np.outer(n, n) / (n @ n)
    return result

"""One-dimensional factors of a mixture, decided in exact arithmetic.

If `p_0` is the product of its marginal on the line of `n` and its marginal on the orthogonal complement, so is `p_t`,
and the flow moves the coordinate along `n` by itself: `n.Phi(x) = phi(n.x)`, `phi` the flow of the line's own mixture.
A `B`-Lipschitz map has `B`-Lipschitz values along every line, so the floors of the lines add up under it, and a
product of `B`-Lipschitz maps is `B`-Lipschitz: they add up to what the best map attains (proofs/M2.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.law.mixture import GaussianMixture
from certflow.law.symmetry import Law, Vector, candidate_normals, dot, orthogonal_families
from certflow.numbers.arrays import Floats


@dataclass(frozen=True)
class Factors:
    """`p_0 = p_1 x ... x p_J x N(., diag(variances)) x rest`, along orthogonal directions.

    directions : unit vectors, shape (J, d);  lines : their laws about the mean of `p_0`, none of them one Gaussian
    variances : of the Gaussian directions;  removed : orthonormal, shape (n, d): all directions but those of the rest
    """

    directions: Floats
    lines: tuple[GaussianMixture, ...]
    variances: Floats
    removed: Floats

    @property
    def complete(self) -> bool:
        """No rest: the law is a product of one-dimensional ones."""
        result: bool = len(self.lines) + len(self.variances) == self.removed.shape[1]
        return result


def coordinate_lines(mixture: GaussianMixture) -> tuple[GaussianMixture, ...] | None:
    """The marginals `p_1, ..., p_d` on the coordinates, exact, if `p_0 = p_1 x ... x p_d`; else None.

    Raises
    ------
    InputError : symbolic parameters.
    """
    if mixture.is_symbolic:
        raise InputError("mixture", "symbolic parameters", "numbers")
    law, d = Law(mixture), mixture.dimension
    lines = []
    for i in range(d):
        line = _line(law, tuple(Fraction(int(i == j)) for j in range(d)))
        if line is None:
            return None
        lines.append(_mixture(line, mixture.name, law.centre[i]))
    return tuple(lines)


@dataclass(frozen=True)
class _Line:
    """The marginal on the line of a normal: weights of (coordinate about the centre over |n|^2, variance)."""

    normal: Vector
    parts: dict[tuple[Fraction, Fraction], Fraction]


def factors(mixture: GaussianMixture) -> Factors:
    """The directions along which the law factorises, among differences of means and axes (`certflow.law.symmetry`).

    Where what is left is one Gaussian, the eigenvectors of its covariance are directions too. Of several orthogonal
    families the one with most lines that are not Gaussian.

    Raises
    ------
    InputError : symbolic parameters.
    """
    if mixture.is_symbolic:
        raise InputError("mixture", "symbolic parameters", "numbers")
    law = Law(mixture)
    found = [line for line in (_line(law, normal) for normal in candidate_normals(law)) if line is not None]
    lines = {line.normal: line for line in found}
    families = [[lines[n] for n in family] for family in orthogonal_families(list(lines))]
    best = max(families, key=lambda family: sum(len(line.parts) > 1 for line in family), default=[])
    d = mixture.dimension
    units = np.array([_unit(line.normal) for line in best]).reshape(-1, d)
    apart = [len(line.parts) > 1 for line in best]
    variances = [float(next(iter(line.parts))[1]) for line in best if len(line.parts) == 1]
    if _single_rest(law, [line.normal for line in best]):
        basis = np.linalg.svd(units, full_matrices=True)[2][len(units) :] if len(units) else np.eye(d)
        variances += np.linalg.eigvalsh(basis @ mixture.covariance_matrices[0] @ basis.T).tolist()
        removed = np.concatenate([units, basis])
    else:
        removed = units
    laws = tuple(_mixture(line, mixture.name) for line in best if len(line.parts) > 1)
    return Factors(units[apart], laws, np.array(variances), removed)


def _line(law: Law, normal: Vector) -> _Line | None:
    """The marginal along the normal, or None where the law is not a product across it."""
    square = dot(normal, normal)
    middle = dot(normal, law.centre)
    table: dict[tuple[Any, Any], Fraction] = {}
    for (mean, covariance), weight in law.parts.items():
        variance = _eigenvalue(covariance, normal)
        if variance is None:
            return None
        along = ((dot(mean, normal) - middle) / square, variance)
        table[along, _across(mean, covariance, normal, variance)] = weight
    rows: dict[Any, Fraction] = {}
    columns: dict[Any, Fraction] = {}
    for (row, column), weight in table.items():
        rows[row] = rows.get(row, Fraction(0)) + weight
        columns[column] = columns.get(column, Fraction(0)) + weight
    total = sum(rows.values(), Fraction(0))
    if len(table) < len(rows) * len(columns):
        return None
    if any(weight * total != rows[row] * columns[column] for (row, column), weight in table.items()):
        return None
    return _Line(normal, rows)


def _eigenvalue(covariance: Any, normal: Vector) -> Fraction | None:
    """`s` with `Sigma n = s n`, if there is one."""
    if not isinstance(covariance, tuple):
        return Fraction(covariance)
    place = next(i for i, n in enumerate(normal) if n)
    value = dot(covariance[place], normal) / normal[place]
    return value if all(dot(row, normal) == value * n for row, n in zip(covariance, normal, strict=True)) else None


def _across(mean: Vector, covariance: Any, normal: Vector, variance: Fraction) -> Any:
    """Mean and covariance without their part along the normal; a variance stands for itself."""
    square = dot(normal, normal)
    along = dot(mean, normal) / square
    rest = tuple(v - along * n for v, n in zip(mean, normal, strict=True))
    if not isinstance(covariance, tuple):
        return rest, covariance
    share = variance / square
    return rest, tuple(
        tuple(s - share * a * b for s, b in zip(row, normal, strict=True))
        for row, a in zip(covariance, normal, strict=True)
    )


def _single_rest(law: Law, normals: list[Vector]) -> bool:
    """Some direction is left, and there all components are one Gaussian."""
    if len(normals) == law.dimension:
        return False
    parts = set()
    for mean, covariance in law.parts:
        rest, spread = mean, covariance
        for normal in normals:
            rest, spread = _across(rest, spread, normal, _eigenvalue(covariance, normal) or Fraction(0))
        parts.add((rest, spread))
    return len(parts) == 1


def _unit(normal: Vector) -> Floats:
    n = np.array([float(v) for v in normal])
    result: Floats = n / np.linalg.norm(n)
    return result


def _mixture(line: _Line, name: str, origin: Fraction = Fraction(0)) -> GaussianMixture:
    """In the coordinate `n.(x - c) / |n| + origin`; its scale is rounded where `|n|` is irrational."""
    square = dot(line.normal, line.normal)
    root = Fraction(math.isqrt(square.numerator), math.isqrt(square.denominator))
    length = root if root * root == square else Fraction(math.sqrt(square))
    means = [[along * length + origin] for along, _ in line.parts]
    spreads = [variance for _, variance in line.parts]
    return GaussianMixture(
        list(line.parts.values()), means, spreads[0] if len(set(spreads)) == 1 else spreads, name=name
    )

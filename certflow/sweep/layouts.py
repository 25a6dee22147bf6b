"""From the parameters of a family to one mixture: where its means lie, its weights, its covariances.

All numbers are short exact decimals or fractions, so that a mixture is the same on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Matrices, Points
from certflow.numbers.exact import exact_text

#: Significant digits of coordinates and of entries of matrices.
DIGITS = 6
#: Weights are multiples of one over a sum of about this size.
UNITS = 10**6


def line(components: int, dimension: int, rng: np.random.Generator) -> Points:
    """Equally spaced on the first axis."""
    points = np.zeros((components, dimension))
    points[:, 0] = np.arange(components)
    return points


def ring(components: int, dimension: int, rng: np.random.Generator) -> Points:
    """A regular polygon in the first two axes; needs `d >= 2`."""
    points = np.zeros((components, dimension))
    angles = 2 * math.pi * np.arange(components) / components
    points[:, 0], points[:, 1] = np.cos(angles), np.sin(angles)
    return points


def simplex(components: int, dimension: int, rng: np.random.Generator) -> Points:
    """All distances equal; needs `d >= K - 1`."""
    centred = np.eye(components) - 1 / components
    axes = np.linalg.svd(centred)[2][: components - 1]
    points = np.zeros((components, dimension))
    points[:, : components - 1] = centred @ axes.T
    return points


def scattered(components: int, dimension: int, rng: np.random.Generator) -> Points:
    """Standard normal draws."""
    return rng.standard_normal((components, dimension))


Layout = Callable[[int, int, np.random.Generator], Points]
#: Where means may lie, by name; each is scaled so that the largest distance is what is asked for.
LAYOUTS: Mapping[str, Layout] = {"random": scattered, "line": line, "ring": ring, "simplex": simplex}
#: The least dimension of a layout, given the number of components.
_LEAST: Mapping[str, Callable[[int], int]] = {
    "random": lambda k: 1,
    "line": lambda k: 1,
    "ring": lambda k: 2,
    "simplex": lambda k: max(k - 1, 1),
}


def make_mixture(parameters: Mapping[str, Any], rng: np.random.Generator, name: str, field: str) -> GaussianMixture:
    """The mixture of one point of a family.

    parameters : layout, components, dimension, sigma, separation, weights, covariances, anisotropy, as a specification
        has them, one value each; field : the table's name, for errors

    Raises
    ------
    InputError : a layout that does not fit into so few dimensions.
    """
    components, dimension, layout = (parameters[key] for key in ("components", "dimension", "layout"))
    if dimension < _LEAST[layout](components):
        required = f"at least {_LEAST[layout](components)} for layout {layout} of {components} components"
        raise InputError(f"{field}.dimension", dimension, required)
    means = LAYOUTS[layout](components, dimension, rng)
    distances = np.linalg.norm(means[:, None] - means[None], axis=2)
    if components > 1:
        means = means * (parameters["separation"] / distances.max())
    weights = _weights(parameters["weights"], components, rng)
    covariances = _covariances(
        parameters["covariances"], parameters["sigma"], parameters["anisotropy"], components, dimension, rng
    )
    origin = {"method": "family of certflow sweep", **parameters}
    return GaussianMixture(weights, [list(map(decimal, row)) for row in means], covariances, name=name, origin=origin)


def decimal(value: float) -> str:
    """A number by its first six digits."""
    text = f"{value:.{DIGITS}g}"
    return "0" if float(text) == 0 else text


def _weights(asked: Any, components: int, rng: np.random.Generator) -> list[str]:
    """`equal`; `random` (uniform on the simplex); or a ratio `w_1 / w_K` of weights that fall geometrically."""
    if asked == "equal":
        return [f"1/{components}"] * components
    if asked == "random":
        shares: Floats = rng.dirichlet(np.ones(components))
    else:
        shares = float(asked) ** (-np.arange(components) / max(components - 1, 1))
        shares = shares / shares.sum()
    counts = [max(1, round(UNITS * float(share))) for share in shares]
    return [exact_text(Fraction(count, sum(counts))) for count in counts]


def _covariances(
    kind: str, sigma: float, anisotropy: float, components: int, dimension: int, rng: np.random.Generator
) -> Any:
    """Variances about `sigma^2`, those of one matrix (or of the components) spread by the ratio `anisotropy`."""
    if kind == "common-isotropic":
        return exact_text(Fraction(decimal(sigma)) ** 2)
    if kind == "isotropic":
        return [decimal(float(value)) for value in sigma**2 * _spread(anisotropy, components)]
    variances = sigma**2 * _spread(anisotropy, dimension)
    if kind == "shared":
        return _matrix(variances, rng)
    return [_matrix(variances, rng) for _ in range(components)]


def _spread(ratio: float, count: int) -> Floats:
    """Factors from `ratio^(-1/2)` to `ratio^(1/2)` with a geometric mean of one."""
    return ratio ** np.linspace(-0.5, 0.5, count) if count > 1 else np.ones(1)


def _matrix(variances: Floats, rng: np.random.Generator) -> list[list[str]]:
    """A matrix with these eigenvalues in random directions, exactly symmetric in its decimals."""
    size = len(variances)
    axes: Matrices = np.linalg.qr(rng.standard_normal((size, size)))[0]
    matrix = (axes * variances) @ axes.T
    return [[decimal(float(matrix[min(i, j), max(i, j)])) for j in range(size)] for i in range(size)]

"""The tilted laws behind the sharp rates: exact points and Arb balls, turned into float64 tasks with error bounds.

Common variance: `gamma_k ~ w_k exp(y.mu_k - r |mu_k|^2)`, `y = m x/v`, `r = m^2/(2v)`, so `V*(r) = sup_y lambda_max
Cov_gamma(mu)` is a function of `r` alone (proofs/L5.md). Shared covariance: the same with `y = m P x` and
`m^2 mu.P mu / 2` in place of `r |mu|^2` (proofs/L6.md).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.suprema.points import Points
from certflow.enclosure.suprema.tasks import Task
from certflow.errors import InputError
from certflow.numbers.arrays import Floats
from certflow.numbers.floats import UNIT

#: Working precision of the balls from which float64 tasks are made.
BITS = 160
#: Bits of the metric in a certificate.
PLACES = 96
_RANGE = 1e60


def common_isotropic_task(points: Points, r: Any | None, interval: tuple[float, float] | None = None) -> Task:
    """The task of `V*(r)`: lengths are Euclidean, the threshold is the value of `V*`.

    Either `r` is a ball, or `interval` holds the ends of an interval of `r`, which then is the last tilt coordinate.
    """
    tilt = _floats(points.coordinates)
    offsets = [ball(weight).log() for weight in points.weights]
    if interval is None:
        offsets = [o - r * ball(square) for o, square in zip(offsets, points.squares, strict=True)]
    else:
        squares = np.array([-float(square) for square in points.squares])
        tilt = np.concatenate([tilt, squares[:, None]], axis=1)
    gram = [[_dot(a, b) / points.scale for b in _columns(points)] for a in _columns(points)]
    return _task(points, [[ball(entry) for entry in row] for row in gram], offsets, tilt, interval)


def shared_task(points: Points, metric: Any, offsets: list[Any]) -> Task:
    """The task of `Cov_gamma(mu) <= M`: lengths are `a.M^{-1} a`, the threshold is 1.

    metric : `M^{-1}` as an `arb_mat` (d, d); offsets : `log w_k - m^2 mu_k.P mu_k / 2` as balls
    """
    return _task(points, _gram(points, metric), offsets, _floats(points.coordinates), None)


def metric_factor(points: Points, metric: Any) -> list[list[Fraction]]:
    """`U` upper triangular with `|U alpha_k|^2 = a_k.M^{-1} a_k`, rounded to `PLACES` bits of its largest entry."""
    upper = [[Fraction(*map(int, (entry.mid().fmpq().p, entry.mid().fmpq().q))) for entry in row]
             for row in _upper_factor(_gram(points, metric))]  # fmt: skip
    largest = max(abs(entry) for row in upper for entry in row)
    unit = Fraction(2) ** (largest.numerator.bit_length() - largest.denominator.bit_length() - PLACES)
    return [[round(entry / unit) * unit for entry in row] for row in upper]


def _gram(points: Points, metric: Any) -> list[list[Any]]:
    """`E^T M^{-1} E`, so that `alpha.G alpha` are the lengths of the metric in coordinates."""
    import flint

    columns = flint.arb_mat([[ball(entry) for entry in row] for row in points.embedding])
    gram = columns.transpose() * metric * columns
    n = points.dimension
    return [[gram[i, j] for j in range(n)] for i in range(n)]


def _task(
    points: Points, gram: list[list[Any]], offsets: list[Any], tilt: Floats, interval: tuple[float, float] | None
) -> Task:
    """Coordinates `U alpha_k` with `U^T U` the Gram matrix, so that Euclidean lengths are the ones wanted."""
    import flint

    n, count = points.dimension, len(points.points)
    if n:
        upper = flint.arb_mat(_upper_factor(gram))
        alphas = flint.arb_mat([[ball(entry) for entry in alpha] for alpha in points.coordinates])
        product = alphas * upper.transpose()
        entries = [[product[k, i] for i in range(n)] for k in range(count)]
    else:
        entries = [[] for _ in range(count)]
    geometry = np.array([[float(entry.mid()) for entry in row] for row in entries]).reshape(count, n)
    largest = np.abs(geometry).max(initial=1.0 if not n else 0.0)
    if not 1 / _RANGE < largest < _RANGE:  # squares of squares must neither overflow nor vanish
        raise InputError(
            "mixture", f"lengths of the order of {largest:.0e}", f"lengths from {1 / _RANGE:g} to {_RANGE:g}"
        )
    radii = [float(entry.rad()) for row in entries for entry in row]
    offset = np.array([float(o.mid()) for o in offsets])
    spread = max((float(o.rad()) for o in offsets), default=0.0)
    return Task(
        geometry=geometry,
        tilt=tilt,
        offset=offset,
        # A conversion rounds by at most 2 u of the entry; the error of a point is that of n entries.
        geometry_error=float(n * (max(radii, default=0.0) + 2 * UNIT * np.abs(geometry).max(initial=0.0))) * 1.01,
        offset_error=(spread + 2 * UNIT * float(np.abs(offset).max())) * 1.01,
        members=np.arange(count),
        outside=np.array([], dtype=int),
        interval=interval,
    )


def _upper_factor(gram: list[list[Any]]) -> list[list[Any]]:
    """`U` upper triangular with `U^T U = G` for a positive definite matrix of balls (Cholesky)."""
    n = len(gram)
    upper = [[ball(Fraction(0))] * n for _ in range(n)]
    for i in range(n):
        upper[i][i] = (gram[i][i] - sum((upper[k][i] * upper[k][i] for k in range(i)), ball(Fraction(0)))).sqrt()
        for j in range(i + 1, n):
            rest = gram[i][j] - sum((upper[k][i] * upper[k][j] for k in range(i)), ball(Fraction(0)))
            upper[i][j] = rest / upper[i][i]
    return upper


def _floats(vectors: tuple[tuple[Fraction, ...], ...]) -> Floats:
    return np.array([[float(entry) for entry in vector] for vector in vectors]).reshape(len(vectors), -1)


def _columns(points: Points) -> list[tuple[Fraction, ...]]:
    return list(zip(*points.embedding, strict=True))


def _dot(a: tuple[Fraction, ...], b: tuple[Fraction, ...]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))

"""What the kernels take of a mixture at one time, by kind of covariance."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from certflow.field.components import Components, FullComponents, IsotropicComponents, SharedComponents
from certflow.field.fused.tiles import by_pairs, tiled
from certflow.field.rounding import moments
from certflow.field.rounding.scale import Scale, accepted_error, scale_of
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Flags, Floats, Points

#: Fills values (N, .) at points (N, d), and whether each row is in doubt.
Fill = Callable[[Points, Floats, Flags], None]

#: The numbers by which kernels know the quantities.
_CODES = {"responsibilities": 0, "log_density": 1, "score": 2, "velocity": 3, "jacobian": 4}

_OF_VELOCITY = ("velocity", "jacobian")


def prepared(mixture: GaussianMixture, components: Components, quantity: str) -> Fill:
    """The kernel of a quantity, with what it takes of the components at one time. To load one takes a moment."""
    accepted, scale, code = mixture.kept[accepted_error], mixture.kept[scale_of], _CODES[quantity]
    kernel: Any
    if isinstance(components, FullComponents):
        from certflow.field.fused.full import full as kernel

        arguments = _full(components, quantity, scale)
    elif isinstance(components, SharedComponents):
        from certflow.field.fused.alike import alike as kernel

        arguments = _shared(components, quantity, scale)
    elif components.common:
        from certflow.field.fused.alike import alike as kernel

        arguments = _common(components, quantity, scale)
    else:
        from certflow.field.fused.varied import varied as kernel

        arguments = _varied(components, scale)

    def fill(x: Points, values: Floats, doubts: Flags) -> None:
        kernel(x, code, *arguments, accepted, values, doubts)

    return fill


def _factors(components: Components) -> tuple[float, float, float]:
    """`m`, `m^2`, `1 - m^2`."""
    return float(components.m[0, 0]), float(components.m2[0, 0]), float(components.n2[0, 0])


def _constant(dimension: int) -> float:
    return -math.log(2 * math.pi) * dimension / 2


def _common(components: IsotropicComponents, quantity: str, scale: Scale) -> tuple[Any, ...]:
    m, m2, n2 = _factors(components)
    p, q, d = float(components.p[0, 0]), float(components.q[0, 0]), components.dimension
    norms, vectors = components.parameters.square_norms, m * p * components.means
    offsets = components.log_weights - p * m2 / 2 * norms
    base = (m2 * q if quantity in _OF_VELOCITY else p) * np.eye(d)
    constant = _constant(d) + math.log(p) * d / 2
    cut = tiled(vectors), tiled(vectors.T), vectors, offsets
    none = np.empty((0, 0, 0, 0))
    s = moments.alike(scale, d, m, m2, n2)
    return (*cut, m2 * norms, p**2 * m2 * norms, _errors(s, m2 * norms, p**2 * m2 * norms), none, base, constant, s)


def _shared(components: SharedComponents, quantity: str, scale: Scale) -> tuple[Any, ...]:
    m, m2, n2 = _factors(components)
    d, means, resolvent = components.dimension, components.means, components.resolvent
    precision, slope = resolvent.precision_matrices[0], m2 * resolvent.slope_matrices[0]
    vectors = m * means @ precision
    offsets = components.log_weights - m / 2 * (vectors * means).sum(axis=1)
    base = np.ascontiguousarray(slope if quantity in _OF_VELOCITY else precision)
    constant = _constant(d) + float(resolvent.logdet[0]) / 2
    cut = tiled(vectors), tiled(vectors.T), vectors, offsets
    squares = m2 * (means * means).sum(axis=1), (vectors * vectors).sum(axis=1)
    s = moments.alike(scale, d, m, m2, n2)
    return (*cut, *squares, _errors(s, *squares), tiled(base), base, constant, s)


def _errors(s: moments.Alike, means: Floats, pulls: Floats) -> Floats:
    """What the errors of the logits are made of."""
    means, pulls = np.sqrt(means), np.sqrt(pulls)
    return np.stack([s.precision * means, means, s.top * pulls, pulls])


def _varied(components: IsotropicComponents, scale: Scale) -> tuple[Any, ...]:
    m, m2, n2 = _factors(components)
    d, p, r = components.dimension, components.p[0], m2 * components.q[0]
    vectors = (m * p)[:, None] * components.means
    offsets = components.log_weights - p * m2 / 2 * components.parameters.square_norms + np.log(p) * d / 2
    distances = m * np.sqrt(components.parameters.square_norms)
    rows = np.stack([p, r, p * p, r * r, (vectors * vectors).sum(axis=1), distances])
    cut = tiled(vectors), tiled(vectors.T), vectors, offsets
    return (*cut, rows, _constant(d), moments.varied(scale, d, m, m2, n2))


def _full(components: FullComponents, quantity: str, scale: Scale) -> tuple[Any, ...]:
    from certflow.field.fused.lanes import FLAT

    m, m2, n2 = _factors(components)
    d, resolvent, means = components.dimension, components.resolvent, m * components.means
    precision, slope = resolvent.precision_matrices[0], m2 * resolvent.slope_matrices[0]
    offsets = components.log_weights + resolvent.logdet[0] / 2
    if quantity in _OF_VELOCITY:
        matrices, vectors = slope, (precision @ means[:, :, None])[:, :, 0]
    else:
        matrices, vectors = precision, np.zeros_like(means)
    tops, highs = m2 * scale.high + n2, 1 / (m2 * scale.low + n2)
    slopes = m2 * highs * scale.slope
    rows = np.stack([highs**2, slopes**2, highs**2 * (means * means).sum(axis=1), m2 * tops * highs**2])
    averaged = by_pairs(slope) if d <= FLAT else np.ascontiguousarray(slope.transpose(1, 0, 2))
    vectors = np.ascontiguousarray(vectors)
    return (
        *(means, offsets, np.ascontiguousarray(matrices), vectors, tops, highs, rows, averaged, _constant(d)),
        moments.full(scale, d, m, m2, n2, moments.largest(tops * highs), moments.largest(slopes)),
    )

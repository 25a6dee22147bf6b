"""What the kernels take of a mixture at one time, by kind of covariance, and which moments they bring back."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np

from certflow.field.components import Components, FullComponents, IsotropicComponents, SharedComponents
from certflow.field.fused import lanes
from certflow.field.fused.tiles import by_pairs, tiled
from certflow.field.rounding.moments import Alike, Factors, Full, Moments, Varied
from certflow.field.rounding.scale import EPSILON, accepted_error, scale_of
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Indices, Points

#: Points of a block.
LANES = lanes.LANES

#: The numbers by which kernels know the quantities.
CODES = {
    "responsibilities": lanes.RESPONSIBILITIES,
    "log_density": lanes.LOG_DENSITY,
    "score": lanes.SCORE,
    "velocity": lanes.VELOCITY,
    "jacobian": lanes.JACOBIAN,
}

_NO_TILES, _NO_MATRIX, _NO_ROW = np.empty((0, 0, 0, 0)), np.empty((0, 0)), np.empty(0)


class Prepared:
    """A kernel with what it takes of the mixture."""

    #: Rows of the moments that the kernel fills.
    moment_count: int

    def __init__(self, mixture: GaussianMixture, components: Any, quantity: str):
        self.mixture, self.components = mixture, components
        self.quantity, self.code = quantity, CODES[quantity]
        self.accepted = mixture.kept[accepted_error]
        self.of_velocity = quantity in ("velocity", "jacobian")
        self.scale = mixture.kept[scale_of]
        self.factors = Factors(components.m[:, 0], components.m2[:, 0], components.n2[:, 0])
        self.m = float(components.m[0, 0])
        self.gauss = -math.log(2 * math.pi) * mixture.dimension / 2

    def fill(self, x: Points, values: Floats, moments: Floats) -> None:
        """Values (N, .) and moments (moment_count, N) at points (N, d)."""
        raise NotImplementedError

    def moments(self, rows: Floats) -> Moments:
        """What the bounds take, of the moments as filled."""
        raise NotImplementedError

    def doubtful(self, x: Points, values: Floats) -> Indices:
        """Fills values (N, .) at points (N, d); the rows whose error may be too large, or that are not finite."""
        rows = np.empty((self.moment_count, len(x)))
        self.fill(x, values, rows)
        moments = self.moments(rows)
        if self.quantity == "jacobian":
            bound = moments.error(self.quantity, fourth=np.sqrt(rows[lanes.FOURTH]))
        elif self.quantity == "responsibilities":
            bound = moments.error(self.quantity, other=np.maximum(1 - values.max(axis=1), 0) + EPSILON)
        else:
            bound = moments.error(self.quantity)
        if self.quantity == "responsibilities":
            size = np.where(np.isfinite(values).all(axis=1), 1.0, np.nan)
        elif self.quantity == "log_density":
            size = np.maximum(1.0, np.abs(values[:, 0]))
        else:
            size = np.sqrt(rows[lanes.SIZE])
        return (~((bound <= self.accepted * size) & np.isfinite(size))).nonzero()[0]


class _Linear(Prepared):
    """What both kinds of `linear` share: the vectors `a_k`, from which its tiles are cut."""

    vectors: Floats
    heights, ratios = _NO_ROW, _NO_ROW
    tiles, plain, factor = _NO_TILES, _NO_MATRIX, 0.0
    offsets: Floats
    rows: Floats
    constant: float

    @property
    def moment_count(self) -> int:
        return lanes.LISTED + len(self.rows)

    @cached_property
    def _arguments(self) -> tuple[Any, ...]:
        cut = tiled(self.vectors), tiled(self.vectors.T), self.vectors, self.offsets
        varied = self.heights, self.ratios, self.rows
        return (*cut, *varied, self.tiles, self.plain, self.factor, self.constant)

    def fill(self, x: Points, values: Floats, moments: Floats) -> None:
        from certflow.field.fused import linear

        linear.linear(x, self.code, *self._arguments, values, moments)


class _Common(_Linear):
    """One variance: `a_k = m p mu_k`."""

    def __init__(self, mixture: GaussianMixture, components: IsotropicComponents, quantity: str):
        super().__init__(mixture, components, quantity)
        p, r = float(components.p[0, 0]), float((components.m2 * components.q)[0, 0])
        norms = components.parameters.square_norms
        self.vectors = self.m * p * components.means
        self.offsets = components.log_weights - p * self.m**2 / 2 * norms
        self.rows = np.stack([self.m**2 * norms])
        self.factor = r if self.of_velocity else p
        self.constant = self.gauss + mixture.dimension * float(np.log(p)) / 2
        self.p = p

    def moments(self, rows: Floats) -> Moments:
        means, zero = np.sqrt(rows[lanes.LISTED]), np.zeros(1)
        norm_x, mean = np.sqrt(rows[lanes.SQUARE]), np.sqrt(rows[lanes.MEAN])
        d = self.mixture.dimension
        return Alike(self.scale, d, self.factors, norm_x, means, self.p * means, mean, zero, zero)


class _Shared(_Linear):
    """One matrix: `a_k = m P mu_k`."""

    def __init__(self, mixture: GaussianMixture, components: SharedComponents, quantity: str):
        super().__init__(mixture, components, quantity)
        precision = components.resolvent.precision_matrices[0]
        self.vectors = self.m * components.means @ precision
        self.offsets = components.log_weights - self.m / 2 * (self.vectors * components.means).sum(axis=1)
        squares = self.m**2 * (components.means**2).sum(axis=1)
        self.rows = np.stack([squares, (self.vectors**2).sum(axis=1)])
        slope = self.m**2 * components.resolvent.slope_matrices[0]
        self.plain = np.ascontiguousarray(slope if self.of_velocity else precision)
        self.tiles = tiled(self.plain)
        self.constant = self.gauss + float(components.resolvent.logdet[0]) / 2

    def moments(self, rows: Floats) -> Moments:
        norm_x, means, pulls, mean, pulled, score = np.sqrt(
            rows[
                [
                    lanes.SQUARE,
                    lanes.LISTED,
                    lanes.LISTED + 1,
                    lanes.MEAN,
                    lanes.PULLED,
                    lanes.VECTOR,
                ]
            ]
        )
        return Alike(self.scale, self.mixture.dimension, self.factors, norm_x, means, pulls, mean, pulled, score)


class _Varied(_Linear):
    """A variance for each: `a_k = m p_k mu_k`, `r_k = m^2 q_k`."""

    def __init__(self, mixture: GaussianMixture, components: IsotropicComponents, quantity: str):
        super().__init__(mixture, components, quantity)
        self.heights, self.ratios = components.p[0], (components.m2 * components.q)[0]
        norms, p, r = components.parameters.square_norms, self.heights, self.ratios
        self.vectors = (self.m * p)[:, None] * components.means
        self.offsets = components.log_weights - p * (self.m**2 / 2) * norms + np.log(p) * mixture.dimension / 2
        self.rows = np.stack([(self.vectors**2).sum(axis=1), p, r, p * p, r * r])
        self.constant = self.gauss

    def moments(self, rows: Floats) -> Moments:
        square, listed = rows[lanes.SQUARE], rows[lanes.LISTED :]
        cross, slope = rows[lanes.CROSS], listed[2]
        return Varied(
            scale=self.scale,
            dimension=self.mixture.dimension,
            factors=self.factors,
            most=self.heights.max(keepdims=True),
            steepest=np.abs(self.ratios).max(keepdims=True),
            norm_x=np.sqrt(square),
            precision=np.sqrt(listed[3]),
            slope=np.sqrt(listed[4]),
            pulls=np.sqrt(listed[0]),
            size=listed[4] * square - 2 * cross + listed[0],
            mean=rows[lanes.VECTOR],
        )


class _Full(Prepared):
    """A matrix for each."""

    moment_count = lanes.LISTED_FULL + 5

    def __init__(self, mixture: GaussianMixture, components: FullComponents, quantity: str):
        super().__init__(mixture, components, quantity)
        resolvent, d = components.resolvent, mixture.dimension
        precision, slope = resolvent.precision_matrices[0], self.m**2 * resolvent.slope_matrices[0]
        means, m2, n2 = self.m * components.means, self.factors.m2, self.factors.n2
        self.matrices = np.ascontiguousarray(slope if self.of_velocity else precision)
        self.vectors = (precision @ means[:, :, None])[:, :, 0] if self.of_velocity else np.zeros_like(means)
        self.means, self.offsets = means, components.log_weights + resolvent.logdet[0] / 2
        tops, highs = m2 * self.scale.high + n2, 1 / (m2 * self.scale.low + n2)
        slopes = m2 * highs * self.scale.slope
        pulls = highs**2 * (means**2).sum(axis=1)
        self.tops, self.highs = tops, highs
        self.rows = np.stack([highs**2, slopes**2, pulls, m2 * tops * highs**2])
        self.slopes = by_pairs(slope) if d <= lanes.FLAT else np.ascontiguousarray(slope.transpose(1, 0, 2))

    def fill(self, x: Points, values: Floats, moments: Floats) -> None:
        from certflow.field.fused import full

        sizes = self.tops, self.highs, self.rows
        parts = self.means, self.offsets, self.matrices, self.vectors
        full.full(x, self.code, *parts, *sizes, self.slopes, self.gauss, values, moments)

    def moments(self, rows: Floats) -> Moments:
        roots, listed = np.sqrt(rows), np.sqrt(rows[lanes.LISTED_FULL :])
        return Full(
            scale=self.scale,
            dimension=self.mixture.dimension,
            factors=self.factors,
            norm_x=roots[lanes.SQUARE],
            score=roots[lanes.SCORES],
            height=roots[lanes.HEIGHTS],
            reach=roots[lanes.REACHES],
            condition=roots[lanes.CONDITIONS],
            top_score=roots[lanes.TOP_SCORE],
            top_height=rows[lanes.TOP_HEIGHT],
            top_reach=rows[lanes.TOP_REACH],
            precision=listed[0],
            slope=listed[1],
            pulls=listed[2],
            sharp=rows[lanes.LISTED_FULL + 3],
            size=rows[lanes.VECTORS],
            mean=rows[lanes.MEAN],
        )


def prepared(mixture: GaussianMixture, components: Components, quantity: str) -> Prepared:
    """The kernel of a quantity for the components at one time."""
    if isinstance(components, SharedComponents):
        return _Shared(mixture, components, quantity)
    if isinstance(components, FullComponents):
        return _Full(mixture, components, quantity)
    return _Common(mixture, components, quantity) if components.common else _Varied(mixture, components, quantity)

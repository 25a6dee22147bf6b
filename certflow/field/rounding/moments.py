"""The bounds by moments: a few numbers for each row, whatever the number of components.

By Cauchy-Schwarz an error `delta_k` of the logits moves `sum_k gamma_k a_k` by at most
`(sum_k gamma_k delta_k^2)^(1/2) (tr Cov_gamma(a))^(1/2)`, so means of squares over the responsibilities are all that is
needed; the sizes are those of `certflow.field.rounding.close`. A class holds the moments of each kind of covariance; its
`error` bounds the absolute error of a quantity (in norm), shape (N,), infinite where the first order says nothing; what
it may be told besides are `other`, the mass that is not the largest component's, and `fourth`, the root of
`sum_k gamma_k |u_k - u|^4`.

Moments have shape (N,); what time alone decides, (T,), T = N or 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from certflow.field.rounding.scale import EPSILON, Scale, trusted
from certflow.numbers.arrays import Floats


_WHOLE = np.ones(1)


@dataclass(frozen=True)
class Factors:
    """`m`, `m^2`, `1 - m^2`, shape (T,)."""

    m: Floats
    m2: Floats
    n2: Floats


@dataclass(frozen=True)
class Alike:
    """One covariance for all: the logits differ by `a_k.x`, the velocities by `a_k`, `a_k = m P mu_k`.

    means, pulls : root mean squares of `m |mu_k|`, `|a_k|`; mean : `|sum_k gamma_k a_k|`
    pulled, score : `|P x|`, `|s|` (of matrices)
    """

    scale: Scale
    dimension: int
    factors: Factors
    norm_x: Floats
    means: Floats
    pulls: Floats
    mean: Floats
    pulled: Floats
    score: Floats

    def error(self, quantity: str, other: Floats = _WHOLE, fourth: Floats | None = None) -> Floats:
        scale, d, m, m2 = self.scale, self.dimension, self.factors.m, self.factors.m2
        unit, factor = 2 * EPSILON * scale.growth, 1.0
        precision, top = 1 / (m2 * scale.low + self.factors.n2), np.zeros(1)
        if not scale.isotropic:
            top, factor = m2 * scale.high + self.factors.n2, 1 + d**0.5 / 4
        condition, slope = top * precision, m2 * precision * scale.slope
        reach, furthest = self.norm_x + m * scale.radius, m * precision * scale.radius
        delta = precision * self.means * reach + top * self.pulls * (self.pulled + furthest) + scale.log_weight
        worst = furthest * reach + top * furthest * (self.pulled + furthest) + scale.log_weight
        spread = _spread(self.pulls**2, self.mean**2, unit)
        if quantity == "responsibilities":
            bound = unit * (np.minimum(2 * delta, 4 * worst * other) + 1)
        elif quantity == "log_density":
            square = (precision * self.norm_x**2 + top * self.pulled**2) / 2
            bound = unit * (delta + square + d * (1 + condition + np.abs(np.log(precision))) / 2)
        elif quantity == "jacobian":
            own = slope + m2 * top * precision**2 + 2 * precision * self.means * np.sqrt(spread)
            own = d**0.5 * own + 2 * (1 + condition) * spread
            largest = (slope * self.norm_x + furthest + condition * (self.pulled + furthest)) * factor
            moved = _moved(delta, worst, spread, fourth)
            bound = unit * (moved + own) + (unit * largest) ** 2
        else:
            size = precision if quantity == "score" else slope
            rounding = size * self.norm_x + precision * self.means + condition * np.sqrt(self.score**2 + spread)
            bound = unit * (delta * np.sqrt(spread) + rounding * factor)
        return trusted(bound, unit * worst)


@dataclass(frozen=True)
class Varied:
    """A variance for each component: `u_k = r_k x - a_k`, `r_k = m^2 q_k`, `a_k = m p_k mu_k`.

    precision, slope, pulls : root mean squares of `p_k`, `r_k`, `|a_k|`; most, steepest : the largest `p_k`, `|r_k|`
    size, mean : `sum_k gamma_k |u_k|^2` and `|sum_k gamma_k u_k|^2`
    """

    scale: Scale
    dimension: int
    factors: Factors
    most: Floats
    steepest: Floats
    norm_x: Floats
    precision: Floats
    slope: Floats
    pulls: Floats
    size: Floats
    mean: Floats

    def error(self, quantity: str, other: Floats = _WHOLE, fourth: Floats | None = None) -> Floats:
        scale, d, m = self.scale, self.dimension, self.factors.m
        unit, norm_x = 2 * EPSILON * scale.growth, self.norm_x
        precisions = 1 / (self.factors.m2[:, None] * scale.low + self.factors.n2[:, None])
        rest = scale.log_weight + d * (1 + np.abs(np.log(precisions)).max(axis=1)) / 4
        squares = norm_x * (self.precision * norm_x / 2 + self.pulls) + self.pulls * (m * scale.radius / 2)
        delta, worst = squares + rest, self.most * (norm_x + m * scale.radius) ** 2 / 2 + rest
        spread = _spread(self.size, self.mean, unit)
        if quantity == "responsibilities":
            bound = unit * (np.minimum(2 * delta, 4 * worst * other) + 1)
        elif quantity == "log_density":
            bound = unit * (delta + 1)
        elif quantity == "jacobian":
            each = self.slope * norm_x + self.pulls
            own = d**0.5 * (self.slope + 2 * each * np.sqrt(spread)) + 2 * spread
            moved = _moved(delta, worst, spread, fourth) + 2 * delta * self.slope
            largest = self.steepest * norm_x + m * self.most * scale.radius
            bound = unit * (moved + own) + (unit * largest) ** 2
        else:
            rounding = (self.precision if quantity == "score" else self.slope) * norm_x + self.pulls
            bound = unit * (delta * np.sqrt(spread) + rounding)
        return trusted(bound, unit * worst)


@dataclass(frozen=True)
class Full:
    """A matrix for each component, with the largest eigenvalues `c_k` of `C_k`, `p_k` of `P_k`, and `y_k = x - m mu_k`.

    score, height, reach : root mean squares of `|b_k|`, `c_k |b_k|^2`, `p_k |y_k|^2`; condition : of `c_k p_k |b_k|`
    top_score, top_height, top_reach : the largest of the first three
    precision, slope, pulls : root mean squares of `p_k`, of `r_k = m^2 p_k max |1 - s2|`, of `m p_k |mu_k|`
    sharp : the mean of `m^2 c_k p_k^2`; size, mean : `sum_k gamma_k |a_k|^2`, `|sum_k gamma_k a_k|^2` of the vectors `a_k`
    """

    scale: Scale
    dimension: int
    factors: Factors
    norm_x: Floats
    score: Floats
    height: Floats
    reach: Floats
    condition: Floats
    top_score: Floats
    top_height: Floats
    top_reach: Floats
    precision: Floats
    slope: Floats
    pulls: Floats
    sharp: Floats
    size: Floats
    mean: Floats

    def error(self, quantity: str, other: Floats = _WHOLE, fourth: Floats | None = None) -> Floats:
        scale, d, m = self.scale, self.dimension, self.factors.m
        unit, factor = 2 * EPSILON * scale.growth, 1 + d**0.5 / 4
        m2, n2 = self.factors.m2[:, None], self.factors.n2[:, None]
        precisions, tops = 1 / (m2 * scale.low + n2), m2 * scale.high + n2
        most, condition = precisions.max(axis=1), (tops * precisions).max(axis=1)
        rest = scale.log_weight + d * (1 + condition + np.abs(np.log(precisions)).max(axis=1)) / 2
        far = self.norm_x + m * scale.radius
        # The second term of each: `P_k y_k` from `R_k x - a_k`, which is right to the size of `P_k x`.
        delta = far * (self.score + np.sqrt(most * self.reach)) + (self.height + self.reach) / 2 + rest
        worst = far * (self.top_score + np.sqrt(most * self.top_reach)) + (self.top_height + self.top_reach) / 2 + rest
        spread = _spread(self.size, self.mean, unit)
        velocity = (self.slope * self.norm_x + self.pulls + self.condition) * factor
        if quantity == "responsibilities":
            bound = unit * (np.minimum(2 * delta, 4 * worst * other) + 1)
        elif quantity == "log_density":
            bound = unit * (delta + 1)
        elif quantity == "jacobian":
            own = d**0.5 * (self.slope + self.sharp + 2 * velocity * np.sqrt(spread)) + 2 * (1 + condition) * spread
            moved = _moved(delta, worst, spread, fourth) + 2 * delta * self.slope
            steepest = (m2 * precisions * scale.slope).max(axis=1)
            largest = (steepest * self.norm_x + m * most * scale.radius + condition * self.top_score) * factor
            bound = unit * (moved + own) + (unit * largest) ** 2
        elif quantity == "score":
            bound = unit * (delta * np.sqrt(spread) + (self.precision * far + self.condition) * factor)
        else:
            bound = unit * (delta * np.sqrt(spread) + velocity)
        return trusted(bound, unit * worst)


Moments = Alike | Varied | Full


def _spread(size: Floats, mean: Floats, unit: float) -> Floats:
    """`tr Cov_gamma` from a mean of squares and the square of the mean; the rounding of the difference is added."""
    result: Floats = np.maximum(size - mean, 0) + 8 * unit * size
    return result


def _moved(delta: Floats, worst: Floats, spread: Floats, fourth: Floats | None) -> Floats:
    """`sum_k gamma_k |delta_k| (|u_k - u|^2 + tr Cov_gamma(u))`, from means of squares or from the largest `delta_k`."""
    return 2 * worst * spread if fourth is None else delta * (fourth + spread)

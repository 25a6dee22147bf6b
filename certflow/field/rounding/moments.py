"""The bounds by moments: formulas of a few numbers for each row, whatever the number of components.

By Cauchy-Schwarz an error `delta_k` of the logits moves `sum_k gamma_k a_k` by at most
`(sum_k gamma_k delta_k^2)^(1/2) (tr Cov_gamma(a))^(1/2)`, so means of squares over the responsibilities are all that is
needed; the sizes are those of `certflow.field.rounding.close`. A function takes numbers or arrays (N,), entry by entry,
and has no operation but arithmetic: for one point (`certflow.field.point`) and in the compiled formulas
(`certflow.field.fused`) the same ones are called.

`delta` is the root mean square of the errors of the logits, `worst` the largest, both in units of rounding;
`root = (tr Cov_gamma(u))^(1/2)`. What a mixture and a time say comes as a tuple: `Alike`, `Varied` or `Full`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from certflow.field.rounding.scale import EPSILON, Scale
from certflow.numbers.arrays import Floats


class Alike(NamedTuple):
    """One covariance for all: the logits differ by `a_k.x`, the velocities by `a_k = m P mu_k`.

    unit : of rounding; factor : of a vector's rounding; precision, top : the largest eigenvalues of `P`, of `C` (zero
    where it is a multiple of the identity); slope : of `m^2 Q`; distance : the largest `m |mu_k|`
    rest : what a weight adds to a logit's error; determinant : what `log det P` adds to the log-density's
    sharp : the rounding of `m^2 Q`; side : `sqrt(d)`
    """

    unit: Any
    factor: Any
    precision: Any
    top: Any
    slope: Any
    distance: Any
    rest: Any
    determinant: Any
    sharp: Any
    side: Any


def alike(scale: Scale, dimension: int, m: Any, m2: Any, n2: Any, log: Callable[[Any], Any] = np.log) -> Alike:
    """At one time, or at the times of the rows; `log` : the logarithm of such numbers."""
    precision = 1 / (m2 * scale.lowest + n2)
    top = 0 * precision if scale.isotropic else m2 * scale.highest + n2
    slope = m2 * precision * scale.steepest
    return Alike(
        unit=2 * EPSILON * scale.growth,
        factor=1.0 if scale.isotropic else 1 + dimension**0.5 / 4,
        precision=precision,
        top=top,
        slope=slope,
        distance=m * scale.radius,
        rest=scale.log_weight,
        determinant=dimension * (1 + top * precision + abs(log(precision))) / 2,
        sharp=slope + m2 * top * precision**2,
        side=dimension**0.5,
    )


def alike_logits(s: Alike, norm_x: Any, means: Any, pulls: Any, pulled: Any) -> tuple[Any, Any]:
    """`delta`, `worst`, of root mean squares `means` of `m |mu_k|`, `pulls` of `|a_k|`, and of `pulled`, `|P x|`."""
    reach, furthest = norm_x + s.distance, s.precision * s.distance
    delta = s.precision * means * reach + s.top * pulls * (pulled + furthest) + s.rest
    worst = furthest * reach + s.top * furthest * (pulled + furthest) + s.rest
    return delta, worst


def alike_log_density(s: Alike, delta: Any, norm_x: Any, pulled: Any) -> Any:
    """The bound for the log-density."""
    return s.unit * (delta + (s.precision * norm_x * norm_x + s.top * pulled * pulled) / 2 + s.determinant)


def alike_vector(s: Alike, size: Any, delta: Any, root: Any, norm_x: Any, means: Any, score: Any) -> Any:
    """The bound for score (`size` the precision) and velocity (the slope)."""
    rounding = size * norm_x + s.precision * means + s.top * s.precision * (score + root)
    return s.unit * (delta * root + rounding * s.factor)


def alike_jacobian(s: Alike, moved: Any, root: Any, norm_x: Any, means: Any, pulled: Any) -> Any:
    """The bound for the Jacobian; `moved` : by errors of the responsibilities, in units of rounding."""
    furthest, condition = s.precision * s.distance, s.top * s.precision
    own = s.side * (s.sharp + 2 * s.precision * means * root) + 2 * (1 + condition) * root * root
    largest = s.unit * (s.slope * norm_x + furthest + condition * (pulled + furthest)) * s.factor
    return s.unit * (moved + own) + largest * largest


class Varied(NamedTuple):
    """A variance for each component: `u_k = r_k x - a_k`, `r_k = m^2 q_k`, `a_k = m p_k mu_k`.

    most, steepest : the largest `p_k`, `|r_k|`; the rest as in `Alike`
    """

    unit: Any
    most: Any
    steepest: Any
    distance: Any
    rest: Any
    side: Any


def varied(scale: Scale, dimension: int, m: float, m2: float, n2: float) -> Varied:
    """At one time; `p_k` and `r_k` fall as the variance grows, so the largest belong to the extreme variances."""
    most, least = 1 / (m2 * scale.lowest + n2), 1 / (m2 * scale.highest + n2)
    return Varied(
        unit=2 * EPSILON * scale.growth,
        most=most,
        steepest=m2 * max(most * abs(1 - scale.lowest), least * abs(1 - scale.highest)),
        distance=m * scale.radius,
        rest=scale.log_weight + dimension * (1 + max(abs(math.log(most)), abs(math.log(least)))) / 4,
        side=dimension**0.5,
    )


def varied_logits(s: Varied, norm_x: Any, precision: Any, pulls: Any) -> tuple[Any, Any]:
    """`delta`, `worst`, of root mean squares of `p_k` and `|a_k|`."""
    delta = norm_x * (precision * norm_x / 2 + pulls) + pulls * (s.distance / 2) + s.rest
    reach = norm_x + s.distance
    return delta, s.most * reach * reach / 2 + s.rest


def varied_vector(s: Varied, size: Any, delta: Any, root: Any, norm_x: Any, pulls: Any) -> Any:
    """The bound for score (`size` the root mean square of `p_k`) and velocity (of `r_k`)."""
    return s.unit * (delta * root + size * norm_x + pulls)


def varied_jacobian(s: Varied, moved: Any, delta: Any, root: Any, norm_x: Any, slope: Any, pulls: Any) -> Any:
    """The bound for the Jacobian: errors of the responsibilities move the mean of the `r_k` too."""
    own = s.side * (slope + 2 * (slope * norm_x + pulls) * root) + 2 * root * root
    largest = s.unit * (s.steepest * norm_x + s.most * s.distance)
    return s.unit * (moved + 2 * delta * slope + own) + largest * largest


class Full(NamedTuple):
    """A matrix for each component.

    most, condition : the largest eigenvalue of a `P_k`, the largest condition of a `C_k`; steepest : of `m^2 Q_k`
    sharpest : the root of `most`; the rest as in `Alike`
    """

    unit: Any
    factor: Any
    most: Any
    sharpest: Any
    condition: Any
    steepest: Any
    distance: Any
    rest: Any
    side: Any


def full(scale: Scale, dimension: int, m: float, m2: float, n2: float, condition: float, steepest: float) -> Full:
    """At one time, of the largest condition of a `C_k` and the largest eigenvalue of an `m^2 Q_k`."""
    most = 1 / (m2 * scale.lowest + n2)
    logarithm = abs(math.log(most)) + math.log(condition)
    return Full(
        unit=2 * EPSILON * scale.growth,
        factor=1 + dimension**0.5 / 4,
        most=most,
        sharpest=math.sqrt(most),
        condition=condition,
        steepest=steepest,
        distance=m * scale.radius,
        rest=scale.log_weight + dimension * (1 + condition + logarithm) / 2,
        side=dimension**0.5,
    )


def largest(numbers: Floats) -> float:
    """The largest of some numbers; of a few, faster than `max`."""
    return numbers.item(numbers.argmax())


def full_logit(s: Full, norm_x: Any, score: Any, height: Any, reach: Any, reach_root: Any) -> Any:
    """`delta` or `worst`, of root mean squares or the largest of `|b_k|`, `c_k |b_k|^2`, `p_k |x - m mu_k|^2`.

    `c_k`, `p_k` are the largest eigenvalues of `C_k`, `P_k`; `reach_root` is the root of `reach`. Its term stands for
    a `P_k (x - m mu_k)` that is made of a velocity, and so right to the size of `P_k x`.
    """
    return (norm_x + s.distance) * (score + s.sharpest * reach_root) + (height + reach) / 2 + s.rest


def full_rounding(s: Full, size: Any, norm: Any, pulls: Any, condition: Any) -> Any:
    """Of the vectors: `size` times `norm`, `pulls`, and `condition`, the root mean square of `c_k p_k |b_k|`."""
    return (size * norm + pulls + condition) * s.factor


def full_vector(s: Full, delta: Any, root: Any, rounding: Any) -> Any:
    """The bound for score and velocity."""
    return s.unit * (delta * root + rounding)


def full_jacobian(
    s: Full, moved: Any, delta: Any, root: Any, rounding: Any, slope: Any, sharp: Any, norm_x: Any, top: Any
) -> Any:
    """The bound for the Jacobian; `sharp` : the mean of `m^2 c_k p_k^2`, `top` : the largest `|b_k|`."""
    own = s.side * (slope + sharp + 2 * rounding * root) + 2 * (1 + s.condition) * root * root
    largest = s.unit * (s.steepest * norm_x + s.most * s.distance + s.condition * top) * s.factor
    return s.unit * (moved + 2 * delta * slope + own) + largest * largest


def spread_of(size: Any, mean: Any, unit: Any) -> Any:
    """`tr Cov_gamma` from a mean of squares and the square of the mean; the rounding of the difference is added."""
    return (size - mean + abs(size - mean)) / 2 + 8 * unit * size


def shares_error(unit: Any, delta: Any, worst: Any, other: Any) -> Any:
    """The bound for the responsibilities; `other` : the mass that is not the largest component's."""
    first, second = 2 * delta, 4 * worst * other
    return unit * ((first + second - abs(first - second)) / 2 + 1)  # the smaller one

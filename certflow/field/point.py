"""One point in float64: the formulas of `certflow.field.components` with as few calls of NumPy as they need.

For one point most of the time goes into calls, not into numbers. So sums over the components are products with what is
kept with the mixture, what depends on the time alone are Python's floats, and the bound of the error comes from moments
by the formulas of `certflow.field.rounding.moments`. Where it does not accept the result, there is none: the general
formulas and their guard answer. `tests/field/test_point.py` holds the two against each other.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from certflow.field.components import parameters
from certflow.field.rounding import moments
from certflow.field.rounding.scale import EPSILON, LEAST, LOGIT_LIMIT, Scale, accepted_error, scale_of
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats
from certflow.numbers.floats import FLOATS, spectrum

_LEAST_SQUARE = LEAST**2


class Bounded(NamedTuple):
    """A result, the bound of its error, what the bound is relative to, and the largest error of a logit."""

    value: Any
    bound: float
    size: float
    worst: float


def at_point(mixture: GaussianMixture, quantity: str, x: Floats, t: float) -> Any:
    """The quantity at a point (d,), shape (1, ...); None where its error may be too large, or there is none."""
    kept: _Point | None = mixture.kept[_of_mixture]
    if kept is None or not 0 < t < math.inf:
        return None
    try:
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            square = float(x.dot(x))
            if square < _LEAST_SQUARE and x.any():  # the bound would vanish, too
                return None
            found = kept.at(quantity, x, square, t)
    except (ArithmeticError, ValueError):  # Python's floats refuse what NumPy makes infinite
        return None
    accepted = found.bound <= mixture.kept[accepted_error] * found.size and found.worst <= LOGIT_LIMIT
    return found.value.reshape(1, *found.value.shape) if accepted and found.size < math.inf else None


class _Point:
    """What is kept of a mixture."""

    def __init__(self, mixture: GaussianMixture):
        known = parameters(mixture, FLOATS)
        self.scale: Scale = mixture.kept[scale_of]
        self.dimension = mixture.dimension
        self.eye, self.ones = np.eye(self.dimension), np.ones(self.dimension)
        self.means, self.log_weights, self.all = known.means, known.log_weights, np.ones(mixture.n_components)
        self.norms = (self.means * self.means).sum(axis=1)
        self.gauss = -math.log(2 * math.pi) * self.dimension / 2

    def at(self, quantity: str, x: Floats, square: float, t: float) -> Bounded:
        """Of a point `x` with `|x|^2 = square`."""
        raise NotImplementedError

    def dots(self, first: Floats, second: Floats) -> Floats:
        """The scalar products of rows (K, d)."""
        result: Floats = (first * second).dot(self.ones)
        return result

    def fourth(self, gamma: Floats, deviations: Floats) -> float:
        """`(sum_k gamma_k |e_k|^4)^(1/2)`."""
        squares = self.dots(deviations, deviations)
        return math.sqrt(gamma.dot(squares * squares))


def _weights(logits: Floats) -> tuple[Floats, float]:
    """`e^(l_k - top)` and `top`."""
    top = moments.largest(logits)
    logits -= top
    return np.exp(logits, out=logits), top


def _shares(unit: float, weights: Floats, total: float, delta: float, worst: float) -> Bounded:
    gamma = weights / total
    other = max(1 - moments.largest(gamma), 0.0) + EPSILON
    return Bounded(gamma, moments.shares_error(unit, delta, worst, other), 1.0, unit * worst)


def _number(value: float, bound: float, worst: float) -> Bounded:
    return Bounded(np.float64(value), bound, max(1.0, abs(value)), worst)


def _array(value: Floats, bound: float, worst: float) -> Bounded:
    flat = value.ravel()
    return Bounded(value, bound, math.sqrt(flat.dot(flat)), worst)


class _Common(_Point):
    """One variance: `u_k = r x - a_k`, `a_k = m p mu_k`."""

    def __init__(self, mixture: GaussianMixture):
        super().__init__(mixture)
        known = parameters(mixture, FLOATS)
        self.variance, self.complement = float(known.variances[0]), float(known.complements[0])
        self.rows = np.vstack([np.ones(len(self.norms)), self.norms, self.means.T])

    def at(self, quantity: str, x: Floats, square: float, t: float) -> Bounded:
        m = math.exp(-t)
        m2, n2, norm_x = m * m, -math.expm1(-2 * t), math.sqrt(square)
        s = moments.alike(self.scale, self.dimension, m, m2, n2, math.log)
        p = 1 / (m2 * self.variance + n2)
        factor, slope = m * p, m2 * p * self.complement
        logits = self.means.dot(x)
        logits *= factor
        logits += self.log_weights
        logits -= p * m2 / 2 * self.norms
        weights, top = _weights(logits)
        found = self.rows.dot(weights)
        total, square = found.item(0), found.item(1)
        means = m * math.sqrt(square / total)
        delta, worst = moments.alike_logits(s, norm_x, means, p * means, 0.0)
        if quantity == "responsibilities":
            return _shares(s.unit, weights, total, delta, worst)
        if quantity == "log_density":
            value = math.log(total) + top + self.gauss + (math.log(p) * self.dimension - p * norm_x * norm_x) / 2
            return _number(value, moments.alike_log_density(s, delta, norm_x, 0.0), s.unit * worst)
        mean = found[2:] / total
        root = math.sqrt(moments.spread_of((p * means) ** 2, factor * factor * float(mean.dot(mean)), s.unit))
        if quantity == "jacobian":
            gamma, deviations = weights / total, (self.means - mean) * factor
            moved = delta * (self.fourth(gamma, deviations) + root * root)
            bound = moments.alike_jacobian(s, moved, root, norm_x, means, 0.0)
            return _array(slope * self.eye - (deviations.T * gamma).dot(deviations), bound, s.unit * worst)
        result = mean * factor - p * x if quantity == "score" else slope * x - mean * factor
        size = p if quantity == "score" else s.slope
        bound = moments.alike_vector(s, size, delta, root, norm_x, means, 0.0)
        return _array(result, bound, s.unit * worst)


class _Shared(_Point):
    """One matrix: `u_k = R x - a_k`, `a_k = m P mu_k`."""

    def __init__(self, mixture: GaussianMixture):
        super().__init__(mixture)
        self.values, self.vectors = spectrum(mixture.exact_covariances)

    def at(self, quantity: str, x: Floats, square: float, t: float) -> Bounded:
        m = math.exp(-t)
        m2, n2, norm_x = m * m, -math.expm1(-2 * t), math.sqrt(square)
        s = moments.alike(self.scale, self.dimension, m, m2, n2, math.log)
        p = np.reciprocal(m2 * self.values + n2)
        precision = (self.vectors * p).dot(self.vectors.T)
        vectors, pulled = m * self.means.dot(precision), precision.dot(x)
        logits = vectors.dot(x)
        logits += self.log_weights
        logits -= m / 2 * self.dots(vectors, self.means)
        weights, top = _weights(logits)
        total = float(weights.dot(self.all))
        gamma = weights / total
        means, pulls = m * math.sqrt(gamma.dot(self.norms)), math.sqrt(gamma.dot(self.dots(vectors, vectors)))
        norm_pulled = math.sqrt(pulled.dot(pulled))
        delta, worst = moments.alike_logits(s, norm_x, means, pulls, norm_pulled)
        if quantity == "responsibilities":
            return _shares(s.unit, weights, total, delta, worst)
        if quantity == "log_density":
            value = math.log(total) + top + self.gauss + float(np.log(p).dot(self.ones) - pulled.dot(x)) / 2
            return _number(value, moments.alike_log_density(s, delta, norm_x, norm_pulled), s.unit * worst)
        mean = gamma.dot(vectors)
        root = math.sqrt(moments.spread_of(pulls * pulls, float(mean.dot(mean)), s.unit))
        score = mean - pulled
        norm_score = math.sqrt(score.dot(score))
        if quantity == "score":
            bound = moments.alike_vector(s, s.precision, delta, root, norm_x, means, norm_score)
            return Bounded(score, bound, norm_score, s.unit * worst)
        slope = (self.vectors * (m2 * p * (1 - self.values))).dot(self.vectors.T)
        if quantity == "velocity":
            bound = moments.alike_vector(s, s.slope, delta, root, norm_x, means, norm_score)
            return _array(slope.dot(x) - mean, bound, s.unit * worst)
        deviations = vectors - mean
        moved = delta * (self.fourth(gamma, deviations) + root * root)
        bound = moments.alike_jacobian(s, moved, root, norm_x, means, norm_pulled)
        return _array(slope - (deviations.T * gamma).dot(deviations), bound, s.unit * worst)


class _Varied(_Point):
    """A variance for each component: `u_k = r_k x - a_k`, `r_k = m^2 q_k`, `a_k = m p_k mu_k`."""

    def __init__(self, mixture: GaussianMixture):
        super().__init__(mixture)
        known = parameters(mixture, FLOATS)
        self.variances, self.complements = known.variances, known.complements

    def at(self, quantity: str, x: Floats, square: float, t: float) -> Bounded:
        m = math.exp(-t)
        m2, n2 = m * m, -math.expm1(-2 * t)
        s = moments.varied(self.scale, self.dimension, m, m2, n2)
        p = np.reciprocal(m2 * self.variances + n2)
        r, factors = m2 * p * self.complements, m * p
        products = self.means.dot(x)
        products *= factors
        logits = products + self.log_weights
        logits -= p * (m2 / 2 * self.norms + square / 2)
        logits += np.log(p) * (self.dimension / 2)
        weights, top = _weights(logits)
        rows = np.array((p, r, p * p, r * r, factors * factors * self.norms, r * products))
        total = float(weights.dot(self.all))
        gamma = weights / total
        mean_p, mean_r, precisions, slopes, pull, cross = rows.dot(gamma).tolist()
        norm_x, precision, slope, pull = math.sqrt(square), math.sqrt(precisions), math.sqrt(slopes), math.sqrt(pull)
        delta, worst = moments.varied_logits(s, norm_x, precision, pull)
        if quantity == "responsibilities":
            return _shares(s.unit, weights, total, delta, worst)
        if quantity == "log_density":
            return _number(math.log(total) + top + self.gauss, s.unit * (delta + 1), s.unit * worst)
        mean = (gamma * factors).dot(self.means)
        velocity = mean_r * x - mean
        size = slopes * square - 2 * cross + pull * pull
        root = math.sqrt(moments.spread_of(size, float(velocity.dot(velocity)), s.unit))
        if quantity == "jacobian":
            deviations = (r - mean_r)[:, None] * x - (factors[:, None] * self.means - mean)
            value = mean_r * self.eye - (deviations.T * gamma).dot(deviations)
            moved = delta * (self.fourth(gamma, deviations) + root * root)
            bound = moments.varied_jacobian(s, moved, delta, root, norm_x, slope, pull)
            return _array(value, bound, s.unit * worst)
        value = mean - mean_p * x if quantity == "score" else velocity
        bound = moments.varied_vector(s, precision if quantity == "score" else slope, delta, root, norm_x, pull)
        return _array(value, bound, s.unit * worst)


class _Full(_Point):
    """A matrix for each component, in its axes: `b_k = -P_k (x - m mu_k)`, `u_k = R_k x - a_k`.

    Sizes do not depend on the axes, and `sum_k gamma_k b_k` is one product of all axes with all coordinates in them.
    """

    def __init__(self, mixture: GaussianMixture):
        super().__init__(mixture)
        values, self.vectors = spectrum(mixture.exact_covariances)
        turned = np.ascontiguousarray(self.vectors.swapaxes(1, 2))
        turned_means = (turned @ self.means[:, :, None])[:, :, 0].ravel()
        self.axes = turned.reshape(-1, self.dimension)
        self.opposite, self.halves, self.shape = -self.axes, self.ones / 2, values.shape
        # What is linear in `m^2`, `m`, `1 - m^2`: eigenvalues of each `C_k`, the least, the largest; those of `m^2 Q_k`
        # times these; `m |mu_k|`; and coordinate by coordinate `m^2 (1 - s2)` and `m mu_k` in the axes.
        eigenvalues = np.concatenate([values.ravel(), self.scale.low, self.scale.high])
        radii, own = np.sqrt(self.norms), 1 - values.ravel()
        parts = (
            (eigenvalues, 0 * eigenvalues, 1 + 0 * eigenvalues),
            (self.scale.slope, 0 * radii, 0 * radii),
            (0 * radii, radii, 0 * radii),
            (own, 0 * own, 0 * own),
            (0 * own, turned_means, 0 * own),
        )
        self.linear = np.concatenate([np.stack(part, axis=1) for part in parts])
        self.ends = tuple(np.cumsum([own.size + radii.size, 3 * radii.size, own.size]).tolist())

    def at(self, quantity: str, x: Floats, square: float, t: float) -> Bounded:
        m = math.exp(-t)
        m2, n2, norm_x, count = m * m, -math.expm1(-2 * t), math.sqrt(square), self.shape[0]
        sizes, (first, second, third) = self.linear.dot(np.array((m2, m, n2))), self.ends
        inverses, rest = np.reciprocal(sizes[:first]), sizes[first:second].reshape(3, count)
        p, highs, tops = inverses[:-count].reshape(self.shape), inverses[-count:], rest[0]
        turned_x, turned_means = self.axes.dot(x).reshape(self.shape), sizes[third:].reshape(self.shape)
        inner = turned_x - turned_means
        pulled = p * inner
        logits = np.log(p)
        logits -= pulled * inner
        logits = logits.dot(self.halves)
        logits += self.log_weights
        weights, top = _weights(logits)
        total = float(weights.dot(self.all))
        gamma = weights / total
        # The largest and the mean square of: the condition of `C_k`, the largest eigenvalue of `m^2 Q_k`, a bound of
        # `|a_k|`, the largest eigenvalue of `P_k`; `|b_k|`, `c_k |b_k|^2`, `p_k |x - m mu_k|^2`, and the
        # condition times `|b_k|`.
        rows = np.empty((8, count))
        np.multiply(rest, highs, out=rows[:3])
        rows[3] = highs
        scores = self.dots(pulled, pulled)
        np.sqrt(scores, out=rows[4])
        np.multiply(tops, scores, out=rows[5])
        np.multiply(highs, self.dots(inner, inner), out=rows[6])
        np.multiply(rows[0], rows[4], out=rows[7])
        largest = np.maximum.reduce(rows, axis=1).tolist()
        s = moments.full(self.scale, self.dimension, m, m2, n2, largest[0], largest[1])
        rows *= rows
        squares = rows.dot(gamma).tolist()
        _, slope, pull, precision, score, height, reach, condition = map(math.sqrt, squares)
        delta = moments.full_logit(s, norm_x, score, height, reach, math.sqrt(reach))
        worst = moments.full_logit(s, norm_x, largest[4], largest[5], largest[6], math.sqrt(largest[6]))
        if quantity == "responsibilities":
            return _shares(s.unit, weights, total, delta, worst)
        if quantity == "log_density":
            return _number(math.log(total) + top + self.gauss, s.unit * (delta + 1), s.unit * worst)
        if quantity == "score":
            mean, spread = (gamma[:, None] * pulled).ravel().dot(self.opposite), squares[4]
            rounding = moments.full_rounding(s, precision, norm_x + s.distance, 0.0, condition)
        else:  # `R_k x - a_k` keeps the digits of a velocity as `t` grows
            slanted = sizes[second:third].reshape(self.shape)
            inner = p * (slanted * turned_x - turned_means)
            mean, spread = (gamma[:, None] * inner).ravel().dot(self.axes), float(gamma.dot(self.dots(inner, inner)))
            rounding = moments.full_rounding(s, slope, norm_x, pull, condition)
        root = math.sqrt(moments.spread_of(spread, float(mean.dot(mean)), s.unit))
        if quantity != "jacobian":
            return _array(mean, moments.full_vector(s, delta, root, rounding), s.unit * worst)
        deviations = (self.vectors @ inner[:, :, None])[:, :, 0] - mean
        average = (self.axes.T * (gamma[:, None] * p * slanted).ravel()).dot(self.axes)
        value = average - (deviations.T * gamma).dot(deviations)
        moved = delta * (self.fourth(gamma, deviations) + root * root)
        sharp = m2 * math.sqrt(squares[0] * squares[3])  # at least the mean of `m^2 c_k p_k^2`
        bound = moments.full_jacobian(s, moved, delta, root, rounding, slope, sharp, norm_x, largest[4])
        return _array(value, bound, s.unit * worst)


def _of_mixture(mixture: GaussianMixture) -> _Point | None:
    """None where no bound is taken."""
    if mixture.kept[scale_of].extreme:
        return None
    kinds: dict[str, type[_Point]] = {
        "common-isotropic": _Common,
        "shared": _Shared,
        "isotropic": _Varied,
        "full": _Full,
    }
    return kinds[mixture.kind](mixture)

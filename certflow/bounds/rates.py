"""Explicit spatial bounds of the velocity's Jacobian, in any arithmetic (proofs/L2.md, L3, L6, L7, L8).

One scheme serves every covariance. Eigenvalues of `sum_k gamma_k m^2 Q_k` lie between the extremes of those of
`m^2 Q_k`, and `Cov_gamma(u_k) <= B(t) I`, so that for all `x`

    q_min - B <= J <= q_max,   L(t) = max(|q_max|, |q_min - B|),   lambda(t) = B - q_min.

`B` is the largest over the groups of equal covariance of `m^2 D_P^2 / 4`, with `D_P` the diameter of `P mu_k`
(Popoviciu), plus a sum over the pairs of components of different covariance: of `kappa_ij / sinh(G_ij)` where the two
covariances are ordered (proofs/L7.md), else of what the largest covariance leaves them (proofs/L8.md). With a single
isotropic group this is L2 and L3: `q = 1/v - 1`, `B = m^2 D^2 / (4 v^2)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.bounds.divergence import obstruction
from certflow.bounds.domination import Domination, precision_gap
from certflow.bounds.existence import Group, covariance_gap, existence, groups, is_ordered, sorted_pair
from certflow.bounds.guard import TERMS, exact_ball, repaired, silent
from certflow.bounds.peak import peak
from certflow.errors import InputError, NoGlobalBound
from certflow.field.components import parameters
from certflow.field.evaluate import check_times
from certflow.law.mixture import GaussianMixture
from certflow.law.spectra import largest_variance
from certflow.numbers.accuracy import tolerance
from certflow.numbers.arithmetic import Arithmetic, arithmetic_of
from certflow.numbers.arrays import Floats
from certflow.numbers.exact import ExactArray, root_scale
from certflow.numbers.geometry import exact_diameter_squared, quadratic_pseudo_inverse
from certflow.numbers.inputs import real_number

#: Pairs of groups are handled one by one; more groups of different covariance than this are refused.
MAX_GROUPS = 300


@dataclass(frozen=True)
class SpectralBound:
    """`q_min - spread <= J <= q_max` for all x, each of shape (T,).

    rounding : first-order bound of the error of `spread - q_min`, of float64 numbers and isotropic covariances
    """

    q_min: Any
    q_max: Any
    spread: Any
    rounding: Any = None


def lipschitz_bound(mixture: GaussianMixture, t: Any) -> Any:
    """`L(t) = max(|q_max|, |q_min - B|)`; the kind and shape of `t`. proofs/L2.md, L6, L7."""

    def rate(arithmetic: Arithmetic, bound: SpectralBound) -> Any:
        low = bound.q_min - bound.spread
        upper = arithmetic.maximum(bound.q_max, -bound.q_max)
        return arithmetic.maximum(upper, arithmetic.maximum(low, -low))

    return _guarded(mixture, rate, t)


def growth_rate_bound(mixture: GaussianMixture, t: Any) -> Any:
    """`lambda(t) = B - q_min`; the kind and shape of `t`. proofs/L3.md, L6, L7."""

    def rate(arithmetic: Arithmetic, bound: SpectralBound) -> Any:
        return bound.spread - bound.q_min

    return _guarded(mixture, rate, t)


def _guarded(mixture: GaussianMixture, rate: Callable[[Arithmetic, SpectralBound], Any], t: Any) -> Any:
    """The rate at times `t`; in float64 computed again in balls where its terms cancel (`certflow.bounds.guard`)."""

    def formula(arithmetic: Arithmetic, times: Any) -> Any:
        bound = spectral_bound(mixture, arithmetic, times)
        values = rate(arithmetic, bound)
        if bound.rounding is None:
            return values

        def in_balls(row: int) -> Any:
            balls = arithmetic_of(ball := exact_ball(float(times[row])))
            return rate(balls, spectral_bound(mixture, balls, balls.asarray([ball])))[0]

        return repaired(values, bound.rounding, tolerance(mixture.dimension) * np.abs(values), in_balls)

    return at_times(formula, t)


def at_times(formula: Any, t: Any, arithmetic: Arithmetic | None = None) -> Any:
    """Call `formula(arithmetic, times)` with `t` as an array of shape (T,); give the shape of `t` back."""
    arithmetic = arithmetic or arithmetic_of(t, fields=("t",))
    with arithmetic.undisturbed(), silent():
        times = check_times(arithmetic.read(t, "t"), arithmetic)
        shape = tuple(times.shape)
        result = arithmetic.eagerly(formula, arithmetic, times.reshape((-1,)))
        result = arithmetic.finish(result).reshape(shape)
    return result[()] if not shape and isinstance(result, np.ndarray) else result


def spectral_bound(mixture: GaussianMixture, arithmetic: Arithmetic, t: Any) -> SpectralBound:
    """The three numbers of the scheme above at times `t`, shape (T,). Raises `NoGlobalBound` (L8)."""
    check_bounded(mixture, arithmetic, t)
    m2, n2 = arithmetic.exp(-2 * t), -arithmetic.expm1(-2 * t)
    family = _family(mixture, arithmetic, m2, n2)
    q_min, q_max, spread = family[0].q_min, family[0].q_max, family[0].spread
    for entry in family[1:]:
        q_min = arithmetic.minimum(q_min, entry.q_min)
        q_max = arithmetic.maximum(q_max, entry.q_max)
        spread = arithmetic.maximum(spread, entry.spread)
    guarded = arithmetic.guarded and not family[0].matrix
    rounding = TERMS * (spread + arithmetic.maximum(abs(q_min), abs(q_max))) if guarded else None
    domination: Domination | None = None
    for i in range(len(family)):
        for j in range(i):
            if guarded:
                cross, error = _isotropic_cross_spread(mixture, arithmetic, family[i], family[j], m2)
                spread, rounding = spread + cross, rounding + error
            elif not family[i].matrix or is_ordered(mixture, family[i].group, family[j].group):
                spread = spread + _cross_spread(mixture, arithmetic, family[i], family[j], m2)
            else:
                domination = domination or Domination(mixture, arithmetic, family, m2, n2)
                spread = spread + domination.spread(family[i], family[j])
    return SpectralBound(q_min, q_max, spread, rounding)


def check_bounded(mixture: GaussianMixture, arithmetic: Arithmetic, t: Any) -> None:
    """Raise `NoGlobalBound` where no global bound exists (proofs/L8.md): a fact about the parameters, not the times."""
    if mixture.kind != "full" or mixture.is_symbolic or existence(mixture).finite:
        return
    found = obstruction(mixture, arithmetic.first(t) if len(t) else 1.0)
    assert found is not None
    raise NoGlobalBound(
        f"sup_x ||J(x, t)|| is infinite for {mixture.name!r}: {found.reason}; "
        f"growth is {found.growth} in |x|; use ball_bound(radius, t) instead",
        pair=found.pair,
        growth=found.growth,
        proved=True,
    )


def _family(mixture: GaussianMixture, arithmetic: Arithmetic, m2: Any, n2: Any) -> list[_GroupAt]:
    members = groups(mixture)
    if len(members) > MAX_GROUPS:
        raise InputError("mixture", f"{len(members)} different covariances", f"at most {MAX_GROUPS}, for this bound")
    return [_GroupAt(mixture, arithmetic, group, m2, n2) for group in members]


class _GroupAt:
    """A group of components of equal covariance at times `t`: extremes of `m^2 Q` and its own spread."""

    def __init__(self, mixture: GaussianMixture, arithmetic: Arithmetic, group: Group, m2: Any, n2: Any):
        self.group = group
        self.matrix = np.ndim(group.covariance) == 2
        members = np.array(group.indices)
        self.means = parameters(mixture, arithmetic).means[members]
        exact = group.exact
        self.dimension = mixture.dimension
        if not self.matrix:
            variance = arithmetic.numbers(exact)
            self.p = 1 / (variance * m2 + n2)
            terms, scale = mixture.kept[_complement_and_square, group]
            complement, rest = arithmetic.numbers(terms)
            self.q_min = self.q_max = m2 * self.p * complement
            pull = self.p * arithmetic.number(scale) if scale != 1 else self.p
            self.spread = m2 * pull * pull * rest
            return
        self.maps = arithmetic.maps(arithmetic.prepared(exact), m2, n2)
        low, high = arithmetic.covariance_range(exact)
        self.q_min = m2 * (1 - high) / (high * m2 + n2)  # (1 - l) / (l m^2 + 1 - m^2) decreases in l
        self.q_max = m2 * (1 - low) / (low * m2 + n2)
        self.spread = 0 * m2
        if len(members) > 1:
            pulls = self.maps.precision(self.means[None])  # (T, K, d)
            squares = [
                ((pulls[:, 1 + k :] - pulls[:, k : k + 1]) * (pulls[:, 1 + k :] - pulls[:, k : k + 1])).sum(-1)
                for k in range(len(members) - 1)
            ]
            largest = arithmetic.largest(squares[0])
            for part in squares[1:]:
                largest = arithmetic.maximum(largest, arithmetic.largest(part))
            self.spread = m2 * largest / 4


def _complement_and_square(mixture: GaussianMixture, group: Group) -> tuple[ExactArray, Fraction]:
    """`1 - s2` of an isotropic group and `D^2/4` of its means over `scale^2`, exact; and that power of two.

    `D^2` may be no float64 where the spread is one.
    """
    if len(group.indices) == mixture.n_components:
        square = mixture.diameter_squared
    else:
        square = exact_diameter_squared(ExactArray(mixture.exact_means.values[np.array(group.indices)]))
    scale = root_scale(square / 4)
    return ExactArray(np.array([1 - group.exact.fractions[()], square / 4 / scale**2], dtype=object)), scale


def _isotropic_gap(mixture: GaussianMixture, arithmetic: Arithmetic, narrow: _GroupAt, wide: _GroupAt, m2: Any) -> Any:
    """`p_narrow - p_wide = m^2 p_narrow p_wide (s2_wide - s2_narrow)`, without cancellation."""
    return m2 * narrow.p * wide.p * arithmetic.numbers(covariance_gap(mixture, wide.group, narrow.group))


def _cross_spread(mixture: GaussianMixture, arithmetic: Arithmetic, a: _GroupAt, b: _GroupAt, m2: Any) -> Any:
    """`sum kappa_ij / sinh(G_ij)` over the pairs with one component in each group (proofs/L7.md, L8)."""
    if mixture.is_symbolic:
        raise InputError("mixture", "symbolic covariances that differ", "numbers: this bound has no symbolic form")
    if not a.matrix:
        return _isotropic_cross_spread(mixture, arithmetic, a, b, m2)[0]
    first, _, _ = sorted_pair(mixture, a.group, b.group)
    narrow, wide = (a, b) if first is a.group else (b, a)
    kappa = arithmetic.eigenvalue_range(precision_gap(mixture, arithmetic, narrow, wide, m2))[1]
    log_det = narrow.maps.logdet - wide.maps.logdet
    _, constants = _pair_terms(mixture, arithmetic, narrow, wide)
    return kappa * peak(arithmetic, log_det[:, None] / 2 + constants[None]).sum(-1)


def _isotropic_cross_spread(
    mixture: GaussianMixture, arithmetic: Arithmetic, a: _GroupAt, b: _GroupAt, m2: Any
) -> tuple[Any, Any]:
    """The same sum for variances, and a bound of its rounding error in float64 (None elsewhere).

    An error `delta` of `Fmax` moves `1/sinh(G)` by at most `delta min(1/sinh(G), 1/2)`, to first order (proofs/L7.md).
    """
    narrow, wide = (a, b) if a.group.covariance < b.group.covariance else (b, a)
    kappa = _isotropic_gap(mixture, arithmetic, narrow, wide, m2)
    logs = arithmetic.log(narrow.p), arithmetic.log(wide.p)
    sizes, constants = _pair_terms(mixture, arithmetic, narrow, wide)
    peaks = peak(arithmetic, ((logs[0] - logs[1]) * mixture.dimension)[:, None] / 2 + constants[None])
    if not arithmetic.guarded:
        return kappa * peaks.sum(-1), None
    size = (np.abs(logs[0]) + np.abs(logs[1]))[:, None] * mixture.dimension + sizes[None]
    error = (np.minimum(peaks, 0.5) * size + peaks).sum(-1)
    return kappa * peaks.sum(-1), TERMS * kappa * error


def _pair_terms(mixture: GaussianMixture, arithmetic: Arithmetic, narrow: _GroupAt, wide: _GroupAt) -> tuple[Any, Any]:
    """What `Fmax` has beside the determinants, for each pair, and the sum of the sizes of its terms."""
    # kept with the mixture: a quadrature asks for them at every node
    shifts = arithmetic.numbers(mixture.kept[_pair_constants, narrow.group, wide.group])
    log_weights = parameters(mixture, arithmetic).log_weights
    left, right = log_weights[np.array(narrow.group.indices)], log_weights[np.array(wide.group.indices)]
    constants = (left[:, None] - right[None, :] + shifts / 2).reshape((-1,))
    return (abs(left)[:, None] + abs(right)[None, :] + shifts / 2).reshape((-1,)), constants


def _pair_constants(mixture: GaussianMixture, narrow: Group, wide: Group) -> ExactArray:
    """`Delta^T (Sigma_wide - Sigma_narrow)^+ Delta`, exact, shape (narrow, wide); it does not depend on t."""
    means = mixture.exact_means.fractions
    result = np.empty((len(narrow.indices), len(wide.indices)), dtype=object)
    if np.ndim(narrow.covariance) == 0:
        gap = wide.exact.fractions[()] - narrow.exact.fractions[()]
    else:
        _, _, matrix = sorted_pair(mixture, narrow, wide)
    for row, i in enumerate(narrow.indices):
        for column, j in enumerate(wide.indices):
            delta = means[i] - means[j]
            if np.ndim(narrow.covariance) == 0:
                result[row, column] = (delta * delta).sum() / gap
            else:
                result[row, column] = quadratic_pseudo_inverse(matrix, delta)
    return ExactArray(result)


def ball_bound(mixture: GaussianMixture, radius: Any, t: Any) -> Any:
    """`sup_{|x| <= R} ||J(x, t)||_2` is at most this, for every mixture (proofs/L8.md).

    `max(|q_max|, |q_min - d^2/4|)`, where `d = max_{k,l} (m^2 ||Q_k - Q_l||_2 R + m |P_k mu_k - P_l mu_l|)` bounds
    the diameter of the component velocities on the ball (Popoviciu along every direction). `radius` and `t` broadcast.
    """
    arithmetic = arithmetic_of(t, radius, fields=("t", "radius"))
    with arithmetic.undisturbed():
        size = check_times(arithmetic.read(radius, "radius"), arithmetic, "radius", "a finite radius > 0")
        size, times = arithmetic.broadcast(size, arithmetic.read(t, "t"), ("radius", "t"))

        def formula(arithmetic: Arithmetic, times: Any) -> Any:
            return _ball_bound(mixture, arithmetic, size.reshape((-1,)), times)

        return at_times(formula, times, arithmetic)


def _ball_bound(mixture: GaussianMixture, arithmetic: Arithmetic, radius: Any, t: Any) -> Any:
    """`ball_bound` of radii and times of shape (T,)."""
    m, m2, n2 = arithmetic.exp(-t), arithmetic.exp(-2 * t), -arithmetic.expm1(-2 * t)
    family = _family(mixture, arithmetic, m2, n2)
    q_min, q_max, spread = family[0].q_min, family[0].q_max, family[0].spread + 0 * radius
    for i, a in enumerate(family):
        q_min, q_max = arithmetic.minimum(q_min, a.q_min), arithmetic.maximum(q_max, a.q_max)
        spread = arithmetic.maximum(spread, a.spread)
        for b in family[:i]:
            slope, offset = _velocity_gap(mixture, arithmetic, a, b, m2)
            gap = slope * radius + m * offset
            spread = arithmetic.maximum(spread, gap * gap / 4)
    low = q_min - spread
    upper = arithmetic.maximum(q_max, -q_max)
    return arithmetic.maximum(upper, arithmetic.maximum(low, -low))


def _velocity_gap(
    mixture: GaussianMixture, arithmetic: Arithmetic, a: _GroupAt, b: _GroupAt, m2: Any
) -> tuple[Any, Any]:
    """`||P_a - P_b||_2` (`= m^2 ||Q_a - Q_b||_2`) and `max |P_a mu_k - P_b mu_l|`."""
    if a.matrix:
        low, high = arithmetic.eigenvalue_range(precision_gap(mixture, arithmetic, a, b, m2))
        slope = arithmetic.maximum(high, -low)
        left, right = a.maps.precision(a.means[None]), b.maps.precision(b.means[None])
    else:
        gap = _isotropic_gap(mixture, arithmetic, a, b, m2)
        slope = arithmetic.maximum(gap, -gap)
        left, right = a.p[:, None, None] * a.means, b.p[:, None, None] * b.means
    gaps = left[:, :, None, :] - right[:, None, :, :]
    squares = (gaps * gaps).sum(-1)
    return slope, arithmetic.sqrt(arithmetic.largest(squares.reshape((squares.shape[0], -1))))


def outside_probability(mixture: GaussianMixture, radius: Any, t: Any) -> float:
    """Upper bound of `P(|X_t| > R)`: `sum_k w_k P(chi^2_d > ((R - m |mu_k|)_+)^2 / lambda_max(C_k))`, float64.

    It is never 0: where float64 has no number so small, it is the smallest normal one.
    """
    from scipy.stats import chi2

    size = real_number(radius, "radius", "a finite radius > 0", lambda r: 0 < r < math.inf)
    time = real_number(t, "t", "a finite time > 0", lambda s: 0 < s < math.inf)
    m, m2 = np.exp(-time), np.exp(-2 * time)
    if mixture.kind == "full":
        top: Any = np.linalg.eigvalsh(mixture.covariances)[:, -1]
    else:
        top = mixture.covariances if mixture.kind == "isotropic" else largest_variance(mixture)
    with silent():
        room = np.maximum(size - m * _norms(mixture.means), 0)
        squares = (room / np.sqrt(top * m2 - np.expm1(-2 * time))) ** 2
    tails = chi2.sf(squares, mixture.dimension)
    return float(min(1.0, max(mixture.weights @ tails, np.finfo(float).tiny)))


def _norms(means: Floats) -> Floats:
    """`|mu_k|`, infinite only where that is beyond float64: a power of two is taken out of the squares."""
    power = np.frexp(np.abs(means).max())[1]
    norms: Floats = np.ldexp(np.linalg.norm(np.ldexp(means, -power), axis=1), power)
    return norms

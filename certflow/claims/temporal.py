"""Checks of the flow map's stability: F1 (pairs of trajectories), F2, F4 and G2 (closed forms), F3 (tightness)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from certflow.bounds.existence import existence
from certflow.claims.check import Agreement, Context, Finding, OutOfReach, only
from certflow.claims.digits import mp
from certflow.claims.model import Outcome
from certflow.claims.precise import GUARD_DIGITS, LOST_DIGITS, root
from certflow.claims.reference import exact_mpf
from certflow.claims.sampling import marginal_points, tie_points, witness
from certflow.law.mixture import GaussianMixture
from certflow.law.symmetry import is_equal_pair
from certflow.numbers.numerals import exponential

#: Largest `int lambda` along which the variational equation is integrated in mpmath.
MOST_GROWTH = 1000


class CommonConstants:
    """`c = 1 - sigma^2`, `D^2`, `v`, `lambda` and `L` of a common isotropic variance, written out in mp."""

    def __init__(self, mixture: GaussianMixture):
        self.variance = exact_mpf(mixture.exact_covariances.fractions[()])
        self.c = 1 - self.variance
        self.square = exact_mpf(mixture.diameter_squared)

    def terms(self, t: Any) -> tuple[Any, Any]:
        """`1/v - 1 = c m^2/v` (which keeps its digits at late times) and `m^2 D^2/(4 v^2)` at `t`, `v = 1 - c m^2`."""
        m2 = mp.exp(-2 * t)
        precision = 1 / (1 - self.c * m2)
        return self.c * m2 * precision, m2 * self.square / 4 * precision**2

    def growth_rate(self, t: Any) -> Any:
        """`lambda = 1 - 1/v + m^2 D^2/(4 v^2)`."""
        slope, spread = self.terms(t)
        return spread - slope

    def lipschitz(self, t: Any) -> Any:
        """`L = max(|1/v - 1|, |1/v - 1 - m^2 D^2/(4 v^2)|)`."""
        slope, spread = self.terms(t)
        return max(abs(slope), abs(slope - spread))

    def crossing(self, s: Any, t: Any) -> list[Any]:
        """The ends of [s, t] with the time between them where the two terms of L are equal, if any."""

        def gap(y: Any) -> Any:
            slope, spread = self.terms(y)
            return abs(slope - spread) - abs(slope)

        if mp.sign(gap(s)) == mp.sign(gap(t)):
            return [s, t]
        return [s, root(gap, (s, t), mp.mpf(10) ** (-mp.dps)), t]


def closed_integral(context: Context, name: str) -> Finding:
    """F2: the closed forms of `int lambda` and `int L` against mpmath's quadrature of the rates written out."""
    rng = context.rng(name)
    digits = context.digits
    agreement = Agreement(digits, digits - 2 * LOST_DIGITS)
    low, high = np.log(context.process.t_min), np.log(context.process.t_max)
    with mp.workdps(digits + GUARD_DIGITS):
        constants = CommonConstants(context.mixture)
        intervals = [
            (low, high),
            *(sorted(rng.uniform(low, high, 2)) for _ in range(context.profile.times // 2)),
        ]
        for a, b in intervals:
            s, t = mp.mpf(float(np.exp(a))), mp.mpf(float(np.exp(b)))
            where = {"s": mp.nstr(s, 30), "t": mp.nstr(t, 30)}
            for rate, integrand in (("one-sided", constants.growth_rate), ("two-sided", constants.lipschitz)):
                nodes = _nodes(constants.crossing(s, t) if rate == "two-sided" else [s, t])
                expected = _quadrature(integrand, nodes)
                agreement.compare([context.process.stability(s, t, rate)], [expected], {**where, "rate": rate})
    scope = f"this mixture, {len(intervals)} intervals of time, both rates, {digits} digits"
    return agreement.finding("closed form of the integrated rate", scope)


def _nodes(ends: list[Any]) -> list[Any]:
    """Break points at most a factor e^{1/2} apart, so that quadrature meets a smooth integrand."""
    nodes = [ends[0]]
    for left, right in pairwise(ends):
        pieces = max(1, int(mp.ceil(2 * mp.log(right / left))))
        nodes += [left * (right / left) ** (mp.mpf(k) / pieces) for k in range(1, pieces + 1)]
    return nodes


def late_amplification(context: Context, name: str) -> Finding:
    """F4: as `delta -> 0` and `T -> infinity` the factor is `sigma exp(D^2/(8 sigma^2))`; this and smaller sigma."""
    digits = context.digits
    agreement = Agreement(digits, digits - 2 * LOST_DIGITS)
    mixture = context.mixture
    with mp.workdps(digits + GUARD_DIGITS):
        for factor in (1, 4, 25):
            variance = mixture.exact_covariances.fractions[()] / factor
            process = context.remake(
                GaussianMixture(mixture.exact_weights.values, mixture.exact_means.values, variance)
            )
            start = mp.mpf(10) ** (-2 * digits) * exact_mpf(variance) ** 2
            found = process.amplification(start, mp.mpf(2 * digits))
            expected = mp.sqrt(exact_mpf(variance)) * mp.exp(
                exact_mpf(mixture.diameter_squared) / (8 * exact_mpf(variance))
            )
            agreement.compare([mp.log(found)], [mp.log(expected)], {"sigma^2": str(variance)})
    scope = f"this mixture and the same with its variance divided by 4 and 25, {digits} digits (of the exponent)"
    return agreement.finding("amplification over the whole process", scope)


def grows_at_data_end(mixture: GaussianMixture) -> str | None:
    """G2 is checked on the branch where `lambda > 0` at the data end; it needs a common variance and `D > 0`."""
    other = only("common-isotropic")(mixture)
    if other is not None:
        return other
    if mixture.diameter_squared == 0:
        return "stated for means that differ, D > 0"
    variance = mixture.exact_covariances.fractions[()]
    if not mixture.diameter_squared > 4 * (1 - variance) * variance:
        return OutOfReach("lambda is not positive at the data end, and only the branch where it is positive is checked")
    return None


def lambert_inverse(context: Context, name: str) -> Finding:
    """G2: the time by Lambert W, put back into a quadrature of lambda written out."""
    digits = context.digits
    agreement = Agreement(digits, digits - 2 * LOST_DIGITS)
    with mp.workdps(digits + GUARD_DIGITS):
        constants = CommonConstants(context.mixture)
        s = exact_mpf(context.process.exact_t_min)
        end = exact_mpf(context.process.exact_t_max)
        if constants.growth_rate(s) <= 0:
            reason = f"lambda(t_min) <= 0 at t_min = {context.process.t_min:g}; it is checked where lambda is positive"
            return Finding(Outcome.NOT_CHECKED, reason, "this mixture and interval")
        if constants.growth_rate(end) <= 0:
            end = root(constants.growth_rate, (s, end), mp.mpf(10) ** (-mp.dps))
        total = _quadrature(constants.growth_rate, _nodes([s, end]))
        reached, last = mp.mpf(0), s
        for k in range(1, context.profile.times):
            target = total * k / context.profile.times
            t = context.process.time_at_stability(target, s)
            reached, last = reached + _quadrature(constants.growth_rate, _nodes([last, t])), t
            agreement.compare([reached], [target], {"value": mp.nstr(target, 30)})
    scope = f"this mixture, {agreement.count} values of the integral, {digits} digits"
    return agreement.finding("integral of lambda up to the Lambert-W time", scope)


def _quadrature(rate: Callable[[Any], Any], nodes: list[Any]) -> Any:
    """mpmath's quadrature of a rate over the nodes, in `log t`."""

    def integrand(y: Any) -> Any:
        t = mp.exp(y)
        return rate(t) * t

    return mp.quad(integrand, [mp.log(n) for n in nodes])


def has_bound(mixture: GaussianMixture) -> str | None:
    """F1 needs a finite rate."""
    if mixture.kind != "full" or existence(mixture).finite:
        return None
    return "no global growth rate exists for this mixture (L8)"


def pair_stability(context: Context, name: str) -> Finding:
    """F1: `exp(int (1 - 1/v)) |x-y| <= |Phi x - Phi y| <= exp(int lambda) |x-y| <= exp(int L) |x-y|` on pairs.

    Upper bounds are compared in logarithms, since the factors pass the largest float64 long before their exponents do.
    """
    process, rng = context.process, context.rng(name)
    count = context.profile.flow_pairs
    middle = float(np.sqrt(process.t_min * process.t_max))
    intervals = [(process.t_max, process.t_min), (middle, process.t_min), (process.t_max, middle)]
    scope = f"this mixture, {count} pairs of points in each of {len(intervals)} intervals of time, half near ties"
    grown: list[_Growth] = []
    worst, where = -np.inf, None
    lower_worst = np.inf
    for start, end in intervals:
        times = np.full(count, start)
        x = np.where(
            np.arange(count)[:, None] % 2 == 0,
            tie_points(process, times, rng),
            marginal_points(process, times, rng),
        )
        y = x + _directions(context, rng, count) * 10 ** rng.uniform(-5, 0, size=(count, 1))
        images = process.flow(np.concatenate([x, y]), start, end, rtol=1e-11)
        before = np.linalg.norm(x - y, axis=1)
        after = np.linalg.norm(images[:count] - images[count:], axis=1)
        one, two = (float(process.stability(end, start, rate)) for rate in ("one-sided", "two-sided"))
        if not np.isfinite(after).all() or not np.isfinite([one, two]).all():
            return Finding(Outcome.INCONCLUSIVE, "flow map or integrated rate: not a finite number", scope)
        # An error of 1e-10 in each image, relative to the largest, moves the ratio by 2e-10 / |x - y| or so.
        slack = 2e-10 * (1 + np.linalg.norm(images, axis=1).max())
        with np.errstate(divide="ignore"):  # a distance within the error of the flow has grown by nothing for sure
            logs = np.log(np.maximum(after - slack, 0)) - np.log(before)
        k = int(np.argmax(logs))
        grown.append(_Growth(float(logs[k]), one, two, start, end))
        excess = max(float(logs[k]) - min(_exponents(process, end, start, one, two)), one - two - 1e-9 * (1 + abs(two)))
        if excess > worst:
            worst = excess
            where = {**witness(x[k], start), "y": [float(c).hex() for c in y[k]], "t_to": end.hex()}
        if context.mixture.kind == "common-isotropic":
            shrink = _contraction(context, end, start)
            lower = (after + slack) / before / shrink
            if lower.min() < lower_worst:
                lower_worst = float(lower.min())
                low = int(np.argmin(lower))
                low_where = {
                    **witness(x[low], start),
                    "y": [float(c).hex() for c in y[low]],
                    "t_to": end.hex(),
                }
    largest = max(grown, key=lambda growth: growth.log)
    numbers: dict[str, Any] = {"pairs": count * len(intervals), **largest.numbers()}
    if worst > 0:
        return Finding(
            Outcome.VIOLATED, f"growth exceeds the bound, by a factor {exponential(worst)}", scope, numbers, where
        )
    if lower_worst < 1:
        return Finding(
            Outcome.VIOLATED,
            f"contraction below the lower bound, ratio {lower_worst:.6g}",
            scope,
            numbers,
            low_where,
        )
    if not np.isfinite(largest.log):
        return Finding(Outcome.INCONCLUSIVE, "every distance is within the error of the flow map", scope, numbers)
    return Finding(Outcome.HOLDS, largest.text(), scope, numbers)


@dataclass(frozen=True)
class _Growth:
    """The largest growth of a sampled pair over one interval of time, and the bounds over the same: logarithms."""

    log: float
    one_sided: float
    two_sided: float
    start: float
    end: float

    def text(self) -> str:
        return (
            f"largest growth on sampled pairs {exponential(self.log)}, from t = {self.start:.4g} to {self.end:.4g}, "
            f"where the bound exp(int lambda) is {exponential(self.one_sided)}"
        )

    def numbers(self) -> dict[str, Any]:
        return {
            "largest_measured_growth": exponential(self.log),
            "its_bound_exp_int_lambda": exponential(self.one_sided),
            "its_bound_exp_int_L": exponential(self.two_sided),
            "from_t_to_t": [f"{self.start:.6g}", f"{self.end:.6g}"],
        }


def _exponents(process: Any, s: float, t: float, *integrals: float) -> list[float]:
    """The integrated rates, and the logarithms of the amplification where that is a finite number."""
    factors = [float(process.amplification(s, t, rate)) for rate in ("one-sided", "two-sided")]
    return [*integrals, *(float(np.log(factor)) for factor in factors if 0 < factor < np.inf)]


def _directions(context: Context, rng: np.random.Generator, count: int) -> np.ndarray:
    """Unit vectors: half random, half along the difference of two random means (where growth is worst)."""
    means = context.mixture.means
    steps = rng.standard_normal((count, means.shape[1]))
    pairs = rng.integers(len(means), size=(count, 2))
    along = means[pairs[:, 0]] - means[pairs[:, 1]]
    use = (np.linalg.norm(along, axis=1) > 0) & (np.arange(count) % 4 < 2)
    steps[use] = along[use]
    return steps / np.linalg.norm(steps, axis=1, keepdims=True)


def _contraction(context: Context, s: float, t: float) -> float:
    """`exp(int_s^t (1 - 1/v)) = sqrt(v_s / v_t)`, written out."""
    variance = float(context.mixture.covariances)
    v_s, v_t = (variance * np.exp(-2 * y) - np.expm1(-2 * y) for y in (s, t))
    return float(np.sqrt(v_s / v_t))


def is_symmetric_pair(mixture: GaussianMixture) -> str | None:
    """F3 applies to two equal-weight components of common isotropic variance."""
    if is_equal_pair(mixture):
        return None
    weights, means = mixture.exact_weights.fractions, mixture.exact_means.fractions
    if len(weights) == 2 and weights[0] == weights[1] and (means[0] != means[1]).any():
        other = only("common-isotropic")(mixture)
        if isinstance(other, OutOfReach):
            return other
    return "stated for two different equal-weight modes of common isotropic variance"


def separatrix_derivative(context: Context, name: str) -> Finding:
    """F3: across the midway hyperplane `|D Phi n| = exp(int lambda)`, by the variational equation."""
    from certflow.flow.reference import flow_with_derivative

    process = context.process
    expected = float(process.stability(process.t_min, process.t_max))
    if not expected <= MOST_GROWTH:
        summary = f"int lambda = {expected:.3g}: a flow in mpmath takes minutes and more beyond {MOST_GROWTH}"
        return Finding(Outcome.INCONCLUSIVE, summary, "this mixture, t_max to t_min")
    digits = min(context.digits, 30)  # a flow in mpmath: seconds at 30 digits, minutes at 100
    agreement = Agreement(digits, digits - 10)
    with mp.workdps(digits + 5):
        means = context.mixture.exact_means.fractions
        axis = [exact_mpf(a - b) for a, b in zip(means[0], means[1], strict=True)]
        middle = [exact_mpf(a + b) / 2 for a, b in zip(means[0], means[1], strict=True)]
        norm = mp.sqrt(mp.fdot(axis, axis))
        for start, end in ((context.process.exact_t_max, context.process.exact_t_min),):
            t, s = exact_mpf(start), exact_mpf(end)
            x = np.array([mp.exp(-t) * c for c in middle], dtype=object)
            _, derivative = flow_with_derivative(context.process, x, t, s)
            image = [mp.fdot(row, axis) / norm for row in derivative]
            growth = mp.sqrt(mp.fdot(image, image))
            agreement.compare([context.process.amplification(s, t, "one-sided")], [growth], witness(x, t))
    scope = f"this mixture, the midpoint of the noised means, t_max to t_min, {digits} digits"
    return agreement.finding("derivative of the flow map across the separatrix", scope)
